"""The people of the demo: referrers with their codes and bank accounts, partners, and the staff who log in."""

from __future__ import annotations

from dataclasses import dataclass

HOSTING, DIRECTORY = "hosting", "directory"

PASSWORD = "kickback-demo"  # noqa: S105 - printed on the terminal; the demo never runs in production

_FIRST_NAMES = (
    "Anna Bram Carla Daan Emma Finn Greta Hugo Ida Jonas Katja Lars Maud Niels Olga Piet Ruth Sven Thea Uwe"
).split()
_LAST_NAMES = (
    "de Vries,Bakker,Schulz,Jansen,Fischer,van Dijk,Weber,Smit,Becker,Visser,Krause,Mulder,Lange,de Boer,Vogel,"
    "Hendriks,Brandt,Peters,Kramer,van Leeuwen"
).split(",")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a referrer code, a mailbox and a bank account."""

    code: str
    name: str
    email: str
    locale: str
    iban: str


PARTNERS = (
    ("studio-noord", "Studio Noord", "nl"),
    ("briefwerk", "Briefwerk", "de"),
    ("mailmeisters", "Mailmeisters", "nl"),
    ("klartext", "Klartext Studio", "de"),
    ("de-lijst", "De Lijst", "nl"),
    ("postkutsche", "Postkutsche", "de"),
)
"""Code, name and language; the demo shop's directory shows the same codes."""

STAFF = (
    ("owner@korenhof.example", "owner", "Olivia Koren"),
    ("finance1@korenhof.example", "finance", "Fenna Hof"),
    ("finance2@korenhof.example", "finance", "Friedrich Hof"),
    ("support@korenhof.example", "support", "Sanne Koren"),
    ("auditor@korenhof.example", "auditor", "Anton Koren"),
)
"""E-mail, role and name of everyone who works for the merchant."""


def referrers(count: int) -> list[Person]:
    """``count`` referrers of the hosting programme; the first one, ``anna``, is the one who logs in."""
    people = []
    for index in range(count):
        first = _FIRST_NAMES[index % len(_FIRST_NAMES)]
        turn = index // len(_FIRST_NAMES)
        last = _LAST_NAMES[(index * 7 + turn) % len(_LAST_NAMES)]
        code = first.lower() if turn == 0 else f"{first.lower()}-{turn + 1}"
        locale = ("nl", "de", "nl", "en")[index % 4]
        iban = (dutch_iban if locale != "de" else german_iban)(index)
        people.append(Person(code, f"{first} {last}", f"{code}@example.com", locale, iban))
    return people


def partners(count: int) -> list[Person]:
    """The first ``count`` partners of the directory, at most six."""
    return [
        Person(
            code,
            name,
            f"{code}@example.org",
            locale,
            (german_iban if locale == "de" else dutch_iban)(500 + index),
        )
        for index, (code, name, locale) in enumerate(PARTNERS[:count])
    ]


def dutch_iban(number: int) -> str:
    """A well-formed Dutch IBAN that differs for each ``number`` below a million."""
    return _with_check_digits("NL", f"KORE{500_000_000 + number * 37:010d}")


def german_iban(number: int) -> str:
    """A well-formed German IBAN that differs for each ``number`` below a million."""
    return _with_check_digits("DE", f"50010517{500_000_000 + number * 41:010d}")


def _with_check_digits(country: str, account: str) -> str:
    """ISO 13616: the check digits make the rearranged number 1 modulo 97."""
    digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"
