"""Hand-overs: the merchant's own site vouches for somebody who is logged in there.

The token is 256 random bits of which only the SHA-256 is kept, so that neither the database nor a copy of it opens
anything, and so that using it is one UPDATE that only one of several browsers can win.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from app.kernel import ids
from app.kernel.errors import Conflict, InvalidInput
from app.referrals.models import Customer, Referrer
from app.shopfront.models import CustomerSession, HandOver
from app.shopfront.words import FOR_CUSTOMERS, FOR_REFERRERS, Opens

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

VALID_FOR: Final = timedelta(minutes=5)
"""From the merchant's call to the browser that follows it: seconds, and some for a slow phone."""

CUSTOMER_STAYS: Final = timedelta(minutes=30)
"""How long a customer stays known here after a hand-over."""

KEEP_ENDED: Final = timedelta(days=1)
"""How long what is over is kept, so that the page can still say whose shop to go back to."""


class HandOverRefused(InvalidInput):
    """The address was altered, has been used, or has expired. Which one is not told."""

    title = "Address no longer valid"

    def __init__(self) -> None:
        super().__init__("this address has been used or has expired; open it again", pointer="/token")


class NothingToOpen(Conflict):
    """The referrer has no account of their own to open."""

    def __init__(self, code: str) -> None:
        super().__init__(f"referrer {code!r} has no account of their own: somebody else's mailbox was given")


def hand_over_referrer(session: Session, referrer: Referrer, opens: Opens, now: datetime) -> str:
    """The token with which this referrer's browser opens their dashboard. Raises :class:`NothingToOpen`."""
    if referrer.user_id is None:
        raise NothingToOpen(referrer.code)
    if opens not in FOR_REFERRERS:
        raise ValueError(f"{opens} is not for referrers")
    return _issue(
        session, HandOver(program_id=referrer.program_id, referrer_id=referrer.id, opens=opens), now
    )


def hand_over_customer(
    session: Session, customer: Customer, opens: Opens, now: datetime, *, profile_of: str | None = None
) -> str:
    """The token with which this customer's browser opens a page. ``profile_of`` is a referrer's code."""
    if opens not in FOR_CUSTOMERS:
        raise ValueError(f"{opens} is not for customers")
    row = HandOver(
        program_id=customer.program_id, customer_id=customer.id, opens=opens, profile_of=profile_of
    )
    return _issue(session, row, now)


def find_hand_over(session: Session, token: str) -> HandOver | None:
    """The hand-over of this token; also one that is used up or over."""
    return session.scalar(select(HandOver).where(HandOver.token_hash == token_hash(token)))


def is_open(found: HandOver, now: datetime) -> bool:
    """Whether it can still be used."""
    return found.used_at is None and now < found.expires_at


def burn(session: Session, token: str, now: datetime) -> HandOver:
    """Use a hand-over up. Raises :class:`HandOverRefused`."""
    # Two browsers may come with the same token at once (the person, and whoever read their history): the condition
    # in the UPDATE lets one of them in, where reading first and writing later would let in both.
    used = session.execute(
        update(HandOver)
        .where(
            HandOver.token_hash == token_hash(token),
            HandOver.used_at.is_(None),
            HandOver.expires_at > now,
        )
        .values(used_at=now)
        .returning(HandOver.id)
    ).scalar()
    if used is None:
        raise HandOverRefused
    return session.get_one(HandOver, used, populate_existing=True)


def start_customer_session(session: Session, found: HandOver, now: datetime) -> str:
    """Know this customer in the browser that holds the token that is answered."""
    token = ids.token_text()
    session.add(
        CustomerSession(
            token_hash=token_hash(token),
            program_id=found.program_id,
            customer_id=found.customer_id,
            created_at=now,
            expires_at=now + CUSTOMER_STAYS,
        )
    )
    return token


def customer_of_session(session: Session, token: str, now: datetime) -> Customer | None:
    """The customer whom this browser's token stands for, if the session is not over and they are not erased."""
    found: Customer | None = session.scalar(
        select(Customer)
        .join(CustomerSession, CustomerSession.customer_id == Customer.id)
        .where(
            CustomerSession.token_hash == token_hash(token),
            CustomerSession.expires_at > now,
            Customer.erased_at.is_(None),
        )
    )
    return found


def token_hash(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain hash cannot be turned round and needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _issue(session: Session, row: HandOver, now: datetime) -> str:
    token = ids.token_text()
    row.token_hash, row.created_at, row.expires_at = token_hash(token), now, now + VALID_FOR
    session.add(row)
    return token
