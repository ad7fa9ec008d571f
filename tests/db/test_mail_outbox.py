"""The outbox: a message is sent once for its event, and tried again until it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity import users
from app.identity.audit import Actor
from app.identity.roles import Role
from app.identity.tokens import MailLinks
from app.identity.users import NewUser, create_user
from app.kernel.money import Money
from app.kernel.queue import JobRequest, collected
from app.mail import outbox
from app.mail.mailer import FolderMailer, MailRefused, MailServerAway
from app.mail.models import Mail, MailKind
from app.mail.office import AccountNotice, PayoutNotice, PostOffice, Recipient
from app.mail.outbox import NewMail, queue_mail

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.identity.models import User
    from app.kernel.db import Database
    from app.kernel.errors import RefledgerError

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
LINKS = MailLinks(("secret-0123456789abcdef0123456789ab",))
ADA = Recipient("ada@shop.example", "Ada", "nl")


class Basket:
    """A mailer that keeps what it gets, or fails as it is told."""

    def __init__(self, *failures: RefledgerError) -> None:
        self.failures = list(failures)
        self.sent: list[tuple[str, EmailMessage]] = []

    def send(self, message: EmailMessage, name: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((name, message))

    def forget(self, name: str) -> None:
        self.sent = [each for each in self.sent if each[0] != name]


def office(database: Database, basket: Basket) -> PostOffice:
    return PostOffice(
        database, basket, LINKS, "https://refer.shop.example", "Refledger <no-reply@shop.example>"
    )


def queue(database: Database, key: str = "partner-left:1") -> int:
    mail = NewMail(
        key,
        MailKind.PARTNER_LEFT,
        ADA.email,
        ADA.locale,
        {"name": "Ada", "program": "Hosting", "until_on": "2026-09-10"},
    )
    with database.transaction() as session:
        queue_mail(session, mail, now=NOW)
        return session.scalars(select(Mail.id).where(Mail.event_key == key)).one()


def row(database: Database, mail_id: int) -> Mail:
    with database.reading() as session:
        return session.get_one(Mail, mail_id)


def new_user(database: Database, **more: str) -> User:
    with database.transaction() as session:
        return create_user(session, NewUser("ada@shop.example", Role.REFERRER, name="Ada", **more), now=NOW)


def test_a_message_is_queued_once_for_its_event(session: Session) -> None:
    mail = NewMail("event:1", MailKind.PARTNER_LEFT, "a@shop.example", "nl")
    assert queue_mail(session, mail, now=NOW)
    assert not queue_mail(session, mail, now=NOW)
    mail_id = session.scalars(select(Mail.id)).one()
    assert collected(session) == [JobRequest("mail.send", (mail_id,))]


def test_an_event_that_is_rolled_back_mails_nothing(database: Database) -> None:
    sent: list[JobRequest] = []
    database.on_commit = sent.extend

    def fails() -> None:
        with database.transaction() as session:
            queue_mail(session, NewMail("event:1", MailKind.PARTNER_LEFT, "a@shop.example", "nl"), now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert sent == []
    with database.reading() as session:
        assert session.scalars(select(Mail)).all() == []


def test_a_sent_message_is_not_sent_again(database: Database) -> None:
    basket = Basket()
    mail_id = queue(database)
    for minutes in (0, 1, 60, 6000):
        office(database, basket).send(mail_id, now=NOW + timedelta(minutes=minutes))
    assert len(basket.sent) == 1
    assert row(database, mail_id).sent_at == NOW
    message = basket.sent[0][1]
    assert message["To"] == "ada@shop.example"
    assert message["Subject"] == "Een klant heeft de koppeling beëindigd"


def test_two_workers_with_one_mail_send_it_once(database: Database) -> None:
    basket, mail_id, ready = Basket(), queue(database), Barrier(4)

    def work() -> None:
        ready.wait()
        office(database, basket).send(mail_id, now=NOW)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(basket.sent) == 1


def test_a_worker_killed_while_it_sends_gives_the_mail_back(database: Database) -> None:
    basket, mail_id = Basket(), queue(database)
    with database.transaction() as session:
        assert outbox.claim(session, mail_id, NOW) is not None
    with database.reading() as session:
        assert outbox.due_mails(session, NOW + timedelta(minutes=2)) == []
        assert outbox.due_mails(session, NOW + timedelta(minutes=3)) == [mail_id]
    office(database, basket).send(mail_id, now=NOW + timedelta(minutes=3))
    assert len(basket.sent) == 1


def test_a_lost_job_is_found_by_the_sweeper(database: Database) -> None:
    mail_id = queue(database)
    with database.reading() as session:
        assert outbox.due_mails(session, NOW + timedelta(seconds=59)) == []
        assert outbox.due_mails(session, NOW + timedelta(seconds=60)) == [mail_id]


def test_a_mail_server_that_is_away_is_asked_again_ever_more_rarely(database: Database) -> None:
    basket = Basket(MailServerAway("away"), MailServerAway("still away"))
    mail_id = queue(database)
    post = office(database, basket)
    post.send(mail_id, now=NOW)
    assert row(database, mail_id).next_attempt_at == NOW + timedelta(minutes=2)
    assert row(database, mail_id).last_error == "away"
    post.send(mail_id, now=NOW + timedelta(minutes=1))
    assert row(database, mail_id).attempts == 1, "too early: nothing is tried"
    post.send(mail_id, now=NOW + timedelta(minutes=2))
    assert row(database, mail_id).next_attempt_at == NOW + timedelta(minutes=6)
    post.send(mail_id, now=NOW + timedelta(minutes=6))
    assert len(basket.sent) == 1
    assert row(database, mail_id).last_error is None


def test_a_mail_is_given_up_after_its_last_try(database: Database) -> None:
    mail_id, at = queue(database), NOW
    post = office(database, Basket(*[MailServerAway("away")] * 20))
    while (next_at := row(database, mail_id).next_attempt_at) is not None:
        at = next_at
        post.send(mail_id, now=at)
    assert row(database, mail_id).attempts == outbox.MAX_ATTEMPTS
    assert row(database, mail_id).failed_at == at
    assert timedelta(days=1) < at - NOW < timedelta(days=2)


def test_a_refused_recipient_is_not_tried_again(database: Database) -> None:
    mail_id = queue(database)
    post = office(database, Basket(MailRefused("no such mailbox (550)")))
    post.send(mail_id, now=NOW)
    assert row(database, mail_id).failed_at == NOW
    with database.reading() as session:
        assert outbox.due_mails(session, NOW + timedelta(days=9)) == []


def test_the_outbox_holds_no_token_and_the_mail_a_link_that_works(database: Database) -> None:
    basket = Basket()
    post = office(database, basket)
    user = new_user(database)
    with database.transaction() as session:
        post.welcome(session, user, "Hosting", now=NOW)
        mail = session.scalars(select(Mail)).one()
    assert set(mail.context) == {"user", "name", "program"}
    post.send(mail.id, now=NOW)
    body = basket.sent[0][1].get_body(("plain",))
    assert body is not None
    link = next(line for line in body.get_content().splitlines() if line.startswith("https://"))
    assert link.startswith("https://refer.shop.example/password/")
    with database.transaction() as session:
        token = link.rpartition("/")[2]
        users.set_password_by_token(session, LINKS, token, "three brown foxes", now=NOW)


def test_asking_ten_times_for_a_new_password_mails_one_link(database: Database) -> None:
    user = new_user(database)
    post = office(database, Basket())
    with database.transaction() as session:
        for seconds in range(10):
            post.password_reset(session, user, now=NOW + timedelta(seconds=seconds))
            post.verify_email(session, user, now=NOW + timedelta(seconds=seconds))
        assert len(session.scalars(select(Mail)).all()) == 2
        post.password_reset(session, user, now=NOW + timedelta(minutes=10))
        assert len(session.scalars(select(Mail)).all()) == 3


def test_a_disabled_person_is_mailed_no_link(database: Database) -> None:
    basket = Basket()
    post = office(database, basket)
    user = new_user(database)
    with database.transaction() as session:
        post.password_reset(session, user, now=NOW)
        mail_id = session.scalars(select(Mail.id)).one()
    with database.transaction() as session:
        users.disable_user(session, session.merge(user), actor=Actor.cli(), now=NOW)
    post.send(mail_id, now=NOW)
    assert basket.sent == []
    assert row(database, mail_id).failed_at == NOW


def test_a_changed_bank_account_is_told_to_the_old_and_the_new_address(database: Database) -> None:
    basket = Basket()
    post = office(database, basket)
    with database.transaction() as session:
        for address in ("old@shop.example", "new@shop.example", "NEW@shop.example"):
            post.bank_account_changed(
                session,
                Recipient(address, "Ada", "de"),
                AccountNotice(
                    "dst_7", "Hosting", "0300", date(2026, 9, 17), can_undo=address != "old@shop.example"
                ),
                now=NOW,
            )
        ids = session.scalars(select(Mail.id).order_by(Mail.id)).all()
    for mail_id in ids:
        post.send(mail_id, now=NOW)
    assert [message["To"] for _, message in basket.sent] == ["old@shop.example", "new@shop.example"]
    body = basket.sent[0][1].get_body(("plain",))
    assert body is not None
    assert "0300" in body.get_content()
    assert "17. September 2026" in body.get_content()
    assert "/undo-bank-account/" not in body.get_content()
    other = basket.sent[1][1].get_body(("plain",))
    assert other is not None
    assert "/undo-bank-account/" in other.get_content()


def test_a_returned_payout_is_told_apart_from_a_rejected_one(database: Database) -> None:
    basket = Basket()
    post = office(database, basket)
    notice = PayoutNotice("POABC", "Hosting", Money(123_456, "EUR"), "0300")
    with database.transaction() as session:
        post.payout_sent(session, ADA, notice, paid_on=date(2026, 10, 2), now=NOW)
        for returned in (False, True, True):
            post.payout_failed(session, ADA, notice, returned=returned, now=NOW)
        ids = session.scalars(select(Mail.id).order_by(Mail.id)).all()
    for mail_id in ids:
        post.send(mail_id, now=NOW)
    texts = [message.get_body(("plain",)).get_content() for _, message in basket.sent]  # type: ignore[union-attr]
    assert len(texts) == 3
    assert "2 oktober 2026" in texts[0]
    assert "€\u00a01.234,56" in texts[0]
    assert "geweigerd" in texts[1]
    assert "teruggestuurd" in texts[2]


def test_a_partner_is_told_of_each_customer_who_comes_and_goes(database: Database) -> None:
    basket = Basket()
    post = office(database, basket)
    with database.transaction() as session:
        for binding in ("1", "2", "2"):
            post.partner_chosen(
                session, ADA, binding=binding, program="Hosting", since_on=date(2026, 9, 1), now=NOW
            )
        post.partner_left(session, ADA, binding="2", program="Hosting", until_on=date(2026, 9, 9), now=NOW)
        ids = session.scalars(select(Mail.id).order_by(Mail.id)).all()
    for mail_id in ids:
        post.send(mail_id, now=NOW)
    assert [message["Subject"] for _, message in basket.sent] == [
        "Een klant heeft jou als partner gekozen",
        "Een klant heeft jou als partner gekozen",
        "Een klant heeft de koppeling beëindigd",
    ]
    body = basket.sent[-1][1].get_body(("plain",))
    assert body is not None
    assert "9 september 2026" in body.get_content()


def test_a_mail_tried_twice_is_one_file_and_one_message_id(
    database: Database, tmp_path: pytest.TempPathFactory
) -> None:
    folder = FolderMailer(tmp_path)  # type: ignore[arg-type]
    basket = Basket()
    mail_id = queue(database)
    for mailer in (basket, folder, folder):
        with database.transaction() as session:
            mail = session.get_one(Mail, mail_id)
            mail.next_attempt_at, mail.sent_at = NOW, None
        PostOffice(database, mailer, LINKS, "https://refer.shop.example", "R <r@shop.example>").send(
            mail_id, now=NOW
        )
    files = list(folder.folder.iterdir())
    assert [file.name for file in files] == [f"20260910-120000-{mail_id:06d}.eml"]
    assert basket.sent[0][1]["Message-ID"] in files[0].read_text()


def test_mails_are_deleted_after_their_time_whether_they_were_sent_or_given_up(database: Database) -> None:
    sent, failed, unsent = (queue(database, f"partner-left:{number}") for number in range(3))
    post = office(database, Basket())
    post.send(sent, now=NOW)
    with database.transaction() as session:
        outbox.mark_failed(session, failed, "no such mailbox", NOW, for_good=True)
        assert post.forget_old(session, NOW, 10) == 0
        assert post.forget_old(session, NOW + timedelta(seconds=1), 1) == 1
        assert post.forget_old(session, NOW + timedelta(seconds=1), 10) == 1
        assert session.scalars(select(Mail.id)).all() == [unsent]


def test_a_forgotten_mail_leaves_no_file_behind(database: Database, tmp_path: Path) -> None:
    post = PostOffice(
        database, FolderMailer(tmp_path), LINKS, "https://refer.shop.example", "R <r@shop.example>"
    )
    mail_id = queue(database)
    post.send(mail_id, now=NOW)
    assert len(list(tmp_path.iterdir())) == 1
    with database.transaction() as session:
        recipient = session.get_one(Mail, mail_id).recipient
        assert post.forget_recipient(session, ["somebody@else.example"]) == 0
        assert post.forget_recipient(session, [recipient.upper()]) == 1
    assert list(tmp_path.iterdir()) == []
