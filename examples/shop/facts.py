"""What happened in the shop, in the words of Refledger's API. Pure: rows in, requests out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from examples.shop.catalogue import CURRENCY
from examples.shop.client import path_of
from examples.shop.settings import DIRECTORY, HOSTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Row(Protocol):
    """A database row, or anything else that is read by column name."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - a column may hold anything
        """The value of one column."""


@dataclass(frozen=True)
class Fact:
    """One request to be made. Facts of the same `stream` (a customer number) are sent in order."""

    programme: str
    stream: str
    method: str
    path: str
    body: dict[str, Any] | None


def signup(customer: Row, *, clicks: Sequence[str], coupon: str, referrer_code: str) -> list[Fact]:
    """A new customer, told to both programmes: each one takes the candidates that it knows."""
    body: dict[str, Any] = {
        "customer_id": customer["number"],
        "email": customer["email"],
        "signed_up_at": customer["created_at"],
    }
    if clicks:
        body["click_ids"] = list(clicks)
    if coupon:
        body["coupon"] = coupon
    if referrer_code:
        body["referrer_code"] = referrer_code
    return [Fact(name, customer["number"], "POST", "/signups", body) for name in (HOSTING, DIRECTORY)]


def order(order_row: Row, customer: Row, lines: Iterable[Row]) -> list[Fact]:
    """A placed order, to each programme its own lines; net amounts of whole lines, without VAT."""
    return [
        Fact(
            programme,
            customer["number"],
            "POST",
            "/orders",
            {
                "order_id": order_row["number"],
                "customer_id": customer["number"],
                "currency": CURRENCY,
                "status": "pending",
                "placed_at": order_row["placed_at"],
                **({"payer_iban": customer["iban"]} if customer["iban"] else {}),
                "lines": [
                    {
                        "line_id": line["line_id"],
                        "product": line["sku"],
                        "quantity": line["quantity"],
                        "net": line["net_minor"],
                        "kind": line["kind"],
                    }
                    for line in own
                ],
            },
        )
        for programme, own in _by_programme(lines).items()
    ]


def payment(order_row: Row, customer: Row, lines: Iterable[Row]) -> list[Fact]:
    """The order was paid."""
    body = {"paid_at": order_row["paid_at"], "method": order_row["method"]}
    return _about_order(order_row, customer, lines, "payment", body)


def cancellation(order_row: Row, customer: Row, lines: Iterable[Row], at: str) -> list[Fact]:
    """The order was closed before anyone paid it."""
    return _about_order(order_row, customer, lines, "cancellation", {"cancelled_at": at})


def refund(order_row: Row, customer: Row, line: Row, refund_row: Row) -> list[Fact]:
    """Money of one line went back to the customer."""
    body = {
        "refund_id": refund_row["number"],
        "kind": "refund",
        "refunded_at": refund_row["refunded_at"],
        "lines": [{"line_id": line["line_id"], "net": refund_row["net_minor"]}],
    }
    return _about_order(order_row, customer, [line], "refunds", body)


def partner_chosen(customer: Row, code: str, at: str) -> Fact:
    """The customer chose a partner from the directory."""
    path = path_of("customers", customer["number"], "partner")
    return Fact(DIRECTORY, customer["number"], "PUT", path, {"referrer_code": code, "chosen_at": at})


def partner_ended(customer: Row, at: str) -> Fact:
    """The customer ended the partnership."""
    path = path_of("customers", customer["number"], "partner")
    return Fact(DIRECTORY, customer["number"], "DELETE", f"{path}?{urlencode({'ended_at': at})}", None)


def _about_order(
    order_row: Row, customer: Row, lines: Iterable[Row], what: str, body: dict[str, Any]
) -> list[Fact]:
    path = path_of("orders", order_row["number"], what)
    return [Fact(name, customer["number"], "POST", path, body) for name in _by_programme(lines)]


def _by_programme(lines: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for line in lines:
        groups.setdefault(line["programme"], []).append(line)
    return groups
