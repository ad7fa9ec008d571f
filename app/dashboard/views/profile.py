"""The partner writes their profile for the directory, and answers what customers say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.cursors import read_cursor, write_cursor
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.directory import ProfileForm, PublicAnswerForm, refusal
from app.dashboard.i18n import _
from app.dashboard.presenters import profile as presenter
from app.dashboard.presenters.directory import profile_page
from app.dashboard.views.directory import expertise_names
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.directory import profiles, queries, ratings
from app.directory.domain.profile import Content
from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput
from app.referrals.errors import ReferrerSuspended
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.directory.models import Directory
    from app.referrals.queries.dashboard import Membership

_RATINGS = 20


@home.get("/profile")
def profile() -> ResponseReturnValue:
    """Where it stands, and the form."""
    found, chosen, directory = _mine()
    form = ProfileForm(formdata=None)
    written = queries.profile_of(session(), chosen.referrer.id)
    if written is not None:
        form.fill(Content.load(written.content))
    return _page(found, chosen, directory, form)


@home.post("/profile")
def save_profile() -> ResponseReturnValue:
    """Keep it, and show how it will look."""
    found, chosen, directory = _mine()
    form = ProfileForm()
    _choices(chosen, form)
    if not form.validate_on_submit():
        return _page(found, chosen, directory, form), 422
    try:
        profiles.save_profile(session(), chosen.referrer, form.content(), actor=_actor(), now=clock.now())
    except InvalidInput as error:
        show_refusal(
            form, error, refusal(error), fields={error.pointer or "": form.field_of(error.pointer or "")}
        )
        return _page(found, chosen, directory, form), 422
    return redirect(url_for("home.profile_preview"))


@home.get("/profile/preview")
def profile_preview() -> ResponseReturnValue:
    """The saved version as the public would see it."""
    found, chosen, directory = _mine()
    written = queries.profile_of(session(), chosen.referrer.id)
    if written is None:
        raise NotFound
    listing = queries.listing_of(session(), chosen.referrer.id)
    page = profile_page(
        chosen.referrer.code,
        Content.load(written.content),
        expertise_names(chosen.program.id),
        listing=listing,
    )
    return render_template(
        "home/profile_preview.html",
        page=page,
        own=presenter.own_profile(chosen.program, directory, chosen.referrer, written, listing),
        program=chosen.program,
        memberships=switch(found, chosen, "home.profile"),
    )


@home.post("/profile/submit")
def submit_profile() -> ResponseReturnValue:
    """Ask staff to publish it."""
    _found, chosen, _directory = _mine()
    try:
        profiles.submit_profile(session(), chosen.referrer, actor=_actor(), now=clock.now())
    except ReferrerSuspended:
        flash(_("You cannot publish while your participation is suspended."), "stop")
    except Conflict:
        flash(_("Nothing has changed since it was published."), "calm")
    else:
        flash(_("Submitted. You get a mail when staff have looked at it."), "done")
    return redirect(url_for("home.profile"))


@home.post("/profile/hide")
def hide_profile() -> ResponseReturnValue:
    """Take it out of the directory."""
    _found, chosen, _directory = _mine()
    profiles.hide_profile(session(), chosen.referrer, actor=_actor(), now=clock.now())
    flash(_("Your profile is no longer in the directory. What you wrote is kept here."), "done")
    return redirect(url_for("home.profile"))


@home.get("/ratings")
def own_ratings() -> ResponseReturnValue:
    """What customers say of me, with a form for the answer."""
    return _ratings_page("", PublicAnswerForm(formdata=None))


@home.post("/ratings/<rating_id>/answer")
def answer_rating(rating_id: str) -> ResponseReturnValue:
    """Keep the answer; the public sees it at once."""
    _found, chosen, _directory = _mine()
    form = PublicAnswerForm()
    if not form.validate_on_submit():
        return _ratings_page(rating_id, form), 422
    try:
        ratings.answer_rating(
            session(), chosen.referrer, rating_id, text(form.answer), actor=_actor(), now=clock.now()
        )
    except InvalidInput as error:
        show_refusal(form, error, refusal(error))
        return _ratings_page(rating_id, form), 422
    flash(_("Your answer is kept."), "done")
    return redirect(url_for("home.own_ratings"))


def _ratings_page(wrong: str, form: PublicAnswerForm) -> str:
    found, chosen, _directory = _mine()
    before = read_cursor(request.args.get("after"))
    rows = queries.shown_ratings(session(), chosen.referrer.id, before=before, limit=_RATINGS + 1)
    more = None
    if len(rows) > _RATINGS and (shown_at := rows[_RATINGS - 1].shown_at):
        more = url_for("home.own_ratings", after=write_cursor(shown_at, rows[_RATINGS - 1].id))
    return render_template(
        "home/ratings.html",
        ratings=presenter.own_ratings(chosen.program, rows[:_RATINGS]),
        nothing=presenter.no_ratings(),
        form=form,
        wrong=wrong,
        more_href=more,
        memberships=switch(found, chosen, "home.own_ratings"),
    )


def _mine() -> tuple[list[Membership], Membership, Directory]:
    """My memberships with a directory, and the one that is looked at; 404 without any."""
    mine = my_memberships()
    directories = queries.directories_of(session(), [each.program.id for each in mine])
    found = [each for each in mine if each.program.id in directories]
    if not found:
        raise NotFound
    chosen = chosen_membership(found)
    return found, chosen, directories[chosen.program.id]


def _choices(chosen: Membership, form: ProfileForm) -> None:
    written = queries.profile_of(session(), chosen.referrer.id)
    kept = written.content["expertise"] if written else []
    presenter.fill_choices(form, queries.expertises(session(), chosen.program.id, retired=True), kept)


def _page(found: list[Membership], chosen: Membership, directory: Directory, form: ProfileForm) -> str:
    _choices(chosen, form)
    referrer = chosen.referrer
    own = presenter.own_profile(
        chosen.program,
        directory,
        referrer,
        queries.profile_of(session(), referrer.id),
        queries.listing_of(session(), referrer.id),
    )
    return render_template(
        "home/profile.html", own=own, form=form, memberships=switch(found, chosen, "home.profile")
    )


def _actor() -> Actor:
    return Actor.person(me().public_id)
