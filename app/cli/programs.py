"""``flask programs``: create a programme and change its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.command import BadInput, Command, House, answer, blaming, json_option, parts
from app.cli.parse import MethodDays, ReviewSetting, words
from app.cli.rate_options import PARTS, RateOptions, warn_of_short_notice, with_rate
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.money import Money
from app.payouts.domain.iban import last4, normalise_bic, normalise_iban
from app.payouts.rails import rail_named, rails
from app.referrals.domain.review import review_shown
from app.referrals.programs import (
    BANK_PROFILES,
    ProgramSettings,
    change_program,
    create_program,
    find_program,
)
from app.referrals.queries.programs_shown import programs as all_programs
from app.referrals.rates import set_signup_bonus
from app.referrals.words import Approval, AttributionModel, ConsentMode
from app.shopfront.looks import set_frame_hosts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

programs = House("programs", help="Create programmes and change their settings.")

_SETTINGS = (
    click.option("--name", help="What pages and mails call it."),
    click.option("--currency", help="ISO 4217 code; cannot be changed later."),
    click.option("--landing-url", metavar="URL", help="Where the referral links lead."),
    click.option(
        "--host", "hosts", multiple=True, metavar="H", help="Host that deep links may lead to; repeatable."
    ),
    click.option(
        "--frame-host",
        "frame_hosts",
        multiple=True,
        metavar="H",
        help="Site that may show our pages in a frame, like shop.example; repeatable, none for no site.",
    ),
    click.option("--timezone", metavar="TZ", help="IANA time zone of its days.  [default: Europe/Amsterdam]"),
    click.option(
        "--window-days", type=int, help="Attribution window, click to signup, 1 to 365.  [default: 30]"
    ),
    click.option("--hold-days", type=int, help="Days from payment to payable, 0 to 365.  [default: 30]"),
    click.option(
        "--hold", "holds", type=MethodDays(), multiple=True, help="Hold of one payment method; repeatable."
    ),
    click.option("--minimum-payout", metavar="AMOUNT", help="Smallest payout, 0 is valid.  [default: 25.00]"),
    click.option(
        "--pays-leavers/--keeps-below-minimum",
        "pays_leavers",
        default=None,
        help="Pay who left what is available, even below the minimum.  [default: not]",
    ),
    click.option(
        "--attribution",
        type=words(AttributionModel),
        help="Which of several clicks wins.  [default: last_click]",
    ),
    click.option("--payout-day", type=int, help="Day of the month, 1 to 28.  [default: 1]"),
    click.option(
        "--consent-mode", type=words(ConsentMode), help="How visitors are remembered.  [default: required]"
    ),
    click.option("--approval", type=words(Approval), help="Who approves a payout run.  [default: two]"),
    with_rate,
    click.option(
        "--signup-bonus",
        metavar="AMOUNT",
        help="Paid once, for the first order that a customer bound from now on ever pays; none ends it.",
    ),
    click.option(
        "--review",
        type=ReviewSetting(),
        multiple=True,
        help="A review rule (hold, note or off) or a limit, like fast-conversion=hold or fast-seconds=20; repeatable.",
    ),
    click.option("--debtor-name", metavar="N", help="Who pays: the account holder."),
    click.option("--debtor-iban", metavar="I", help="Who pays: the account."),
    click.option("--debtor-bic", metavar="B", help="Who pays: the bank."),
    click.option("--bank-profile", type=click.Choice(BANK_PROFILES), help="The debtor's bank."),
    click.option(
        "--instant/--no-instant", default=None, help="Ask the bank for instant payments.  [default: not]"
    ),
    click.option(
        "--rail",
        type=click.Choice(list(rails())),
        help="How it pays.  [default: sepa for EUR, csv otherwise]",
    ),
)


def _with_settings(command: Command) -> Command:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


@programs.command("create")
@click.option("--slug", required=True, help="Short name, a-z, 0-9 and hyphen.")
@_with_settings
@json_option
def create(
    slug: str,
    currency: str | None,
    signup_bonus: str | None,
    frame_hosts: tuple[str, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - Click's
) -> None:
    """Create a programme; --name, --currency and --landing-url are required."""
    rate, settings = _read(options)
    for option, value in (
        ("--name", settings.name),
        ("--currency", currency),
        ("--landing-url", settings.landing_url),
    ):
        if value is None:
            raise BadInput(f"Missing option '{option}'.")
    if (settings.debtor_name is None) != (settings.debtor_iban is None):
        raise BadInput("--debtor-iban: goes together with --debtor-name")
    now = clock.now()
    with parts().db.transaction() as session:
        with blaming("--currency"):
            Money.zero(currency or "")
        _check_money(settings, currency or "")
        program = create_program(
            session, slug=slug, currency=currency or "", settings=settings, actor=Actor.cli(), now=now
        )
        rate.apply(session, program, now=now)
        _set_bonus(session, program, signup_bonus, now)
        _set_frames(session, program, frame_hosts, now)
        shown = _view(program)
    answer(as_json, shown, f"programme {slug} created")


@programs.command("set")
@click.option("--slug", required=True, help="The programme.")
@_with_settings
@json_option
def change(
    slug: str,
    currency: str | None,
    signup_bonus: str | None,
    frame_hosts: tuple[str, ...],
    as_json: bool,
    **options: Any,  # noqa: ANN401 - Click's
) -> None:
    """Change what is given, and nothing else; windows and holds change from now on."""
    rate, settings = _read(options)
    now = clock.now()
    with parts().db.transaction() as session:
        with blaming("--slug"):
            program = find_program(session, slug)
        if currency not in {None, program.currency}:
            raise BadInput(f"--currency: a programme keeps its currency ({program.currency})")
        _check_money(settings, program.currency)
        change_program(session, program, settings, actor=Actor.cli(), now=now)
        if (program.debtor_name is None) != (program.debtor_iban is None):
            raise BadInput("--debtor-iban: goes together with --debtor-name")
        rate.apply(session, program, now=now)
        _set_bonus(session, program, signup_bonus, now)
        _set_frames(session, program, frame_hosts, now)
        shown = _view(program)
    answer(as_json, shown, f"programme {slug} changed")


@programs.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the programmes."""
    with parts().db.reading() as session:
        shown = [_view(program) for program in all_programs(session)]
    lines = [f"{row['slug']}  {row['name']}  {row['currency']}" for row in shown]
    answer(as_json, {"programs": shown}, *(lines or ["no programme yet"]))


def _read(options: dict[str, Any]) -> tuple[RateOptions, ProgramSettings]:
    """Check what can be checked without the database, and give each part its type."""
    rate = RateOptions(**{name: options.pop(name) for name in PARTS})
    rate.check()
    for name, enum in (
        ("attribution", AttributionModel),
        ("consent_mode", ConsentMode),
        ("approval", Approval),
    ):
        if options[name] is not None:
            options[name] = enum(options[name])
    options["hosts"] = options["hosts"] or None
    options["holds"] = dict(options["holds"]) or None
    options["review"] = dict(options["review"]) or None
    if options["debtor_iban"] is not None:
        with blaming("--debtor-iban"):
            options["debtor_iban"] = normalise_iban(options["debtor_iban"])
    with blaming("--debtor-bic"):
        options["debtor_bic"] = normalise_bic(options["debtor_bic"])
    return rate, ProgramSettings(**options)


def _set_bonus(session: Session, program: Program, text: str | None, now: datetime) -> None:
    if text is not None:
        version = set_signup_bonus(
            session, program, text, referrer=None, valid_from=None, actor=Actor.cli(), now=now
        )
        warn_of_short_notice(session, program, version)


def _set_frames(session: Session, program: Program, hosts: tuple[str, ...], now: datetime) -> None:
    if not hosts:
        return
    wanted = () if hosts == ("none",) else hosts
    with blaming("--frame-host"):
        set_frame_hosts(
            session,
            program,
            wanted,
            production=parts().settings.production,
            actor=Actor.cli(),
            now=now,
        )


def _check_money(settings: ProgramSettings, currency: str) -> None:
    if settings.rail is not None and not rail_named(settings.rail).pays(currency):
        raise BadInput(f"--rail: {settings.rail} does not pay {currency}; csv does")
    if settings.minimum_payout is not None:
        with blaming("--minimum-payout"):
            Money.parse(settings.minimum_payout, currency)


def _view(program: Program) -> dict[str, Any]:
    return {
        "slug": program.slug,
        "name": program.name,
        "currency": program.currency,
        "landing_url": program.landing_url,
        "hosts": program.hosts,
        "timezone": program.timezone,
        "minimum_payout": Money(program.minimum_payout_minor, program.currency).decimal_string(),
        "pays_leavers": program.pays_leavers,
        "payout_day": program.payout_day,
        "consent_mode": program.consent_mode.value,
        "approval": program.approval.value,
        "review": review_shown(program.review),
        "rail": program.rail,
        "bank_profile": program.bank_profile,
        "instant": program.instant,
        "debtor": program.debtor_iban and f"{program.debtor_name} ...{last4(program.debtor_iban)}",
    }
