"""The directory in the hands of staff: what waits for them, and what partners may call themselves good at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from app.dashboard.directories import forget_directories
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.directory import ExpertiseForm, RevisionForm, refusal
from app.dashboard.forms.staff import ReasonForm
from app.dashboard.i18n import _
from app.dashboard.presenters.directory import profile_page
from app.dashboard.presenters.staff import directory as presenter
from app.dashboard.views.directory import expertise_names
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, refused, staff
from app.directory import keeping, profiles, queries, ratings, reports
from app.directory.domain.profile import Content
from app.directory.keeping import Names
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.requests import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue


@staff.get("/directory")
def directory() -> ResponseReturnValue:
    """Profiles, ratings and reports that wait, oldest first."""
    return _queue("", ReasonForm(formdata=None))


@staff.post("/directory/ratings/<rating_id>/show")
def show_rating(rating_id: str) -> ResponseReturnValue:
    """Let a rating through; the partner is mailed."""
    program, revision = chosen_program(all_programs()), _revision()
    return _decided(
        lambda: ratings.show_rating(session(), program, rating_id, revision, actor=actor(), now=clock.now()),
        _("The rating is shown. The partner gets a mail."),
    )


@staff.post("/directory/ratings/<rating_id>/refuse")
def refuse_rating(rating_id: str) -> ResponseReturnValue:
    """Do not let it through; the customer reads why."""
    form, program, revision = ReasonForm(), chosen_program(all_programs()), _revision()
    if not form.validate_on_submit():
        return _queue(rating_id, form), 422
    return _decided(
        lambda: ratings.refuse_rating(
            session(), program, rating_id, revision, text(form.reason), actor=actor(), now=clock.now()
        ),
        _("The rating is not shown. The customer reads why."),
    )


@staff.post("/directory/reports/<report_id>/dismiss")
def dismiss_report(report_id: str) -> ResponseReturnValue:
    """Leave what was reported."""
    program = chosen_program(all_programs())
    return _decided(
        lambda: reports.dismiss_report(session(), program, report_id, actor=actor(), now=clock.now()),
        _("It stays."),
    )


@staff.post("/directory/reports/<report_id>/uphold")
def uphold_report(report_id: str) -> ResponseReturnValue:
    """Take down what was reported; its author reads why."""
    form, program = ReasonForm(), chosen_program(all_programs())
    if not form.validate_on_submit():
        return _queue(report_id, form), 422
    return _decided(
        lambda: reports.uphold_report(
            session(), program, report_id, text(form.reason), actor=actor(), now=clock.now()
        ),
        _("It was taken down."),
    )


@staff.get("/directory/partners/<code>")
def directory_profile(code: str) -> ResponseReturnValue:
    """A profile as customers would see it, and the decision."""
    return _profile(code, ReasonForm(formdata=None))


@staff.post("/directory/partners/<code>/publish")
def publish_profile(code: str) -> ResponseReturnValue:
    """Let it through; the partner is mailed."""
    program, revision = chosen_program(all_programs()), _revision()
    return _decided(
        lambda: profiles.publish_profile(session(), program, code, revision, actor=actor(), now=clock.now()),
        _("The profile is published. The partner gets a mail."),
    )


@staff.post("/directory/partners/<code>/return")
def return_profile(code: str) -> ResponseReturnValue:
    """Send it back; the partner reads why."""
    form, program, revision = ReasonForm(), chosen_program(all_programs()), _revision()
    if not form.validate_on_submit():
        return _profile(code, form), 422
    return _decided(
        lambda: profiles.return_profile(
            session(), program, code, revision, text(form.reason), actor=actor(), now=clock.now()
        ),
        _("The profile was sent back. The partner gets a mail."),
    )


@staff.post("/directory/partners/<code>/take-down")
def take_profile_down(code: str) -> ResponseReturnValue:
    """Take it out of the directory; the partner reads why."""
    form, program = ReasonForm(), chosen_program(all_programs())
    if not form.validate_on_submit():
        return _profile(code, form), 422
    return _decided(
        lambda: profiles.take_profile_down(
            session(), program, code, text(form.reason), actor=actor(), now=clock.now()
        ),
        _("The profile is out of the directory. The partner gets a mail."),
    )


@staff.get("/directory/settings")
def directory_settings() -> ResponseReturnValue:
    """Whether the programme has a directory, and the list of expertises."""
    return _settings(ExpertiseForm(formdata=None))


@staff.post("/directory/settings/open")
def open_directory() -> ResponseReturnValue:
    """Open it to the public, or close it."""
    program = chosen_program(all_programs())
    is_open = request.form.get("open") == "yes"
    keeping.set_directory(session(), program, is_open=is_open, actor=actor(), now=clock.now())
    forget_directories()
    flash(_("The directory is open.") if is_open else _("The directory is closed."), "done")
    return redirect(url_for("staff.directory_settings"))


@staff.post("/directory/settings/expertise")
def add_expertise() -> ResponseReturnValue:
    """Put an expertise on the list."""
    form, program = ExpertiseForm(), chosen_program(all_programs())
    if not form.validate_on_submit():
        return _settings(form), 422
    names = Names(text(form.name_en), text(form.name_nl), text(form.name_de))
    try:
        keeping.add_expertise(session(), program, names, actor=actor(), now=clock.now())
    except InvalidInput as error:
        show_refusal(form, error, refusal(error))
    except Conflict as error:
        show_refusal(form, error, _("It is on the list already."))
    else:
        flash(_("Partners can choose it from now on."), "done")
        return redirect(url_for("staff.directory_settings"))
    return _settings(form), 422


@staff.post("/directory/settings/expertise/<int:key>/retire")
def retire_expertise(key: int) -> ResponseReturnValue:
    """Offer it no more."""
    program = chosen_program(all_programs())
    keeping.retire_expertise(session(), program, key, actor=actor(), now=clock.now())
    flash(_("It is offered no more; profiles that have it keep it until they are changed."), "done")
    return redirect(url_for("staff.directory_settings"))


def _decided(decide: Callable[[], object], said: str) -> ResponseReturnValue:
    """Back to the queue, with what was done or why not."""
    try:
        decide()
    except (Conflict, InvalidInput) as error:
        return refused(error, url_for("staff.directory"))
    flash(said, "done")
    return redirect(url_for("staff.directory"))


def _revision() -> int:
    """Which version was read; -1, which none is, where the form does not say."""
    form = RevisionForm()
    read = form.revision.data if form.validate() else None
    return -1 if read is None else read


def _queue(wrong: str, form: ReasonForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    waiting = queries.waiting_profiles(session(), chosen.id, limit=presenter.SHOWN + 1)
    listed = queries.listed_among(session(), [referrer.id for _profile, referrer in waiting])
    return page(
        "staff/directory.html",
        chosen,
        found,
        queue=presenter.queue(
            chosen,
            queries.directory_of(session(), chosen.id),
            waiting,
            queries.waiting_ratings(session(), chosen.id, limit=presenter.SHOWN + 1),
            queries.open_reports(session(), chosen.id, limit=presenter.SHOWN + 1),
            listed,
        ),
        may_decide=me().may(Action.REVIEW),
        form=form,
        wrong=wrong,
    )


def _profile(code: str, form: ReasonForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    referrer = queries.partner_of(session(), chosen.id, code)
    written = queries.profile_of(session(), referrer.id)
    if written is None:
        raise NotFound("the partner has written nothing yet")
    listing = queries.listing_of(session(), referrer.id)
    return page(
        "staff/directory_profile.html",
        chosen,
        found,
        looked=presenter.looked_at(referrer, written, listing),
        shown=profile_page(code, Content.load(written.content), expertise_names(chosen.id), listing=listing),
        may_decide=me().may(Action.REVIEW),
        form=form,
    )


def _settings(form: ExpertiseForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    kept = queries.directory_of(session(), chosen.id)
    return page(
        "staff/directory_settings.html",
        chosen,
        found,
        is_open=kept is not None and kept.is_open,
        rows=presenter.expertise_rows(queries.expertises(session(), chosen.id, retired=True)),
        may_change=me().may(Action.CHANGE_PROGRAM),
        form=form,
    )
