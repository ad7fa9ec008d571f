"""A customer as staff see it: whom it belongs to, and everything that was decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.staff.orders import candidate_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.referrals.models import Binding, Program, Referrer
    from app.referrals.queries.belonging import CustomerStory


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One customer."""

    id: int
    title: str
    sentence: str
    facts: tuple[Fact, ...]
    bindings: Table
    candidates: Table


def customer_page(story: CustomerStory, program: Program, now: datetime) -> CustomerPage:
    """Whom the customer belongs to now, did before, and why."""
    customer, zone = story.customer, program.timezone
    current = [
        referrer
        for binding, referrer in story.bindings
        if binding.from_at <= now and (binding.until_at is None or now < binding.until_at)
    ]
    facts = [
        Fact(_("Signed up"), Cell(formatting.instant(story.signup.signed_up_at, zone)))
        if story.signup
        else Fact(_("Signed up"), Cell(formatting.DASH)),
    ]
    if customer.first_seen_at:
        facts.append(Fact(_("First seen"), Cell(formatting.instant(customer.first_seen_at, zone))))
    return CustomerPage(
        id=customer.id,
        title=_("Customer %(customer)s", customer=customer.customer_id),
        sentence=_("Belongs to %(name)s.", name=current[0].name) if current else _("Belongs to nobody."),
        facts=tuple(facts),
        bindings=Table(
            title=_("Bindings"),
            note=_("Orders placed within one earn for its referrer."),
            id="bindings",
            columns=(Column(_("Referrer")), Column(_("How")), Column(_("From")), Column(_("Until"))),
            rows=tuple(_binding(binding, referrer, zone) for binding, referrer in story.bindings),
            empty=Empty(_("No binding"), _("What this customer buys earns nobody a commission.")),
        ),
        candidates=candidate_table(story.decisions, story.names, zone),
    )


def _binding(binding: Binding, referrer: Referrer, zone: str) -> tuple[Cell, ...]:
    return (
        Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code)),
        Cell(words.method(binding.method)),
        Cell(formatting.instant(binding.from_at, zone)),
        Cell(formatting.instant(binding.until_at, zone) if binding.until_at else formatting.DASH),
    )


def moved(amounts: Mapping[str, int], currency: str) -> str:
    """What a correction did to the money, for the message after it."""
    if not amounts:
        return _("Corrected. No commission moved.")
    parts = ", ".join(f"{code} {formatting.signed(more, currency)}" for code, more in amounts.items())
    return _("Corrected. Commissions moved: %(parts)s.", parts=parts)
