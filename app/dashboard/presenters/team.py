"""A referrer's team and its invitations, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.i18n import _
from app.referrals.models.team import TeamLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.identity.models import User
    from app.referrals.models.team import TeamInvitation, TeamMember
    from app.referrals.queries.dashboard import Membership
    from app.referrals.team import Invited


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the team, or somebody invited. ``end_href`` is empty where nothing can be ended."""

    title: str
    text: str
    is_me: bool
    end_href: str = ""
    end_label: str = ""


@dataclass(frozen=True, slots=True)
class TeamPage:
    """The team of one referrer."""

    referrer: str
    people: tuple[Person, ...]
    invited: tuple[Person, ...]
    may_leave: bool


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """What somebody is asked into, and what they have to do for it."""

    title: str
    text: str
    email: str


def team_page(
    chosen: Membership,
    people: Sequence[tuple[User, TeamMember | None]],
    invited: Sequence[TeamInvitation],
    me: str,
) -> TeamPage:
    """Everybody who sees these pages. ``me`` is the reader's public id."""
    zone = chosen.program.timezone
    return TeamPage(
        referrer=chosen.referrer.name,
        people=tuple(_person(chosen, user, member, me) for user, member in people),
        invited=tuple(
            Person(
                title=each.email,
                text=_(
                    "%(level)s. Invited; the link works until %(day)s.",
                    level=level_word(each.level),
                    day=formatting.day(formatting.local(each.expires_at, zone)),
                ),
                is_me=False,
                end_href=url_for("home.withdraw_invitation", invitation=each.public_id),
                end_label=_("Withdraw the invitation"),
            )
            for each in invited
        ),
        may_leave=not chosen.is_holder,
    )


def level_word(level: TeamLevel) -> str:
    """What somebody may do, in a word."""
    return _("Owner") if level is TeamLevel.OWNER else _("Reads along")


def invitation_page(invited: Invited) -> InvitationPage:
    """What stands above the button."""
    words = (
        _("You will see and change everything: links, bank account and team.")
        if invited.invitation.level is TeamLevel.OWNER
        else _("You will see what is earned and paid, and change nothing.")
    )
    asked = _(
        "%(inviter)s asks you to the pages of %(referrer)s at %(program)s.",
        inviter=invited.inviter.name or invited.referrer.name,
        referrer=invited.referrer.name,
        program=invited.program.name,
    )
    return InvitationPage(_("An invitation"), f"{asked} {words}", invited.invitation.email)


def _person(chosen: Membership, user: User, member: TeamMember | None, me: str) -> Person:
    title = f"{user.name} \u00b7 {user.email}" if user.name else user.email
    if member is None:
        return Person(title, _("Account holder"), is_me=user.public_id == me)
    since = formatting.day(formatting.local(member.added_at, chosen.program.timezone))
    return Person(
        title=title,
        text=_("%(level)s, since %(day)s", level=level_word(member.level), day=since),
        is_me=user.public_id == me,
        end_href=url_for("home.remove_member", person=user.public_id),
        end_label=_("Remove from the team"),
    )
