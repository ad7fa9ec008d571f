"""Published terms in words: to be read and accepted, and as staff see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Status, Table, Tone
from app.dashboard.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.referrals.models import Program, PublishedTerms


@dataclass(frozen=True, slots=True)
class TermsPage:
    """One version. ``number`` is empty where nothing is left to accept."""

    title: str
    status: Status
    paragraphs: tuple[str, ...]
    number: str = ""


def terms_page(terms: PublishedTerms, accepted_at: datetime | None, program: Program) -> TermsPage:
    """The newest version, as a referrer reads it."""
    if accepted_at is None:
        status = Status(
            _(
                "Valid from %(day)s on. You have not accepted them yet.",
                day=formatting.day(terms.effective_on),
            ),
            Tone.WAIT,
        )
    else:
        day = formatting.day(formatting.local(accepted_at, program.timezone))
        status = Status(_("You accepted them on %(day)s.", day=day), Tone.DONE)
    return TermsPage(
        title=_("Terms of %(program)s", program=program.name),
        status=status,
        paragraphs=paragraphs(terms),
        number="" if accepted_at else str(terms.number),
    )


def paragraphs(terms: PublishedTerms) -> tuple[str, ...]:
    """The text, divided where it has empty lines."""
    return tuple(part.strip() for part in terms.text.split("\n\n") if part.strip())


def banner(terms: PublishedTerms) -> str:
    """What the referrer's home says of terms that wait for them."""
    return _("There are new terms from %(day)s on.", day=formatting.day(terms.effective_on))


def versions_table(
    versions: Sequence[PublishedTerms], accepted: Mapping[int, int], program: Program
) -> Table:
    """Every version for staff, the newest first, with how many have accepted it."""
    return Table(
        title=_("Versions"),
        columns=(
            Column(_("Version")),
            Column(_("Valid from")),
            Column(_("Published")),
            Column(_("Accepted by"), numeric=True),
        ),
        rows=tuple(
            (
                Cell(str(each.number)),
                Cell(formatting.day(each.effective_on)),
                Cell(formatting.day(formatting.local(each.published_at, program.timezone))),
                Cell(formatting.number(accepted.get(each.id, 0))),
            )
            for each in versions
        ),
        empty=Empty(
            _("No terms published yet"),
            _("Until then, whoever joins accepts the terms in figures that the programme's page shows."),
        ),
        folds=True,
    )
