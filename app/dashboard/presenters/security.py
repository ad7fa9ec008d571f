"""Where somebody is logged in and what logging in takes, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Status, Tone
from app.dashboard.i18n import _, ngettext
from app.referrals.domain.agent import MAX_CHARS, read_agent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.identity.models import Authenticator, Passkey, UserSession
    from app.identity.sessions import SignedIn

_SYSTEMS: Final = (
    # An iPad says "like Mac OS X" and a phone with Android says Linux: the particular ones come first.
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser that is logged in."""

    title: str
    since: str
    seen: str
    here: bool
    end_href: str


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One passkey."""

    title: str
    text: str
    href: str
    remove_href: str


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """A person's login: address, second step, browsers."""

    email: str
    address: Status
    verified: bool
    factor: Status
    factor_text: str
    app_since: str
    """When the authenticator app was set up; empty without one."""
    codes_text: str
    few_codes: bool
    sessions: tuple[OpenSession, ...]
    passkeys: tuple[PasskeyRow, ...]
    offers_passkeys: bool
    """Whether devices would accept our address."""
    must_enrol: bool


def security_page(
    me: SignedIn,
    sessions: Sequence[UserSession],
    app: Authenticator | None,
    passkeys: Sequence[Passkey],
    *,
    offers_passkeys: bool,
    codes: int,
    must_enrol: bool,
) -> SecurityPage:
    """Everything that the page says."""
    confirmed = app.confirmed_at if app is not None else None
    return SecurityPage(
        email=me.email,
        address=Status(_("confirmed"), Tone.DONE)
        if me.email_verified
        else Status(_("not confirmed yet"), Tone.WAIT),
        verified=me.email_verified,
        factor=Status(_("on"), Tone.DONE) if me.second_factor else Status(_("off"), Tone.CALM),
        factor_text=_(
            "Logging in takes your password and a second step: whoever learns the password is not in."
        )
        if me.second_factor
        else _(
            "Logging in takes your password alone. With a second step, whoever learns it is still not in."
        ),
        app_since=_("Set up on %(day)s", day=_when(confirmed)) if confirmed else "",
        codes_text=ngettext("%(num)s recovery code is left.", "%(num)s recovery codes are left.", codes),
        few_codes=codes < 3,  # noqa: PLR2004 - a phone lost on a journey takes one, and one more on the way home
        sessions=tuple(_session(each, me) for each in sessions),
        passkeys=tuple(passkey_row(each) for each in passkeys),
        offers_passkeys=offers_passkeys,
        must_enrol=must_enrol,
    )


def passkey_row(row: Passkey) -> PasskeyRow:
    """A passkey: what it is called, since when there is one, and when it was used."""
    used = _("last used on %(when)s", when=_when(row.used_at)) if row.used_at else _("not used yet")
    return PasskeyRow(
        title=row.name,
        text=_("Made on %(when)s, %(used)s", when=_when(row.created_at), used=used),
        href=url_for("accounts.passkey", passkey_id=row.public_id),
        remove_href=url_for("accounts.remove_passkey", passkey_id=row.public_id),
    )


def browser_in_words(agent: str) -> str:
    """What a browser calls itself, short enough to be recognised: Firefox 144, Windows."""
    family = read_agent(agent[:MAX_CHARS]).family
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (family, system) if part) or _("A browser without a name")


def in_groups(secret: str) -> str:
    """A secret as people type it: four characters at a time."""
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))


def _session(row: UserSession, me: SignedIn) -> OpenSession:
    return OpenSession(
        title=browser_in_words(row.agent),
        since=_("Logged in on %(when)s", when=_when(row.created_at)),
        seen=_("Last used on %(when)s", when=_when(row.seen_at)),
        here=row.id == me.session_id,
        end_href=url_for("accounts.end_session", session_id=row.id),
    )


def _when(at: datetime) -> str:
    return f"{formatting.instant(at, _ZONE)}\u00a0{_ZONE}"
