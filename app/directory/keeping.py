"""What staff keep: whether the programme has a directory, and the list of what partners can be good at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from app.directory.domain.texts import clean_line
from app.directory.errors import ExpertiseNotFound, ExpertiseThere
from app.directory.models import Directory, Expertise
from app.identity.audit import record_event
from app.kernel.db import insert_or_ignore

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program

EXPERTISE: Final = 60
"""Characters of an expertise's name."""


class Names(NamedTuple):
    """An expertise in the three languages of the pages."""

    en: str
    nl: str
    de: str

    def checked(self) -> Names:
        """Tidied. Raises ``InvalidInput``."""
        return Names(
            clean_line(self.en, "/name_en", most=EXPERTISE),
            clean_line(self.nl, "/name_nl", most=EXPERTISE),
            clean_line(self.de, "/name_de", most=EXPERTISE),
        )


def set_directory(session: Session, program: Program, *, is_open: bool, actor: Actor, now: datetime) -> None:
    """Open the programme's directory to the public, or close it; profiles and ratings stay. Again changes nothing."""
    row = {"program_id": program.id, "is_open": is_open, "changed_at": now}
    if not insert_or_ignore(session, Directory, [row], key=("program_id",)):
        found = session.get_one(Directory, program.id)
        if found.is_open == is_open:
            return
        found.is_open, found.changed_at = is_open, now
    action = "directory.opened" if is_open else "directory.closed"
    record_event(session, actor, action, f"program:{program.slug}", now=now, program_id=program.id)


def add_expertise(session: Session, program: Program, names: Names, *, actor: Actor, now: datetime) -> int:
    """Put it on the list; a retired one of that English name comes back. Its key. Raises :class:`ExpertiseThere`,
    ``InvalidInput``.
    """
    names = names.checked()
    row = {"program_id": program.id, "name_en": names.en, "name_nl": names.nl, "name_de": names.de}
    new = insert_or_ignore(session, Expertise, [row], key=("program_id", "name_en"))
    found = session.scalars(
        select(Expertise).where(Expertise.program_id == program.id, Expertise.name_en == names.en)
    ).one()
    if not new and found.retired_at is None:
        raise ExpertiseThere(names.en)
    found.name_nl, found.name_de, found.retired_at = names.nl, names.de, None
    _record(session, program, found, "expertise.added", actor, now)
    return found.id


def retire_expertise(session: Session, program: Program, key: int, *, actor: Actor, now: datetime) -> None:
    """Offer it no longer; profiles that have it keep it until they are changed. Again changes nothing.

    Raises :class:`ExpertiseNotFound`.
    """
    found = session.get(Expertise, key)
    if found is None or found.program_id != program.id:
        raise ExpertiseNotFound(key)
    if found.retired_at is None:
        found.retired_at = now
        _record(session, program, found, "expertise.retired", actor, now)


def _record(
    session: Session, program: Program, row: Expertise, action: str, actor: Actor, now: datetime
) -> None:
    details = {"name": row.name_en}
    record_event(session, actor, action, f"expertise:{row.id}", details, now=now, program_id=program.id)
