"""Which money a self-billing document shows, and which an earlier one is corrected by. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger entry on a referrer's payable account that no document shows yet."""

    entry_id: int
    amount_minor: int
    """Above zero is owed to the referrer."""
    commission_id: int | None = None
    label: str = ""
    """What the document calls it: the product's name."""
    pays_a_debt: bool = False
    """A written-off debt: money, and no consideration for anything."""


@dataclass(frozen=True, slots=True)
class Documents:
    """What is to be written for one referrer: an invoice, and corrections by the document that each corrects."""

    invoice: tuple[Source, ...] = ()
    corrections: Mapping[int, tuple[Source, ...]] = field(default_factory=dict)
    waiting: tuple[Source, ...] = ()
    """Shown by a later invoice: together they are not above zero."""

    @property
    def net_minor(self) -> int:
        """What the invoice shows before VAT."""
        return sum(source.amount_minor for source in self.invoice)


def plan_documents(sources: Iterable[Source], documented: Mapping[int, int]) -> Documents:
    """Sort what is new, commission by commission.

    ``documented`` names the latest standing invoice of each commission that has one. What a refund took from such a
    commission corrects that invoice. What it took from a commission that was paid before there were documents is
    left out, and so is a debt that was written off.
    """
    groups: dict[int | None, list[Source]] = {}
    for source in sources:
        if not source.pays_a_debt:
            groups.setdefault(source.commission_id, []).append(source)
    invoice: list[Source] = []
    corrections: dict[int, list[Source]] = {}
    for commission_id, group in groups.items():
        total = sum(source.amount_minor for source in group)
        if total > 0 or commission_id is None:
            invoice += group
        elif total < 0 and commission_id in documented:
            corrections.setdefault(documented[commission_id], []).extend(group)
    shown = {document: tuple(group) for document, group in corrections.items()}
    if sum(source.amount_minor for source in invoice) <= 0:
        return Documents((), shown, tuple(invoice))
    return Documents(tuple(invoice), shown)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of a document: the commissions of one product."""

    label: str
    count: int
    net_minor: int


def shown_lines(sources: Iterable[Source]) -> tuple[ShownLine, ...]:
    """One line a product, by name; lines that come to nothing are left out."""
    sums: dict[str, tuple[int, int]] = {}
    for source in sources:
        count, net = sums.get(source.label, (0, 0))
        sums[source.label] = (count + 1, net + source.amount_minor)
    return tuple(ShownLine(label, count, net) for label, (count, net) in sorted(sums.items()) if net)
