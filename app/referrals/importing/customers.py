"""Customers with the referrer they belong to: each is a signup that presents the referrer's code.

A signup is a fact, so a replay from the facts comes to the same bindings; nothing but ``record_signup`` writes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.identity.emails import clean_email
from app.referrals.facts import SignupFact, body_of, hash_of
from app.referrals.importing import values
from app.referrals.importing.errors import LineRefused
from app.referrals.importing.lines import Item, Lines, Referrers, State, Verdict, Whom, whom
from app.referrals.intake import AHEAD
from app.referrals.models import Binding, Customer, Fact, FactKind, Signup
from app.referrals.signups import record_signup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.referrals.importing.lines import Named
    from app.referrals.importing.values import Reading
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class Belongs:
    """A customer, whom it belongs to and since when; without a time, since the import."""

    customer_id: str
    referrer: Whom
    signed_up_at: datetime | None
    email: str | None


class _Recorded(NamedTuple):
    """What is known of a customer: its signup's time if it has one, whether a referrer ever had it."""

    signed_up_at: datetime | None
    bound: bool
    erased: bool


class CustomerLines(Lines[Belongs]):
    """Customers of the merchant under the merchant's own ids."""

    def __init__(self, deps: ReferralDeps, reading: Reading, *, prefix: str = "") -> None:
        self._deps, self._reading, self._prefix = deps, reading, prefix

    def read(self, cells: Mapping[str, str]) -> Belongs:
        """Read the cells of a line."""
        at, email = cells.get("signed_up_at", ""), cells.get("email", "")
        signed_up_at = values.instant(at, "signed_up_at", self._reading) if at else None
        if signed_up_at is not None and signed_up_at > self._reading.now + AHEAD:
            raise LineRefused("signed_up_at: lies in the future")
        return Belongs(
            customer_id=values.identifier(cells["customer_id"], "customer_id"),
            referrer=whom(cells, self._deps.keyring, self._prefix),
            signed_up_at=signed_up_at,
            email=clean_email(email) if email else None,
        )

    def keys(self, value: Belongs) -> Iterator[tuple[str, str]]:
        """A customer belongs to one referrer."""
        yield "customer", value.customer_id

    def check(
        self, session: Session, program: Program, items: Sequence[Item[Belongs]]
    ) -> list[Verdict[Belongs]]:
        """Hold them against the signups and bindings that are recorded."""
        referrers = Referrers(session, program, [item.value.referrer for item in items])
        recorded = _recorded(session, program, [item.value.customer_id for item in items])
        facts: dict[int, SignupFact] = {}
        verdicts: list[Verdict[Belongs]] = []
        for item in items:
            try:
                referrer = referrers.of(item.value.referrer)
                facts[item.line] = _fact(item.value, referrer)
                self._refuse_suspended(item.value, referrer)
            except LineRefused as error:
                verdicts.append(Verdict(item, refused=error.detail))
        posted = self._posted(session, program, facts)
        for item in items:
            if item.line in facts and not any(verdict.item is item for verdict in verdicts):
                known = recorded.get(item.value.customer_id)
                verdicts.append(_verdict(item, known, posted=item.line in posted))
        return sorted(verdicts, key=lambda verdict: verdict.item.line)

    def write(
        self, session: Session, program: Program, items: Sequence[Item[Belongs]], now: datetime
    ) -> None:
        """Record their signups, in the order of their ids: two imports at once then wait and do not deadlock."""
        referrers = Referrers(session, program, [item.value.referrer for item in items])
        for item in sorted(items, key=lambda each: each.value.customer_id):
            fact = _fact(item.value, referrers.of(item.value.referrer))
            record_signup(self._deps, session, program, fact, now)

    def _refuse_suspended(self, value: Belongs, referrer: Named) -> None:
        """A signup during a suspension would belong to nobody, in silence."""
        at = value.signed_up_at or self._reading.now
        for start, end in referrer.suspensions:
            if (
                start
                and datetime.fromisoformat(start) <= at
                and (not end or at < datetime.fromisoformat(end))
            ):
                raise LineRefused(f"referrer {referrer.code!r} took no part when the customer signed up")

    def _posted(self, session: Session, program: Program, facts: Mapping[int, SignupFact]) -> set[int]:
        """The lines whose very signup is on record."""
        hashes = {line: hash_of(body_of(fact, self._deps.keyring)) for line, fact in facts.items()}
        keys: dict[str, int] = {}
        for line, fact in facts.items():
            keys |= {fact.customer_id: line, f"{fact.customer_id}\n{hashes[line]}": line}
        rows = session.execute(
            select(Fact.key, Fact.body_hash).where(
                Fact.program_id == program.id, Fact.kind == FactKind.SIGNUP, Fact.key.in_(keys)
            )
        )
        return {keys[key] for key, body_hash in rows if body_hash == hashes[keys[key]]}


def _fact(value: Belongs, referrer: Named) -> SignupFact:
    return SignupFact(
        customer_id=value.customer_id,
        referrer_code=referrer.code,
        email=value.email,
        signed_up_at=value.signed_up_at,
    )


def _recorded(session: Session, program: Program, customer_ids: Sequence[str]) -> dict[str, _Recorded]:
    bound = select(Binding.id).where(Binding.customer_id == Customer.id).exists()
    rows = session.execute(
        select(Customer.customer_id, Signup.signed_up_at, bound, Customer.erased_at)
        .outerjoin(Signup, Signup.customer_id == Customer.id)
        .where(Customer.program_id == program.id, Customer.customer_id.in_(customer_ids))
    )
    return {key: _Recorded(at, bool(has), erased is not None) for key, at, has, erased in rows}


def _verdict(item: Item[Belongs], known: _Recorded | None, *, posted: bool) -> Verdict[Belongs]:
    if posted:
        return Verdict(item, State.UNCHANGED)
    if known is None:
        return Verdict(item, State.NEW)
    if known.bound:
        return Verdict(item, refused="the customer has a referrer on record already; an import moves nobody")
    if known.erased:
        return Verdict(item, refused="the customer's personal data were erased")
    if known.signed_up_at is not None and item.value.signed_up_at not in {None, known.signed_up_at}:
        return Verdict(
            item, refused=f"the customer's signup is on record, at {known.signed_up_at.isoformat()}"
        )
    return Verdict(item, State.NEW)
