"""Banners and texts: offered by staff, copied by referrers, counted wherever they stand."""

from __future__ import annotations

import html
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from redis import Redis
from sqlalchemy import select

from app.identity.models import AuditEvent
from app.identity.roles import Role
from app.jobs import perform
from app.jobs.registry import DRAIN_VIEWS
from app.jobs.schedule import TICKS
from app.kernel import clock
from app.promo import views
from app.promo.models import BannerViews, PromoAsset, PromoPicture
from app.promo.views import COUNTS, TAKEN, add_views, drain_views
from app.referrals.clicks import drain

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ALT = 'Wie "Bram" <b>helpt</b>, & verdient'


def picture(colour: str = "#0e5a3e") -> bytes:
    out = BytesIO()
    Image.new("RGB", (320, 100), colour).save(out, "PNG")
    return out.getvalue()


def upload(owner: Browser, body: bytes, **fields: Any) -> Any:
    form = {"title": ALT, "locale": "nl", "to": "", "picture": (BytesIO(body), "banner.png"), **fields}
    return owner.post("/staff/promo/banners/new", form, start="/staff/promo/banners/new")


@pytest.fixture
def owner(site: Site) -> Browser:
    site.person("owner@example.org", Role.OWNER)
    return site.browser("owner@example.org")


def shown(site: Site, address: str, **headers: str) -> Any:
    return site.app.test_client().get(address, headers={"User-Agent": BROWSER, **headers})


def follow(site: Site, link: str) -> None:
    answer = site.app.test_client().get(link, headers={"User-Agent": BROWSER})
    assert answer.status_code == 302
    drain(site.services)


def copies(page: str) -> list[str]:
    """What the page's fields hold, as a browser copies it."""
    return [html.unescape(body) for body in re.findall(r"(?s)<textarea[^>]*>(.*?)</textarea>", page)]


def test_a_banner_goes_from_upload_to_a_counted_view_and_click(site: Site, owner: Browser) -> None:
    assert upload(owner, picture()).status_code == 302
    zoe = site.browser("zoe@example.org")
    (snippet,) = copies(zoe.get("/dashboard/promo").text)
    found = re.fullmatch(
        r'<a href="(\S+)" rel="sponsored"><img src="(\S+)" width="320" height="100" alt="([^"]*)"></a>\n'
        r"<br><small>Advertentie</small>",
        snippet,
    )
    assert found is not None, snippet
    link, address, alt = found.groups()
    assert html.unescape(alt) == ALT
    assert "<b>" not in snippet

    first = shown(site, address.removeprefix(site.services.settings.public_url))
    assert (first.status_code, first.headers["Cache-Control"]) == (302, "no-store")
    body = shown(site, first.headers["Location"])
    assert body.content_type == "image/png"
    assert Image.open(BytesIO(body.data)).size == (320, 100)
    assert body.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for answer in (first, body):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = shown(site, first.headers["Location"], **{"If-None-Match": body.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")

    shown(site, address.removeprefix(site.services.settings.public_url))
    follow(site, link.removeprefix(site.services.settings.public_url))
    perform(site.services, DRAIN_VIEWS, ())
    assert "Shown 2 Clicks 1 Clicked 50%" in zoe.text("/dashboard/promo")
    assert "Shown 0 Clicks 0 Clicked \u2013" in site.browser("eve@example.org").text("/dashboard/promo")
    assert "Shown 2 Clicks 1 Clicked 50%" in owner.text("/staff/promo")
    assert DRAIN_VIEWS in {tick.name for tick in TICKS}


def test_a_text_carries_its_link_and_says_that_it_is_advertising(site: Site, owner: Browser) -> None:
    new = {"title": "Newsletter", "locale": "de", "to": "/preise", "words": "Schnell. {link} Ohne Vertrag."}
    start = "/staff/promo/texts/new"
    assert owner.post(start, new, start=start).status_code == 302
    assert owner.post(start, {**new, "locale": "en", "words": "Fast."}, start=start).status_code == 302
    page = site.browser("zoe@example.org").get("/dashboard/promo").text
    english, german = copies(page)
    assert re.fullmatch(r"Advertisement: Fast\.\nhttp\S+/r/zoe-1/b-\d+/[a-z0-9]{10}\?to=/preise", english)
    assert re.fullmatch(r"Werbung: Schnell\. http\S+\?to=/preise Ohne Vertrag\.", german)
    for wrong in ({"to": "https://evil.example/"}, {"words": ""}, {"title": " "}, {"locale": "fr"}):
        answer = owner.post(start, {**new, **wrong}, start=start)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    with site.services.db.reading() as session:
        assert len(session.scalars(select(PromoAsset)).all()) == 2
        said = [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
        assert said.count("promo.added") == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SVG, "SVG and other files are not taken"),
        (picture()[:90], "damaged"),
        (b"", "Please choose a picture"),
        (picture() + bytes(10 * 1024 * 1024), "at most 2 MB"),
    ],
)
def test_what_is_no_picture_is_refused_beside_the_field_and_nothing_is_kept(
    quick_site: Site, body: bytes, said: str
) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    owner = quick_site.browser("owner@example.org")
    file = (BytesIO(body), "banner.png" if body else "")
    answer = upload(owner, body, picture=file, title="Kept words")
    answer.request.input_stream.close()  # the test client wrote the long form to disk
    assert answer.status_code == 422
    assert re.search(rf'id="picture-error">[^<]*{said}', answer.text)
    assert 'value="Kept words"' in answer.text
    with quick_site.services.db.reading() as session:
        assert session.scalars(select(PromoPicture)).all() == []


def test_who_is_no_person_or_no_active_referrer_counts_nothing_and_sees_the_picture(
    site: Site, owner: Browser
) -> None:
    upload(owner, picture())
    with site.services.db.reading() as session:
        number = session.scalars(select(PromoAsset.id)).one()
    owner.post("/staff/referrers/eve-1/suspend", {"reason": "spam"}, start="/staff/referrers/eve-1")
    address = f"/b/zoe-1/{number}"
    assert shown(site, address, **{"User-Agent": "Googlebot/2.1"}).status_code == 302
    assert shown(site, address, **{"Sec-Purpose": "prefetch"}).status_code == 302
    assert shown(site, f"/b/eve-1/{number}").status_code == 302
    assert shown(site, f"/b/nobody/{number}").status_code == 302
    client = site.app.test_client()
    assert client.head(address, headers={"User-Agent": BROWSER}).status_code == 302
    for nothing in (
        "/b/zoe-1/999999",
        "/b/zoe-1/99999999999999999999",
        "/pictures/" + "0" * 64,
        "/pictures/%00",
    ):
        assert shown(site, nothing).status_code == 404
    assert drain_views(site.services.db, site.services.queue.redis, clock.now()) == 0
    assert shown(site, address.replace("zoe", "ZOE")).status_code == 302
    assert drain_views(site.services.db, site.services.queue.redis, clock.now()) == 1


def test_a_drain_that_dies_anywhere_counts_each_view_once(
    site: Site, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(owner, picture())
    with site.services.db.reading() as session:
        number = session.scalars(select(PromoAsset.id)).one()
    redis, db = site.services.queue.redis, site.services.db
    for _ in range(3):
        shown(site, f"/b/zoe-1/{number}")

    def dies(*_given: object) -> int:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(views, "add_views", dies)
        with pytest.raises(RuntimeError):
            drain_views(db, redis, clock.now())
    shown(site, f"/b/zoe-1/{number}")  # counted beside what was set aside
    with monkeypatch.context() as patch:
        patch.setattr(Redis, "eval", lambda *given: _take(*given) if given[2] == 2 else dies())
        with pytest.raises(RuntimeError):
            drain_views(db, redis, clock.now())  # written, and not dropped
    assert drain_views(db, redis, clock.now()) == 0
    assert drain_views(db, redis, clock.now()) == 1
    with db.reading() as session:
        assert session.scalars(select(BannerViews.count)).all() == [4]
    assert (redis.exists(COUNTS), redis.exists(TAKEN)) == (0, 0)


_take = Redis.eval


def test_a_picture_is_shown_while_nobody_counts(quick_site: Site) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    upload(quick_site.browser("owner@example.org"), picture())
    banners = views.Banners(quick_site.services.db, "redis://127.0.0.1:1/0")
    with quick_site.services.db.reading() as session:
        number = session.scalars(select(PromoAsset.id)).one()
    banner = banners.find(number)
    assert banner is not None
    assert [banners.count("zoe-1", number, banner) for _ in range(3)] == [False] * 3


def test_what_is_retired_is_offered_to_nobody_and_stays_where_it_stands(site: Site, owner: Browser) -> None:
    upload(owner, picture())
    upload(owner, picture())  # the form was sent twice: it is offered once
    upload(owner, picture(), title="The same picture")
    with site.services.db.reading() as session:
        first, second = session.scalars(select(PromoAsset.id).order_by(PromoAsset.id))
        assert len(session.scalars(select(PromoPicture.digest)).all()) == 1
    for _ in range(2):
        assert owner.post(f"/staff/promo/{first}/retire", start="/staff/promo").status_code == 302
    zoe = site.browser("zoe@example.org")
    assert len(copies(zoe.get("/dashboard/promo").text)) == 1
    assert shown(site, f"/b/zoe-1/{first}").status_code == 302
    assert "No longer offered" in owner.text("/staff/promo")
    assert owner.post(f"/staff/promo/{first}/offer", start="/staff/promo").status_code == 302
    assert len(copies(zoe.get("/dashboard/promo").text)) == 2
    assert owner.post(f"/staff/promo/{second + 1}/retire", start="/staff/promo").status_code == 404
    with site.services.db.reading() as session:
        said = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))
    assert [each for each in said if each.startswith("promo.")] == [
        *("promo.added", "promo.added", "promo.retired", "promo.offered_again")
    ]


def test_nobody_makes_a_banners_campaign_by_hand(quick_site: Site) -> None:
    zoe = quick_site.browser("zoe@example.org")
    refused = zoe.post("/dashboard/links", {"campaign": "b-12"}, start="/dashboard/links")
    assert refused.status_code == 422
    assert "kept for banners and texts" in refused.text
    made = zoe.post("/dashboard/links", {"campaign": "b-team"}, start="/dashboard/links")
    assert made.status_code == 302


def test_a_batch_of_views_is_written_once(quick_site: Site) -> None:
    quick_site.person("owner@example.org", Role.OWNER)
    upload(quick_site.browser("owner@example.org"), picture())
    with quick_site.services.db.transaction() as session:
        number = session.scalars(select(PromoAsset.id)).one()
        counts = {(number, 1): 5}
        assert add_views(session, "one", counts, clock.now()) == 5
        assert add_views(session, "one", counts, clock.now()) == 0
        assert add_views(session, "two", counts, clock.now()) == 5
        assert session.scalars(select(BannerViews.count)).all() == [10]
