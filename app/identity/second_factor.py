"""What logging in takes besides the password: codes of an authenticator app, and recovery codes for when it is lost.

Passkeys are the other way (``passkeys.py``); ``User.second_factor_at`` says whether a person has either.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final, cast

from pyotp import TOTP
from sqlalchemy import CursorResult, delete, func, or_, select, update

from app.identity.audit import Actor, record_event
from app.identity.models import Authenticator, Passkey, RecoveryCode
from app.identity.sessions import revoke_all
from app.kernel import ids
from app.kernel.errors import Conflict
from app.kernel.sealed import SealedColumn

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Executable
    from sqlalchemy.orm import Session

    from app.identity.models import User
    from app.kernel.crypto import Keyring

RECOVERY_CODES: Final = 10
"""How many are made at once."""

SECRET_CHARS: Final = 32
"""Of the secret in base32: 160 bits, the length of SHA-1's output (RFC 4226, 4: R6)."""

_STEP: Final = 30
_DRIFT: Final = 1
"""Steps that a phone's clock may be early or late."""

_CODE_CHARS: Final = 12
"""Of a recovery code: 60 bits, kept under a key besides."""

_PURPOSE: Final = "recovery-code"
_MISREAD: Final = str.maketrans("oil", "011")
_BLANKS: Final = re.compile(r"[\s-]+")
_SIX_DIGITS: Final = re.compile(r"[0-9]{6}", re.ASCII)
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class HasAuthenticator(Conflict):
    """There is an app already; it has to be removed before another one is set up."""

    title = "An authenticator app is set up already"

    def __init__(self) -> None:
        super().__init__("remove the authenticator app that is set up before you set up another one")


def sealing_aad(user_id: int) -> bytes:
    """Whose secret the sealed bytes are: copied to another person's row they open nothing."""
    return f"authenticator:{user_id}".encode()


SEALED_SECRETS: Final = SealedColumn(Authenticator.secret_sealed, (Authenticator.user_id,), sealing_aad)
"""For the rotation of keys."""


def authenticator_of(session: Session, user_id: int) -> Authenticator | None:
    """The app of a person, also one that waits for its first code."""
    return session.scalar(select(Authenticator).where(Authenticator.user_id == user_id))


def begin_authenticator(session: Session, keyring: Keyring, user: User, *, now: datetime) -> None:
    """Make a secret for a person's app, in the place of one that was never confirmed. Raises HasAuthenticator."""
    row = authenticator_of(session, user.id)
    if row is not None and row.confirmed_at is not None:
        raise HasAuthenticator
    secret = "".join(_BASE32[byte & 31] for byte in ids.token_bytes(SECRET_CHARS))
    if row is None:
        row = Authenticator(user_id=user.id, last_step=0)
        session.add(row)
    row.secret_sealed = keyring.seal(secret.encode(), sealing_aad(user.id))
    row.created_at = now


def secret_of(keyring: Keyring, row: Authenticator) -> str:
    """The secret as the app takes it, in base32."""
    return keyring.open(row.secret_sealed, sealing_aad(row.user_id)).decode()


def provisioning_uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code says (Google's Key URI Format)."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def confirm_authenticator(
    session: Session, keyring: Keyring, user: User, code: str, *, keep: int, now: datetime
) -> list[str] | None:
    """Take the app's first code; the recovery codes to show, empty where the person has some left.

    ``None`` where the code is not the app's. Every other session than ``keep`` ends: whoever got in with the password
    alone is out.
    """
    row = authenticator_of(session, user.id)
    if row is None or row.confirmed_at is not None:
        return None
    if not _take_code(session, keyring, row, code, now):
        return None
    row.confirmed_at = now
    return gain_factor(session, keyring, user, "authenticator", keep=keep, now=now)


def gain_factor(
    session: Session, keyring: Keyring, user: User, kind: str, *, keep: int, now: datetime
) -> list[str]:
    """Write down that a person has a factor of this kind; recovery codes where they had none left."""
    revoke_all(session, user.id, now=now, but=keep)
    user.second_factor_at = user.second_factor_at or now
    record_event(
        session, Actor.user(user), "user.factor_added", f"user:{user.public_id}", {"kind": kind}, now=now
    )
    return [] if codes_left(session, user.id) else new_recovery_codes(session, keyring, user, now=now)


def remove_authenticator(session: Session, user: User, *, actor: Actor, now: datetime) -> bool:
    """Take the app away; whether there was a confirmed one."""
    row = authenticator_of(session, user.id)
    if row is None:
        return False
    confirmed = row.confirmed_at is not None
    session.delete(row)
    session.flush()
    if confirmed:
        lose_factor(session, user, "authenticator", actor=actor, now=now)
    return confirmed


def lose_factor(session: Session, user: User, kind: str, *, actor: Actor, now: datetime) -> None:
    """Write down that a factor is gone; with the last one go the recovery codes."""
    subject = f"user:{user.public_id}"
    record_event(session, actor, "user.factor_removed", subject, {"kind": kind}, now=now)
    if not _has_any(session, user.id):
        user.second_factor_at = None
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def reset_factors(session: Session, user: User, *, actor: Actor, now: datetime) -> bool:
    """Take every factor of a person who lost them, and end their sessions; whether there was any."""
    if user.second_factor_at is None:
        return False
    forget_factors(session, user.id)
    user.second_factor_at = None
    revoke_all(session, user.id, now=now)
    record_event(session, actor, "user.factors_reset", f"user:{user.public_id}", now=now)
    return True


def reset_newer_factors(
    session: Session, user: User, since: datetime, *, actor: Actor, now: datetime
) -> bool:
    """Take what was set up from ``since`` on, recovery codes too, and leave what is older; whether there was any."""
    newer = (
        delete(Authenticator).where(
            Authenticator.user_id == user.id,
            or_(Authenticator.created_at >= since, Authenticator.confirmed_at >= since),
        ),
        delete(Passkey).where(Passkey.user_id == user.id, Passkey.created_at >= since),
        delete(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.created_at >= since),
    )
    if not sum(_count(session, each) for each in newer):
        return False
    if not _has_any(session, user.id):
        forget_factors(session, user.id)
        user.second_factor_at = None
    record_event(session, actor, "user.factors_reset", f"user:{user.public_id}", now=now)
    return True


def forget_factors(session: Session, user_id: int) -> None:
    """Delete what is kept of a person's factors."""
    for model in (Authenticator, RecoveryCode, Passkey):
        session.execute(delete(model).where(model.user_id == user_id))


def new_recovery_codes(session: Session, keyring: Keyring, user: User, *, now: datetime) -> list[str]:
    """Ten codes in the place of those that there were. They are not kept in a readable form: show them now."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [ids.random_id("", _CODE_CHARS) for _number in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(user_id=user.id, code_key=_key(keyring, user.id, code), created_at=now) for code in codes
    )
    subject = f"user:{user.public_id}"
    record_event(session, Actor.user(user), "user.recovery_codes_made", subject, now=now)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes a person has not used."""
    wanted = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(wanted) or 0


def code_is_right(session: Session, keyring: Keyring, user: User, code: str, *, now: datetime) -> bool:
    """Whether this is a code of the person's app, or one of their recovery codes; from now on it is used.

    Call it after the attempt was counted: six digits can be guessed.
    """
    text = _BLANKS.sub("", code)
    if _SIX_DIGITS.fullmatch(text):
        row = authenticator_of(session, user.id)
        return (
            row is not None and row.confirmed_at is not None and _take_code(session, keyring, row, text, now)
        )
    return _use_recovery_code(session, keyring, user, text, now)


def _take_code(session: Session, keyring: Keyring, row: Authenticator, code: str, now: datetime) -> bool:
    text = _BLANKS.sub("", code)
    if _SIX_DIGITS.fullmatch(text) is None:
        return False
    totp = TOTP(secret_of(keyring, row))
    this = int(now.timestamp()) // _STEP
    # The latest step first: a code that fits two steps must not leave the later one open.
    steps = range(this + _DRIFT, this - _DRIFT - 1, -1)
    matching = next((step for step in steps if compare_digest(totp.generate_otp(step), text)), None)
    if matching is None:
        return False
    # The race: two requests with one code, read off a shoulder. One moves the step on, the other finds it moved.
    moved = update(Authenticator).where(Authenticator.id == row.id, Authenticator.last_step < matching)
    return _count(session, moved.values(last_step=matching)) == 1


def _use_recovery_code(session: Session, keyring: Keyring, user: User, text: str, now: datetime) -> bool:
    # The same race as with the app's codes: the row is used by whoever writes it first.
    used = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id,
        RecoveryCode.code_key == _key(keyring, user.id, text.lower().translate(_MISREAD)),
        RecoveryCode.used_at.is_(None),
    )
    if _count(session, used.values(used_at=now)) != 1:
        return False
    details = {"left": codes_left(session, user.id)}
    subject = f"user:{user.public_id}"
    record_event(session, Actor.user(user), "user.recovery_code_used", subject, details, now=now)
    return True


def _has_any(session: Session, user_id: int) -> bool:
    app = select(Authenticator.id).where(
        Authenticator.user_id == user_id, Authenticator.confirmed_at.is_not(None)
    )
    passkey = select(Passkey.id).where(Passkey.user_id == user_id)
    return session.scalar(app.union_all(passkey).limit(1)) is not None


def _key(keyring: Keyring, user_id: int, code: str) -> str:
    return keyring.index(_PURPOSE, f"{user_id}:{code}")


def _count(session: Session, statement: Executable) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
