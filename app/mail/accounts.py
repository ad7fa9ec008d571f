"""Mails on a person's own login, and on the team that they are in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from app.identity.tokens import LinkPurpose
from app.mail.models import MailKind
from app.mail.outbox import NewMail, queue_mail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.models import EmailChange, User
    from app.identity.tokens import MailLinks
    from app.referrals.models import Program, Referrer
    from app.referrals.models.team import TeamInvitation
    from app.referrals.team import Invited

PATHS: Final[Mapping[LinkPurpose, str]] = {
    LinkPurpose.JOIN_TEAM: "/invitation/",
    LinkPurpose.CONFIRM_ADDRESS: "/confirm-address/",
    LinkPurpose.UNDO_ADDRESS: "/undo-address/",
}
"""The pages that these links open; the token follows."""


def signed_path(links: MailLinks, signed: Sequence[str], at: datetime) -> str:
    """The path of a link that names (purpose, subject), as old as its mail: one sent late is not valid for longer.

    The subject is a row that goes, or is closed, with the link's first use, so it stands for its own state.
    """
    purpose, subject = LinkPurpose(signed[0]), signed[1]
    return PATHS[purpose] + links.sign(purpose, subject, subject, at)


class AccountMails:
    """What the post office has to tell of logins and teams."""

    def tell_factor_changed(self, session: Session, user: User, *, is_new: bool, now: datetime) -> None:
        """A second step was set up, or taken away: whoever did that was at the keyboard, perhaps not its owner."""
        context = {"name": user.name, "is_new": is_new, "is_left": user.second_factor_at is not None}
        key = f"factor-changed:{user.public_id}:{now.timestamp():.6f}"
        _queue(session, key, MailKind.FACTOR_CHANGED, user.email, user.locale, context, now)

    def tell_address_asked(self, session: Session, user: User, change: EmailChange, *, now: datetime) -> None:
        """Ask the new address whether it is theirs."""
        context = {"signed": [LinkPurpose.CONFIRM_ADDRESS.value, change.public_id], "name": user.name}
        key = f"address-asked:{change.public_id}"
        _queue(session, key, MailKind.ADDRESS_ASKED, change.new_email, user.locale, context, now)

    def tell_address_moved(self, session: Session, user: User, change: EmailChange, *, now: datetime) -> None:
        """Tell the old address, with the link that takes the change back. It does not say what the new one is."""
        context = {"signed": [LinkPurpose.UNDO_ADDRESS.value, change.public_id], "name": user.name}
        key = f"address-moved:{change.public_id}"
        _queue(session, key, MailKind.ADDRESS_MOVED, change.old_email, user.locale, context, now)

    def tell_invited(
        self,
        session: Session,
        invitation: TeamInvitation,
        referrer: Referrer,
        program: Program,
        inviter: User,
        *,
        now: datetime,
    ) -> None:
        """Ask somebody into the team, in the referrer's language."""
        context = {
            "signed": [LinkPurpose.JOIN_TEAM.value, invitation.public_id],
            "inviter": inviter.name,
            "referrer": referrer.name,
            "program": program.name,
            "level": invitation.level.value,
        }
        key = f"team-invited:{invitation.public_id}"
        _queue(session, key, MailKind.TEAM_INVITED, invitation.email, referrer.locale, context, now)

    def tell_joined(self, session: Session, invited: Invited, user: User, *, now: datetime) -> None:
        """Tell whoever invited them, and the referrer's own address, so that nobody comes in unseen."""
        referrer, level = invited.referrer, invited.invitation.level.value
        context = {
            "member": user.email,
            "referrer": referrer.name,
            "program": invited.program.name,
            "level": level,
        }
        for address in sorted({referrer.email, invited.inviter.email}):
            key = f"team-joined:{invited.invitation.public_id}:{_mark(address)}"
            _queue(session, key, MailKind.TEAM_JOINED, address, referrer.locale, context, now)

    def tell_removed(
        self, session: Session, referrer: Referrer, program: Program, user: User, *, now: datetime
    ) -> None:
        """Tell somebody that they are no longer in the team."""
        context = {"name": user.name, "referrer": referrer.name, "program": program.name}
        key = f"team-removed:{referrer.code}:{user.public_id}:{now.timestamp():.6f}"
        _queue(session, key, MailKind.TEAM_REMOVED, user.email, user.locale, context, now)


def _queue(
    session: Session,
    key: str,
    kind: MailKind,
    address: str,
    locale: str,
    context: Mapping[str, Any],
    now: datetime,
) -> None:
    queue_mail(session, NewMail(key, kind, address, locale, context), now=now)


def _mark(email: str) -> str:
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]
