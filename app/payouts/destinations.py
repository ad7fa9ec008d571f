"""Bank accounts on file: given, changed, blocked, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.identity.audit import record_event
from app.kernel import ids
from app.kernel.clock import local_day
from app.kernel.sealed import SealedColumn
from app.payouts import queries
from app.payouts.deps import PayoutEvent, PayoutNews
from app.payouts.domain.iban import country_of, last4, normalise_bic, normalise_iban
from app.payouts.domain.sepa_text import has_sepa_name, sepa_text
from app.payouts.errors import BadAddress, BadHolder, DestinationAltered
from app.payouts.models import PayoutDestination
from app.payouts.words import BlockedReason
from app.referrals.facts import fingerprint
from app.referrals.locks import own_referrer
from app.referrals.models import Program, Referrer, ReferrerStatus
from app.referrals.referrers import suspend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.kernel.crypto import Keyring
    from app.payouts.deps import PayoutDeps
    from app.payouts.words import DestinationSource

COOLING_DAYS: Final = 7
"""How long a changed account rests before it may be paid to."""

_MAX_HOLDER: Final = 140
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_KEPT: Final = (
    "referrer_id",
    "holder",
    "iban_key",
    "last4",
    "country",
    "bic",
    "street",
    "building",
    "postcode",
    "town",
    "address_country",
    "source",
    "verified",
    "usable_on",
    "blocked_at",
    "blocked_reason",
)
"""What a version that restores an earlier one has in common with it."""
_LENGTHS: Final = {"street": 70, "building": 16, "postcode": 16, "town": 35}


@dataclass(frozen=True, slots=True)
class GivenAddress:
    """An account holder's address as it was given; empty text counts as missing."""

    town: str | None = None
    country: str | None = None
    street: str | None = None
    building: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """A bank account as it was typed or sent."""

    holder: str
    iban: str
    bic: str | None = None
    address: GivenAddress | None = None


def iban_key(keyring: Keyring, iban: str) -> str:
    """The fingerprint by which equal accounts are found; the same as that of a payer's IBAN."""
    return fingerprint(keyring, "iban", iban)


def put_destination(
    deps: PayoutDeps,
    session: Session,
    referrer: Referrer,
    given: GivenAccount,
    *,
    source: DestinationSource,
    verified: bool,
    by: Actor,
    now: datetime,
) -> PayoutDestination:
    """Keep a bank account as the referrer's next version; the same account again changes nothing.

    The first account, and one that the merchant vouches for (``verified``), is usable at once; a change
    rests for :data:`COOLING_DAYS` days and is told to the referrer. Raises ``BadIban``, ``BadBic``,
    :class:`BadHolder`, :class:`BadAddress`.
    """
    fields = _checked(given)
    iban = normalise_iban(given.iban)
    # The race: two changes at the same instant, or a change and a run that is being frozen. Both would number the
    # same version, or the run would pay to an account that was just replaced without anybody noticing.
    own_referrer(session, referrer.id)
    current = queries.current_destination(session, referrer.id)
    key = iban_key(deps.keyring, iban)
    program = session.get_one(Program, referrer.program_id)
    if current and _is_same(current, key, fields) and (current.verified or not verified):
        return current
    public_id = ids.random_id("dst_")
    destination = PayoutDestination(
        public_id=public_id,
        referrer_id=referrer.id,
        version=current.version + 1 if current else 1,
        iban_sealed=deps.keyring.seal(iban.encode(), _aad(public_id, referrer.id)),
        iban_key=key,
        last4=last4(iban),
        country=country_of(iban),
        source=source,
        verified=verified,
        usable_on=_usable_on(current, key, verified=verified, today=local_day(now, program.timezone)),
        created_at=now,
        created_by=by.label,
        **fields,
    )
    if current and current.iban_key == key and _is_still_refused(current, fields):
        destination.blocked_at, destination.blocked_reason = current.blocked_at, current.blocked_reason
    session.add(destination)
    session.flush()
    _announce(deps, session, program, referrer, destination, by, now)
    return destination


def _is_still_refused(current: PayoutDestination, fields: Mapping[str, object]) -> bool:
    """Whether what blocked an account is still in it: its number is; the name or BIC may have been put right."""
    match current.blocked_reason:
        case BlockedReason.RVNM:
            return fields["holder"] == current.holder
        case BlockedReason.RC01:
            return fields["bic"] == current.bic
        case _:
            return True


def _announce(
    deps: PayoutDeps,
    session: Session,
    program: Program,
    referrer: Referrer,
    destination: PayoutDestination,
    by: Actor,
    now: datetime,
) -> None:
    details = {
        "version": destination.version,
        "last4": destination.last4,
        "verified": destination.verified,
        "usable_on": destination.usable_on.isoformat(),
    }
    subject = f"referrer:{referrer.code}"
    record_event(session, by, "destination.set", subject, details, now=now, program_id=program.id)
    shared = queries.codes_with_account(session, program.id, destination.iban_key, besides=referrer.id)
    if shared:
        # A family or a company with one account is no offence; staff see it, and the review rules judge the rest.
        facts = {"last4": destination.last4, "also": list(shared)}
        record_event(session, by, "destination.shared", subject, facts, now=now, program_id=program.id)
    if destination.version > 1:
        deps.tell(session, PayoutNews(PayoutEvent.ACCOUNT_CHANGED, referrer.id, now, destination.id))


def block_destination(
    session: Session, destination: PayoutDestination, reason: BlockedReason, *, by: Actor, now: datetime
) -> None:
    """Let nothing more be paid to this account; blocking a blocked one keeps its first reason."""
    if destination.blocked_at is not None:
        return
    destination.blocked_at, destination.blocked_reason = now, reason
    facts = {"reason": reason.value, "last4": destination.last4}
    _record(session, destination, "destination.blocked", facts, by, now)


def _record(
    session: Session,
    destination: PayoutDestination,
    action: str,
    facts: Mapping[str, str | None],
    by: Actor,
    now: datetime,
) -> None:
    subject = f"destination:{destination.public_id}"
    program_id = session.get_one(Referrer, destination.referrer_id).program_id
    record_event(session, by, action, subject, facts, now=now, program_id=program_id)


def copy_account(
    deps: PayoutDeps, earlier: PayoutDestination, *, version: int, public_id: str, by: Actor, now: datetime
) -> PayoutDestination:
    """The account of an earlier version as a further one: usable as it was, blocked as it was."""
    sealed = deps.keyring.seal(
        open_iban(deps.keyring, earlier).encode(), _aad(public_id, earlier.referrer_id)
    )
    kept = {name: getattr(earlier, name) for name in _KEPT}
    return PayoutDestination(
        public_id=public_id, version=version, iban_sealed=sealed, created_at=now, created_by=by.label, **kept
    )


def freeze_referrer(
    session: Session, destination: PayoutDestination, reason: str, *, by: Actor, now: datetime
) -> None:
    """Have nothing more paid to this referrer until staff have looked, because of what the bank said (MD07).

    An active one is suspended; one who left cannot be, so their account is blocked instead.
    """
    referrer = own_referrer(session, destination.referrer_id)
    if referrer.status is ReferrerStatus.ACTIVE:
        program = session.get_one(Program, referrer.program_id)
        suspend(session, program, referrer, reason=reason, actor=by, now=now)
    else:
        block_destination(session, destination, BlockedReason.STAFF, by=by, now=now)


def unblock_destination(
    session: Session, destination: PayoutDestination, reason: str, *, by: Actor, now: datetime
) -> None:
    """Let an account be paid to again, with a person's reason; one that is not blocked stays as it is."""
    if destination.blocked_at is None:
        return
    was, destination.blocked_at, destination.blocked_reason = destination.blocked_reason, None, None
    facts = {"was": was and was.value, "reason": reason, "last4": destination.last4}
    _record(session, destination, "destination.unblocked", facts, by, now)


@dataclass(frozen=True, slots=True)
class SealedIban:
    """The columns of a :class:`PayoutDestination` that its IBAN is opened with."""

    public_id: str
    referrer_id: int
    iban_sealed: bytes
    iban_key: str


def open_iban(keyring: Keyring, destination: PayoutDestination | SealedIban) -> str:
    """The IBAN in the clear, for the bank file alone. Raises ``CannotOpen``, :class:`DestinationAltered`."""
    aad = _aad(destination.public_id, destination.referrer_id)
    iban = keyring.open(destination.iban_sealed, aad).decode()
    if iban_key(keyring, iban) != destination.iban_key:
        raise DestinationAltered(destination.public_id)
    return iban


def _aad(public_id: str, referrer_id: int) -> bytes:
    return f"payout_destinations:{public_id}:{referrer_id}".encode()


SEALED_IBANS: Final = SealedColumn(
    PayoutDestination.iban_sealed, (PayoutDestination.public_id, PayoutDestination.referrer_id), _aad
)
"""Where ``flask payouts rotate-keys`` finds the bank accounts."""


def _usable_on(current: PayoutDestination | None, key: str, *, verified: bool, today: date) -> date:
    if current is None or verified:
        return today
    if current.iban_key == key:
        return max(current.usable_on, today)
    return today + timedelta(days=COOLING_DAYS)


def _is_same(current: PayoutDestination, key: str, fields: Mapping[str, str | None]) -> bool:
    return current.iban_key == key and all(getattr(current, name) == value for name, value in fields.items())


def _checked(given: GivenAccount) -> dict[str, str | None]:
    """The fields of the row besides the IBAN, trimmed and within the bank file's bounds."""
    holder = " ".join(given.holder.split())
    if not 1 <= len(holder) <= _MAX_HOLDER or not has_sepa_name(holder):
        raise BadHolder
    address = given.address or GivenAddress()
    fields = {name: (getattr(address, name) or "").strip() or None for name in _LENGTHS}
    for name, value in fields.items():
        if value is not None and (len(value) > _LENGTHS[name] or not sepa_text(value, _LENGTHS[name])):
            raise BadAddress(name, f"at most {_LENGTHS[name]} characters that banks can write")
    country = (address.country or "").strip().upper() or None
    if country is not None and _COUNTRY.fullmatch(country) is None:
        raise BadAddress("country", "the two letters of ISO 3166")
    return {"holder": holder, "bic": normalise_bic(given.bic), "address_country": country, **fields}
