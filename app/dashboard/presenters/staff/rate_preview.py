"""A rate version before it is published: what it says, whom it concerns, and the form that publishes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact, Status, Tone
from app.dashboard.i18n import _, ngettext
from app.dashboard.presenters import rate_words
from app.kernel.clock import BEGINNING
from app.referrals.words import CommissionKind, RateScope

if TYPE_CHECKING:
    from datetime import date

    from werkzeug.datastructures import MultiDict

    from app.referrals.models import Program
    from app.referrals.rate_preview import RatePreview

_OURS: Final = frozenset({"csrf_token", "edit"})
_NOT_SUPPOSED: Final = _OURS | {"scope", "valid_from"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: the product's name and number, the referrer's code (empty for all), and where to go."""

    product: str
    sku: str
    referrer: str
    publish_href: str
    edit_href: str


def kept(sent: MultiDict[str, str]) -> tuple[tuple[str, str], ...]:
    """What was filled in, to be sent again with the decision."""
    return tuple((name, value) for name, value in sent.items(multi=True) if name not in _OURS)


def file_href(sent: MultiDict[str, str], sku: str, first: date, last: date) -> str:
    """The what-if's file with the same question."""
    asked = [(name, value) for name, value in sent.items(multi=True) if name not in _NOT_SUPPOSED and value]
    asked += [("sku", sku)] if sku else []
    asked += [("from", first.isoformat()), ("to", last.isoformat())]
    return f"{url_for('staff.what_if_file')}?{urlencode(asked)}"


def facts(seen: RatePreview, about: Asked, program: Program) -> tuple[Fact, ...]:
    """What would be published, and whom it concerns."""
    bonus = seen.rate.pays is CommissionKind.BONUS
    terms = rate_words.bonus_terms(seen.rate) if bonus else rate_words.rate_terms(seen.rate, program.currency)
    begins = seen.valid_from
    return (
        Fact(about.product, Cell(f"{rate_words.rate(seen.rate, program.currency)}, {terms}")),
        Fact(_("For which referrer (the code)"), Cell(about.referrer or _("all of them"))),
        Fact(
            _("From"),
            Cell(_("the beginning") if begins == BEGINNING else formatting.instant(begins, program.timezone)),
        ),
        Fact(_("Referrers whom it is for"), Cell(formatting.number(seen.referrers))),
        Fact(_("Customers who came before"), _bound(seen)),
        Fact(_("Orders recorded so far"), Cell(_("none changes; each keeps the version it was paid under"))),
        Fact(_("Who gets less"), _worse(seen)),
    )


def _bound(seen: RatePreview) -> Cell:
    if seen.scope is RateScope.NEW_CUSTOMERS:
        return Cell(_("keep what held for them"))
    return Cell(
        ngettext(
            "%(num)s customer gets it for orders paid from then on",
            "%(num)s customers get it for orders paid from then on",
            seen.customers,
        )
    )


def _worse(seen: RatePreview) -> Cell:
    if not seen.worse:
        return Cell(_("nobody"))
    count = ngettext("%(num)s referrer", "%(num)s referrers", seen.worse)
    if seen.in_time:
        return Cell(f"{count}. " + _("They hear of it by mail, 30 days ahead or more."))
    return Cell(
        f" {count}. " + _("They hear of it by mail, less than 30 days ahead."),
        status=Status(_("short notice"), Tone.STOP),
    )
