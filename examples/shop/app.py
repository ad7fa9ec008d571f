"""Makes the shop's Flask app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response
from flask_wtf.csrf import CSRFProtect

from examples.shop import referral
from examples.shop.money import euros
from examples.shop.settings import ShopSettings
from examples.shop.views import account, desk, front, month, partners, people, purchase
from examples.shop.wiring import open_shop

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " frame-src 'self' {refledger}; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


def create_app(
    settings: ShopSettings | None = None,
    *,
    start_sender: bool = True,
    transport: httpx.BaseTransport | None = None,
) -> Flask:
    """The shop as a Flask app; `start_sender=False` leaves the outbox to the caller's `drain()`.

    `transport` replaces the network in tests.
    """
    settings = settings or ShopSettings.from_env()
    app = Flask(__name__)
    # Cookies know no ports: the names must differ from those of Refledger on the same host.
    app.config.update(
        SECRET_KEY=settings.secret,
        SESSION_COOKIE_NAME="shop_session",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    shop = app.extensions["shop"] = open_shop(settings, transport)
    CSRFProtect(app)
    referral.install(app)
    app.add_template_filter(euros)
    app.context_processor(people.page_context)
    app.after_request(_guard(POLICY.format(refledger=settings.refledger_url)))
    for module in (front, people, purchase, account, partners, desk):
        app.register_blueprint(module.pages)
    if settings.house is not None:
        app.register_blueprint(month.pages)
    if start_sender:
        shop.sender.start()
    return app


def _guard(policy: str) -> Callable[[Response], Response]:
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return guarded
