"""What an edge finds wired: one object per process, made in ``factory.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.identity.tokens import MailLinks
    from app.kernel.crypto import Keyring
    from app.kernel.db import Database
    from app.kernel.queue import JobQueue
    from app.mail.office import PostOffice
    from app.payouts.deps import PayoutDeps
    from app.privacy.partner_links import PartnerLinks
    from app.referrals.intake import ReferralDeps
    from app.referrals.links import LinkSigner
    from config import Settings


@dataclass(frozen=True)
class Services:
    """The parts of the house that hold state or secrets. Immutable; safe to share between threads."""

    settings: Settings
    db: Database
    keyring: Keyring
    links: LinkSigner
    queue: JobQueue
    mail: PostOffice
    mail_links: MailLinks
    partner_links: PartnerLinks
    referrals: ReferralDeps
    payouts: PayoutDeps
