"""How a programme looks, and who may frame it: what stands, and changing it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from sqlalchemy import select

from app.identity.audit import Actor, record_event
from app.identity.emails import InvalidEmail, clean_email
from app.kernel.errors import InvalidInput
from app.referrals.models import Program
from app.referrals.programs import HOST
from app.shopfront.contrast import accent
from app.shopfront.models import Look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

FRAMES: Final = "/framed/"
"""Under this path, followed by the programme's slug, its pages stand in a frame."""

MAX_NAME: Final = 80
MAX_LOGO: Final = 256 * 1024
"""Bytes of a logo: it is sent with every first page."""

MAX_FRAMES: Final = 20
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


class BadFrameHost(InvalidInput):
    """A site that cannot be let in."""

    def __init__(self, host: str, expected: str) -> None:
        self.host = host
        super().__init__(f"frame host {host!r}: expected {expected}", pointer="/frame_hosts")


def frame_origin(text: str, *, production: bool) -> str:
    """The origin of a site that may frame us: ``shop.example`` as ``https://shop.example``.

    https only; outside production also http on this machine, for trying it out. No wildcards: whoever may frame us
    may show a person of ours anything around it. Raises :class:`BadFrameHost`.
    """
    expected = "a host name such as shop.example, or https://shop.example:8443"
    spelled = text.strip().lower()
    try:
        parts = urlsplit(spelled if "://" in spelled else f"https://{spelled}")
        port = parts.port
    except ValueError:
        raise BadFrameHost(text, expected) from None
    bare = parts.netloc in {parts.hostname, f"{parts.hostname}:{port}"}
    if not bare or not HOST.fullmatch(parts.hostname or "") or parts.path.strip("/") or parts.query:
        raise BadFrameHost(text, expected)
    allowed = parts.scheme == "https" or (
        parts.scheme == "http" and not production and parts.hostname in _LOOPBACK
    )
    if not allowed or parts.fragment or (port is not None and not _PORT.fullmatch(str(port))):
        raise BadFrameHost(text, expected)
    return f"{parts.scheme}://{parts.netloc}"


def framed_program(
    session: Session, slug: str, *, production: bool
) -> tuple[Program, tuple[str, ...]] | None:
    """The programme of that name and the origins that may frame it; in production never one on http."""
    row = session.execute(
        select(Program, Look).outerjoin(Look, Look.program_id == Program.id).where(Program.slug == slug)
    ).one_or_none()
    if row is None:
        return None
    program, look = cast("tuple[Program, Look | None]", tuple(row))
    origins: Sequence[str] = look.frame_origins if look else ()
    return program, tuple(each for each in origins if not production or each.startswith("https://"))


def set_frame_hosts(
    session: Session,
    program: Program,
    hosts: Sequence[str],
    *,
    production: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Let these sites frame the programme's pages, and no others. Raises :class:`BadFrameHost`."""
    origins = sorted({frame_origin(host, production=production) for host in hosts})
    if len(origins) > MAX_FRAMES:
        raise BadFrameHost(origins[MAX_FRAMES], f"at most {MAX_FRAMES} hosts")
    look = own_look(session, program)
    if look.frame_origins == origins:
        return
    before, look.frame_origins = look.frame_origins, origins
    record_event(
        session,
        actor,
        "program.frames_set",
        f"program:{program.slug}",
        {"before": before, "after": origins},
        now=now,
        program_id=program.id,
    )


@dataclass(frozen=True, slots=True)
class LookSettings:
    """What may be said about a look: ``None`` leaves it as it is, an empty text takes it away."""

    brand: str | None = None
    accent_light: str | None = None
    accent_dark: str | None = None
    mail_name: str | None = None
    mail_from: str | None = None
    mail_reply_to: str | None = None


def set_look(
    session: Session, program: Program, wanted: LookSettings, *, actor: Actor, now: datetime
) -> None:
    """Change what is given, and nothing else. Raises ``InvalidInput`` naming the setting."""
    look = own_look(session, program)
    before, after = apply_look(look, wanted)
    if before == after:
        return
    details = {"before": before, "after": after}
    record_event(
        session,
        actor,
        "program.look_set",
        f"program:{program.slug}",
        details,
        now=now,
        program_id=program.id,
    )


def apply_look(look: Look, wanted: LookSettings) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Write what is given onto a row; what stood there and what stands now. Raises ``InvalidInput``."""
    given = {name: text for name, text in asdict(wanted).items() if text is not None}
    after = {name: _checked(name, text.strip()) if text.strip() else None for name, text in given.items()}
    before = {name: getattr(look, name) for name in after}
    for name, value in after.items():
        setattr(look, name, value)
    return before, after


def set_logo(
    session: Session, program: Program, picture: tuple[bytes, str] | None, *, actor: Actor, now: datetime
) -> None:
    """Show this picture, or none. ``picture`` is what the house drew anew, with its media type."""
    look = own_look(session, program)
    look.logo, look.logo_type = picture or (None, None)
    look.logo_hash = hashlib.sha256(picture[0]).hexdigest() if picture else None
    record_event(
        session,
        actor,
        "program.logo_set",
        f"program:{program.slug}",
        {"sha256": look.logo_hash},
        now=now,
        program_id=program.id,
    )


def find_logo(session: Session, name: str) -> tuple[bytes, str] | None:
    """The picture of that name (its SHA-256) and its media type."""
    look = session.scalars(select(Look).where(Look.logo_hash == name).limit(1)).one_or_none()
    if look is None or look.logo is None or look.logo_type is None:
        return None
    return look.logo, look.logo_type


def _checked(name: str, text: str) -> str:
    pointer = f"/{name}"
    match name:
        case "accent_light" | "accent_dark":
            return accent(text, name.removeprefix("accent_"), pointer).colour
        case "mail_from" | "mail_reply_to":
            try:
                return clean_email(text)
            except InvalidEmail as error:
                raise InvalidInput(f"{name}: {error.detail}", pointer=pointer) from error
        case _:
            if len(text) > MAX_NAME or not text.isprintable():
                raise InvalidInput(
                    f"{name}: expected at most {MAX_NAME} printable characters", pointer=pointer
                )
            return text


def own_look(session: Session, program: Program) -> Look:
    """The programme's row, made if there is none."""
    look = session.get(Look, program.id)
    if look is None:
        look = Look(program_id=program.id, frame_origins=[])
        session.add(look)
    return look
