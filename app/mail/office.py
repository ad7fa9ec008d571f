"""The post office: what the rest of the house asks to have mailed, and the sending itself.

One object, wired in ``factory.py``. Slices below take the one method they need as a function. Every method
that queues is called inside the transaction of its event and names that event, so that it is mailed once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import structlog

from app.identity.queries import user_by_public_id
from app.identity.users import password_token, verification_token
from app.mail import outbox
from app.mail.accounts import AccountMails, signed_path
from app.mail.advice import advice_on
from app.mail.dress import dressed
from app.mail.mailer import MailRefused, MailServerAway
from app.mail.messages import Envelope, compose, message_id, render_letter
from app.mail.models import OPTIONAL, Mail, MailKind
from app.mail.outbox import NewMail, queue_mail
from app.mail.wishes import is_refused, read_stop, refused_kinds, stop, stop_token, want
from app.payouts.undoing import undo_token

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime
    from email.message import EmailMessage

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.identity.models import User
    from app.identity.tokens import MailLinks
    from app.kernel.db import Database
    from app.kernel.money import Money
    from app.mail.mailer import Mailer
    from app.mail.wishes import Stop
    from app.referrals.models import Referrer

_log = structlog.get_logger(__name__)

PASSWORD_PATH: Final = "/password/"  # noqa: S105 -- the page that a mailed link opens
"""The page that sets a password; the token follows."""

VERIFY_PATH: Final = "/verify/"
"""The page that verifies an address; the token follows."""

UNDO_PATH: Final = "/undo-bank-account/"
"""The page that takes a change of the bank account back; the token follows."""

UNSUBSCRIBE_PATH: Final = "/unsubscribe/"
"""The page that stops one kind of mail; the token follows."""

_THROTTLE: Final = 600
"""Seconds within which asking again for the same link mails nothing more."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message goes to, and in which language."""

    email: str
    name: str
    locale: str
    referrer_id: int | None = None
    """Whose wishes decide; null for somebody as a user, and for staff."""

    @classmethod
    def of(cls, referrer: Referrer) -> Recipient:
        """A referrer, at the address that the programme knows."""
        return cls(referrer.email, referrer.name, referrer.locale, referrer.id)


@dataclass(frozen=True, slots=True)
class PayoutNotice:
    """What a message says of a payout. ``last4`` are the last characters of the bank account."""

    end_to_end_id: str
    program: str
    amount: Money
    last4: str

    def context(self, recipient: Recipient) -> dict[str, Any]:
        """The part of a mail's context that every message on a payout has."""
        return {
            "name": recipient.name,
            "program": self.program,
            "amount": {"minor": self.amount.minor, "currency": self.amount.currency},
            "last4": self.last4,
            "reference": self.end_to_end_id,
        }


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """What a message says of a bank account. ``destination`` is its id; ``can_undo``: its change can be taken back."""

    destination: str
    program: str
    last4: str
    usable_on: date
    can_undo: bool

    def context(self, recipient: Recipient) -> dict[str, Any]:
        """The context of a mail on it."""
        return {
            "name": recipient.name,
            "program": self.program,
            "last4": self.last4,
            "usable_on": self.usable_on.isoformat(),
            "undo": self.destination if self.can_undo else None,
        }


@dataclass(frozen=True)
class PostOffice:
    """Queues and sends mail. ``sender`` is ``MAIL_FROM``; links in mails begin with ``public_url``."""

    database: Database
    mailer: Mailer
    links: MailLinks
    public_url: str
    sender: str
    accounts: ClassVar[AccountMails] = AccountMails()

    def welcome(self, session: Session, user: User, program: str, *, now: datetime) -> None:
        """A new account: how to set its password."""
        context = {"user": user.public_id, "name": user.name, "program": program}
        self._to_user(session, user, MailKind.WELCOME, f"welcome:{user.public_id}", context, now)

    def password_reset(self, session: Session, user: User, *, now: datetime) -> None:
        """Somebody asked for a new password; asking again within ten minutes mails nothing more."""
        key = f"password-reset:{user.public_id}:{_slot(now)}"
        context = {"user": user.public_id, "name": user.name}
        self._to_user(session, user, MailKind.PASSWORD_RESET, key, context, now)

    def staff_invited(self, session: Session, user: User, *, now: datetime) -> None:
        """A colleague's account waits for its password; again within ten minutes mails nothing more."""
        key = f"staff-invited:{user.public_id}:{_slot(now)}"
        self._to_user(
            session, user, MailKind.STAFF_INVITED, key, {"user": user.public_id, "name": user.name}, now
        )

    def verify_email(self, session: Session, user: User, *, now: datetime) -> None:
        """Ask a person to verify their address; asking again within ten minutes mails nothing more."""
        key = f"verify-email:{user.public_id}:{_slot(now)}"
        context = {"user": user.public_id, "name": user.name}
        self._to_user(session, user, MailKind.VERIFY_EMAIL, key, context, now)

    def bank_account_changed(
        self, session: Session, recipient: Recipient, account: AccountNotice, *, now: datetime
    ) -> None:
        """Another bank account is on file; call it for the old and for the new address."""
        key = f"bank-account:{account.destination}:{_mark(recipient.email)}"
        context = account.context(recipient)
        _queue(session, key, MailKind.BANK_ACCOUNT_CHANGED, recipient, context, now)

    def bank_account_restored(
        self, session: Session, recipient: Recipient, account: AccountNotice, *, now: datetime
    ) -> None:
        """A change was taken back by its link; call it for the same addresses."""
        key = f"bank-account-restored:{account.destination}:{_mark(recipient.email)}"
        context = account.context(recipient)
        _queue(session, key, MailKind.BANK_ACCOUNT_RESTORED, recipient, context, now)

    def address_changed(
        self,
        session: Session,
        referrer: Referrer,
        address: str,
        *,
        change: str,
        program: str,
        is_new: bool,
        now: datetime,
    ) -> None:
        """The referrer has another e-mail address; call it for every one they had and for the new one.

        ``change`` names the correction. Neither mail names the other address: one of them may be a stranger's.
        """
        to = Recipient(address, referrer.name, referrer.locale, referrer.id)
        context = {"name": referrer.name, "program": program, "is_new": is_new}
        key = f"address-changed:{change}:{_mark(address)}"
        _queue(session, key, MailKind.ADDRESS_CHANGED, to, context, now)

    def partner_chosen(
        self,
        session: Session,
        recipient: Recipient,
        *,
        binding: str,
        program: str,
        since_on: date,
        now: datetime,
    ) -> None:
        """A customer chose this partner. ``binding`` is its id."""
        context = {"name": recipient.name, "program": program, "since_on": since_on.isoformat()}
        key = f"partner-chosen:{binding}"
        _queue(session, key, MailKind.PARTNER_CHOSEN, recipient, context, now)

    def partner_left(
        self,
        session: Session,
        recipient: Recipient,
        *,
        binding: str,
        program: str,
        until_on: date,
        now: datetime,
    ) -> None:
        """A customer no longer belongs to this partner. ``binding`` is its id."""
        context = {"name": recipient.name, "program": program, "until_on": until_on.isoformat()}
        key = f"partner-left:{binding}"
        _queue(session, key, MailKind.PARTNER_LEFT, recipient, context, now)

    def contest_opened(
        self, session: Session, person: User, *, contest: str, program: str, code: str, now: datetime
    ) -> None:
        """The referrer ``code`` contests something. ``contest`` is its id; what was written stays on the page."""
        context = {"name": person.name, "program": program, "code": code}
        to = Recipient(person.email, person.name, person.locale)
        key = f"contest-opened:{contest}:{_mark(person.email)}"
        _queue(session, key, MailKind.CONTEST_OPENED, to, context, now)

    def contest_answered(
        self, session: Session, referrer: Referrer, *, contest: str, program: str, path: str, now: datetime
    ) -> None:
        """Staff answered. ``path`` leads to the page that shows both."""
        context = {"name": referrer.name, "program": program, "path": path}
        to = Recipient.of(referrer)
        _queue(session, f"contest-answered:{contest}", MailKind.CONTEST_ANSWERED, to, context, now)

    def partner_asked(
        self, session: Session, referrer: Referrer, event: str, asked: Mapping[str, Any], *, now: datetime
    ) -> None:
        """A visitor of the directory wrote to the partner: ``program``, ``sender``, ``reply_to`` and ``lines``."""
        self.tell(session, referrer, MailKind.PARTNER_ASKED, f"partner-asked:{event}", asked, now=now)

    def payout_sent(
        self, session: Session, recipient: Recipient, payout: PayoutNotice, *, paid_on: date, now: datetime
    ) -> None:
        """The bank has booked a payout."""
        context = payout.context(recipient) | {"paid_on": paid_on.isoformat()}
        key = f"payout-sent:{payout.end_to_end_id}"
        _queue(session, key, MailKind.PAYOUT_SENT, recipient, context, now)

    def payout_failed(
        self, session: Session, recipient: Recipient, payout: PayoutNotice, *, returned: bool, now: datetime
    ) -> None:
        """The bank rejected a payout, or ``returned`` it later; the amount is available again."""
        context = payout.context(recipient) | {"returned": returned}
        key = f"payout-failed:{payout.end_to_end_id}:{'returned' if returned else 'rejected'}"
        _queue(session, key, MailKind.PAYOUT_FAILED, recipient, context, now)

    def tell(
        self,
        session: Session,
        referrer: Referrer,
        kind: MailKind,
        event: str,
        context: Mapping[str, Any],
        *,
        now: datetime,
    ) -> None:
        """Tell a referrer of an event, once for ever; ``event`` names it, and says whose it is."""
        _queue(session, event, kind, Recipient.of(referrer), {"name": referrer.name, **context}, now)

    def wanted(self, session: Session, referrer_id: int) -> list[str]:
        """The kinds that may be turned off and are not."""
        return sorted(OPTIONAL - refused_kinds(session, referrer_id))

    def want(
        self, session: Session, referrer: Referrer, kinds: Collection[str], *, actor: Actor, now: datetime
    ) -> None:
        """Keep the choice: these, and none of the others that may be turned off."""
        want(session, referrer, kinds, actor=actor, now=now)

    def what_stops(self, session: Session, token: str, now: datetime) -> Stop:
        """What an unsubscribe link would stop. Raises ``MailLinkRefused``."""
        return read_stop(session, self.links, token, now)

    def stop(self, session: Session, token: str, now: datetime) -> Stop:
        """Stop it; again changes nothing. Raises ``MailLinkRefused``."""
        found = read_stop(session, self.links, token, now)
        stop(session, found, now=now)
        return found

    def due(self, session: Session, now: datetime) -> list[int]:
        """The ids of mails that the sweeper should send."""
        return outbox.due_mails(session, now)

    def kept_for(self, session: Session, addresses: Collection[str]) -> list[Mail]:
        """The mails to these addresses that are still kept, oldest first."""
        return outbox.mails_to(session, addresses)

    def forget_recipient(self, session: Session, addresses: Collection[str]) -> int:
        """Delete every mail to these addresses, sent or not; how many."""
        return self._forget(session, outbox.mails_to(session, addresses))

    def forget_old(self, session: Session, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` mails that were sent or given up before an instant; how many."""
        return self._forget(session, outbox.old_mails(session, before, limit))

    def _forget(self, session: Session, mails: list[Mail]) -> int:
        for mail in mails:
            self.mailer.forget(_file_name(mail))
        return outbox.forget(session, mails)

    def send(self, mail_id: int, *, now: datetime) -> None:
        """Send one mail. Safe to call again and by two workers at once; a failure is written down
        and tried later.
        """
        with self.database.transaction() as session:
            mail = outbox.claim(session, mail_id, now)
            if mail is None:
                return
            # Asked when it leaves, not when it is queued: a mail may wait for its server while its reader unsubscribes.
            refused = is_refused(session, mail)
            message = None if refused else self._compose(session, mail, now)
        if message is None:
            why = "the recipient does not want it" if refused else "the account is gone or disabled"
            self._failed(mail, why, now, for_good=True)
            return
        try:
            self.mailer.send(message, _file_name(mail))
        except MailRefused as error:
            self._failed(mail, error.detail, now, for_good=True)
        except MailServerAway as error:
            self._failed(mail, error.detail, now, for_good=False)
        else:
            with self.database.transaction() as session:
                outbox.mark_sent(session, mail.id, now)

    def _failed(self, mail: Mail, error: str, now: datetime, *, for_good: bool) -> None:
        _log.warning("mail_not_sent", mail=mail.id, kind=mail.kind.value, attempt=mail.attempts, error=error)
        with self.database.transaction() as session:
            outbox.mark_failed(session, mail.id, error, now, for_good=for_good)

    def _compose(self, session: Session, mail: Mail, now: datetime) -> EmailMessage | None:
        context: dict[str, Any] = {"public_url": self.public_url, **mail.context}
        if "user" in context:
            user = user_by_public_id(session, context["user"])
            if user is None or user.disabled_at is not None:
                return None
            context["link"] = self._link(mail.kind, user, now)
        if context.get("undo"):
            # As old as the mail, so that one sent late is not valid for longer.
            context["link"] = (
                self.public_url + UNDO_PATH + undo_token(self.links, context["undo"], mail.created_at)
            )
        if "signed" in context:
            context["link"] = self.public_url + signed_path(self.links, context["signed"], mail.created_at)
        if mail.kind is MailKind.PAYOUT_FAILED:
            # The bank's reason, and what it led to, are written down after the money was given back.
            context["advice"] = advice_on(session, context["reference"])
        stop_url = None
        if mail.kind in OPTIONAL and mail.referrer_id is not None:
            stop_url = self.public_url + UNSUBSCRIBE_PATH + stop_token(session, self.links, mail)
        letter = render_letter(mail.kind.value, mail.locale, context, stop_url)
        mid = message_id(mail.event_key, mail.id, self.public_url)
        reply_to = context.get("reply_to")
        envelope = Envelope(self.sender, mail.recipient, mid, now, reply_to)
        return compose(*dressed(session, mail, letter, envelope))

    def _link(self, kind: MailKind, user: User, now: datetime) -> str:
        if kind is MailKind.VERIFY_EMAIL:
            return self.public_url + VERIFY_PATH + verification_token(self.links, user, now)
        return self.public_url + PASSWORD_PATH + password_token(self.links, user, now)

    def _to_user(
        self, session: Session, user: User, kind: MailKind, key: str, context: dict[str, Any], now: datetime
    ) -> None:
        _queue(session, key, kind, Recipient(user.email, user.name, user.locale), context, now)


def _queue(
    session: Session, key: str, kind: MailKind, to: Recipient, context: Mapping[str, Any], now: datetime
) -> None:
    queue_mail(session, NewMail(key, kind, to.email, to.locale, context, to.referrer_id), now=now)


def _file_name(mail: Mail) -> str:
    return f"{mail.created_at:%Y%m%d-%H%M%S}-{mail.id:06d}"


def _slot(now: datetime) -> int:
    return int(now.timestamp()) // _THROTTLE


def _mark(email: str) -> str:
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]
