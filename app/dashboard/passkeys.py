"""What a device is asked, kept in the browser's signed cookie until it answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from flask import g
from flask import session as browser

from app.dashboard.forms.passkeys import PasskeyForm
from app.identity.login import who
from app.identity.passkeys import MAX_ANSWER, Asked, PasskeyParty, PasskeyRefused, passkeys_of
from app.requests import services, session

if TYPE_CHECKING:
    from collections.abc import Mapping

_ASKED: Final = "passkey"
LOGIN: Final = "login"
AGAIN: Final = "again"


def party() -> PasskeyParty:
    """We, as devices know us."""
    return PasskeyParty(services().settings.public_url)


def passkey_form() -> PasskeyForm | None:
    """The button of the login pages; ``None`` where devices would not accept our address."""
    return PasskeyForm(formdata=None) if party().usable else None


def has_passkey() -> bool:
    """Whether the person of this request could show one; asked once a request."""
    me = who()
    if me is None or not party().usable:
        return False
    if "has_passkey" not in g:
        g.has_passkey = bool(passkeys_of(session(), me.user_id))
    return bool(g.has_passkey)


def remember_asked(asked: Asked) -> None:
    """Keep the challenge; an earlier one that was not answered is void."""
    browser[_ASKED] = [asked.challenge, asked.purpose, asked.at]


def answered(raw: str) -> tuple[Asked, Mapping[str, Any]]:
    """The challenge that this browser holds, and what the device says. Raises ``PasskeyRefused``."""
    match browser.pop(_ASKED, None):
        case [str(challenge), str(purpose), int(at)]:
            asked = Asked(challenge, purpose, at)
        case _:
            raise PasskeyRefused
    try:
        answer = json.loads(raw[:MAX_ANSWER])
    except ValueError as error:
        raise PasskeyRefused from error
    if not isinstance(answer, dict):
        raise PasskeyRefused
    return asked, answer
