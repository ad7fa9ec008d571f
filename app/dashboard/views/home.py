"""The referrer's pages. Each reads only what belongs to the person who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.exceptions import NotFound

from app.dashboard.components import NavItem
from app.dashboard.cursors import read_cursor, read_key, write_cursor
from app.dashboard.i18n import _
from app.dashboard.presenters import commissions as commissions_presenter
from app.dashboard.presenters import home as presenter
from app.dashboard.presenters import orders as orders_presenter
from app.dashboard.presenters import payouts as payouts_presenter
from app.dashboard.presenters import terms as terms_presenter
from app.dashboard.presenters.commissions import PaidBy
from app.dashboard.presenters.next_payout import first_open_period, next_payout
from app.identity.login import who
from app.kernel import clock
from app.ledger.balances import balance, referrer_buckets
from app.payouts.queries import least_paid
from app.payouts.shown import payouts_of_referrer, standing
from app.referrals.links import referral_url
from app.referrals.queries import dashboard as queries
from app.referrals.queries import programs_shown
from app.referrals.queries.opening import opening_balance
from app.requests import services, session

if TYPE_CHECKING:
    from datetime import date

    from flask.typing import ResponseReturnValue

    from app.identity.sessions import SignedIn
    from app.referrals.queries.dashboard import Membership

home = Blueprint("home", __name__, url_prefix="/dashboard")

_PAYOUTS = 100
"""Payouts that are read to say what became of a commission: eight years of monthly ones."""


def me() -> SignedIn:
    """The person of this request; the guard has made sure that there is one."""
    found = who()
    if found is None:
        abort(404)
    return found


def my_memberships() -> list[Membership]:
    """The programmes that they take part in; without one, the way to join."""
    found = queries.memberships(session(), me().user_id)
    if not found:
        abort(redirect(url_for("accounts.join")))
    return found


def chosen_membership(found: list[Membership]) -> Membership:
    """The programme that this browser looks at: the one named in the address, the last one, or the first."""
    wanted = request.args.get("program") or browser.get("program")
    chosen = next((each for each in found if each.program.slug == wanted), found[0])
    if len(found) > 1 and browser.get("program") != chosen.program.slug:
        browser["program"] = chosen.program.slug
    return chosen


def switch(found: list[Membership], chosen: Membership, endpoint: str | None = None) -> list[NavItem]:
    """The tabs of somebody who takes part in several programmes."""
    here = endpoint or request.endpoint or "home.index"
    return [
        NavItem(
            each.program.name, url_for(here, program=each.program.slug), each.program.id == chosen.program.id
        )
        for each in found
    ]


def today_in(membership: Membership) -> date:
    """The programme's calendar day."""
    return clock.local_day(clock.now(), membership.program.timezone)


def paid_by(membership: Membership) -> list[PaidBy]:
    """The referrer's payouts with their runs, oldest first."""
    rows = payouts_of_referrer(session(), membership.referrer.id, limit=_PAYOUTS)
    return [PaidBy(payout, run) for payout, run in reversed(rows)]


@home.get("")
def index() -> ResponseReturnValue:
    """One link, one sentence in money, figures, chart, newest commissions."""
    found = my_memberships()
    chosen = chosen_membership(found)
    program, referrer, today = chosen.program, chosen.referrer, today_in(chosen)
    days = next(
        (each for each in presenter.RANGES if str(each) == request.args.get("days")), presenter.RANGES[0]
    )
    first = presenter.first_day(today, days)
    shown = programs_shown.shown_to(session(), program, referrer.id, clock.now())
    seen = queries.activity(session(), referrer.id, first, clock.day_start(first, program.timezone))
    money = balance(session(), referrer_id=referrer.id, currency=program.currency, today=today)
    buckets = referrer_buckets(session(), referrer_id=referrer.id)
    paid = paid_by(chosen)
    file = standing(session(), program.id, referrer.id)
    rows = queries.commission_rows(session(), referrer.id, limit=presenter.NEWEST + 1)
    due = next_payout(
        buckets,
        minimum_minor=least_paid(program, referrer),
        payout_day=program.payout_day,
        first_period=first_open_period(today, program.payout_day, file.latest_period),
        today=today,
    )
    url = referral_url(services().links, services().settings.public_url, program.slug, referrer.code)
    page = presenter.HomePage(
        program=program.name,
        notices=presenter.notices(chosen, file.destination, verified=me().email_verified, today=today),
        url=url,
        link_note=presenter.link_note(shown),
        qr=presenter.qr_svg(url),
        sentence=presenter.sentence(due, paid, money, program),
        waiting=presenter.waiting(due, buckets, money, program, today),
        figures=presenter.figures(money, paid, due, opening_balance(session(), referrer.id)),
        chart=presenter.chart(seen, program, today, days),
        periods=presenter.periods(days),
        commissions=commissions_presenter.commission_table(
            rows[: presenter.NEWEST],
            program,
            paid,
            today,
            title=_("Newest commissions"),
            more_href=url_for("home.commissions") if len(rows) > presenter.NEWEST else None,
            inline=False,
        ),
        rates=presenter.rates(shown),
    )
    around = {"memberships": switch(found, chosen), "new_terms": _new_terms(chosen)}
    return render_template("home/index.html", page=page, **around)


def _new_terms(membership: Membership) -> str:
    return terms_presenter.banner(membership.new_terms) if membership.new_terms else ""


@home.get("/commissions")
def commissions() -> ResponseReturnValue:
    """Every commission, newest first."""
    found = my_memberships()
    chosen = chosen_membership(found)
    rows = queries.commission_rows(
        session(), chosen.referrer.id, before=read_cursor(request.args.get("after")), limit=queries.PAGE + 1
    )
    more = None
    if len(rows) > queries.PAGE:
        last = rows[queries.PAGE - 1].commission
        more = url_for("home.commissions", after=write_cursor(last.paid_at, last.id))
    table = commissions_presenter.commission_table(
        rows[: queries.PAGE], chosen.program, paid_by(chosen), today_in(chosen), more_href=more
    )
    page = commissions_presenter.list_page(table)
    return render_template("home/list.html", page=page, memberships=switch(found, chosen))


@home.get("/orders")
def orders() -> ResponseReturnValue:
    """Every order of the referrer's customers, also those that earn nothing."""
    found = my_memberships()
    chosen = chosen_membership(found)
    rows = queries.orders_of(
        session(), chosen.referrer.id, before=read_cursor(request.args.get("after")), limit=queries.PAGE + 1
    )
    more = None
    if len(rows) > queries.PAGE:
        last = rows[queries.PAGE - 1].order
        more = url_for("home.orders", after=write_cursor(last.placed_at, last.id))
    page = orders_presenter.list_page(rows[: queries.PAGE], chosen.program, more_href=more)
    return render_template("home/list.html", page=page, memberships=switch(found, chosen))


@home.get("/payouts")
def payouts() -> ResponseReturnValue:
    """What was paid, and how far the rest is."""
    found = my_memberships()
    chosen = chosen_membership(found)
    before = read_key(request.args.get("after"))
    rows = payouts_of_referrer(session(), chosen.referrer.id, before=before, limit=queries.PAGE + 1)
    more = None
    if len(rows) > queries.PAGE:
        more = url_for("home.payouts", after=rows[queries.PAGE - 1][0].id)
    money = balance(
        session(), referrer_id=chosen.referrer.id, currency=chosen.program.currency, today=today_in(chosen)
    )
    opening = opening_balance(session(), chosen.referrer.id)
    page = payouts_presenter.list_page(rows[: queries.PAGE], money, opening, chosen.program, more_href=more)
    return render_template("home/list.html", page=page, memberships=switch(found, chosen))


@home.get("/payouts/<int:payout_id>")
def payout(payout_id: int) -> ResponseReturnValue:
    """One payout, from reservation to the bank."""
    found = my_memberships()
    for each in found:
        rows = payouts_of_referrer(session(), each.referrer.id, only=payout_id, limit=1)
        if rows:
            return render_template("home/why.html", page=payouts_presenter.why_payout(*rows[0], each.program))
    raise NotFound
