"""Passkeys (WebAuthn): a key pair of a person's device, unlocked there by finger, face or PIN.

A passkey with that unlocking is two factors by itself, so it logs in alone. The challenge travels in the browser's
signed cookie with its time and purpose, so that asking for one writes nothing; the answered ones are kept here until
they are too old, so that no answer counts twice.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import delete, select

from app.identity.models import Passkey, PasskeyAnswer, User
from app.identity.second_factor import gain_factor, lose_factor
from app.kernel import ids
from app.kernel.db import insert_or_ignore
from app.kernel.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.kernel.crypto import Keyring

VALID_FOR: Final = timedelta(minutes=5)
"""How long a device may take to answer."""

MOST: Final = 20
"""Passkeys of one person."""

MAX_NAME: Final = 80
MAX_ANSWER: Final = 16_000
"""Characters of what a device answers."""

_CHALLENGE: Final = 32
_REQUIRED: Final = UserVerificationRequirement.REQUIRED
_NAME: Final = "Refledger"


class PasskeyRefused(InvalidInput):
    """The answer of the device is not one that we asked for. Why is not told."""

    title = "Passkey refused"

    def __init__(self) -> None:
        super().__init__("this passkey was not accepted", pointer="/passkey")


class TooManyPasskeys(Conflict):
    """There are enough."""

    title = "Too many passkeys"

    def __init__(self) -> None:
        super().__init__(f"a person has at most {MOST} passkeys")


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge, as the browser's signed cookie holds it."""

    challenge: str
    purpose: str
    at: int

    def is_open(self, purpose: str, now: datetime) -> bool:
        """Whether an answer for this purpose still counts."""
        return self.purpose == purpose and 0 <= now.timestamp() - self.at < VALID_FOR.total_seconds()


@dataclass(frozen=True)
class PasskeyParty:
    """We, as devices know us: by the host of ``PUBLIC_URL``."""

    public_url: str

    @property
    def host(self) -> str:
        """The relying party's id."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def usable(self) -> bool:
        """Whether devices accept the host: a name, and https unless it is this very machine (WebAuthn, 5.1.3)."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            secure = self.public_url.startswith("https://")
            return secure or self.host == "localhost" or self.host.endswith(".localhost")
        return False

    def ask_new(self, session: Session, user: User, now: datetime) -> tuple[dict[str, Any], Asked]:
        """What a device needs for a new passkey, and the challenge. Raises :class:`TooManyPasskeys`."""
        there = passkeys_of(session, user.id)
        if len(there) >= MOST:
            raise TooManyPasskeys
        challenge = ids.token_bytes(_CHALLENGE)
        options, _state = self._server.register_begin(
            PublicKeyCredentialUserEntity(
                # Random, and the same for all passkeys of a person: it is kept on the device (WebAuthn, 14.6.1).
                id=user.public_id.encode(),
                name=user.email,
                display_name=user.name or user.email,
            ),
            [_data(each) for each in there],
            ResidentKeyRequirement.REQUIRED,
            _REQUIRED,
            challenge=challenge,
        )
        return dict(options.public_key), _asked(challenge, "new", now)

    def ask_known(self, now: datetime, purpose: str) -> tuple[dict[str, Any], Asked]:
        """What a device needs to say who it is."""
        challenge = ids.token_bytes(_CHALLENGE)
        options, _state = self._server.authenticate_begin(None, _REQUIRED, challenge=challenge)
        return dict(options.public_key), _asked(challenge, purpose, now)

    def take_new(
        self, session: Session, asked: Asked, answer: Mapping[str, Any], *, now: datetime
    ) -> AttestedCredentialData:
        """The credential that a device made, and that nobody has yet. Raises :class:`PasskeyRefused`."""
        self._spend(session, asked, "new", now)
        try:
            made = self._server.register_complete(_state(asked), answer).credential_data
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PasskeyRefused from error
        if made is None or _by_hash(session, _hash(made.credential_id)) is not None:
            raise PasskeyRefused
        return made

    def take_known(
        self, session: Session, asked: Asked, answer: Mapping[str, Any], *, purpose: str, now: datetime
    ) -> User:
        """Whose passkey answered. Raises :class:`PasskeyRefused`, also for somebody who was disabled."""
        self._spend(session, asked, purpose, now)
        try:
            response = AuthenticationResponse.from_dict(answer)
            row = _by_hash(session, _hash(response.raw_id))
            known = [_data(row)] if row is not None else []
            self._server.authenticate_complete(_state(asked), known, response)
            count = response.response.authenticator_data.counter
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PasskeyRefused from error
        user = session.get(User, row.user_id) if row is not None else None
        if row is None or user is None or user.disabled_at is not None:
            raise PasskeyRefused
        # A counter that does not move on is a copy of the device (WebAuthn, 7.2, step 22); many devices count nothing.
        if (count or row.sign_count) and count <= row.sign_count:
            raise PasskeyRefused
        row.sign_count, row.used_at = count, now
        return user

    @property
    def _server(self) -> Fido2Server:
        parts = urlsplit(self.public_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        entity = PublicKeyCredentialRpEntity(name=_NAME, id=self.host)
        return Fido2Server(entity, verify_origin=lambda said: said == origin)

    def _spend(self, session: Session, asked: Asked, purpose: str, now: datetime) -> None:
        """Use a challenge up. Two answers to one: the row of the first refuses the second."""
        if not asked.is_open(purpose, now):
            raise PasskeyRefused
        session.execute(delete(PasskeyAnswer).where(PasskeyAnswer.answered_at < now - VALID_FOR))
        row = {"challenge_hash": _hash(asked.challenge.encode()), "answered_at": now}
        if not insert_or_ignore(session, PasskeyAnswer, [row], key=("challenge_hash",)):
            raise PasskeyRefused


def keep_passkey(
    session: Session,
    keyring: Keyring,
    user: User,
    made: AttestedCredentialData,
    name: str,
    *,
    keep: int,
    now: datetime,
) -> list[str]:
    """Keep a new passkey under a name; the recovery codes to show, empty where the person has some left."""
    session.add(
        Passkey(
            public_id=ids.random_id("psk_"),
            user_id=user.id,
            name=clean_passkey_name(name),
            credential_hash=_hash(made.credential_id),
            credential=bytes(made),
            sign_count=0,
            created_at=now,
        )
    )
    session.flush()
    return gain_factor(session, keyring, user, "passkey", keep=keep, now=now)


def rename_passkey(row: Passkey, name: str) -> None:
    """Give it another name. Raises ``InvalidInput``."""
    row.name = clean_passkey_name(name)


def remove_passkey(session: Session, user: User, row: Passkey, *, actor: Actor, now: datetime) -> None:
    """Take a passkey away; it opens nothing any more."""
    session.delete(row)
    session.flush()
    lose_factor(session, user, "passkey", actor=actor, now=now)


def passkeys_of(session: Session, user_id: int) -> list[Passkey]:
    """A person's passkeys, oldest first."""
    return list(session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def passkey_of(session: Session, user_id: int, public_id: str) -> Passkey | None:
    """One of them."""
    wanted = select(Passkey).where(Passkey.user_id == user_id, Passkey.public_id == public_id)
    return session.scalar(wanted)


def clean_passkey_name(raw: str) -> str:
    """A name with single spaces, at most 80 characters. Raises ``InvalidInput``."""
    name = " ".join(raw.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(
            f"a passkey needs a name of at most {MAX_NAME} printable characters", pointer="/name"
        )
    return name


def _asked(challenge: bytes, purpose: str, now: datetime) -> Asked:
    return Asked(websafe_encode(challenge), purpose, int(now.timestamp()))


def _state(asked: Asked) -> dict[str, Any]:
    return {"challenge": asked.challenge, "user_verification": _REQUIRED}


def _data(row: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(row.credential)


def _by_hash(session: Session, credential_hash: str) -> Passkey | None:
    return session.scalar(select(Passkey).where(Passkey.credential_hash == credential_hash))


def _hash(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
