"""What every kind of file has in common: how a line is read, what is found out about it, whom it names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sqlalchemy import select

from app.identity.emails import clean_email
from app.kernel.crypto import email_key
from app.referrals.importing.errors import LineRefused
from app.referrals.importing.values import shown
from app.referrals.models import Referrer
from app.referrals.referrers import CODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.crypto import Keyring
    from app.referrals.models import Program

T = TypeVar("T")


class State(StrEnum):
    """What the import has to do with a line."""

    NEW = "new"
    """It would be, or is, written."""
    UNCHANGED = "unchanged"
    """It was brought in before."""
    NOT_OWED = "not_owed"
    """A commission that was paid or voided, or an amount of zero: nothing to bring in."""


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """What one line says; ``line`` is where it begins in the file."""

    line: int
    value: T


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """What was found out about a line: its state, or why it is refused. ``amount_minor`` is what it adds."""

    item: Item[T]
    state: State | None = None
    refused: str | None = None
    amount_minor: int = 0


class Lines(ABC, Generic[T]):
    """One kind of line. ``check`` reads only; ``write`` gets what ``check`` called new in the same transaction."""

    @abstractmethod
    def read(self, cells: Mapping[str, str]) -> T:
        """Read the cells of a line, by our names of the fields. Raises ``InvalidInput``."""

    @abstractmethod
    def keys(self, value: T) -> Iterator[tuple[str, str]]:
        """What may stand in a file once: (name of the id, id)."""

    @abstractmethod
    def check(self, session: Session, program: Program, items: Sequence[Item[T]]) -> list[Verdict[T]]:
        """Hold the lines against what is recorded."""

    @abstractmethod
    def write(self, session: Session, program: Program, items: Sequence[Item[T]], now: datetime) -> None:
        """Bring the lines in, by the ordinary use cases."""


class Whom(NamedTuple):
    """The referrer that a line names: by code, else by the fingerprint of the e-mail address."""

    code: str
    email_key: str


class Named(NamedTuple):
    """A referrer as imports need to know it."""

    id: int
    code: str
    email_key: str
    suspensions: list[list[str | None]]


def code_of(cell: str, prefix: str) -> str:
    """A referrer's code as we write it: in lower case, a mere number behind ``prefix``."""
    code = cell.lower()
    if prefix and code.isascii() and code.isdecimal():
        code = f"{prefix}{int(code)}"
    if not CODE.fullmatch(code):
        raise LineRefused(f"code: {shown(code)} is not 3 to 32 characters a-z, 0-9 and hyphen")
    return code


def whom(cells: Mapping[str, str], keyring: Keyring, prefix: str) -> Whom:
    """Whom the line names."""
    code, email = cells.get("referrer_code", ""), cells.get("referrer_email", "")
    if not code and not email:
        raise LineRefused("names no referrer")
    return Whom(
        code_of(code, prefix) if code else "", email_key(keyring, clean_email(email)) if email else ""
    )


class Referrers:
    """The referrers of one programme that a batch of lines names, in one query."""

    def __init__(self, session: Session, program: Program, named: Iterable[Whom]) -> None:
        wanted = list(named)
        columns = (Referrer.id, Referrer.code, Referrer.email_key, Referrer.suspensions)
        rows = session.execute(
            select(*columns).where(
                Referrer.program_id == program.id,
                Referrer.code.in_({each.code for each in wanted if each.code})
                | Referrer.email_key.in_({each.email_key for each in wanted if each.email_key}),
            )
        )
        found = [Named(*row) for row in rows]
        self._by_code = {each.code: each for each in found}
        self._by_email = {each.email_key: each for each in found}

    def of(self, named: Whom) -> Named:
        """The one that is meant. Raises :class:`LineRefused`."""
        by_code = self._by_code.get(named.code) if named.code else None
        by_email = self._by_email.get(named.email_key) if named.email_key else None
        if named.code and by_code is None:
            raise LineRefused(f"there is no referrer {named.code!r} in this programme")
        if by_code is None and by_email is None:
            raise LineRefused("no referrer of this programme has that e-mail address")
        if by_code and by_email and by_code.id != by_email.id:
            raise LineRefused(
                f"the code is that of {by_code.code!r}, the e-mail address that of {by_email.code!r}"
            )
        found = by_code or by_email
        assert found is not None  # one of them is there
        return found
