"""The programme's terms as people accept them: publishing the next version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for

from app.dashboard import formatting
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.mails import PublishTermsForm
from app.dashboard.i18n import _
from app.dashboard.presenters import terms as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.identity.roles import Action
from app.kernel import clock
from app.referrals.published_terms import NewerTerms, TooSoon, accepted_by, all_terms, publish_terms
from app.requests import session

if TYPE_CHECKING:
    from datetime import date

    from flask.typing import ResponseReturnValue

_VERSIONS = 50


@staff.get("/terms")
def terms() -> ResponseReturnValue:
    """Every version, and the form for the next one."""
    return _page(PublishTermsForm(formdata=None))


@staff.post("/terms")
def publish() -> ResponseReturnValue:
    """Publish; every referrer is mailed and asked to accept."""
    form = PublishTermsForm()
    if not form.validate_on_submit():
        return _page(form), 422
    chosen = chosen_program(all_programs())
    day: date | None = form.effective_on.data
    assert day is not None  # the field's validator
    try:
        publish_terms(session(), chosen, text(form.text), effective_on=day, actor=actor(), now=clock.now())
    except TooSoon as error:
        words = _("Choose %(day)s or a later day.", day=formatting.day(error.first_day))
        show_refusal(form, error, words)
        return _page(form), 422
    except NewerTerms as error:
        return refused(error, url_for("staff.terms"))
    flash(_("The terms are published. Every referrer gets a mail."), "done")
    return redirect(url_for("staff.terms"))


def _page(form: PublishTermsForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    versions = all_terms(session(), chosen.id, limit=_VERSIONS)
    return page(
        "staff/terms.html",
        chosen,
        found,
        form=form,
        table=presenter.versions_table(versions, accepted_by(session(), chosen.id), chosen),
        newest=presenter.paragraphs(versions[0]) if versions else (),
        may_change=me().may(Action.CHANGE_PROGRAM),
    )
