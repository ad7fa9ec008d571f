"""A referrer's team: its account holder lets colleagues in, to look or to run the account with them.

The holder is whoever the programme wrote to and agreed with. They stay an owner as long as they take part, so a team
never loses its last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from app.identity.audit import Actor, record_event
from app.identity.emails import clean_email
from app.identity.models import User
from app.identity.roles import Role
from app.identity.tokens import LinkPurpose, MailLinkRefused
from app.kernel import ids
from app.kernel.errors import Conflict, NotFound
from app.referrals.models import Program, Referrer
from app.referrals.models.team import TeamInvitation, TeamLevel, TeamMember

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.tokens import MailLinks

VALID_FOR: Final = timedelta(days=14)
"""How long an invitation waits."""

MOST: Final = 20
"""People and open invitations of one team: whoever has an account here cannot have us write to the whole world."""


class AlreadyInTeam(Conflict):
    """The person is in the team."""

    title = "Already in the team"

    def __init__(self) -> None:
        super().__init__("this person is in the team already", pointer="/email")


class TeamFull(Conflict):
    """There is no room for another person."""

    title = "The team is full"

    def __init__(self) -> None:
        super().__init__(f"a team has at most {MOST} people and open invitations", pointer="/email")


class NotForTeams(Conflict):
    """The account is one of the merchant's staff: they have their own pages."""

    title = "Not for staff"

    def __init__(self) -> None:
        super().__init__("an account of the staff cannot be in a referrer's team")


class NoSuchMember(NotFound):
    """Nobody of this id is in this team."""

    title = "Not in the team"

    def __init__(self) -> None:
        super().__init__("there is nobody of this id in the team")


@dataclass(frozen=True, slots=True)
class Invited:
    """An open invitation with what it is to."""

    invitation: TeamInvitation
    referrer: Referrer
    program: Program
    inviter: User


def invite(
    session: Session, referrer: Referrer, email: str, level: TeamLevel, *, by: User, now: datetime
) -> TeamInvitation:
    """Invite an address; one that waits already is asked anew, and its older link is void.

    Raises :class:`AlreadyInTeam`, :class:`TeamFull` or ``InvalidEmail``.
    """
    address = clean_email(email)
    # The race: two owners invite at once, and the team outgrows its bound. Both first lock the referrer.
    session.get_one(Referrer, referrer.id, with_for_update=True)
    session.execute(delete(TeamInvitation).where(TeamInvitation.expires_at <= now))
    session.execute(
        delete(TeamInvitation).where(
            TeamInvitation.referrer_id == referrer.id, TeamInvitation.email == address
        )
    )
    if address in _addresses(session, referrer):
        raise AlreadyInTeam
    if _size(session, referrer.id) >= MOST:
        raise TeamFull
    row = TeamInvitation(
        public_id=ids.random_id("inv_"),
        referrer_id=referrer.id,
        email=address,
        level=level,
        invited_by=by.id,
        invited_at=now,
        expires_at=now + VALID_FOR,
    )
    session.add(row)
    session.flush()
    _record(session, Actor.user(by), "team.invited", referrer, {"level": level.value}, now)
    return row


def read_invitation(session: Session, links: MailLinks, token: str, now: datetime) -> Invited:
    """What a mailed link invites to; reads only. Raises ``MailLinkRefused``, also once it was answered."""
    link = links.read(LinkPurpose.JOIN_TEAM, token, now)
    link.require(link.subject)
    found = session.execute(
        select(TeamInvitation, Referrer, Program, User)
        .join(Referrer, Referrer.id == TeamInvitation.referrer_id)
        .join(Program, Program.id == Referrer.program_id)
        .join(User, User.id == TeamInvitation.invited_by)
        .where(
            TeamInvitation.public_id == link.subject,
            TeamInvitation.expires_at > now,
            Referrer.erased_at.is_(None),
        )
    ).first()
    if found is None:
        raise MailLinkRefused
    return Invited(*found)


def accept(session: Session, invited: Invited, user: User, *, now: datetime) -> TeamMember:
    """Take the person in whose mailbox the invitation came to; the address counts as verified.

    Raises :class:`NotForTeams`, :class:`AlreadyInTeam`, or ``MailLinkRefused`` where the account has another address
    or somebody was quicker.
    """
    invitation, referrer = invited.invitation, invited.referrer
    if user.email != invitation.email:
        raise MailLinkRefused
    if user.role is not Role.REFERRER:
        raise NotForTeams
    # The race: the link is pressed twice, or withdrawn at this instant. Whoever deletes the row has it.
    gone = delete(TeamInvitation).where(TeamInvitation.id == invitation.id).returning(TeamInvitation.id)
    if session.scalar(gone) is None:
        raise MailLinkRefused
    if user.email in _addresses(session, referrer):
        raise AlreadyInTeam
    member = TeamMember(referrer_id=referrer.id, user_id=user.id, level=invitation.level, added_at=now)
    session.add(member)
    user.email_verified_at = user.email_verified_at or now
    session.flush()
    details = {"member": f"user:{user.public_id}", "level": member.level.value}
    _record(session, Actor.user(user), "team.joined", referrer, details, now)
    return member


def withdraw_invitation(
    session: Session, referrer: Referrer, public_id: str, *, actor: Actor, now: datetime
) -> None:
    """Take an invitation back. Raises :class:`NoSuchMember` where this team has none of that id."""
    gone = delete(TeamInvitation).where(
        TeamInvitation.referrer_id == referrer.id, TeamInvitation.public_id == public_id
    )
    if session.scalar(gone.returning(TeamInvitation.id)) is None:
        raise NoSuchMember
    _record(session, actor, "team.invitation_withdrawn", referrer, {}, now)


def remove_member(
    session: Session, referrer: Referrer, public_id: str, *, actor: Actor, now: datetime
) -> User:
    """End somebody's part in a team, from their next request on, and the invitations that they sent; who it was.

    Raises :class:`NoSuchMember`, also for the account holder: they leave the programme, not their own team.
    """
    found = session.execute(
        select(TeamMember, User)
        .join(User, User.id == TeamMember.user_id)
        .where(TeamMember.referrer_id == referrer.id, User.public_id == public_id)
    ).first()
    if found is None:
        raise NoSuchMember
    member, user = found
    session.delete(member)
    # Or somebody whom they had asked in, with an account of theirs perhaps, would still come in after they are gone.
    asked_in = TeamInvitation.referrer_id == referrer.id, TeamInvitation.invited_by == user.id
    session.execute(delete(TeamInvitation).where(*asked_in))
    details = {"member": f"user:{user.public_id}", "level": member.level.value}
    _record(session, actor, "team.removed", referrer, details, now)
    return user


def team_of(session: Session, referrer: Referrer) -> list[tuple[User, TeamMember | None]]:
    """The people of a team, the account holder (without a row of the team) first."""
    members = session.execute(
        select(User, TeamMember)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.referrer_id == referrer.id)
        .order_by(TeamMember.id)
    )
    holder = session.get(User, referrer.user_id) if referrer.user_id is not None else None
    return [*([(holder, None)] if holder else []), *((user, member) for user, member in members)]


def open_invitations(session: Session, referrer: Referrer, now: datetime) -> list[TeamInvitation]:
    """Invitations that wait for an answer, oldest first."""
    wanted = select(TeamInvitation).where(
        TeamInvitation.referrer_id == referrer.id, TeamInvitation.expires_at > now
    )
    return list(session.scalars(wanted.order_by(TeamInvitation.id)))


def forget_team(session: Session, referrer_id: int) -> list[User]:
    """Delete a referrer's team and invitations; who was in it."""
    people = list(
        session.scalars(
            select(User)
            .join(TeamMember, TeamMember.user_id == User.id)
            .where(TeamMember.referrer_id == referrer_id)
        )
    )
    for model in (TeamMember, TeamInvitation):
        session.execute(delete(model).where(model.referrer_id == referrer_id))
    return people


def _addresses(session: Session, referrer: Referrer) -> set[str]:
    return {user.email for user, _member in team_of(session, referrer)}


def _size(session: Session, referrer_id: int) -> int:
    return sum(
        session.scalar(select(func.count()).where(model.referrer_id == referrer_id)) or 0
        for model in (TeamMember, TeamInvitation)
    )


def _record(
    session: Session, actor: Actor, action: str, referrer: Referrer, details: dict[str, str], now: datetime
) -> None:
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, action, subject, details, now=now, program_id=referrer.program_id)
