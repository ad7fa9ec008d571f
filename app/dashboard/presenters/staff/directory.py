"""What waits in the directory for somebody on the staff, and the list of expertises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Empty, Status, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.directory import ShownRating, one, paragraphs, shown_rating
from app.directory.domain.profile import Content
from app.directory.domain.states import ProfileState, ReportedPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.directory.models import Directory, Expertise, Listing, Profile, Rating, RatingReport
    from app.referrals.models import Program, Referrer

SHOWN: Final = 20
"""Items of one queue on the page; the next ones come up as these are decided."""


@dataclass(frozen=True, slots=True)
class WaitingProfile:
    """A profile that a partner submitted."""

    name: str
    who: str
    when: str
    href: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class WaitingRating:
    """What a customer wrote of a partner, and which version of it."""

    id: str
    revision: int
    who: str
    rating: ShownRating
    is_new: bool


@dataclass(frozen=True, slots=True)
class WaitingReport:
    """What somebody reported, and why."""

    id: str
    who: str
    about: str
    reason: str
    when: str
    rating: ShownRating


@dataclass(frozen=True, slots=True)
class Queue:
    """All that waits. ``more`` says that one of the lists is longer than what is shown."""

    profiles: tuple[WaitingProfile, ...]
    ratings: tuple[WaitingRating, ...]
    reports: tuple[WaitingReport, ...]
    more: bool
    nothing: Empty | None
    public_href: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A profile as staff decide on it: where it stands, what differs from what the public sees."""

    code: str
    revision: int
    status: Status
    changes: str
    may_decide: bool
    may_take_down: bool


@dataclass(frozen=True, slots=True)
class ExpertiseRow:
    """One expertise of the list."""

    key: int
    names: str
    retired: bool


def queue(
    program: Program,
    directory: Directory | None,
    profiles: Sequence[tuple[Profile, Referrer]],
    ratings: Sequence[tuple[Rating, Referrer]],
    reports: Sequence[tuple[RatingReport, Rating, Referrer]],
    listed: frozenset[int],
) -> Queue:
    """The page; ``listed`` are the partners whom the public sees now."""
    nothing = None
    if not (profiles or ratings or reports):
        nothing = Empty(
            _("Nothing waits"),
            _("Profiles, ratings and reports stand here until somebody has looked at them."),
        )
    return Queue(
        profiles=tuple(_profile(program, *row, listed) for row in profiles[:SHOWN]),
        ratings=tuple(_rating(program, *row) for row in ratings[:SHOWN]),
        reports=tuple(_report(program, *row) for row in reports[:SHOWN]),
        more=any(len(rows) > SHOWN for rows in (profiles, ratings, reports)),
        nothing=nothing,
        public_href=(
            url_for("directory.index", slug=program.slug)
            if directory is not None and directory.is_open
            else ""
        ),
    )


def _profile(
    program: Program, profile: Profile, referrer: Referrer, listed: frozenset[int]
) -> WaitingProfile:
    when = formatting.instant(profile.submitted_at, program.timezone) if profile.submitted_at else ""
    return WaitingProfile(
        name=Content.load(profile.content).name,
        who=f"{referrer.name} ({referrer.code})",
        when=when,
        href=url_for("staff.directory_profile", code=referrer.code),
        is_new=referrer.id not in listed,
    )


def _rating(program: Program, rating: Rating, referrer: Referrer) -> WaitingRating:
    written = ShownRating(
        id=rating.rating_id,
        stars=one(rating.stars),
        words=paragraphs(rating.words),
        who=rating.signature or _("a customer"),
        when=formatting.instant(rating.written_at, program.timezone),
    )
    return WaitingRating(rating.rating_id, rating.revision, referrer.name, written, rating.shown_at is None)


def _report(program: Program, report: RatingReport, rating: Rating, referrer: Referrer) -> WaitingReport:
    about = (
        _("The partner's answer was reported")
        if report.part is ReportedPart.ANSWER
        else _("The customer's words were reported")
    )
    return WaitingReport(
        id=report.report_id,
        who=referrer.name,
        about=about,
        reason=report.reason,
        when=formatting.instant(report.made_at, program.timezone),
        rating=shown_rating(program, rating),
    )


def looked_at(referrer: Referrer, profile: Profile, listing: Listing | None) -> Looked:
    """The head of the page on one profile."""
    return Looked(
        code=referrer.code,
        revision=profile.revision,
        status=_status(profile.state),
        changes=_changes(profile, listing),
        may_decide=profile.state is ProfileState.SUBMITTED,
        may_take_down=listing is not None,
    )


def _status(state: ProfileState) -> Status:
    match state:
        case ProfileState.DRAFT:
            return Status(_("draft"), Tone.CALM)
        case ProfileState.SUBMITTED:
            return Status(_("waits for staff"), Tone.WAIT)
        case ProfileState.PUBLISHED:
            return Status(_("published"), Tone.DONE)
        case ProfileState.RETURNED:
            return Status(_("sent back"), Tone.STOP)


def _changes(profile: Profile, listing: Listing | None) -> str:
    if listing is None:
        return _("Customers see nothing of this partner now.")
    labels = {
        "name": _("Name"),
        "tagline": _("In one sentence"),
        "about": _("About"),
        "expertise": _("Expertise"),
        "languages": _("Languages"),
        "country": _("Country"),
        "price_band": _("Prices"),
        "prices": _("What it costs"),
        "website": _("Website"),
        "cases": _("Cases"),
    }
    changed = [label for name, label in labels.items() if profile.content[name] != listing.content[name]]
    if not changed:
        return _("Customers see exactly this.")
    return _("Different from what customers see: %(fields)s.", fields=", ".join(changed))


def expertise_rows(rows: Sequence[Expertise]) -> tuple[ExpertiseRow, ...]:
    """The list, with those that are offered no more at its end."""
    ordered = sorted(rows, key=lambda row: (row.retired_at is not None, row.name_en.casefold()))
    return tuple(
        ExpertiseRow(row.id, f"{row.name_en} · {row.name_nl} · {row.name_de}", row.retired_at is not None)
        for row in ordered
    )
