"""Account > Partner programme: a customer joins with the bank account that the shop already has on file."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from examples.shop.catalogue import Product, of_programme
from examples.shop.client import RefledgerClient, path_of
from examples.shop.sales import Refused
from examples.shop.settings import DIRECTORY

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from examples.shop.store import Store

LATER = "The partner programme cannot be reached right now. Nothing is lost: please try again in a minute."


@dataclass(frozen=True)
class Share:
    """What recommending one product brings; `rate` None: it does not participate."""

    product: Product
    rate: str | None
    lasts: str


@dataclass(frozen=True)
class ProgrammePage:
    """What the customer sees before and after joining. `shares` is None while Refledger cannot be reached."""

    shares: list[Share] | None
    membership: sqlite3.Row | None
    balance: Mapping[str, Any] | None


def programme_page(store: Store, client: RefledgerClient, programme: str, customer_id: int) -> ProgrammePage:
    """Rates and terms, and for a member the referral URL and the balance."""
    membership = membership_of(store, programme, customer_id)
    terms = client.call("GET", "/program")
    balance = client.call("GET", path_of("referrers", membership["code"], "balance")) if membership else None
    return ProgrammePage(
        shares_of(programme, terms.body) if terms.accepted else None,
        membership,
        balance.body if balance and balance.accepted else None,
    )


def membership_of(store: Store, programme: str, customer_id: int) -> sqlite3.Row | None:
    """What the shop keeps of a customer who joined."""
    return store.row(
        "SELECT * FROM memberships WHERE customer_id = ? AND programme = ?", customer_id, programme
    )


def shares_of(programme: str, terms: Mapping[str, Any]) -> list[Share]:
    """What each of the shop's products pays, from the answer of `GET /program`."""
    rates = {rate["product"]: rate for rate in terms.get("rates", [])}
    shares = []
    for product in of_programme(programme):
        rate = rates.get(product.sku) or rates.get(None)
        pays = rate is not None and rate["rate"] != "none"
        shares.append(
            Share(product, rate_words(rate) if rate and pays else None, lasts(rate) if rate and pays else "")
        )
    return shares


def rate_words(rate: Mapping[str, Any]) -> str:
    """`"10%"` as "10 %", `"5.00"` as an amount for each piece."""
    text = str(rate["rate"])
    return text.replace("%", " %") if text.endswith("%") else f"€ {text} each"


def lasts(rate: Mapping[str, Any]) -> str:
    """For how long a rate pays, and for which orders, in words."""
    duration = str(rate["duration"])
    words = {"lifetime": "every order", "first_order": "the first order"}.get(duration)
    words = words or f"every order for {duration.removesuffix('m')} months"
    return words if "renewal" in rate["kinds"] or duration == "first_order" else f"{words}, not renewals"


def join(store: Store, client: RefledgerClient, programme: str, customer_id: int) -> None:
    """Makes the customer a referrer and hands over the known bank account as verified.

    Every step may be repeated: the code is made from the customer's number, so a second try after a lost
    answer finds the referrer that the first one made. Raises `Refused` with words for the customer.
    """
    customer = store.row("SELECT * FROM customers WHERE id = ?", customer_id)
    if customer is None or not customer["iban"]:
        raise Refused("Please tell us your bank account first, so that we know where to pay.")
    body = {"code": referrer_code(customer, programme), "name": customer["name"], "email": customer["email"]}
    joined = client.call("POST", "/referrers", body)
    if not joined.accepted:
        raise Refused(LATER if joined.worth_another_try else f"Joining was refused: {joined.words}")
    code = str(joined.body["code"])
    account = {"holder": customer["name"], "iban": customer["iban"], "verified": True}
    kept = client.call("PUT", path_of("referrers", code, "payout-destination"), account)
    if not kept.accepted:
        raise Refused(LATER if kept.worth_another_try else f"The bank account was refused: {kept.words}")
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO memberships (customer_id, programme, code, referral_url, paid_to)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (customer_id, programme) DO UPDATE SET referral_url = excluded.referral_url",
            (customer_id, programme, code, str(joined.body["referral_url"]), str(kept.body.get("last4", ""))),
        )


def partner_page(client: RefledgerClient, number: str) -> str | None:
    """The address of Refledger's page that tells a customer who is rewarded for them; None while it cannot be had.

    It is asked for at the moment in which the customer, who is logged in here, wants to go there: it works for an hour
    and for whoever has it.
    """
    answer = client.call("POST", path_of("customers", number, "partner-link"))
    return str(answer.body["url"]) if answer.accepted and "url" in answer.body else None


def dashboard(client: RefledgerClient, code: str, *, frame: bool) -> str | None:
    """The address that opens a member's dashboard signed in; None while it cannot be had.

    It works once, within five minutes, so it is asked for whenever it is opened and kept nowhere.
    """
    answer = client.call("POST", path_of("referrers", code, "session"), {"frame": frame})
    return str(answer.body["url"]) if answer.accepted and "url" in answer.body else None


def directory(client: RefledgerClient, number: str, *, frame: bool) -> str | None:
    """The address that opens the directory for a customer who is known there; None while it cannot be had."""
    body = {"open": "directory", "frame": frame}
    answer = client.call("POST", path_of("customers", number, "session"), body)
    return str(answer.body["url"]) if answer.accepted and "url" in answer.body else None


def partner_of(client: RefledgerClient, number: str) -> str | None:
    """The code of the partner whom the customer has now; they may have chosen in the frame, so this is asked for."""
    answer = client.call("GET", path_of("customers", number, "partner"))
    return answer.body.get("referrer") if answer.accepted else None


def referrer_code(customer: sqlite3.Row, programme: str) -> str:
    """The referrer code of a customer: the name in plain letters, and the customer number.

    A code is unique in the whole installation, so somebody who joins both programmes gets two.
    """
    plain = unicodedata.normalize("NFKD", customer["name"]).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:20].strip("-") or "member"
    ending = "-studio" if programme == DIRECTORY else ""
    return f"{words[:16]}-{customer['number'].lower()}{ending}"
