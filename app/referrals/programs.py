"""Programmes, their terms and their products."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.kernel.clock import BEGINNING
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.money import Money, exponent
from app.referrals.domain.review import parse_setting
from app.referrals.errors import ProductNotFound, ProgramNotFound
from app.referrals.models import Product, Program, ProgramTerms
from app.referrals.rulebook import new_rules, read_rulebook
from app.referrals.words import Approval, AttributionModel, ConsentMode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.terms import Terms

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII
)
METHOD: Final = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
MAX_NAME: Final = 200
MAX_HOLD_DAYS: Final = 365
MAX_WINDOW_DAYS: Final = 365
MAX_PAYOUT_DAY: Final = 28
BANK_PROFILES: Final = ("generic", "ing", "abn-amro", "rabobank", "bunq", "german")


class ProgramExists(Conflict):
    """The slug is taken."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is a programme {slug!r} already", pointer="/slug")


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """What may be said about a programme; ``None`` leaves it as it is (or at its default, when it is created).

    ``minimum_payout`` is a decimal in the programme's currency. ``holds`` maps payment method to days, ``review`` the
    limits and rules of ``domain/review.py`` to what they shall be; what it does not name stays.
    ``debtor_iban`` and ``rail`` are checked by the caller, which knows how.
    """

    name: str | None = None
    landing_url: str | None = None
    hosts: tuple[str, ...] | None = None
    timezone: str | None = None
    window_days: int | None = None
    hold_days: int | None = None
    holds: Mapping[str, int] | None = field(default=None)
    minimum_payout: str | None = None
    pays_leavers: bool | None = None
    attribution: AttributionModel | None = None
    payout_day: int | None = None
    consent_mode: ConsentMode | None = None
    approval: Approval | None = None
    debtor_name: str | None = None
    debtor_iban: str | None = None
    debtor_bic: str | None = None
    bank_profile: str | None = None
    instant: bool | None = None
    rail: str | None = None
    joinable: bool | None = None
    review: Mapping[str, str] | None = None


_DEFAULTS: Final = ProgramSettings(
    hosts=(),
    timezone="Europe/Amsterdam",
    window_days=30,
    hold_days=30,
    holds={},
    minimum_payout="25",
    attribution=AttributionModel.LAST_CLICK,
    payout_day=1,
    consent_mode=ConsentMode.REQUIRED,
    approval=Approval.TWO,
    bank_profile="generic",
    joinable=True,
)


def find_program(session: Session, slug: str) -> Program:
    """The programme of that slug. Raises :class:`ProgramNotFound`."""
    program = session.scalar(select(Program).where(Program.slug == slug))
    if program is None:
        raise ProgramNotFound(slug)
    return program


def create_program(
    session: Session, *, slug: str, currency: str, settings: ProgramSettings, actor: Actor, now: datetime
) -> Program:
    """Create a programme. Name and landing page are required; the rest has CONTRACT.md's defaults.

    Its first terms hold from the beginning of time, so that facts of an earlier date find some.
    Raises :class:`ProgramExists` and ``InvalidInput`` naming the setting.
    """
    if not SLUG.fullmatch(slug):
        raise InvalidInput("slug: expected 1 to 32 characters a-z, 0-9 and hyphen", pointer="/slug")
    exponent(currency)
    if session.scalar(select(Program.id).where(Program.slug == slug)) is not None:
        raise ProgramExists(slug)
    for required in ("name", "landing_url"):
        if getattr(settings, required) is None:
            raise InvalidInput(f"{required} is required for a new programme", pointer=f"/{required}")
    wanted = _merged(_DEFAULTS, settings)
    check_settings(wanted, currency)
    program = Program(
        slug=slug, currency=currency, created_at=now, rail=wanted.rail or _default_rail(currency)
    )
    _apply(program, wanted)
    session.add(program)
    session.flush()
    session.add(
        ProgramTerms(
            program_id=program.id,
            valid_from=BEGINNING,
            window_days=wanted.window_days,
            attribution=wanted.attribution,
            hold_days=wanted.hold_days,
            hold_days_by_method=dict(wanted.holds or {}),
        )
    )
    session.flush()
    _record(session, actor, "program.created", program, wanted, now)
    return program


def change_program(
    session: Session, program: Program, settings: ProgramSettings, *, actor: Actor, now: datetime
) -> None:
    """Change what is given, and nothing else.

    Window, hold and attribution change from ``now`` on only: what was recorded keeps the terms of its own time.
    """
    check_settings(settings, program.currency)
    _apply(program, settings)
    latest = read_rulebook(session, program).terms.latest
    terms = ProgramTerms(
        program_id=program.id,
        valid_from=now,
        window_days=_or(settings.window_days, latest.window_days),
        attribution=settings.attribution or latest.attribution,
        hold_days=_or(settings.hold_days, latest.hold_days),
        hold_days_by_method={**latest.hold_days_by_method, **(settings.holds or {})},
    )
    if _said(terms) != _said(latest):
        session.add(terms)
    new_rules(program)
    session.flush()
    _record(session, actor, "program.changed", program, settings, now)


def set_product(session: Session, program: Program, *, sku: str, name: str | None, now: datetime) -> Product:
    """Create a product or rename it. ``sku`` is 1 to 128 printable characters."""
    if not 1 <= len(sku) <= 128 or not sku.isprintable():  # noqa: PLR2004 - said in the message
        raise InvalidInput("sku: expected 1 to 128 printable characters", pointer="/sku")
    product = session.scalar(select(Product).where(Product.program_id == program.id, Product.sku == sku))
    if product is None:
        _check_name(name or sku, "name")
        product = Product(program_id=program.id, sku=sku, name=name or sku, created_at=now)
        session.add(product)
        new_rules(program)
        session.flush()
        return product
    if name is not None:
        _check_name(name, "name")
        product.name = name
    return product


def find_product(session: Session, program: Program, sku: str) -> Product:
    """The product of that SKU. Raises :class:`ProductNotFound`."""
    product = session.scalar(select(Product).where(Product.program_id == program.id, Product.sku == sku))
    if product is None:
        raise ProductNotFound(sku)
    return product


def check_settings(settings: ProgramSettings, currency: str) -> None:
    """Raise ``InvalidInput`` for the first setting outside its bounds, naming it."""
    for name in ("name", "debtor_name"):
        if (text := getattr(settings, name)) is not None:
            _check_name(text, name)
    if settings.landing_url is not None:
        _check_url(settings.landing_url)
    for host in settings.hosts or ():
        if not HOST.fullmatch(host.lower()):
            raise InvalidInput(f"host: {host!r} is not a host name", pointer="/hosts")
    if settings.timezone is not None:
        _check_timezone(settings.timezone)
    _check_numbers(settings, currency)
    if settings.bank_profile not in {None, *BANK_PROFILES}:
        raise InvalidInput(
            f"bank_profile: expected one of {', '.join(BANK_PROFILES)}", pointer="/bank_profile"
        )


def _check_numbers(settings: ProgramSettings, currency: str) -> None:
    _check_range("window_days", settings.window_days, 1, MAX_WINDOW_DAYS)
    _check_range("hold_days", settings.hold_days, 0, MAX_HOLD_DAYS)
    for method, days in (settings.holds or {}).items():
        if not METHOD.fullmatch(method):
            raise InvalidInput(
                f"hold: {method!r} is not a payment method (a-z, 0-9, _ and -)", pointer="/holds"
            )
        _check_range(f"hold {method}", days, 0, MAX_HOLD_DAYS)
    _check_range("payout_day", settings.payout_day, 1, MAX_PAYOUT_DAY)
    _parsed_review(settings)
    if settings.minimum_payout is not None and Money.parse(settings.minimum_payout, currency).minor < 0:
        raise InvalidInput("minimum_payout: expected 0 or more", pointer="/minimum_payout")


def _parsed_review(settings: ProgramSettings) -> dict[str, int | str]:
    return {name: parse_setting(name, text) for name, text in (settings.review or {}).items()}


def _default_rail(currency: str) -> str:
    return "sepa" if currency == "EUR" else "csv"


def _merged(base: ProgramSettings, over: ProgramSettings) -> ProgramSettings:
    names = [item.name for item in fields(ProgramSettings)]
    given = {name: getattr(over, name) for name in names}
    return ProgramSettings(
        **{name: getattr(base, name) if given[name] is None else given[name] for name in names}
    )


def _apply(program: Program, settings: ProgramSettings) -> None:
    plain = (
        "name landing_url timezone payout_day consent_mode approval debtor_name debtor_iban debtor_bic "
        "bank_profile instant rail joinable pays_leavers"
    ).split()
    for name in plain:
        if (value := getattr(settings, name)) is not None:
            setattr(program, name, value)
    if settings.review:
        program.review = {**(program.review or {}), **_parsed_review(settings)}
    if settings.hosts is not None:
        program.hosts = sorted({host.lower() for host in settings.hosts})
    if settings.minimum_payout is not None:
        program.minimum_payout_minor = Money.parse(settings.minimum_payout, program.currency).minor


def _record(
    session: Session, actor: Actor, action: str, program: Program, settings: ProgramSettings, now: datetime
) -> None:
    given = {item.name: getattr(settings, item.name) for item in fields(ProgramSettings)}
    details = {name: value for name, value in given.items() if value is not None}
    if "debtor_iban" in details:
        details["debtor_iban"] = details["debtor_iban"][-4:]
    details = {name: list(value) if isinstance(value, tuple) else value for name, value in details.items()}
    record_event(session, actor, action, f"program:{program.slug}", details, now=now, program_id=program.id)


def _said(terms: ProgramTerms | Terms) -> tuple[int, str, int, dict[str, int]]:
    return terms.window_days, terms.attribution, terms.hold_days, dict(terms.hold_days_by_method)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _check_range(name: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidInput(f"{name}: expected a whole number from {low} to {high}", pointer=f"/{name}")


def _check_name(text: str, name: str) -> None:
    if not 1 <= len(text.strip()) <= MAX_NAME or not text.isprintable():
        raise InvalidInput(f"{name}: expected 1 to {MAX_NAME} printable characters", pointer=f"/{name}")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url or "\\" in url or len(url) > 2000:  # noqa: PLR2004 - column
        raise InvalidInput("landing_url: expected an http or https URL", pointer="/landing_url")


def _check_timezone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"timezone: {name!r} is not an IANA time zone", pointer="/timezone") from None
