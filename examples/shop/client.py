"""The one class that speaks HTTP to Refledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

type_of_body = Mapping[str, Any] | None
OK, RETRY = range(200, 300), frozenset({401, 403, 408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What Refledger said. `status` 0 means that no answer came: unreachable, or too slow."""

    status: int
    body: Mapping[str, Any]
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Recorded, now or at an earlier try (200 and 201), or parked until its order comes (202)."""
        return self.status in OK

    @property
    def worth_another_try(self) -> bool:
        """No answer, a server's fault, too many requests, or a key that somebody has yet to set right."""
        return self.status == 0 or self.status in RETRY or self.status >= 500  # noqa: PLR2004 - 5xx

    @property
    def words(self) -> str:
        """The answer in one line, for people."""
        if self.status == 0:
            return str(self.body.get("detail", "no answer"))
        detail = self.body.get("detail") or self.body.get("title") or ""
        return f"{self.status} {detail}".strip()


class RefledgerClient:
    """Calls the API of one programme. Never raises for what the network or the server does: see `Answer`."""

    def __init__(
        self, base_url: str, key: str, timeout_seconds: float, transport: httpx.BaseTransport | None = None
    ) -> None:
        """`key` belongs to one programme; a timeout bounds connecting, sending and reading each.

        `transport` replaces the network in tests.
        """
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1",
            headers={"Authorization": f"Bearer {key}", "User-Agent": "examples.shop"},
            timeout=timeout_seconds,
            trust_env=False,
            transport=transport,
        )

    def call(self, method: str, path: str, body: type_of_body = None) -> Answer:
        """Sends one request; `path` begins with a slash and is already quoted."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            return Answer(0, {"detail": f"Refledger did not answer ({type(error).__name__})"})
        retry_after = response.headers.get("Retry-After", "")
        return Answer(
            response.status_code,
            _json_object(response),
            float(retry_after) if retry_after.isdecimal() else None,
        )

    def close(self) -> None:
        """Lets go of open connections."""
        self._http.close()


def _json_object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def path_of(*parts: str) -> str:
    """`("orders", "2026/0012")` as `/orders/2026%2F0012`."""
    return "/" + "/".join(quote(part, safe="") for part in parts)
