"""What lists are searched by. Each form is sent by GET and changes nothing, so it needs no token."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import Length, Optional, ValidationError

from app.dashboard.forms.base import stripped
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.kernel.clock import day_start
from app.referrals.queries import staff as queries
from app.referrals.queries.lists import Between, CommissionState
from app.referrals.words import OrderStatus, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_babel.speaklater import LazyString
    from sqlalchemy.orm import Session
    from wtforms import Field

    from app.dashboard.components import Status
    from app.referrals.models import Program

E = TypeVar("E", bound=StrEnum)
_DAYS: Final = date(2000, 1, 1), date(2099, 12, 31)
_LONGEST: Final = 254


def _is_a_day_of_ours(_form: FlaskForm, field: Field) -> None:
    if field.data and not _DAYS[0] <= field.data <= _DAYS[1]:
        raise ValidationError(_("Choose a day from 2000 to 2099."))


def _is_text(_form: FlaskForm, field: Field) -> None:
    if "\0" in (field.data or ""):
        raise ValidationError(_("This cannot be searched for."))


def _text(label: LazyString, name: str) -> StringField:
    length = Length(max=_LONGEST, message=_l("At most 254 characters."))
    return StringField(
        label,
        name=name,
        filters=[stripped],
        validators=[length, _is_text],
        render_kw={"autocomplete": "off"},
    )


def _day(label: LazyString, name: str) -> DateField:
    return DateField(label, name=name, validators=[Optional(), _is_a_day_of_ours])


def _choice(label: LazyString, name: str) -> SelectField:
    """One of a few, or all; :meth:`ListForm.offer` fills it."""
    return SelectField(label, name=name, choices=[], default="")


class ListForm(FlaskForm):
    """What every list's search shares. Fields that a list does not declare are not there."""

    class Meta:
        """It only asks."""

        csrf = False

    states: ClassVar[tuple[type[StrEnum], Callable[[Any], Status]] | None] = None
    """What ``state`` offers: the members, and the word for each."""

    program: Program
    referrer_id: int | None = None
    """The referrer that was asked for; known once the form fits."""

    def offer(self, session: Session, program: Program) -> None:
        """Fill the choices that the programme makes."""
        self.program = program
        everything = SelectChoice("", _("all"))
        if "product" in self._fields:
            rows = queries.products(session, program.id)
            self["product"].choices = [everything, *(SelectChoice(str(key), name) for key, name in rows)]
        if self.states is not None:
            members, word = self.states
            self["state"].choices = [
                everything,
                *(SelectChoice(each.value, word(each).word) for each in members),
            ]

    def fits(self, session: Session) -> bool:
        """Whether everything that was asked for can be searched; what cannot says so beside its field."""
        good = self.validate()
        return all([good, self._days_fit(), self._referrer_fits(session)])

    def _days_fit(self) -> bool:
        first, last = self._of("first"), self._of("last")
        if first and last and last < first:
            self["last"].errors = [_("This day lies before the first one.")]
            return False
        return True

    def _referrer_fits(self, session: Session) -> bool:
        code = self._of("referrer")
        if not code or self["referrer"].errors:
            return True
        found = queries.referrer_by_code(session, self.program.id, code.lower())
        if found is None:
            self["referrer"].errors = [_("There is no referrer with this code.")]
            return False
        self.referrer_id = found.id
        return True

    def _of(self, name: str) -> Any:  # noqa: ANN401 - what its field holds
        return self[name].data if name in self._fields else None

    @property
    def between(self) -> Between:
        """The days, as instants of the programme's time zone."""
        first, last, zone = self._of("first"), self._of("last"), self.program.timezone
        return Between(
            day_start(first, zone) if first else None,
            day_start(last + timedelta(days=1), zone) if last else None,
        )

    @property
    def product_id(self) -> int | None:
        """The product that was asked for."""
        chosen = self._of("product")
        return int(chosen) if chosen else None

    @property
    def typed(self) -> str:
        """What was typed."""
        return str(self._of("search") or "")

    def chosen(self, members: type[E]) -> E | None:
        """The state that was asked for."""
        value = self._of("state")
        return members(value) if value else None

    def given(self) -> dict[str, str]:
        """What was asked for, by the names of the fields, as an address carries it."""
        return {field.name: str(field.raw_data[0]) for field in self if field.raw_data and field.raw_data[0]}


class ReferrerListForm(ListForm):
    """Referrers."""

    states = ReferrerStatus, words.referrer_status
    search = _text(_l("Name, code or e-mail address"), "q")
    state = _choice(_l("State"), "state")
    first = _day(_l("Joined from"), "from")
    last = _day(_l("Joined until"), "to")


class CustomerListForm(ListForm):
    """Customers."""

    search = _text(_l("Customer number or e-mail address"), "q")
    referrer = _text(_l("Code of the referrer"), "referrer")
    first = _day(_l("First seen from"), "from")
    last = _day(_l("First seen until"), "to")


class OrderListForm(ListForm):
    """Orders."""

    states = OrderStatus, words.order_status
    search = _text(_l("Order number"), "q")
    state = _choice(_l("State"), "state")
    product = _choice(_l("Product"), "product")
    referrer = _text(_l("Code of the referrer"), "referrer")
    first = _day(_l("Placed from"), "from")
    last = _day(_l("Placed until"), "to")


class CommissionListForm(ListForm):
    """Commissions."""

    states = CommissionState, words.commission_state
    state = _choice(_l("State"), "state")
    product = _choice(_l("Product"), "product")
    referrer = _text(_l("Code of the referrer"), "referrer")
    first = _day(_l("Paid from"), "from")
    last = _day(_l("Paid until"), "to")
