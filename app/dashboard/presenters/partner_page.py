"""What a customer reads of their own partner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.i18n import _
from app.dashboard.presenters.commissions import pseudonym
from app.referrals.words import BindingMethod

if TYPE_CHECKING:
    from app.privacy.partner_page import Partner, Partnership


@dataclass(frozen=True, slots=True)
class PartnerPage:
    """The page: one sentence, the facts, what the other person sees. ``can_end`` where there is somebody."""

    program: str
    sentence: str
    note: str
    facts: tuple[Fact, ...] = ()
    seen: tuple[str, ...] = ()
    hidden: str = ""
    can_end: bool = False


def partner_page(found: Partnership) -> PartnerPage:
    """The page of a customer with or without a partner."""
    partner, program = found.partner, found.program
    if partner is None:
        return PartnerPage(program.name, _("Nobody is rewarded for your orders."), _ended(found))
    return PartnerPage(
        program=program.name,
        sentence=_("%(name)s is rewarded for your orders.", name=partner.name),
        note=_("They receive a share of what you pay, from the shop. It costs you nothing."),
        facts=(
            Fact(_("Who"), Cell(partner.name, wraps=True)),
            Fact(_("Since"), Cell(formatting.day(formatting.local(partner.since, program.timezone)))),
            Fact(_("Because"), Cell(_because(partner))),
        ),
        seen=(
            _("the product, the day and the amount of each order, without VAT"),
            _("whether an order was paid, and whether money was given back"),
            _("a number in place of your name: %(number)s", number=pseudonym(found.customer.id)),
        ),
        hidden=_(
            "They do not see your name, your addresses or your bank account: we do not know them either."
        ),
        can_end=True,
    )


def _because(partner: Partner) -> str:
    match partner.method:
        case BindingMethod.CLICK:
            return _("you came to the shop by their link")
        case BindingMethod.COUPON:
            return _("you used their coupon")
        case BindingMethod.CODE:
            return _("you gave their code")
        case BindingMethod.CHOSEN:
            return _("you chose them as your partner")
        case _:
            return _("the shop recorded it")


def _ended(found: Partnership) -> str:
    if found.ended_at is None:
        return _("No order of yours has ever earned anybody a commission here.")
    day = formatting.day(formatting.local(found.ended_at, found.program.timezone))
    return _("It ended on %(day)s. Orders from before stay as they were.", day=day)
