"""The referrer's links: copied, printed, shared, led to one page, and what each campaign brought."""

from __future__ import annotations

import re
import struct
import zlib
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import segno
from sqlalchemy import select

from app.kernel import clock
from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.models import Binding, Link
from tests.builders import line

if TYPE_CHECKING:
    from datetime import datetime

    from tests.builders import World
    from tests.web.pages.conftest import Browser, Site

ZOE, EVE = "zoe@example.org", "eve@example.org"
_HREF = re.compile(r'<a href="([^"]+)"([^>]*)>\s*([^<]+)')


def addresses(html: str) -> list[str]:
    """The links that can be copied, in the order of the page."""
    return [unescape(each) for each in re.findall(r'id="link-?\d*"[^>]*?value="([^"]+)"', html, re.DOTALL)]


def shares(html: str) -> list[tuple[str, str, str]]:
    """What shares a link: name, address, attributes."""
    found = [(name.strip(), unescape(href), more) for href, more, name in _HREF.findall(html)]
    return [each for each in found if each[0] in {"E-mail", "WhatsApp", "LinkedIn"}]


def modules(png: bytes) -> list[list[bool]]:
    """A one-bit greyscale PNG read without a library: dark pixels, row by row."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, width, height = 8, b"", 0, 0
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        name, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(
            name + body
        )
        if name == b"IHDR":
            width, height, depth, colours = struct.unpack(">IIBB", body[:10])
            assert (depth, colours) == (1, 0)
        data += body if name == b"IDAT" else b""
        place += 12 + length
    raw, stride = zlib.decompress(data), (width + 7) // 8 + 1
    rows, above = [], bytes(stride - 1)
    for start in range(0, height * stride, stride):
        how, row = raw[start], raw[start + 1 : start + stride]
        assert how in {0, 2}  # as it is, or what differs from the row above
        above = bytes((one + other) & 255 for one, other in zip(row, above, strict=True)) if how else row
        rows.append([not above[x // 8] >> (7 - x % 8) & 1 for x in range(width)])
    assert len(rows) == height
    return rows


def test_a_link_as_a_png_is_large_enough_for_print_and_holds_exactly_the_link(quick_site: Site) -> None:
    browser = quick_site.browser(ZOE)
    (link,) = addresses(browser.get("/dashboard").text)
    answer = browser.get("/dashboard/links/qr.png")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="qr-zoe-1.png"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    pixels = modules(answer.data)
    assert len(pixels) == len(pixels[0]) >= 1_200
    wanted = [[bool(dot) for dot in row] for row in segno.make(link, error="m").matrix_iter(border=4)]
    scale = len(pixels) // len(wanted)
    assert [row[::scale] for row in pixels[::scale]] == wanted

    drawing = browser.get("/dashboard/links/qr.svg")
    assert drawing.headers["Content-Type"].startswith("image/svg+xml")
    assert "default-src 'none'" in drawing.headers["Content-Security-Policy"]
    assert drawing.data.startswith(b"<?xml")
    assert b"<script" not in drawing.data


def test_a_campaigns_qr_code_is_its_own_and_nobody_elses(quick_site: Site) -> None:
    browser = quick_site.browser(ZOE)
    made = browser.post("/dashboard/links", {"campaign": "fair", "to": "/pricing"}, start="/dashboard/links")
    assert made.status_code == 302
    html = browser.get("/dashboard/links").text
    (link,) = [each for each in addresses(html) if "/fair/" in each]
    assert link.endswith("?to=/pricing")
    (path,) = set(re.findall(r'href="(/dashboard/links/\d+/qr\.png)"', html))
    answer = browser.get(path)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="qr-zoe-1-fair.png"'
    wanted = [[bool(dot) for dot in row] for row in segno.make(link, error="m").matrix_iter(border=4)]
    pixels = modules(answer.data)
    scale = len(pixels) // len(wanted)
    assert [row[::scale] for row in pixels[::scale]] == wanted
    assert quick_site.browser(EVE).get(path).status_code == 404
    assert browser.get(path.replace("png", "gif")).status_code == 404


@pytest.mark.parametrize(
    ("language", "label"), [("nl", "Advertentie:"), ("de", "Werbung:"), ("en", "Advertisement:")]
)
def test_a_shared_link_says_that_it_is_advertising_and_arrives_whole(
    quick_site: Site, language: str, label: str
) -> None:
    browser = quick_site.browser(ZOE)
    browser.post("/dashboard/links", {"campaign": "fair", "to": "/a?b=c&d=e"}, start="/dashboard/links")
    browser.post("/preferences", {"language": language, "next": "/dashboard"}, start="/dashboard")
    html = browser.get("/dashboard/links").text
    links = addresses(html)
    found = shares(html.replace("E-Mail", "E-mail"))
    assert len(found) == 3 * len(links) == 6
    for number, (name, href, more) in enumerate(found):
        parts = urlsplit(href)
        asked = parse_qs(parts.query, strict_parsing=True)
        said = asked["body" if name == "E-mail" else "text"][0]
        assert said.startswith(label)
        assert links[number // 3] in said.split()
        assert "+" not in parts.query  # mail programmes show it as it is
        if name == "E-mail":
            assert parts.scheme == "mailto"
            assert "\r\n" in unquote(parts.query)
        else:
            assert parts.netloc in {"wa.me", "www.linkedin.com"}
            assert 'rel="noopener noreferrer"' in more


def test_a_target_elsewhere_is_refused_beside_its_field_and_kept(quick_site: Site) -> None:
    browser = quick_site.browser(ZOE)
    shown = browser.text("/dashboard/links")
    assert "A path such as /pricing, or an https address on one of these hosts: shop.example." in shown
    for target in (
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "/a\\b",
        "https://shop.example:1/",
    ):
        bad = browser.post("/dashboard/links", {"campaign": "fair", "to": target}, start="/dashboard/links")
        assert bad.status_code == 422, target
        field = re.search(r'<input[^>]*id="to"[^>]*>', bad.text)
        assert field is not None
        assert f'value="{target}"' in unescape(field[0])
        assert 'aria-invalid="true"' in field[0]
        assert 'aria-describedby="to-help to-error"' in field[0]
        assert "autofocus" in field[0]
        assert bad.text.count("autofocus") == 1
        assert 'id="to-error">A link cannot lead there.<' in bad.text
        assert re.search(r'<input[^>]*id="campaign"[^>]*value="fair"', bad.text)
    with quick_site.world() as world:
        assert world.session.scalars(select(Link)).all() == []


def click_on(world: World, campaign: str, when: datetime) -> str:
    """The id of a click on zoe's link of a campaign; a signup that presents it records the click."""
    return world.deps.links.new_click_id(when, world.program.id, world.referrers["zoe"].id, campaign)


def only_look(world: World, campaign: str, when: datetime) -> None:
    """A click that nothing comes of, as the redirect recorded it."""
    referrer = world.referrers["zoe"].id
    at_ms = int(when.timestamp() * 1000)
    event = f"e{at_ms}"
    record = ClickRecord(
        event, at_ms, world.program.id, referrer, campaign, event, "Firefox 144", "", "counted", ""
    )
    write_clicks(world.session, [record])


def rows_of(browser: Browser) -> dict[str, list[str]]:
    """The table of campaigns: first word of each row, and its numbers."""
    html = browser.get("/dashboard/links").text
    body = html[html.index('id="campaigns-rows"') :]
    body = body[: body.index("</tbody>")]
    rows = [
        [
            unescape(re.sub(r"<[^>]+>", " ", cell)).split()
            for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)
        ]
        for row in body.split("<tr")[1:]
    ]
    return {row[0][0]: [cell[-1] for cell in row[1:]] for row in rows}


def test_each_campaign_has_its_clicks_signups_paying_customers_and_commission(site: Site) -> None:
    now = clock.now()
    with site.world() as world:
        for number, campaign in enumerate(("fair", "fair", "fair", "", "blog")):
            when = now - timedelta(days=9, minutes=number)
            if number < 2 or campaign == "":
                click = click_on(world, campaign, when)
                world.signup(f"c{number}", when=when.strftime("%Y-%m-%d %H:%M:%S"), click_ids=(click,))
            else:
                only_look(world, campaign, when)
        paid = (now - timedelta(days=2)).strftime("%Y-%m-%d %H:%M")
        world.order("o1", line(net=10_000), customer="c0", placed=paid, paid=paid)
        world.order("o2", line(net=5_000), customer="c0", placed=paid, paid=paid)
        world.order("o3", line(net=3_000), customer="c3", placed=paid, paid=paid)
        world.refund("r1", "o2", when=paid, full=True)
        assert sorted(world.session.scalars(select(Binding.campaign))) == ["", "fair", "fair"]
    rows = rows_of(site.browser(ZOE))
    assert rows == {
        "fair": ["3", "2", "1", "€10.00"],
        "blog": ["1", "0", "0", "€0.00"],
        "Plain": ["1", "1", "1", "€3.00"],
    }


def test_a_customer_who_moves_on_earns_for_the_campaign_only_until_then(site: Site) -> None:
    now = clock.now()
    with site.world() as world:
        click = click_on(world, "fair", now - timedelta(days=9))
        world.signup("c1", when=(now - timedelta(days=9)).strftime("%Y-%m-%d %H:%M:%S"), click_ids=(click,))
        early, late = ((now - timedelta(days=days)).strftime("%Y-%m-%d %H:%M") for days in (6, 2))
        world.order("o1", line(net=10_000), customer="c1", placed=early, paid=early)
        world.choose("eve", "c1", (now - timedelta(days=4)).strftime("%Y-%m-%d %H:%M"))
        world.order("o2", line(net=90_000), customer="c1", placed=late, paid=late)
    assert rows_of(site.browser(ZOE))["fair"] == ["1", "1", "1", "€10.00"]
    assert rows_of(site.browser(EVE))["Plain"][3] == "€90.00"
