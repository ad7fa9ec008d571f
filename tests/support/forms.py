"""The pages and forms of a site, found the way a person finds them: by following links from what needs no id."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from lxml import html
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask
    from lxml.html import HtmlElement
    from werkzeug.routing import MapAdapter

    from tests.web.pages.conftest import Browser

TYPED: Final = frozenset({"text", "email", "search", "tel", "url", "textarea", "number", "date", "month"})
"""Kinds of fields that a person types into and that are shown again."""

_PER_ENDPOINT: Final = 2
"""How many pages of one kind are looked at: a run that is a draft has other forms than one that is closed."""

_NOT_FOLLOWED: Final = ("/static/", "/r/", "/b/", "/pictures/", "/api/", "/dev/")
_SAME_PAGE: Final = re.compile(r"[?&](sort|after|before|days|by)=")
"""Another order or another part of a list that was seen."""


@dataclass(frozen=True)
class Field:
    """One field with what it holds; ``kind`` is the input's type, ``textarea`` or ``select``."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Form:
    """A form of the page ``path``; ``endpoint`` takes it."""

    path: str
    action: str
    method: str
    endpoint: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields)

    @property
    def typed(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.kind in TYPED)


class Walk:
    """Follows one person's links. ``pages`` maps endpoints to their addresses, ``forms`` is what stands on them."""

    def __init__(self, app: Flask, read: Callable[[str], str | None]) -> None:
        """``read`` gives the page of an address, ``None`` where there is no page."""
        self._app, self._read = app, read
        self._seen: Counter[str] = Counter()
        self._known: set[str] = set()
        self.pages: dict[str, list[str]] = {}
        self.forms: dict[tuple[str, frozenset[str]], Form] = {}

    def begin(self) -> Walk:
        """Start from every address that needs no id."""
        adapter = self._adapter()
        rules = [rule for rule in self._app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        waiting = [adapter.build(rule.endpoint) for rule in rules if not rule.arguments]
        while waiting:
            waiting += self._visit(waiting.pop(0))
        return self

    def _adapter(self) -> MapAdapter:
        return self._app.url_map.bind("localhost")

    def _visit(self, address: str) -> Iterable[str]:
        endpoint = self.endpoint(address, "GET")
        if address in self._known or endpoint is None or address.startswith(_NOT_FOLLOWED):
            return []
        if _SAME_PAGE.search(address):
            return []
        self._known.add(address)
        if self._seen[endpoint] >= _PER_ENDPOINT:
            return []
        page = self._read(address)
        if page is None:
            return []
        self._seen[endpoint] += 1
        self.pages.setdefault(endpoint, []).append(address)
        root = parsed(page)
        for form in forms_of(root, address, self):
            self.forms.setdefault((form.endpoint, form.names), form)
        return [target for link in root.iter("a") if (target := self._local(address, link.get("href", "")))]

    def _local(self, page: str, href: str) -> str:
        parts = urlsplit(urljoin(f"http://localhost{page}", href))
        if parts.netloc != "localhost":
            return ""
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def endpoint(self, address: str, method: str) -> str | None:
        """Which view answers an address."""
        try:
            found, _arguments = self._adapter().match(urlsplit(address).path, method=method)
        except HTTPException:
            return None
        return str(found)


def reader(browser: Browser) -> Callable[[str], str | None]:
    """Reads pages as this browser of a test gets them."""

    def read(address: str) -> str | None:
        answer = browser.get(address)
        page = answer.text if answer.status_code == 200 and answer.mimetype == "text/html" else None
        answer.close()
        return page

    return read


def parsed(page: str) -> HtmlElement:
    """The page as a tree."""
    return html.document_fromstring(page.replace("\x00", ""))


def forms_of(root: HtmlElement, path: str, walk: Walk) -> list[Form]:
    """The forms of a page but for those in header and footer, which every page has."""
    found = []
    for form in root.iter("form"):
        if any(above.tag in {"header", "footer"} for above in form.iterancestors()):
            continue
        method = form.get("method", "get").upper()
        action = urljoin(path, form.get("action") or path)
        endpoint = walk.endpoint(action, method)
        if endpoint is not None:
            found.append(Form(path, action, method, endpoint, tuple(_fields(form))))
    return found


def _fields(form: HtmlElement) -> list[Field]:
    found = []
    for each in form.iter("input", "select", "textarea"):
        name, tag = each.get("name"), str(each.tag)
        kind = each.get("type", "text") if tag == "input" else tag
        if (
            name
            and kind not in {"submit", "button"}
            and not (kind == "radio" and "checked" not in each.attrib)
        ):
            found.append(Field(name, kind, _value(each, kind)))
    return found


def _value(each: Any, kind: str) -> str:
    if kind == "textarea":
        return str(each.text or "").removeprefix("\n")
    if kind == "select":
        chosen = [option.get("value") for option in each.iter("option") if "selected" in option.attrib]
        options = [option.get("value") for option in each.iter("option")]
        return next(iter([*chosen, *options]), "") or ""
    return str(each.get("value", "on" if kind == "checkbox" else ""))
