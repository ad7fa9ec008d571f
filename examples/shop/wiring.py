"""What the pages share: the shop's settings, its store, its API clients and its sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from examples.shop.client import RefledgerClient
from examples.shop.outbox import Sender
from examples.shop.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from examples.shop.settings import ShopSettings


@dataclass(frozen=True)
class Shop:
    """One running shop."""

    settings: ShopSettings
    store: Store
    clients: Mapping[str, RefledgerClient]
    sender: Sender


def open_shop(settings: ShopSettings, transport: httpx.BaseTransport | None = None) -> Shop:
    """Opens the store and makes one API client for each programme; sends nothing yet."""
    store = Store(settings.folder / "shop.db")
    clients = {
        programme: RefledgerClient(settings.refledger_url, key, settings.timeout_seconds, transport)
        for programme, key in settings.keys.items()
    }
    return Shop(settings, store, clients, Sender(store, clients, settings.retry_seconds))


def the_shop() -> Shop:
    """The shop of the current app."""
    shop: Shop = current_app.extensions["shop"]
    return shop
