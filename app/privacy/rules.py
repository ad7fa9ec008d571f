"""How long what is kept, and why: the one place that says it. ``docs/privacy.md`` shows this table, and a test holds
the two together.

These are constants, not settings: docs/privacy.md and the merchant's own record of processing promise them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.identity.sessions import KEEP_ENDED
from app.referrals.click_rows import CLICK_DAYS
from app.referrals.leads import FORGOTTEN_AFTER
from app.referrals.visitor_keys import KEPT_DAYS
from app.shopfront.handover import KEEP_ENDED as HANDED_KEPT


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as people promise it: in calendar months, or in hours."""

    hours: int = 0
    months: int = 0

    def before(self, now: datetime) -> datetime:
        """The instant before which things are too old; the last day of a shorter month stands in for the 29th to
        31st.
        """
        if not self.months:
            return now - timedelta(hours=self.hours)
        year, month = divmod(now.year * 12 + now.month - 1 - self.months, 12)
        day = now.day
        while True:
            try:
                return now.replace(year=year, month=month + 1, day=day)
            except ValueError:
                day -= 1

    def __str__(self) -> str:
        """In words: "90 days"."""
        if self.months:
            return f"{self.months} months"
        days, hours = divmod(self.hours, 24)
        return f"{self.hours} hours" if hours or days == 1 else f"{days} days"


class Deed(StrEnum):
    """What happens to a row whose time is over."""

    DELETED = "deleted"
    """The row goes."""
    TOTALLED = "totalled"
    """Its figures are added to a total without a person; then the row goes."""
    CLEARED = "cleared"
    """What says something of a person goes; the row stays for the books."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of data. ``name`` is what reports call it; ``since`` says what its age is counted from."""

    name: str
    table: str
    what: str
    kept: Span
    since: str
    deed: Deed
    why: str


def _days(days: int) -> Span:
    return Span(hours=24 * days)


CLICKS: Final = Rule(
    "clicks",
    "clicks",
    "Raw clicks: hash of the visitor and of the network, browser family and major version, referring host, label",
    _days(CLICK_DAYS),
    "the click",
    Deed.DELETED,
    "the attribution window and disputes about a click; the totals per day were written with the click and stay",
)
VISITOR_KEYS: Final = Rule(
    "visitor-keys",
    "visitor_keys",
    "The day's key of the visitor hash",
    _days(KEPT_DAYS),
    "its day",
    Deed.DELETED,
    "recognising a repeated click; without its key a hash can be tied to nobody",
)
NETWORKS: Final = Rule(
    "referrer-networks",
    "referrer_networks",
    "Hash of a network that a referrer logged in from",
    _days(KEPT_DAYS),
    "its day",
    Deed.DELETED,
    "noting that a click came from where its referrer was; without the day's key it can be tied to nothing",
)
ORDERS: Final = Rule(
    "unattributed-orders",
    "orders",
    "Orders that nobody was rewarded for, with their lines, corrections and refunds",
    Span(months=24),
    "its payment or cancellation, else its placing",
    Deed.TOTALLED,
    "a late signup may still attribute them; after that only the statistics are needed",
)
SIGNUPS: Final = Rule(
    "unattributed-signups",
    "signups",
    "Customers whom nobody referred: e-mail fingerprint, and the click ids, coupons and codes they brought",
    Span(months=24),
    "the signup and the customer's last order",
    Deed.CLEARED,
    "a signup that is still nobody's may be decided anew",
)
PAYERS: Final = Rule(
    "payer-fingerprints",
    "orders",
    "Fingerprint of the bank account that an order was paid from",
    Span(months=24),
    "the order's placing",
    Deed.CLEARED,
    "noticing that a referrer pays for orders of their own; kept where a review found that",
)
LEADS: Final = Rule(
    "leads",
    "leads",
    "E-mail fingerprint of a prospect whom a referrer registered",
    _days(FORGOTTEN_AFTER.days),
    "the registration",
    Deed.CLEARED,
    "the 90 days in which a lead counts, and signups that are reported late",
)
EVIDENCE: Final = Rule(
    "review-evidence",
    "holds",
    "Evidence of reviews that are decided, and of notes",
    Span(months=24),
    "the decision, of a note its day",
    Deed.CLEARED,
    "objections against the decision; rule, decision and reason stay",
)
CONTESTS: Final = Rule(
    "contests",
    "contests",
    "What a referrer wrote to contest something, and what staff answered",
    Span(months=24),
    "the answer",
    Deed.CLEARED,
    "objections against the answer; what was contested, and when, stays",
)
RATINGS: Final = Rule(
    "refused-ratings",
    "ratings",
    "What a customer wrote of a partner and staff did not let through, or took down",
    Span(months=12),
    "the decision",
    Deed.DELETED,
    "objections against the decision; what is shown stays until the customer or the partner goes",
)
REPORTS: Final = Rule(
    "rating-reports",
    "rating_reports",
    "Why somebody reported a rating or its answer; who it was is never kept",
    Span(months=12),
    "the decision",
    Deed.DELETED,
    "objections against the decision",
)
MAILS: Final = Rule(
    "mails",
    "mails",
    "Mails that were sent or given up: address, name, what they told",
    _days(90),
    "sending, or the last try",
    Deed.DELETED,
    "answering whether somebody was told",
)
SESSIONS: Final = Rule(
    "sessions",
    "user_sessions",
    "Sessions that ended: when, and how the browser named itself",
    _days(KEEP_ENDED.days),
    "the session's end",
    Deed.DELETED,
    "the question: was that me?",
)
ADDRESSES: Final = Rule(
    "addresses",
    "email_changes",
    "Addresses that a login had or was to have",
    _days(30),
    "the day on which the change was asked for",
    Deed.DELETED,
    "taking the change back, for two weeks after it",
)
INVITATIONS: Final = Rule(
    "invitations",
    "team_invitations",
    "Invitations into a referrer's team that nobody answered: the address",
    _days(1),
    "the invitation's end",
    Deed.DELETED,
    "nothing: it can no longer be accepted",
)
HAND_OVERS: Final = Rule(
    "hand-overs",
    "hand_overs",
    "Addresses that a merchant's site handed somebody over with: hash of the token, for whom, when used",
    _days(HANDED_KEPT.days),
    "the address's end",
    Deed.DELETED,
    "saying whose account to go back to",
)
CUSTOMER_SESSIONS: Final = Rule(
    "customer-sessions",
    "customer_sessions",
    "Half hours in which a customer was known in a browser: hash of the token",
    _days(HANDED_KEPT.days),
    "the session's end",
    Deed.DELETED,
    "the clock of a web server that runs late",
)
ANSWERS: Final = Rule(
    "api-answers",
    "api_stored_answers",
    "Answers kept for an Idempotency-Key",
    Span(hours=24),
    "the first request",
    Deed.DELETED,
    "giving a repeated request the same answer",
)

RULES: Final = (
    CLICKS,
    VISITOR_KEYS,
    NETWORKS,
    ORDERS,
    SIGNUPS,
    LEADS,
    PAYERS,
    EVIDENCE,
    CONTESTS,
    RATINGS,
    REPORTS,
    MAILS,
    SESSIONS,
    ADDRESSES,
    INVITATIONS,
    HAND_OVERS,
    CUSTOMER_SESSIONS,
    ANSWERS,
)
"""In the order in which the retention job works."""


def as_table(rules: tuple[Rule, ...] = RULES) -> str:
    """The rules as the Markdown table of docs/privacy.md."""
    head = "| rule | data | kept | counted from | then | why so long |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{rule.name}` | {rule.what} (`{rule.table}`) | {rule.kept} | {rule.since} | {rule.deed} | {rule.why} |\n"
        for rule in rules
    )
