"""How the programme looks to referrers and customers, and which sites may frame its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.look import LookForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import look as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.requests import services, session
from app.shopfront.contrast import TooLittleContrast
from app.shopfront.looks import (
    MAX_LOGO,
    BadFrameHost,
    LookSettings,
    apply_look,
    set_frame_hosts,
    set_logo,
    set_look,
)
from app.shopfront.models import Look

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Program


@staff.get("/look")
def look() -> ResponseReturnValue:
    """The look as it is, in a form for who may change it, with a preview."""
    found = all_programs()
    chosen = chosen_program(found)
    return _page(chosen, found, LookForm(formdata=None, **presenter.filled(_kept(chosen))))


@staff.post("/look")
def change_look() -> ResponseReturnValue:
    """Change it: all of the form, or nothing."""
    found = all_programs()
    chosen = chosen_program(found)
    form = LookForm()
    if "try" in request.form:
        return _tried(chosen, found, form)
    if form.validate_on_submit() and _logo_fits(form):
        try:
            with session().begin_nested():
                _change(chosen, form)
        except InvalidInput as error:
            show_refusal(form, error, _words(error))
        else:
            flash(_("The look is saved. It holds on every page and in every mail from now on."), "done")
            return redirect(url_for("staff.look"))
    return _page(chosen, found, form), 422


def _tried(chosen: Program, found: list[Program], form: LookForm) -> ResponseReturnValue:
    """The same form with its own values in the preview; nothing is kept."""
    kept = _kept(chosen)
    tried = Look(
        program_id=chosen.id, frame_origins=[], logo_hash=None if form.no_logo.data else kept.logo_hash
    )
    try:
        apply_look(tried, _wanted(form))
    except InvalidInput as error:
        show_refusal(form, error, _words(error))
        return _page(chosen, found, form), 422
    return _page(chosen, found, form, tried)


def _change(chosen: Program, form: LookForm) -> None:
    now = clock.now()
    set_look(session(), chosen, _wanted(form), actor=actor(), now=now)
    set_frame_hosts(
        session(),
        chosen,
        text(form.frame_hosts).split(),
        production=services().settings.production,
        actor=actor(),
        now=now,
    )
    picture = form.logo.picture
    if picture is not None:
        set_logo(session(), chosen, (picture.body, picture.media_type), actor=actor(), now=now)
    elif form.no_logo.data:
        set_logo(session(), chosen, None, actor=actor(), now=now)


def _wanted(form: LookForm) -> LookSettings:
    return LookSettings(
        brand=text(form.brand),
        accent_light=text(form.accent_light),
        accent_dark=text(form.accent_dark),
        mail_name=text(form.mail_name),
        mail_from=text(form.mail_from),
        mail_reply_to=text(form.mail_reply_to),
    )


def _logo_fits(form: LookForm) -> bool:
    if form.logo.picture is None or len(form.logo.picture.body) <= MAX_LOGO:
        return True
    form.logo.errors = [_("The logo may have at most 256 kB.")]
    return False


def _words(error: InvalidInput) -> str:
    match error:
        case TooLittleContrast():
            return _(
                "On the ground %(ground)s its contrast is %(ratio)s : 1; it takes 4.5 : 1 to be read. Take a darker "
                "colour for the light ground, a lighter one for the dark ground.",
                ground=error.ground,
                ratio=presenter.ratio(error.ratio),
            )
        case BadFrameHost():
            return _("%(host)s is not the name of a site; write shop.example.", host=error.host)
        case _ if error.pointer in {"/accent_light", "/accent_dark"}:
            return _("Write a colour as # and six digits, like #0e5a3e.")
        case _ if error.pointer in {"/mail_from", "/mail_reply_to"}:
            return _("Please fill in an e-mail address.")
        case _:
            return _("This cannot be used.")


def _kept(chosen: Program) -> Look:
    return session().get(Look, chosen.id) or Look(program_id=chosen.id, frame_origins=[])


def _page(chosen: Program, found: list[Program], form: LookForm, shown: Look | None = None) -> str:
    return page(
        "staff/look.html",
        chosen,
        found,
        form=form,
        preview=presenter.preview(shown or _kept(chosen), chosen.name),
        may_change=me().may(Action.CHANGE_PROGRAM),
    )
