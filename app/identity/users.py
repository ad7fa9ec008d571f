"""Use cases of people: they are created, prove who they are, set passwords, and are disabled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from app.identity import passwords
from app.identity.audit import Actor, record_event
from app.identity.emails import clean_email
from app.identity.models import User
from app.identity.queries import user_by_email, user_by_public_id
from app.identity.sessions import revoke_all
from app.identity.tokens import LinkPurpose, MailLinkRefused
from app.kernel import ids
from app.kernel.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.roles import Role
    from app.identity.tokens import MailLinks

LOCALES: Final = ("nl", "de", "en")
"""The languages of pages and mails."""

MAX_NAME: Final = 140


class EmailTaken(Conflict):
    """Somebody has an account under this address already."""

    title = "E-mail address in use"

    def __init__(self, email: str) -> None:
        super().__init__(f"there is already an account for {email}", pointer="/email")
        self.email = email


class UnknownUser(NotFound):
    """No account has this address."""

    title = "Unknown person"

    def __init__(self, email: str) -> None:
        super().__init__(f"there is no account for {email}", pointer="/email")


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who is to be created. ``password`` is left out where the person sets it by a mailed link."""

    email: str
    role: Role
    name: str = ""
    locale: str = "en"
    password: str | None = None


def create_user(session: Session, new: NewUser, *, actor: Actor | None = None, now: datetime) -> User:
    """Create an account; the row has its id when this returns. ``actor`` defaults to the person themselves.

    Raises :class:`EmailTaken`, ``InvalidEmail``, ``WeakPassword`` or :class:`InvalidInput`.
    """
    email = clean_email(new.email)
    if user_by_email(session, email) is not None:
        raise EmailTaken(email)
    user = User(
        public_id=ids.random_id("usr_"),
        email=email,
        name=clean_name(new.name),
        role=new.role,
        locale=clean_locale(new.locale),
        password_hash=None if new.password is None else _new_hash(new.password, email),
        created_at=now,
    )
    _insert(session, user)
    _record(session, actor, user, "user.created", {"role": user.role.value}, now)
    return user


def invite_user(session: Session, new: NewUser, *, actor: Actor, now: datetime) -> tuple[User | None, bool]:
    """The account of somebody whom a merchant's system brings, and whether it is new and waits for its
    password.

    ``None`` where the address has an account with a password and nobody has shown that the mailbox is theirs:
    whoever typed the address first must not come by what the merchant gives to its owner. Raises as
    :func:`create_user` does.
    """
    there = user_by_email(session, clean_email(new.email))
    if there is None:
        return create_user(session, replace(new, password=None), actor=actor, now=now), True
    proven = there.email_verified_at is not None or there.password_hash is None
    return (there if proven else None), False


def clean_name(raw: str) -> str:
    """A name with single spaces, at most 140 characters. Raises :class:`InvalidInput`."""
    name = " ".join(raw.split())
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"a name has at most {MAX_NAME} printable characters", pointer="/name")
    return name


def clean_locale(raw: str) -> str:
    """One of :data:`LOCALES`. Raises :class:`InvalidInput`."""
    if raw not in LOCALES:
        raise InvalidInput(f"{raw!r} is not one of {', '.join(LOCALES)}", pointer="/locale")
    return raw


def authenticate(session: Session, *, email: str, password: str) -> User | None:
    """The person whose address and password these are, else ``None``.

    Unknown address, no password yet, disabled and wrong password cost one Argon2id verification each, so that
    the time of the answer does not tell which addresses have accounts.
    """
    user = user_by_email(session, email)
    stored = user.password_hash if user is not None and user.disabled_at is None else None
    if not passwords.verify(stored, password) or user is None or stored is None:
        return None
    if passwords.needs_rehash(stored):
        user.password_hash = passwords.hash_password(password)
    return user


def set_password(
    session: Session, user: User, password: str, *, actor: Actor | None = None, now: datetime
) -> None:
    """Give a person a new password and end all of their sessions. Raises ``WeakPassword``."""
    user.password_hash = _new_hash(password, user.email)
    revoke_all(session, user.id, now=now)
    _record(session, actor, user, "user.password_set", {}, now)


def disable_user(session: Session, user: User, *, actor: Actor, now: datetime) -> None:
    """Shut a person out at once: no login, no session, no mailed link. Again is nothing."""
    if user.disabled_at is None:
        user.disabled_at = now
        revoke_all(session, user.id, now=now)
        _record(session, actor, user, "user.disabled", {}, now)


def enable_user(session: Session, user: User, *, actor: Actor, now: datetime) -> None:
    """Let a disabled person in again, with the password they had. Again is nothing."""
    if user.disabled_at is not None:
        user.disabled_at = None
        _record(session, actor, user, "user.enabled", {}, now)


def change_email(session: Session, user: User, raw: str, *, actor: Actor, now: datetime) -> bool:
    """Give a person another address to log in with; whether it is another one.

    They log in again, and links mailed to the old address are void. The new one counts as unverified until a mailed
    link was followed. The trail does not say what either is. Raises :class:`EmailTaken` or ``InvalidEmail``.
    """
    email = clean_email(raw)
    if email == user.email:
        return False
    if user_by_email(session, email) is not None:
        raise EmailTaken(email)
    try:
        # Somebody may join with the address at this instant: the unique key decides.
        with session.begin_nested():
            user.email, user.email_verified_at = email, None
    except IntegrityError as error:
        raise EmailTaken(email) from error
    revoke_all(session, user.id, now=now)
    _record(session, actor, user, "user.email_changed", {}, now)
    return True


def change_role(session: Session, user: User, role: Role, *, actor: Actor, now: datetime) -> None:
    """Give a person another role; they log in again, so that no page keeps what the old role could do."""
    if user.role is not role:
        details = {"from": user.role.value, "to": role.value}
        user.role = role
        revoke_all(session, user.id, now=now)
        _record(session, actor, user, "user.role_changed", details, now)


def change_locale(user: User, locale: str) -> None:
    """Give a person another language. Raises :class:`InvalidInput`."""
    user.locale = clean_locale(locale)


def password_token(links: MailLinks, user: User, now: datetime) -> str:
    """The token of a mailed link that sets this person's first or next password; void once one was set."""
    return links.sign(LinkPurpose.SET_PASSWORD, user.public_id, _password_state(user), now)


def user_of_password_token(session: Session, links: MailLinks, token: str, now: datetime) -> User:
    """Whose password the link may set; reads only, so the form can be shown. Raises ``MailLinkRefused``."""
    link = links.read(LinkPurpose.SET_PASSWORD, token, now)
    user = _linked(session, link.subject)
    link.require(_password_state(user))
    return user


def set_password_by_token(
    session: Session, links: MailLinks, token: str, password: str, *, now: datetime
) -> User:
    """Set the password that a mailed link asks for; the address counts as verified, since the mail arrived
    there.

    Raises ``MailLinkRefused`` or ``WeakPassword``.
    """
    user = user_of_password_token(session, links, token, now)
    set_password(session, user, password, now=now)
    user.email_verified_at = user.email_verified_at or now
    return user


def verification_token(links: MailLinks, user: User, now: datetime) -> str:
    """The token of a mailed link that verifies this person's address; void once it is verified or changed."""
    return links.sign(LinkPurpose.VERIFY_EMAIL, user.public_id, _email_state(user), now)


def user_of_verification(session: Session, links: MailLinks, token: str, now: datetime) -> User:
    """Whose address the link verifies; reads only. Raises ``MailLinkRefused``, also once it was used."""
    link = links.read(LinkPurpose.VERIFY_EMAIL, token, now)
    user = _linked(session, link.subject)
    link.require(_email_state(user))
    return user


def verify_email(session: Session, links: MailLinks, token: str, *, now: datetime) -> User:
    """Mark the address as verified. Raises ``MailLinkRefused``, also the second time."""
    user = user_of_verification(session, links, token, now)
    user.email_verified_at = now
    _record(session, None, user, "user.email_verified", {}, now)
    return user


def _linked(session: Session, public_id: str) -> User:
    user = user_by_public_id(session, public_id)
    if user is None or user.disabled_at is not None:
        raise MailLinkRefused
    return user


def _password_state(user: User) -> str:
    # With the address: a link must not outlive the mailbox that it was sent to.
    return f"{user.email} {user.password_hash or 'none'}"


def _email_state(user: User) -> str:
    verified = user.email_verified_at
    return f"{user.email} {'unverified' if verified is None else verified.isoformat()}"


def _new_hash(password: str, email: str) -> str:
    passwords.check_strength(password, email=email)
    return passwords.hash_password(password)


def _insert(session: Session, user: User) -> None:
    # Two people may join with one address at the same instant: both looked, neither saw the other. The unique
    # key refuses the second, and the savepoint keeps its transaction usable for saying so.
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise EmailTaken(user.email) from error


def _record(
    session: Session, actor: Actor | None, user: User, action: str, details: dict[str, str], now: datetime
) -> None:
    record_event(session, actor or Actor.user(user), action, f"user:{user.public_id}", details, now=now)
