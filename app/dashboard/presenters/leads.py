"""A referrer's leads: when each was registered, until when it counts, and whom it won."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.commissions import pseudonym
from app.referrals.domain.attribution import LEAD_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.referrals.models import Lead, Program
    from app.referrals.queries.belonging import LeadRow


def ends_at(lead: Lead) -> datetime:
    """The instant from which it no longer counts."""
    return lead.registered_at + timedelta(days=LEAD_DAYS)


def lead_table(rows: Sequence[LeadRow], program: Program, now: datetime, *, more_href: str | None) -> Table:
    """Every lead, newest first."""
    return Table(
        title=_("Your leads"),
        id="leads",
        folds=True,
        columns=(
            Column(_("Registered"), fold=False),
            Column(_("Counts until")),
            Column(_("State"), fold=False),
            Column(_("Customer")),
        ),
        rows=tuple(_row(row, program, now) for row in rows),
        more_href=more_href,
        empty=Empty(
            _("No leads yet"),
            _("Register somebody you spoke to. If that person signs up, the customer can become yours."),
        ),
    )


def _row(row: LeadRow, program: Program, now: datetime) -> tuple[Cell, ...]:
    if row.customer_id is not None:
        status = Status(_("became your customer"), Tone.DONE)
    elif ends_at(row.lead) > now:
        status = Status(_("counts"), Tone.WAIT)
    else:
        status = Status(_("over"), Tone.CALM)
    return (
        Cell(formatting.instant(row.lead.registered_at, program.timezone)),
        Cell(formatting.short_day(formatting.local(ends_at(row.lead), program.timezone))),
        Cell(status=status),
        Cell(pseudonym(row.customer_id), code=True) if row.customer_id else Cell(formatting.DASH),
    )
