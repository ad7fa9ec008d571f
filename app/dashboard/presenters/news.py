"""What happened: commissions, reviews, payouts, the bank account, the terms; newest first, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Empty, Tone
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import words
from app.dashboard.presenters.bank_account import masked
from app.ledger.models import TransactionKind
from app.payouts.domain.state import PayoutState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.dashboard.presenters.paid_by import PaidBy
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Program
    from app.referrals.queries.dashboard import Membership
    from app.referrals.queries.news import Moved

KEPT_DAYS: Final = 60
"""How far back the page of news reaches."""

UNREAD_DAYS: Final = 30
"""How far back something is new for a browser that never opened the page of news."""

SHOWN: Final = 3
"""News that the home shows."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened. ``at`` sorts it; ``when`` is its day in words."""

    at: datetime
    when: str
    title: str
    tone: Tone
    href: str
    amount: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class NewsPage:
    """What is new, and what was read before."""

    summary: str
    new: tuple[News, ...]
    earlier: tuple[News, ...]
    nothing: Empty


@dataclass(frozen=True, slots=True)
class NewsCard:
    """The newest of what is new, for the home."""

    summary: str
    items: tuple[News, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """All that news is made of, as it was read for one membership."""

    membership: Membership
    moved: Sequence[Moved]
    payouts: Sequence[PaidBy]
    destination: PayoutDestination | None

    def since(self, start: datetime, end: datetime | None = None) -> tuple[News, ...]:
        """What happened after ``start`` and, where given, up to ``end``; newest first."""
        found = [
            item
            for item in (*self._money(start, end), *self._payouts(), *self._account(), *self._terms())
            if start < item.at and (end is None or item.at <= end)
        ]
        return tuple(sorted(found, key=lambda item: item.at, reverse=True))

    def _money(self, start: datetime, end: datetime | None) -> Iterator[News]:
        """The journal's movements, one a day and kind."""
        program = self.membership.program
        rows = [each for each in self.moved if start < each.at and (end is None or each.at <= end)]

        def key(each: Moved) -> tuple[str, str]:
            return str(formatting.local(each.at, program.timezone)), each.kind

        for _key, group in groupby(sorted(rows, key=key), key=key):
            day = list(group)
            amount = sum(each.amount_minor for each in day)
            if amount:
                count = sum(each.commissions for each in day)
                yield _movement(day[0].kind, max(each.at for each in day), amount, count, program)

    def _payouts(self) -> Iterator[News]:
        program = self.membership.program
        for paid in self.payouts:
            payout = paid.payout
            state = words.payout_state(payout.state)
            yield News(
                payout.changed_at,
                formatting.day(formatting.local(payout.changed_at, program.timezone)),
                _("Payout %(state)s", state=state.word),
                state.tone,
                url_for("home.payout", payout_id=payout.id),
                formatting.amount(payout.amount_minor, payout.currency),
                _("The money is yours again and comes with the next payout.")
                if payout.state in {PayoutState.REJECTED, PayoutState.RETURNED}
                else "",
            )

    def _account(self) -> Iterator[News]:
        account, timezone = self.destination, self.membership.program.timezone
        if account is None:
            return
        href = url_for("home.bank_account")
        yield News(
            account.created_at,
            formatting.day(formatting.local(account.created_at, timezone)),
            _("Bank account %(account)s is on file", account=masked(account)),
            Tone.DONE,
            href,
            text=_("It can be paid to from %(day)s on.", day=formatting.day(account.usable_on)),
        )
        if account.blocked_at is not None and account.blocked_reason is not None:
            yield News(
                account.blocked_at,
                formatting.day(formatting.local(account.blocked_at, timezone)),
                _("Bank account %(account)s is blocked", account=masked(account)),
                Tone.STOP,
                href,
                text=words.blocked(account.blocked_reason),
            )

    def _terms(self) -> Iterator[News]:
        terms = self.membership.new_terms
        if terms is not None:
            yield News(
                terms.published_at,
                formatting.day(formatting.local(terms.published_at, self.membership.program.timezone)),
                _("New terms"),
                Tone.WAIT,
                url_for("home.terms"),
                text=_("Please read and accept them."),
            )


def _movement(kind: TransactionKind, at: datetime, amount: int, count: int, program: Program) -> News:
    title, tone, text = _told(kind, amount, count)
    figure = abs(amount) if kind in _ASIDE else amount
    return News(
        at,
        formatting.day(formatting.local(at, program.timezone)),
        title,
        tone,
        url_for("home.commissions"),
        formatting.amount(figure, program.currency)
        if kind in _ASIDE
        else formatting.signed(figure, program.currency),
        text,
    )


_ASIDE: Final = frozenset({TransactionKind.HOLD, TransactionKind.RELEASE})
"""Movements that change where money stands, not how much there is."""


def _told(kind: TransactionKind, amount: int, count: int) -> tuple[str, Tone, str]:
    """Title, tone and sentence of one kind of movement."""
    match kind:
        case TransactionKind.HOLD:
            title = ngettext("%(num)s commission under review", "%(num)s commissions under review", count)
            return title, Tone.HELD, _("Somebody checks the order. You need do nothing.")
        case TransactionKind.RELEASE:
            title = ngettext("%(num)s commission released", "%(num)s commissions released", count)
            return title, Tone.DONE, _("The check found nothing against it.")
        case TransactionKind.REVIEW_REJECTION:
            title = ngettext("%(num)s commission rejected", "%(num)s commissions rejected", count)
            return title, Tone.STOP, _("The commission says why, and how to contest it.")
        case TransactionKind.CLAWBACK if amount < 0:
            title = ngettext("%(num)s commission taken back", "%(num)s commissions taken back", count)
            return title, Tone.STOP, _("The customer got money back.")
        case TransactionKind.CLAWBACK:
            return (
                ngettext("%(num)s commission restored", "%(num)s commissions restored", count),
                Tone.DONE,
                "",
            )
        case _ if amount < 0:
            return (
                ngettext("%(num)s commission corrected", "%(num)s commissions corrected", count),
                Tone.STOP,
                "",
            )
        case _:
            return ngettext("%(num)s new commission", "%(num)s new commissions", count), Tone.DONE, ""


def read_mark(text: str | None, now: datetime) -> datetime:
    """Until when the news was read, from what the browser keeps; 30 days ago where it keeps nothing of use."""
    oldest = now - timedelta(days=UNREAD_DAYS)
    try:
        mark = datetime.fromtimestamp(int(text or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return oldest
    return min(max(mark, now - timedelta(days=KEPT_DAYS)), now)


def write_mark(now: datetime) -> str:
    """What the browser keeps: whole seconds, the running one being read."""
    return str(int(now.timestamp()) + 1)


def news_card(happened: Happened, mark: datetime) -> NewsCard:
    """The home's part."""
    new = happened.since(mark)
    return NewsCard(_summary(happened, len(new), mark), new[:SHOWN])


def news_page(happened: Happened, mark: datetime, now: datetime) -> NewsPage:
    """What is new above what was read."""
    new = happened.since(mark)
    earlier = happened.since(now - timedelta(days=KEPT_DAYS), mark)
    nothing = Empty(
        _("Nothing happened yet"),
        _("Commissions, payouts and what concerns your bank account are listed here."),
        _("Copy your link"),
        url_for("home.index"),
    )
    return NewsPage(_summary(happened, len(new), mark), new, earlier, nothing)


def _summary(happened: Happened, count: int, mark: datetime) -> str:
    day = formatting.day(formatting.local(mark, happened.membership.program.timezone))
    if not count:
        return _("Nothing new since %(day)s.", day=day)
    return ngettext(
        "%(num)s thing is new since %(day)s.", "%(num)s things are new since %(day)s.", count, day=day
    )
