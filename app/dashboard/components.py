"""The rows that presenters hand to templates: finished words and amounts, nothing left to compute.

Each class here is drawn by the macro of the same name in ``templates/components/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """The colour and the shape of a state. The word beside it says the same."""

    DONE = "done"
    """Green disc with a tick: it is settled."""
    WAIT = "wait"
    """Amber ring: only time has to pass."""
    MOVE = "move"
    """Blue arrow: it is on its way."""
    HELD = "held"
    """Violet diamond: somebody has to decide."""
    STOP = "stop"
    """Red square: it ended, or was taken back."""
    CALM = "calm"
    """Grey dash: nothing happens here."""


@dataclass(frozen=True, slots=True)
class Status:
    """A state as word, shape and colour."""

    word: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table or one value of a list of facts."""

    text: str = ""
    href: str | None = None
    sub: str = ""
    status: Status | None = None
    code: bool = False
    wraps: bool = False
    """Long text without blanks that may break anywhere."""
    asks: bool = False
    """Whether ``href`` is a page that only asks "are you sure?": with script it opens as a dialog."""


@dataclass(frozen=True, slots=True)
class SortLink:
    """Where a heading leads, and how the list is sorted by it now: "ascending", "descending" or not at all."""

    href: str
    now: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; ``numeric`` ones are right-aligned. ``fold`` is shown before the value on a phone.

    ``sorts_by`` names the list's order by this column; ``sort`` is the link that ``lists.py`` makes of it.
    """

    label: str
    numeric: bool = False
    fold: bool = True
    sorts_by: str = ""
    sort: SortLink | None = None


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list says when it has nothing: what will stand here, and what to do next."""

    title: str
    text: str
    action: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A list. ``folds`` turns each row into a card on a phone; others scroll inside their frame."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Empty
    note: str = ""
    id: str = "list"
    folds: bool = False
    more_href: str | None = None
    inline: bool = True
    """Whether the next rows are appended in place (with script), or ``more_href`` is another page."""
    show_title: bool = True
    export_href: str | None = None
    """The same rows, all of them, as a file."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page that is mostly one list."""

    title: str
    table: Table
    text: str = ""
    figures: tuple[Figure, ...] = ()
    link: NavItem | None = None
    """Where to go from here, below the list."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that stands alone, with the word for it and one line that explains it."""

    label: str
    value: str
    note: str = ""
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value."""

    label: str
    value: Cell


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a timeline: when, what, in which words, and the amount it moved."""

    title: str
    tone: Tone
    when: str = ""
    text: str = ""
    amount: str = ""
    points: tuple[str, ...] = ()
    """Sentences below it, one each for the parts of a whole."""
    href: str = ""
    """Where the title leads."""
    ahead: bool = False
    """Whether it is still to come; ``when`` is then the day on which it is expected."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A heading and the sentences under it."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The page that says what became of one commission, order or payout."""

    title: str
    sentence: str
    status: Status
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    back: NavItem
    paragraphs: tuple[Paragraph, ...] = ()
    lines: Table | None = None
    """Of an order, what each product earned."""
    heading: str = ""
    """What the steps are, where they are not the way from click to bank."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one product pays."""

    product: str
    rate: str
    terms: str = ""
    example: str = ""
    """What one order brings, in money."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A series over time. ``data`` is what the script draws; ``table`` says the same without it."""

    data: dict[str, object]
    labels: tuple[str, ...]
    summary: str
    table: Table


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the navigation."""

    label: str
    href: str
    current: bool = False
