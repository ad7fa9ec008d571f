"""Which mails a referrer gets: their choice, and the link in a mail that stops its kind without a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import flash, redirect, render_template, request, url_for
from flask_babel import force_locale

from app.dashboard.forms.mails import MailsForm
from app.dashboard.i18n import _
from app.dashboard.presenters import mails as presenter
from app.dashboard.views.accounts import accounts
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.identity.audit import Actor
from app.identity.tokens import MailLinkRefused
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

_BRITISH: Final = {"en": "en_GB"}


@home.get("/mails")
def mails() -> ResponseReturnValue:
    """What is sent, with a tick for what may be turned off."""
    chosen = chosen_membership(my_memberships())
    wanted = services().mail.wanted(session(), chosen.referrer.id)
    return _page(MailsForm(formdata=None, data={"kinds": wanted}))


@home.post("/mails")
def choose_mails() -> ResponseReturnValue:
    """Keep the choice."""
    form = MailsForm()
    if not form.validate_on_submit():
        return _page(form), 422
    chosen = chosen_membership(my_memberships())
    actor = Actor.person(me().public_id)
    services().mail.want(session(), chosen.referrer, form.kinds.data or [], actor=actor, now=clock.now())
    flash(_("Your choice is saved."), "done")
    return redirect(url_for("home.mails", program=chosen.program.slug))


def _page(form: MailsForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    return render_template(
        "home/mails.html", form=form, memberships=switch(found, chosen, "home.mails"), program=chosen.program
    )


@accounts.route("/unsubscribe/<token>", methods=["GET", "POST"])
def unsubscribe(token: str) -> ResponseReturnValue:
    """Stop one kind of mail (RFC 8058). Mail scanners follow links, so looking changes nothing.

    The mail programme that presses the button has no cookie and no CSRF token: the signed link is the proof.
    """
    pressed = request.form.get("List-Unsubscribe") == "One-Click"
    mail = services().mail
    try:
        found = (mail.stop if pressed else mail.what_stops)(session(), token, clock.now())
    except MailLinkRefused:
        return render_template("account/unsubscribe.html", page=presenter.refused()), 410
    locale = found.referrer.locale
    words = presenter.stopped if pressed else presenter.asked
    with force_locale(_BRITISH.get(locale, locale)):
        page = words(found.kind.value, found.program.name, has_left=found.has_left)
        return render_template("account/unsubscribe.html", page=page)
