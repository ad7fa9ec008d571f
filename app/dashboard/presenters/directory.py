"""Partners and what is said of them, as the public reads it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from babel.numbers import format_decimal
from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Empty, Fact
from app.dashboard.i18n import _, ngettext
from app.directory.domain.profile import COUNTRIES, LANGUAGES, Content, PriceBand
from app.directory.domain.stars import MOST, average_tenths
from app.directory.domain.website import host_of
from app.directory.queries import Order, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.directory.models import Expertise, Listing, Rating
    from app.directory.queries import Offered, Partner
    from app.referrals.models import Program


@dataclass(frozen=True, slots=True)
class Stars:
    """An average or one rating: filled stars for the eye (to the nearest half), words for everybody."""

    halves: int
    words: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A partner in the list."""

    name: str
    tagline: str
    href: str
    stars: Stars | None
    tags: tuple[str, ...]
    facts: str


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a filter."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the list: its name in the address, its label, its entries."""

    name: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """The list."""

    program: str
    title: str
    found: str
    cards: tuple[Card, ...]
    filters: tuple[Filter, ...]
    search: str
    is_filtered: bool
    nothing: Empty
    more_href: str | None = None


@dataclass(frozen=True, slots=True)
class ShownRating:
    """A rating and its answer."""

    id: str
    stars: Stars
    words: tuple[str, ...]
    who: str
    when: str
    answer: tuple[str, ...] = ()
    answered: str = ""
    report_href: str = ""


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """A partner's profile. ``code`` names them in addresses."""

    code: str
    name: str
    tagline: str
    about: tuple[str, ...]
    tags: tuple[str, ...]
    facts: tuple[Fact, ...]
    cases: tuple[tuple[str, tuple[str, ...]], ...]
    prices: tuple[str, ...]
    website: str
    website_host: str
    stars: Stars | None
    ratings: tuple[ShownRating, ...] = ()
    more_href: str | None = None


def language_name(code: str) -> str:
    """A language in the reader's own: "German"."""
    return str(formatting.language().languages.get(code, code))


def country_name(code: str) -> str:
    """A country in the reader's language."""
    return str(formatting.language().territories.get(code, code))


def expertise_name(row: Expertise) -> str:
    """An expertise in the reader's language."""
    return str(getattr(row, f"name_{formatting.language().language}"))


def price_words(band: str) -> str:
    """A price band in words."""
    match PriceBand(band):
        case PriceBand.LOW:
            return _("below the usual")
        case PriceBand.MIDDLE:
            return _("the usual")
        case PriceBand.HIGH:
            return _("above the usual")


def average(listing: Listing) -> Stars | None:
    """What all ratings say together, if there are any."""
    if not listing.rating_count:
        return None
    tenths = average_tenths(listing.rating_total, listing.rating_count)
    shown = str(format_decimal(Decimal(tenths).scaleb(-1), format="0.0", locale=formatting.language()))
    count = ngettext("%(num)s rating", "%(num)s ratings", listing.rating_count)
    return Stars((tenths + 2) // 5, _("%(average)s of %(most)s", average=shown, most=MOST), count)


def one(stars: int) -> Stars:
    """The stars of one rating."""
    return Stars(2 * stars, _("%(average)s of %(most)s", average=stars, most=MOST))


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text; lines within one stay lines."""
    return tuple(part for part in text.split("\n\n") if part)


def directory_page(
    program: Program,
    partners: Sequence[Partner],
    names: Mapping[int, str],
    *,
    count: int,
    offered: Offered,
    wanted: Wanted,
    more_href: str | None,
) -> DirectoryPage:
    """The list with its filters; ``names`` are the expertises' by key."""
    filters = _filters(names, offered, wanted)
    is_filtered = bool(
        wanted.search or wanted.expertise or wanted.language or wanted.country or wanted.price_band
    )
    return DirectoryPage(
        program=program.name,
        title=_("Find a partner"),
        found=ngettext("%(num)s partner", "%(num)s partners", count),
        cards=tuple(_card(program, partner, names) for partner in partners),
        filters=filters,
        search=wanted.search,
        is_filtered=is_filtered,
        nothing=_nothing(program, is_filtered=is_filtered),
        more_href=more_href,
    )


def _card(program: Program, partner: Partner, names: Mapping[int, str]) -> Card:
    content = Content.load(partner.listing.content)
    speaks = ", ".join(map(language_name, content.languages))
    return Card(
        name=content.name,
        tagline=content.tagline,
        href=url_for("directory.profile", slug=program.slug, code=partner.referrer.code),
        stars=average(partner.listing),
        tags=tuple(names[key] for key in content.expertise if key in names),
        facts=_("%(country)s · %(languages)s", country=country_name(content.country), languages=speaks),
    )


def _nothing(program: Program, *, is_filtered: bool) -> Empty:
    if not is_filtered:
        return Empty(_("No partners yet"), _("As soon as the first one is published, they stand here."))
    return Empty(
        _("Nobody fits all of that"),
        _("Leave one of the filters out, or search for fewer words."),
        _("Show all partners"),
        url_for("directory.index", slug=program.slug),
    )


def _filters(names: Mapping[int, str], offered: Offered, wanted: Wanted) -> tuple[Filter, ...]:
    tags = {str(row.id): names[row.id] for row in offered.expertises}
    speaks: dict[str, str] = {code: language_name(code) for code in LANGUAGES if code in offered.languages}
    places: dict[str, str] = {code: country_name(code) for code in COUNTRIES if code in offered.countries}
    bands = {band.value: price_words(band) for band in PriceBand}
    return (
        _filter("expertise", _("Expertise"), dict(sorted(tags.items(), key=_label)), str(wanted.expertise)),
        _filter("language", _("Language"), speaks, wanted.language),
        _filter("country", _("Country"), places, wanted.country),
        _filter("price", _("Prices"), bands, wanted.price_band),
        Filter(
            "sort",
            _("Sorted by"),
            (
                Option("", _("rating"), chosen=wanted.order is Order.RATING),
                Option(Order.NAME.value, _("name"), chosen=wanted.order is Order.NAME),
            ),
        ),
    )


def _label(item: tuple[str, str]) -> str:
    return item[1].casefold()


def _filter(name: str, label: str, entries: Mapping[str, str], chosen: str) -> Filter:
    options = [Option("", _("any"), chosen=chosen not in entries)]
    options += [Option(value, text, chosen=value == chosen) for value, text in entries.items()]
    return Filter(name, label, tuple(options))


def profile_page(
    code: str,
    content: Content,
    names: Mapping[int, str],
    *,
    listing: Listing | None = None,
    ratings: Sequence[ShownRating] = (),
    more_href: str | None = None,
) -> ProfilePage:
    """A profile: the public copy with its ratings, or a version of the partner's own."""
    speaks = ", ".join(map(language_name, content.languages))
    return ProfilePage(
        code=code,
        name=content.name,
        tagline=content.tagline,
        about=paragraphs(content.about),
        tags=tuple(names[key] for key in content.expertise if key in names),
        facts=(
            Fact(_("Languages"), Cell(speaks)),
            Fact(_("Country"), Cell(country_name(content.country))),
            Fact(_("Prices"), Cell(price_words(content.price_band))),
        ),
        cases=tuple((case.title, paragraphs(case.text)) for case in content.cases),
        prices=paragraphs(content.prices),
        website=content.website,
        website_host=host_of(content.website),
        stars=average(listing) if listing else None,
        ratings=tuple(ratings),
        more_href=more_href,
    )


def shown_rating(program: Program, rating: Rating, report_href: str = "") -> ShownRating:
    """The public copy of a rating."""
    when = (
        formatting.short_day(formatting.local(rating.shown_at, program.timezone)) if rating.shown_at else ""
    )
    return ShownRating(
        id=rating.rating_id,
        stars=one(rating.shown_stars or rating.stars),
        words=paragraphs(rating.shown_words or ""),
        who=rating.shown_signature or _("a customer"),
        when=when,
        answer=paragraphs(rating.answer or ""),
        answered=(
            formatting.short_day(formatting.local(rating.answered_at, program.timezone))
            if rating.answered_at
            else ""
        ),
        report_href=report_href,
    )
