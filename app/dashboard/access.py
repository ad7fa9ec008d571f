"""Who may open which route: one table, enforced before every request.

A route of the pages that is not in the table is refused, and a test walks the URL map and fails on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import abort, redirect, request, url_for
from werkzeug.exceptions import Forbidden, NotFound

from app.identity.login import who
from app.identity.roles import STAFF, Action

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

OWN: Final = frozenset({Action.VIEW_OWN, Action.CHANGE_OWN})
"""What referrers do; everything else is for the merchant's people."""

ACCESS: Final[dict[str, Action | None]] = {
    # Public: no name, no data of anybody
    "static": None,
    "public.index": None,
    "public.program": None,
    "public.preferences": None,
    "accounts.join": None,
    "accounts.login": None,
    "accounts.logout": None,
    "accounts.forgot": None,
    "accounts.password": None,
    "accounts.verify": None,
    "accounts.undo_account": None,
    "accounts.unsubscribe": None,
    # A shop's customer, by a signed link of their own
    "customer.partner": None,
    "customer.end_partner": None,
    # Referrers, each their own
    "home.index": Action.VIEW_OWN,
    "home.commissions": Action.VIEW_OWN,
    "home.commission": Action.VIEW_OWN,
    "home.orders": Action.VIEW_OWN,
    "home.order": Action.VIEW_OWN,
    "home.contest_commission": Action.CHANGE_OWN,
    "home.contest_order": Action.CHANGE_OWN,
    "home.why": Action.VIEW_OWN,
    "home.contest_why": Action.CHANGE_OWN,
    "home.payouts": Action.VIEW_OWN,
    "home.payout": Action.VIEW_OWN,
    "home.links": Action.VIEW_OWN,
    "home.make_link": Action.CHANGE_OWN,
    "home.leads": Action.VIEW_OWN,
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
    "home.your_data": Action.VIEW_OWN,
    "home.correct_name": Action.CHANGE_OWN,
    "home.copy_data": Action.CHANGE_OWN,
    "home.leave": Action.CHANGE_OWN,
    "home.erase": Action.CHANGE_OWN,
    # Staff
    "staff.index": Action.VIEW_PROGRAM,
    "staff.products": Action.VIEW_PROGRAM,
    "staff.set_product": Action.CHANGE_RATES,
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
    "staff.terms": Action.VIEW_PROGRAM,
    "staff.publish": Action.CHANGE_PROGRAM,
    "staff.rule_settings": Action.VIEW_PROGRAM,
    "staff.change_rule_settings": Action.CHANGE_PROGRAM,
    "staff.referrers": Action.VIEW_REFERRERS,
    "staff.referrer": Action.VIEW_REFERRERS,
    "staff.suspend": Action.CHANGE_REFERRERS,
    "staff.reinstate": Action.CHANGE_REFERRERS,
    "staff.correct_referrer": Action.CHANGE_REFERRERS,
    "staff.clicks": Action.VIEW_REFERRERS,
    "staff.orders": Action.VIEW_ORDERS,
    "staff.order": Action.VIEW_ORDERS,
    "staff.customer": Action.VIEW_ORDERS,
    "staff.correct_customer": Action.CORRECT_ATTRIBUTION,
    "staff.review": Action.VIEW_ORDERS,
    "staff.release": Action.REVIEW,
    "staff.reject": Action.REVIEW,
    "staff.aside": Action.REVIEW,
    "staff.decide_many": Action.REVIEW,
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
    "staff.audit": Action.VIEW_AUDIT,
    "staff.finance": Action.VIEW_BOOKS,
    "staff.finance_liability_file": Action.VIEW_BOOKS,
    "staff.finance_month_file": Action.VIEW_BOOKS,
    "staff.finance_year_file": Action.VIEW_BOOKS,
    "staff.close_month": Action.CLOSE_BOOKS,
}
"""Endpoint to the action it needs; ``None`` is open to everyone."""

BLUEPRINTS: Final = frozenset({"public", "accounts", "customer", "home", "staff"})


def guard() -> Response | None:
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
    if action is None:
        return None
    me = who()
    if me is None:
        return redirect(url_for("accounts.login", next=_came_from()))
    if me.may(action):
        return None
    if endpoint == "home.index" and me.role in STAFF:
        return redirect(url_for("staff.index"))
    raise Forbidden if me.role in STAFF and action not in OWN else NotFound


def _came_from() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" else None


def register_access(app: Flask) -> None:
    """Put the guard before every request."""
    app.before_request(guard)
