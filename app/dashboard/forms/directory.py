"""What partners, visitors and customers write in the directory. The rules are in ``app/directory/domain/``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    EmailField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from app.dashboard.forms.base import stripped, text
from app.dashboard.i18n import _
from app.directory import ratings
from app.directory.domain import profile as rules
from app.directory.domain.profile import CASES, Case, Content
from app.directory.domain.states import ReportedPart
from app.directory.domain.texts import UnfitText
from app.directory.domain.website import UnfitWebsite
from app.directory.keeping import EXPERTISE
from app.directory.models import REASON

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString

    from app.kernel.errors import InvalidInput

MESSAGE: Final = 2_000
SENDER: Final = 80
_TRAP: Final = "company_size"
"""A field that people do not see: whoever fills it in is a program."""


def unified(value: str | None) -> str | None:
    """Line breaks as one character, as a browser counts them."""
    return value.replace("\r\n", "\n") if value else value


def _line(
    label: LazyString, most: int, *, help_text: LazyString | str = "", needed: bool = True
) -> StringField:
    return StringField(
        label,
        filters=[stripped],
        description=help_text,
        validators=[*_needed(needed), Length(max=most, message=_at_most(most))],
        render_kw={"maxlength": most, "dir": "auto", "autocomplete": "off"},
    )


def _area(
    label: LazyString, most: int, rows: int, *, help_text: LazyString | str = "", needed: bool = True
) -> TextAreaField:
    return TextAreaField(
        label,
        filters=[unified, stripped],
        description=help_text,
        validators=[*_needed(needed), Length(max=most, message=_at_most(most))],
        render_kw={"maxlength": most, "rows": rows, "dir": "auto"},
    )


def _needed(needed: bool) -> list[Any]:  # noqa: FBT001 - the one thing it asks
    return [DataRequired(_l("Please fill this in."))] if needed else [Optional()]


def _at_most(most: int) -> LazyString:
    return _l("At most %(most)s characters.", most=most)


class ProfileForm(FlaskForm):
    """A partner's profile. Its choices are set by the view: they depend on the programme and the language."""

    name = _line(_l("Name"), rules.NAME, help_text=_l("As customers know you."))
    tagline = _line(
        _l("In one sentence"), rules.TAGLINE, help_text=_l("It stands in the list, below your name.")
    )
    about = _area(
        _l("About you"), rules.ABOUT, 8, help_text=_l("Plain text. An empty line begins a paragraph.")
    )
    expertise = SelectMultipleField(_l("What you are good at"), coerce=int)
    languages = SelectMultipleField(_l("Languages in which you help"))
    country = SelectField(_l("Country"))
    price_band = SelectField(_l("Your prices"))
    prices = _area(
        _l("What it costs (optional)"),
        rules.PRICES,
        3,
        help_text=_l("For example an hourly rate, or a fixed price for a start."),
        needed=False,
    )
    website = _line(
        _l("Website (optional)"),
        200,
        help_text=_l("An https address, such as https://studio.example."),
        needed=False,
    )
    case_1_title = _line(_l("First case (optional)"), rules.CASE_TITLE, needed=False)
    case_1_text = _area(_l("What you did"), rules.CASE_TEXT, 3, needed=False)
    case_2_title = _line(_l("Second case (optional)"), rules.CASE_TITLE, needed=False)
    case_2_text = _area(_l("What you did"), rules.CASE_TEXT, 3, needed=False)
    case_3_title = _line(_l("Third case (optional)"), rules.CASE_TITLE, needed=False)
    case_3_text = _area(_l("What you did"), rules.CASE_TEXT, 3, needed=False)

    def fill(self, content: Content) -> None:
        """Show what was written before."""
        for name, value in content.dump().items():
            if name != "cases":
                self[name].process_data(value)
        for place, case in enumerate(content.cases, 1):
            self[f"case_{place}_title"].process_data(case.title)
            self[f"case_{place}_text"].process_data(case.text)

    def content(self) -> Content:
        """What was written."""
        lines = {
            name: text(self[name]) for name in ("name", "tagline", "about", "prices", "website", "price_band")
        }
        return Content(
            **lines,
            country=text(self.country),
            expertise=tuple(self.expertise.data or ()),
            languages=tuple(self.languages.data or ()),
            cases=tuple(self._case(place) for place in self._written()),
        )

    def field_of(self, pointer: str) -> str:
        """The name of the field that a refusal points at."""
        match pointer.strip("/").split("/"):
            case ["cases", number, part]:
                return f"case_{self._written()[int(number)]}_{part}"
            case [name]:
                return name
            case _:
                return ""

    def _written(self) -> list[int]:
        return [
            place
            for place in range(1, CASES + 1)
            if text(self[f"case_{place}_title"]) or text(self[f"case_{place}_text"])
        ]

    def _case(self, place: int) -> Case:
        return Case(text(self[f"case_{place}_title"]), text(self[f"case_{place}_text"]))


class MessageForm(FlaskForm):
    """A visitor's message to a partner, with a field that only programs fill in."""

    name = StringField(
        _l("Your name"),
        filters=[stripped],
        validators=[DataRequired(_l("Please fill this in.")), Length(max=SENDER, message=_at_most(SENDER))],
        render_kw={"maxlength": SENDER, "autocomplete": "name", "dir": "auto"},
    )
    email = EmailField(
        _l("Your e-mail address"),
        filters=[stripped],
        description=_l("The partner answers to it."),
        validators=[DataRequired(_l("Please fill in an e-mail address.")), Length(max=254)],
        render_kw={"maxlength": 254, "autocomplete": "email", "spellcheck": "false"},
    )
    message = _area(_l("Your message"), MESSAGE, 6)
    company_size = StringField(render_kw={"tabindex": -1, "autocomplete": "off"})

    @property
    def is_trapped(self) -> bool:
        """Whether a program filled in what nobody sees."""
        return bool(self[_TRAP].data)


class RatingForm(FlaskForm):
    """What a customer says of a partner."""

    stars = RadioField(
        _l("How many stars?"), coerce=int, validators=[InputRequired(_l("Please choose one to five stars."))]
    )
    words = _area(
        _l("What did they do for you?"),
        ratings.WORDS,
        5,
        help_text=_l("Everybody can read this. Please name nobody who does not want to be named."),
    )
    signature = _line(
        _l("Shown with the name (optional)"),
        ratings.SIGNATURE,
        help_text=_l("Your own or your company's. Without it: a customer."),
        needed=False,
    )


class ReportForm(FlaskForm):
    """What is wrong with a rating or its answer."""

    part = RadioField(_l("What is it about?"), default=ReportedPart.RATING.value)
    reason = _area(
        _l("What is wrong with it?"),
        REASON,
        4,
        help_text=_l("Staff of the programme read this. Who you are is not kept."),
    )
    company_size = StringField(render_kw={"tabindex": -1, "autocomplete": "off"})

    @property
    def is_trapped(self) -> bool:
        """Whether a program filled in what nobody sees."""
        return bool(self[_TRAP].data)


class PublicAnswerForm(FlaskForm):
    """A partner's answer to a rating; empty takes it back."""

    answer = _area(
        _l("Your answer"),
        ratings.ANSWER,
        3,
        help_text=_l("Everybody can read it below the rating. Empty takes it back."),
        needed=False,
    )


class ExpertiseForm(FlaskForm):
    """Something that partners can be good at, in the three languages of the pages."""

    name_en = _line(_l("English"), EXPERTISE)
    name_nl = _line(_l("Dutch"), EXPERTISE)
    name_de = _line(_l("German"), EXPERTISE)


class RevisionForm(FlaskForm):
    """Which version staff read."""

    revision = IntegerField(validators=[InputRequired()])


def refusal(error: InvalidInput) -> str:
    """What the reader is told beside the field that the rules refused."""
    if isinstance(error, UnfitWebsite):
        return _("Only an https address without a port, such as https://studio.example.")
    if isinstance(error, UnfitText):
        return _("Please write something that can be read here.")
    return _("Please choose from the list.")
