"""A whole file: checked to its last line before any of it is written, then written in batches.

All or nothing: while any line is refused, nothing is written. The writing is not one transaction: a million signups in
one would hold the only write lock of SQLite for an hour and more and keep a million customers locked on PostgreSQL.
Instead every line has a key of its own (mailbox, customer id, line id), so that an import that was killed half-way is
finished by running it again, and one that is done changes nothing when it is repeated. Each batch checks its lines once
more within its own transaction, so that what changed since the check stops it rather than slips through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from app.identity.audit import Actor, record_event
from app.kernel.errors import InvalidInput
from app.referrals.importing.columns import Columns, Kind, Tool, columns_of
from app.referrals.importing.errors import ChangedMeanwhile, FileRefused, LineRefused, NotBrought
from app.referrals.importing.lines import Item, Lines, State, Verdict
from app.referrals.importing.opening import MoneyLines
from app.referrals.importing.seen import Seen
from app.referrals.importing.sheet import Sheet, control_character
from app.referrals.importing.values import MAX_CELL
from app.referrals.programs import find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from typing import BinaryIO

    from sqlalchemy.orm import Session

    from app.kernel.db import Database
    from app.referrals.importing.sheet import Row

CHECK_BATCH: Final = 500
WRITE_BATCH: Final = 200
"""Lines of one transaction: about a second of SQLite's write lock."""

KEPT: Final = 1_000
"""Refusals that a report keeps; all of them go to ``on_refusal``."""


class Refused(NamedTuple):
    """A line and why it is refused."""

    line: int
    reason: str


@dataclass
class Report:
    """What was found in a file, and what was written of it. ``amount_minor`` is the sum of the new lines."""

    lines: int = 0
    new: int = 0
    unchanged: int = 0
    not_owed: int = 0
    skipped: int = 0
    refused: int = 0
    written: int = 0
    amount_minor: int = 0
    refusals: list[Refused] = field(default_factory=list)

    def refuse(self, found: Refused, tell: Callable[[Refused], None]) -> None:
        """Note a refused line."""
        self.refused += 1
        if len(self.refusals) < KEPT:
            self.refusals.append(found)
        tell(found)


@dataclass(frozen=True)
class Import:
    """One file of one kind. ``skip`` maps columns of the file to the values whose lines are left out (lower case).

    ``sha256`` names the file in the audit trail.
    """

    slug: str
    kind: Kind
    tool: Tool
    lines: Lines[Any]
    actor: Actor
    sha256: str
    encoding: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    skip: Mapping[str, frozenset[str]] = field(default_factory=dict)


def check_file(
    db: Database, job: Import, file: BinaryIO, tell: Callable[[Refused], None] = lambda _: None
) -> Report:
    """Read the whole file and hold it against the database; reads only.

    ``tell`` gets every refused line, in order. Raises :class:`MapRefused` and :class:`BroughtTwice`.
    """
    report = Report()
    with Seen() as seen:
        _refuse_twice(db, job)
        reader = _Reader(job, file, report, seen)
        more = True
        while more:
            read = list(islice(reader.items, CHECK_BATCH))
            more = bool(read)
            verdicts = _check(db, job, [item for item in read if item is not None])
            wrong = [Refused(each.item.line, each.refused) for each in verdicts if each.refused]
            for found in sorted([*reader.refused, *wrong]):
                report.refuse(found, tell)
            reader.refused.clear()
            _count(report, verdicts)
    return report


def write_file(db: Database, job: Import, file: BinaryIO, report: Report, now: datetime) -> None:
    """Write a file that :func:`check_file` found nothing wrong with; counts into ``report.written``.

    Raises :class:`ChangedMeanwhile` where a line no longer holds; what was written before it stays.
    """
    assert not report.refused  # all or nothing
    if not report.new:
        return
    _refuse_twice(db, job)
    reader = _Reader(job, file, Report(), None)
    items = (item for item in reader.items if item is not None)
    while batch := list(islice(items, WRITE_BATCH)):
        with db.transaction() as session:
            program = find_program(session, job.slug)
            verdicts = job.lines.check(session, program, batch)
            for each in verdicts:
                if each.refused:
                    raise ChangedMeanwhile(each.item.line, each.refused, report.written)
            new = [each.item for each in verdicts if each.state is State.NEW]
            if new:
                try:
                    job.lines.write(session, program, new, now)
                except NotBrought as error:
                    raise ChangedMeanwhile(error.line, error.detail, report.written) from error
                if not report.written:
                    _record(session, job, program.id, "import.begun", {"lines_new": report.new}, now)
        report.written += len(new)
    with db.transaction() as session:
        program = find_program(session, job.slug)
        _record(session, job, program.id, "import.done", {"lines_written": report.written}, now)


def _record(
    session: Session, job: Import, program_id: int, action: str, more: Mapping[str, int], now: datetime
) -> None:
    details = {"kind": job.kind.value, "from": job.tool.value, "sha256": job.sha256, **more}
    record_event(session, job.actor, action, f"program:{job.slug}", details, now=now, program_id=program_id)


def _refuse_twice(db: Database, job: Import) -> None:
    if isinstance(job.lines, MoneyLines):
        with db.reading() as session:
            job.lines.refuse_twice(session, find_program(session, job.slug))


def _check(db: Database, job: Import, items: list[Item[Any]]) -> list[Verdict[Any]]:
    if not items:
        return []
    with db.reading() as session:
        return job.lines.check(session, find_program(session, job.slug), items)


def _count(report: Report, verdicts: list[Verdict[Any]]) -> None:
    for each in verdicts:
        match each.state:
            case State.NEW:
                report.new += 1
                report.amount_minor += each.amount_minor
            case State.UNCHANGED:
                report.unchanged += 1
            case State.NOT_OWED:
                report.not_owed += 1
            case None:
                pass


class _Reader:
    """Reads a file's lines: ``items`` has one for each; ``None`` for a line that is left out, or is in ``refused``."""

    def __init__(self, job: Import, file: BinaryIO, report: Report, seen: Seen | None) -> None:
        self._job, self._file, self._report, self._seen = job, file, report, seen
        self.refused: list[Refused] = []
        self.items = self._read()

    def _read(self) -> Iterator[Item[Any] | None]:
        self._file.seek(0)
        try:
            sheet = Sheet(self._file, self._job.encoding)
            columns = columns_of(sheet.header, self._job.kind, self._job.tool, self._job.overrides)
            skips = [(columns.position(name), words) for name, words in self._job.skip.items()]
            for row in sheet.rows():
                yield self._item(row, columns, skips)
        except FileRefused as error:
            self.refused.append(Refused(error.line, error.detail))

    def _item(self, row: Row, columns: Columns, skips: list[tuple[int, frozenset[str]]]) -> Item[Any] | None:
        self._report.lines += 1
        try:
            if len(row.cells) != columns.width:
                raise LineRefused(f"has {len(row.cells)} cells; the header has {columns.width}")
            if any(row.cells[place].strip().casefold() in words for place, words in skips):
                self._report.skipped += 1
                return None
            value = self._job.lines.read({name: _cell(row, name, place) for name, place in columns.read()})
            self._refuse_repeated(row.line, value)
        except InvalidInput as error:
            self.refused.append(Refused(row.line, error.detail))
            return None
        return Item(row.line, value)

    def _refuse_repeated(self, line: int, value: object) -> None:
        if self._seen is None:
            return
        for what, key in self._job.lines.keys(value):
            before = self._seen.before(what, key, line)
            if before is not None:
                raise LineRefused(f"the same {what} as on line {before}")


def _cell(row: Row, name: str, place: int) -> str:
    cell = row.cells[place].strip()
    if len(cell) > MAX_CELL:
        raise LineRefused(f"{name}: longer than {MAX_CELL} characters")
    if control_character(cell):
        raise LineRefused(f"{name}: has a control character")
    return cell
