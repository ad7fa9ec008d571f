"""What lists are searched by. Each form is sent by GET and changes nothing, so it needs no token."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
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
from app.kernel.keyset import Between
from app.referrals.queries import staff as queries
from app.referrals.queries.lists import CommissionState
from app.referrals.words import HoldRule, OrderStatus, ReferrerStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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


def text_field(label: LazyString, name: str) -> StringField:
    """What is typed; a field called ``referrer`` is the code of one."""
    length = Length(max=_LONGEST, message=_l("At most 254 characters."))
    return StringField(
        label,
        name=name,
        filters=[stripped],
        validators=[length],
        render_kw={"autocomplete": "off"},
    )


def day_field(label: LazyString, name: str) -> DateField:
    """A day; ``first`` and ``last`` of a form belong together."""
    return DateField(label, name=name, validators=[Optional(), _is_a_day_of_ours])


def choice_field(label: LazyString, name: str) -> SelectField:
    """One of a few, or all; :meth:`ListForm.offer` fills it."""
    return SelectField(label, name=name, choices=[], default="")


class ListForm(FlaskForm):
    """What every list's search shares. Fields that a list does not declare are not there."""

    class Meta:
        """It only asks."""

        csrf = False

    offers: ClassVar[Mapping[str, tuple[Iterable[StrEnum], Callable[[Any], str]]]] = {}
    """What a field offers besides all: the members, and the word for each."""

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
        for name, (members, word) in self.offers.items():
            self[name].choices = [everything, *(SelectChoice(each.value, word(each)) for each in members)]

    def fits(self, session: Session) -> bool:
        """Whether everything that was asked for can be searched; what cannot says so beside its field."""
        good = self.validate()
        return all([good, self._days_fit(), self._referrer_fits(session)])

    def _days_fit(self) -> bool:
        first, last = self.of("first"), self.of("last")
        if first and last and last < first:
            self["last"].errors = [_("This day lies before the first one.")]
            return False
        return True

    def _referrer_fits(self, session: Session) -> bool:
        code = self.of("referrer")
        if not code or self["referrer"].errors:
            return True
        found = queries.referrer_by_code(session, self.program.id, code.lower())
        if found is None:
            self["referrer"].errors = [_("There is no referrer with this code.")]
            return False
        self.referrer_id = found.id
        return True

    def of(self, name: str) -> Any:  # noqa: ANN401 - what its field holds
        """What a field holds; ``None`` where the list has no such field."""
        return self[name].data if name in self._fields else None

    @property
    def between(self) -> Between:
        """The days, as instants of the programme's time zone."""
        first, last, zone = self.of("first"), self.of("last"), self.program.timezone
        return Between(
            day_start(first, zone) if first else None,
            day_start(last + timedelta(days=1), zone) if last else None,
        )

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The days themselves, both inclusive."""
        return self.of("first"), self.of("last")

    @property
    def product_id(self) -> int | None:
        """The product that was asked for."""
        chosen = self.of("product")
        return int(chosen) if chosen else None

    @property
    def typed(self) -> str:
        """What was typed."""
        return str(self.of("search") or "")

    def chosen(self, members: type[E], name: str = "state") -> E | None:
        """The member that was asked for."""
        value = self.of(name)
        return members(value) if value else None

    def given(self) -> dict[str, str]:
        """What was asked for, by the names of the fields, as an address carries it."""
        return {field.name: str(field.raw_data[0]) for field in self if field.raw_data and field.raw_data[0]}


def status_word(status: Callable[[Any], Status]) -> Callable[[Any], str]:
    """The word of a state alone."""
    return lambda member: status(member).word


class ReferrerListForm(ListForm):
    """Referrers."""

    offers = MappingProxyType({"state": (ReferrerStatus, status_word(words.referrer_status))})
    search = text_field(_l("Name, code or e-mail address"), "q")
    state = choice_field(_l("State"), "state")
    first = day_field(_l("Joined from"), "from")
    last = day_field(_l("Joined until"), "to")


class CustomerListForm(ListForm):
    """Customers."""

    search = text_field(_l("Customer number or e-mail address"), "q")
    referrer = text_field(_l("Code of the referrer"), "referrer")
    first = day_field(_l("First seen from"), "from")
    last = day_field(_l("First seen until"), "to")


class OrderListForm(ListForm):
    """Orders."""

    offers = MappingProxyType({"state": (OrderStatus, status_word(words.order_status))})
    search = text_field(_l("Order number"), "q")
    state = choice_field(_l("State"), "state")
    product = choice_field(_l("Product"), "product")
    referrer = text_field(_l("Code of the referrer"), "referrer")
    first = day_field(_l("Placed from"), "from")
    last = day_field(_l("Placed until"), "to")


class CommissionListForm(ListForm):
    """Commissions."""

    offers = MappingProxyType({"state": (CommissionState, status_word(words.commission_state))})
    state = choice_field(_l("State"), "state")
    product = choice_field(_l("Product"), "product")
    referrer = text_field(_l("Code of the referrer"), "referrer")
    first = day_field(_l("Paid from"), "from")
    last = day_field(_l("Paid until"), "to")


class ReferrerOnlyForm(ListForm):
    """Lists that one referrer's rows are picked out of."""

    referrer = text_field(_l("Code of the referrer"), "referrer")


class ReviewListForm(ListForm):
    """Reviews; held or noted is said by the page's tabs."""

    offers = MappingProxyType({"rule": (HoldRule, words.hold_rule)})
    referrer = text_field(_l("Code of the referrer"), "referrer")
    rule = choice_field(_l("Rule"), "rule")
