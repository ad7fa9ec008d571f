"""API keys and the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.exc import DBAPIError

from app.identity.api_keys import (
    MissingScope,
    Scope,
    UnknownApiKey,
    authenticate_api_key,
    create_api_key,
    revoke_api_key,
)
from app.identity.audit import Actor, record_event
from app.identity.models import ApiKey, AuditEvent
from app.identity.queries import api_keys_of, audit_page, names_of_actors
from app.identity.roles import PERMISSIONS, Action, Role, allowed
from app.identity.users import NewUser, create_user
from app.kernel.errors import InvalidInput
from app.referrals.models.programs import Program
from app.referrals.words import Approval, ConsentMode

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def program(session: Session) -> Program:
    row = Program(
        slug="hosting",
        name="Hosting",
        currency="EUR",
        landing_url="https://shop.example/",
        hosts=[],
        timezone="Europe/Amsterdam",
        consent_mode=ConsentMode.REQUIRED,
        payout_day=1,
        approval=Approval.TWO,
        minimum_payout_minor=0,
        created_at=NOW,
    )
    session.add(row)
    session.flush()
    return row


def make(session: Session, program: Program, *scopes: str) -> str:
    chosen = scopes or ("orders:write",)
    return create_api_key(
        session, program_id=program.id, name="Shop", scopes=chosen, actor=Actor.cli(), now=NOW
    ).key


def test_a_key_opens_its_programme_with_its_scopes(session: Session, program: Program) -> None:
    key = make(session, program, "orders:write", "signups:write", "orders:write")
    assert key.startswith("rfl_")
    access = authenticate_api_key(session, key)
    assert access is not None
    assert access.program_id == program.id
    access.require(Scope.ORDERS_WRITE)
    with pytest.raises(MissingScope, match="payouts:write"):
        access.require(Scope.PAYOUTS_WRITE)


def test_the_secret_is_not_in_the_database(session: Session, program: Program) -> None:
    key = make(session, program)
    row = session.scalars(select(ApiKey)).one()
    stored = " ".join(str(getattr(row, column.name)) for column in ApiKey.__table__.columns)
    assert key.rpartition("_")[2] not in stored
    assert key.startswith(row.prefix)


def test_what_is_not_the_whole_key_opens_nothing(session: Session, program: Program) -> None:
    key = make(session, program)
    last = "0" if key[-1] != "0" else "1"
    other = make(session, program)
    mixed = key.rpartition("_")[0] + "_" + other.rpartition("_")[2]
    for wrong in (
        "",
        "rfl_",
        key[:-1],
        key + "0",
        key[:-1] + last,
        key.upper(),
        f" {key}",
        f"{key}\n",
        mixed,
        "\u20ac" * 55,
    ):
        assert authenticate_api_key(session, wrong) is None


def test_a_revoked_key_is_refused_at_once(session: Session, program: Program) -> None:
    key = make(session, program)
    prefix = session.scalars(select(ApiKey.prefix)).one()
    revoke_api_key(session, prefix, actor=Actor.cli(), now=NOW)
    revoke_api_key(session, prefix, actor=Actor.cli(), now=NOW)
    assert authenticate_api_key(session, key) is None
    revoked = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "api_key.revoked")
    assert session.scalar(revoked) == 1
    with pytest.raises(UnknownApiKey):
        revoke_api_key(session, "rfl_0000000000", actor=Actor.cli(), now=NOW)


def test_a_key_is_found_by_one_indexed_query(session: Session, program: Program) -> None:
    key = make(session, program)
    session.expunge_all()
    statements: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        statements.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    authenticate_api_key(session, key)
    event.remove(connection, "before_cursor_execute", note)
    assert len(statements) == 1
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statements[0][0]}", statements[0][1])  # type: ignore[arg-type]
        assert "USING INDEX" in str(plan.all())


@pytest.mark.parametrize(
    ("name", "scopes", "pointer"),
    [
        ("", ["orders:write"], "/name"),
        ("x" * 81, ["orders:write"], "/name"),
        ("Shop", [], "/scopes"),
        ("Shop", ["orders:write", "orders:delete"], "/scopes"),
    ],
)
def test_a_key_without_name_or_known_scope_is_refused(
    session: Session, program: Program, name: str, scopes: list[str], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_api_key(session, program_id=program.id, name=name, scopes=scopes, actor=Actor.cli(), now=NOW)
    assert refused.value.pointer == pointer
    assert api_keys_of(session, program.id) == []


@pytest.mark.parametrize("change", [update(AuditEvent).values(actor="nobody"), delete(AuditEvent)])
def test_the_audit_trail_cannot_be_changed(session: Session, change: object) -> None:
    record_event(session, Actor.system("scheduler"), "run.created", "run:hosting:2026-09:EUR:1", now=NOW)
    session.flush()
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(change)  # type: ignore[call-overload]


def test_the_audit_trail_is_read_in_pages_newest_first(session: Session, program: Program) -> None:
    for number in range(5):
        record_event(
            session,
            Actor.cli(),
            "rate.set",
            f"product:{number}",
            {"n": number},
            now=NOW,
            program_id=program.id,
        )
    record_event(session, Actor.cli(), "rate.set", "product:0", now=NOW)
    session.flush()
    first = audit_page(session, program_id=program.id, limit=2)
    assert [row.details["n"] for row in first] == [4, 3]
    rest = audit_page(session, program_id=program.id, before_id=first[-1].id)
    assert [row.details["n"] for row in rest] == [2, 1, 0]
    assert [row.details for row in audit_page(session, subject="product:0")] == [{}, {"n": 0}]


def test_a_page_names_the_person_behind_a_random_id(session: Session) -> None:
    user = create_user(session, NewUser("fin@shop.example", Role.FINANCE), now=NOW)
    label = Actor.user(user).label
    assert names_of_actors(session, [label, "cli", "user:usr_gone"]) == {
        label: "fin@shop.example",
        "cli": "cli",
        "user:usr_gone": "user:usr_gone",
    }


def test_the_auditor_changes_nothing_and_support_touches_no_money() -> None:
    changes = {each for each in PERMISSIONS[Role.AUDITOR] if not each.value.startswith("view_")}
    assert changes == {Action.CHANGE_ACCOUNT}
    assert not [
        action
        for action in PERMISSIONS[Role.SUPPORT]
        if "payouts" in action and action != Action.VIEW_PAYOUTS
    ]
    assert not allowed(Role.SUPPORT, Action.CORRECT_PARTICULARS)
    assert not allowed(Role.FINANCE, Action.CHANGE_RATES)
    assert allowed(Role.FINANCE, Action.APPROVE_PAYOUTS)


def test_a_referrer_may_do_nothing_that_staff_do() -> None:
    for role, actions in PERMISSIONS.items():
        if role is not Role.REFERRER:
            assert actions & PERMISSIONS[Role.REFERRER] == {Action.CHANGE_ACCOUNT}


def test_the_owner_may_do_all_that_any_staff_may() -> None:
    everything = set(Action) - PERMISSIONS[Role.REFERRER]
    assert PERMISSIONS[Role.OWNER] == everything | {Action.CHANGE_ACCOUNT}
