"""The referrer registers prospects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from app.dashboard import formatting
from app.dashboard.cursors import read_cursor, write_cursor
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.belonging import LeadForm
from app.dashboard.i18n import _
from app.dashboard.presenters import leads as presenter
from app.dashboard.views.home import chosen_membership, home, my_memberships, switch
from app.identity.emails import clean_email
from app.kernel import clock, ids
from app.kernel.errors import InvalidInput
from app.referrals import leads as use_cases
from app.referrals.errors import ReferrerSuspended
from app.referrals.facts import LeadFact
from app.referrals.queries import belonging as queries
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.queries.dashboard import Membership


@home.get("/leads")
def leads() -> ResponseReturnValue:
    """Every lead, and the form for another."""
    return _page(LeadForm(formdata=None))


@home.post("/leads")
def register_lead() -> ResponseReturnValue:
    """Register a prospect; the answer is the same whoever else spoke to that person."""
    form = LeadForm()
    if form.validate_on_submit():
        chosen = chosen_membership(my_memberships())
        try:
            until = _register(chosen, clean_email(text(form.email)))
        except InvalidInput as error:
            show_refusal(form, error, _("This does not look like an e-mail address."))
        except use_cases.TooManyLeads as error:
            show_refusal(form, error, _("That is enough for today; register more tomorrow."))
        except ReferrerSuspended:
            form.form_errors.append(_("You cannot register leads while your participation is suspended."))
        else:
            said = _(
                "Registered. It counts until %(day)s, unless a click, a coupon or an earlier lead speaks first."
            )
            flash(said % {"day": until}, "done")
            return redirect(url_for("home.leads"))
    return _page(form), 422


def _register(chosen: Membership, email: str) -> str:
    """Register it, or find the one that is still running; the day until which it counts."""
    now, deps = clock.now(), services().referrals
    lead = use_cases.running_lead(deps, session(), chosen.referrer, email, now)
    if lead is None:
        use_cases.require_moderation(session(), chosen.referrer, now)
        fact = LeadFact(ids.random_id("lead_"), chosen.referrer.code, email, now)
        use_cases.record_lead(deps, session(), chosen.program, fact, now)
        lead = use_cases.lead_of(session(), chosen.referrer, fact.lead_id)
    return formatting.day(formatting.local(presenter.ends_at(lead), chosen.program.timezone))


def _page(form: LeadForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    before = read_cursor(request.args.get("after"))
    rows = queries.leads_of(session(), chosen.referrer.id, before=before, limit=queries.PAGE + 1)
    more = None
    if len(rows) > queries.PAGE:
        last = rows[queries.PAGE - 1].lead
        more = url_for("home.leads", after=write_cursor(last.registered_at, last.id))
    table = presenter.lead_table(rows[: queries.PAGE], chosen.program, clock.now(), more_href=more)
    return render_template(
        "home/leads.html", table=table, form=form, memberships=switch(found, chosen, "home.leads")
    )
