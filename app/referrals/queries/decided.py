"""Whom a customer belongs to and why: the decisions in force with every candidate, its time, label and reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.referrals.models import Binding, Click, Customer, Decision, Referrer, Signup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program
    from app.referrals.words import BindingMethod


@dataclass(frozen=True, slots=True)
class ExplainedCandidate:
    """One thing that was presented. ``referrer`` is a code; ``lost`` a member of ``Lost``, null for the winner.

    ``label`` is the click's, null for other kinds and for clicks older than their retention.
    """

    kind: str
    value: str
    referrer: str | None
    at: str | None
    lost: str | None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class UnpresentedClick:
    """A click of the same visitor that would have won; the shop did not send it. For the merchant and staff only."""

    value: str
    referrer: str | None
    at: str


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """An attribution decision in force, with every candidate. ``reason`` is what staff wrote, for staff only."""

    decision_id: str
    occasion: str
    occasion_ref: str
    at: datetime
    rule: str
    referrer: str | None
    method: BindingMethod | None
    bound_from: datetime | None
    candidates: tuple[ExplainedCandidate, ...]
    reason: str | None = None
    unpresented: tuple[UnpresentedClick, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedBinding:
    """[from_at, until_at): orders placed within it earn for the referrer."""

    referrer: str
    method: BindingMethod
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExplainedSignup:
    """A customer's signup: whom it belongs to and every decision on the way. ``customer_id`` is the merchant's own."""

    customer_id: str
    signed_up_at: datetime
    decisions: tuple[ExplainedDecision, ...]
    bindings: tuple[ExplainedBinding, ...]


def explain_signup(session: Session, program: Program, customer_id: str) -> ExplainedSignup | None:
    """The story of one signup, in five queries; null where none was recorded."""
    found = session.execute(
        select(Customer.id, Signup.signed_up_at)
        .join(Signup, Signup.customer_id == Customer.id)
        .where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    ).first()
    if found is None:
        return None
    decisions, bindings = decisions_on(session, found.id), bindings_of(session, found.id)
    codes = codes_of(session, decisions, [each.referrer_id for each in bindings])
    labels = labels_of(session, decisions)
    return ExplainedSignup(
        customer_id,
        found.signed_up_at,
        tuple(explained_decision(each, codes, labels) for each in decisions),
        tuple(explained_binding(each, codes) for each in bindings),
    )


def decisions_on(session: Session, customer_id: int) -> Sequence[Decision]:
    """A customer's decisions in force, oldest first."""
    wanted = select(Decision).where(Decision.customer_id == customer_id, Decision.superseded_at.is_(None))
    return session.scalars(wanted.order_by(Decision.occasion_at, Decision.id)).all()


def bindings_of(session: Session, customer_id: int) -> Sequence[Binding]:
    """A customer's bindings, the earliest first."""
    wanted = select(Binding).where(Binding.customer_id == customer_id)
    return session.scalars(wanted.order_by(Binding.from_at)).all()


def codes_of(session: Session, decisions: Iterable[Decision], others: Iterable[int]) -> dict[int, str]:
    """The codes of the referrers that decisions name, and of ``others``, by id."""
    wanted = select(Referrer.id, Referrer.code).where(Referrer.id.in_({*_named(decisions), *others}))
    return dict(session.execute(wanted).all())


def labels_of(session: Session, decisions: Iterable[Decision]) -> dict[str, str]:
    """The labels of the clicks that decisions weigh; a repeated click is called as its first request was."""
    click_ids = {each["value"] for decision in decisions for each in decision.candidates if _is_click(each)}
    rows = session.execute(
        select(Click.click_id, Click.label).where(Click.click_id.in_(click_ids)).order_by(Click.id.desc())
    )
    return {click_id: label for click_id, label in rows if click_id}


def _is_click(candidate: Mapping[str, object]) -> bool:
    return candidate["kind"] == "click" and candidate["referrer_id"] is not None


def _named(decisions: Iterable[Decision]) -> Iterable[int]:
    for decision in decisions:
        if decision.referrer_id is not None:
            yield decision.referrer_id
        for candidate in decision.candidates:
            if candidate["referrer_id"] is not None:
                yield int(candidate["referrer_id"])
        for click in decision.unpresented:
            yield int(click["referrer_id"])


def explained_decision(
    decision: Decision, codes: Mapping[int, str], labels: Mapping[str, str]
) -> ExplainedDecision:
    """A stored decision with codes for ids."""
    return ExplainedDecision(
        decision_id=decision.decision_id,
        occasion=decision.occasion,
        occasion_ref=decision.occasion_ref,
        at=decision.occasion_at,
        rule=decision.rule,
        referrer=codes.get(decision.referrer_id) if decision.referrer_id else None,
        method=decision.method,
        bound_from=decision.bound_from,
        candidates=tuple(
            ExplainedCandidate(
                kind=candidate["kind"],
                value=candidate["value"],
                referrer=codes.get(candidate["referrer_id"]),
                at=candidate["at"],
                lost=candidate["lost"],
                label=labels.get(candidate["value"]) if _is_click(candidate) else None,
            )
            for candidate in decision.candidates
        ),
        reason=decision.reason,
        unpresented=tuple(
            UnpresentedClick(each["value"], codes.get(each["referrer_id"]), each["at"])
            for each in decision.unpresented
        ),
    )


def explained_binding(binding: Binding, codes: Mapping[int, str]) -> ExplainedBinding:
    """A stored binding with the code for the id."""
    return ExplainedBinding(codes[binding.referrer_id], binding.method, binding.from_at, binding.until_at)
