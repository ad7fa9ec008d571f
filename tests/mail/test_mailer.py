"""Handing a message to a real mail server on this machine, which refuses as servers do."""

from __future__ import annotations

from email.message import EmailMessage
from socketserver import StreamRequestHandler, TCPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest

from app.mail.mailer import FolderMailer, MailRefused, MailServerAway, SmtpMailer, mailer_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Conversation(StreamRequestHandler):
    """Just enough of RFC 5321; ``answers`` overrides what a command is told."""

    answers: ClassVar[dict[str, str]] = {}
    received: ClassVar[list[str]] = []
    timeout = 5

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                lines = []
                while (data := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(data)
                self.received.append("\n".join(lines))
            if verb == "EHLO":
                self.say("250-here")
            self.say(self.answers.get(verb, "250 AUTH PLAIN" if verb == "EHLO" else "250 fine"))
            if verb == "QUIT":
                return

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Server(TCPServer):
    allow_reuse_address = True


@pytest.fixture
def port() -> Iterator[int]:
    Conversation.answers, Conversation.received = {}, []
    with Server(("127.0.0.1", 0), Conversation) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@shop.example", "b@shop.example", "Hello"
    made.set_content("Text")
    return made


def test_a_message_reaches_the_mail_server(port: int) -> None:
    SmtpMailer(f"smtp://127.0.0.1:{port}").send(message(), "one")
    assert "Subject: Hello" in Conversation.received[0]


def test_a_message_that_was_taken_is_not_sent_again_for_a_rude_goodbye(port: int) -> None:
    Conversation.answers = {"QUIT": "451 what"}
    SmtpMailer(f"smtp://127.0.0.1:{port}").send(message(), "one")
    assert len(Conversation.received) == 1


def test_the_password_is_given_to_a_server_on_this_machine(port: int) -> None:
    Conversation.answers = {"AUTH": "235 welcome"}
    SmtpMailer(f"smtp://ada:p%40ss@127.0.0.1:{port}").send(message(), "one")
    assert len(Conversation.received) == 1


def test_the_password_is_not_sent_in_the_clear_to_another_machine(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.mail.mailer._LOOPBACK", frozenset())
    with pytest.raises(MailServerAway, match="TLS"):
        SmtpMailer(f"smtp://ada:pass@127.0.0.1:{port}").send(message(), "one")
    assert Conversation.received == []


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"RCPT": "550 no such mailbox"}, MailRefused),
        ({"RCPT": "450 mailbox busy"}, MailServerAway),
        ({"MAIL": "552 too large"}, MailRefused),
        ({"MAIL": "421 closing"}, MailServerAway),
        ({"DATA": "554 spam"}, MailRefused),
    ],
)
def test_a_final_no_is_told_apart_from_come_again(
    port: int, answers: dict[str, str], verdict: type[Exception]
) -> None:
    Conversation.answers = answers
    with pytest.raises(verdict):
        SmtpMailer(f"smtp://127.0.0.1:{port}").send(message(), "one")


def test_a_wrong_password_of_ours_loses_no_mail(port: int) -> None:
    Conversation.answers = {"AUTH": "535 wrong"}
    with pytest.raises(MailServerAway, match="535"):
        SmtpMailer(f"smtp://ada:wrong@127.0.0.1:{port}").send(message(), "one")


def test_a_server_that_is_not_there_is_away() -> None:
    with Server(("127.0.0.1", 0), Conversation) as server:
        port = server.server_address[1]
    with pytest.raises(MailServerAway, match="does not answer"):
        SmtpMailer(f"smtp://127.0.0.1:{port}").send(message(), "one")


def test_without_a_mail_server_messages_are_kept_as_files(tmp_path: Path) -> None:
    mailer = mailer_for(None, tmp_path / "mail")
    assert isinstance(mailer, FolderMailer)
    mailer.send(message(), "one")
    mailer.send(message(), "one")
    assert [file.name for file in (tmp_path / "mail").iterdir()] == ["one.eml"]
    assert mailer_for("smtp://mail.shop.example", tmp_path) == SmtpMailer("smtp://mail.shop.example")
