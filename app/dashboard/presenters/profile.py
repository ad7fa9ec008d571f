"""A partner's own profile on its way into the directory, and what customers say of them, as the partner reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard.components import Empty, Status, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.directory import (
    ShownRating,
    country_name,
    expertise_name,
    language_name,
    price_words,
    shown_rating,
)
from app.directory.domain.profile import COUNTRIES, LANGUAGES, PriceBand
from app.directory.domain.states import ProfileState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.dashboard.forms.directory import ProfileForm
    from app.directory.models import Directory, Expertise, Listing, Profile, Rating
    from app.referrals.models import Program, Referrer


@dataclass(frozen=True, slots=True)
class OwnProfile:
    """Where the profile stands and what can be done now."""

    program: str
    status: Status
    next_step: str
    remark: str
    may_submit: bool
    public_href: str
    has_profile: bool


@dataclass(frozen=True, slots=True)
class OwnRating:
    """A rating of mine, and whether I may answer it."""

    shown: ShownRating
    may_answer: bool
    note: str


def own_profile(
    program: Program,
    directory: Directory,
    referrer: Referrer,
    profile: Profile | None,
    listing: Listing | None,
) -> OwnProfile:
    """The head of the page."""
    status, next_step = _standing(profile, listing)
    shows = listing is not None and directory.is_open
    return OwnProfile(
        program=program.name,
        status=status,
        next_step=next_step if directory.is_open else _("The directory is not open to the public yet."),
        remark=(profile.remark or "") if profile else "",
        may_submit=profile is not None and profile.state in {ProfileState.DRAFT, ProfileState.RETURNED},
        public_href=url_for("directory.profile", slug=program.slug, code=referrer.code) if shows else "",
        has_profile=profile is not None,
    )


def _standing(profile: Profile | None, listing: Listing | None) -> tuple[Status, str]:
    if profile is None:
        return (
            Status(_("not written yet"), Tone.CALM),
            _("Write your profile: customers look for a partner in the directory and choose one."),
        )
    match profile.state:
        case ProfileState.DRAFT if listing is not None:
            return (
                Status(_("changed"), Tone.CALM),
                _("Customers see the version before. Submit the new one when it is ready."),
            )
        case ProfileState.DRAFT:
            return Status(_("draft"), Tone.CALM), _("Only you see it. Submit it when it is ready.")
        case ProfileState.SUBMITTED:
            return (
                Status(_("waits for staff"), Tone.WAIT),
                _("Staff of the programme look at it. If you change it, submit it again."),
            )
        case ProfileState.PUBLISHED:
            return Status(_("published"), Tone.DONE), _("Customers can find and choose you.")
        case ProfileState.RETURNED:
            return Status(_("sent back"), Tone.STOP), _("Change what staff ask for, and submit it again.")


def fill_choices(form: ProfileForm, offered: Sequence[Expertise], kept: Sequence[int]) -> None:
    """Set what the form can choose from, in the reader's language; what the profile has stays, retired or not."""
    tags = [(row.id, expertise_name(row)) for row in offered if row.retired_at is None or row.id in kept]
    form.expertise.choices = sorted(tags, key=lambda tag: tag[1].casefold())
    form.languages.choices = [(code, language_name(code)) for code in LANGUAGES]
    form.country.choices = [("", _("choose")), *((code, country_name(code)) for code in COUNTRIES)]
    form.price_band.choices = [
        ("", _("choose")),
        *((band.value, price_words(band.value)) for band in PriceBand),
    ]


def own_ratings(program: Program, rows: Sequence[Rating]) -> tuple[OwnRating, ...]:
    """What customers say, newest first."""
    return tuple(
        OwnRating(
            shown_rating(program, row),
            may_answer=not row.answer_closed,
            note=_("Staff took your answer down; there is no second one.") if row.answer_closed else "",
        )
        for row in rows
    )


def no_ratings() -> Empty:
    """Before the first one."""
    return Empty(
        _("Nobody has rated you yet"),
        _("Customers who chose you can. What they write is looked at by staff, and then stands here."),
    )
