"""Use cases of the shop. Each one is a transaction: what was sold, and the facts that tell of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.security import check_password_hash, generate_password_hash

from examples.shop import facts, outbox
from examples.shop.catalogue import PRODUCTS
from examples.shop.store import Store, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Refused(Exception):
    """What the visitor asked for cannot be done; the message is shown to them."""


@dataclass(frozen=True)
class NewCustomer:
    """The signup form, and the click ids that came with the visitor."""

    name: str
    email: str
    password: str
    coupon: str = ""
    referrer_code: str = ""
    clicks: Sequence[str] = field(default=())


def sign_up(store: Store, form: NewCustomer) -> int:
    """Makes a customer and tells Refledger where they came from; returns the customer's id."""
    with store.transaction() as connection:
        try:
            cursor = connection.execute(
                "INSERT INTO customers (name, email, password_hash, created_at) VALUES (?, ?, ?, ?)",
                (form.name, form.email.lower(), generate_password_hash(form.password), timestamp()),
            )
        except sqlite3.IntegrityError as error:
            raise Refused("There is already an account with this e-mail address.") from error
        customer_id = int(cursor.lastrowid or 0)
        connection.execute(
            "UPDATE customers SET number = ? WHERE id = ?", (f"C{1000 + customer_id}", customer_id)
        )
        outbox.put(
            connection,
            facts.signup(
                _customer(connection, customer_id),
                clicks=form.clicks,
                coupon=form.coupon,
                referrer_code=form.referrer_code,
            ),
        )
        return customer_id


def log_in(store: Store, email: str, password: str) -> int:
    """The id of the customer with this e-mail and password; raises `Refused`."""
    row = store.row("SELECT id, password_hash FROM customers WHERE email = ?", email.lower())
    if row is None or not check_password_hash(row["password_hash"], password):
        raise Refused("E-mail address or password is not right.")
    return int(row["id"])


def place_order(store: Store, customer_id: int, basket: Mapping[str, int]) -> str:
    """Orders what is in the basket (pieces by SKU); returns the order's number."""
    wanted = {sku: pieces for sku, pieces in basket.items() if sku in PRODUCTS and pieces > 0}
    if not wanted:
        raise Refused("The basket is empty.")
    with store.transaction() as connection:
        placed_at = timestamp()
        cursor = connection.execute(
            "INSERT INTO orders (customer_id, status, placed_at) VALUES (?, 'pending', ?)",
            (customer_id, placed_at),
        )
        order_id = int(cursor.lastrowid or 0)
        number = f"{placed_at[:4]}-{order_id:05d}"
        connection.execute("UPDATE orders SET number = ? WHERE id = ?", (number, order_id))
        for position, (sku, pieces) in enumerate(wanted.items(), start=1):
            _insert_line(connection, order_id, position, sku, pieces, customer_id)
        order, lines = _order(connection, number)
        outbox.put(connection, facts.order(order, _customer(connection, customer_id), lines))
        return number


def _insert_line(
    connection: sqlite3.Connection, order_id: int, position: int, sku: str, pieces: int, customer_id: int
) -> None:
    product = PRODUCTS[sku]
    bought_before = connection.execute(
        "SELECT 1 FROM order_lines JOIN orders ON orders.id = order_id"
        " WHERE customer_id = ? AND sku = ? AND status = 'paid'",
        (customer_id, sku),
    ).fetchone()
    connection.execute(
        "INSERT INTO order_lines (order_id, line_id, sku, name, quantity, net_minor, kind, programme)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order_id,
            str(position),
            sku,
            product.name,
            pieces,
            product.price_minor * pieces,
            "renewal" if bought_before else "new",
            product.programme,
        ),
    )


def pay(store: Store, customer_id: int, number: str, method: str) -> None:
    """Marks an order as paid; a second call changes nothing."""
    with store.transaction() as connection:
        if not _close(connection, customer_id, number, "paid", method):
            return
        order, lines = _order(connection, number)
        outbox.put(connection, facts.payment(order, _customer(connection, customer_id), lines))


def cancel(store: Store, customer_id: int, number: str) -> None:
    """Closes an order that was not paid."""
    with store.transaction() as connection:
        if not _close(connection, customer_id, number, "cancelled", None):
            return
        order, lines = _order(connection, number)
        outbox.put(
            connection, facts.cancellation(order, _customer(connection, customer_id), lines, timestamp())
        )


def _close(
    connection: sqlite3.Connection, customer_id: int, number: str, status: str, method: str | None
) -> bool:
    cursor = connection.execute(
        "UPDATE orders SET status = ?, method = ?, paid_at = ? WHERE number = ? AND customer_id = ?"
        " AND status = 'pending'",
        (status, method, timestamp() if status == "paid" else None, number, customer_id),
    )
    return cursor.rowcount == 1


def refund_line(store: Store, number: str, line_id: str, net_minor: int) -> None:
    """Pays part of a line back; raises `Refused` above what is left of it."""
    with store.transaction() as connection:
        order, lines = _order(connection, number)
        line = next((line for line in lines if line["line_id"] == line_id), None)
        if order["status"] != "paid" or line is None:
            raise Refused("Only a line of a paid order can be refunded.")
        if not 0 < net_minor <= line["net_minor"] - line["refunded_minor"]:
            raise Refused("The amount is more than what is left of this line.")
        cursor = connection.execute(
            "INSERT INTO refunds (order_id, line_id, net_minor, refunded_at) VALUES (?, ?, ?, ?)",
            (order["id"], line_id, net_minor, timestamp()),
        )
        connection.execute(
            "UPDATE refunds SET number = 'R' || (10000 + id) WHERE id = ?", (cursor.lastrowid,)
        )
        connection.execute(
            "UPDATE order_lines SET refunded_minor = refunded_minor + ? WHERE order_id = ? AND line_id = ?",
            (net_minor, order["id"], line_id),
        )
        refund = connection.execute("SELECT * FROM refunds WHERE id = ?", (cursor.lastrowid,)).fetchone()
        outbox.put(connection, facts.refund(order, _customer(connection, order["customer_id"]), line, refund))


def choose_partner(store: Store, customer_id: int, code: str) -> None:
    """The customer chooses a partner from the directory; the same choice again changes nothing."""
    with store.transaction() as connection:
        customer = _customer(connection, customer_id)
        if customer["partner_code"] == code:
            return
        connection.execute("UPDATE customers SET partner_code = ? WHERE id = ?", (code, customer_id))
        outbox.put(connection, [facts.partner_chosen(customer, code, timestamp())])


def end_partner(store: Store, customer_id: int) -> None:
    """The customer ends the partnership."""
    with store.transaction() as connection:
        customer = _customer(connection, customer_id)
        if customer["partner_code"] is None:
            return
        connection.execute("UPDATE customers SET partner_code = NULL WHERE id = ?", (customer_id,))
        outbox.put(connection, [facts.partner_ended(customer, timestamp())])


def _customer(connection: sqlite3.Connection, customer_id: int) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute("SELECT * FROM customers WHERE id = ?", (customer_id,)).fetchone()
    return row


def _order(connection: sqlite3.Connection, number: str) -> tuple[sqlite3.Row, list[sqlite3.Row]]:
    order = connection.execute("SELECT * FROM orders WHERE number = ?", (number,)).fetchone()
    if order is None:
        raise Refused("There is no such order.")
    lines = connection.execute(
        "SELECT * FROM order_lines WHERE order_id = ? ORDER BY line_id", (order["id"],)
    )
    return order, lines.fetchall()
