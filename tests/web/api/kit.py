"""A merchant's shop that talks to the API, in process or over a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from app.identity.api_keys import Scope, create_api_key
from app.kernel import clock
from tests.builders import ACTOR, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.testing import FlaskClient
    from werkzeug.datastructures import Headers

    from app.api.bodies import Json
    from app.services import Services

ALL_SCOPES = tuple(scope.value for scope in Scope)
PREFIX = "/api/v1"


def order_body(order_id: str = "o1", customer: str = "c1", **changes: Json) -> dict[str, Any]:
    """An order of 110.00 for ``web`` (10 %) and 5.00 for ``mail`` (no rate), paid on 10 September 2026."""
    body: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": customer,
        "currency": "EUR",
        "status": "paid",
        "placed_at": "2026-09-10T12:00:00Z",
        "lines": [
            {"line_id": "l1", "product": "web", "quantity": 1, "net": 11_000},
            {"line_id": "l2", "product": "mail", "quantity": 2, "net": 500},
        ],
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def refund_body(refund_id: str = "r1", **changes: Json) -> dict[str, Any]:
    """30.00 of line l1 given back."""
    body: dict[str, Any] = {
        "refund_id": refund_id,
        "kind": "refund",
        "refunded_at": "2026-09-20T12:00:00Z",
        "lines": [{"line_id": "l1", "net": 3_000}],
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


class Reply(Protocol):
    """What a test looks at of a response; its JSON is whatever the test says it is."""

    @property
    def status_code(self) -> int: ...
    @property
    def json(self) -> Any: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def mimetype(self) -> str: ...
    @property
    def headers(self) -> Headers: ...


@dataclass
class Shop:
    """One programme's key in use. ``code`` is its referrer's."""

    client: FlaskClient
    key: str
    code: str
    program_id: int
    headers: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Json,
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self.key}", **self.headers, **(headers or {})}
        if body is not None:
            more |= {"data": json.dumps(body), "content_type": "application/json"}
        return cast("Reply", self.client.open(PREFIX + path, method=method, headers=sent, **more))

    def get(self, path: str, **more: Json) -> Reply:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Json, **more: Json) -> Reply:
        return self.call("POST", path, body, **more)

    def put(self, path: str, body: Json, **more: Json) -> Reply:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Json) -> Reply:
        return self.call("DELETE", path, **more)

    def batch(self, lines: Iterable[Any], **more: Json) -> list[dict[str, Any]]:
        """The answers to facts, or to raw lines where a line is text."""
        data = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        answer = self.call("POST", "/batch", data=data.encode(), content_type="application/x-ndjson", **more)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def bind(self, customer: str = "c1", when: str = "2026-09-01T00:00:00Z") -> None:
        """Have the customer belong to the shop's referrer."""
        body = {"customer_id": customer, "referrer_code": self.code, "signed_up_at": when}
        answer = self.post("/signups", body)
        assert answer.status_code == 201, answer.text


def open_shop(
    services: Services,
    client: FlaskClient,
    slug: str = "hosting",
    scopes: Iterable[str] = ALL_SCOPES,
    **settings: Json,
) -> Shop:
    """A programme with products ``web`` (10 %) and ``mail`` (no rate), referrers ada and bob, and a key."""
    with services.db.transaction() as session:
        world = World.build(session, slug, **settings)
        made = create_api_key(
            session, program_id=world.program.id, name="shop", scopes=scopes, actor=ACTOR, now=clock.now()
        )
        return Shop(client, made.key, world.referrers["ada"].code, world.program.id)


def another_key(services: Services, shop: Shop, scopes: Iterable[str]) -> Shop:
    """The same programme through a key of fewer scopes."""
    with services.db.transaction() as session:
        made = create_api_key(
            session, program_id=shop.program_id, name="other", scopes=scopes, actor=ACTOR, now=clock.now()
        )
    return Shop(shop.client, made.key, shop.code, shop.program_id)
