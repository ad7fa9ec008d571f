"""How a programme looks and which sites may frame it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.dashboard.forms.base import stripped
from app.dashboard.forms.pictures import PictureField
from app.shopfront.looks import MAX_NAME

_TOO_LONG = _l("At most 80 characters.")
_COLOUR = {"maxlength": 7, "autocomplete": "off", "spellcheck": "false", "placeholder": "#0e5a3e"}
_ADDRESS = {"type": "email", "maxlength": 254, "autocomplete": "off", "spellcheck": "false"}


class LookForm(FlaskForm):
    """Everything may be left empty: then it stays as Refledger is."""

    brand = StringField(
        _l("Name"),
        filters=[stripped],
        description=_l("Stands at the top of every page, in place of Refledger."),
        validators=[Optional(), Length(max=MAX_NAME, message=_TOO_LONG)],
        render_kw={"maxlength": MAX_NAME, "autocomplete": "organization"},
    )
    logo = PictureField(
        _l("Logo"),
        description=_l("PNG, JPEG, WebP or GIF, at most 256 kB. It is shown 32 pixels high."),
    )
    no_logo = BooleanField(_l("Show no logo"))
    accent_light = StringField(
        _l("Colour on a light ground"),
        filters=[stripped],
        description=_l("Of links and buttons, like #0e5a3e. It is checked to be readable."),
        validators=[Optional()],
        render_kw=_COLOUR,
    )
    accent_dark = StringField(
        _l("Colour on a dark ground"),
        filters=[stripped],
        validators=[Optional()],
        render_kw={**_COLOUR, "placeholder": "#6ccba1"},
    )
    mail_name = StringField(
        _l("Sender of mails"),
        filters=[stripped],
        validators=[Optional(), Length(max=MAX_NAME, message=_TOO_LONG)],
        render_kw={"maxlength": MAX_NAME, "autocomplete": "off"},
    )
    mail_from = StringField(
        _l("Address of the sender"),
        filters=[stripped],
        description=_l("Your mail server must be allowed to send for this address (SPF, DKIM)."),
        validators=[Optional()],
        render_kw=_ADDRESS,
    )
    mail_reply_to = StringField(
        _l("Answers go to"), filters=[stripped], validators=[Optional()], render_kw=_ADDRESS
    )
    frame_hosts = TextAreaField(
        _l("Sites that may show these pages in a frame"),
        filters=[stripped],
        description=_l("One a line, such as shop.example. No other site can."),
        validators=[Optional(), Length(max=5000)],
        render_kw={"rows": 3, "spellcheck": "false", "autocapitalize": "none"},
    )
