"""What customers and visitors do with a partner of the directory: choose, rate, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import abort, flash, redirect, render_template, url_for
from limits import RateLimitItemPerDay

from app.dashboard.customers import required_customer
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.directory import RatingForm, ReportForm, refusal
from app.dashboard.i18n import _
from app.dashboard.presenters import directory as presenter
from app.dashboard.presenters import directory_said as said_presenter
from app.dashboard.throttle import may_spend
from app.dashboard.views.directory import directory, open_program
from app.directory import queries, ratings, reports
from app.directory.domain.states import ReportedPart
from app.directory.errors import NothingShown
from app.directory.ratings import Said
from app.identity.audit import Actor, record_event
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.privacy.partner_links import Whose
from app.privacy.partner_page import partnership
from app.referrals.choices import record_partner_choice
from app.referrals.facts import PartnerChoiceFact
from app.referrals.outcome import CREATED
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.directory.queries import Partner
    from app.referrals.models import Customer, Program

_REPORTS: Final = RateLimitItemPerDay(10, namespace="rating-report")
_CUSTOMER: Final = Actor.system("customer")


@directory.get("/<code>/choose")
def choose(slug: str, code: str) -> ResponseReturnValue:
    """What it means to choose this partner."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    customer = required_customer(program)
    now = partnership(session(), Whose(program.id, customer.id), clock.now())
    page = said_presenter.choice(program, partner, now)
    return render_template("directory/choose.html", page=page, program=program, code=code)


@directory.post("/<code>/choose")
def choose_now(slug: str, code: str) -> ResponseReturnValue:
    """Choose: from now on this partner earns, and an earlier one no more. Pressed twice it is one choice."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    customer = required_customer(program)
    now = clock.now()
    fact = PartnerChoiceFact(customer_id=customer.customer_id, referrer_code=partner.referrer.code)
    if record_partner_choice(services().referrals, session(), program, fact, now) is CREATED:
        subject, details = f"customer:{customer.id}", {"referrer": partner.referrer.code}
        record_event(
            session(), _CUSTOMER, "customer.partner_chosen", subject, details, now=now, program_id=program.id
        )
    flash(_("%(name)s is your partner from now on.", name=partner.listing.content["name"]), "done")
    return redirect(url_for("customer.own", slug=slug))


@directory.get("/<code>/rating")
def rating(slug: str, code: str) -> ResponseReturnValue:
    """The form in which a customer rates the partner, with what they wrote before."""
    program, partner, customer = _asked(slug, code)
    form = _rating_form()
    before = ratings.rating_by(session(), customer.id, partner.referrer.id)
    if before is not None:
        form.stars.process_data(before.stars)
        form.words.process_data(before.words)
        form.signature.process_data(before.signature)
    return _rating_page(program, partner, customer, form)


@directory.post("/<code>/rating")
def rate(slug: str, code: str) -> ResponseReturnValue:
    """Keep what they say; staff look at it before anybody else does."""
    program, partner, customer = _asked(slug, code)
    form = _rating_form()
    if not form.validate_on_submit():
        return _rating_page(program, partner, customer, form), 422
    said = Said(form.stars.data, text(form.words), text(form.signature))
    try:
        ratings.record_rating(session(), program, customer, code, said, now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, refusal(error))
        return _rating_page(program, partner, customer, form), 422
    flash(_("Thank you. Staff of the programme look at it; then it is shown."), "done")
    return redirect(url_for("directory.profile", slug=slug, code=code))


@directory.get("/<code>/ratings/<rating_id>/report")
def report(slug: str, code: str, rating_id: str) -> ResponseReturnValue:
    """The form in which anybody reports a rating or its answer."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    return _report_page(program, partner, rating_id, ReportForm(formdata=None))


@directory.post("/<code>/ratings/<rating_id>/report")
def send_report(slug: str, code: str, rating_id: str) -> ResponseReturnValue:
    """Ask staff to look at it."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    form = ReportForm()
    form.part.choices = said_presenter.parts()
    if not form.validate_on_submit():
        return _report_page(program, partner, rating_id, form), 422
    if not form.is_trapped:
        if not may_spend(_REPORTS):
            abort(429)
        part = ReportedPart(text(form.part))
        try:
            reports.report_rating(
                session(), partner.referrer, rating_id, part, text(form.reason), now=clock.now()
            )
        except NothingShown:
            form.form_errors.append(_("There is no answer to report."))
            return _report_page(program, partner, rating_id, form), 422
        except InvalidInput as error:
            show_refusal(form, error, refusal(error))
            return _report_page(program, partner, rating_id, form), 422
    flash(_("Thank you. Staff of the programme look at it."), "done")
    return redirect(url_for("directory.profile", slug=slug, code=code))


def _asked(slug: str, code: str) -> tuple[Program, Partner, Customer]:
    program = open_program(slug)
    return program, queries.listed_partner(session(), program.id, code), required_customer(program)


def _rating_form() -> RatingForm:
    form = RatingForm()
    form.stars.choices = said_presenter.star_choices()
    return form


def _rating_page(program: Program, partner: Partner, customer: Customer, form: RatingForm) -> str:
    now = clock.now()
    before = ratings.rating_by(session(), customer.id, partner.referrer.id)
    return render_template(
        "directory/rating.html",
        program=program,
        code=partner.referrer.code,
        name=partner.listing.content["name"],
        form=form,
        may_rate=ratings.had_partner(session(), customer.id, partner.referrer.id, now),
        notice=said_presenter.rating_notice(before),
    )


def _report_page(program: Program, partner: Partner, rating_id: str, form: ReportForm) -> str:
    row = queries.shown_rating(session(), partner.referrer.id, rating_id)
    form.part.choices = said_presenter.parts()
    return render_template(
        "directory/report.html",
        program=program,
        code=partner.referrer.code,
        name=partner.listing.content["name"],
        rating=presenter.shown_rating(program, row),
        form=form,
    )
