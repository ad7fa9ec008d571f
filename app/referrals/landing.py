"""Where a referral code leads: one indexed read, remembered for a few seconds by each process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from app.kernel import clock
from app.kernel.db import UtcDateTime
from app.referrals.domain.deep_link import ascii_url, split_for_ref
from app.referrals.merged import standing_for, stands_at
from app.referrals.models import ConsentMode, Program, ProgramTerms, Referrer, ReferrerStatus

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_log = structlog.get_logger(__name__)

KNOWN_SECONDS: Final = 4.0
"""A suspension must hold within 5 seconds; the rest is room for the read."""

UNKNOWN_SECONDS: Final = 5.0
_CODE: Final = re.compile(r"[a-z0-9-]{3,32}", re.ASCII)
_RETRY_SECONDS: Final = 1.0
_MOST_UNKNOWN: Final = 10_000
_DAY: Final = 86_400
_DEFAULT_WINDOW: Final = 30


class Link(NamedTuple):
    """A link whose tag was verified. ``tail`` is the part of its click ids that is always the same."""

    campaign: str
    tail: bytes


class Landing(NamedTuple):
    """What the redirect needs to know of a code.

    ``url`` is the landing page as ASCII; with a click id it is ``before_ref + click_id + after_ref``. ``hosts`` may be
    the aim of a deep link. ``active`` says that the referrer's links attribute; ``cookies`` that the programme's
    consent mode allows the cookie, which lives for the attribution window. ``links`` remembers the paths under the
    code whose tag was verified.
    """

    code: str
    program_id: int
    program: str
    referrer_id: int
    active: bool
    url: str
    before_ref: str
    after_ref: str
    hosts: frozenset[str]
    cookies: bool
    cookie_seconds: int
    links: dict[str, Link]


_WINDOW: Final = (
    select(ProgramTerms.window_days)
    .where(
        ProgramTerms.program_id == Program.id, ProgramTerms.valid_from <= bindparam("now", type_=UtcDateTime)
    )
    .order_by(ProgramTerms.valid_from.desc())
    .limit(1)
    .scalar_subquery()
)
_READ: Final = (
    select(
        Program.id,
        Program.slug,
        Program.landing_url,
        Program.hosts,
        Program.consent_mode,
        Referrer.id,
        Referrer.status,
        _WINDOW,
    )
    .join(Program, Program.id == Referrer.program_id)
    .where(Referrer.code == bindparam("code"))
)


def _standing(session: Session, referrer_id: int, status: ReferrerStatus) -> tuple[int, ReferrerStatus]:
    """Whom the clicks are for: of a referrer that was merged, who stands for it now."""
    if status is not ReferrerStatus.LEFT:
        return referrer_id, status
    now = stands_at(referrer_id, clock.now(), standing_for(session, [referrer_id]))
    return (referrer_id, status) if now == referrer_id else (now, session.get_one(Referrer, now).status)


@dataclass(slots=True)
class _Kept:
    landing: Landing | None
    until: float


class Landings:
    """The landings of one database, each read at most every few seconds by each process.

    While one thread reads a code anew the others go on with what is known. If the database is away, what is known
    serves as long as it takes; a code that is not known is then treated like one that does not exist.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, _Kept] = {}
        self._unknown: dict[str, float] = {}
        self._away_until = 0.0

    def known(self, code: str) -> bool:
        """Whether :meth:`find` answers from memory, without a read that others would wait for."""
        now = monotonic()
        kept = self._known.get(code)
        return now < kept.until if kept is not None else now < self._unknown.get(code, 0.0)

    def find(self, code: str) -> Landing | None:
        """Where a code leads, or ``None`` for an unknown code. Never raises for a database that is away."""
        now = monotonic()
        kept = self._known.get(code)
        if kept is not None:
            if now < kept.until:
                return kept.landing
            kept.until = now + _RETRY_SECONDS
        elif now < self._unknown.get(code, 0.0) or now < self._away_until or not _CODE.fullmatch(code):
            return None
        try:
            landing = self._read(code)
        except SQLAlchemyError as error:
            self._away_until = monotonic() + _RETRY_SECONDS
            _log.warning("landing_not_read", code=code, error=type(error).__name__)
            return kept.landing if kept else None
        self._keep(code, landing)
        return landing

    def _keep(self, code: str, landing: Landing | None) -> None:
        if landing is not None:
            self._known[code] = _Kept(landing, monotonic() + KNOWN_SECONDS)
            return
        if len(self._unknown) >= _MOST_UNKNOWN:
            self._unknown.clear()
        self._known.pop(code, None)
        self._unknown[code] = monotonic() + UNKNOWN_SECONDS

    def _read(self, code: str) -> Landing | None:
        with self._db.reading() as session:
            # On the connection: nothing is mapped here, and this is the part of a click that costs most.
            row = session.connection().execute(_READ, {"code": code, "now": clock.now()}).one_or_none()
            if row is None:
                return None
            referrer_id, status = _standing(session, row[5], row[6])
        program_id, slug, landing_url, hosts, consent, _own_id, _own_status, window_days = row
        url = ascii_url(landing_url)
        before, after = split_for_ref(url)
        return Landing(
            code=code,
            program_id=program_id,
            program=slug,
            referrer_id=referrer_id,
            active=status is ReferrerStatus.ACTIVE,
            url=url,
            before_ref=before,
            after_ref=after,
            hosts=frozenset(hosts),
            cookies=consent is ConsentMode.EXEMPT,
            cookie_seconds=(window_days or _DEFAULT_WINDOW) * _DAY,
            links={},
        )
