"""The bookkeeper of the demo's first referrer reads along, and a colleague has not answered yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.demo.cast import PASSWORD
from app.identity.models import User
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.referrals import team
from app.referrals.models.team import TeamLevel
from app.referrals.programs import find_program
from app.referrals.referrers import find_referrer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

READER: Final = "boekhouding@kantoor.example"
"""Logs in with the demo's password."""

_COLLEAGUE: Final = "jip@kantoor.example"


def let_in_colleagues(session: Session, slug: str, code: str, now: datetime) -> None:
    """One who reads along, and one who is invited to run the account."""
    program = find_program(session, slug)
    referrer = find_referrer(session, program, code)
    holder = session.get_one(User, referrer.user_id)
    if len(team.team_of(session, referrer)) > 1:
        return  # an interrupted demo came this far
    reader = create_user(session, NewUser(READER, Role.REFERRER, "Roos Telraam", "nl", PASSWORD), now=now)
    asked = team.invite(session, referrer, READER, TeamLevel.VIEWER, by=holder, now=now)
    team.accept(session, team.Invited(asked, referrer, program, holder), reader, now=now)
    team.invite(session, referrer, _COLLEAGUE, TeamLevel.OWNER, by=holder, now=now)
