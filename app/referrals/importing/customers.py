"""Customers with the referrer they belong to: each is a signup that presents the referrer's code.

A signup is a fact, so a replay from the facts comes to the same bindings; nothing but ``record_signup`` writes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.identity.emails import clean_email
from app.kernel.crypto import email_key
from app.referrals.domain.attribution import LEAD_DAYS
from app.referrals.facts import SignupFact, body_of, hash_of
from app.referrals.importing import values
from app.referrals.importing.errors import LineRefused, NotBrought, blaming
from app.referrals.importing.lines import Item, Lines, Referrers, State, Verdict, Whom, whom
from app.referrals.intake import AHEAD
from app.referrals.models import Assignment, Binding, Customer, Fact, FactKind, Lead, Signup
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
    """What is known of a customer: its signup's time if it has one, whether a referrer or staff's word ever had it."""

    signed_up_at: datetime | None
    bound: bool
    assigned: bool
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
        leads = self._leads(session, program, items)
        recorded = _recorded(session, program, [item.value.customer_id for item in items])
        facts: dict[int, SignupFact] = {}
        verdicts: list[Verdict[Belongs]] = []
        for item in items:
            try:
                referrer = referrers.of(item.value.referrer)
                facts[item.line] = _fact(item.value, referrer)
                self._refuse_suspended(item.value, referrer)
                self._refuse_lead(item.value, referrer, leads)
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
            with blaming(item.line):
                record_signup(self._deps, session, program, fact, now)
        owners = _owners(session, program, [item.value.customer_id for item in items])
        for item in items:
            # Whatever the check did not foresee: nobody is brought in for somebody else in silence.
            if owners.get(item.value.customer_id) != referrers.of(item.value.referrer).id:
                raise NotBrought(item.line, "the customer would not belong to that referrer")

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

    def _leads(
        self, session: Session, program: Program, items: Sequence[Item[Belongs]]
    ) -> dict[str, list[tuple[int, datetime]]]:
        """Who registered these customers' addresses, and when: a lead beats a referrer's code."""
        keys = {email_key(self._deps.keyring, item.value.email) for item in items if item.value.email}
        found: dict[str, list[tuple[int, datetime]]] = {}
        if keys:
            rows = session.execute(
                select(Lead.email_key, Lead.referrer_id, Lead.registered_at).where(
                    Lead.program_id == program.id, Lead.email_key.in_(keys)
                )
            )
            for key, referrer_id, at in rows:
                found.setdefault(key or "", []).append((referrer_id, at))
        return found

    def _refuse_lead(
        self, value: Belongs, referrer: Named, leads: Mapping[str, list[tuple[int, datetime]]]
    ) -> None:
        if value.email is None or not leads:
            return
        signed_up_at = value.signed_up_at or self._reading.now
        for referrer_id, at in leads.get(email_key(self._deps.keyring, value.email), ()):
            if referrer_id != referrer.id and at <= signed_up_at < at + timedelta(days=LEAD_DAYS):
                raise LineRefused("another referrer had registered the customer as a lead, which goes before")

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
    assigned = select(Assignment.id).where(Assignment.customer_id == Customer.id).exists()
    rows = session.execute(
        select(Customer.customer_id, Signup.signed_up_at, bound, assigned, Customer.erased_at)
        .outerjoin(Signup, Signup.customer_id == Customer.id)
        .where(Customer.program_id == program.id, Customer.customer_id.in_(customer_ids))
    )
    return {key: _Recorded(at, has, said, erased is not None) for key, at, has, said, erased in rows}


def _owners(session: Session, program: Program, customer_ids: Sequence[str]) -> dict[str, int]:
    """Whom the customers belong to now; of one who belonged to several, the latest."""
    rows = session.execute(
        select(Customer.customer_id, Binding.referrer_id)
        .join(Binding, Binding.customer_id == Customer.id)
        .where(Customer.program_id == program.id, Customer.customer_id.in_(customer_ids))
        .order_by(Binding.from_at)
    )
    return dict(rows.all())


def _verdict(item: Item[Belongs], known: _Recorded | None, *, posted: bool) -> Verdict[Belongs]:
    if posted:
        return Verdict(item, State.UNCHANGED)
    if known is None:
        return Verdict(item, State.NEW)
    if known.assigned:
        return Verdict(item, refused="staff have said whom the customer belongs to")
    if known.bound:
        return Verdict(item, refused="the customer has a referrer on record already; an import moves nobody")
    if known.erased:
        return Verdict(item, refused="the customer's personal data were erased")
    if known.signed_up_at is not None and item.value.signed_up_at not in {None, known.signed_up_at}:
        return Verdict(
            item, refused=f"the customer's signup is on record, at {known.signed_up_at.isoformat()}"
        )
    return Verdict(item, State.NEW)
