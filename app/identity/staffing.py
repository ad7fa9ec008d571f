"""The merchant's own people: invited by mail, given roles, shut out. One owner always remains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.audit import Actor
from app.identity.models import User
from app.identity.roles import STAFF, Role
from app.identity.users import NewUser, change_role, create_user, disable_user
from app.kernel.errors import Conflict, Forbidden, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


class LastOwner(Conflict):
    """Without an owner nobody could let anybody in again."""

    title = "Last owner"

    def __init__(self) -> None:
        super().__init__("this is the last owner who can log in; make somebody else an owner first")


class OwnAccount(Forbidden):
    """Nobody changes what they may do themselves."""

    title = "Own account"

    def __init__(self) -> None:
        super().__init__("nobody changes their own role, nor shuts themselves out")


def invite_staff(session: Session, new: NewUser, *, actor: Actor, now: datetime) -> User:
    """Make an account that waits for its password. Raises as :func:`~app.identity.users.create_user` does."""
    _require_staff(new.role)
    return create_user(session, replace(new, password=None), actor=actor, now=now)


def assign_role(session: Session, user: User, role: Role, *, actor: Actor, now: datetime) -> None:
    """Give a colleague another role. Raises :class:`LastOwner`, :class:`OwnAccount` or ``InvalidInput``."""
    _require_staff(user.role)
    _require_staff(role)
    if role is not user.role:
        _require_other(user, actor)
        if role is not Role.OWNER:
            _require_another_owner(session, user)
    change_role(session, user, role, actor=actor, now=now)


def shut_out(session: Session, user: User, *, actor: Actor, now: datetime) -> None:
    """End a colleague's access at once. Raises :class:`LastOwner`, :class:`OwnAccount` or ``InvalidInput``."""
    _require_staff(user.role)
    _require_other(user, actor)
    if user.disabled_at is None:
        _require_another_owner(session, user)
    disable_user(session, user, actor=actor, now=now)


def _require_staff(role: Role) -> None:
    if role not in STAFF:
        raise InvalidInput("this is about the merchant's own people, not about referrers", pointer="/role")


def _require_other(user: User, actor: Actor) -> None:
    if actor == Actor.user(user):
        raise OwnAccount


def _require_another_owner(session: Session, user: User) -> None:
    """Raise :class:`LastOwner` where this is the only owner who can log in.

    The race: two owners take each other's role away at the same instant, and each sees the other as the one who
    stays. All owners' rows are locked, always in the same order, so the second one waits and sees none.
    """
    if user.role is not Role.OWNER or user.disabled_at is not None:
        return
    owners = session.execute(
        select(User.id, User.password_hash)
        .where(User.role == Role.OWNER, User.disabled_at.is_(None))
        .order_by(User.id)
        .with_for_update()
    ).all()
    if not any(owner.id != user.id and owner.password_hash is not None for owner in owners):
        raise LastOwner
