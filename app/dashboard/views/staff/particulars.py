"""Correcting a referrer's name and e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.components import Cell, Fact
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import ParticularsForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.runs import ReasonPage
from app.dashboard.views.staff.base import actor, all_programs, page, refused, staff
from app.identity.emails import InvalidEmail
from app.identity.users import EmailTaken
from app.kernel import clock
from app.kernel.errors import InvalidInput, RefledgerError
from app.referrals.address import AddressTaken, correct_address
from app.referrals.queries import staff as queries
from app.referrals.referrers import correct_name
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program, Referrer


@staff.route("/referrers/<code>/correct", methods=["GET", "POST"])
def correct_referrer(code: str) -> ResponseReturnValue:
    """Correct how a referrer is called and where mail reaches them."""
    owner, row = _find(code)
    form = ParticularsForm(obj=row)
    here = url_for("staff.referrer", code=row.code)
    if form.validate_on_submit():
        try:
            with session().begin_nested():
                _correct(form, owner, row)
        except InvalidEmail as error:
            show_refusal(form, error, _("This is not an e-mail address."))
        except (AddressTaken, EmailTaken) as error:
            show_refusal(form, error, _("Somebody else has this address."))
        except InvalidInput as error:
            show_refusal(form, error, _("This cannot be used."))
        except RefledgerError as error:
            return refused(error, here)
        else:
            flash(_("Name and address are saved."), "done")
            return redirect(here)
    asked = ReasonPage(
        title=_("Correct name or address"),
        text=_("Another address logs them out everywhere; their links, their money and their code stay."),
        back=here,
        run=row.name,
        button=_("Save name and address"),
        facts=(Fact(_("Code"), Cell(row.code, code=True)),),
    )
    body = page("staff/reason.html", owner, all_programs(), asked=asked, form=form, fields=("name", "email"))
    return body, 422 if form.is_submitted() else 200


def _correct(form: ParticularsForm, owner: Program, row: Referrer) -> None:
    now = clock.now()
    correct_name(session(), row, text(form.name), actor=actor(), now=now)
    keyring = services().keyring
    before = correct_address(session(), keyring, row, text(form.email), actor=actor(), now=now)
    change = f"{row.code}:{now.isoformat()}"
    for address in sorted({*before, row.email} if before else ()):
        services().mail.address_changed(
            session(),
            row,
            address,
            change=change,
            program=owner.name,
            is_new=address == row.email,
            now=now,
        )


def _find(code: str) -> tuple[Program, Referrer]:
    for program in all_programs():
        row = queries.referrer_by_code(session(), program.id, code)
        if row is not None:
            return program, row
    raise NotFound
