"""Orders as staff see them, and the whole explanation of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Step, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import rate_words, words
from app.dashboard.presenters.staff.evidence import review_table
from app.referrals.words import CommissionKind, HoldState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.referrals.models import Commission, Decision, Hold, Program, RateVersion, Referrer, Refund
    from app.referrals.queries.staff import OrderStory, StaffOrder, StoryLine

_VALUE = 24
"""Characters of a click id that are shown: enough to find it again, short enough for a table."""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One order with everything that explains it."""

    title: str
    status: Status
    facts: tuple[Fact, ...]
    lines: Table
    candidates: Table
    steps: tuple[Step, ...]
    reviews: Table | None


def order_table(
    rows: Sequence[StaffOrder],
    program: Program,
    *,
    more_href: str | None,
    title: str = "",
) -> Table:
    """Orders, newest first."""
    return Table(
        title=title or _("Orders"),
        show_title=bool(title),
        inline=not title,
        id="orders",
        columns=(
            Column(_("Order"), sorts_by="order"),
            Column(_("Placed"), sorts_by="placed"),
            Column(_("State")),
            Column(_("Referrer")),
            Column(_("Net"), numeric=True),
            Column(_("Commission"), numeric=True),
        ),
        rows=tuple(_row(row, program) for row in rows),
        more_href=more_href,
        empty=Empty(
            _("No orders yet"), _("As soon as the shop reports an order by the API, it stands here.")
        ),
    )


def _row(row: StaffOrder, program: Program) -> tuple[Cell, ...]:
    order, referrer = row.order, row.referrer
    return (
        Cell(order.order_id, href=url_for("staff.order", order_id=order.id)),
        Cell(formatting.instant(order.placed_at, program.timezone)),
        Cell(status=words.order_status(order.status)),
        Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code), wraps=True)
        if referrer
        else Cell(formatting.DASH),
        Cell(formatting.amount(row.net_minor, order.currency)),
        Cell(formatting.amount(row.commission_minor, program.currency)),
    )


def order_page(story: OrderStory, people: Mapping[str, str], program: Program) -> OrderPage:
    """Why this order earned what it earned; ``people`` are the names of who decided its reviews."""
    order, referrer, zone = story.order, story.referrer, program.timezone
    facts = [
        Fact(
            _("Customer"),
            Cell(
                story.customer.customer_id,
                href=url_for("staff.customer", customer_id=story.customer.id),
                code=True,
            ),
        ),
        Fact(
            _("Referrer"),
            Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code))
            if referrer
            else Cell(_("nobody")),
        ),
        Fact(_("Placed"), Cell(formatting.instant(order.placed_at, zone))),
        Fact(
            _("Paid by the customer"),
            Cell(formatting.instant(order.paid_at, zone) if order.paid_at else formatting.DASH),
        ),
        Fact(_("Payment method"), Cell(order.method or formatting.DASH)),
        Fact(_("Coupon"), Cell(order.coupon or formatting.DASH)),
    ]
    return OrderPage(
        title=_("Order %(order)s", order=order.order_id),
        status=words.order_status(order.status),
        facts=tuple(facts),
        lines=_line_table(story, program),
        candidates=candidate_table(story.decisions, story.names, zone),
        steps=tuple(_steps(story, program)),
        reviews=review_table(story, people, program) if story.holds else None,
    )


def _line_table(story: OrderStory, program: Program) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for line in story.lines:
        if line.commissions:
            rows.extend(_earned(line, *each, story, program) for each in line.commissions)
        else:
            rows.append(_unearned(line, story))
    return Table(
        title=_("Lines"),
        id="lines",
        columns=(
            Column(_("Product")),
            Column(_("Net"), numeric=True),
            Column(_("Given back"), numeric=True),
            Column(_("Commission rate"), numeric=True),
            Column(_("Earned"), numeric=True),
            Column(_("Now"), numeric=True),
            Column(_("Payable from")),
            Column(_("Why")),
        ),
        rows=tuple(rows),
        empty=Empty(_("No lines"), _("The merchant sent this order without lines.")),
    )


def _product(line: StoryLine) -> Cell:
    return Cell(line.product.name if line.product else line.line.sku, sub=line.line.sku)


def _earned(
    line: StoryLine,
    commission: Commission,
    rate: RateVersion,
    referrer: Referrer,
    story: OrderStory,
    program: Program,
) -> tuple[Cell, ...]:
    currency = program.currency
    return (
        Cell(_("Sign-up bonus")) if commission.kind is CommissionKind.BONUS else _product(line),
        Cell(formatting.amount(line.line.net_minor, story.order.currency)),
        Cell(formatting.amount(line.line.refunded_minor, story.order.currency)),
        Cell(rate_words.rate(rate, currency, commission.tier_from)),
        Cell(formatting.amount(commission.earned_minor, currency)),
        Cell(formatting.amount(commission.target_minor, currency)),
        Cell(formatting.short_day(commission.available_on)),
        Cell(status=_state(commission, line), sub=_("for %(name)s", name=referrer.name)),
    )


def _state(commission: Commission, line: StoryLine) -> Status:
    if commission.rejected:
        return Status(_("rejected"), Tone.STOP)
    if commission.held_minor:
        return Status(_("under review"), Tone.HELD)
    if commission.target_minor == 0 and commission.earned_minor:
        return Status(_("taken back"), Tone.STOP)
    return words.outcome_status(line.line.outcome)


def _unearned(line: StoryLine, story: OrderStory) -> tuple[Cell, ...]:
    dash = Cell(formatting.DASH)
    return (
        _product(line),
        Cell(formatting.amount(line.line.net_minor, story.order.currency)),
        Cell(formatting.amount(line.line.refunded_minor, story.order.currency)),
        dash,
        dash,
        dash,
        dash,
        Cell(status=words.outcome_status(line.line.outcome), sub=words.outcome(line.line.outcome)),
    )


def candidate_table(decisions: Sequence[Decision], names: Mapping[int, Referrer], zone: str) -> Table:
    """Every decision with its candidates, and why each won or lost."""
    rows: list[tuple[Cell, ...]] = []
    for decision in decisions:
        occasion = Cell(formatting.instant(decision.occasion_at, zone), sub=_occasion(decision.occasion))
        if not decision.candidates:
            name = names.get(decision.referrer_id or 0)
            rows.append(
                (
                    occasion,
                    Cell(words.candidate_kind(decision.occasion)),
                    _name(name),
                    Cell(_said(decision), sub=decision.reason or ""),
                    Cell(),
                )
            )
        rows.extend((occasion, *cells) for cells in _not_presented(decision, names, zone))
        for each in decision.candidates:
            at = each.get("at")
            rows.append(
                (
                    occasion,
                    Cell(words.candidate_kind(each["kind"]), sub=str(each["value"])[:_VALUE]),
                    _name(names.get(each.get("referrer_id") or 0)),
                    Cell(
                        words.lost(each.get("lost")),
                        status=Status(_("won"), Tone.DONE) if not each.get("lost") else None,
                    ),
                    Cell(formatting.instant(datetime.fromisoformat(at), zone) if at else formatting.DASH),
                )
            )
    return Table(
        title=_("Whom the customer belongs to"),
        note=_("Every candidate, and why it won or lost"),
        id="candidates",
        columns=(
            Column(_("Decided at")),
            Column(_("Candidate")),
            Column(_("Referrer")),
            Column(_("Verdict")),
            Column(_("Clicked")),
        ),
        rows=tuple(rows),
        empty=Empty(_("No decision"), _("The customer came without a link, a coupon or a code.")),
    )


def _not_presented(
    decision: Decision, names: Mapping[int, Referrer], zone: str
) -> Iterator[tuple[Cell, ...]]:
    """The clicks that would have won, had the shop sent them."""
    for each in decision.unpresented:
        yield (
            Cell(words.candidate_kind("click"), sub=str(each["value"])[:_VALUE]),
            _name(names.get(each["referrer_id"])),
            Cell(words.not_presented(), status=Status(_("not presented"), Tone.CALM)),
            Cell(formatting.instant(datetime.fromisoformat(each["at"]), zone)),
        )


def _said(decision: Decision) -> str:
    """What a decision without candidates came to."""
    if decision.referrer_id:
        return words.method(decision.method)
    match decision.occasion:
        case "choice":
            return _("ended by the customer")
        case "staff":
            return _("belongs to nobody")
        case _:
            return _("nothing was presented")


def _occasion(occasion: str) -> str:
    return {"signup": _("signup"), "order": _("order"), "choice": _("choice"), "staff": _("staff")}.get(
        occasion, occasion
    )


def _name(referrer: Referrer | None) -> Cell:
    if referrer is None:
        return Cell(formatting.DASH)
    return Cell(referrer.name, href=url_for("staff.referrer", code=referrer.code))


def _steps(story: OrderStory, program: Program) -> list[Step]:
    order, zone = story.order, program.timezone
    moments = [
        (order.placed_at, _("Placed"), Tone.DONE),
        (order.paid_at, _("Paid by the customer"), Tone.DONE),
        (order.cancelled_at, _("Cancelled"), Tone.STOP),
    ]
    dated = [
        (at, Step(word, tone, formatting.instant(at, zone))) for at, word, tone in moments if at is not None
    ]
    dated.extend((refund.refunded_at, _refunded(refund, order.currency, zone)) for refund in story.refunds)
    for hold in story.holds:
        dated.extend(_reviewed(hold, zone))
    return [step for _at, step in sorted(dated, key=lambda pair: pair[0])]


def _refunded(refund: Refund, currency: str, zone: str) -> Step:
    amount = _("in full") if refund.full else formatting.signed(-sum(refund.lines.values()), currency)
    at = formatting.instant(refund.refunded_at, zone)
    return Step(words.refund_kind(refund.kind), Tone.STOP, at, refund.refund_id, amount)


def _reviewed(hold: Hold, zone: str) -> Iterator[tuple[datetime, Step]]:
    opened = formatting.instant(hold.opened_at, zone)
    rule = words.hold_rule(hold.rule)
    if hold.state in {HoldState.NOTED, HoldState.SEEN}:
        yield hold.opened_at, Step(_("Noted"), Tone.CALM, opened, rule)
    else:
        yield hold.opened_at, Step(_("Under review"), Tone.HELD, opened, rule)
    if hold.closed_at is not None:
        state = words.hold_state(hold.state)
        tone = Tone.STOP if hold.state is HoldState.REJECTED else Tone.DONE
        closed = formatting.instant(hold.closed_at, zone)
        yield hold.closed_at, Step(_("Review: %(state)s", state=state.word), tone, closed, hold.reason or "")
