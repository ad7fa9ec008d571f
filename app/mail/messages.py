"""From an outbox row to a finished message: subject, plain text and HTML in the recipient's language.

The text files under ``templates/mail/{locale}/`` are prose. Their first line is the subject; paragraphs are
divided by empty lines; a paragraph ``>> Label | URL`` is a button in HTML and a line of its own in plain
text. Amounts and dates are handed over as finished words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.kernel.money import Money
from config import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_BUTTON: Final = ">> "
_STOP: Final = {
    "nl": "Geen mails van deze soort meer",
    "de": "Keine E-Mails dieser Art mehr",
    "en": "No more mails of this kind",
}
_SUBJECT: Final = 200
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
"""RFC 8058: the body of the POST that a mail programme sends."""

_AS_A_BUTTON: Final = re.compile(r"\A[>\s]+")
_BREAKS: Final = re.compile(r"[ \t\r\n\v\f\x1c-\x1f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, or a button when it has an address."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a button, and of its words, on a light and on a dark ground; the programme's name above it all."""

    light: str = "#14532d"
    on_light: str = "#ffffff"
    dark: str = "#86d3a1"
    on_dark: str = "#0c1a10"
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered message, not yet addressed."""

    locale: str
    subject: str
    blocks: tuple[Block, ...]
    stop: Block | None = None
    """The last line of a mail that may be turned off: the link that does it."""
    paint: Paint = field(default_factory=Paint)

    @property
    def plain(self) -> str:
        """The plain text form."""
        lines = [*self.blocks, *([self.stop] if self.stop else [])]
        return "\n\n".join(b.text if b.url is None else f"{b.text}:\n{b.url}" for b in lines) + "\n"

    @property
    def html(self) -> str:
        """The HTML form."""
        return _environment().get_template("layout.html").render(letter=self)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who it is from and to, and the id that stays the same when a mail is tried again."""

    sender: str
    recipient: str
    message_id: str
    sent_at: datetime
    reply_to: str | None = None
    """Whom an answer goes to, where that is not the sender."""


def render_letter(kind: str, locale: str, context: Mapping[str, Any], stop_url: str | None = None) -> Letter:
    """The message of a kind; ``stop_url`` turns that kind off. A placeholder without a value raises
    ``jinja2.UndefinedError``: a defect, not input.
    """
    text = _environment().get_template(f"{locale}/{kind}.txt").render(_worded(context, locale))
    subject, _, body = text.strip().partition("\n")
    paragraphs = (_one_line(part) for part in body.split("\n\n"))
    blocks = tuple(_block(part) for part in paragraphs if part)
    stop = Block(_STOP[locale], stop_url) if stop_url else None
    return Letter(locale, subject.strip()[:_SUBJECT], blocks, stop)


def compose(letter: Letter, envelope: Envelope) -> EmailMessage:
    """The message as mail servers take it (RFC 5322), plain text first."""
    message = EmailMessage()
    message["From"] = envelope.sender
    message["To"] = envelope.recipient
    if envelope.reply_to is not None:
        message["Reply-To"] = envelope.reply_to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(envelope.sent_at)
    message["Message-ID"] = envelope.message_id
    message["Content-Language"] = letter.locale
    message["Auto-Submitted"] = "auto-generated"
    if letter.stop is not None:
        # RFC 2369 and 8058: mail programmes show a button of their own, and press it without opening the page.
        message["List-Unsubscribe"] = f"<{letter.stop.url}>"
        message["List-Unsubscribe-Post"] = ONE_CLICK
    message.set_content(letter.plain)
    message.add_alternative(letter.html, subtype="html")
    return message


def blocks_of(plain: str) -> tuple[Block, ...]:
    """The paragraphs and buttons of a plain text form, as a page shows them again."""
    parts = (part.strip() for part in plain.replace("\r\n", "\n").split("\n\n"))
    return tuple(_line_block(part) for part in parts if part)


def _line_block(part: str) -> Block:
    label, _, url = part.partition(":\n")
    return Block(label, url) if url.startswith(("http://", "https://")) else Block(part)


def message_id(event_key: str, mail_id: int, public_url: str) -> str:
    """The Message-ID of a mail, equal at each try, so that a mailbox shows a repeated one once."""
    host = urlsplit(public_url).hostname or "localhost"
    kind = "".join(char if char.isalnum() else "." for char in event_key.partition(":")[0])
    return f"<{kind}.{mail_id}@{host}>"


def _worded(context: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """The context with ``*_on`` days, a ``month`` and ``{minor, currency}`` amounts put into the language's words."""
    return {key: _word(key, value, locale) for key, value in context.items()}


def _word(key: str, value: Any, locale: str) -> Any:  # noqa: ANN401 -- JSON in, words out
    if key.endswith("_on"):
        return format_date(date.fromisoformat(value), format="long", locale=locale)
    if key == "month":
        return format_date(date.fromisoformat(f"{value}-01"), format="LLLL y", locale=locale)
    if isinstance(value, dict):
        amount = Money(value["minor"], value["currency"])
        return format_currency(Decimal(amount.decimal_string()), amount.currency, locale=locale)
    if isinstance(value, str):
        # A name with line breaks could otherwise add a paragraph to our message, and one at the head of a paragraph
        # (a visitor's, in the directory) make a button of it that leads anywhere.
        return _AS_A_BUTTON.sub("", _one_line(value))
    return value


def _one_line(text: str) -> str:
    """Without line breaks; the no-break spaces that amounts are written with stay."""
    return _BREAKS.sub(" ", text).strip()


def _block(paragraph: str) -> Block:
    if not paragraph.startswith(_BUTTON):
        return Block(paragraph)
    label, _, url = paragraph.removeprefix(_BUTTON).rpartition(" | ")
    return Block(label, url)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
