"""New terms, as a referrer reads and accepts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from app.dashboard.forms.base import text
from app.dashboard.forms.mails import AcceptTermsForm
from app.dashboard.i18n import _
from app.dashboard.presenters import terms as presenter
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.identity.audit import Actor
from app.kernel import clock
from app.referrals.published_terms import NewerTerms, accept_terms, acceptances_of, newest_terms
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@home.get("/terms")
def terms() -> ResponseReturnValue:
    """The newest version, and the button that accepts it."""
    found = my_memberships()
    chosen = chosen_membership(found)
    latest = newest_terms(session(), chosen.program.id)
    page = None
    if latest is not None:
        accepted = acceptances_of(session(), chosen.referrer.id).get(latest.id)
        page = presenter.terms_page(latest, accepted, chosen.program)
    form = AcceptTermsForm(formdata=None, data={"number": page.number if page else ""})
    return render_template(
        "home/terms.html",
        page=page,
        form=form,
        program=chosen.program,
        memberships=switch(found, chosen, "home.terms"),
    )


@home.post("/terms")
def accept() -> ResponseReturnValue:
    """Accept the version that was shown."""
    form = AcceptTermsForm()
    chosen = chosen_membership(my_memberships())
    here = url_for("home.terms", program=chosen.program.slug)
    number = text(form.number)
    # Nothing but a number is ever sent from the page; none is the number of no version.
    shown = int(number) if form.validate_on_submit() and number.isascii() and number.isdecimal() else 0
    try:
        accept_terms(session(), chosen.referrer, shown, actor=Actor.person(me().public_id), now=clock.now())
    except NewerTerms:
        flash(_("These are not the newest terms any more. Please read them again."), "stop")
        return redirect(here)
    flash(_("Thank you: you have accepted the terms."), "done")
    return redirect(here)
