"""Who may open which route: one table, enforced before every request.

A route of the pages that is not in the table is refused, and a test walks the URL map and fails on it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import abort, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, NotFound

from app.dashboard.framing import frame, is_framed
from app.dashboard.handed import OWN_LOGIN, ask_for_own_login, reaches
from app.identity.login import who
from app.identity.roles import STAFF, Action
from app.requests import services

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

    from app.identity.sessions import SignedIn

OWN: Final = frozenset({Action.VIEW_OWN, Action.CHANGE_OWN})
"""What referrers do; everything else is for the merchant's people."""

ACCESS: Final[dict[str, Action | None]] = {
    # Public: no name, no data of anybody
    "static": None,
    "public.index": None,
    "public.program": None,
    "public.preferences": None,
    "public.logo": None,
    "public.banner": None,
    "public.picture": None,
    "accounts.join": None,
    "accounts.login": None,
    "accounts.logout": None,
    "accounts.forgot": None,
    "accounts.password": None,
    "accounts.verify": None,
    "accounts.undo_account": None,
    "accounts.unsubscribe": None,
    "accounts.second_step": None,
    "accounts.passkey_login_options": None,
    "accounts.passkey_login": None,
    "accounts.invitation": None,
    "accounts.confirm_address": None,
    "accounts.undo_address": None,
    # Everybody's own login
    "accounts.end_session": Action.CHANGE_ACCOUNT,
    "accounts.end_other_sessions": Action.CHANGE_ACCOUNT,
    "accounts.new_authenticator": Action.CHANGE_ACCOUNT,
    "accounts.authenticator": Action.CHANGE_ACCOUNT,
    "accounts.remove_authenticator": Action.CHANGE_ACCOUNT,
    "accounts.recovery_codes": Action.CHANGE_ACCOUNT,
    "accounts.mail_again": Action.CHANGE_ACCOUNT,
    "accounts.passkey_again_options": Action.CHANGE_ACCOUNT,
    "accounts.passkey_new_options": Action.CHANGE_ACCOUNT,
    "accounts.new_passkey": Action.CHANGE_ACCOUNT,
    "accounts.passkey": Action.CHANGE_ACCOUNT,
    "accounts.remove_passkey": Action.CHANGE_ACCOUNT,
    "accounts.change_address": Action.CHANGE_ACCOUNT,
    # A shop's customer, by a signed link of their own
    "customer.partner": None,
    "customer.end_partner": None,
    # A shop's customer, by the session that a hand-over began
    "customer.own": None,
    "customer.end_own": None,
    # The directory of partners; what a customer does there asks for the hand-over itself
    "directory.index": None,
    "directory.profile": None,
    "directory.message": None,
    "directory.send_message": None,
    "directory.choose": None,
    "directory.choose_now": None,
    "directory.rating": None,
    "directory.rate": None,
    "directory.report": None,
    "directory.send_report": None,
    # Whoever comes with an address that the merchant's site asked for
    "handover.show": None,
    "handover.use": None,
    # Referrers, each their own
    "home.index": Action.VIEW_OWN,
    "home.commissions": Action.VIEW_OWN,
    "home.commissions_file": Action.VIEW_OWN,
    "home.commission": Action.VIEW_OWN,
    "home.orders": Action.VIEW_OWN,
    "home.order": Action.VIEW_OWN,
    "home.contest_commission": Action.CHANGE_OWN,
    "home.contest_order": Action.CHANGE_OWN,
    "home.why": Action.VIEW_OWN,
    "home.contest_why": Action.CHANGE_OWN,
    "home.payouts": Action.VIEW_OWN,
    "home.payout": Action.VIEW_OWN,
    "home.news": Action.VIEW_OWN,
    "home.links": Action.VIEW_OWN,
    "home.qr_code": Action.VIEW_OWN,
    "home.make_link": Action.CHANGE_OWN,
    "home.profile": Action.VIEW_OWN,
    "home.save_profile": Action.CHANGE_OWN,
    "home.profile_preview": Action.VIEW_OWN,
    "home.submit_profile": Action.CHANGE_OWN,
    "home.hide_profile": Action.CHANGE_OWN,
    "home.own_ratings": Action.VIEW_OWN,
    "home.answer_rating": Action.CHANGE_OWN,
    "home.leads": Action.VIEW_OWN,
    "home.promo": Action.VIEW_OWN,
    "home.register_lead": Action.CHANGE_OWN,
    "home.bank_account": Action.VIEW_OWN,
    "home.change_bank_account": Action.CHANGE_OWN,
    "home.statements": Action.VIEW_OWN,
    "home.statement": Action.VIEW_OWN,
    "home.statement_pdf": Action.VIEW_OWN,
    "home.documents": Action.VIEW_OWN,
    "home.document": Action.VIEW_OWN,
    "home.document_file": Action.VIEW_OWN,
    "home.change_tax_profile": Action.CHANGE_OWN,
    "home.agree_to_self_billing": Action.CHANGE_OWN,
    "home.withdraw_self_billing": Action.CHANGE_OWN,
    "home.object_to_document": Action.CHANGE_OWN,
    "home.mails": Action.VIEW_OWN,
    "home.choose_mails": Action.CHANGE_OWN,
    "home.terms": Action.VIEW_OWN,
    "home.accept": Action.CHANGE_OWN,
    "home.security": Action.VIEW_OWN,
    "home.team": Action.VIEW_OWN,
    "home.invite_member": Action.CHANGE_OWN,
    "home.withdraw_invitation": Action.CHANGE_OWN,
    "home.remove_member": Action.CHANGE_OWN,
    "home.leave_team": Action.VIEW_OWN,
    "home.your_data": Action.VIEW_OWN,
    "home.correct_name": Action.CHANGE_OWN,
    "home.copy_data": Action.CHANGE_OWN,
    "home.leave": Action.CHANGE_OWN,
    "home.erase": Action.CHANGE_OWN,
    # Staff
    "staff.index": Action.VIEW_PROGRAM,
    "staff.security": Action.VIEW_PROGRAM,
    "staff.products": Action.VIEW_PROGRAM,
    "staff.set_product": Action.CHANGE_RATES,
    "staff.product_versions": Action.VIEW_PROGRAM,
    "staff.preview_rate_version": Action.CHANGE_RATES,
    "staff.preview_bonus": Action.CHANGE_RATES,
    "staff.rate": Action.CHANGE_RATES,
    "staff.set_rate_version": Action.CHANGE_RATES,
    "staff.bonus": Action.CHANGE_RATES,
    "staff.set_bonus": Action.CHANGE_RATES,
    "staff.what_if": Action.CHANGE_RATES,
    "staff.what_if_file": Action.CHANGE_RATES,
    "staff.rate_table_page": Action.VIEW_PROGRAM,
    "staff.waiting_orders": Action.VIEW_ORDERS,
    "staff.settings": Action.VIEW_PROGRAM,
    "staff.change_settings": Action.CHANGE_PROGRAM,
    "staff.look": Action.VIEW_PROGRAM,
    "staff.change_look": Action.CHANGE_PROGRAM,
    "staff.terms": Action.VIEW_PROGRAM,
    "staff.promo": Action.VIEW_PROGRAM,
    "staff.add_banner": Action.CHANGE_PROGRAM,
    "staff.add_text": Action.CHANGE_PROGRAM,
    "staff.retire_asset": Action.CHANGE_PROGRAM,
    "staff.offer_asset": Action.CHANGE_PROGRAM,
    "staff.publish": Action.CHANGE_PROGRAM,
    "staff.rule_settings": Action.VIEW_PROGRAM,
    "staff.change_rule_settings": Action.CHANGE_PROGRAM,
    "staff.referrers": Action.VIEW_REFERRERS,
    "staff.referrer": Action.VIEW_REFERRERS,
    "staff.suspend": Action.CHANGE_REFERRERS,
    "staff.reinstate": Action.CHANGE_REFERRERS,
    "staff.correct_referrer": Action.CORRECT_PARTICULARS,
    "staff.merge_referrer": Action.CORRECT_ATTRIBUTION,
    "staff.merge_referrers": Action.CORRECT_ATTRIBUTION,
    "staff.clicks": Action.VIEW_REFERRERS,
    "staff.orders": Action.VIEW_ORDERS,
    "staff.facts": Action.VIEW_ORDERS,
    "staff.bank_records": Action.VIEW_PAYOUTS,
    "staff.commissions": Action.VIEW_ORDERS,
    "staff.customers": Action.VIEW_ORDERS,
    "staff.order": Action.VIEW_ORDERS,
    "staff.customer": Action.VIEW_ORDERS,
    "staff.correct_customer": Action.CORRECT_ATTRIBUTION,
    "staff.review": Action.VIEW_ORDERS,
    "staff.release": Action.REVIEW,
    "staff.reject": Action.REVIEW,
    "staff.aside": Action.REVIEW,
    "staff.decide_many": Action.REVIEW,
    "staff.directory": Action.VIEW_REFERRERS,
    "staff.directory_profile": Action.VIEW_REFERRERS,
    "staff.publish_profile": Action.REVIEW,
    "staff.return_profile": Action.REVIEW,
    "staff.take_profile_down": Action.REVIEW,
    "staff.show_rating": Action.REVIEW,
    "staff.refuse_rating": Action.REVIEW,
    "staff.dismiss_report": Action.REVIEW,
    "staff.uphold_report": Action.REVIEW,
    "staff.directory_settings": Action.VIEW_PROGRAM,
    "staff.open_directory": Action.CHANGE_PROGRAM,
    "staff.add_expertise": Action.CHANGE_PROGRAM,
    "staff.retire_expertise": Action.CHANGE_PROGRAM,
    "staff.contests": Action.VIEW_ORDERS,
    "staff.answer_contest": Action.REVIEW,
    "staff.runs": Action.VIEW_PAYOUTS,
    "staff.create_run": Action.PREPARE_PAYOUTS,
    "staff.run": Action.VIEW_PAYOUTS,
    "staff.freeze_run": Action.PREPARE_PAYOUTS,
    "staff.approve_run": Action.APPROVE_PAYOUTS,
    "staff.build_run": Action.PREPARE_PAYOUTS,
    "staff.submit_run": Action.EXPORT_PAYOUTS,
    "staff.cancel_run": Action.PREPARE_PAYOUTS,
    "staff.withdraw_approval": Action.PREPARE_PAYOUTS,
    "staff.exclude_payout": Action.PREPARE_PAYOUTS,
    "staff.lose_payout_file": Action.EXPORT_PAYOUTS,
    "staff.dismiss_payout_file": Action.SETTLE_PAYOUTS,
    "staff.decide_unknown_payout": Action.SETTLE_PAYOUTS,
    "staff.write_off_debt": Action.SETTLE_PAYOUTS,
    "staff.compare_run": Action.VIEW_PAYOUTS,
    "staff.run_progress": Action.VIEW_PAYOUTS,
    "staff.run_file": Action.EXPORT_PAYOUTS,
    "staff.bank": Action.VIEW_PAYOUTS,
    "staff.upload_feedback": Action.SETTLE_PAYOUTS,
    "staff.resolve_exception": Action.SETTLE_PAYOUTS,
    "staff.documents": Action.VIEW_PAYOUTS,
    "staff.change_merchant": Action.CHANGE_PROGRAM,
    "staff.document": Action.VIEW_PAYOUTS,
    "staff.document_file": Action.VIEW_PAYOUTS,
    "staff.issue_document_again": Action.PREPARE_PAYOUTS,
    "staff.search": Action.VIEW_PROGRAM,
    "staff.payment_settings": Action.VIEW_PROGRAM,
    "staff.change_payment_settings": Action.CHANGE_PROGRAM,
    "staff.book_settings": Action.VIEW_BOOKS,
    "staff.change_book_settings": Action.CLOSE_BOOKS,
    "staff.api_keys": Action.MANAGE_API_KEYS,
    "staff.make_key": Action.MANAGE_API_KEYS,
    "staff.revoke_key": Action.MANAGE_API_KEYS,
    "staff.people": Action.MANAGE_USERS,
    "staff.invite_person": Action.MANAGE_USERS,
    "staff.person": Action.MANAGE_USERS,
    "staff.change_person": Action.MANAGE_USERS,
    "staff.mail_link": Action.MANAGE_USERS,
    "staff.shut_person_out": Action.MANAGE_USERS,
    "staff.let_person_in": Action.MANAGE_USERS,
    "staff.audit": Action.VIEW_AUDIT,
    "staff.finance": Action.VIEW_BOOKS,
    "staff.finance_liability_file": Action.VIEW_BOOKS,
    "staff.finance_month_file": Action.VIEW_BOOKS,
    "staff.finance_year_file": Action.VIEW_BOOKS,
    "staff.close_month": Action.CLOSE_BOOKS,
}
"""Endpoint to the action it needs; ``None`` is open to everyone."""

_LISTS: Final = """referrers clicks orders waiting_orders commissions customers facts review contests runs bank
bank_records documents audit""".split()  # whoever sees the page of one may take it home as a file
ACCESS.update({f"staff.{each}_file": ACCESS[f"staff.{each}"] for each in _LISTS})
ACCESS["staff.run_payouts_file"] = ACCESS["staff.run"]

BLUEPRINTS: Final = frozenset({"public", "accounts", "customer", "directory", "handover", "home", "staff"})


def guard() -> ResponseReturnValue | None:
    """Let a request through, send it to the login page, or refuse it.

    A referrer is told 404 of every staff page, so that nothing tells which ids exist; staff who lack an action
    are told 403.
    """
    endpoint = request.endpoint
    if endpoint is None or (request.blueprint not in BLUEPRINTS):
        return None
    if endpoint not in ACCESS:
        abort(404)
    action = ACCESS[endpoint]
    if action is None and endpoint not in OWN_LOGIN:
        return None
    me = _who_here()
    if me is not None and not reaches(me, endpoint) and me.may(action or Action.VIEW_OWN):
        return ask_for_own_login(me)
    if action is None:
        return None
    if me is None:
        if is_framed():
            return render_template("handover/over_session.html"), HTTPStatus.UNAUTHORIZED
        return redirect(url_for("accounts.login", next=_came_from()))
    if me.may(action):
        return None
    if endpoint == "home.index" and me.role in STAFF:
        return redirect(url_for("staff.index"))
    raise Forbidden if me.role in STAFF and action not in OWN else NotFound


def _who_here() -> SignedIn | None:
    """Who is signed in; in a frame only by its own programme."""
    me, place = who(), frame()
    if me is not None and place is not None and me.program_id != place.program.id:
        return None
    return me


def enrol_first() -> ResponseReturnValue | None:
    """Lead staff without a second step to where they set one up, where the installation requires one."""
    action = ACCESS.get(request.endpoint or "")
    if (
        action in {None, Action.CHANGE_ACCOUNT}
        or request.endpoint == "staff.security"
        or not services().settings.require_staff_second_factor
    ):
        return None
    me = who()
    return redirect(url_for("staff.security")) if me and me.role in STAFF and not me.second_factor else None


def _came_from() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" else None


def register_access(app: Flask) -> None:
    """Put the guard before every request."""
    app.before_request(guard)
    app.before_request(enrol_first)
