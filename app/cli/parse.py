"""The forms that options have."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import click

from app.kernel.clock import as_utc, day_start
from app.referrals.words import LineKind

if TYPE_CHECKING:
    from enum import StrEnum

_DAY: Final = 10
_FIRST, _LAST = date(1, 1, 2), date(9999, 12, 30)


class Instant(click.ParamType[datetime | date]):
    """An RFC 3339 time with its offset, or a plain day, which means its first instant in the
    programme's zone.
    """

    name = "ISO"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | date:
        """Read the text."""
        if isinstance(value, datetime | date):
            return value
        text = str(value)
        try:
            if len(text) == _DAY:
                return _day(text)
            return as_utc(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is not a time with an offset (2026-10-01T00:00:00+02:00) nor a day (2026-10-01)",
                param,
                ctx,
            )


def _day(text: str) -> date:
    """A day whose first instant is one in every zone. Raises ``ValueError``."""
    day = date.fromisoformat(text)
    if not _FIRST <= day <= _LAST:
        raise ValueError(text)
    return day


def instant(given: datetime | date | None, timezone: str) -> datetime | None:
    """What :class:`Instant` read, as an instant in UTC."""
    if given is None or isinstance(given, datetime):
        return given
    return day_start(given, timezone)


class MethodDays(click.ParamType[tuple[str, int]]):
    """``METHOD=DAYS``, the hold period of one payment method."""

    name = "METHOD=DAYS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read the text."""
        if isinstance(value, tuple):
            return value
        method, equals, days = str(value).partition("=")
        if not (method and equals and days.isascii() and days.isdecimal()):
            self.fail(f"{value!r} is not of the form METHOD=DAYS, like direct_debit=60", param, ctx)
        return method, int(days)


class ReviewSetting(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``, a limit or a rule of the review."""

    name = "NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read the text; hyphens in the name are as good as underscores."""
        if isinstance(value, tuple):
            return value
        name, equals, setting = str(value).partition("=")
        if not (name and equals and setting):
            self.fail(f"{value!r} is not of the form NAME=VALUE, like fast-conversion=hold", param, ctx)
        return name.replace("-", "_"), setting


class Tier(click.ParamType[tuple[int, str]]):
    """``N=R``, a performance tier: from which customer on which rate holds."""

    name = "N=R"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str]:
        """Read the text."""
        if isinstance(value, tuple):
            return value
        number, equals, rate = str(value).partition("=")
        if not (equals and rate and number.isascii() and number.isdecimal()):
            self.fail(f"{value!r} is not of the form N=R, like 10=12%", param, ctx)
        return int(number), rate


class Kinds(click.ParamType[frozenset[LineKind]]):
    """A comma list of line kinds."""

    name = "KINDS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[LineKind]:
        """Read the text."""
        if isinstance(value, frozenset):
            return value
        kinds = frozenset(part.strip() for part in str(value).split(","))
        unknown = sorted(kinds - {kind.value for kind in LineKind})
        if unknown:
            known = ", ".join(kind.value for kind in LineKind)
            self.fail(f"{unknown[0]!r} is not a line kind; there are {known}", param, ctx)
        return frozenset(LineKind(kind) for kind in kinds)


def words(enum: type[StrEnum]) -> click.Choice[str]:
    """One of an enum's words."""
    return click.Choice([member.value for member in enum])
