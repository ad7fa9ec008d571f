"""Documents and statements as finished words: the one form that the page, the PDF and the XML are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading. ``weight`` is its share of the width; ``numeric`` ones are right-aligned."""

    label: str
    weight: int
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its sum."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: str = ""
    """What the last column comes to; empty where it is no sum."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with lines below it: a party's name and address."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """One line of the sum at the end."""

    label: str
    value: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole document, top to bottom. ``made_at`` dates the file, so that the same sheet gives the same bytes."""

    title: str
    subtitle: str
    language: str
    author: str
    made_at: datetime
    blocks: tuple[Block, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    totals_first: tuple[Total, ...] = ()
    sections: tuple[Section, ...] = ()
    totals: tuple[Total, ...] = ()
    notes: tuple[str, ...] = ()
