"""People: creating them, recognising them, and shutting them out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.identity import passwords, users
from app.identity.audit import Actor
from app.identity.emails import InvalidEmail
from app.identity.models import AuditEvent, User
from app.identity.passwords import WeakPassword
from app.identity.queries import staff, user_by_email
from app.identity.roles import Role
from app.identity.sessions import find_session, start_session
from app.identity.tokens import LinkPurpose, MailLinkRefused, MailLinks
from app.identity.users import EmailTaken, NewUser, authenticate, create_user
from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.kernel.db import Database

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
PASSWORD = "three brown foxes"
LINKS = MailLinks(("old-secret-0123456789abcdef01234567", "new-secret-0123456789abcdef01234567"))


def ada(session: Session, *, password: str | None = PASSWORD, role: Role = Role.REFERRER) -> User:
    new = NewUser("Ada@Shop.example", role, name="Ada  Lovelace", locale="nl", password=password)
    return create_user(session, new, now=NOW)


def test_a_person_is_found_under_any_spelling_of_their_address(session: Session) -> None:
    user = ada(session)
    assert user.email == "ada@shop.example"
    assert user.name == "Ada Lovelace"
    assert authenticate(session, email=" ADA@shop.example ", password=PASSWORD) is user


def test_one_address_has_one_account(session: Session) -> None:
    ada(session)
    with pytest.raises(EmailTaken, match=r"ada@shop\.example"):
        ada(session)
    assert session.scalar(select(func.count()).select_from(User)) == 1


def test_two_who_join_with_one_address_at_once_make_one_account(database: Database) -> None:
    outcomes: list[str] = []

    def join() -> None:
        try:
            with database.transaction() as session:
                ada(session)
            outcomes.append("created")
        except EmailTaken:
            outcomes.append("taken")

    threads = [Thread(target=join) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created"] + ["taken"] * 5


def test_an_address_lost_in_a_race_leaves_the_transaction_usable(database: Database) -> None:
    with database.transaction() as session:
        ada(session)
    with database.transaction() as session:
        clash = User(
            public_id="usr_x", email="ada@shop.example", name="", role=Role.OWNER, locale="en", created_at=NOW
        )
        with pytest.raises(EmailTaken):
            users._insert(session, clash)
        assert user_by_email(session, "ada@shop.example") is not None


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@shop.example",
        "ada@localhost",
        "a b@shop.example",
        "ada@shop..example",
        "a" * 250 + "@x.nl",
    ],
)
def test_what_is_no_address_is_refused_by_name(session: Session, email: str) -> None:
    with pytest.raises(InvalidEmail) as refused:
        create_user(session, NewUser(email, Role.OWNER), now=NOW)
    assert refused.value.pointer == "/email"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 10"),
        ("x" * 1025, "at most 1024"),
        ("Password123", "guessed first"),
        ("aaaaaaaaaaaaaa", "guessed first"),
        ("abababababababab", "guessed first"),
        ("Ada@Shop.Example", "must not be the e-mail"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(session: Session, password: str, reason: str) -> None:
    with pytest.raises(WeakPassword, match=reason) as refused:
        ada(session, password=password)
    assert refused.value.pointer == "/password"
    assert session.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    "password", ["ten chars!", "only lower case words", "ünïcödé-wörter", "1 2 3 4 5 6 7"]
)
def test_no_kind_of_character_is_demanded_of_a_password(session: Session, password: str) -> None:
    ada(session, password=password)
    assert authenticate(session, email="ada@shop.example", password=password) is not None


def test_a_password_typed_in_another_unicode_form_is_the_same_password(session: Session) -> None:
    ada(session, password="caf\u00e9 caf\u00e9 caf\u00e9")
    assert (
        authenticate(session, email="ada@shop.example", password="cafe\u0301 cafe\u0301 cafe\u0301")
        is not None
    )


@pytest.mark.parametrize(("field", "value"), [("locale", "fr"), ("name", "x" * 141), ("name", "a\x00b")])
def test_a_bad_name_or_language_is_named(session: Session, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_user(session, NewUser("a@shop.example", Role.OWNER, **{field: value}), now=NOW)
    assert refused.value.pointer == f"/{field}"


def test_only_the_right_password_of_an_enabled_account_opens_it(session: Session) -> None:
    user = ada(session)
    assert authenticate(session, email=user.email, password="three brown foxeS") is None
    assert authenticate(session, email=user.email, password="") is None
    assert authenticate(session, email="bob@shop.example", password=PASSWORD) is None
    users.disable_user(session, user, actor=Actor.cli(), now=NOW)
    assert authenticate(session, email=user.email, password=PASSWORD) is None
    users.enable_user(session, user, actor=Actor.cli(), now=NOW)
    assert authenticate(session, email=user.email, password=PASSWORD) is user


def test_nobody_gets_in_without_a_password_set(session: Session) -> None:
    user = ada(session, password=None)
    assert user.password_hash is None
    for guess in ("", "none", passwords._NOBODY):
        assert authenticate(session, email=user.email, password=guess) is None


@pytest.mark.usefixtures("dear_hashing")
def test_an_unknown_address_costs_a_full_verification(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = ada(session)
    seen: list[bool] = []
    verify = passwords._HASHER.verify

    def counted(stored: str, password: str) -> bool:
        seen.append(stored == passwords._NOBODY)
        return bool(verify(stored, password))

    monkeypatch.setattr(
        type(passwords._HASHER), "verify", lambda _self, stored, given: counted(stored, given)
    )
    started = perf_counter()
    authenticate(session, email="nobody@shop.example", password="x" * 5000)
    unknown = perf_counter() - started
    authenticate(session, email=user.email, password="wrong password")
    assert seen == [True, False]
    assert unknown > 0.002, "the hash of nobody must be as dear as a real one"


@pytest.mark.usefixtures("dear_hashing")
def test_a_hash_of_yesterdays_costs_is_renewed_at_login(session: Session) -> None:
    user = ada(session)
    cheap = type(passwords._HASHER)(time_cost=1, memory_cost=8, parallelism=1)
    user.password_hash = cheap.hash(PASSWORD)
    assert authenticate(session, email=user.email, password=PASSWORD) is user
    assert "m=19456,t=2,p=1" in (user.password_hash or "")


def test_a_new_password_ends_every_session(session: Session) -> None:
    user = ada(session)
    token = start_session(session, user, now=NOW)
    users.set_password(session, user, "four green foxes", now=NOW)
    assert find_session(session, token, NOW) is None
    assert authenticate(session, email=user.email, password=PASSWORD) is None
    assert authenticate(session, email=user.email, password="four green foxes") is user


def test_another_role_or_being_disabled_ends_every_session(session: Session) -> None:
    user = ada(session, role=Role.FINANCE)
    token = start_session(session, user, now=NOW)
    users.change_role(session, user, Role.SUPPORT, actor=Actor.cli(), now=NOW)
    assert find_session(session, token, NOW) is None
    token = start_session(session, user, now=NOW)
    users.disable_user(session, user, actor=Actor.cli(), now=NOW)
    assert find_session(session, token, NOW) is None


def test_a_mailed_link_sets_a_password_once(session: Session) -> None:
    user = ada(session, password=None)
    token = users.password_token(LINKS, user, NOW)
    assert users.user_of_password_token(session, LINKS, token, NOW) is user
    users.set_password_by_token(session, LINKS, token, PASSWORD, now=NOW)
    assert user.email_verified_at == NOW
    assert authenticate(session, email=user.email, password=PASSWORD) is user
    with pytest.raises(MailLinkRefused):
        users.set_password_by_token(session, LINKS, token, "five black foxes", now=NOW)


def test_a_weak_password_does_not_use_the_link_up(session: Session) -> None:
    user = ada(session, password=None)
    token = users.password_token(LINKS, user, NOW)
    with pytest.raises(WeakPassword):
        users.set_password_by_token(session, LINKS, token, "short", now=NOW)
    users.set_password_by_token(session, LINKS, token, PASSWORD, now=NOW)


def test_a_mailed_link_expires(session: Session) -> None:
    user = ada(session)
    token = users.password_token(LINKS, user, NOW)
    users.user_of_password_token(session, LINKS, token, NOW + timedelta(days=3, seconds=-1))
    with pytest.raises(MailLinkRefused):
        users.user_of_password_token(session, LINKS, token, NOW + timedelta(days=3))


def test_an_address_is_verified_once(session: Session) -> None:
    user = ada(session)
    token = users.verification_token(LINKS, user, NOW)
    assert users.verify_email(session, LINKS, token, now=NOW).email_verified_at == NOW
    with pytest.raises(MailLinkRefused):
        users.verify_email(session, LINKS, token, now=NOW)


def test_a_link_opens_only_its_own_door(session: Session) -> None:
    user = ada(session)
    with pytest.raises(MailLinkRefused):
        users.user_of_password_token(session, LINKS, users.verification_token(LINKS, user, NOW), NOW)
    with pytest.raises(MailLinkRefused):
        users.verify_email(session, LINKS, users.password_token(LINKS, user, NOW), now=NOW)


def test_a_link_of_an_older_key_works_until_the_key_is_removed(session: Session) -> None:
    user = ada(session)
    old, new = (MailLinks((key,)) for key in LINKS.keys)
    token = users.password_token(old, user, NOW)
    assert users.user_of_password_token(session, LINKS, token, NOW) is user
    with pytest.raises(MailLinkRefused):
        users.user_of_password_token(session, new, token, NOW)


@pytest.mark.parametrize("token", ["", ".", "a.b", "WyJhIl0.xxxx", "\u20ac", "x" * 10_000])
def test_a_made_up_link_is_refused(session: Session, token: str) -> None:
    with pytest.raises(MailLinkRefused):
        users.user_of_password_token(session, LINKS, token, NOW)


def test_a_signed_text_that_is_no_link_is_refused(session: Session) -> None:
    for payload in ("text", ["one"], [1, "two", 3], {"a": 1}, None):
        token = LINKS._serializer(LinkPurpose.SET_PASSWORD).dumps(payload)
        with pytest.raises(MailLinkRefused):
            users.user_of_password_token(session, LINKS, str(token), NOW)


def test_a_disabled_person_cannot_come_back_by_mail(session: Session) -> None:
    user = ada(session)
    token = users.password_token(LINKS, user, NOW)
    users.disable_user(session, user, actor=Actor.cli(), now=NOW)
    with pytest.raises(MailLinkRefused):
        users.set_password_by_token(session, LINKS, token, "five black foxes", now=NOW)


def test_every_change_of_a_person_leaves_a_trace_without_their_address(session: Session) -> None:
    user = ada(session, role=Role.FINANCE)
    users.change_role(session, user, Role.OWNER, actor=Actor.cli(), now=NOW)
    users.disable_user(session, user, actor=Actor.cli(), now=NOW)
    users.disable_user(session, user, actor=Actor.cli(), now=NOW)
    events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(event.action, event.actor) for event in events] == [
        ("user.created", f"user:{user.public_id}"),
        ("user.role_changed", "cli"),
        ("user.disabled", "cli"),
    ]
    assert events[1].details == {"from": "finance", "to": "owner"}
    assert "ada" not in "".join(f"{event.actor}{event.subject}{event.details}" for event in events)


def test_the_list_of_staff_has_no_referrers(session: Session) -> None:
    ada(session)
    create_user(session, NewUser("f@shop.example", Role.FINANCE), now=NOW)
    create_user(session, NewUser("a@shop.example", Role.AUDITOR), now=NOW)
    assert [user.email for user in staff(session)] == ["a@shop.example", "f@shop.example"]
