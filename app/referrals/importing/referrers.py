"""Referrers from another tool: each joins as anybody does, without having accepted terms; no mail unless asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.identity.emails import clean_email
from app.kernel.crypto import email_key
from app.referrals.importing import values
from app.referrals.importing.errors import LineRefused, blaming
from app.referrals.importing.lines import Item, Lines, State, Verdict, code_of
from app.referrals.models import Referrer
from app.referrals.referrers import LOCALES, MAX_NAME, Joining, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.kernel.crypto import Keyring
    from app.referrals.models import Program

_STATES: Final = {
    "": True,
    "active": True,
    "approved": True,
    "confirmed": True,
    "accepted": True,
    "enabled": True,
}
"""Words of the tools for somebody who takes part."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Who is to join; ``code`` is null where one is to be made."""

    name: str
    email: str
    key: str
    code: str | None
    locale: str


class ReferrerLines(Lines[Incoming]):
    """``invite(session, program, incoming, now)`` makes an account, mails its link and answers the account's id."""

    def __init__(
        self,
        keyring: Keyring,
        actor: Actor,
        *,
        prefix: str = "",
        invite: Callable[[Session, Program, Incoming, datetime], int | None] | None = None,
    ) -> None:
        self._keyring, self._actor, self._prefix, self._invite = keyring, actor, prefix, invite

    def read(self, cells: Mapping[str, str]) -> Incoming:
        """Read the cells of a line."""
        name = values.name_of(
            cells.get("name") or f"{cells.get('first_name', '')} {cells.get('last_name', '')}"
        )
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise LineRefused(f"name: expected 1 to {MAX_NAME} printable characters")
        locale = cells.get("locale", "").lower() or "en"
        if locale not in LOCALES:
            raise LineRefused(f"locale: {values.shown(locale)} is none of {', '.join(LOCALES)}")
        values.known(cells.get("status", ""), _STATES, "status")
        code = cells.get("code", "")
        email = clean_email(cells.get("email", ""))
        return Incoming(
            name,
            email,
            email_key(self._keyring, email),
            code_of(code, self._prefix) if code else None,
            locale,
        )

    def keys(self, value: Incoming) -> Iterator[tuple[str, str]]:
        """A mailbox takes part once, and a code is one referrer's."""
        yield "e-mail address", value.key
        if value.code:
            yield "code", value.code

    def check(
        self, session: Session, program: Program, items: Sequence[Item[Incoming]]
    ) -> list[Verdict[Incoming]]:
        """Hold them against who takes part already, and which codes are taken anywhere."""
        columns = (Referrer.email_key, Referrer.code, Referrer.name, Referrer.user_id)
        there = {
            row.email_key: row
            for row in session.execute(
                select(*columns).where(
                    Referrer.program_id == program.id,
                    Referrer.email_key.in_([item.value.key for item in items]),
                )
            )
        }
        wanted = select(Referrer.code).where(
            Referrer.code.in_([item.value.code for item in items if item.value.code])
        )
        codes = set(session.scalars(wanted))
        verdicts = []
        for item in items:
            found = there.get(item.value.key)
            if found is None:
                taken = item.value.code in codes
                refused = f"the code {item.value.code!r} is taken" if taken else None
                verdicts.append(Verdict(item, None if taken else State.NEW, refused))
            elif found.name != item.value.name or item.value.code not in {None, found.code}:
                refused = f"the e-mail address is that of {found.code!r} already, under another name or code"
                verdicts.append(Verdict(item, None, refused))
            else:
                invited = self._invite is None or found.user_id is not None
                verdicts.append(Verdict(item, State.UNCHANGED if invited else State.NEW))
        return verdicts

    def write(
        self, session: Session, program: Program, items: Sequence[Item[Incoming]], now: datetime
    ) -> None:
        """Have them join; with an invitation where that was asked for."""
        for item in items:
            value = item.value
            with blaming(item.line):
                user_id = self._invite(session, program, value, now) if self._invite else None
                joining = Joining(value.name, value.email, value.locale, value.code, user_id)
                join(session, self._keyring, program, joining, actor=self._actor, now=now)
