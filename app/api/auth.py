"""Who calls: the key of the ``Authorization`` header, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from app.api.problems import NotAuthenticated
from app.identity.api_keys import ApiAccess, MissingScope, Scope, authenticate_api_key
from app.requests import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.api.limits import RequestLimit

_MAX_HEADER: Final = 200


def authenticated(limit: RequestLimit) -> ApiAccess:
    """The key of this request, counted against its limit.

    Raises :class:`NotAuthenticated` or :class:`app.api.problems.TooManyRequests`. The look-up reads, so that a flood
    of wrong keys never waits for, or holds up, a writer.
    """
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise NotAuthenticated("an API key is required, as Authorization: Bearer KEY")
    with services().db.reading() as session:
        access = authenticate_api_key(session, presented.strip()[:_MAX_HEADER])
    if access is None:
        raise NotAuthenticated("this API key is not known or was revoked")
    limit.count(access.key_id)
    return access


def require_any(access: ApiAccess, scopes: Sequence[Scope]) -> None:
    """Raises :class:`MissingScope`, naming the first, unless the key has one of the scopes."""
    if not any(scope.value in access.scopes for scope in scopes):
        raise MissingScope(scopes[0])
