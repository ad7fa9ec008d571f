"""What a partner says of themselves: checked once, kept as one document, found by its terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.directory.domain.texts import clean_line, clean_text, words_of
from app.directory.domain.website import clean_website
from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_T = TypeVar("_T")

NAME: Final = 80
TAGLINE: Final = 120
ABOUT: Final = 3_000
PRICES: Final = 600
CASE_TITLE: Final = 100
CASE_TEXT: Final = 600
CASES: Final = 3
EXPERTISES: Final = 8
LANGUAGES_MOST: Final = 6
_WORDS: Final = 400
"""Words of one profile that a search finds."""
SEARCHED: Final = 5
"""Words of one search that count."""

LANGUAGES: Final = ("nl", "de", "en", "fr", "da", "es", "fi", "it", "nb", "pl", "pt", "sv", "tr", "uk")
"""ISO 639-1, the three of the pages first."""

COUNTRIES: Final = (
    *(
        "NL",
        "DE",
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "HU",
        "IE",
    ),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
"""ISO 3166-1: where a payout can go to by SEPA in an ordinary year, the Netherlands and Germany first."""


class PriceBand(StrEnum):
    """How a partner's prices compare, by their own word; what they are stands in the profile."""

    LOW = "low"
    """Below the usual."""
    MIDDLE = "middle"
    """The usual."""
    HIGH = "high"
    """Above the usual."""


class UnfitChoice(InvalidInput):
    """Something was chosen that is not on the list, too much of it, or nothing."""

    title = "Unfit choice"

    def __init__(self, pointer: str, most: int = 1) -> None:
        super().__init__(f"choose one to {most} from the list", pointer=pointer)


@dataclass(frozen=True, slots=True)
class Case:
    """A piece of work that the partner shows."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """A profile as it is written: raw from a form, or :func:`checked`."""

    name: str = ""
    tagline: str = ""
    about: str = ""
    expertise: tuple[int, ...] = ()
    """Keys of the programme's expertises."""
    languages: tuple[str, ...] = ()
    country: str = ""
    price_band: str = ""
    prices: str = ""
    website: str = ""
    cases: tuple[Case, ...] = field(default=())

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "tagline": self.tagline,
            "about": self.about,
            "expertise": list(self.expertise),
            "languages": list(self.languages),
            "country": self.country,
            "price_band": self.price_band,
            "prices": self.prices,
            "website": self.website,
            "cases": [{"title": case.title, "text": case.text} for case in self.cases],
        }

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Content:
        """From JSON that :meth:`dump` wrote."""
        cases = tuple(Case(case["title"], case["text"]) for case in raw["cases"])
        lists = {name: tuple(raw[name]) for name in ("expertise", "languages")}
        return cls(**{**raw, **lists, "cases": cases})


def checked(raw: Content, expertises: Collection[int]) -> Content:
    """The same, tidied. Raises ``InvalidInput`` pointing at the first field that is not fit to be published."""
    return Content(
        name=clean_line(raw.name, "/name", most=NAME),
        tagline=clean_line(raw.tagline, "/tagline", most=TAGLINE),
        about=clean_text(raw.about, "/about", most=ABOUT),
        expertise=_chosen(raw.expertise, expertises, "/expertise", EXPERTISES),
        languages=_chosen(raw.languages, LANGUAGES, "/languages", LANGUAGES_MOST),
        country=_chosen((raw.country,), COUNTRIES, "/country", 1)[0],
        price_band=_chosen((raw.price_band,), [band.value for band in PriceBand], "/price_band", 1)[0],
        prices=clean_text(raw.prices, "/prices", most=PRICES, least=0),
        website=clean_website(raw.website),
        cases=_cases(raw.cases),
    )


def _cases(raw: tuple[Case, ...]) -> tuple[Case, ...]:
    """Those of which anything was filled in; a case without its title or its text is half a case."""
    written = [case for case in raw if case.title.strip() or case.text.strip()]
    if len(written) > CASES:
        raise UnfitChoice("/cases", CASES)
    return tuple(
        Case(
            clean_line(case.title, f"/cases/{place}/title", most=CASE_TITLE),
            clean_text(case.text, f"/cases/{place}/text", most=CASE_TEXT),
        )
        for place, case in enumerate(written)
    )


def _chosen(values: tuple[_T, ...], allowed: Collection[_T], pointer: str, most: int) -> tuple[_T, ...]:
    different = tuple(dict.fromkeys(values))
    if not 1 <= len(different) <= most or any(value not in allowed for value in different):
        raise UnfitChoice(pointer, most)
    return different


def expertise_term(key: int) -> str:
    """The term by which partners of an expertise are found."""
    return f"e:{key}"


def language_term(code: str) -> str:
    """The term by which partners who speak a language are found."""
    return f"l:{code}"


def country_term(code: str) -> str:
    """The term by which partners of a country are found."""
    return f"c:{code}"


def price_term(band: str) -> str:
    """The term by which partners of a price band are found."""
    return f"p:{band}"


def word_term(word: str) -> str:
    """The term under which a word lies; a search looks for terms that begin so."""
    return f"w:{word}"


def terms_of(content: Content) -> set[str]:
    """Everything by which a checked profile is found."""
    text = [content.name, content.tagline, *(case.title for case in content.cases), content.about]
    return {
        *map(expertise_term, content.expertise),
        *map(language_term, content.languages),
        country_term(content.country),
        price_term(content.price_band),
        *map(word_term, words_of(" ".join(text))[:_WORDS]),
    }
