"""The API keys of a programme: never their secrets, but the one that was made just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Fact, Status, Table, Tone
from app.dashboard.i18n import _
from app.dashboard.presenters.staff.confirm import Confirm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.identity.models import ApiKey
    from app.referrals.models import Program


def key_table(keys: Sequence[ApiKey], program: Program) -> Table:
    """Every key, the newest first; ended ones stay, so that the audit trail's names can be looked up."""
    return Table(
        title=_("Keys"),
        note=_("Only the beginning of a key is kept in readable form"),
        id="api-keys",
        columns=(
            Column(_("What it is for")),
            Column(_("Begins with")),
            Column(_("May do")),
            Column(_("Made")),
            Column(_("State")),
            Column(_("Change")),
        ),
        rows=tuple(_row(key, program) for key in reversed(keys)),
        empty=Empty(_("No key yet"), _("Make one for the shop or the billing system that reports orders.")),
    )


def _row(key: ApiKey, program: Program) -> tuple[Cell, ...]:
    ended = key.revoked_at
    return (
        Cell(key.name),
        Cell(key.prefix, code=True),
        Cell(", ".join(key.scopes), wraps=True),
        Cell(formatting.instant(key.created_at, program.timezone)),
        Cell(
            status=Status(_("revoked"), Tone.STOP) if ended else Status(_("in use"), Tone.DONE),
            sub=formatting.instant(ended, program.timezone) if ended else "",
        ),
        Cell()
        if ended
        else Cell(_("Revoke"), href=url_for("staff.revoke_key", prefix=key.prefix), asks=True),
    )


def asked_to_revoke(key: ApiKey, program: Program) -> Confirm:
    """What ending a key means."""
    return Confirm(
        title=_("Revoke the key %(name)s", name=key.name),
        text=_(
            "Whoever holds it is refused from that moment on. It cannot be taken back; a new key can be made."
        ),
        button=_("Revoke this key"),
        back=url_for("staff.api_keys"),
        section=_("API keys"),
        facts=(
            Fact(_("Begins with"), Cell(key.prefix, code=True)),
            Fact(_("May do"), Cell(", ".join(key.scopes), wraps=True)),
            Fact(_("Made"), Cell(formatting.instant(key.created_at, program.timezone))),
        ),
    )
