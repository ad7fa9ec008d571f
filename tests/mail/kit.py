"""A post office with a basket, and short ways to have it look for what is to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.tokens import MailLinks
from app.mail.models import Mail
from app.mail.occasions import tell_of_the_books
from app.mail.office import PostOffice
from app.mail.trail import tell_of_events

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import EmailMessage

    from app.kernel.db import Database

LINKS = MailLinks(("secret-0123456789abcdef0123456789ab",))
HOME = "https://refer.shop.example"


class Basket:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.forgotten: list[str] = []

    def send(self, message: EmailMessage, name: str) -> None:  # noqa: ARG002 -- as mailers take it
        self.sent.append(message)

    def forget(self, name: str) -> None:
        self.forgotten.append(name)


@dataclass
class Post:
    """One database's mail."""

    db: Database
    basket: Basket = field(default_factory=Basket)

    @property
    def office(self) -> PostOffice:
        return PostOffice(self.db, self.basket, LINKS, HOME, "Refledger <no-reply@shop.example>")

    def look(self, now: datetime) -> list[tuple[str, str]]:
        """Look for events and at the books; the (kind, recipient) of what is new in the outbox."""
        before = {mail.id for mail in self.mails()}
        tell_of_events(self.office, self.db, now)
        tell_of_the_books(self.office, self.db, now)
        return [(mail.kind.value, mail.recipient) for mail in self.mails() if mail.id not in before]

    def send(self, now: datetime) -> list[EmailMessage]:
        """Send all that is queued; what went out."""
        before = len(self.basket.sent)
        for mail in self.mails():
            self.office.send(mail.id, now=now)
        return self.basket.sent[before:]

    def mails(self) -> list[Mail]:
        with self.db.reading() as session:
            return list(session.scalars(select(Mail).order_by(Mail.id)))


def text_of(message: EmailMessage) -> str:
    """The plain text form, with ordinary blanks."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\u00a0", " ")
