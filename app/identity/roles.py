"""Who may do what. Pure: a table and one question."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is to the installation. One role each."""

    REFERRER = "referrer"
    """Joined a programme; sees and changes only what is their own."""
    SUPPORT = "support"
    """Answers questions: sees referrers, orders and explanations, reviews and suspends; touches no money."""
    FINANCE = "finance"
    """Support, plus payout runs and bank feedback."""
    OWNER = "owner"
    """Everything: also programmes, rates, people and API keys."""
    AUDITOR = "auditor"
    """Sees everything, changes nothing."""


class Action(StrEnum):
    """Something a person may be allowed to do. Views ask for one of these, never for a role."""

    VIEW_OWN = "view_own"
    """The referrer's own dashboard, commissions and payouts."""
    CHANGE_OWN = "change_own"
    """The referrer's own links, bank account and address."""
    CHANGE_ACCOUNT = "change_account"
    """One's own login: password, second factors, sessions, address. Everybody's, whatever their role."""
    VIEW_PROGRAM = "view_program"
    """Programme settings, products and rates."""
    CHANGE_PROGRAM = "change_program"
    """Programme settings."""
    CHANGE_RATES = "change_rates"
    """Products, kickback rates and coupons."""
    VIEW_REFERRERS = "view_referrers"
    """All referrers with their figures."""
    CHANGE_REFERRERS = "change_referrers"
    """Suspend and reinstate referrers."""
    CORRECT_PARTICULARS = "correct_particulars"
    """A referrer's name and e-mail address. A new password goes to that address, and with it the bank account."""
    VIEW_ORDERS = "view_orders"
    """All orders, signups and clicks, and why each line earned what it earned."""
    REVIEW = "review"
    """Release or reject what a rule put under review, with its evidence."""
    CORRECT_ATTRIBUTION = "correct_attribution"
    """Say whom a customer belongs to, which moves money from one referrer to another."""
    VIEW_PAYOUTS = "view_payouts"
    """Payout runs, their payouts and omissions."""
    PREPARE_PAYOUTS = "prepare_payouts"
    """Draft, freeze and cancel a payout run."""
    APPROVE_PAYOUTS = "approve_payouts"
    """Approve a frozen run; needs a fresh password."""
    EXPORT_PAYOUTS = "export_payouts"
    """Download payout files and mark a run as submitted."""
    SETTLE_PAYOUTS = "settle_payouts"
    """Upload bank feedback and settle what it leaves open."""
    VIEW_AUDIT = "view_audit"
    """The audit trail."""
    VIEW_BOOKS = "view_books"
    """What is owed and was paid, and the files for bookkeeping and tax offices, with names and addresses."""
    CLOSE_BOOKS = "close_books"
    """Close a month for good, and say how the books are handed on."""
    MANAGE_USERS = "manage_users"
    """Staff accounts and roles."""
    MANAGE_API_KEYS = "manage_api_keys"
    """API keys of a programme."""


_OWN: Final = frozenset({Action.VIEW_OWN, Action.CHANGE_OWN, Action.CHANGE_ACCOUNT})
_LOOK: Final = frozenset(
    {
        Action.CHANGE_ACCOUNT,
        Action.VIEW_PROGRAM,
        Action.VIEW_REFERRERS,
        Action.VIEW_ORDERS,
        Action.VIEW_PAYOUTS,
    }
)
_HELP: Final = frozenset({Action.CHANGE_REFERRERS, Action.REVIEW})
_PAY: Final = frozenset(
    {Action.PREPARE_PAYOUTS, Action.APPROVE_PAYOUTS, Action.EXPORT_PAYOUTS, Action.SETTLE_PAYOUTS}
)
_CORRECT: Final = frozenset({Action.CORRECT_ATTRIBUTION, Action.CORRECT_PARTICULARS})
_BOOKS: Final = frozenset({Action.VIEW_AUDIT, Action.VIEW_BOOKS, Action.CLOSE_BOOKS})
_RUN: Final = frozenset(
    {Action.CHANGE_PROGRAM, Action.CHANGE_RATES, Action.MANAGE_USERS, Action.MANAGE_API_KEYS}
)

PERMISSIONS: Final[dict[Role, frozenset[Action]]] = {
    Role.REFERRER: _OWN,
    Role.SUPPORT: _LOOK | _HELP,
    Role.FINANCE: _LOOK | _HELP | _PAY | _BOOKS | _CORRECT,
    Role.OWNER: _LOOK | _HELP | _PAY | _BOOKS | _CORRECT | _RUN,
    Role.AUDITOR: _LOOK | {Action.VIEW_AUDIT, Action.VIEW_BOOKS},
}
"""What each role may do."""

STAFF: Final = frozenset({Role.SUPPORT, Role.FINANCE, Role.OWNER, Role.AUDITOR})
"""The roles of the merchant's people."""


def allowed(role: Role, action: Action) -> bool:
    """Whether a person of this role may do it."""
    return action in PERMISSIONS[role]
