"""The fixed words of the slice."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Chart(StrEnum):
    """A standard chart of accounts."""

    SKR03 = "skr03"
    """DATEV's chart by process."""
    SKR04 = "skr04"
    """DATEV's chart by balance sheet."""


ACCOUNTS: Final[dict[Chart, dict[str, str]]] = {
    Chart.SKR03: {
        "commission_expense": "4760",
        "payable": "1700",
        "held": "1701",
        "in_flight": "1360",
        "bank": "1200",
        "opening": "9000",
        "input_vat": "1576",
        "payable_vat": "1702",
    },
    Chart.SKR04: {
        "commission_expense": "6770",
        "payable": "3500",
        "held": "3501",
        "in_flight": "1460",
        "bank": "1800",
        "opening": "9000",
        "input_vat": "1406",
        "payable_vat": "3502",
    },
}
"""The account number of each ledger account: Verkaufsprovisionen, Sonstige Verbindlichkeiten, Geldtransit, Bank,
Saldenvorträge, Abziehbare Vorsteuer 19 %. Those of what is held and of VAT owed are free numbers beside the first.
"""
