"""Every form of the pages with what no form expects: found by walking the site, told by the demo.

Whatever is sent, the answer is a page or a redirect and never a failure; a refused form keeps what was typed, says what
is wrong beside the field, and changes nothing.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.dashboard.access import ACCESS
from app.demo.cast import PASSWORD
from app.demo.telling import DemoPlan, tell
from app.embedded.schema import upgrade
from app.factory import create_app
from app.identity.roles import Role
from app.kernel import clock
from app.payouts.domain.state import RunState
from app.payouts.models import PayoutRun
from config import Settings
from tests.conftest import KEYS
from tests.support.forms import Walk, forms_of, parsed, reader
from tests.web.pages.conftest import Site, open_site, words_of
from tests.web.pages.test_access import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.support.forms import Field, Form
    from tests.web.pages.conftest import Browser

PEOPLE = {
    "nobody": None,
    "referrer": "anna@example.com",
    "partner": "studio-noord@example.org",
    "owner": "owner@korenhof.example",
    "finance": "finance1@korenhof.example",
}
RTL = "\u202e\u0645\u0631\u062d\u0628\u0627 \U0001f469\u200d\U0001f33e <b>&\"'</b>"
FORMULA = '=HYPERLINK("http://evil.example")' + "A" * 167
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TEN_MEGABYTES = 10 * 1024 * 1024
TOKEN = "csrf_token"


def empty(field: Field) -> str:
    return field.value if field.kind == "hidden" else ""


def right_to_left(field: Field) -> str:
    return typed(field, RTL)


def a_formula(field: Field) -> str:
    return typed(field, FORMULA)


def a_hundred_kilobytes(field: Field) -> str:
    return typed(field, "x" * 100_000)


def a_nul_everywhere(field: Field) -> str:
    return "a\x00b"


def typed(field: Field, value: str) -> str:
    """What a person can type; the rest stays as the page had it, with the right password."""
    if field.kind == "password":
        return PASSWORD
    return value if field.kind in {"text", "textarea", "email", "search", "url", "tel"} else field.value


SEARCHED = (right_to_left, a_nul_everywhere)
FILLS = (empty, right_to_left, a_formula, a_hundred_kilobytes, a_nul_everywhere)


@dataclass
class Stage:
    """A told demo with somebody at each kind of browser; ``restore`` brings its database back."""

    site: Site
    file: Path
    kept: Path
    browsers: dict[str, Browser]
    forms: list[tuple[str, Form]]

    def version(self) -> int:
        """Changes whenever somebody commits."""
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def __post_init__(self) -> None:
        self._watch = sqlite3.connect(self.file)

    def restore(self) -> None:
        self.site.services.queue.redis.flushall()  # wrong passwords are counted there
        with closing(sqlite3.connect(self.kept)) as kept, closing(sqlite3.connect(self.file)) as file:
            kept.backup(file)

    def close(self) -> None:
        self._watch.close()

    def send(self, who: str, form: Form, values: dict[str, Any]) -> TestResponse:
        client = self.browsers[who].client
        if form.method == "GET":
            return client.get(form.action, query_string=values)
        answer = client.post(form.action, data=values)
        answer.request.input_stream.close()  # the test client wrote a long form to disk
        return answer


def walked(site: Site, people: dict[str, Browser]) -> list[tuple[str, Form]]:
    """Every form once: of the first person who finds it."""
    found: dict[Any, tuple[str, Form]] = {}
    for who, browser in people.items():
        for key, form in Walk(site.app, reader(browser)).begin().forms.items():
            found.setdefault(key, (who, form))
    return list(found.values())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("bad-input")
    url = f"sqlite:///{folder}/demo.db"
    upgrade(url)
    environ = {"APP_ENV": "test", "VAR_DIR": str(folder / "var"), "VIES_URL": "http://127.0.0.1:9/vies"}
    app = create_app(Settings.from_env({**environ, **KEYS, "DATABASE_URL": url, "REDIS_URL": valkey_server}))
    site = Site(app, app.extensions["refledger"])
    tell(site.services, DemoPlan(1, 8, 1, "http://127.0.0.1:8001/", clock.now()), lambda _line: None)
    site.services.db.on_commit = lambda _jobs: None
    browsers = {name: site.browser(email) for name, email in PEOPLE.items()}
    forms = walked(site, browsers)
    site.services.db.dispose()
    with closing(sqlite3.connect(folder / "demo.db")) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(folder / "demo.db", folder / "kept.db")
    made = Stage(site, folder / "demo.db", folder / "kept.db", browsers, forms)
    yield made
    made.close()
    site.services.db.dispose()
    site.services.queue.close()


def filled(form: Form, fill: Callable[[Field], str]) -> dict[str, Any]:
    """What a browser would send."""
    sent: dict[str, Any] = {}
    for field in form.fields:
        if field.name.endswith(TOKEN):
            sent[field.name] = field.value
        elif field.kind == "file":
            sent[field.name] = (BytesIO(SVG), "" if fill is empty else "a\x00b.svg")
        elif not (field.kind in {"checkbox", "radio"} and fill is empty):
            sent[field.name] = fill(field)
    return sent


def not_kept(answer: TestResponse, form: Form, sent: dict[str, Any], walk: Walk) -> list[str]:
    """The fields whose words are gone from the page that says what is wrong."""
    shown = [other for other in forms_of(parsed(answer.text), form.path, walk) if form.names <= other.names]
    held = [{field.name: field.value for field in other.fields} for other in shown]
    return [
        field.name
        for field in form.typed
        if not any(same(values[field.name], sent[field.name]) for values in held)
    ]


def same(shown: str, sent: str) -> bool:
    """Forms strip blanks and write some things in one case; a page cannot hold a NUL."""
    return shown.strip().casefold() == sent.replace("\x00", "").strip().casefold()


def troubles(stage: Stage, who: str, form: Form, fill: Callable[[Field], str], walk: Walk) -> Iterator[str]:
    """What is wrong with the answer to one form."""
    where = f"{form.endpoint} {sorted(form.names)} {fill.__name__}"
    sent, before = filled(form, fill), stage.version()
    answer = stage.send(who, form, sent)
    status = answer.status_code
    page = answer.text if answer.mimetype == "text/html" else ""
    if status >= 500 or (status == 200 and form.method == "POST" and "aria-invalid" in page):
        yield f"{where}: {status}"
    if status >= 400 and stage.version() != before:
        yield f"{where}: refused, and something was saved"
    if status == 422:
        if "aria-invalid" not in page and 'role="alert"' not in page:
            yield f"{where}: nothing says what is wrong"
        if lost := not_kept(answer, form, sent, walk):
            yield f"{where}: {lost} lost what was typed"
    if form.method == "POST" and status == 302:
        again = stage.send(who, form, filled(form, fill))
        if again.status_code >= 500:
            yield f"{where}: {again.status_code} when sent twice"
        again.close()
    answer.close()


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
def test_a_form_with_bad_input_answers_in_words_and_keeps_what_was_typed(
    stage: Stage, fill: Callable[[Field], str]
) -> None:
    assert len(stage.forms) > 50
    found: list[str] = []
    walk = Walk(stage.site.app, reader(stage.browsers["nobody"]))
    stage.restore()
    for who, form in stage.forms:
        if form.method == "GET" and fill not in SEARCHED:
            continue
        before = stage.version()
        found += troubles(stage, who, form, fill, walk)
        if stage.version() != before:
            stage.restore()
    assert found == []


def test_a_form_that_no_page_of_the_demo_shows_fails_as_little(stage: Stage) -> None:
    stage.restore()
    shown = {form.endpoint for _, form in stage.forms}
    names = {name for _, form in stage.forms for name in form.names if not name.endswith(TOKEN)}
    failed = []
    for public in (True, False):
        for endpoint, method, path in routes(stage.site, public=public):
            if method != "POST" or endpoint in shown:
                continue
            action = ACCESS[endpoint]
            who = "nobody" if action is None else "referrer" if endpoint.startswith("home.") else "owner"
            start = {"nobody": "/login", "referrer": "/dashboard", "owner": "/staff"}[who]
            for value in ("", RTL, "a\x00b"):
                answer = stage.browsers[who].post(path, dict.fromkeys(names, value), start=start)
                if answer.status_code >= 500:
                    failed.append((endpoint, value, answer.status_code))
        stage.restore()
    assert failed == []


@pytest.fixture
def on_postgres(
    make_settings: Callable[..., Settings], postgres_url: str, valkey_url: str
) -> Iterator[dict[str, Browser]]:
    """Browsers of a small site on PostgreSQL, which takes no NUL and no number beyond 64 bits."""
    made = open_site(make_settings(DATABASE_URL=postgres_url, REDIS_URL=valkey_url))
    site = next(made)
    site.person("owner@example.org", Role.OWNER)
    people = {"nobody": None, "home": "zoe@example.org", "staff": "owner@example.org"}
    yield {name: site.browser(email) for name, email in people.items()}
    next(made, None)


def test_what_postgresql_cannot_hold_is_no_failure_either(on_postgres: dict[str, Browser]) -> None:
    app = on_postgres["nobody"].client.application
    failed = []
    for browser in on_postgres.values():
        for form in Walk(app, reader(browser)).begin().forms.values():
            sent = filled(form, a_nul_everywhere)
            client = browser.client
            answer = (
                client.get(form.action, query_string=sent)
                if form.method == "GET"
                else client.post(form.action, data=sent)
            )
            answer.request.input_stream.close()
            if answer.status_code >= 500:
                failed.append((form.endpoint, answer.status_code))
            answer.close()
    numbers = {"int": 10**20, "default": "a\x00b", "str": "a\x00b"}
    for rule in app.url_map.iter_rules():
        if (
            rule.endpoint in ACCESS
            and rule.arguments
            and rule.endpoint != "static"
            and "GET" in (rule.methods or ())
        ):
            path = re.sub(
                r"<(?:(int)[^:>]*:)?[^>]+>", lambda found: str(numbers[found[1] or "str"]), rule.rule
            )
            browser = on_postgres.get(rule.endpoint.partition(".")[0], on_postgres["nobody"])
            if (status := browser.get(path).status_code) != 404:
                failed.append((rule.endpoint, status))
    assert failed == []


def test_a_form_that_lay_open_for_too_long_says_so(stage: Stage) -> None:
    stage.restore()
    for who, form in stage.forms:
        if form.method == "POST" and any(name.endswith(TOKEN) for name in form.names):
            before = stage.version()
            answer = stage.browsers[who].client.post(form.action, data={TOKEN: "of last month"})
            assert (answer.status_code, stage.version()) == (400, before), form
            assert "open for too long" in answer.text


def test_a_tab_that_knows_an_older_state_is_told_so(stage: Stage) -> None:
    stage.restore()
    finance = stage.browsers["finance"]
    with stage.site.services.db.reading() as session:
        run = session.scalars(select(PayoutRun.name).where(PayoutRun.state == RunState.DRAFT)).first()
    page = f"/staff/payouts/{run}"
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', finance.get(page).text)[0]
    assert finance.post(f"{page}/cancel", start=page).status_code == 302
    stage.site.work()
    stale = finance.client.post(f"{page}/freeze", data={TOKEN: token})
    assert stale.status_code == 302
    assert 'class="notice stop"' in finance.get(stale.headers["Location"]).text
    with stage.site.services.db.reading() as session:
        states = session.scalars(select(PayoutRun.state).where(PayoutRun.name == run)).all()
    assert states == [RunState.CANCELLED]


def test_ten_megabytes_and_a_picture_with_script_are_refused_in_words(stage: Stage) -> None:
    stage.restore()
    uploads = 0
    for who, form in stage.forms:
        files = [field.name for field in form.fields if field.kind == "file"]
        before = stage.version()
        for body in (SVG, bytes(TEN_MEGABYTES)) if files else ():
            values = {**filled(form, lambda field: field.value), files[0]: (BytesIO(body), "picture.svg")}
            answer = stage.send(who, form, values)
            assert answer.status_code in {302, 413, 422}, form
            assert stage.version() == before, form
            uploads += 1
    assert uploads >= 4
    large = stage.browsers["owner"].client.post("/staff/products", data=b"x" * TEN_MEGABYTES)
    assert large.status_code == 413
    assert "larger than we accept" in words_of(large.text)
