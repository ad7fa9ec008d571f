"""A partner writes their profile and asks for publication; staff let it through, send it back, or take it down.

Every move holds the partner's row: a partner who saves while staff publish would else have words shown that nobody
read, and two decisions at once would each answer the other's version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.directory.domain.profile import Content, checked
from app.directory.domain.states import ProfileMove, ProfileState, next_profile_state
from app.directory.domain.texts import clean_line
from app.directory.errors import ChangedMeanwhile, NoProfile, NotListed
from app.directory.listings import put_listing, remove_listing
from app.directory.models import REASON, Profile
from app.directory.queries import expertises, partner_of
from app.identity.audit import record_event
from app.referrals import locks
from app.referrals.choices import require_taking_part

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program, Referrer


def save_profile(session: Session, referrer: Referrer, raw: Content, *, actor: Actor, now: datetime) -> None:
    """Keep what the partner wrote; what the public sees stays. Saving the same again changes nothing.

    A profile that waits for staff leaves the queue. Raises ``InvalidInput`` pointing at a field.
    """
    locks.own_referrer(session, referrer.id)
    profile = session.get(Profile, referrer.id, populate_existing=True)
    offered = {row.id for row in expertises(session, referrer.program_id)}
    kept = set(profile.content["expertise"]) if profile else set()
    content = checked(raw, offered | kept).dump()
    if profile is None:
        profile = Profile(
            referrer_id=referrer.id,
            program_id=referrer.program_id,
            state=ProfileState.DRAFT,
            content=content,
            revision=0,
            saved_at=now,
        )
        session.add(profile)
    elif profile.content == content:
        return
    profile.state = next_profile_state(profile.state, ProfileMove.SAVE)
    profile.content, profile.saved_at, profile.submitted_at = content, now, None
    _moved(session, referrer, profile, "profile.saved", actor, now)


def submit_profile(session: Session, referrer: Referrer, *, actor: Actor, now: datetime) -> None:
    """Ask for publication. Again while it waits changes nothing.

    Raises :class:`NoProfile`, ``NotThatWay``, ``ReferrerSuspended``.
    """
    profile = _locked(session, referrer)
    require_taking_part(referrer, now)
    if profile.state is ProfileState.SUBMITTED:
        return
    profile.state = next_profile_state(profile.state, ProfileMove.SUBMIT)
    profile.submitted_at, profile.remark = now, None
    _moved(session, referrer, profile, "profile.submitted", actor, now)


def hide_profile(session: Session, referrer: Referrer, *, actor: Actor, now: datetime) -> None:
    """The partner takes their profile out of the directory; what they wrote stays for themselves.

    Raises :class:`NoProfile`, :class:`NotListed`.
    """
    profile = _locked(session, referrer)
    if not remove_listing(session, referrer.id):
        raise NotListed(referrer.code)
    profile.state = next_profile_state(profile.state, ProfileMove.HIDE)
    _moved(session, referrer, profile, "profile.hidden", actor, now)


def publish_profile(
    session: Session, program: Program, code: str, revision: int, *, actor: Actor, now: datetime
) -> Referrer:
    """Have the public see the revision that staff read. Raises :class:`NoProfile`, :class:`ChangedMeanwhile`,
    ``NotThatWay``.
    """
    referrer, profile = _read(session, program, code, revision)
    profile.state = next_profile_state(profile.state, ProfileMove.PUBLISH)
    profile.remark = None
    put_listing(session, profile, now)
    _moved(session, referrer, profile, "profile.published", actor, now, same=True)
    return referrer


def return_profile(
    session: Session, program: Program, code: str, revision: int, reason: str, *, actor: Actor, now: datetime
) -> Referrer:
    """Send the revision that staff read back to the partner, and say why. Raises as :func:`publish_profile`."""
    reason = clean_line(reason, "/reason", most=REASON)
    referrer, profile = _read(session, program, code, revision)
    profile.state = next_profile_state(profile.state, ProfileMove.RETURN)
    profile.remark, profile.submitted_at = reason, None
    _moved(session, referrer, profile, "profile.returned", actor, now, same=True)
    return referrer


def take_profile_down(
    session: Session, program: Program, code: str, reason: str, *, actor: Actor, now: datetime
) -> Referrer:
    """Staff take a profile out of the directory, and say why. Raises :class:`NoProfile`, :class:`NotListed`."""
    reason = clean_line(reason, "/reason", most=REASON)
    referrer = partner_of(session, program.id, code)
    profile = _locked(session, referrer)
    if not remove_listing(session, referrer.id):
        raise NotListed(code)
    profile.state = next_profile_state(profile.state, ProfileMove.TAKE_DOWN)
    profile.remark, profile.submitted_at = reason, None
    _moved(session, referrer, profile, "profile.taken_down", actor, now)
    return referrer


def _read(session: Session, program: Program, code: str, revision: int) -> tuple[Referrer, Profile]:
    referrer = partner_of(session, program.id, code)
    profile = _locked(session, referrer)
    if profile.revision != revision:
        raise ChangedMeanwhile
    return referrer, profile


def _locked(session: Session, referrer: Referrer) -> Profile:
    locks.own_referrer(session, referrer.id)
    profile = session.get(Profile, referrer.id, populate_existing=True)
    if profile is None:
        raise NoProfile(referrer.code)
    return profile


def _moved(
    session: Session,
    referrer: Referrer,
    profile: Profile,
    action: str,
    actor: Actor,
    now: datetime,
    *,
    same: bool = False,
) -> None:
    """Count the change, unless the words are the ``same``, and write it down. The trail holds none of the words."""
    profile.revision += not same
    session.flush()
    details = {"revision": profile.revision, "state": profile.state.value}
    subject = f"referrer:{referrer.code}"
    record_event(session, actor, action, subject, details, now=now, program_id=referrer.program_id)
