"""How a programme's books are handed on: account numbers and the adviser's numbers, with defaults for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.finance.models import FinanceSettings
from app.finance.words import ACCOUNTS, Chart
from app.identity.audit import record_event
from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program

_NUMBER: Final = re.compile(r"[1-9][0-9]{3,7}|0[0-9]{3,7}", re.ASCII)
_ACCOUNT: Final = "account."
_ADVISERS: Final = range(1001, 10_000_000)
_CLIENTS: Final = range(1, 100_000)
_MONTHS: Final = range(1, 13)


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """The settings in force: ``accounts`` has a number for every ledger account."""

    chart: Chart
    accounts: Mapping[str, str]
    adviser: int | None
    client: int | None
    year_begins: int

    def as_stored(self) -> dict[str, str]:
        """As a closing keeps it."""
        numbers = {_ACCOUNT + name: number for name, number in sorted(self.accounts.items())}
        others = {"adviser": self.adviser, "client": self.client, "year_begins": self.year_begins}
        return (
            numbers | {"chart": self.chart.value} | {name: str(value or "") for name, value in others.items()}
        )

    @classmethod
    def from_stored(cls, stored: Mapping[str, str]) -> Bookkeeping:
        """As a closing kept it."""
        chart = Chart(stored["chart"])
        kept = {name.removeprefix(_ACCOUNT): number for name, number in stored.items() if _ACCOUNT in name}
        return cls(
            chart=chart,
            accounts=ACCOUNTS[chart] | kept,
            adviser=int(stored["adviser"]) if stored["adviser"] else None,
            client=int(stored["client"]) if stored["client"] else None,
            year_begins=int(stored["year_begins"]),
        )


def settings_of(session: Session, program_id: int) -> Bookkeeping:
    """The settings of a programme as they are now."""
    row = session.get(FinanceSettings, program_id)
    if row is None:
        return Bookkeeping(Chart.SKR03, ACCOUNTS[Chart.SKR03], None, None, 1)
    return Bookkeeping(
        row.chart, ACCOUNTS[row.chart] | row.accounts, row.adviser, row.client, row.year_begins
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Changes of the settings; ``None`` and what is not named stay as they are. An empty number takes the chart's."""

    chart: Chart | None = None
    accounts: Mapping[str, str] | None = None
    adviser: int | None = None
    client: int | None = None
    year_begins: int | None = None


def change_settings(
    session: Session, program: Program, wanted: Wanted, *, by: Actor, now: datetime
) -> Bookkeeping:
    """Change how a programme's books are handed on, for months that are not closed. Raises ``InvalidInput``."""
    _check(wanted)
    row = session.get(FinanceSettings, program.id)
    if row is None:
        row = FinanceSettings(program_id=program.id, chart=Chart.SKR03, accounts={}, year_begins=1)
        session.add(row)
    given = {name: getattr(wanted, name) for name in ("chart", "adviser", "client", "year_begins")}
    for name, value in given.items():
        if value is not None:
            setattr(row, name, value)
    merged = {**row.accounts, **(wanted.accounts or {})}
    row.accounts = {name: number for name, number in sorted(merged.items()) if number}
    if len({len(number) for number in (ACCOUNTS[row.chart] | row.accounts).values()}) > 1:
        raise InvalidInput("account numbers are all of one length", pointer="/account")
    facts = {name: value for name, value in given.items() if value is not None}
    facts |= {"accounts": row.accounts}
    subject = f"program:{program.slug}"
    record_event(session, by, "finance.settings_changed", subject, facts, now=now, program_id=program.id)
    session.flush()
    return settings_of(session, program.id)


def _check(wanted: Wanted) -> None:
    for name, number in (wanted.accounts or {}).items():
        if name not in ACCOUNTS[Chart.SKR03]:
            known = ", ".join(sorted(ACCOUNTS[Chart.SKR03]))
            raise InvalidInput(f"{name!r} is not a ledger account; there are {known}", pointer="/account")
        if number and _NUMBER.fullmatch(number) is None:
            raise InvalidInput(f"{number!r} is not an account number of 4 to 8 digits", pointer="/account")
    for name, value, allowed in (
        ("adviser", wanted.adviser, _ADVISERS),
        ("client", wanted.client, _CLIENTS),
        ("year_begins", wanted.year_begins, _MONTHS),
    ):
        if value is not None and value not in allowed:
            raise InvalidInput(
                f"{name}: expected a number from {allowed[0]} to {allowed[-1]}", pointer=f"/{name}"
            )
