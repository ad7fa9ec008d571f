"""What staff offer to advertise with: banners and texts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileRequired
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length, Optional

from app.dashboard.forms.base import stripped
from app.dashboard.forms.pictures import PictureField
from app.dashboard.locale import LANGUAGES
from app.promo.assets import MAX_TITLE, MAX_WORDS


class AssetForm(FlaskForm):
    """What banners and texts have in common."""

    locale = SelectField(
        _l("In which language"), choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()]
    )
    to = StringField(
        _l("Target page (optional)"),
        filters=[stripped],
        description=_l("A path such as /pricing, or an https address of the shop."),
        validators=[Optional(), Length(max=2000)],
        render_kw={"autocomplete": "off", "maxlength": 2000, "autocapitalize": "none", "spellcheck": "false"},
    )


class BannerForm(AssetForm):
    """A picture with the words that stand for it."""

    picture = PictureField(
        _l("Picture"),
        description=_l("PNG, JPEG, WebP or GIF; at most 2 MB and 4096 pixels wide or high."),
        validators=[FileRequired(_l("Please choose a picture."))],
    )
    title = StringField(
        _l("What the picture says"),
        filters=[stripped],
        description=_l("Read out, and shown where the picture cannot be seen."),
        validators=[
            DataRequired(_l("Please say what the picture says.")),
            Length(max=MAX_TITLE, message=_l("At most 200 characters.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": MAX_TITLE},
    )


class TextForm(AssetForm):
    """Words with a place for the link."""

    title = StringField(
        _l("What it is for"),
        filters=[stripped],
        description=_l("For example: a line in a newsletter."),
        validators=[
            DataRequired(_l("Please say what it is for.")),
            Length(max=MAX_TITLE, message=_l("At most 200 characters.")),
        ],
        render_kw={"autocomplete": "off", "maxlength": MAX_TITLE},
    )
    words = TextAreaField(
        _l("Text"),
        filters=[stripped],
        description=_l("Write {link} where the referrer's link goes; without it the link follows the text."),
        validators=[
            DataRequired(_l("Please write the text.")),
            Length(max=MAX_WORDS, message=_l("At most 2,000 characters.")),
        ],
        render_kw={"maxlength": MAX_WORDS, "rows": 6},
    )
