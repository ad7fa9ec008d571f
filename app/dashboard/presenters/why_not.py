"""The page that answers "why did I not get this?" for a click or an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from flask import url_for

from app.dashboard.components import NavItem
from app.dashboard.i18n import _
from app.dashboard.presenters import sentences

if TYPE_CHECKING:
    from app.referrals.models import Program
    from app.referrals.queries.non_events import ClickStory, OrderStory

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class WhyNotPage:
    """What was asked and the sentences that answer it; ``more`` leads to the order's own page where there is one."""

    asked: str
    title: str
    sentences: tuple[str, ...]
    more: NavItem | None = None


def asked_for(text: str) -> str:
    """The click id or order number in what was typed: the ``ref`` of a pasted address, else the text itself."""
    tidy = text.strip()[:_LONGEST]
    if "://" in tidy:
        try:
            return parse_qs(urlsplit(tidy).query).get("ref", [""])[0]
        except ValueError:  # no address after all
            return ""
    return tidy


def why_not(asked: str, click: ClickStory | None, order: OrderStory | None, program: Program) -> WhyNotPage:
    """The answer, or that there is nothing of the reader's in it."""
    if click is not None:
        return WhyNotPage(asked, _("Your click"), sentences.of_click(click, program))
    if order is not None and order.is_mine:
        more = NavItem(_("See what each product earned."), url_for("home.order", order_id=order.id))
        return WhyNotPage(
            asked, _("Order %(order)s", order=order.order_id), (_("This order is yours."),), more
        )
    if order is not None:
        return WhyNotPage(
            asked, _("Order %(order)s", order=order.order_id), sentences.of_order(order, program)
        )
    if not asked:
        return WhyNotPage("", "", ())
    nothing = _(
        "We find no click, coupon, lead or code of yours in this. A click earns only if the customer registers or "
        "orders afterwards and the shop passes the click on."
    )
    return WhyNotPage(asked, _("Nothing of yours"), (nothing,))
