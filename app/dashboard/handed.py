"""Sessions that the merchant's site opened, without a password: what they reach, and what they are told elsewhere."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import render_template, request

from app.dashboard.look import wear
from app.referrals.models import Program
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.identity.sessions import SignedIn

HANDED: Final = frozenset(
    {
        "home.index",
        "home.commissions",
        "home.commissions_file",
        "home.commission",
        "home.orders",
        "home.order",
        "home.contest_commission",
        "home.contest_order",
        "home.why",
        "home.contest_why",
        "home.payouts",
        "home.payout",
        "home.links",
        "home.make_link",
        "home.leads",
        "home.register_lead",
        "home.profile",
        "home.save_profile",
        "home.profile_preview",
        "home.submit_profile",
        "home.hide_profile",
        "home.own_ratings",
        "home.answer_rating",
        "home.statements",
        "home.statement",
        "home.statement_pdf",
        "home.mails",
        "home.choose_mails",
        "home.terms",
        "home.accept",
        "home.news",
        "home.qr_code",
        "home.promo",
    }
)
"""What a session reaches that the merchant's site opened, without a password: what belongs to its programme, and
nothing that decides where money goes, who the person is, or how they log in.
"""

OWN_LOGIN: Final = frozenset(
    {
        "home.bank_account",
        "home.change_bank_account",
        "home.documents",
        "home.document",
        "home.document_file",
        "home.change_tax_profile",
        "home.agree_to_self_billing",
        "home.withdraw_self_billing",
        "home.object_to_document",
        "home.your_data",
        "home.correct_name",
        "home.copy_data",
        "home.leave",
        "home.erase",
        "home.security",
        "home.team",
        "home.invite_member",
        "home.withdraw_invitation",
        "home.remove_member",
        "home.leave_team",
        "accounts.join",
    }
)
"""What asks for a login of one's own: a referrer's pages are in this list or in :data:`HANDED`, a test sees to it."""


def reaches(me: SignedIn, endpoint: str) -> bool:
    """Whether the session reaches the page: one that the merchant's site opened does not reach all."""
    return me.program_id is None or endpoint in HANDED


def ask_for_own_login(me: SignedIn) -> ResponseReturnValue:
    """The page that says why a session without a password does not reach this, and how to log in."""
    program = session().get_one(Program, me.program_id)
    wear(program)
    # Opened on a page of its own, so outside of the frame's path.
    asked = {"program": program.slug, **({"next": request.path} if request.method == "GET" else {})}
    page = render_template(
        "handover/own_login.html", login_href=f"/login?{urlencode(asked)}", forgot_href="/password"
    )
    return page, HTTPStatus.FORBIDDEN
