"""What a search found, by kind, each with the page that shows it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.dashboard.components import Cell, Column, Empty, Status, Table, Tone
from app.dashboard.i18n import _
from app.identity.roles import Action
from app.overview.search import MOST, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.overview.search import Hit

NEEDS: Final = {
    Kind.REFERRER: Action.VIEW_REFERRERS,
    Kind.COUPON: Action.VIEW_REFERRERS,
    Kind.CAMPAIGN: Action.VIEW_REFERRERS,
    Kind.CUSTOMER: Action.VIEW_ORDERS,
    Kind.ORDER: Action.VIEW_ORDERS,
    Kind.REFUND: Action.VIEW_ORDERS,
    Kind.PAYOUT: Action.VIEW_PAYOUTS,
    Kind.RUN: Action.VIEW_PAYOUTS,
    Kind.BANK: Action.VIEW_PAYOUTS,
    Kind.PRODUCT: Action.VIEW_PROGRAM,
}
"""What one must be allowed to see to find it."""

_NAMES: Final = {
    Kind.REFERRER: _l("Referrers"),
    Kind.CUSTOMER: _l("Customers"),
    Kind.ORDER: _l("Orders"),
    Kind.REFUND: _l("Refunds"),
    Kind.PAYOUT: _l("Payouts"),
    Kind.RUN: _l("Payout runs"),
    Kind.BANK: _l("Bank records"),
    Kind.PRODUCT: _l("Products"),
    Kind.COUPON: _l("Coupons"),
    Kind.CAMPAIGN: _l("Campaigns"),
}


def kinds_for(may: Callable[[Action], bool]) -> list[Kind]:
    """What this person may find."""
    return [kind for kind in Kind if may(NEEDS[kind])]


def hit_tables(hits: Sequence[Hit]) -> tuple[Table, ...]:
    """A table for each kind of which something was found."""
    return tuple(_table(kind, list(found)) for kind, found in groupby(hits, lambda hit: hit.kind))


def _table(kind: Kind, hits: Sequence[Hit]) -> Table:
    return Table(
        title=str(_NAMES[kind]),
        note=_("The first %(most)s; type more to narrow it down", most=MOST) if len(hits) == MOST else "",
        id=f"found-{kind.value}",
        columns=(Column(_("Found")), Column(_("Details")), Column(_("How"))),
        rows=tuple(
            (
                Cell(hit.text, href=_href(hit)),
                Cell(hit.sub if hit.sub != hit.text else ""),
                Cell(
                    status=Status(_("exactly this"), Tone.DONE)
                    if hit.exact
                    else Status(_("begins so"), Tone.CALM)
                ),
            )
            for hit in hits
        ),
        empty=Empty("", ""),
    )


def _href(hit: Hit) -> str:
    match hit.kind:
        case Kind.REFERRER | Kind.COUPON | Kind.CAMPAIGN:
            return url_for("staff.referrer", code=hit.ref)
        case Kind.CUSTOMER:
            return url_for("staff.customer", customer_id=int(hit.ref))
        case Kind.ORDER | Kind.REFUND:
            return url_for("staff.order", order_id=int(hit.ref))
        case Kind.PAYOUT | Kind.RUN:
            return url_for("staff.run", name=hit.ref)
        case Kind.BANK:
            return url_for("staff.run", name=hit.ref) if hit.ref else url_for("staff.bank")
        case Kind.PRODUCT:
            return url_for("staff.products")


def nothing(words: str) -> Empty:
    """Before a search, and after one that found nothing."""
    where = _(
        "Referrers by code, name or whole e-mail address; customers, orders and refunds by their number; "
        "payouts and bank records by reference; runs, products, coupons and campaigns by name."
    )
    return Empty(_("Nothing begins with “%(words)s”", words=words) if words else _("What to look for"), where)
