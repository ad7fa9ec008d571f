"""The merchant's own people: invited by mail, given roles, sent a new link, shut out, let in again. For owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.again import is_me
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.people import InviteForm, RoleForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import colleagues as presenter
from app.dashboard.views.staff.base import (
    actor,
    all_programs,
    checked_action,
    chosen_program,
    me,
    page,
    staff,
)
from app.identity.audit import record_event
from app.identity.queries import staff as everybody
from app.identity.queries import user_by_public_id
from app.identity.roles import STAFF, Role
from app.identity.staffing import LastOwner, OwnAccount, assign_role, invite_staff, shut_out
from app.identity.users import EmailTaken, NewUser, enable_user
from app.kernel import clock
from app.kernel.errors import InvalidInput, RefledgerError
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.models import User


@staff.get("/settings/people")
def people() -> ResponseReturnValue:
    """Everybody, and the form to invite somebody."""
    return _people_page(InviteForm(formdata=None))


@staff.post("/settings/people")
def invite_person() -> ResponseReturnValue:
    """Make an account and mail the link that sets its password."""
    form = InviteForm()
    if not (form.validate_on_submit() and is_me(form)):
        return _people_page(form), 422
    new = NewUser(
        email=text(form.email), role=Role(form.role.data), name=text(form.name), locale=text(form.locale)
    )
    try:
        user = invite_staff(session(), new, actor=actor(), now=clock.now())
    except EmailTaken as error:
        show_refusal(form, error, _("This address has an account already."))
        return _people_page(form), 422
    except InvalidInput as error:
        show_refusal(form, error, _("This cannot be used."))
        return _people_page(form), 422
    services().mail.staff_invited(session(), user, now=clock.now())
    flash(_("%(email)s is invited. The link in the mail works for three days.", email=user.email), "done")
    return redirect(url_for("staff.people"))


def _people_page(form: InviteForm) -> str:
    chosen = chosen_program(all_programs())
    table = presenter.people_table(everybody(session()), chosen.timezone)
    return page("staff/people.html", chosen, [chosen], form=form, table=table)


@staff.get("/settings/people/<public_id>")
def person(public_id: str) -> ResponseReturnValue:
    """One colleague, and what can be changed."""
    user = _find(public_id)
    return _person_page(user, RoleForm(formdata=None, role=user.role.value))


@staff.post("/settings/people/<public_id>/role")
def change_person(public_id: str) -> ResponseReturnValue:
    """Give another role; they log in again."""
    user, form = _find(public_id), RoleForm()
    if not (form.validate_on_submit() and is_me(form)):
        return _person_page(user, form), 422
    try:
        assign_role(session(), user, Role(form.role.data), actor=actor(), now=clock.now())
    except (LastOwner, OwnAccount) as error:
        form.role.errors = [_refusal(error)]
        return _person_page(user, form), 422
    flash(
        _("%(name)s: %(role)s. They log in again.", name=_name(user), role=presenter.role(user.role)), "done"
    )
    return redirect(url_for("staff.person", public_id=public_id))


@staff.post("/settings/people/<public_id>/link")
def mail_link(public_id: str) -> ResponseReturnValue:
    """Mail a link that sets a new password; until it is used, the old one holds."""
    checked_action()
    user, now = _find(public_id), clock.now()
    if user.disabled_at is not None:
        raise NotFound
    if user.password_hash is None:
        services().mail.staff_invited(session(), user, now=now)
    else:
        services().mail.password_reset(session(), user, now=now)
    record_event(session(), actor(), "user.link_mailed", f"user:{user.public_id}", now=now)
    flash(_("A link to choose a password is on its way to %(email)s.", email=user.email), "done")
    return redirect(url_for("staff.person", public_id=public_id))


@staff.route("/settings/people/<public_id>/shut-out", methods=["GET", "POST"])
def shut_person_out(public_id: str) -> ResponseReturnValue:
    """Ask, then end their access at once."""
    user, form = _find(public_id), checked_action()
    here = url_for("staff.person", public_id=public_id)
    if not form.validate_on_submit():
        chosen = chosen_program(all_programs())
        return page("staff/confirm.html", chosen, [chosen], asked=presenter.asked_to_shut_out(user))
    try:
        shut_out(session(), user, actor=actor(), now=clock.now())
    except (LastOwner, OwnAccount) as error:
        flash(_refusal(error), "stop")
    else:
        flash(_("%(name)s is shut out.", name=_name(user)), "done")
    return redirect(here)


@staff.post("/settings/people/<public_id>/let-in")
def let_person_in(public_id: str) -> ResponseReturnValue:
    """Let somebody in again, with the password they had."""
    checked_action()
    user = _find(public_id)
    enable_user(session(), user, actor=actor(), now=clock.now())
    flash(_("%(name)s may log in again.", name=_name(user)), "done")
    return redirect(url_for("staff.person", public_id=public_id))


def _find(public_id: str) -> User:
    user = user_by_public_id(session(), public_id)
    if user is None or user.role not in STAFF:
        raise NotFound
    return user


def _name(user: User) -> str:
    return user.name or user.email


def _refusal(error: RefledgerError) -> str:
    if isinstance(error, LastOwner):
        return _("This is the last owner who can log in. Make somebody else an owner first.")
    return _("Nobody changes what they may do themselves. Ask another owner.")


def _person_page(user: User, form: RoleForm) -> str:
    chosen = chosen_program(all_programs())
    shown = presenter.colleague_page(user, me().public_id, chosen.timezone)
    return page("staff/person.html", chosen, [chosen], page=shown, form=form)
