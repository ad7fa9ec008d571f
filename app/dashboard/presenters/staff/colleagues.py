"""The merchant's own people: who they are, what they may do, and what can be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.confirm import Confirm
from app.identity.roles import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.identity.models import User


@dataclass(frozen=True, slots=True)
class ColleaguePage:
    """One colleague."""

    name: str
    facts: tuple[Fact, ...]
    is_me: bool
    shut_out: bool
    invited: bool
    public_id: str


def people_table(users: Sequence[User], timezone: str) -> Table:
    """Everybody who works here, also who is shut out."""
    return Table(
        title=_("People"),
        id="people",
        columns=(
            Column(_("Name")),
            Column(_("E-mail address")),
            Column(_("Role")),
            Column(_("Since")),
            Column(_("State")),
        ),
        rows=tuple(
            (
                Cell(user.name or user.email, href=url_for("staff.person", public_id=user.public_id)),
                Cell(user.email, wraps=True),
                Cell(role(user.role)),
                Cell(formatting.short_day(formatting.local(user.created_at, timezone))),
                Cell(status=_state(user)),
            )
            for user in users
        ),
        empty=Empty(_("Nobody yet"), _("Invite the first with the form beside this list.")),
    )


def role(of: Role) -> str:
    """A role in one word."""
    match of:
        case Role.SUPPORT:
            return _("Support")
        case Role.FINANCE:
            return _("Finance")
        case Role.OWNER:
            return _("Owner")
        case Role.AUDITOR:
            return _("Auditor")
        case Role.REFERRER:
            return _("Referrer")


def _state(user: User) -> Status:
    if user.disabled_at is not None:
        return Status(_("shut out"), Tone.STOP)
    if user.password_hash is None:
        return Status(_("invited"), Tone.WAIT)
    return Status(_("may log in"), Tone.DONE)


def colleague_page(user: User, my_id: str, timezone: str) -> ColleaguePage:
    """One colleague with what is known of their account."""
    return ColleaguePage(
        name=user.name or user.email,
        facts=(
            Fact(_("E-mail address"), Cell(user.email, wraps=True)),
            Fact(_("Role"), Cell(role(user.role))),
            Fact(_("Since"), Cell(formatting.instant(user.created_at, timezone))),
            Fact(_("State"), Cell(status=_state(user))),
        ),
        is_me=user.public_id == my_id,
        shut_out=user.disabled_at is not None,
        invited=user.password_hash is None,
        public_id=user.public_id,
    )


def asked_to_shut_out(user: User) -> Confirm:
    """What shutting somebody out means."""
    name = user.name or user.email
    return Confirm(
        title=_("Shut %(name)s out", name=name),
        text=_(
            "They are logged out everywhere at once, and mailed links stop working. "
            "You can let them in again at any time; what they did stays in the audit trail."
        ),
        button=_("Shut them out"),
        back=url_for("staff.person", public_id=user.public_id),
        section=name,
        facts=(
            Fact(_("E-mail address"), Cell(user.email, wraps=True)),
            Fact(_("Role"), Cell(role(user.role))),
        ),
    )
