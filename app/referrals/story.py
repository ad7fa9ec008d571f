"""From a customer's stored facts to its bindings and decisions.

Runs under the customer's lock, whenever a fact may change whom the customer belongs to. What comes out is compared
with what is stored; only differences are written, and a decision is never edited, only superseded.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import delete, select, update

from app.kernel import ids
from app.kernel.db import insert_or_ignore
from app.referrals.domain.attribution import (
    RULE_VERSION,
    Assignment,
    Attribution,
    Candidate,
    CandidateKind,
    Choice,
    Lost,
    Occasion,
    Span,
    Suspensions,
    Verdict,
    attribute,
    unpresented,
)
from app.referrals.marks import mark_customer
from app.referrals.merged import named_in, spoken_for
from app.referrals.models import Assignment as AssignmentRow
from app.referrals.models import (
    Binding,
    BindingMethod,
    ClickUse,
    Coupon,
    Decision,
    Lead,
    Order,
    PartnerChoice,
    Referrer,
    Signup,
)
from app.referrals.visitors import also_clicked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow
    from app.referrals.terms import TermsHistory

    _Decided: TypeAlias = Mapping[tuple[str, str], Decision]


def retell(
    deps: ReferralDeps,
    session: Session,
    program: Program,
    customer: CustomerRow,
    terms: TermsHistory,
    now: datetime,
) -> bool:
    """Decide anew whom the customer belongs to; whether any binding, or what the review rules know of it, changed."""
    session.flush()
    told = _Teller(deps, session, program, customer, terms)
    story = told.story()
    current = _current(session, customer)
    rows = [
        *(
            _decision_row(verdict) | {"unpresented": told.unpresented(verdict, current)}
            for verdict in story.verdicts
        ),
        *told.choice_rows(),
        *told.staff_rows(),
    ]
    presented = _store_decisions(session, program, customer, rows, current, now)
    marked = mark_customer(session, program, customer, story.verdicts, presented)
    return _store_bindings(session, program, customer, story.spans) or marked


def spans_under(
    deps: ReferralDeps, session: Session, program: Program, customer: CustomerRow, terms: TermsHistory
) -> Sequence[Span]:
    """Whom the customer would belong to under these terms; writes nothing."""
    return _Teller(deps, session, program, customer, terms).story().spans


def suspension_spans(referrer: Referrer) -> list[tuple[datetime, datetime | None]]:
    """The spans during which a referrer took no part."""
    return [
        (datetime.fromisoformat(start or ""), datetime.fromisoformat(end) if end else None)
        for start, end in referrer.suspensions
    ]


class _Teller:
    """Reads one customer's facts and resolves what they name."""

    def __init__(
        self,
        deps: ReferralDeps,
        session: Session,
        program: Program,
        customer: CustomerRow,
        terms: TermsHistory,
    ) -> None:
        self._deps, self._session, self._program = deps, session, program
        self._customer, self._terms = customer, terms
        self._signup = session.get(Signup, customer.id)
        self._orders = session.execute(
            select(Order.order_id, Order.placed_at, Order.click_id, Order.coupon).where(
                Order.customer_id == customer.id, (Order.click_id.is_not(None)) | (Order.coupon.is_not(None))
            )
        ).all()
        self._choices = list(
            session.scalars(
                select(PartnerChoice)
                .where(PartnerChoice.customer_id == customer.id)
                .order_by(PartnerChoice.chosen_at)
            )
        )
        self._assignments = list(
            session.scalars(
                select(AssignmentRow)
                .where(AssignmentRow.customer_id == customer.id)
                .order_by(AssignmentRow.id)
            )
        )

    def story(self) -> Attribution:
        presented = self._presented()
        coupons = self._coupons({value for kind, value in _values(presented) if kind is CandidateKind.COUPON})
        codes = self._codes({value for kind, value in _values(presented) if kind is CandidateKind.CODE})
        leads = self._leads({value for kind, value in _values(presented) if kind is CandidateKind.LEAD})
        presented_at = [
            Occasion(
                kind=kind,
                ref=ref,
                at=at,
                candidates=tuple(
                    self._candidate(sort, value, coupons, codes, leads) for sort, value in values
                ),
                model=(held := self._terms.at(at)).attribution,
                window_days=held.window_days,
            )
            for kind, ref, at, values in presented
        ]
        choices = [Choice(choice.chosen_at, choice.referrer_id) for choice in self._choices]
        assignments = [
            Assignment(each.from_at, each.referrer_id, each.id, each.also_earlier)
            for each in self._assignments
        ]
        occasions = spoken_for(self._session, presented_at)
        suspensions = self._suspensions(named_in(occasions))
        return attribute(occasions, choices, self._customer.first_seen_at, suspensions, assignments)

    def unpresented(self, verdict: Verdict, current: _Decided) -> list[dict[str, Any]]:
        """The clicks that would have won and were not presented: those known now, and those known before whose rows
        may be gone by now.
        """
        winner, occasion = verdict.winner, verdict.occasion
        if winner is None or winner.kind is not CandidateKind.CLICK:
            return []
        seen = also_clicked(self._session, self._program.id, winner.value, occasion)
        before = current.get((occasion.kind, occasion.ref))
        for each in before.unpresented if before else ():
            at = datetime.fromisoformat(each["at"])
            seen.append(Candidate(CandidateKind.CLICK, each["value"], each["referrer_id"], at))
        if not seen:
            return []
        suspensions = self._suspensions({each.referrer_id for each in seen if each.referrer_id is not None})
        missed = unpresented(verdict, seen, first_seen=self._customer.first_seen_at, suspensions=suspensions)
        return [
            {"value": each.value, "referrer_id": each.referrer_id, "at": each.at.isoformat()}
            for each in missed
            if each.at is not None
        ]

    def choice_rows(self) -> list[dict[str, Any]]:
        """The decisions that the customer itself took."""
        return [
            {
                "occasion": "choice",
                "occasion_ref": choice.chosen_at.isoformat(),
                "occasion_at": choice.chosen_at,
                "rule": f"chosen/{RULE_VERSION}",
                "referrer_id": choice.referrer_id,
                "method": BindingMethod.CHOSEN if choice.referrer_id else None,
                "bound_from": choice.chosen_at if choice.referrer_id else None,
                "candidates": [],
                "unpresented": [],
            }
            for choice in self._choices
        ]

    def staff_rows(self) -> list[dict[str, Any]]:
        """The decisions that staff took."""
        return [
            {
                "occasion": "staff",
                "occasion_ref": each.assignment_id,
                "occasion_at": each.from_at,
                "rule": f"staff/{RULE_VERSION}{' also earlier orders' if each.also_earlier else ''}",
                "referrer_id": each.referrer_id,
                "method": BindingMethod.STAFF,
                "bound_from": each.from_at if each.referrer_id else None,
                "candidates": [],
                "unpresented": [],
                "reason": each.reason,
            }
            for each in self._assignments
        ]

    def _presented(self) -> list[tuple[str, str, datetime, list[tuple[CandidateKind, str]]]]:
        presented: list[tuple[str, str, datetime, list[tuple[CandidateKind, str]]]] = []
        if self._signup:
            values = [(CandidateKind.COUPON, value) for value in self._signup.coupons]
            values += [(CandidateKind.CLICK, value) for value in self._signup.click_ids]
            values += [(CandidateKind.LEAD, value) for value in self._signup.lead_ids]
            values += [(CandidateKind.CODE, value) for value in self._signup.referrer_codes]
            presented.append(("signup", self._customer.customer_id, self._signup.signed_up_at, values))
        for order_id, placed_at, click_id, coupon in self._orders:
            values = [(CandidateKind.COUPON, coupon)] if coupon else []
            values += [(CandidateKind.CLICK, click_id)] if click_id else []
            presented.append(("order", order_id, placed_at, values))
        return presented

    def _candidate(
        self,
        kind: CandidateKind,
        value: str,
        coupons: Mapping[str, int],
        codes: Mapping[str, tuple[int, int]],
        leads: Mapping[str, tuple[int, datetime]],
    ) -> Candidate:
        match kind:
            case CandidateKind.COUPON:
                referrer_id = coupons.get(value)
                return Candidate(kind, value, referrer_id, flaw=None if referrer_id else Lost.UNKNOWN)
            case CandidateKind.CLICK:
                return self._click(value)
            case CandidateKind.LEAD:
                return Candidate(kind, value, *leads[value])
            case CandidateKind.CODE:
                program_id, found = codes.get(value, (0, 0))
                if not found:
                    return Candidate(kind, value, None, flaw=Lost.UNKNOWN)
                flaw = None if program_id == self._program.id else Lost.OTHER_PROGRAM
                return Candidate(kind, value, found, flaw=flaw)

    def _click(self, value: str) -> Candidate:
        click = self._deps.links.read_click_id(value)
        if click is None:
            return Candidate(CandidateKind.CLICK, value, None, flaw=Lost.UNKNOWN)
        if click.program_id != self._program.id:
            return Candidate(CandidateKind.CLICK, value, None, click.at, Lost.OTHER_PROGRAM)
        return Candidate(CandidateKind.CLICK, value, click.referrer_id, click.at, campaign=click.campaign)

    def _coupons(self, codes: set[str]) -> dict[str, int]:
        if not codes:
            return {}
        wanted = select(Coupon.code, Coupon.referrer_id).where(
            Coupon.program_id == self._program.id, Coupon.code.in_({code.upper() for code in codes})
        )
        owners = dict(self._session.execute(wanted).all())
        return {code: owners[code.upper()] for code in codes if code.upper() in owners}

    def _codes(self, codes: set[str]) -> dict[str, tuple[int, int]]:
        if not codes:
            return {}
        wanted = select(Referrer.code, Referrer.program_id, Referrer.id).where(
            Referrer.code.in_({code.lower() for code in codes})
        )
        found = {
            code: (program_id, referrer_id) for code, program_id, referrer_id in self._session.execute(wanted)
        }
        return {code: found[code.lower()] for code in codes if code.lower() in found}

    def _leads(self, lead_ids: set[str]) -> dict[str, tuple[int, datetime]]:
        if not lead_ids:
            return {}
        wanted = select(Lead.lead_id, Lead.referrer_id, Lead.registered_at).where(
            Lead.program_id == self._program.id, Lead.lead_id.in_(lead_ids)
        )
        return {lead_id: (referrer_id, at) for lead_id, referrer_id, at in self._session.execute(wanted)}

    def _suspensions(self, referrer_ids: set[int]) -> Suspensions:
        if not referrer_ids:
            return Suspensions()
        rows = self._session.scalars(select(Referrer).where(Referrer.id.in_(referrer_ids)))
        return Suspensions({referrer.id: suspension_spans(referrer) for referrer in rows})


def _values(
    presented: Iterable[tuple[str, str, datetime, list[tuple[CandidateKind, str]]]],
) -> Iterable[tuple[CandidateKind, str]]:
    for _, _, _, values in presented:
        yield from values


def _decision_row(verdict: Verdict) -> dict[str, Any]:
    return {
        "occasion": verdict.occasion.kind,
        "occasion_ref": verdict.occasion.ref,
        "occasion_at": verdict.occasion.at,
        "rule": verdict.rule,
        "referrer_id": verdict.winner.referrer_id if verdict.winner else None,
        "method": verdict.method,
        "bound_from": verdict.bound_from,
        "candidates": [
            {
                "kind": candidate.kind.value,
                "value": candidate.value,
                "referrer_id": candidate.referrer_id,
                "at": candidate.at.isoformat() if candidate.at else None,
                "lost": lost.value if lost else None,
            }
            for candidate, lost in verdict.considered
        ],
    }


def _current(session: Session, customer: CustomerRow) -> _Decided:
    """The customer's decisions in force, by occasion."""
    wanted = select(Decision).where(Decision.customer_id == customer.id, Decision.superseded_at.is_(None))
    return {(decision.occasion, decision.occasion_ref): decision for decision in session.scalars(wanted)}


def _store_decisions(
    session: Session,
    program: Program,
    customer: CustomerRow,
    rows: Sequence[dict[str, Any]],
    current: _Decided,
    now: datetime,
) -> set[str]:
    """Store what differs; the click ids that the new decisions name."""
    presented: set[str] = set()
    for row in rows:
        stored = current.get((row["occasion"], row["occasion_ref"]))
        if stored and all(getattr(stored, name) == value for name, value in row.items()):
            continue
        if stored:
            session.execute(update(Decision).where(Decision.id == stored.id).values(superseded_at=now))
        session.add(
            Decision(
                decision_id=ids.random_id("dec_"),
                customer_id=customer.id,
                program_id=program.id,
                decided_at=now,
                **row,
            )
        )
        presented.update(
            each["value"] for each in row["candidates"] if each["kind"] == "click" and each["referrer_id"]
        )
    session.flush()
    uses = [{"click_id": click_id, "customer_id": customer.id} for click_id in sorted(presented)]
    insert_or_ignore(session, ClickUse, uses, key=("click_id", "customer_id"))
    return presented


def _store_bindings(session: Session, program: Program, customer: CustomerRow, spans: Sequence[Span]) -> bool:
    stored = list(
        session.scalars(select(Binding).where(Binding.customer_id == customer.id).order_by(Binding.from_at))
    )
    if [span_of(binding) for binding in stored] == list(spans):
        return False
    session.execute(delete(Binding).where(Binding.customer_id == customer.id))
    for binding in stored:
        session.expunge(binding)
    session.add_all(
        Binding(
            customer_id=customer.id,
            program_id=program.id,
            referrer_id=span.referrer_id,
            method=span.method,
            from_at=span.from_at,
            until_at=span.until_at,
            campaign=span.campaign,
        )
        for span in spans
    )
    session.flush()
    return True


def span_of(binding: Binding) -> Span:
    """A stored binding as the rules see it."""
    return Span(binding.referrer_id, binding.method, binding.from_at, binding.until_at, binding.campaign)
