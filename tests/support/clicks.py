"""A programme whose links can be followed: the redirect on a real database and a real Valkey."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from redis import Redis
from sqlalchemy import select
from werkzeug.test import Client

from app.identity.audit import Actor
from app.kernel import clock
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.referrals.links import LinkSigner, referral_path
from app.referrals.models import Click, ClickTotal, Program
from app.referrals.programs import ProgramSettings, create_program
from app.referrals.redirect_wsgi import mount_redirect
from app.referrals.referrers import Joining, join
from app.referrals.stream import STREAM
from app.referrals.words import ConsentMode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from werkzeug.test import TestResponse

    from config import Settings

ACTOR = Actor.cli()
LANDING = "https://shop.example/welcome?lang=nl"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"


@dataclass
class Tracks:
    """One programme ``hosting`` with referrer ``anna`` (and ``bert``), and a browser to follow their links."""

    settings: Settings
    db: Database
    links: LinkSigner
    browser: Client = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @classmethod
    def build(cls, settings: Settings, consent: ConsentMode = ConsentMode.REQUIRED) -> Tracks:
        db = Database(settings.database_url)
        wanted = ProgramSettings(
            name="Hosting",
            landing_url=LANDING,
            hosts=("www.shop.example",),
            consent_mode=consent,
            window_days=45,
        )
        with db.transaction() as session:
            now = clock.now()
            program = create_program(
                session, slug="hosting", currency="EUR", settings=wanted, actor=ACTOR, now=now
            )
            for name in ("anna", "bert"):
                joining = Joining(name=name.title(), email=f"{name}@example.org", code=name)
                join(session, Keyring(settings.encryption_keys), program, joining, actor=ACTOR, now=now)
        return cls(settings, db, LinkSigner(settings.link_keys))

    def restart(self) -> None:
        """A web process that remembers nothing, on the settings as they are now."""
        self.browser = Client(mount_redirect(_not_found, self), use_cookies=False)

    def path(self, code: str = "anna", campaign: str = "") -> str:
        return referral_path(self.links, "hosting", code, campaign)

    def follow(
        self,
        path: str | None = None,
        *,
        method: str = "GET",
        agent: str = CHROME,
        address: str = "198.51.100.7",
        **headers: str,
    ) -> TestResponse:
        """Follow a link; ``Sec_Purpose="prefetch"`` sends the header ``Sec-Purpose``."""
        sent = {"User-Agent": agent} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.open(
            self.path() if path is None else path,
            method=method,
            headers=sent,
            environ_overrides={"REMOTE_ADDR": address},
        )

    def redis(self) -> Redis:
        return Redis.from_url(self.settings.redis_url)

    def stream_length(self) -> int:
        with self.redis() as redis:
            length: int = redis.xlen(STREAM)
            return length

    def clicks(self) -> list[Click]:
        """What the database has, in the order of the requests."""
        with self.db.reading() as session:
            return list(session.scalars(select(Click).order_by(Click.at, Click.id)))

    def labels(self) -> list[str]:
        """Sorted, because two requests may share a millisecond."""
        return sorted(click.label for click in self.clicks())

    def totals(self) -> dict[str, int]:
        """Clicks by label in the totals."""
        with self.db.reading() as session:
            found: dict[str, int] = {}
            for total in session.scalars(select(ClickTotal)):
                found[total.label] = found.get(total.label, 0) + total.count
            return found

    def program(self) -> Program:
        with self.db.reading() as session:
            return session.scalars(select(Program)).one()


def ref_of(response: TestResponse) -> str | None:
    """The click id in the address that a response leads to."""
    return parse_qs(urlsplit(response.location or "").query).get("ref", [None])[0]


def stopped() -> threading.Event:
    """An event that is set already: whoever waits for it runs once or not at all."""
    event = threading.Event()
    event.set()
    return event


def _not_found(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return [b"not the redirect"]
