"""Facts from the shop that have not taken effect, as staff see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, NavItem, Table
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.referrals.words import FactState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.referrals.models import Fact, Program


def tabs(here: FactState) -> tuple[NavItem, ...]:
    """What waits, and what was refused when its time had come."""
    labels = {FactState.PARKED: _("Waiting"), FactState.REFUSED: _("Refused")}
    return tuple(
        NavItem(label, url_for("staff.facts", state=state.value), state is here)
        for state, label in labels.items()
    )


def fact_table(rows: Sequence[Fact], program: Program, state: FactState) -> Table:
    """What the shop reported, and what it waits for or contradicts."""
    return Table(
        title=_("Parked facts"),
        show_title=False,
        id="facts",
        columns=(
            Column(_("Received"), sorts_by="received"),
            Column(_("What")),
            Column(_("Number")),
            Column(_("Order")),
            Column(_("Why")),
        ),
        rows=tuple(
            (
                Cell(formatting.instant(fact.received_at, program.timezone)),
                Cell(words.fact_kind(fact.kind)),
                Cell(fact.key, code=True, wraps=True),
                Cell(fact.order_id or formatting.DASH, code=True),
                Cell(fact.reason or formatting.DASH, wraps=True),
            )
            for fact in rows
        ),
        empty=Empty(
            _("Nothing waits"), _("A payment or refund that comes before its order waits here for it.")
        )
        if state is FactState.PARKED
        else Empty(_("Nothing was refused"), _("What waited and then contradicted its order stands here.")),
    )
