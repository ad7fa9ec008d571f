"""Taking a change of the bank account back by the mailed link: without a login, and only after a press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template

from app.dashboard.forms.staff import ActionForm
from app.dashboard.presenters import undo_account as presenter
from app.dashboard.views.accounts import accounts
from app.identity.tokens import MailLinkRefused
from app.kernel import clock
from app.payouts.errors import ChangeNotUndoable
from app.payouts.undoing import read_undo, undo_change
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@accounts.route("/undo-bank-account/<token>", methods=["GET", "POST"])
def undo_account(token: str) -> ResponseReturnValue:
    """What the link would do, and the button that does it. Mail scanners follow links, so looking changes nothing."""
    form, links, now = ActionForm(), services().mail_links, clock.now()
    try:
        if form.validate_on_submit():
            restored = undo_change(services().payouts, session(), links, token, now=now)
            return render_template("account/undo.html", page=presenter.undone(restored))
        found = read_undo(session(), links, token, now)
    except (MailLinkRefused, ChangeNotUndoable):
        return render_template("account/undo.html", page=presenter.refused()), 410
    return render_template("account/undo.html", page=presenter.asked(found), form=form)
