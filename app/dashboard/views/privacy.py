"""A referrer's own data: its correction, a copy of it, leaving, and erasure. The last three ask for the password."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final, cast

from flask import flash, redirect, render_template, send_file, url_for

from app.dashboard.again import is_me
from app.dashboard.forms.again import AgainForm
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.privacy import ForGoodForm, NameForm
from app.dashboard.i18n import _
from app.dashboard.locale import chosen_language
from app.dashboard.presenters import privacy as presenter
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.identity.audit import Actor, record_event
from app.identity.login import log_out
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.privacy.erasure import ErasureRefused, erase_referrer, obstacle_to_erasing
from app.privacy.readable import write_zip
from app.privacy.referrer_export import referrer_sections
from app.referrals import referrers as use_cases
from app.referrals.leaving import leave as leave_program
from app.referrals.models import Referrer
from app.requests import commit, services, session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of an export before it goes to a temporary file."""

_NAME, _COPY, _LEAVE, _ERASE = "name", "copy", "leave", "erase"


@home.get("/your-data")
def your_data() -> ResponseReturnValue:
    """What can be done, and what stands in the way."""
    return _page()


@home.post("/your-data/name")
def correct_name() -> ResponseReturnValue:
    """Correct the name that the programme knows the referrer by."""
    form = NameForm(prefix=_NAME)
    if not form.validate_on_submit():
        return _page({_NAME: form}), 422
    chosen = chosen_membership(my_memberships())
    try:
        use_cases.correct_name(
            session(),
            chosen.referrer,
            text(form.name),
            actor=Actor.person(me().public_id),
            now=clock.now(),
        )
    except InvalidInput as error:
        show_refusal(form, error, _("This cannot be used."))
        return _page({_NAME: form}), 422
    flash(_("Your name is saved."), "done")
    return redirect(url_for("home.your_data", program=chosen.program.slug))


@home.post("/your-data/copy")
def copy_data() -> ResponseReturnValue:
    """Everything that is kept of the person who is signed in, as one archive."""
    form = AgainForm(prefix=_COPY)
    if not (form.validate_on_submit() and is_me(form)):
        return _page({_COPY: form}), 422
    chosen = chosen_membership(my_memberships())
    now, language = clock.now(), chosen_language()
    record_event(
        session(),
        Actor.person(me().public_id),
        "privacy.exported",
        f"referrer:{chosen.referrer.code}",
        now=now,
        program_id=chosen.program.id,
    )
    # Written down first; reading it all may take a while, and holds up no writer.
    commit()
    file = cast("IO[bytes]", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - the response closes it
    with services().db.reading() as reading:
        referrer = reading.get_one(Referrer, chosen.referrer.id)
        write_zip(referrer_sections(services(), reading, referrer), language, now, file)
    file.seek(0)
    name = f"refledger-{chosen.referrer.code}-{now:%Y-%m-%d}.zip"
    answer = send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    answer.call_on_close(file.close)
    return answer


@home.post("/your-data/leave")
def leave() -> ResponseReturnValue:
    """Leave the programme."""
    form = AgainForm(prefix=_LEAVE)
    if not (form.validate_on_submit() and is_me(form)):
        return _page({_LEAVE: form}), 422
    chosen = chosen_membership(my_memberships())
    actor = Actor.person(me().public_id)
    leave_program(session(), chosen.program, chosen.referrer, actor=actor, now=clock.now())
    flash(_("You have left the programme. What you have earned is still paid."), "done")
    return redirect(url_for("home.your_data"))


@home.post("/your-data/erase")
def erase() -> ResponseReturnValue:
    """Erase the data of a membership that is over, and the account with its last one."""
    form = ForGoodForm(prefix=_ERASE)
    if not (form.validate_on_submit() and is_me(form)):
        return _page({_ERASE: form}), 422
    found = my_memberships()
    chosen = chosen_membership(found)
    now, actor = clock.now(), Actor.person(me().public_id)
    try:
        erase_referrer(services(), session(), chosen.referrer, actor=actor, now=now)
    except ErasureRefused as refused:
        form.form_errors.append(presenter.why_not_yet(refused.obstacle))
        return _page({_ERASE: form}), 409
    goes_on = len(found) > 1
    if not goes_on:
        log_out(session(), now)
    flash(_("Your data is erased."), "done")
    return redirect(url_for("home.index" if goes_on else "public.index"))


def _page(sent: Mapping[str, FlaskForm] | None = None) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    obstacle = obstacle_to_erasing(session(), chosen.referrer, clock.now())
    forms: dict[str, FlaskForm] = {
        _NAME: NameForm(formdata=None, prefix=_NAME, name=chosen.referrer.name),
        _COPY: AgainForm(formdata=None, prefix=_COPY),
        _LEAVE: AgainForm(formdata=None, prefix=_LEAVE),
        _ERASE: ForGoodForm(formdata=None, prefix=_ERASE),
        **(sent or {}),
    }
    return render_template(
        "home/your_data.html",
        page=presenter.your_data(chosen, obstacle),
        **{f"{step}_form": form for step, form in forms.items()},
        memberships=switch(found, chosen, "home.your_data"),
    )
