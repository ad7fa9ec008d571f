"""A referrer's own data in words: what can be had, and why it cannot go yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.i18n import _
from app.privacy.erasure import Reason
from app.referrals.models import ReferrerStatus

if TYPE_CHECKING:
    from app.privacy.erasure import Obstacle
    from app.referrals.queries.dashboard import Membership


@dataclass(frozen=True, slots=True)
class YourData:
    """The page. ``obstacle`` says why the data cannot be erased yet; empty where it can."""

    facts: tuple[Fact, ...]
    takes_part: bool
    leave_text: str
    obstacle: str


def your_data(membership: Membership, obstacle: Obstacle | None) -> YourData:
    """What the page says of one membership."""
    referrer, program = membership.referrer, membership.program
    return YourData(
        facts=(
            Fact(_("Name"), Cell(referrer.name, wraps=True)),
            Fact(_("E-mail address"), Cell(referrer.email, wraps=True)),
            Fact(_("Programme"), Cell(program.name)),
            Fact(
                _("Joined on"), Cell(formatting.day(formatting.local(referrer.joined_at, program.timezone)))
            ),
        ),
        takes_part=referrer.status is ReferrerStatus.ACTIVE,
        leave_text=_(
            "Your links stop counting at once, and orders that are paid from now on earn nothing. "
            "What you have earned is still paid."
        ),
        obstacle=why_not_yet(obstacle) if obstacle else "",
    )


def why_not_yet(obstacle: Obstacle) -> str:
    """Why a referrer's data cannot be erased yet, and what ends that."""
    amount = formatting.amount(abs(obstacle.amount_minor), obstacle.currency)
    match obstacle.reason:
        case Reason.TAKES_PART:
            return _("You still take part in the programme. Leave it first.")
        case Reason.PENDING:
            return _("%(amount)s is still in its hold period and will be paid to you first.", amount=amount)
        case Reason.AVAILABLE if obstacle.amount_minor < 0:
            return _(
                "%(amount)s is still open to be settled with you. Please ask the programme's staff.",
                amount=amount,
            )
        case Reason.AVAILABLE:
            return _("%(amount)s is payable to you and comes with the next payout.", amount=amount)
        case Reason.HELD:
            return _("%(amount)s is still under review.", amount=amount)
        case Reason.IN_FLIGHT:
            return _("%(amount)s is on its way to your bank account.", amount=amount)
        case Reason.JUST_PAID:
            day = formatting.day(obstacle.until) if obstacle.until else ""
            return _(
                "Your bank could still send the last payout back. You can do this from %(day)s on.", day=day
            )
