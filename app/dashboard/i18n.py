"""Words in the reader's language: Flask-Babel's functions with types, so that a sentence is a ``str``."""

from __future__ import annotations

from flask_babel import gettext as _gettext
from flask_babel import ngettext as _ngettext


def _(text: str, /, **values: object) -> str:
    """The sentence in the reader's language, with ``%(name)s`` filled in."""
    return str(_gettext(text, **values))


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The sentence for ``num`` of something; ``%(num)s`` is the number."""
    return str(_ngettext(one, many, num, **values))
