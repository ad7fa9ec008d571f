"""The referrer's pages. Each reads only what belongs to the person who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask import session as browser
from werkzeug.exceptions import NotFound

from app.dashboard.components import NavItem
from app.dashboard.cursors import read_cursor, read_key, write_cursor
from app.dashboard.directories import note_directory
from app.dashboard.i18n import _
from app.dashboard.listings.own import OWN_COMMISSIONS
from app.dashboard.lists import file_answer
from app.dashboard.look import wear
from app.dashboard.presenters import chart as charts
from app.dashboard.presenters import commissions as commissions_presenter
from app.dashboard.presenters import home as presenter
from app.dashboard.presenters import news, payout_card, qr
from app.dashboard.presenters import orders as orders_presenter
from app.dashboard.presenters import payouts as payouts_presenter
from app.dashboard.presenters import terms as terms_presenter
from app.dashboard.presenters.earn import rates
from app.dashboard.presenters.next_payout import Calendar, first_open_period, next_payout
from app.dashboard.presenters.paid_by import PaidBy
from app.dashboard.presenters.payout_card import Situation
from app.dashboard.presenters.share import share_links
from app.dashboard.teams import looked_at, remember, require_level, tab_of
from app.identity.audit import Actor
from app.identity.login import who
from app.kernel import clock
from app.ledger.balances import balance, holdings
from app.payouts.queries import least_paid
from app.payouts.shown import payouts_of_referrer, standing
from app.referrals.links import referral_url
from app.referrals.queries import dashboard as queries
from app.referrals.queries import programs_shown
from app.referrals.queries.activity import activity
from app.referrals.queries.news import moved_since
from app.referrals.queries.opening import opening_balance
from app.requests import services, session

if TYPE_CHECKING:
    from datetime import date

    from flask.typing import ResponseReturnValue

    from app.identity.sessions import SignedIn
    from app.referrals.queries.dashboard import Membership
    from app.referrals.queries.programs_shown import ShownProgram

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
    """The programmes that they take part in; without one, the way to join.

    Where the request changes something these are the ones that they may change, and 403 answers whoever only reads
    along in the one that is looked at.
    """
    only = me().program_id
    found = [
        each
        for each in queries.memberships(session(), me().user_id)
        if only is None or each.program.id == only
    ]
    if not found:
        abort(redirect(url_for("accounts.join")))
    return require_level(found, looked_at(found))


def chosen_membership(found: list[Membership]) -> Membership:
    """The programme that this browser looks at: the one named in the address, the last one, or the first."""
    chosen = looked_at(found)
    remember(found, chosen)
    wear(chosen.program)
    note_directory(chosen.program)
    return chosen


def switch(found: list[Membership], chosen: Membership, endpoint: str | None = None) -> list[NavItem]:
    """The tabs of somebody who takes part in several programmes."""
    here = endpoint or request.endpoint or "home.index"
    return [
        NavItem(*tab_of(found, each, here), current=each.referrer.id == chosen.referrer.id) for each in found
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
    """One link, one sentence in money, figures, the next payout, chart, newest commissions."""
    found = my_memberships()
    chosen = chosen_membership(found)
    program, today = chosen.program, today_in(chosen)
    days, by = charts.wanted_days(request.args.get("days")), charts.wanted_step(request.args.get("by"))
    first = charts.first_day(today, days)
    shown = programs_shown.shown_to(session(), program, chosen.referrer.id, clock.now())
    seen = activity(session(), chosen.referrer.id, first, clock.day_start(first, program.timezone))
    case = _situation(chosen, today)
    rows = queries.commission_rows(session(), chosen.referrer.id, limit=presenter.NEWEST + 1)
    page = presenter.HomePage(
        program=program.name,
        notices=presenter.notices(chosen, case.destination, verified=me().email_verified, today=today),
        link=_link(chosen, shown),
        sentence=payout_card.sentence(case),
        figures=presenter.figures(case.holdings, case.payouts, case.due),
        payout=payout_card.payout_card(case, shown),
        chart=charts.chart(seen, program, today, days, by),
        periods=charts.periods(days, by),
        steps=charts.steps(by, days),
        commissions=commissions_presenter.commission_table(
            rows[: presenter.NEWEST],
            program,
            case.payouts,
            today,
            title=_("Newest commissions"),
            more_href=url_for("home.commissions") if len(rows) > presenter.NEWEST else None,
            inline=False,
        ),
        rates=rates(shown),
        funnel=charts.funnel(seen),
        news=_news(chosen, case),
    )
    around = {"memberships": switch(found, chosen), "new_terms": _new_terms(chosen)}
    return render_template("home/index.html", page=page, **around)


def _situation(membership: Membership, today: date) -> Situation:
    """What decides the next payout: the money by date, the account on file, the months that were paid."""
    program, referrer = membership.program, membership.referrer
    file = standing(session(), program.id, referrer.id)
    money = holdings(session(), referrer_id=referrer.id, currency=program.currency, today=today)
    first = first_open_period(today, program.payout_day, file.latest_period)
    calendar = Calendar(program.payout_day, first, today)
    return Situation(
        program=program,
        referrer=referrer,
        holdings=money,
        payouts=paid_by(membership),
        destination=file.destination,
        due=next_payout(
            money.buckets,
            calendar,
            minimum_minor=least_paid(program, referrer),
            usable_on=file.destination.usable_on if file.destination else None,
        ),
        calendar=calendar,
    )


def _link(membership: Membership, shown: ShownProgram) -> presenter.Link:
    program, code = membership.program.slug, membership.referrer.code
    url = referral_url(services().links, services().settings.public_url, program, code)
    return presenter.Link(
        url, presenter.link_note(shown), qr.qr_svg(url), qr.downloads(None), share_links(url)
    )


def _news(membership: Membership, case: Situation) -> news.NewsCard:
    now = clock.now()
    mark = news.read_mark(news_read_until(membership), now)
    moved = moved_since(session(), membership.referrer.id, mark)
    return news.news_card(news.Happened(membership, moved, case.payouts, case.destination), mark)


def news_read_until(membership: Membership) -> str | None:
    """What this browser keeps of when the news of a membership was read."""
    marks = browser.get("news")
    return marks.get(membership.referrer.code) if isinstance(marks, dict) else None


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
        rows[: queries.PAGE],
        chosen.program,
        paid_by(chosen),
        today_in(chosen),
        more_href=more,
        export_href=url_for(
            "home.commissions_file", program=chosen.program.slug, referrer=chosen.referrer.code
        ),
    )
    page = commissions_presenter.list_page(table)
    return render_template("home/list.html", page=page, memberships=switch(found, chosen))


@home.get("/commissions.csv")
def commissions_file() -> ResponseReturnValue:
    """All of them as a file, sent while it is read."""
    chosen = chosen_membership(my_memberships())
    actor = Actor.person(me().public_id)
    answer = file_answer(OWN_COMMISSIONS, chosen.program, actor, inside=chosen.referrer.id)
    return answer or redirect(url_for("home.commissions"))


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
            wear(each.program)
            return render_template("home/why.html", page=payouts_presenter.why_payout(*rows[0], each.program))
    raise NotFound
