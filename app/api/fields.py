"""The types of single fields: what an id, an amount, an instant or an address may look like on the wire.

Every bound that the database or the rules need is refused here, with words that a merchant's developer understands.
Validation gets ``{"now": datetime}`` as its Pydantic context, so that no field reads a clock.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from app.kernel.errors import InvalidInput
from app.kernel.money import CURRENCIES
from app.payouts.domain.iban import normalise_bic, normalise_iban

MAX_AMOUNT: Final = 10**13
"""Bound of one line's net in minor units: 500 such lines, and thousands of such orders, still fit 64 bits."""

MAX_LINES: Final = 500
MAX_QUANTITY: Final = 1_000_000

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""Facts before this instant are typing errors."""

LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Upper bound of an instant that may lie ahead (a report's ``as_of``): later ones cannot be moved between zones."""

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]{1,64}@[^@\s,;<>()\[\]\\\"]{1,255}")
_DOMAIN_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


class Strict(BaseModel):
    """A body that refuses unknown fields, and any value whose JSON type is not the field's own."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, str_max_length=10_000)


def refusal(code: str, words: str, pointer: str | None = None) -> PydanticCustomError:
    """A validation error in our own words; ``pointer`` names the field where the check spans several."""
    return PydanticCustomError(code, "{words}", {"words": words} | ({"pointer": pointer} if pointer else {}))


def parse_instant(raw: object) -> datetime:
    """An RFC 3339 date-time with offset, in UTC. Raises ``PydanticCustomError`` saying what is wrong."""
    if not isinstance(raw, str):
        raise refusal("instant", "must be an RFC 3339 time as text, like 2026-09-10T14:30:00+02:00")
    if _RFC3339.fullmatch(raw) is None:
        if _NAIVE.fullmatch(raw):
            raise refusal(
                "naive_instant", "has no offset: a time needs one, like 2026-09-10T14:30:00+02:00 or ...Z"
            )
        raise refusal("instant", "is not an RFC 3339 time, like 2026-09-10T14:30:00+02:00")
    try:
        at = datetime.fromisoformat(raw.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal("instant", "is not a time that exists") from None
    if not EARLIEST <= at < LATEST:
        raise refusal("instant_bounds", "lies outside the years 1990 to 8999")
    return at


def _past_instant(raw: object, info: ValidationInfo) -> datetime:
    at = parse_instant(raw)
    now: datetime | None = (info.context or {}).get("now")
    if now is not None and at > now + CLOCK_SKEW:
        raise refusal("instant_ahead", "lies more than 5 minutes ahead of now")
    return at


def _optional_past_instant(raw: object, info: ValidationInfo) -> datetime | None:
    return None if raw is None else _past_instant(raw, info)


def instant_or_day(raw: str) -> datetime | date:
    """A filter bound: an RFC 3339 time, or a calendar day that the programme's time zone turns into an instant."""
    if _DAY.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            raise refusal("day", "is not a day that exists") from None
    return parse_instant(raw)


def _printable(value: str) -> str:
    if not value.isprintable():
        raise refusal("printable", "has characters that cannot be printed")
    return value


def _plain_text(value: str) -> str:
    if not value.strip():
        raise refusal("blank", "must not be blank")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise refusal("control_characters", "has control characters or line breaks")
    return value


def _currency(value: str) -> str:
    if value not in CURRENCIES:
        raise refusal("currency", "is not an ISO 4217 currency code in capitals, like EUR")
    return value


def _email(value: str) -> str:
    domain = value.rpartition("@")[2]
    labels = domain.split(".")
    if (
        _EMAIL.fullmatch(value) is None
        or not value.isprintable()
        or "." not in domain
        or not all(_DOMAIN_LABEL.fullmatch(label) for label in labels)
        or ".." in value
        or value.startswith(".")
        or ".@" in value
    ):
        raise refusal("email", "is not an e-mail address")
    return value


def _iban(value: str) -> str:
    try:
        return normalise_iban(value)
    except InvalidInput as error:
        raise refusal("iban", f"is wrong: {error.detail}") from None


def _bic(value: str) -> str | None:
    try:
        return normalise_bic(value)
    except InvalidInput as error:
        raise refusal("bic", f"is wrong: {error.detail}") from None


Instant = Annotated[
    datetime,
    BeforeValidator(_past_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 with offset, at most 5 minutes ahead of now",
            "examples": ["2026-09-10T14:30:00+02:00"],
        }
    ),
]
OptionalInstant = Annotated[
    datetime | None,
    BeforeValidator(_optional_past_instant),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
            "description": "RFC 3339 with offset, at most 5 minutes ahead of now",
        }
    ),
]
Id = Annotated[
    str,
    Field(min_length=1, max_length=128, description="1 to 128 printable characters, of your choice"),
    AfterValidator(_printable),
]
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain_text)]
ClickId = Annotated[
    str,
    Field(min_length=1, max_length=200, description="the `ref` parameter with which the visitor landed"),
    AfterValidator(_printable),
]
Email = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_email)]
Currency = Annotated[
    str,
    Field(min_length=3, max_length=3, description="ISO 4217", examples=["EUR"]),
    AfterValidator(_currency),
]
Net = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_AMOUNT,
        description="what the customer really pays for the whole line, net of VAT, shipping and discounts; minor units",
        examples=[11000],
    ),
]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
LineKind = Literal["new", "renewal", "upgrade", "addon"]
Method = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="payment method; the hold period may depend on it",
        examples=["card", "direct_debit"],
    ),
]
Iban = Annotated[
    str, Field(min_length=5, max_length=50, examples=["NL91ABNA0417164300"]), AfterValidator(_iban)
]
Bic = Annotated[str, Field(min_length=8, max_length=20), AfterValidator(_bic)]
ReferrerCode = Annotated[str, Field(pattern=r"^[a-z0-9-]{3,32}$", description="unique per installation")]
Campaign = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$", examples=["newsletter"])]
Locale = Literal["nl", "de", "en"]


def pointer_of(location: tuple[Any, ...]) -> str:
    """The RFC 6901 JSON pointer of a Pydantic error location: ``("lines", 0, "net")`` is ``/lines/0/net``."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
