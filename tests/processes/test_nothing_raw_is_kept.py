"""A marked address and a marked browser go through the real stack; then every place it writes to is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis
from sqlalchemy import select

from app.factory import build_services
from app.identity.api_keys import create_api_key
from app.identity.roles import Role
from app.identity.users import NewUser, create_user
from app.kernel import clock
from app.models import metadata
from app.referrals.clicks import spool_bytes
from app.referrals.links import referral_path
from app.referrals.models import Click, Program
from app.referrals.stream import STREAM
from tests.builders import ACTOR, World
from tests.conftest import KEYS
from tests.support.workers import until, worker
from tests.web.api.kit import ALL_SCOPES, order_body
from tests.web.api.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.services import Services
    from config import Settings

ADDRESS = "203.0.113.77"
NETWORK = "203.0.113."
AGENT = "Mozilla/5.0 (X11; Mark-4711-Zonnebloem; rv:144.0) Gecko/20100101 Firefox/144.0.9876"
BOT = "Googlebot/2.1 (Mark-4711-Zonnebloem)"
EMAIL = "mark4711@zonnebloem.example"
IBAN = "DE75512108001245126199"
MARKS = (ADDRESS, NETWORK, "Mark-4711-Zonnebloem", "144.0.9876", EMAIL, "mark4711", IBAN)

PEOPLE = {
    "X-Forwarded-For": ADDRESS,
    "User-Agent": AGENT,
    "Referer": "https://blog.example/private/page?who=me",
}


def found_in(text: str) -> list[str]:
    return [mark for mark in (*MARKS, "private/page") if mark.lower() in text.lower()]


def redis_text(url: str) -> str:
    """Everything that Redis holds: keys and values of every type."""
    with Redis.from_url(url) as redis:
        return repr([(key, value_of(redis, key)) for key in redis.scan_iter("*")])


def value_of(redis: Redis, key: bytes) -> object:
    match redis.type(key):
        case b"hash":
            return redis.hgetall(key)
        case b"list":
            return redis.lrange(key, 0, -1)
        case b"set":
            return redis.smembers(key)
        case b"zset":
            return redis.zrange(key, 0, -1)
        case b"stream":
            return redis.xrange(key)
        case _:
            return redis.get(key)


def files_text(*folders: Path) -> str:
    """Every byte of every file: databases with their logs, append-only files, spools, mails, logs."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def database_text(services: Services) -> str:
    with services.db.reading() as session:
        return "\n".join(
            f"{name} {tuple(row)}"
            for name, table in metadata.tables.items()
            for row in session.execute(select(table))
        )


@pytest.fixture
def environ(database_url: str, valkey_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "APP_ENV": "test",
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        "PROXY_HOPS": "1",
        **KEYS,
    }


@pytest.fixture
def settings(environ: dict[str, str], make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(**environ)


@pytest.fixture
def house(settings: Settings) -> Iterator[Services]:
    built = build_services(settings)
    yield built
    built.db.dispose()
    built.queue.close()


def follow_links(url: str, paths: list[str]) -> list[str]:
    """Follow each link as a person, a robot, a prefetch and a tampered link would; the click ids of the persons."""
    refs = []
    with httpx.Client(base_url=url, headers=PEOPLE, timeout=20) as browser:
        for path in paths:
            answer = browser.get(path)
            assert answer.status_code == 302
            assert ("Set-Cookie" in answer.headers) is ("exempt" in path)
            browser.cookies.clear()
            careful = browser.get(path, headers={"Sec-GPC": "1"})
            assert (careful.status_code, "Set-Cookie" in careful.headers) == (302, False)
            refs.append(answer.headers["Location"].partition("ref=")[2])
            assert browser.get(path, headers={"User-Agent": BOT}).status_code == 302
            assert browser.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 503
            assert browser.get(f"{path[:-1]}!").status_code == 302
    return refs


def use_the_api(url: str, key: str, ref: str) -> None:
    """Sign up, order, err and repeat, all with the marks on."""
    headers = {**PEOPLE, "Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=20) as shop:
        body = {"customer_id": "c1", "click_id": ref, "email": EMAIL}
        signup = shop.post("/signups", json=body)
        assert (signup.status_code, signup.json()["referrer"]) == (201, "ada-hosting")
        del shop.headers["Idempotency-Key"]
        now = clock.now().isoformat()
        order = order_body(placed_at=now, payer_iban=IBAN)
        assert shop.post("/orders", json=order).status_code == 201
        assert shop.post("/orders", json=order | {"surprise": EMAIL}).status_code == 422
        assert shop.post("/orders", json=order | {"payer_iban": "NL91ABNA0417164300"}).status_code == 409
        assert shop.get("/customers/c1/personal-data").status_code == 200
        page = shop.post("/customers/c1/partner-link").json()["url"]
        choice = shop.put("/customers/c1/partner", json={"referrer_code": "bob-hosting"})
        assert choice.status_code == 201
    with httpx.Client(base_url=url, headers=PEOPLE, timeout=20) as browser:
        assert "Bob" in browser.get(urlsplit(page).path).text
        token = (
            browser.get("/login")
            .text.partition('name="csrf_token" type="hidden" value="')[2]
            .partition('"')[0]
        )
        form = {"csrf_token": token, "email": EMAIL, "password": "not a password"}
        assert browser.post("/login", data=form).status_code == 422


def test_no_address_no_full_browser_and_no_customers_identity_is_kept_anywhere(
    house: Services, settings: Settings, environ: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    with house.db.transaction() as session:
        ours = World.build(session)
        World.build(session, "exempt", consent_mode="exempt")
        create_user(session, NewUser("owner@shop.example", Role.OWNER), now=clock.now())
        key = create_api_key(
            session, program_id=ours.program.id, name="shop", scopes=ALL_SCOPES, actor=ACTOR, now=clock.now()
        ).key
        slugs = session.scalars(select(Program.slug).order_by(Program.id)).all()
    paths = [referral_path(house.links, slug, f"ada-{slug}") for slug in slugs]
    away = {**environ, "REDIS_URL": f"unix://{tmp_path}/nobody.sock"}
    with running(away, tmp_path / "spooling.txt", workers=1) as url:
        follow_links(url, paths)
    assert spool_bytes(house) > 0
    assert found_in(files_text(tmp_path)) == []
    with running(environ, tmp_path / "granian.txt", workers=1) as url:
        refs = follow_links(url, paths)
        with Redis.from_url(settings.redis_url) as redis:
            assert redis.xlen(STREAM) == 10
        assert found_in(redis_text(settings.redis_url)) == []
        use_the_api(url, key, refs[0])
        with worker(settings):
            assert until(lambda: _clicks(house) == 20)
            assert until(lambda: len(list((settings.var_dir / "mail").glob("*.eml"))) == 2)
    assert found_in(redis_text(settings.redis_url)) == []
    assert found_in(database_text(house)) == []
    kept = files_text(tmp_path, folder)
    assert found_in(kept) == []
    # The search can find: what is meant to be kept is there.
    assert all(there in kept for there in ("Firefox 144", "blog.example", "ada@example.org"))


def _clicks(house: Services) -> int:
    with house.db.reading() as session:
        return len(session.scalars(select(Click.id)).all())
