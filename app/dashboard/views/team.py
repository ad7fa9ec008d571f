"""The team of a referrer: who is in it, who is asked, and the page behind an invitation."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import abort, flash, redirect, render_template, request, url_for
from limits import RateLimitItemPerDay

from app.dashboard.again import is_me
from app.dashboard.entering import let_in
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.staff import ActionForm
from app.dashboard.forms.team import InviteForm, NewMemberForm
from app.dashboard.i18n import _
from app.dashboard.locale import chosen_language
from app.dashboard.presenters import team as presenter
from app.dashboard.throttle import may_spend
from app.dashboard.views.accounts import accounts, weak_password
from app.dashboard.views.home import chosen_membership, home, me, my_memberships, switch
from app.identity.audit import Actor
from app.identity.login import who
from app.identity.passwords import WeakPassword
from app.identity.queries import user_by_email, user_by_public_id
from app.identity.roles import Role
from app.identity.tokens import MailLinkRefused
from app.identity.users import NewUser, create_user
from app.kernel import clock
from app.kernel.errors import InvalidInput, RefledgerError
from app.referrals import team as use_cases
from app.referrals.models.team import TeamLevel
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.models import User
    from app.referrals.team import Invited


_INVITATIONS: Final = RateLimitItemPerDay(40, namespace="team-invitation")
"""Of one person: each mails a stranger, and who is withdrawn or asked anew takes no room in the team."""


@home.get("/team")
def team() -> ResponseReturnValue:
    """Who sees these pages."""
    return _page(InviteForm(formdata=None))


@home.post("/team")
def invite_member() -> ResponseReturnValue:
    """Ask somebody in."""
    chosen = chosen_membership(my_memberships())
    form, now = InviteForm(), clock.now()
    if not (form.validate_on_submit() and is_me(form)):
        return _page(form), 422
    if not me().email_verified:
        # Or anybody could have us write to strangers, in the name of an address that is not theirs.
        form.form_errors.append(_("First confirm your own e-mail address, on the page Security."))
        return _page(form), 422
    inviter = user_by_public_id(session(), me().public_id)
    if inviter is None:
        abort(404)
    if not may_spend(_INVITATIONS, f"invitations {me().public_id}"):
        abort(429)
    try:
        with session().begin_nested():
            invitation = use_cases.invite(
                session(), chosen.referrer, text(form.email), TeamLevel(form.level.data), by=inviter, now=now
            )
    except use_cases.AlreadyInTeam as error:
        show_refusal(form, error, _("This person is in the team already."))
        return _page(form), 422
    except use_cases.TeamFull as error:
        show_refusal(form, error, _("A team has at most %(most)s people.", most=use_cases.MOST))
        return _page(form), 422
    except InvalidInput as error:
        show_refusal(form, error, _("This is not an e-mail address."))
        return _page(form), 422
    services().mail.accounts.tell_invited(
        session(), invitation, chosen.referrer, chosen.program, inviter, now=now
    )
    flash(_("%(email)s is invited by mail.", email=invitation.email), "done")
    return redirect(_team_href(chosen.program.slug, chosen.referrer.code))


@home.post("/team/invitations/<invitation>/withdraw")
def withdraw_invitation(invitation: str) -> ResponseReturnValue:
    """Take an invitation back."""
    chosen = chosen_membership(my_memberships())
    actor = Actor.person(me().public_id)
    try:
        use_cases.withdraw_invitation(session(), chosen.referrer, invitation, actor=actor, now=clock.now())
    except use_cases.NoSuchMember:
        abort(404)
    flash(_("The invitation is withdrawn."), "done")
    return redirect(_team_href(chosen.program.slug, chosen.referrer.code))


@home.post("/team/people/<person>/remove")
def remove_member(person: str) -> ResponseReturnValue:
    """End somebody's part in the team."""
    chosen = chosen_membership(my_memberships())
    now, actor = clock.now(), Actor.person(me().public_id)
    try:
        gone = use_cases.remove_member(session(), chosen.referrer, person, actor=actor, now=now)
    except use_cases.NoSuchMember:
        abort(404)
    services().mail.accounts.tell_removed(session(), chosen.referrer, chosen.program, gone, now=now)
    flash(_("%(name)s is no longer in the team.", name=gone.name or gone.email), "done")
    return redirect(_team_href(chosen.program.slug, chosen.referrer.code))


@home.post("/team/leave")
def leave_team() -> ResponseReturnValue:
    """Leave a team that one was let into; readers may do that, too."""
    chosen = chosen_membership(my_memberships())
    try:
        use_cases.remove_member(
            session(),
            chosen.referrer,
            me().public_id,
            actor=Actor.person(me().public_id),
            now=clock.now(),
        )
    except use_cases.NoSuchMember:
        abort(404)
    flash(_("You have left the team of %(name)s.", name=chosen.referrer.name), "done")
    return redirect(url_for("home.security"))


@accounts.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> ResponseReturnValue:
    """Accept an invitation. Mail scanners follow links, so looking changes nothing."""
    now = clock.now()
    try:
        invited = use_cases.read_invitation(session(), services().mail_links, token, now)
    except MailLinkRefused:
        return render_template("account/invitation.html", page=None), HTTPStatus.GONE
    person, mine = _whose(invited)
    form = NewMemberForm() if person is None else ActionForm()
    if form.validate_on_submit() and (person is None or mine):
        answer = _accepted(invited, person, form)
        if answer is not None:
            return answer
    body = render_template(
        "account/invitation.html",
        page=presenter.invitation_page(invited),
        form=form,
        is_new=person is None,
        may_accept=person is None or mine,
        login_href=url_for("accounts.login", next=request.path),
    )
    return body, 422 if form.is_submitted() else 200


def _whose(invited: Invited) -> tuple[User | None, bool]:
    """The account of the invited address, and whether this browser is logged in with it."""
    person = user_by_email(session(), invited.invitation.email)
    here = who()
    mine = person is not None and here is not None and here.user_id == person.id and here.program_id is None
    return person, mine


def _accepted(
    invited: Invited, person: User | None, form: NewMemberForm | ActionForm
) -> ResponseReturnValue | None:
    now = clock.now()
    try:
        with session().begin_nested():
            user = person or _new_account(invited, form)
            use_cases.accept(session(), invited, user, now=now)
    except WeakPassword as error:
        show_refusal(form, error, weak_password())
        return None
    except use_cases.NotForTeams:
        form.form_errors.append(_("An account of the staff cannot be in a team. Ask for another address."))
        return None
    except RefledgerError:
        form.form_errors.append(_("This invitation was answered already."))
        return None
    services().mail.accounts.tell_joined(session(), invited, user, now=now)
    target = url_for("home.index", program=invited.program.slug, referrer=invited.referrer.code)
    flash(_("You are in the team of %(name)s.", name=invited.referrer.name), "done")
    return redirect(target) if person is not None else let_in(user, target)


def _new_account(invited: Invited, form: NewMemberForm | ActionForm) -> User:
    assert isinstance(form, NewMemberForm)
    new = NewUser(
        email=invited.invitation.email,
        role=Role.REFERRER,
        name=text(form.name),
        locale=chosen_language(),
        password=text(form.password),
    )
    return create_user(session(), new, now=clock.now())


def _team_href(program: str, code: str) -> str:
    return url_for("home.team", program=program, referrer=code)


def _page(form: InviteForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    page = presenter.team_page(
        chosen,
        use_cases.team_of(session(), chosen.referrer),
        use_cases.open_invitations(session(), chosen.referrer, clock.now()),
        me().public_id,
    )
    return render_template(
        "home/team.html", page=page, form=form, memberships=switch(found, chosen, "home.team")
    )
