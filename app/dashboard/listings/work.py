"""What waits for somebody, and what was seen and done: reviews, contests, facts, click quality, the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.dashboard.forms.lists import ListForm, ReferrerOnlyForm, ReviewListForm
from app.dashboard.forms.work_lists import AuditListForm, FactListForm
from app.dashboard.lists import Listing
from app.dashboard.presenters.staff.people import details
from app.identity.audit_list import AUDIT_WAYS, AuditFilter, audit_events
from app.identity.queries import names_of_actors
from app.kernel.money import Money
from app.referrals.domain.click_label import ClickLabel
from app.referrals.queries import work_lists as queries
from app.referrals.queries.work_lists import ContestFilter, FactFilter, HoldFilter
from app.referrals.words import FactKind, FactState, HoldRule

if TYPE_CHECKING:
    from app.dashboard.lists import Scope
    from app.identity.models import AuditEvent
    from app.kernel import sheet
    from app.kernel.keyset import Part
    from app.referrals.models import Contest, Fact, Order, Referrer
    from app.referrals.queries.click_quality import QualityRow
    from app.referrals.queries.staff import ReviewRow


def _reviews(scope: Scope, part: Part) -> list[ReviewRow]:
    wanted = HoldFilter(scope.inside, scope.form.chosen(HoldRule, "rule"), scope.form.referrer_id)
    return queries.holds(scope.session, scope.program.id, wanted, part)


def _review_line(row: ReviewRow, scope: Scope) -> tuple[sheet.Value, ...]:
    currency = scope.program.currency
    return (
        row.hold.id,
        row.hold.state.value,
        row.hold.rule.value,
        row.hold.opened_at,
        row.order.order_id,
        row.line.sku,
        row.referrer.code,
        currency,
        Money(row.commission.target_minor, currency),
        Money(row.commission.held_minor, currency),
    )


REVIEWS: Final = Listing(
    name="reviews",
    endpoint="staff.review",
    form=ReviewListForm,
    ways=queries.HOLD_WAYS,
    read=_reviews,
    ordered=lambda row: row.hold,
    columns=(
        "review",
        "state",
        "rule",
        "opened_at",
        "order",
        "sku",
        "referrer",
        "currency",
        "commission",
        "held",
    ),
    line=_review_line,
)


def _contests(scope: Scope, part: Part) -> list[tuple[Contest, Referrer]]:
    wanted = ContestFilter(scope.inside, scope.form.referrer_id)
    return queries.contests(scope.session, scope.program.id, wanted, part)


def _contest_line(row: tuple[Contest, Referrer], _scope: Scope) -> tuple[sheet.Value, ...]:
    contest, referrer = row
    return (
        contest.contest_id,
        contest.state.value,
        referrer.code,
        contest.subject.value,
        contest.about,
        contest.opened_at,
        contest.words,
        contest.answered_at,
        contest.answer,
    )


CONTESTS: Final = Listing(
    name="contests",
    endpoint="staff.contests",
    form=ReferrerOnlyForm,
    ways=queries.CONTEST_WAYS,
    read=_contests,
    ordered=lambda row: row[0],
    columns=(
        "contest",
        "state",
        "referrer",
        "subject",
        "about",
        "opened_at",
        "words",
        "answered_at",
        "answer",
    ),
    line=_contest_line,
)


def _facts(scope: Scope, part: Part) -> list[Fact]:
    form = scope.form
    wanted = FactFilter(FactState(scope.inside), form.typed, form.chosen(FactKind, "kind"))
    return queries.facts(scope.session, scope.program.id, wanted, part)


def _fact_line(row: Fact, _scope: Scope) -> tuple[sheet.Value, ...]:
    return row.kind.value, row.key, row.order_id, row.state.value, row.reason, row.received_at


FACTS: Final = Listing(
    name="facts",
    endpoint="staff.facts",
    form=FactListForm,
    ways=queries.FACT_WAYS,
    read=_facts,
    ordered=lambda row: row,
    columns=("kind", "key", "order", "state", "reason", "received_at"),
    line=_fact_line,
)


def _waiting(scope: Scope, part: Part) -> list[Order]:
    return queries.waiting_orders(scope.session, scope.program.id, part)


def _waiting_line(row: Order, _scope: Scope) -> tuple[sheet.Value, ...]:
    return row.order_id, row.currency, row.placed_at, row.paid_at


WAITING: Final = Listing(
    name="waiting-orders",
    endpoint="staff.waiting_orders",
    form=ListForm,
    ways=queries.WAITING_WAYS,
    read=_waiting,
    ordered=lambda row: row,
    columns=("order", "currency", "placed_at", "paid_at"),
    line=_waiting_line,
)


def _clicks(scope: Scope, part: Part) -> list[QualityRow]:
    return queries.click_quality(scope.session, scope.program.id, scope.inside, scope.form.referrer_id, part)


def _click_line(row: QualityRow, _scope: Scope) -> tuple[sheet.Value, ...]:
    return row.code, row.name, row.clicks, *(row.counts[each] for each in ClickLabel), row.suspicion_ppm


CLICKS: Final = Listing(
    name="click-quality",
    endpoint="staff.clicks",
    form=ReferrerOnlyForm,
    ways=queries.QUALITY_WAYS,
    read=_clicks,
    ordered=lambda row: row,
    columns=("referrer", "name", "clicks", *(each.value for each in ClickLabel), "suspicion_ppm"),
    line=_click_line,
)


def _audit(scope: Scope, part: Part) -> list[tuple[AuditEvent, str]]:
    form = scope.form
    wanted = AuditFilter(form.typed, form.of("action"), form.between)
    events = audit_events(scope.session, wanted, part)
    names = names_of_actors(scope.session, [event.actor for event in events])
    return [(event, names.get(event.actor, event.actor)) for event in events]


def _audit_line(row: tuple[AuditEvent, str], _scope: Scope) -> tuple[sheet.Value, ...]:
    event, who = row
    return event.id, event.at, who, event.action, event.subject, details(event.details)


AUDIT: Final = Listing(
    name="audit-trail",
    endpoint="staff.audit",
    form=AuditListForm,
    ways=AUDIT_WAYS,
    read=_audit,
    ordered=lambda row: row[0],
    columns=("event", "at", "who", "what", "to_what", "details"),
    line=_audit_line,
)
