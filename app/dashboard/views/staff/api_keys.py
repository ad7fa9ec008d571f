"""API keys: made with chosen scopes and shown once, listed, revoked. For owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, make_response, redirect, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.again import is_me
from app.dashboard.forms.api_keys import ApiKeyForm
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import api_keys as presenter
from app.dashboard.views.staff.base import actor, all_programs, checked_action, chosen_program, page, staff
from app.identity.api_keys import create_api_key, revoke_api_key
from app.identity.queries import api_key_by_prefix, api_keys_of
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.models import ApiKey
    from app.referrals.models import Program


@staff.get("/settings/api-keys")
def api_keys() -> ResponseReturnValue:
    """The keys of the programme, and the form for another."""
    return _keys_page(ApiKeyForm(formdata=None))


@staff.post("/settings/api-keys")
def make_key() -> ResponseReturnValue:
    """Make a key and show it, this once: the answer is the only place where it stands."""
    chosen = chosen_program(all_programs())
    form = ApiKeyForm()
    if not (form.validate_on_submit() and is_me(form)):
        return _keys_page(form), 422
    try:
        made = create_api_key(
            session(),
            program_id=chosen.id,
            name=text(form.name),
            scopes=form.scopes.data or (),
            actor=actor(),
            now=clock.now(),
        )
    except InvalidInput as error:
        show_refusal(form, error, _("This cannot be used."))
        return _keys_page(form), 422
    answer = make_response(_keys_page(ApiKeyForm(formdata=None), made.key))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _keys_page(form: ApiKeyForm, made: str | None = None) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    return page(
        "staff/api_keys.html",
        chosen,
        found,
        form=form,
        made=made,
        table=presenter.key_table(api_keys_of(session(), chosen.id), chosen),
    )


@staff.route("/settings/api-keys/<prefix>/revoke", methods=["GET", "POST"])
def revoke_key(prefix: str) -> ResponseReturnValue:
    """Ask, then end a key at once."""
    program, key = _find(prefix)
    form = checked_action()
    if form.validate_on_submit():
        revoke_api_key(session(), key.prefix, actor=actor(), now=clock.now())
        flash(_("The key %(name)s is revoked.", name=key.name), "done")
        return redirect(url_for("staff.api_keys"))
    return page("staff/confirm.html", program, [program], asked=presenter.asked_to_revoke(key, program))


def _find(prefix: str) -> tuple[Program, ApiKey]:
    """A live key of one of the programmes."""
    key = api_key_by_prefix(session(), prefix)
    if key is not None and key.revoked_at is None:
        for program in all_programs():
            if program.id == key.program_id:
                return program, key
    raise NotFound
