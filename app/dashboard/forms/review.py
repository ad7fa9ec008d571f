"""The form that decides several reviews at once."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from wtforms import Field, StringField
from wtforms.validators import AnyOf, DataRequired

from app.dashboard.forms.staff import ReasonForm

_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Decision(StrEnum):
    """What staff say about a commission that was held or noted."""

    RELEASE = "release"
    REJECT = "reject"
    ASIDE = "aside"


class _Numbers(Field):
    """Ticked boxes of one name, as whole numbers; anything else is left out."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [int(value) for value in valuelist if _NUMBER.fullmatch(value)]


class DecideManyForm(ReasonForm):
    """``hold`` are the ticked holds by number."""

    holds = _Numbers(validators=[DataRequired(_l("Please tick at least one."))], name="hold")
    decision = StringField(validators=[AnyOf([Decision.RELEASE, Decision.REJECT])])
