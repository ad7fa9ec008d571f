"""A person gives their account another e-mail address: confirmed at the new one, told to the old one, and undone there.

The old address can take the change back for two weeks. Whoever does that did not make the change, so somebody else
knows the password: it is void then, and a new one is set by a mail to the old address. Void are also second steps that
somebody set up shortly before or since: a thief's passkey logs in alone, and a thief's app would lock the owner out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.identity.audit import Actor, record_event
from app.identity.emails import clean_email
from app.identity.models import EmailChange, User
from app.identity.queries import user_by_email
from app.identity.roles import Role
from app.identity.second_factor import reset_newer_factors
from app.identity.sessions import revoke_all
from app.identity.tokens import VALID_FOR, LinkPurpose, MailLinkRefused
from app.identity.users import change_email
from app.kernel import ids
from app.kernel.errors import InvalidInput
from app.referrals.address import correct_address
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.tokens import MailLinks
    from app.kernel.crypto import Keyring


class SameAddress(InvalidInput):
    """The account has this address already."""

    title = "Nothing to change"

    def __init__(self) -> None:
        super().__init__("this is the address of the account already", pointer="/email")


def ask_address(session: Session, user: User, raw: str, *, now: datetime) -> EmailChange | None:
    """Note another address, to be confirmed there; an earlier one that was not confirmed is void.

    ``None`` where somebody else has the address: the caller says the same then, since who has an account here is
    nobody's business. Raises :class:`SameAddress` or ``InvalidEmail``.
    """
    email = clean_email(raw)
    if email == user.email:
        raise SameAddress
    _void_asked(session, user)
    if user_by_email(session, email) is not None:
        return None
    change = EmailChange(
        public_id=ids.random_id("adr_"), user_id=user.id, old_email=user.email, new_email=email, asked_at=now
    )
    session.add(change)
    session.flush()
    _record(session, user, "user.email_asked", now)
    return change


def read_change(
    session: Session, links: MailLinks, purpose: LinkPurpose, token: str, now: datetime
) -> EmailChange:
    """The change that a mailed link is about; reads only. Raises ``MailLinkRefused``, also once it was used."""
    link = links.read(purpose, token, now)
    link.require(link.subject)
    change = session.scalar(select(EmailChange).where(EmailChange.public_id == link.subject))
    wants_undo = purpose is LinkPurpose.UNDO_ADDRESS
    if change is None or change.undone_at is not None or (change.confirmed_at is not None) is not wants_undo:
        raise MailLinkRefused
    user = session.get(User, change.user_id)
    if user is None or user.disabled_at is not None:
        raise MailLinkRefused
    return change


def confirm_address(session: Session, keyring: Keyring, change: EmailChange, *, now: datetime) -> User:
    """Put the new address in the place of the old one, for the login and wherever they take part; they log in again.

    Raises ``AddressTaken`` or ``EmailTaken`` where somebody else has it by now.
    """
    user = session.get_one(User, change.user_id)
    if user.email != change.old_email:
        raise MailLinkRefused
    _move(session, keyring, user, change.new_email, now)
    change.confirmed_at = user.email_verified_at = now
    return user


def undo_address(session: Session, keyring: Keyring, change: EmailChange, *, now: datetime) -> User:
    """Give the account its old address back, and make the password void, and what second steps are not much older
    than the change. Raises as :func:`confirm_address` does.
    """
    user = session.get_one(User, change.user_id)
    _void_asked(session, user)
    _move(session, keyring, user, change.old_email, now)
    # Also every later change: its own old address is that of whoever made this one, and must not undo this undoing.
    session.execute(
        update(EmailChange)
        .where(EmailChange.user_id == user.id, EmailChange.id >= change.id)
        .values(undone_at=now)
    )
    user.email_verified_at = now
    user.password_hash = None
    since = change.asked_at - VALID_FOR[LinkPurpose.UNDO_ADDRESS]
    reset_newer_factors(session, user, since, actor=Actor.user(user), now=now)
    revoke_all(session, user.id, now=now)
    _record(session, user, "user.email_restored", now)
    return user


def _move(session: Session, keyring: Keyring, user: User, email: str, now: datetime) -> None:
    actor = Actor.user(user)
    wanted = select(Referrer).where(Referrer.user_id == user.id, Referrer.erased_at.is_(None)).limit(1)
    referrer = session.scalar(wanted) if user.role is Role.REFERRER else None
    if referrer is not None:
        correct_address(session, keyring, referrer, email, actor=actor, now=now)
    change_email(session, user, email, actor=actor, now=now)


def _void_asked(session: Session, user: User) -> None:
    session.execute(
        update(EmailChange)
        .where(EmailChange.user_id == user.id, EmailChange.confirmed_at.is_(None))
        .values(undone_at=EmailChange.asked_at)
    )


def _record(session: Session, user: User, action: str, now: datetime) -> None:
    record_event(session, Actor.user(user), action, f"user:{user.public_id}", now=now)
