"""What a body may look like: everything else is refused before a use case sees it, naming the field."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from app.api import bodies, schemas
from app.referrals.facts import OrderFact, SignupFact
from app.referrals.words import OrderStatus

if TYPE_CHECKING:
    from pydantic import BaseModel

    from app.api.bodies import Json

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)

ORDER: dict[str, Any] = {
    "order_id": "2026/0012",
    "customer_id": "C-4711",
    "currency": "EUR",
    "status": "paid",
    "placed_at": "2026-09-10T12:30:00+02:00",
    "paid_at": "2026-09-10T12:31:00+02:00",
    "method": "card",
    "payer_iban": "NL91 ABNA 0417 1643 00",
    "lines": [{"line_id": "1", "product": "vps-m", "quantity": 1, "net": 11000}],
}
REFUND: dict[str, Any] = {
    "refund_id": "R-1",
    "kind": "refund",
    "refunded_at": "2026-09-10T08:00:00Z",
    "lines": [{"line_id": "1", "net": 3300}],
}
SIGNUP: dict[str, Any] = {"customer_id": "C-4711"}
REMOVED = object()


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with one field set, or taken out."""
    made = copy.deepcopy(body)
    *parents, last = path.split("/")[1:]
    at: Any = made
    for name in parents:
        at = at[int(name) if name.isdecimal() else name]
    if value is REMOVED:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return made


def errors_of(model: type[BaseModel], body: Any) -> list[tuple[str, str]]:
    """The pointers and words with which a body is refused."""
    parsed = bodies.parse_json(json.dumps(body).encode())
    with pytest.raises(bodies.InvalidFields) as refused:
        bodies.validate(model, parsed, NOW)
    return refused.value.errors


def test_an_order_becomes_a_fact_in_utc_with_its_iban_in_one_spelling() -> None:
    fact = bodies.validate(schemas.OrderBody, ORDER, NOW).fact()

    assert fact == OrderFact(
        order_id="2026/0012",
        customer_id="C-4711",
        currency="EUR",
        status=OrderStatus.PAID,
        placed_at=datetime(2026, 9, 10, 10, 30, tzinfo=UTC),
        paid_at=datetime(2026, 9, 10, 10, 31, tzinfo=UTC),
        method="card",
        payer_iban="NL91ABNA0417164300",
        lines=fact.lines,
    )
    assert fact.lines[0].net_minor == 11000


def test_a_paid_order_without_a_paid_time_was_paid_when_it_was_placed() -> None:
    fact = bodies.validate(schemas.OrderBody, changed(ORDER, "/paid_at", REMOVED), NOW).fact()

    assert fact.paid_at == fact.placed_at


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *[
            (f"/{name}", REMOVED)
            for name in ("order_id", "customer_id", "currency", "status", "placed_at", "lines")
        ],
        *[(f"/lines/0/{name}", REMOVED) for name in ("line_id", "product", "quantity", "net")],
        *[
            ("/lines/0/net", value)
            for value in cast(
                "tuple[Json, ...]", (12.0, 12.5, True, False, "11000", None, [], {}, -1, 10**13 + 1, 10**30)
            )
        ],
        *[("/lines/0/net", value) for value in (float("nan"), float("inf"), float("-inf"))],
        *[("/lines/0/quantity", value) for value in (0, -1, 1.0, True, "1", None, 10**6 + 1)],
        *[
            ("/order_id", value)
            for value in ("", "x" * 129, 7, None, True, "a\nb", "a\x00", "\u202e", "\ud800", ["a"])
        ],
        *[("/customer_id", value) for value in ("", "x" * 129, 7, "tab\there")],
        *[("/lines/0/line_id", value) for value in ("", "x" * 129, 1)],
        *[("/lines/0/product", value) for value in ("", "x" * 129, 1)],
        *[("/lines/0/kind", value) for value in ("", "renew", None, 1)],
        *[("/currency", value) for value in ("", "eur", "EURO", "XXX", "ZZZ", 978, None)],
        *[("/status", value) for value in ("", "PAID", "cancelled", True, None)],
        *[
            ("/placed_at", value)
            for value in cast(
                "tuple[Json, ...]",
                (
                    "2026-09-10T12:30:00",
                    "2026-09-10",
                    "2026-09-10 12:30:00+02:00",
                    "2026-09-10T12:30+02:00",
                    "2026-09-10T12:30:00+0200",
                    "2026-09-10T12:30:00+02",
                    "20260910T123000Z",
                    "2026-W37-4T12:30:00Z",
                    "2026-02-30T12:30:00Z",
                    "2026-09-10T24:00:00Z",
                    "2026-09-10T12:30:60Z",
                    "2026-09-10T12:30:00+25:00",
                    "Thu, 10 Sep 2026 12:30:00 GMT",
                    "0001-01-01T00:00:00+14:00",
                    "1989-12-31T23:59:59Z",
                    "9999-12-31T23:59:59-14:00",
                    "２０２６-09-10T12:30:00Z",  # noqa: RUF001 - other digits are the point
                    "now",
                    "",
                    1757507400,
                    1757507400.0,
                    True,
                    None,
                    {},
                ),
            )
        ],
        ("/paid_at", "2026-09-10T12:31:00"),
        ("/method", ""),
        ("/method", "x" * 33),
        ("/method", "credit card"),
        ("/method", 1),
        *[
            ("/payer_iban", value)
            for value in ("", "NL91ABNA0417164301", "NL91", "XX00123", 5, "DE00" + "1" * 18)
        ],
        ("/lines", []),
        ("/lines", {}),
        ("/lines", "1"),
        ("/lines", None),
        ("/lines/0", "x"),
        ("/click_id", ""),
        ("/click_id", "x" * 201),
        ("/coupon", ""),
        ("/coupon", "x" * 65),
        ("/coupon", 10),
        ("/unknown", 1),
        ("/lines/0/unknown", 1),
        ("/lines/0/vat", 1900),
        ("/a~b\\c", 1),
    ],
)
def test_a_wrong_field_of_an_order_is_named(path: str, value: Any) -> None:
    pointers = [pointer for pointer, _ in errors_of(schemas.OrderBody, changed(ORDER, path, value))]

    assert path.replace("~", "~0") in pointers


def test_the_pointer_of_a_strange_name_is_escaped() -> None:
    assert errors_of(schemas.SignupBody, SIGNUP | {"a/b~c": 1})[0][0] == "/a~1b~0c"


def test_a_line_id_may_stand_once_only() -> None:
    twice = changed(ORDER, "/lines", [ORDER["lines"][0], ORDER["lines"][0]])

    assert errors_of(schemas.OrderBody, twice)[0][0] == "/lines/1/line_id"


def test_five_hundred_lines_are_taken_and_one_more_is_not() -> None:
    lines = [{"line_id": str(number), "product": "p", "quantity": 1, "net": 1} for number in range(501)]

    assert len(bodies.validate(schemas.OrderBody, ORDER | {"lines": lines[:500]}, NOW).lines) == 500
    assert errors_of(schemas.OrderBody, ORDER | {"lines": lines})[0][0] == "/lines"


def test_a_pending_order_has_no_paid_time() -> None:
    assert errors_of(schemas.OrderBody, ORDER | {"status": "pending"})[0][0] == "/paid_at"


@pytest.mark.parametrize(
    ("ahead", "accepted"), [(3, True), (300, True), (301, False), (360, False), (86400, False)]
)
def test_a_clock_may_be_five_minutes_ahead_and_no_more(ahead: int, accepted: bool) -> None:
    at = (NOW + timedelta(seconds=ahead)).isoformat()
    body = ORDER | {"placed_at": at, "paid_at": at}

    if accepted:
        assert bodies.validate(schemas.OrderBody, body, NOW).placed_at == NOW + timedelta(seconds=ahead)
    else:
        assert [pointer for pointer, _ in errors_of(schemas.OrderBody, body)] == ["/placed_at", "/paid_at"]


def test_a_time_keeps_its_microseconds_and_loses_what_is_finer() -> None:
    fact = bodies.validate(
        schemas.OrderBody, ORDER | {"placed_at": "2026-09-10t10:30:00.123456789z"}, NOW
    ).fact()

    assert fact.placed_at == datetime(2026, 9, 10, 10, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "void"}, "/kind"),
        ({"kind": "chargeback_reversal"}, "/reverses"),
        ({"reverses": "R-0"}, "/reverses"),
        ({"full": True}, "/lines"),
        ({"full": "yes"}, "/full"),
        ({"full": 1}, "/full"),
        ({"lines": []}, "/lines"),
        ({"lines": None}, "/lines"),
        ({"lines": None, "full": False}, "/lines"),
        ({"lines": [{"line_id": "1", "net": -5}]}, "/lines/0/net"),
        ({"lines": [{"line_id": "1", "net": 5.0}]}, "/lines/0/net"),
        ({"lines": [{"line_id": "1", "net": 5}, {"line_id": "1", "net": 5}]}, "/lines/1/line_id"),
        ({"refunded_at": "2026-09-10T08:00:00"}, "/refunded_at"),
        ({"refund_id": ""}, "/refund_id"),
        ({"order_id": "1"}, "/order_id"),
    ],
)
def test_a_wrong_refund_is_refused(change: dict[str, Any], pointer: str) -> None:
    assert errors_of(schemas.RefundBody, REFUND | change)[0][0] == pointer


def test_a_reversal_without_lines_undoes_all_of_its_chargeback() -> None:
    body = {key: value for key, value in REFUND.items() if key != "lines"}
    fact = bodies.validate(
        schemas.RefundBody, body | {"kind": "chargeback_reversal", "reverses": "R-0"}, NOW
    ).fact("O")

    assert fact.full
    assert fact.lines == ()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"customer_id": ""}, "/customer_id"),
        ({"click_id": "a", "click_ids": ["b"]}, "/click_ids"),
        ({"click_ids": ["x"] * 21}, "/click_ids"),
        ({"click_ids": [""]}, "/click_ids/0"),
        ({"click_ids": ["ok", 1]}, "/click_ids/1"),
        ({"click_ids": "abc"}, "/click_ids"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": "a b@example.org"}, "/email"),
        ({"email": "a@exa mple.org"}, "/email"),
        ({"email": "a@@example.org"}, "/email"),
        ({"email": "a@example..org"}, "/email"),
        ({"email": "a\n@example.org"}, "/email"),
        ({"email": "@example.org"}, "/email"),
        ({"email": "a" * 250 + "@example.org"}, "/email"),
        ({"coupon": ""}, "/coupon"),
        ({"referrer_code": ""}, "/referrer_code"),
        ({"referrer_code": 5}, "/referrer_code"),
        ({"signed_up_at": "yesterday"}, "/signed_up_at"),
        ({"signed_up_at": "2026-09-10T12:06:00Z"}, "/signed_up_at"),
        ({"ip": "203.0.113.7"}, "/ip"),
    ],
)
def test_a_wrong_signup_is_refused(change: dict[str, Any], pointer: str) -> None:
    assert errors_of(schemas.SignupBody, SIGNUP | change)[0][0] == pointer


def test_a_signup_may_come_without_any_candidate_and_with_nulls() -> None:
    body = SIGNUP | {"click_id": None, "click_ids": None, "coupon": None, "signed_up_at": None}

    assert bodies.validate(schemas.SignupBody, body, NOW).fact() == SignupFact("C-4711")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"iban": "NL91ABNA0417164301"}, "/iban"),
        ({"iban": ""}, "/iban"),
        ({"iban": 1}, "/iban"),
        ({"bic": "NOPE"}, "/bic"),
        ({"holder": ""}, "/holder"),
        ({"holder": "  "}, "/holder"),
        ({"holder": "x" * 141}, "/holder"),
        ({"holder": "two\nlines"}, "/holder"),
        ({"verified": "yes"}, "/verified"),
        ({"verified": 1}, "/verified"),
        ({"address": "Damrak 1"}, "/address"),
        ({"address": {"town": "Amsterdam"}}, "/address/country"),
        ({"address": {"town": "Amsterdam", "country": "nl"}}, "/address/country"),
        ({"last4": "4300"}, "/last4"),
    ],
)
def test_a_wrong_bank_account_is_refused(change: dict[str, Any], pointer: str) -> None:
    body = {"holder": "Jansen Webdesign B.V.", "iban": "NL91ABNA0417164300"}

    assert errors_of(schemas.PayoutDestinationBody, body | change)[0][0] == pointer


def test_what_was_typed_is_never_repeated_in_an_error() -> None:
    errors = errors_of(schemas.PayoutDestinationBody, {"holder": "x", "iban": "NL91ABNA0417164301"})

    assert "0417164301" not in str(errors)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ('{"a": 1, "a": 1}', "/a"),
        ('{"lines": [{"x": 1}, {"net": 1, "net": 2}]}', "/lines/1/net"),
        ('{"a/b": {"c": 1, "c": 1}}', "/a~1b/c"),
        ('{"net": ' + "9" * 5000 + "}", ""),
    ],
)
def test_a_repeated_name_or_an_endless_number_is_refused(raw: str, pointer: str) -> None:
    with pytest.raises(bodies.InvalidFields) as refused:
        bodies.parse_json(raw.encode())

    assert refused.value.errors[0][0] == pointer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": .5}',
        b'{"a": 1,}',
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": "\n"}',
    ],
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(bodies.MalformedBody):
        bodies.parse_json(raw)


@pytest.mark.parametrize("value", [[], [{}], "text", 1, None, True])
def test_a_body_is_an_object(value: Any) -> None:
    assert errors_of(schemas.OrderBody, value) == [("", "must be a JSON object")]
