"""Server-side sessions: they slide, end, and can be revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.identity import sessions
from app.identity.models import User, UserSession
from app.identity.queries import open_sessions
from app.identity.roles import Role
from app.identity.sessions import find_session, start_session, touch
from app.identity.users import NewUser, create_user

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def finance(session: Session) -> User:
    return create_user(session, NewUser("fin@shop.example", Role.FINANCE), now=NOW)


@pytest.fixture
def referrer(session: Session) -> User:
    return create_user(session, NewUser("ref@shop.example", Role.REFERRER), now=NOW)


def test_the_token_is_not_in_the_database(session: Session, finance: User) -> None:
    token = start_session(session, finance, agent="Firefox", now=NOW)
    row = session.scalars(select(UserSession)).one()
    stored = " ".join(str(getattr(row, column.name)) for column in UserSession.__table__.columns)
    assert token not in stored
    assert find_session(session, row.token_hash, NOW) is None, "the stored hash opens nothing"


def test_a_session_says_who_is_there(session: Session, finance: User) -> None:
    signed_in = find_session(session, start_session(session, finance, now=NOW), NOW)
    assert signed_in is not None
    assert (signed_in.user_id, signed_in.email, signed_in.role) == (
        finance.id,
        "fin@shop.example",
        Role.FINANCE,
    )


@pytest.mark.parametrize(("role", "idle"), [(Role.FINANCE, 12 * HOUR), (Role.REFERRER, 14 * DAY)])
def test_an_unused_session_ends(session: Session, role: Role, idle: timedelta) -> None:
    user = create_user(session, NewUser("x@shop.example", role), now=NOW)
    token = start_session(session, user, now=NOW)
    assert find_session(session, token, NOW + idle - timedelta(microseconds=1)) is not None
    assert find_session(session, token, NOW + idle) is None


def test_use_moves_the_end_of_a_session(session: Session, finance: User) -> None:
    token = start_session(session, finance, now=NOW)
    later = NOW + 11 * HOUR
    signed_in = find_session(session, token, later)
    assert signed_in is not None
    assert signed_in.needs_touch(later)
    touch(session, signed_in, later)
    session.expire_all()
    assert find_session(session, token, NOW + 22 * HOUR) is not None
    assert find_session(session, token, NOW + 23 * HOUR) is None


def test_a_session_used_all_the_time_ends_on_its_last_day(session: Session, finance: User) -> None:
    token = start_session(session, finance, now=NOW)
    at = NOW
    while at < NOW + 30 * DAY and (signed_in := find_session(session, token, at)) is not None:
        touch(session, signed_in, at)
        session.expire_all()
        at += 10 * HOUR
    assert NOW + 7 * DAY <= at < NOW + 7 * DAY + 10 * HOUR


def test_reading_pages_does_not_write_each_time(session: Session, finance: User) -> None:
    signed_in = find_session(session, start_session(session, finance, now=NOW), NOW)
    assert signed_in is not None
    assert not signed_in.needs_touch(NOW + timedelta(minutes=4, seconds=59))
    assert signed_in.needs_touch(NOW + timedelta(minutes=5))


def test_a_slow_request_does_not_revive_a_revoked_session(session: Session, finance: User) -> None:
    token = start_session(session, finance, now=NOW)
    signed_in = find_session(session, token, NOW)
    assert signed_in is not None
    sessions.revoke(session, signed_in.session_id, user_id=finance.id, now=NOW)
    touch(session, signed_in, NOW + HOUR)
    session.expire_all()
    row = session.scalars(select(UserSession)).one()
    assert row.expires_at == NOW + 12 * HOUR
    assert find_session(session, token, NOW + HOUR) is None


def test_a_person_ends_only_their_own_sessions(session: Session, finance: User, referrer: User) -> None:
    token = start_session(session, finance, now=NOW)
    signed_in = find_session(session, token, NOW)
    assert signed_in is not None
    assert not sessions.revoke(session, signed_in.session_id, user_id=referrer.id, now=NOW)
    assert find_session(session, token, NOW) is not None
    assert sessions.revoke(session, signed_in.session_id, user_id=finance.id, now=NOW)
    assert not sessions.revoke(session, signed_in.session_id, user_id=finance.id, now=NOW)


def test_all_other_browsers_can_be_logged_out(session: Session, finance: User) -> None:
    here, *others = (start_session(session, finance, now=NOW) for _ in range(3))
    signed_in = find_session(session, here, NOW)
    assert signed_in is not None
    assert sessions.revoke_all(session, finance.id, now=NOW, but=signed_in.session_id) == 2
    session.expire_all()
    assert find_session(session, here, NOW) is not None
    assert [find_session(session, token, NOW) for token in others] == [None, None]
    assert [row.id for row in open_sessions(session, finance.id, NOW)] == [signed_in.session_id]


def test_a_password_given_again_counts_for_ten_minutes(session: Session, finance: User) -> None:
    token = start_session(session, finance, now=NOW)
    at = NOW + HOUR
    signed_in = find_session(session, token, at)
    assert signed_in is not None
    assert not signed_in.fresh(at)
    sessions.stamp_authentication(session, signed_in.session_id, now=at)
    session.expire_all()
    again = find_session(session, token, at)
    assert again is not None
    assert again.fresh(at + timedelta(minutes=9, seconds=59))
    assert not again.fresh(at + timedelta(minutes=10))


def test_sessions_that_ended_long_ago_are_deleted(session: Session, finance: User, referrer: User) -> None:
    start_session(session, finance, now=NOW)
    start_session(session, referrer, now=NOW)
    session.flush()
    assert sessions.forget_ended(session, NOW + 31 * DAY) == 1
    assert session.scalars(select(UserSession.user_id)).all() == [referrer.id]
