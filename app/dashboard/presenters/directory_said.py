"""Choosing, rating and reporting a partner, in the words of whoever does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Status, Tone
from app.dashboard.i18n import _, ngettext
from app.directory.domain.stars import LEAST, MOST
from app.directory.domain.states import RatingState, ReportedPart
from app.referrals.words import BindingMethod

if TYPE_CHECKING:
    from app.directory.models import Rating
    from app.directory.queries import Partner
    from app.privacy.partner_page import Partnership
    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class Choice:
    """What it means to choose a partner. ``is_theirs`` where the customer has chosen them already."""

    name: str
    sentence: str
    points: tuple[str, ...]
    is_theirs: bool = False


def choice(program: Program, partner: Partner, now: Partnership) -> Choice:
    """The words before the button."""
    name = str(partner.listing.content["name"])
    is_same = now.partner is not None and now.partner.code == partner.referrer.code
    if now.partner is not None and is_same and now.partner.method is BindingMethod.CHOSEN:
        since = formatting.day(formatting.local(now.partner.since, program.timezone))
        sentence = _("%(name)s is your partner since %(day)s.", name=name, day=since)
        return Choice(name, sentence, (), is_theirs=True)
    points = [
        _("%(name)s is told that a customer chose them, and sees a number in place of your name.", name=name),
        _("They receive a share of what you pay from now on, from %(program)s.", program=program.name),
        _("It costs you nothing, and you can end it at any time."),
    ]
    if now.partner is not None and not is_same:
        points.append(
            _("It ends with %(name)s, who is rewarded for your orders until now.", name=now.partner.name)
        )
    return Choice(name, _("%(name)s becomes the partner for your orders.", name=name), tuple(points))


def star_choices() -> list[tuple[int, str]]:
    """Five to one, each with its word."""
    return [(stars, ngettext("%(num)s star", "%(num)s stars", stars)) for stars in range(MOST, LEAST - 1, -1)]


def parts() -> list[tuple[str, str]]:
    """What a report can be about."""
    return [
        (ReportedPart.RATING.value, _("what the customer wrote")),
        (ReportedPart.ANSWER.value, _("what the partner answered")),
    ]


def rating_notice(before: Rating | None) -> Status | None:
    """What became of what the customer wrote before."""
    if before is None:
        return None
    match before.state:
        case RatingState.WAITING:
            return Status(_("What you wrote waits for the staff of the programme."), Tone.WAIT)
        case RatingState.SHOWN:
            return Status(
                _("What you wrote is shown. If you change it, staff look at it again first."), Tone.DONE
            )
        case RatingState.REFUSED:
            return Status(
                _("It is not shown: %(reason)s", reason=before.remark or formatting.DASH), Tone.STOP
            )
