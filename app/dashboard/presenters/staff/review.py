"""The review list: what waits, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Empty, Fact, Status
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.dashboard.presenters.staff.evidence import evidence
from app.referrals.words import HoldState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.referrals.models import Program
    from app.referrals.queries.staff import ReviewRow


@dataclass(frozen=True, slots=True)
class ReviewTab:
    """One of the two lists."""

    label: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One commission that waits for somebody to look at it."""

    id: int
    title: str
    select: str
    href: str
    status: Status
    rule: str
    opened: str
    facts: tuple[Fact, ...]


def tabs(counts: Mapping[HoldState, int], state: HoldState) -> tuple[ReviewTab, ...]:
    """What is held and what is noted, with how many there are."""
    labels = {HoldState.OPEN: _("Under review"), HoldState.NOTED: _("Noted")}
    return tuple(
        ReviewTab(
            f"{labels[each]} ({formatting.number(count)})",
            url_for("staff.review", state=each.value),
            each is state,
        )
        for each, count in counts.items()
    )


def review_items(
    rows: Sequence[ReviewRow], people: Mapping[str, str], program: Program
) -> tuple[ReviewItem, ...]:
    """What waits for a decision, with the evidence; ``people`` are the names of who took it aside."""
    return tuple(_item(row, people, program) for row in rows)


def _item(row: ReviewRow, people: Mapping[str, str], program: Program) -> ReviewItem:
    order_href = url_for("staff.order", order_id=row.order.id)
    title = _(
        "%(amount)s for %(name)s",
        amount=formatting.amount(row.commission.target_minor, program.currency),
        name=row.referrer.name,
    )
    return ReviewItem(
        id=row.hold.id,
        title=title,
        select=_("Select %(what)s", what=title),
        href=order_href,
        status=words.hold_state(row.hold.state),
        rule=words.hold_rule(row.hold.rule),
        opened=formatting.instant(row.hold.opened_at, program.timezone),
        facts=(
            Fact(_("Order"), Cell(row.order.order_id, href=order_href)),
            Fact(_("Product"), Cell(row.product.name if row.product else row.line.sku)),
            Fact(
                _("Referrer"),
                Cell(row.referrer.name, href=url_for("staff.referrer", code=row.referrer.code)),
            ),
            Fact(_("Evidence"), Cell(evidence(row.hold.rule, row.hold.evidence, people), wraps=True)),
        ),
    )


def nothing_to_review(state: HoldState) -> Empty:
    """The list when it is empty."""
    if state is HoldState.NOTED:
        return Empty(
            _("Nothing noted"), _("What a rule finds odd but not wrong is listed here; no money moves.")
        )
    return Empty(
        _("Nothing to review"), _("Orders that look like a referrer's own are listed here for a decision.")
    )
