"""What a review looked at, in words. For staff alone: it names customers, clicks and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Table
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import words
from app.referrals.words import CommissionKind, HoldRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from app.referrals.models import Hold, Program
    from app.referrals.queries.staff import OrderStory, StoryLine

_CLICK = 24
"""Characters of a click id that are shown: enough to find it again."""


def evidence(rule: HoldRule, found: Mapping[str, Any], people: Mapping[str, str]) -> str:
    """What spoke, in a sentence; of a customer whose data was erased only what is left of it.

    ``people`` says what those are called who took something aside.
    """
    match rule:
        case HoldRule.SELF_REFERRAL_EMAIL:
            return _(
                "Customer %(customer)s signed up with the referrer's own address (what stands after a plus, and "
                "Gmail's dots, make no difference).",
                customer=_named(found, "customer"),
            )
        case HoldRule.SELF_REFERRAL_IBAN:
            return _(
                "Order %(order)s was paid from a bank account that the referrer has on file.",
                order=_named(found, "order"),
            )
        case HoldRule.REFERRER_SUSPENDED:
            return _("The referrer is suspended.")
        case HoldRule.STAFF:
            who = _named(found, "by")
            return _(
                "%(who)s took it aside: %(reason)s", who=people.get(who, who), reason=_named(found, "reason")
            )
        case HoldRule.CONVERSION_OUTLIER | HoldRule.REFUND_RATE | HoldRule.REFERRAL_RING:
            return _of_referrer(rule, found)
        case _:
            return _of_click(rule, found)


def _of_click(rule: HoldRule, found: Mapping[str, Any]) -> str:
    click = _named(found, "click")[:_CLICK]
    if rule is HoldRule.FAST_CONVERSION:
        return ngettext(
            "Order %(order)s was paid %(num)s second after the click.",
            "Order %(order)s was paid %(num)s seconds after the click.",
            _count(found, "seconds"),
            order=_named(found, "order"),
        )
    if rule is HoldRule.LATE_CLICK:
        return ngettext(
            "Click %(click)s came %(num)s second after the %(what)s that presents it.",
            "Click %(click)s came %(num)s seconds after the %(what)s that presents it.",
            _count(found, "seconds_late"),
            click=click,
            what=_presented(found),
        )
    if rule is HoldRule.SAME_NETWORK:
        return _(
            "Click %(click)s came from a network in which the referrer logged in on the same day.",
            click=click,
        )
    return ngettext(
        "At least %(num)s customer came with click %(click)s.",
        "At least %(num)s customers came with click %(click)s.",
        _count(found, "customers_at_least"),
        click=click,
    )


def _of_referrer(rule: HoldRule, found: Mapping[str, Any]) -> str:
    if rule is HoldRule.REFERRAL_RING:
        return _("Each is a customer of the one before: %(ring)s.", ring=_named(found, "ring"))
    if rule is HoldRule.REFUND_RATE:
        return _(
            "Of the referrer's %(orders)s paid orders of the last 90 days %(refunded)s were refunded.",
            orders=formatting.number(_count(found, "orders")),
            refunded=formatting.number(_count(found, "refunded")),
        )
    return _(
        "%(signups)s signups came of the referrer's %(clicks)s clicks, and %(others_signups)s of the %(others_clicks)s "
        "clicks of all others.",
        **{name: formatting.number(_count(found, name)) for name in _OUTLIER},
    )


_OUTLIER = ("signups", "clicks", "others_signups", "others_clicks")


def _named(found: Mapping[str, Any], name: str) -> str:
    return str(found.get(name) or _("(erased)"))


def _count(found: Mapping[str, Any], name: str) -> int:
    return int(found.get(name, 0))


def _presented(found: Mapping[str, Any]) -> str:
    if "order" in found:
        return _("order %(order)s", order=found["order"])
    return _("signup of customer %(customer)s", customer=_named(found, "customer"))


def review_table(story: OrderStory, people: Mapping[str, str], program: Program) -> Table:
    """Every review of an order: of which commission, by which rule, on what, and what became of it."""
    lines = {
        commission.id: (line, commission.kind, referrer.name)
        for line in story.lines
        for commission, _rate, referrer in line.commissions
    }
    return Table(
        title=_("Reviews"),
        note=_("For staff only; the referrer is told that somebody checks, never why in detail"),
        id="reviews",
        columns=(
            Column(_("Commission")),
            Column(_("Rule")),
            Column(_("Evidence")),
            Column(_("State")),
            Column(_("Decided")),
        ),
        rows=tuple(_review(hold, *lines[hold.commission_id], people, program) for hold in story.holds),
        empty=Empty("", ""),
    )


def _review(
    hold: Hold,
    line: StoryLine,
    kind: CommissionKind,
    referrer: str,
    people: Mapping[str, str],
    program: Program,
) -> tuple[Cell, ...]:
    product = line.product.name if line.product else line.line.sku
    name = _("Sign-up bonus") if kind is CommissionKind.BONUS else product
    opened = formatting.instant(hold.opened_at, program.timezone)
    return (
        Cell(name, sub=_("for %(name)s", name=referrer)),
        Cell(
            words.hold_rule(hold.rule),
            sub=_("%(rule)s, version %(version)s", rule=hold.rule.value, version=hold.rule_version),
        ),
        Cell(evidence(hold.rule, hold.evidence, people), wraps=True),
        Cell(status=words.hold_state(hold.state), sub=_("since %(when)s", when=opened)),
        _decided(hold, people, program),
    )


def _decided(hold: Hold, people: Mapping[str, str], program: Program) -> Cell:
    if hold.closed_at is None:
        return Cell(formatting.DASH)
    who = people.get(hold.closed_by or "", hold.closed_by or "")
    when = formatting.instant(hold.closed_at, program.timezone)
    return Cell(_("%(who)s, %(when)s", who=who, when=when), sub=hold.reason or "", wraps=True)


def people_in(holds: Sequence[Hold]) -> list[str]:
    """Who took these aside or decided them, as the audit trail names people."""
    named = {name for hold in holds for name in (hold.closed_by, hold.evidence.get("by"))}
    return sorted(name for name in named if name)
