"""The bank's memory: its customers' accounts, how many messages it sent, which files it has answered."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OPENING_BALANCE_MINOR = 100_000_000


@dataclass
class Account:
    """A debtor's account: balance in cents after the last statement, and that statement's number and day."""

    iban: str
    balance_minor: int = OPENING_BALANCE_MINOR
    statements: int = 0
    last_on: str = ""

    def day_for(self, wanted: date) -> date:
        """`wanted`, or the last statement's day when that is later: a statement never goes back in time."""
        return max(wanted, date.fromisoformat(self.last_on)) if self.last_on else wanted


@dataclass
class Books:
    """Everything that must survive between two calls of the bank."""

    accounts: dict[str, Account] = field(default_factory=dict)
    reports: int = 0
    answered: list[str] = field(default_factory=list)

    def account(self, iban: str) -> Account:
        """The account with this IBAN, opened on first sight."""
        return self.accounts.setdefault(iban, Account(iban))


def load_books(path: Path) -> Books:
    """The books kept in `path`, or new ones."""
    if not path.exists():
        return Books()
    raw = json.loads(path.read_text(encoding="utf-8"))
    accounts = {iban: Account(**account) for iban, account in raw["accounts"].items()}
    return Books(accounts, raw["reports"], raw["answered"])


def save_books(books: Books, path: Path) -> None:
    """Keeps `books` in `path`; the file is replaced as a whole, so a crash leaves the old or the new one."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(books), indent=1), encoding="utf-8")
    draft.replace(path)
