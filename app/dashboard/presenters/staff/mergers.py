"""What merging two referrers will do, said before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters.bank_account import masked

if TYPE_CHECKING:
    from app.ledger.balances import Balance
    from app.payouts.models import PayoutDestination
    from app.referrals.models import Referrer


@dataclass(frozen=True, slots=True)
class MergePage:
    """Into whom, or (``sentences``) what will happen."""

    title: str
    name: str
    back: str
    here: str
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...] = ()
    button: str = ""
    other_href: str = ""


def start(gone: Referrer) -> MergePage:
    """Who goes; whom it becomes is asked."""
    return MergePage(
        title=_("Merge into another referrer"),
        name=gone.name,
        back=url_for("staff.referrer", code=gone.code),
        here=url_for("staff.merge_referrer", code=gone.code),
        facts=(_who(_("Goes"), gone),),
    )


def confirmation(
    gone: Referrer,
    survivor: Referrer,
    *,
    customers: int,
    money: Balance,
    account: PayoutDestination | None,
) -> MergePage:
    """What will happen to links, customers and money."""
    names = {"gone": gone.name, "survivor": survivor.name}
    return MergePage(
        title=_("Merge %(gone)s into %(survivor)s", **names),
        name=gone.name,
        back=url_for("staff.referrer", code=gone.code),
        here=url_for("staff.merge_referrer", code=gone.code),
        facts=(_who(_("Goes"), gone), _who(_("Stays"), survivor)),
        sentences=(
            _("%(gone)s is closed and takes no part any more. This cannot be undone.", **names),
            _(
                "Printed links, coupons and the code %(code)s bring customers to %(survivor)s from now on.",
                code=gone.code,
                survivor=survivor.name,
            ),
            ngettext(
                "%(num)s customer moves to %(survivor)s within minutes: what is ordered from now on earns at the rates "
                "of %(survivor)s, and limited durations begin anew.",
                "%(num)s customers move to %(survivor)s within minutes: what is ordered from now on earns at the rates "
                "of %(survivor)s, and limited durations begin anew.",
                customers,
                survivor=survivor.name,
            ),
            _money(gone, money, account),
        ),
        button=_("Merge %(gone)s into %(survivor)s", **names),
        other_href=url_for("staff.merge_referrer", code=survivor.code, into=gone.code),
    )


def _money(gone: Referrer, money: Balance, account: PayoutDestination | None) -> str:
    open_minor = money.pending + money.available + money.held + money.in_flight
    words = {"amount": formatting.amount(open_minor, money.currency), "gone": gone.name}
    if account is None:
        return _(
            "What %(gone)s has earned stays theirs: %(amount)s are open, and are paid out once there is a bank account "
            "on file.",
            **words,
        )
    return _(
        "What %(gone)s has earned stays theirs: %(amount)s are open, and are paid out to %(account)s as before.",
        account=masked(account),
        **words,
    )


def _who(label: str, referrer: Referrer) -> Fact:
    href = url_for("staff.referrer", code=referrer.code)
    return Fact(label, Cell(referrer.name, href=href, sub=f"{referrer.code} · {referrer.email}", wraps=True))


def done(gone: Referrer, survivor: Referrer) -> str:
    """What is said after it."""
    return _("%(gone)s was merged into %(survivor)s.", gone=gone.name, survivor=survivor.name)
