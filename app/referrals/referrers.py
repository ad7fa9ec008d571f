"""Referrers: joining, suspension, coupons and campaign links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.identity.emails import clean_email
from app.kernel import ids
from app.kernel.crypto import Keyring, email_key
from app.kernel.db import insert_or_ignore
from app.kernel.errors import Conflict, InvalidInput
from app.referrals import holds, locks
from app.referrals.domain.deep_link import deep_link
from app.referrals.errors import ReferrerNotFound
from app.referrals.links import ASSET_CAMPAIGN
from app.referrals.models import Coupon, Link, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

CODE: Final = re.compile(r"[a-z0-9-]{3,32}", re.ASCII)
CAMPAIGN: Final = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)
COUPON: Final = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
LOCALES: Final = ("nl", "de", "en")
MAX_NAME: Final = 200
MAX_REASON: Final = 500


class CodeTaken(Conflict):
    """Another referrer of this installation has that code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the code {code!r} is taken", pointer="/code")


class AlreadyJoined(Conflict):
    """That mailbox takes part in this programme, under other particulars."""

    def __init__(self) -> None:
        super().__init__(
            "somebody with this e-mail address is a referrer of this programme", pointer="/email"
        )


class LeftBefore(Conflict):
    """That mailbox took part and left. Only the person may come back, by accepting the terms (``leaving.come_back``):
    a system that repeats its list of referrers must not bring anybody in again.
    """

    def __init__(self, referrer: Referrer) -> None:
        super().__init__(
            "somebody with this e-mail address has left this programme; they can join again themselves",
            pointer="/email",
        )
        self.referrer = referrer


class CouponTaken(Conflict):
    """The coupon belongs to another referrer."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the coupon {code!r} belongs to another referrer", pointer="/coupon")


class NotSuspended(Conflict):
    """Only a suspended referrer can be reinstated."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} is not suspended")


class NotActive(Conflict):
    """Only an active referrer can be suspended."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} is not active")


@dataclass(frozen=True, slots=True)
class Joining:
    """Who joins. ``code`` left out is made at random; ``terms_version`` is what the person accepted."""

    name: str
    email: str
    locale: str = "en"
    code: str | None = None
    user_id: int | None = None
    terms_version: str | None = None


def find_referrer(session: Session, program: Program, code: str) -> Referrer:
    """The referrer of that code. Raises :class:`ReferrerNotFound`."""
    wanted = select(Referrer).where(Referrer.code == code.lower(), Referrer.program_id == program.id)
    referrer = session.scalar(wanted)
    if referrer is None:
        raise ReferrerNotFound(code)
    return referrer


def join(
    session: Session, keyring: Keyring, program: Program, joining: Joining, *, actor: Actor, now: datetime
) -> tuple[Referrer, bool]:
    """Have somebody join; the referrer, and whether it is new.

    Joining again with the same particulars changes nothing. Raises :class:`AlreadyJoined` for the same mailbox with
    another name or code, :class:`LeftBefore`, :class:`CodeTaken`, and ``InvalidInput`` naming the field.
    """
    email = clean_email(joining.email)
    name = " ".join(joining.name.split())
    _check(name, joining)
    key = email_key(keyring, email)
    there = session.scalar(
        select(Referrer).where(Referrer.program_id == program.id, Referrer.email_key == key)
    )
    if there is not None:
        return _again(there, name, joining), False
    code = joining.code or _free_code(session)
    if session.scalar(select(Referrer.id).where(Referrer.code == code)) is not None:
        raise CodeTaken(code)
    row: dict[str, object] = {
        "program_id": program.id,
        "user_id": joining.user_id,
        "code": code,
        "name": name,
        "email": email,
        "email_key": key,
        "locale": joining.locale,
        "status": ReferrerStatus.ACTIVE,
        "suspensions": [],
        "joined_at": now,
        "terms_version": joining.terms_version,
        "terms_accepted_at": now if joining.terms_version else None,
    }
    # Two people press "join" with one address at the same instant: the unique key lets one of them in.
    if not insert_or_ignore(session, Referrer, [row], key=("program_id", "email_key")):
        raise AlreadyJoined
    referrer = find_referrer(session, program, code)
    record_event(session, actor, "referrer.joined", f"referrer:{code}", now=now, program_id=program.id)
    return referrer, True


def correct_name(session: Session, referrer: Referrer, name: str, *, actor: Actor, now: datetime) -> bool:
    """Correct a referrer's name (1 to 200 printable characters); whether it is another one.

    The trail says that it was corrected, not what it is: it can never be erased. Raises ``InvalidInput``.
    """
    tidy = " ".join(name.split())
    _check_name(tidy)
    if tidy == referrer.name:
        return False
    referrer.name = tidy
    _record(session, actor, "referrer.name_corrected", referrer, {}, now)
    return True


def suspend(
    session: Session, program: Program, referrer: Referrer, *, reason: str, actor: Actor, now: datetime
) -> int:
    """Suspend a referrer: links land unattributed and unpaid money is held; how many commissions were.

    Raises :class:`NotActive`, and ``InvalidInput`` where no reason is given.
    """
    reason = _reason(reason)
    referrer = locks.own_referrer(session, referrer.id)
    if referrer.status is not ReferrerStatus.ACTIVE:
        raise NotActive(referrer.code)
    referrer.status = ReferrerStatus.SUSPENDED
    referrer.suspensions = [*referrer.suspensions, [now.isoformat(), None]]
    held = holds.hold_all(session, program, referrer, now=now)
    details = {"reason": reason, "commissions_held": held}
    _record(session, actor, "referrer.suspended", referrer, details, now)
    return held


def reinstate(
    session: Session, program: Program, referrer: Referrer, *, reason: str, actor: Actor, now: datetime
) -> int:
    """Let a suspended referrer take part again and release what the suspension held; how many holds ended.

    Raises :class:`NotSuspended`, and ``InvalidInput`` where no reason is given.
    """
    reason = _reason(reason)
    referrer = locks.own_referrer(session, referrer.id)
    if referrer.status is not ReferrerStatus.SUSPENDED:
        raise NotSuspended(referrer.code)
    referrer.status = ReferrerStatus.ACTIVE
    referrer.suspensions = [*referrer.suspensions[:-1], [referrer.suspensions[-1][0], now.isoformat()]]
    ended = holds.release_all(session, program, referrer, reason=reason, by=actor.label, now=now)
    details = {"reason": reason, "holds_released": ended}
    _record(session, actor, "referrer.reinstated", referrer, details, now)
    return ended


def create_coupon(
    session: Session, program: Program, referrer: Referrer, code: str, *, actor: Actor, now: datetime
) -> Coupon:
    """Give a referrer a coupon code (1 to 64 visible ASCII characters, case does not matter); again changes nothing.

    Raises :class:`CouponTaken` where it is another referrer's.
    """
    if not COUPON.fullmatch(code):
        raise InvalidInput(
            "coupon: expected 1 to 64 visible ASCII characters without spaces", pointer="/coupon"
        )
    wanted = code.upper()
    row = {"program_id": program.id, "referrer_id": referrer.id, "code": wanted, "created_at": now}
    if insert_or_ignore(session, Coupon, [row], key=("program_id", "code")):
        _record(session, actor, "coupon.created", referrer, {"coupon": wanted}, now)
    coupon = session.scalars(
        select(Coupon).where(Coupon.program_id == program.id, Coupon.code == wanted)
    ).one()
    if coupon.referrer_id != referrer.id:
        raise CouponTaken(wanted)
    return coupon


def make_link(
    session: Session, program: Program, referrer: Referrer, *, campaign: str, to: str, now: datetime
) -> Link:
    """Keep a link for a campaign, to a page, or both; again gives the one that is there.

    Raises ``InvalidInput`` for a campaign outside ``[a-z0-9-]{1,20}`` or of a banner, and for a page that the redirect
    would ignore.
    """
    if campaign and not CAMPAIGN.fullmatch(campaign):
        raise InvalidInput("campaign: expected 1 to 20 characters a-z, 0-9 and hyphen", pointer="/campaign")
    if ASSET_CAMPAIGN.fullmatch(campaign):
        raise InvalidInput("campaign: b- and a number is kept for banners and texts", pointer="/campaign")
    if to and deep_link(to, program.landing_url, program.hosts) is None:
        raise InvalidInput(
            "to: expected a path, or an https address on a host of the programme", pointer="/to"
        )
    row = {"referrer_id": referrer.id, "campaign": campaign, "to": to, "created_at": now}
    insert_or_ignore(session, Link, [row], key=("referrer_id", "campaign", "to"))
    wanted = select(Link).where(Link.referrer_id == referrer.id, Link.campaign == campaign, Link.to == to)
    return session.scalars(wanted).one()


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(f"name: expected 1 to {MAX_NAME} printable characters", pointer="/name")


def _check(name: str, joining: Joining) -> None:
    _check_name(name)
    if joining.locale not in LOCALES:
        raise InvalidInput(f"locale: expected one of {', '.join(LOCALES)}", pointer="/locale")
    if joining.code is not None and not CODE.fullmatch(joining.code):
        raise InvalidInput("code: expected 3 to 32 characters a-z, 0-9 and hyphen", pointer="/code")


def _again(there: Referrer, name: str, joining: Joining) -> Referrer:
    if there.status is ReferrerStatus.LEFT:
        raise LeftBefore(there)
    if there.name != name or joining.code not in {None, there.code}:
        raise AlreadyJoined
    if there.user_id is None:
        there.user_id = joining.user_id
    return there


def _free_code(session: Session) -> str:
    """A random code of 8 characters: says nothing about the person, and is easy to read out."""
    while True:
        code = ids.random_id("", 8)
        if session.scalar(select(Referrer.id).where(Referrer.code == code)) is None:
            return code


def _reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not 1 <= len(text) <= MAX_REASON:
        raise InvalidInput(f"reason: expected 1 to {MAX_REASON} characters", pointer="/reason")
    return text


def _record(
    session: Session, actor: Actor, action: str, referrer: Referrer, details: dict[str, object], now: datetime
) -> None:
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, action, subject, details, now=now, program_id=referrer.program_id)
