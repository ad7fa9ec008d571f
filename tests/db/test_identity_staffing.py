"""One owner who can log in always remains, whoever takes whose role away and whenever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest

from app.identity.audit import Actor
from app.identity.queries import user_by_email
from app.identity.roles import Role
from app.identity.staffing import LastOwner, OwnAccount, assign_role, invite_staff, shut_out
from app.identity.users import NewUser, create_user
from app.kernel.errors import InvalidInput
from tests.builders import NOW

if TYPE_CHECKING:
    from app.identity.models import User
    from app.kernel.db import Database
    from app.services import Services

CLI = Actor.cli()


def owner(db: Database, name: str) -> User:
    new = NewUser(f"{name}@example.org", Role.OWNER, password="three brown foxes")
    with db.transaction() as session:
        return create_user(session, new, now=NOW)


def test_the_last_owner_who_can_log_in_keeps_the_role_and_the_access(services: Services) -> None:
    ada = owner(services.db, "ada")
    with services.db.transaction() as session:
        invited = invite_staff(session, NewUser("new@example.org", Role.OWNER), actor=CLI, now=NOW)
        assert invited.password_hash is None
        with pytest.raises(LastOwner):
            assign_role(session, session.merge(ada), Role.SUPPORT, actor=CLI, now=NOW)
        with pytest.raises(LastOwner):
            shut_out(session, session.merge(ada), actor=CLI, now=NOW)
        with pytest.raises(OwnAccount):
            shut_out(session, session.merge(ada), actor=Actor.user(ada), now=NOW)
        with pytest.raises(InvalidInput):
            assign_role(session, invited, Role.REFERRER, actor=CLI, now=NOW)
    owner(services.db, "bob")
    with services.db.transaction() as session:
        shut_out(session, session.merge(ada), actor=CLI, now=NOW)
        # Again is nothing, and leaves Bob as the only one.
        shut_out(session, session.merge(ada), actor=CLI, now=NOW)


def test_two_owners_who_take_each_others_role_away_at_once_leave_one(services: Services) -> None:
    ada, bob = owner(services.db, "ada"), owner(services.db, "bob")

    def take_from_bob() -> bool:
        try:
            with services.db.transaction() as session:
                found = user_by_email(session, bob.email)
                assert found is not None
                assign_role(session, found, Role.FINANCE, actor=Actor.user(ada), now=NOW)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(1) as pool:
        with services.db.transaction() as session:
            assign_role(session, session.merge(ada), Role.FINANCE, actor=Actor.user(bob), now=NOW)
            other = pool.submit(take_from_bob)
            # Not committed yet: without the lock the other one would see two owners, and be through by now.
            wait([other], timeout=1)
        assert other.result(timeout=30) is False
