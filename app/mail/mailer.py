"""The two ways a message leaves the house: a mail server, or a folder of ``.eml`` files."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from app.kernel.errors import Unavailable

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

_TIMEOUT: Final = 20
_PERMANENT: Final = 500
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class MailServerAway(Unavailable):
    """The mail server does not answer or asks to come again: trying later is right."""

    title = "Mail server away"


class MailRefused(Unavailable):
    """The mail server refuses this message or recipient for good."""

    title = "Mail refused"


class Mailer(Protocol):
    """Sends one message."""

    def send(self, message: EmailMessage, name: str) -> None:
        """Hand it over; ``name`` is the same for each try of one mail.

        Raises :class:`MailServerAway` or :class:`MailRefused`.
        """

    def forget(self, name: str) -> None:
        """Destroy the copy of a mail that is kept on this side, if there is one."""


@dataclass(frozen=True)
class FolderMailer:
    """Keeps each message as ``{name}.eml``; sending again replaces the file, so a repeated try is
    one mail.
    """

    folder: Path

    def send(self, message: EmailMessage, name: str) -> None:
        """Write the file whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f"{name}.part"
        fresh.write_bytes(bytes(message))
        fresh.replace(self.folder / f"{name}.eml")

    def forget(self, name: str) -> None:
        """Delete the file."""
        (self.folder / f"{name}.eml").unlink(missing_ok=True)


@dataclass(frozen=True)
class SmtpMailer:
    """A mail server: ``smtp://[user:password@]host[:port]`` (STARTTLS where offered) or ``smtps://...``.

    A password is only ever sent over TLS, or to this machine itself.
    """

    url: str

    def send(self, message: EmailMessage, name: str) -> None:  # noqa: ARG002 -- the Message-ID carries it
        """Speak SMTP (RFC 5321), one connection for each message."""
        try:
            with closing(self._connect()) as server:
                server.send_message(message)
                _hang_up(server)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            raise _verdict(min(codes, default=0), "the recipient was refused") from error
        except smtplib.SMTPResponseException as error:
            raise _verdict(error.smtp_code, "the message was refused") from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerAway(f"the mail server does not answer ({type(error).__name__})") from error

    def forget(self, name: str) -> None:
        """Nothing: what a mail server took is out of our hands."""

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=_TIMEOUT, context=context
            )
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=_TIMEOUT)
        try:
            encrypted = parts.scheme == "smtps" or _start_tls(server, context)
            if parts.username:
                _refuse_in_the_clear(encrypted or host in _LOOPBACK)
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _hang_up(server: smtplib.SMTP) -> None:
    # The server has taken the message by now: whatever it says to QUIT, the mail must not be sent again.
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _refuse_in_the_clear(safe: bool) -> None:  # noqa: FBT001 -- the one thing it asks
    if not safe:
        raise MailServerAway("the mail server offers no TLS, and SMTP_URL has a password")


def _start_tls(server: smtplib.SMTP, context: ssl.SSLContext) -> bool:
    server.ehlo()
    if not server.has_extn("starttls"):
        return False
    server.starttls(context=context)
    return True


def _verdict(code: int, what: str) -> Unavailable:
    """RFC 5321, 4.2.1: 4yz asks to come again, 5yz is final. A failed login (535) is ours to
    mend, so not final.
    """
    if code >= _PERMANENT and code not in {530, 534, 535, 538}:
        return MailRefused(f"{what} ({code})")
    return MailServerAway(f"{what} ({code})")


def mailer_for(smtp_url: str | None, folder: Path) -> Mailer:
    """The mail server of ``SMTP_URL``, else the folder ``var/mail``."""
    return FolderMailer(folder) if smtp_url is None else SmtpMailer(smtp_url)
