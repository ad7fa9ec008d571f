"""Colleagues: whom to invite, and what they may do."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length

from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import stripped
from app.dashboard.locale import LANGUAGES
from app.identity.roles import Role
from app.identity.users import MAX_NAME

ROLES = {
    Role.SUPPORT: _l("Support: answers questions, reviews and suspends; touches no money"),
    Role.FINANCE: _l("Finance: support, and payout runs, bank and books"),
    Role.OWNER: _l("Owner: everything, also rates, people and API keys"),
    Role.AUDITOR: _l("Auditor: sees everything, changes nothing"),
}
"""What each role may do, in a line."""


def _role_field() -> SelectField:
    return SelectField(
        _l("What they may do"), choices=[SelectChoice(role.value, words) for role, words in ROLES.items()]
    )


class InviteForm(AgainForm):
    """Somebody new. Asked again: whoever finds a browser open would have an account, and a password, of their own."""

    email = StringField(
        _l("E-mail address"),
        filters=[stripped],
        description=_l("They log in with it. A link to choose a password is mailed there."),
        validators=[DataRequired(_l("Please fill in an e-mail address."))],
        render_kw={"type": "email", "maxlength": 254, "autocomplete": "off", "spellcheck": "false"},
    )
    name = StringField(
        _l("Name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill in a name.")), Length(max=MAX_NAME)],
        render_kw={"maxlength": MAX_NAME, "autocomplete": "off"},
    )
    role = _role_field()
    locale = SelectField(
        _l("Language"), choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()]
    )


class RoleForm(AgainForm):
    """Another role."""

    role = _role_field()
