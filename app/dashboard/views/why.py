"""Why this amount, why this order, why nothing: the pages that explain, and where a referrer contests what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import abort, flash, redirect, render_template, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.belonging import ContestForm
from app.dashboard.i18n import _
from app.dashboard.look import wear
from app.dashboard.presenters import contests as contests_presenter
from app.dashboard.presenters import why_not as why_not_presenter
from app.dashboard.presenters.journey import Outlook
from app.dashboard.presenters.next_payout import Calendar, first_open_period
from app.dashboard.presenters.paid_by import Share
from app.dashboard.presenters.payout_card import hindrance
from app.dashboard.presenters.why_commission import why_commission
from app.dashboard.presenters.why_order import share_of, why_order
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, paid_by, switch, today_in
from app.identity.audit import Actor
from app.identity.queries import staff as staff_people
from app.identity.roles import Action, allowed
from app.kernel import clock
from app.payouts.queries import least_paid
from app.payouts.shown import Standing, standing
from app.referrals import contests as use_cases
from app.referrals.contests import Contested
from app.referrals.models import ContestSubject
from app.referrals.queries import dashboard as queries
from app.referrals.queries import non_events
from app.referrals.queries.decided import labels_of
from app.referrals.queries.explanation import explain_order
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.dashboard.presenters.paid_by import PaidBy
    from app.kernel.errors import RefledgerError
    from app.referrals.queries.dashboard import Membership


class About(NamedTuple):
    """What a contest would be about, whose it is, and where its form is sent."""

    membership: Membership
    what: Contested
    action: str


@home.get("/commissions/<int:commission_id>")
def commission(commission_id: int) -> ResponseReturnValue:
    """Why this amount: the story of one commission."""
    return _commission(commission_id, ContestForm(formdata=None))


@home.post("/commissions/<int:commission_id>/contest")
def contest_commission(commission_id: int) -> ResponseReturnValue:
    """Say what is wrong with it."""
    form, found = ContestForm(), my_memberships()
    story = queries.commission_story(session(), commission_id, _ids(found))
    if story is None:
        abort(404)
    about = _about_commission(
        _owner(found, story.row.commission.referrer_id), commission_id, story.row.order.id
    )
    return _contested(form, about) or (_commission(commission_id, form), 422)


def _commission(commission_id: int, form: ContestForm) -> str:
    found = my_memberships()
    story = queries.commission_story(session(), commission_id, _ids(found))
    if story is None:
        abort(404)
    owner = _owner(found, story.row.commission.referrer_id)
    labels = labels_of(session(), [story.decision] if story.decision else [])
    payouts, outlook = _money(owner, [Share.of(story.row.commission, story.row.posted_at)])
    page = why_commission(story, labels, owner.program, payouts, outlook)
    return _render("home/why.html", page, form, _about_commission(owner, commission_id, story.row.order.id))


def _about_commission(owner: Membership, commission_id: int, order_id: int) -> About:
    path = url_for("home.commission", commission_id=commission_id)
    what = Contested(ContestSubject.COMMISSION, str(commission_id), path, order_id)
    return About(owner, what, url_for("home.contest_commission", commission_id=commission_id))


@home.get("/orders/<int:order_id>")
def order(order_id: int) -> ResponseReturnValue:
    """Why this order earned what it earned, line by line."""
    return _order(order_id, ContestForm(formdata=None))


@home.post("/orders/<int:order_id>/contest")
def contest_order(order_id: int) -> ResponseReturnValue:
    """Say what is wrong with it."""
    form, found = ContestForm(), my_memberships()
    mine = queries.own_order(session(), order_id, _ids(found))
    if mine is None or mine[0].referrer_id is None:
        abort(404)
    about = _about_order(_owner(found, mine[0].referrer_id), order_id)
    return _contested(form, about) or (_order(order_id, form), 422)


def _order(order_id: int, form: ContestForm) -> str:
    found = my_memberships()
    mine = queries.own_order(session(), order_id, _ids(found))
    if mine is None or mine[0].referrer_id is None:
        abort(404)
    owner = _owner(found, mine[0].referrer_id)
    book = services().referrals.rulebooks.of(session(), owner.program)
    told = explain_order(session(), mine[0], book, reader=owner.referrer)
    shares = [share_of(each) for line in told.lines for each in line.commissions]
    page = why_order(told, mine[0], owner.program, *_money(owner, shares))
    return _render("home/why.html", page, form, _about_order(owner, order_id))


def _money(owner: Membership, shares: list[Share]) -> tuple[list[PaidBy], Outlook]:
    """The payouts that may have taken these commissions, and when the rest comes; asks only for what there can be."""
    program, today = owner.program, today_in(owner)
    live = [share for share in shares if share.target and not share.rejected]
    payouts = paid_by(owner) if any(share.available_on <= today for share in live) else []
    file = Standing(None, None)
    if any(share.paid_with(payouts) is None for share in live):
        file = standing(session(), program.id, owner.referrer.id)
    account = file.destination
    outlook = Outlook(
        Calendar(program.payout_day, first_open_period(today, program.payout_day, file.latest_period), today),
        least_paid(program, owner.referrer),
        hindrance(owner.referrer, account),
        account.usable_on if account else None,
    )
    return payouts, outlook


def _about_order(owner: Membership, order_id: int) -> About:
    path = url_for("home.order", order_id=order_id)
    what = Contested(ContestSubject.ORDER, str(order_id), path, order_id)
    return About(owner, what, url_for("home.contest_order", order_id=order_id))


@home.get("/why")
def why() -> ResponseReturnValue:
    """Why did I not get this? By click id or order number."""
    return _why(ContestForm(formdata=None))


@home.post("/why/contest")
def contest_why() -> ResponseReturnValue:
    """Say what is wrong with that."""
    form = ContestForm()
    about = _about_question(_question())
    if about is None:
        abort(404)
    return _contested(form, about) or (_why(form), 422)


class _Question(NamedTuple):
    asked: str
    memberships: list[Membership]
    membership: Membership
    click: non_events.ClickStory | None
    order: non_events.OrderStory | None


def _question() -> _Question:
    asked = why_not_presenter.asked_for(request.args.get("q") or "")
    found = my_memberships()
    chosen = chosen_membership(found)
    click, lost = None, None
    if asked:
        click = non_events.click_story(session(), services().links, chosen.referrer, asked)
        lost = None if click else non_events.order_story(session(), chosen.referrer, asked)
    return _Question(asked, found, chosen, click, lost)


def _about_question(question: _Question) -> About | None:
    asked, program = question.asked, question.membership.program.slug
    action = url_for("home.contest_why", q=asked, program=program)
    path = url_for("home.why", q=asked, program=program)
    if question.click:
        what = Contested(ContestSubject.CLICK, question.click.click_id, path)
    elif question.order:
        what = Contested(ContestSubject.ORDER, str(question.order.id), path, question.order.id)
    else:
        return None
    return About(question.membership, what, action)


def _why(form: ContestForm) -> str:
    question = _question()
    page = why_not_presenter.why_not(
        question.asked, question.click, question.order, question.membership.program
    )
    tabs = switch(question.memberships, question.membership, "home.why")
    return _render("home/why_not.html", page, form, _about_question(question), memberships=tabs)


def _render(template: str, page: object, form: ContestForm, about: About | None, **more: object) -> str:
    shown = None
    if about:
        said = use_cases.contests_about(session(), about.membership.referrer, about.what)
        shown = contests_presenter.thread(said, about.membership.program)
    return render_template(
        template, page=page, form=form, thread=shown, contest_href=about.action if about else None, **more
    )


def _contested(form: ContestForm, about: About) -> ResponseReturnValue | None:
    """Keep what was written and lead back to the page; nothing where it was refused, which the form then says."""
    if not form.validate_on_submit():
        return None
    referrer, now = about.membership.referrer, clock.now()
    try:
        contest = use_cases.open_contest(
            session(),
            referrer,
            about.what,
            text(form.words),
            actor=Actor.person(me().public_id),
            now=now,
        )
    except (use_cases.ContestOpen, use_cases.TooManyContests) as error:
        show_refusal(form, error, _refusal(error))
        return None
    for person in staff_people(session()):
        if person.disabled_at is None and allowed(person.role, Action.REVIEW):
            services().mail.contest_opened(
                session(),
                person,
                contest=contest,
                program=about.membership.program.name,
                code=referrer.code,
                now=now,
            )
    flash(_("Sent. The staff of the programme answer on this page, and you get a mail."), "done")
    return redirect(about.what.path)


def _refusal(error: RefledgerError) -> str:
    if isinstance(error, use_cases.ContestOpen):
        return _("What you wrote before still waits for its answer.")
    return _("That is enough for today; write again tomorrow.")


def _ids(found: list[Membership]) -> list[int]:
    return [each.referrer.id for each in found]


def _owner(found: list[Membership], referrer_id: int) -> Membership:
    """Whose it is; the page is dressed as that programme's."""
    owner = next(each for each in found if each.referrer.id == referrer_id)
    wear(owner.program)
    return owner
