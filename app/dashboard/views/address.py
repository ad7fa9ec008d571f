"""The e-mail address of a login: confirmed by a mailed link, sent again, changed, and taken back.

Mail scanners follow links. So looking at a link changes nothing, unless the browser is logged in as the person whose
address it is: then the look is theirs.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from app.dashboard.again import is_me
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.security import AddressForm
from app.dashboard.forms.staff import ActionForm
from app.dashboard.i18n import _
from app.dashboard.presenters import address as presenter
from app.dashboard.throttle import count_failure, require_patience
from app.dashboard.views.accounts import accounts
from app.dashboard.views.security import myself, security_href
from app.identity.emails import InvalidEmail
from app.identity.login import who
from app.identity.tokens import LinkPurpose, MailLinkRefused
from app.identity.users import EmailTaken, user_of_verification, verify_email
from app.kernel import clock
from app.referrals import own_address
from app.referrals.address import AddressTaken
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@accounts.route("/verify/<token>", methods=["GET", "POST"])
def verify(token: str) -> ResponseReturnValue:
    """Confirm the address of an account."""
    links, now, me, form = services().mail_links, clock.now(), who(), ActionForm()
    pressed = form.validate_on_submit()
    try:
        user = user_of_verification(session(), links, token, now)
        if pressed:
            verify_email(session(), links, token, now=now)
        elif me is not None and me.user_id == user.id:
            # A GET writes here, so in a transaction of its own.
            with services().db.transaction() as own:
                verify_email(own, links, token, now=now)
        else:
            return render_template("account/address.html", page=presenter.verifying(), form=form)
    except MailLinkRefused:
        flash(_("This link has been used or has expired."), "wait")
    else:
        flash(_("Your e-mail address is confirmed."), "done")
    return redirect(url_for("accounts.login" if me is None else "home.index"))


@accounts.post("/account/address/mail-again")
def mail_again() -> ResponseReturnValue:
    """Send the link once more; at most one in ten minutes."""
    person = myself()
    if person.email_verified_at is None:
        services().mail.verify_email(session(), person, now=clock.now())
        flash(_("A mail with a link is on its way to %(email)s.", email=person.email), "done")
    return redirect(security_href())


@accounts.route("/account/address", methods=["GET", "POST"])
def change_address() -> ResponseReturnValue:
    """Ask for another address."""
    form, now = AddressForm(), clock.now()
    if form.validate_on_submit() and is_me(form):
        person = myself()
        # Each one mails a stranger, so they are counted as failed logins are.
        require_patience(f"address {person.public_id}")
        count_failure(f"address {person.public_id}")
        try:
            change = own_address.ask_address(session(), person, text(form.email), now=now)
        except own_address.SameAddress as error:
            show_refusal(form, error, _("This is your address already."))
        except InvalidEmail as error:
            show_refusal(form, error, _("This is not an e-mail address."))
        else:
            if change is not None:
                services().mail.accounts.tell_address_asked(session(), person, change, now=now)
            flash(_("Follow the link that we mail to the new address. Until then nothing changes."), "done")
            return redirect(security_href())
    body = render_template("account/change_address.html", form=form, back=security_href())
    return body, 422 if form.is_submitted() else 200


@accounts.route("/confirm-address/<token>", methods=["GET", "POST"])
def confirm_address(token: str) -> ResponseReturnValue:
    """Let the new address hold, after a press."""
    form, now = ActionForm(), clock.now()
    try:
        change = own_address.read_change(
            session(), services().mail_links, LinkPurpose.CONFIRM_ADDRESS, token, now
        )
        if not form.validate_on_submit():
            return render_template(
                "account/address.html", page=presenter.confirming(change.new_email), form=form
            )
        with session().begin_nested():
            user = own_address.confirm_address(session(), services().keyring, change, now=now)
    except (MailLinkRefused, AddressTaken, EmailTaken):
        return render_template("account/address.html", page=presenter.refused()), HTTPStatus.GONE
    services().mail.accounts.tell_address_moved(session(), user, change, now=now)
    flash(_("Your new address holds. Log in with it."), "done")
    return redirect(url_for("accounts.login"))


@accounts.route("/undo-address/<token>", methods=["GET", "POST"])
def undo_address(token: str) -> ResponseReturnValue:
    """Give the old address back, after a press."""
    form, now = ActionForm(), clock.now()
    try:
        change = own_address.read_change(
            session(), services().mail_links, LinkPurpose.UNDO_ADDRESS, token, now
        )
        if not form.validate_on_submit():
            return render_template(
                "account/address.html", page=presenter.undoing(change.old_email), form=form
            )
        with session().begin_nested():
            user = own_address.undo_address(session(), services().keyring, change, now=now)
    except (MailLinkRefused, AddressTaken, EmailTaken):
        return render_template("account/address.html", page=presenter.refused()), HTTPStatus.GONE
    services().mail.password_reset(session(), user, now=now)
    return render_template("account/address.html", page=presenter.undone(user.email))
