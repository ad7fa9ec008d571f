"""Lists for reports: clicks, commissions, payouts, payout runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.api import answers, lists
from app.api.operations import Answer, Call, OperationTable
from app.api.paging import ListQuery
from app.identity.api_keys import Scope

table = OperationTable("Reports")
_READ: Final = (Scope.REPORTS_READ,)


@table.declare(
    "GET", "/clicks", summary="Clicks", scopes=_READ, query=ListQuery, answers={200: answers.ClickPage}
)
def list_clicks(call: Call) -> Answer:
    """All requests to referral links with their label; only those labelled `counted` count. `state` is the label."""
    return Answer(HTTPStatus.OK, lists.clicks(call.session, call.program, call.query))


@table.declare(
    "GET",
    "/commissions",
    summary="Commissions",
    scopes=_READ,
    query=ListQuery,
    answers={200: answers.CommissionPage},
)
def list_commissions(call: Call) -> Answer:
    """By the time their order was paid, the latest first.

    `state` is `pending`, `available`, `held`, `rejected` or `clawed_back`.
    """
    return Answer(HTTPStatus.OK, lists.commissions(call.session, call.program, call.query, call.now))


@table.declare(
    "GET", "/payouts", summary="Payouts", scopes=_READ, query=ListQuery, answers={200: answers.PayoutPage}
)
def list_payouts(call: Call) -> Answer:
    """One payout is one referrer's money in one run."""
    return Answer(HTTPStatus.OK, lists.payouts(call.session, call.program, call.query))


@table.declare(
    "GET",
    "/payout-runs",
    summary="Payout runs",
    scopes=_READ,
    query=ListQuery,
    answers={200: answers.RunPage},
)
def list_payout_runs(call: Call) -> Answer:
    """One run pays what is available at the end of one month."""
    return Answer(HTTPStatus.OK, lists.payout_runs(call.session, call.program, call.query))


@table.declare(
    "GET",
    "/waiting-orders",
    summary="Orders that wait for an exchange rate",
    scopes=_READ,
    query=ListQuery,
    answers={200: answers.WaitingPage},
)
def list_waiting_orders(call: Call) -> Answer:
    """Paid orders in another currency whose day's reference rate is not imported; the latest recorded first.

    They earn once `flask exchange-rates import` has brought it. `state` is `waiting_rate`, the only one there is.
    """
    return Answer(HTTPStatus.OK, lists.waiting_orders(call.session, call.program, call.query))
