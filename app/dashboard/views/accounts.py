"""Joining, logging in and out, passwords and addresses by mailed link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for

from app.dashboard.components import NavItem
from app.dashboard.entering import enter, let_in
from app.dashboard.forms.accounts import ForgotForm, JoinAgainForm, JoinForm, LoginForm, PasswordForm
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.i18n import _
from app.dashboard.locale import chosen_language
from app.dashboard.look import wear
from app.dashboard.passkeys import passkey_form
from app.dashboard.presenters import programs as presenter
from app.dashboard.presenters import terms as terms_presenter
from app.dashboard.throttle import count_failure, require_patience
from app.dashboard.views.public import local_target
from app.identity.audit import Actor
from app.identity.login import log_out, who
from app.identity.passwords import WeakPassword
from app.identity.queries import user_by_email, user_by_public_id
from app.identity.roles import STAFF, Role
from app.identity.tokens import MailLinkRefused
from app.identity.users import (
    EmailTaken,
    NewUser,
    authenticate,
    create_user,
    set_password_by_token,
    user_of_password_token,
)
from app.kernel import clock
from app.kernel.errors import Conflict, InvalidInput
from app.referrals.leaving import come_back
from app.referrals.merged import merger_of
from app.referrals.published_terms import NewerTerms, accept_terms, newest_terms
from app.referrals.queries import programs_shown
from app.referrals.referrers import AlreadyJoined, Joining, LeftBefore
from app.referrals.referrers import join as join_program
from app.requests import services, session

if TYPE_CHECKING:
    from datetime import datetime

    from flask.typing import ResponseReturnValue

    from app.identity.models import User
    from app.referrals.models import Referrer
    from app.referrals.queries.programs_shown import ShownProgram

accounts = Blueprint("accounts", __name__)


@accounts.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Ask who it is, and start their session."""
    form = LoginForm()
    if (shown := programs_shown.program_by_slug(session(), request.args.get("program", ""))) is not None:
        wear(shown)
    if form.validate_on_submit():
        require_patience(text(form.email))
        user = authenticate(session(), email=text(form.email), password=text(form.password))
        if user is not None:
            return enter(user, local_target(request.args.get("next")))
        count_failure(text(form.email))
        # The same words for an unknown address and a wrong password.
        form.form_errors.append(_("E-mail address and password do not belong together."))
    return _form_page("account/login.html", form=form, passkey=passkey_form())


@accounts.post("/logout")
def logout() -> ResponseReturnValue:
    """End this browser's session."""
    log_out(session(), clock.now())
    return redirect(url_for("public.index"))


@accounts.route("/join", methods=["GET", "POST"])
def join() -> ResponseReturnValue:
    """Take part in a programme: terms shown, their version stored."""
    shown, others = _joinable(request.values.get("program"))
    if shown is None:
        return render_template("account/join.html", program=None, nothing=presenter.no_programs())
    wear(shown.program)
    me = who()
    if me is not None and me.role in STAFF:
        return redirect(url_for("staff.index"))
    form = JoinForm() if me is None else JoinAgainForm(name=me.name)
    form.program.data = shown.program.slug
    if form.validate_on_submit() and _joined(form, shown):
        flash(_("Welcome! This is your link: copy it and share it."), "done")
        return redirect(url_for("home.index", program=shown.program.slug))
    terms = newest_terms(session(), shown.program.id)
    return _form_page(
        "account/join.html",
        form=form,
        program=presenter.program_page(shown),
        others=others,
        terms_number=terms.number if terms else 0,
        terms=terms_presenter.paragraphs(terms) if terms else (),
    )


@accounts.route("/password", methods=["GET", "POST"])
def forgot() -> ResponseReturnValue:
    """Ask for a link that sets a new password. The answer is the same whether the account exists or not."""
    form = ForgotForm()
    if form.validate_on_submit():
        require_patience(text(form.email))
        count_failure(text(form.email))
        user = user_by_email(session(), text(form.email))
        if user is not None and user.disabled_at is None:
            services().mail.password_reset(session(), user, now=clock.now())
        return render_template("account/forgot.html", form=form, sent=True)
    return _form_page("account/forgot.html", form=form)


@accounts.route("/password/<token>", methods=["GET", "POST"])
def password(token: str) -> ResponseReturnValue:
    """Set a password by a mailed link, which works once."""
    form = PasswordForm()
    links = services().mail_links
    try:
        if not form.validate_on_submit():
            user_of_password_token(session(), links, token, clock.now())
            return _form_page("account/password.html", form=form)
        user = set_password_by_token(session(), links, token, text(form.password), now=clock.now())
    except MailLinkRefused:
        return render_template("account/password.html", form=form, refused=True), 410
    except WeakPassword as error:
        show_refusal(form, error, weak_password())
        return _form_page("account/password.html", form=form)
    answer = enter(user)
    flash(_("Your password is set."), "done")
    return answer


def _form_page(template: str, **values: object) -> ResponseReturnValue:
    """A form as it stands; 422 where it came back with errors, so that nothing takes it for done."""
    return render_template(template, **values), 422 if request.method == "POST" else 200


def _joinable(slug: str | None) -> tuple[ShownProgram | None, list[NavItem]]:
    open_ones = [program for program in programs_shown.programs(session()) if program.joinable]
    chosen = next((program for program in open_ones if program.slug == slug), None) or next(
        iter(open_ones), None
    )
    if chosen is None:
        return None, []
    shown = programs_shown.shown_programs(session(), [chosen], clock.now())
    others = [
        NavItem(program.name, url_for("accounts.join", program=program.slug))
        for program in open_ones
        if program.id != chosen.id
    ]
    return (shown[0] if shown else None), others


def _joined(form: JoinAgainForm, shown: ShownProgram) -> bool:
    """Create the account if need be, and the referrer; ``False`` with the reason on the form."""
    now = clock.now()
    me = who()
    try:
        with session().begin_nested():
            user = user_by_public_id(session(), me.public_id) if me else _new_user(form)
            if user is None:
                return False
            _accept(_take_part(user, form, shown, now), Actor.user(user), now)
    except EmailTaken as error:
        show_refusal(form, error, _("There is an account for this address already. Log in first, then join."))
    except WeakPassword as error:
        show_refusal(form, error, weak_password())
    except AlreadyJoined as error:
        show_refusal(form, error, _("This address takes part already. Set a password by mail, then log in."))
    except NewerTerms as error:
        show_refusal(form, error, _("New terms have just been published. Please read them and join again."))
    except Conflict as error:
        show_refusal(form, error, _("This name is taken. Please choose another one."))
    except InvalidInput as error:
        show_refusal(form, error, _("This cannot be used."))
    else:
        if me is None:
            services().mail.verify_email(session(), user, now=now)
            let_in(user)
        return True
    return False


def _accept(referrer: Referrer, actor: Actor, now: datetime) -> None:
    """Keep that the published terms were accepted. Raises ``NewerTerms`` where those shown were not the newest."""
    latest = newest_terms(session(), referrer.program_id)
    number = latest.number if latest else 0
    if request.form.get("terms_number", "0") != str(number):
        raise NewerTerms
    if number:
        accept_terms(session(), referrer, number, actor=actor, now=now)


def _take_part(user: User, form: JoinAgainForm, shown: ShownProgram, now: datetime) -> Referrer:
    joining = Joining(
        name=text(form.name),
        email=user.email,
        locale=user.locale,
        code=form.code.data or None,
        user_id=user.id,
        terms_version=presenter.terms_version(shown),
    )
    actor = Actor.user(user)
    try:
        referrer, is_new = join_program(
            session(), services().keyring, shown.program, joining, actor=actor, now=now
        )
    except LeftBefore as left:
        unclaimed = left.referrer.user_id is None and user.email_verified_at is not None
        merged = merger_of(session(), left.referrer.id) is not None
        if merged or (left.referrer.user_id != user.id and not unclaimed):
            raise AlreadyJoined from left
        left.referrer.user_id = user.id
        terms_version = presenter.terms_version(shown)
        come_back(session(), shown.program, left.referrer, terms_version, actor=actor, now=now)
        return left.referrer
    if not is_new and user.email_verified_at is None:
        # The merchant's system has entered this mailbox before. Only who reads its mail may have that referrer.
        raise AlreadyJoined
    return referrer


def _new_user(form: JoinAgainForm) -> User:
    assert isinstance(form, JoinForm)
    new = NewUser(
        email=text(form.email),
        role=Role.REFERRER,
        name=text(form.name),
        locale=chosen_language(),
        password=text(form.password),
    )
    return create_user(session(), new, now=clock.now())


def weak_password() -> str:
    """What stands beside a password that is easily guessed."""
    return _("Please choose a longer password that is not easily guessed (at least 10 characters).")
