"""A site with people and a programme, and browsers that are logged in."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from app.factory import create_app
from app.identity.audit import Actor
from app.identity.models import User
from app.identity.roles import Role
from app.identity.sessions import start_session
from app.identity.users import NewUser, create_user
from app.jobs import perform
from app.jobs.sweeper import due_jobs
from app.kernel import clock
from app.payouts.background import ADVANCE_RUN
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.words import DestinationSource
from app.referrals.models import Program, Referrer
from app.referrals.referrers import Joining, join
from tests.builders import ACTOR, World, at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from app.services import Services
    from config import Settings

PASSWORD = "three brown foxes"
IBAN = "NL91ABNA0417164300"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """A browser of the site: keeps cookies, sends forms with their token."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def text(self, path: str) -> str:
        """The words of a page, tags and runs of blanks taken out."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return words_of(answer.text)

    def post(self, path: str, data: dict[str, Any] | None = None, *, start: str = "/login") -> TestResponse:
        """Send a form as the page ``start`` would, with that page's token."""
        token = _TOKEN.search(self.client.get(start, follow_redirects=True).text)
        assert token is not None, start
        return self.client.post(path, data={"csrf_token": token[1], **(data or {})})


def words_of(html: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", html)
    text = re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").replace("&#39;", "'")
    return re.sub(r"\s+", " ", text)


@dataclass
class Site:
    """The application with one database; ``world`` tells facts in the programme "hosting"."""

    app: Flask
    services: Services

    @contextmanager
    def world(self, slug: str = "hosting") -> Iterator[World]:
        """The programme of that name, in a transaction of its own that is committed at the end."""
        with self.services.db.transaction() as session:
            program = session.scalars(select(Program).where(Program.slug == slug)).one()
            found = World(session, program, self.services.referrals, now=clock.now())
            rows = session.scalars(select(Referrer).where(Referrer.program_id == program.id))
            found.referrers = {row.code.partition("-")[0]: row for row in rows}
            yield found

    def person(self, email: str, role: Role, name: str = "") -> None:
        """Somebody with an account."""
        new = NewUser(email=email, role=role, name=name or email.partition("@")[0].title(), password=PASSWORD)
        with self.services.db.transaction() as session:
            create_user(session, new, now=clock.now())

    def referrer(self, name: str, slug: str = "hosting", joined: str = "2026-01-02") -> None:
        """Somebody with an account who takes part; the code is ``{name}-1``, or ``{name}-{slug}`` elsewhere."""
        email = f"{name}@example.org"
        with self.services.db.transaction() as session:
            user = session.scalar(select(User).where(User.email == email))
            if user is None:
                new = NewUser(email=email, role=Role.REFERRER, name=name.title(), password=PASSWORD)
                user = create_user(session, new, now=clock.now())
            program = session.scalars(select(Program).where(Program.slug == slug)).one()
            code = f"{name}-1" if slug == "hosting" else f"{name}-{slug}"
            joining = Joining(name=name.title(), email=email, code=code, user_id=user.id)
            join(session, self.services.keyring, program, joining, actor=ACTOR, now=at(joined))

    def account(self, name: str, iban: str = IBAN) -> None:
        """A bank account on file, long ago."""
        with self.world() as world:
            put_destination(
                self.services.payouts,
                world.session,
                world.referrers[name],
                GivenAccount(name.title(), iban),
                source=DestinationSource.REFERRER,
                verified=False,
                by=Actor.cli(),
                now=at("2026-02-01"),
            )

    def browser(self, email: str | None = None) -> Browser:
        """A browser; with an address, one where that person is logged in."""
        client = self.app.test_client()
        if email is not None:
            with self.services.db.transaction() as session:
                user = session.scalars(select(User).where(User.email == email)).one()
                token = start_session(session, user, now=clock.now())
            with client.session_transaction() as cookie:
                cookie["_user_id"], cookie["_fresh"] = token, True
        return Browser(client)

    def work(self) -> int:
        """What a worker does: every job that the database calls for, until there is none; how many there were."""
        for done in range(20):
            jobs = due_jobs(self.services, clock.now())
            runs = [job for job in jobs if job.name == ADVANCE_RUN]
            if not runs:
                return done
            perform(self.services, runs[0].name, runs[0].args)
        raise AssertionError("the work never ends")

    @contextmanager
    def statements(self) -> Iterator[list[tuple[str, Any]]]:
        """The statements that run within the block, with their parameters."""
        seen: list[tuple[str, Any]] = []

        def note(_c: object, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
            seen.append((statement, parameters))

        event.listen(self.services.db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(self.services.db.engine, "before_cursor_execute", note)


def open_site(settings: Settings) -> Iterator[Site]:
    app = create_app(settings)
    services: Services = app.extensions["refledger"]
    with services.db.transaction() as session:
        build(session)
    site = Site(app, services)
    for name in ("zoe", "eve"):
        site.referrer(name)
    yield site
    services.db.dispose()
    services.queue.close()


def build(session: Session) -> None:
    World.build(
        session,
        name="Hosting partner programme",
        debtor_name="Hosting B.V.",
        debtor_iban="NL02ABNA0123456789",
    )


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A site with the programme "hosting" and the referrers zoe and eve; on both databases."""
    yield from open_site(settings)


@pytest.fixture
def quick_site(make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str) -> Iterator[Site]:
    """The same on SQLite alone, for what does not depend on the database."""
    yield from open_site(make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url))
