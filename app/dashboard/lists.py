"""One way for every list of staff: sorted by links, searched by a form, read part by part, taken home as a file.

A list is declared once (``app/dashboard/listings``): its rows, its orders, its search and its columns as a file. The
page and the file read the same rows, in the same order, by the same search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from flask import Response, request, stream_with_context, url_for

from app.dashboard.components import Empty, SortLink
from app.dashboard.cursors import read_place, write_place
from app.dashboard.i18n import _
from app.identity.audit import record_event
from app.kernel import clock, sheet
from app.kernel.keyset import Part, Way
from app.requests import services, session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session
    from wtforms import Field

    from app.dashboard.components import Table
    from app.dashboard.forms.lists import ListForm
    from app.identity.audit import Actor
    from app.referrals.models import Program

Row = TypeVar("Row")
PAGE: Final = 50
_CHUNK: Final = 500
"""Rows that a file reads at a time: all that it ever holds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a list is read: the session, the programme, and what was asked for."""

    session: Session
    program: Program
    form: ListForm
    inside: Any = None
    """The thing that the list belongs to, where it is not the whole programme: a payout run."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """A list. ``name`` stands in the file's name and in the audit trail; the first of ``ways`` is the usual order."""

    name: str
    endpoint: str
    form: type[ListForm]
    ways: Mapping[str, Way]
    read: Callable[[Scope, Part], list[Row]]
    ordered: Callable[[Row], object]
    """The part of a row that has the columns that the list is ordered by."""
    columns: tuple[str, ...]
    """The file's heading: the same words in every language, for programs."""
    line: Callable[[Row, Scope], tuple[sheet.Value, ...]]
    file: str = ""
    """The endpoint of its file, where it is not the page's with ``_file`` behind it."""

    @property
    def file_endpoint(self) -> str:
        """Where the list is taken home from."""
        return self.file or f"{self.endpoint}_file"

    def way(self, asked: str | None) -> tuple[str, Way]:
        """The order that was asked for ("name", or "-name" the other way round), else the usual one."""
        name = (asked or "").removeprefix("-")
        if name not in self.ways:
            name, asked = next(iter(self.ways)), None
        way = self.ways[name]
        if asked is None:
            return ("-" if way.descending else "") + name, way
        return asked, replace(way, descending=asked.startswith("-"))

    def place(self, row: Row, way: Way) -> tuple[Any, int]:
        """Where a row stands in that order."""
        one = self.ordered(row)
        return getattr(one, way.by.key), getattr(one, way.key.key)


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """One part of a list, with everything that its page needs around it."""

    rows: list[Row]
    form: ListForm
    action: str
    """Where the search is sent."""
    sort: str
    wrong: bool
    """What was asked for cannot be searched: the form says why, and there are no rows."""
    searched: bool
    links: Mapping[str, SortLink]
    more_href: str | None
    export_href: str
    clear_href: str
    hidden: Mapping[str, str]
    """What goes along with the search: the order, and what the page was about before."""

    @property
    def nothing(self) -> Empty | None:
        """What stands where no row does, once the list was searched."""
        if self.wrong:
            return Empty(_("Not searched yet"), _("Please put right what is marked above."))
        if not self.searched:
            return None
        return Empty(
            _("Nothing found"), _("No row is like that. Search for something else, or for everything.")
        )

    @property
    def first(self) -> Field:
        """The field that is always there; the others unfold."""
        fields: list[Field] = list(self.form)
        return fields[0]

    @property
    def others(self) -> list[Field]:
        """The fields that unfold."""
        return list(self.form)[1:]

    @property
    def unfolded(self) -> bool:
        """Whether one of them was used, or says what is wrong."""
        return any(each.errors or (each.raw_data and each.raw_data[0]) for each in self.others)

    @property
    def status(self) -> int:
        """Of the answer."""
        return 422 if self.wrong else 200

    def dress(self, table: Table) -> Table:
        """The table with its sort links, the way to its next part and its file."""
        columns = tuple(replace(each, sort=self.links.get(each.sorts_by)) for each in table.columns)
        empty = table.empty if self.nothing is None else self.nothing
        return replace(
            table, columns=columns, more_href=self.more_href, export_href=self.export_href, empty=empty
        )


def show(
    listing: Listing[Row],
    program: Program,
    *,
    inside: Any = None,  # noqa: ANN401 - the list knows what it belongs to
    path: Mapping[str, Any] | None = None,
    keep: Mapping[str, Any] | None = None,
) -> Shown[Row]:
    """The part that this request asks for. ``path`` fills the address; ``keep`` goes along in every link."""
    form = listing.form(request.args)
    form.offer(session(), program)
    good = form.fits(session())
    sort, way = listing.way(request.args.get("sort"))
    after = read_place(request.args.get("after"), _type_of(way))
    scope: Scope = Scope(session(), program, form, inside)
    rows = listing.read(scope, Part(way, after, PAGE + 1)) if good else []
    asked: dict[str, Any] = {**(path or {}), **(keep or {}), **form.given()}

    href_of_all = url_for(listing.endpoint, **(path or {}), **(keep or {}))

    def href(**more: str) -> str:
        return url_for(listing.endpoint, **(asked | {"sort": sort} | more))

    more = href(after=write_place(listing.place(rows[PAGE - 1], way))) if len(rows) > PAGE else None
    return Shown(
        rows=rows[:PAGE],
        form=form,
        action=url_for(listing.endpoint, **(path or {})),
        sort=sort,
        wrong=not good,
        searched=bool(form.given()),
        links={name: _link(name, sort, each, href) for name, each in listing.ways.items()},
        more_href=more,
        export_href=url_for(listing.file_endpoint, **(asked | {"sort": sort, "program": program.slug})),
        clear_href=href_of_all,
        hidden={"sort": sort, **(keep or {})},
    )


def _link(name: str, sort: str, way: Way, href: Callable[..., str]) -> SortLink:
    """Where a column's heading leads: to its own order, and from there to the other way round."""
    if sort.removeprefix("-") != name:
        return SortLink(href(sort=f"-{name}" if way.descending else name))
    down = sort.startswith("-")
    return SortLink(href(sort=name if down else f"-{name}"), "descending" if down else "ascending")


def _type_of(way: Way) -> type:
    kind: type = way.by.type.python_type
    return kind


def file_answer(
    listing: Listing[Row],
    program: Program,
    actor: Actor,
    *,
    inside: Any = None,  # noqa: ANN401 - the list knows what it belongs to
) -> Response | None:
    """The whole list as a file, sent while it is read, from one snapshot; ``None`` where the search is wrong.

    Who took which list home is in the audit trail. What was searched for is not: it may be somebody's address.
    """
    form = listing.form(request.args)
    form.offer(session(), program)
    if not form.fits(session()):
        return None
    _sort, way = listing.way(request.args.get("sort"))
    now = clock.now()
    db, program_id = services().db, program.id
    details = {"list": listing.name, "by": sorted(form.given())}
    subject = f"program:{program.slug}"
    if request.method == "HEAD":
        return Response(mimetype="text/csv")
    with db.transaction() as writing:
        record_event(writing, actor, "list.exported", subject, details, now=now, program_id=program_id)

    def sent() -> Iterator[str]:
        yield sheet.line(listing.columns)
        with db.snapshot() as live:
            scope = Scope(live, live.get_one(type(program), program_id), form, inside)
            for rows in _parts(listing, scope, way):
                yield "".join(sheet.row(listing.line(row, scope)) for row in rows)

    answer = Response(stream_with_context(sent()), mimetype="text/csv")
    name = f"{listing.name}-{program.slug}-{now:%Y%m%dT%H%M%SZ}.csv"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _parts(listing: Listing[Row], scope: Scope, way: Way) -> Iterator[Sequence[Row]]:
    """The rows, some at a time; nothing of a part stays in memory once the next is read."""
    after = None
    while True:
        rows = listing.read(scope, Part(way, after, _CHUNK))
        if rows:
            yield rows
        if len(rows) < _CHUNK:
            return
        after = listing.place(rows[-1], way)
