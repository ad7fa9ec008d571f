"""Keeps the `ref` of a landing page: in a cookie after consent, before that in URLs and forms."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Response, g, has_request_context, request

CONSENT, CLICKS = "shop_consent", "shop_clicks"
KEEP_SECONDS = 30 * 24 * 3600
MOST_CLICKS = 5
_CLICK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def install(app: Flask) -> None:
    """Makes every URL of the shop carry the click id until a cookie may do so."""
    app.url_defaults(_carry)
    app.after_request(_remember)
    app.context_processor(lambda: {"ask_consent": asks_consent(), "carried_ref": carried()})


def presented() -> str | None:
    """The click id in this request's URL or form, if it has the form of one."""
    value = request.values.get("ref", "")
    return value if _CLICK_ID.fullmatch(value) else None


def consent() -> str | None:
    """`"yes"`, `"no"`, or None when the visitor has not been asked."""
    answer = getattr(g, "consent", None) or request.cookies.get(CONSENT)
    return answer if answer in {"yes", "no"} else None


def clicks() -> list[str]:
    """The visitor's click ids, oldest first, at most five: the remembered ones and the one just presented."""
    remembered = request.cookies.get(CLICKS, "").split(".") if consent() == "yes" else []
    ids = [value for value in remembered if _CLICK_ID.fullmatch(value)]
    new = presented()
    if new:
        ids = [value for value in ids if value != new] + [new]
    return ids[-MOST_CLICKS:]


def carried() -> str | None:
    """The click id that links and forms must carry, because no cookie holds it."""
    return presented() if has_request_context() and consent() != "yes" else None


def asks_consent() -> bool:
    """Whether to ask: somebody recommended the shop, and the visitor has not answered yet."""
    return presented() is not None and consent() is None


def answer_consent(answer: str) -> None:
    """Takes the visitor's answer; it holds for this request already."""
    g.consent = "yes" if answer == "yes" else "no"


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    ref = carried()
    if ref and endpoint != "static":
        values.setdefault("ref", ref)


def _remember(response: Response) -> Response:
    """Sets the cookies: the answer itself, and the click ids only where the answer is yes."""
    answered = getattr(g, "consent", None)
    if answered:
        response.set_cookie(CONSENT, answered, max_age=KEEP_SECONDS, httponly=True, samesite="Lax")
    if consent() == "yes" and presented():
        response.set_cookie(CLICKS, ".".join(clicks()), max_age=KEEP_SECONDS, httponly=True, samesite="Lax")
    return response
