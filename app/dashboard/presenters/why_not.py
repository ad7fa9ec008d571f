"""The page that answers "why did I not get this?" for a click or an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import NavItem, Step, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters import sentences, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.referrals.models import Program
    from app.referrals.queries.non_events import ClickStory, OrderStory

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class WhyNotPage:
    """What was asked and the answer; ``more`` leads to the order's own page where there is one."""

    asked: str
    title: str = ""
    sentence: str = ""
    steps: tuple[Step, ...] = ()
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
        won = any(use.lost is None for use in click.uses)
        said = _("This click brought you a customer.") if won else _("This click earns you nothing.")
        return WhyNotPage(asked, _("Your click"), said, tuple(_of_click(click, program.timezone)))
    if order is not None and order.is_mine:
        more = NavItem(_("See what each product earned."), url_for("home.order", order_id=order.id))
        title = _("Order %(order)s", order=order.order_id)
        return WhyNotPage(asked, title, _("This order is yours."), more=more)
    if order is not None:
        said = _("You receive nothing for this order: when it was placed, the customer was not yours.")
        steps = _of_order(order, program.timezone)
        return WhyNotPage(asked, _("Order %(order)s", order=order.order_id), said, steps)
    if not asked:
        return WhyNotPage("")
    nothing = _(
        "We find no click, coupon, lead or code of yours in this. A click earns only if the customer registers or "
        "orders afterwards and the shop passes the click on."
    )
    return WhyNotPage(asked, _("Nothing of yours"), nothing)


def _of_click(story: ClickStory, zone: str) -> Iterator[Step]:
    """What became of a click of the reader's."""
    text = ""
    if story.label is not None:
        text = _("It was labelled: %(label)s.", label=words.click_label(story.label))
    yield Step(_("Somebody followed your link"), Tone.DONE, formatting.instant(story.at, zone), text)
    if story.missed:
        text = _(
            "Very likely the same visitor registered or ordered that day, and the shop passed on another click. "
            "Yours would have counted before it, but it was not presented."
        )
        yield Step(_("Another click was passed on"), Tone.STOP, text=text)
    elif not story.uses:
        text = _(
            "Nobody has registered or ordered with it, or the shop did not pass it on. A click alone earns nothing."
        )
        yield Step(_("Nothing followed"), Tone.CALM, text=text)
    for use in story.uses:
        when = formatting.instant(use.at, zone)
        at_order = use.occasion == "order"
        title = _("Somebody ordered with it") if at_order else _("Somebody registered with it")
        yield Step(title, Tone.DONE, when)
        if use.lost is None:
            yield Step(_("The customer belongs to you"), Tone.DONE, when, _("It won: the customer is yours."))
        else:
            yield Step(_("It did not count"), Tone.STOP, when, words.lost(use.lost))


def _of_order(story: OrderStory, zone: str) -> tuple[Step, ...]:
    """What of the reader's speaks in an order that is not theirs, and why it earned nothing, in the order of time."""
    found = [_lost(candidate, story.placed_at, zone) for candidate in story.lost]
    text = ""
    if story.bound_from is not None:
        when = formatting.instant(story.bound_from, zone)
        found.append((story.bound_from, Step(_("The customer became yours"), Tone.DONE, when)))
        if story.bound_from > story.placed_at:
            text = _("The customer became yours on %(when)s; this order was placed before that.", when=when)
    if story.bound_until is not None:
        when = formatting.instant(story.bound_until, zone)
        found.append((story.bound_until, Step(_("The customer is no longer yours"), Tone.STOP, when)))
        if story.bound_until <= story.placed_at:
            text = _("The customer was yours until %(when)s; this order came after that.", when=when)
    placed = Step(_("The order was placed"), Tone.CALM, formatting.instant(story.placed_at, zone), text)
    return tuple(step for _at, step in sorted([*found, (story.placed_at, placed)], key=itemgetter(0)))


def _lost(candidate: Mapping[str, Any], placed_at: datetime, zone: str) -> tuple[datetime, Step]:
    at = datetime.fromisoformat(candidate["at"]) if candidate["at"] else None
    title = {
        "click": _("Somebody followed your link"),
        "coupon": _("Your coupon was used"),
        "lead": _("You registered the customer as a lead"),
    }.get(candidate["kind"], _("Your code was typed"))
    when = formatting.instant(at, zone) if at else ""
    return at or placed_at, Step(title, Tone.STOP, when, sentences.own_candidate_lost(candidate, zone))
