"""The redirect: a buyer is sent on, whatever happens; a click is stored, whatever it was."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from werkzeug.test import create_environ

from app.kernel import clock
from app.referrals.clicks import drain
from app.referrals.domain.agent import read_agent
from app.referrals.domain.click_id import milliseconds
from app.referrals.domain.visitor import network_of, source_host
from app.referrals.landing import Landings
from app.referrals.links import LinkSigner
from app.referrals.models import ConsentMode, Referrer, VisitorKey
from app.referrals.referrers import reinstate, suspend
from app.referrals.spool import Spool, read
from tests.domain.test_click_label import CUBOT
from tests.domain.test_deep_link import ATTACKS
from tests.support.clicks import ACTOR, FIREFOX, LANDING, Tracks, ref_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config import Settings

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
DEFAULT = "https://partners.example/start"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, default_landing_url=DEFAULT)


@pytest.fixture
def tracks(settings: Settings) -> Iterator[Tracks]:
    built = Tracks.build(settings)
    yield built
    built.db.dispose()


@pytest.fixture
def with_cookies(settings: Settings) -> Iterator[Tracks]:
    built = Tracks.build(settings, ConsentMode.EXEMPT)
    yield built
    built.db.dispose()


def test_a_link_leads_to_the_landing_page_in_one_hop_with_a_click_id_that_verifies(tracks: Tracks) -> None:
    before = clock.now()
    response = tracks.follow(tracks.path("anna", "summer"))
    assert response.status_code == 302
    assert response.headers["Cache-Control"] == "no-store"
    assert response.location.startswith(LANDING + "&ref=")
    assert response.data == b""
    click = tracks.links.read_click_id(ref_of(response) or "")
    assert click is not None
    assert (click.program_id, click.campaign) == (tracks.program().id, "summer")
    assert before - timedelta(milliseconds=1) <= click.at <= clock.now()


def test_an_answer_is_a_list_which_the_server_sends_at_once_where_it_would_stream_any_other(
    tracks: Tracks,
) -> None:
    environ = create_environ(tracks.path())
    answer = tracks.browser.application(environ, lambda _status, _headers, _error=None, /: lambda _data: None)
    assert isinstance(answer, list)


def test_a_followed_link_becomes_one_counted_click_without_address_or_full_agent(tracks: Tracks) -> None:
    response = tracks.follow(tracks.path("anna", "summer"), Referer="https://blog.example/post?secret=1")
    assert drain(tracks) == 1
    (click,) = tracks.clicks()
    assert (click.label, click.campaign, click.agent) == ("counted", "summer", "Chrome 142")
    assert click.source_host == "blog.example"
    assert click.click_id == ref_of(response)
    assert tracks.totals() == {"counted": 1}
    assert re.fullmatch("[0-9a-f]{32}", click.visitor or "")


def test_neither_the_stream_nor_the_spool_ever_holds_an_address_or_a_full_agent(tracks: Tracks) -> None:
    tracks.follow(address="198.51.100.77")
    with tracks.redis() as redis:
        seen = repr(redis.xrange("refledger:clicks")) + repr(redis.keys("*"))
    assert "198.51.100" not in seen
    assert "AppleWebKit" not in seen


@pytest.mark.parametrize(
    ("headers", "method", "status", "label"),
    [
        ({"Sec_Purpose": "prefetch"}, "GET", 503, "prefetch"),
        ({"Purpose": "prefetch"}, "GET", 503, "prefetch"),
        ({"X_Moz": "prefetch"}, "GET", 503, "prefetch"),
        ({}, "HEAD", 302, "head"),
        ({"Sec_Fetch_Dest": "image"}, "GET", 204, "embedded"),
        ({"agent": GOOGLEBOT}, "GET", 302, "bot"),
        ({"agent": ""}, "GET", 302, "bot"),
        ({"agent": CUBOT}, "GET", 302, "counted"),
        ({"Sec_Fetch_Dest": "document"}, "GET", 302, "counted"),
    ],
)
def test_every_kind_of_request_is_answered_and_stored_with_its_label(
    with_cookies: Tracks, headers: dict[str, str], method: str, status: int, label: str
) -> None:
    response = with_cookies.follow(method=method, **headers)
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "no-store"
    assert (ref_of(response) is not None) is (status == 302)
    assert ("Set-Cookie" in response.headers) is (label in {"bot", "counted"})
    drain(with_cookies)
    assert with_cookies.labels() == [label]
    assert with_cookies.totals() == {label: 1}


def test_the_visit_after_a_prefetch_counts(tracks: Tracks) -> None:
    tracks.follow(Sec_Purpose="prefetch")
    tracks.follow(method="HEAD")
    assert tracks.follow().status_code == 302
    drain(tracks)
    assert tracks.labels() == ["counted", "head", "prefetch"]


def test_the_same_visitor_on_the_same_link_within_ten_seconds_counts_once_under_one_click_id(
    tracks: Tracks,
) -> None:
    first, second = ref_of(tracks.follow()), ref_of(tracks.follow())
    assert first == second
    tracks.restart()
    assert ref_of(tracks.follow()) == first, "another process knows it too"
    drain(tracks)
    assert tracks.labels() == ["counted", "duplicate", "duplicate"]
    assert {click.click_id for click in tracks.clicks()} == {first}
    assert len({click.event_id for click in tracks.clicks()}) == 3


def test_two_people_behind_one_network_with_different_agents_both_count(tracks: Tracks) -> None:
    tracks.follow()
    tracks.follow(agent=FIREFOX)
    drain(tracks)
    assert tracks.labels() == ["counted", "counted"]


def test_other_links_campaigns_and_networks_are_no_duplicates(tracks: Tracks) -> None:
    tracks.follow()
    tracks.follow(tracks.path("bert"))
    tracks.follow(tracks.path("anna", "summer"))
    tracks.follow(address="203.0.113.7")
    drain(tracks)
    assert tracks.labels() == ["counted"] * 4


def test_after_ten_seconds_the_same_visitor_counts_again(tracks: Tracks) -> None:
    first = ref_of(tracks.follow())
    with tracks.redis() as redis:
        (seen,) = redis.keys("refledger:seen:*")
        assert 9_000 < redis.pttl(seen) <= 10_000
        redis.delete(seen)  # what the server does after ten seconds
    assert ref_of(tracks.follow()) != first
    drain(tracks)
    assert tracks.labels() == ["counted", "counted"]


def test_a_wrong_tag_lands_unattributed_and_is_stored(with_cookies: Tracks) -> None:
    good = with_cookies.path()
    for path in (
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        "/r/anna",
        "/r/anna/",
        "/r/anna/x/y/z",
        "/r/anna/" + "a" * 5_000,
    ):
        response = with_cookies.follow(path)
        assert (response.status_code, response.location) == (302, LANDING)
        assert "Set-Cookie" not in response.headers
    drain(with_cookies)
    assert with_cookies.labels() == ["bad_tag"] * 5
    assert {(click.referrer_id, click.click_id) for click in with_cookies.clicks()} == {(None, None)}
    assert with_cookies.totals() == {}


def test_a_tag_is_bound_to_its_campaign(tracks: Tracks) -> None:
    plain, summer = tracks.path("anna"), tracks.path("anna", "summer")
    tag, summer_tag = plain.rpartition("/")[2], summer.rpartition("/")[2]
    for path in (
        f"/r/anna/summer/{tag}",
        f"/r/anna/{summer_tag}",
        f"/r/anna/winter/{summer_tag}",
        f"/r/bert/summer/{summer_tag}",
    ):
        assert ref_of(tracks.follow(path)) is None


def test_a_tag_typed_in_capitals_or_with_o_for_zero_is_read_as_meant(tracks: Tracks) -> None:
    code, tag = "anna", tracks.path("anna").rpartition("/")[2]
    assert ref_of(tracks.follow(f"/r/{code}/{tag.upper()}"))
    assert ref_of(tracks.follow(f"/r/{code}/{tag.replace('0', 'O').replace('1', 'l')}"))
    assert ref_of(tracks.follow(f"/r/{code}/{tag}/"))


def test_an_unknown_code_leads_to_the_default_page(tracks: Tracks) -> None:
    for path in ("/r/nobody/0123456789", "/r/x/0123456789", "/r/", "/r//", "/r/%00/x", "/r/" + "a" * 5_000):
        response = tracks.follow(path)
        assert (response.status_code, response.location) == (302, DEFAULT)
    assert tracks.stream_length() == 0


def test_after_a_key_rotation_printed_links_still_attribute_and_with_the_old_key_removed_they_land(
    tracks: Tracks,
) -> None:
    printed = tracks.path()
    old, new = tracks.settings.link_keys[-1], "another-link-key-0123456789abcdef0123"
    tracks.links = LinkSigner((old, new))
    tracks.restart()
    assert tracks.links.read_click_id(ref_of(tracks.follow(printed)) or "")
    tracks.links = LinkSigner((new,))
    tracks.restart()
    assert tracks.follow(printed).location == LANDING


@pytest.mark.parametrize(
    ("to", "target"),
    [
        ("/plans?size=l", "https://shop.example/plans?size=l&ref="),
        ("https://www.shop.example/plans", "https://www.shop.example/plans?ref="),
        ("https://shop.example/plans", "https://shop.example/plans?ref="),
        ("/plans?ref=SOMEBODY-ELSE#top", "https://shop.example/plans?ref="),
        ("/\u00fcber", "https://shop.example/%C3%BCber?ref="),
    ],
)
def test_an_allowed_deep_link_is_followed_with_the_click_id(tracks: Tracks, to: str, target: str) -> None:
    response = tracks.browser.get(tracks.path(), query_string={"to": to})
    assert response.location.startswith(target)
    assert response.location.count("ref=") == 1


def test_no_attack_string_ever_leaves_the_allow_list(tracks: Tracks) -> None:
    for to in ATTACKS:
        response = tracks.browser.get(tracks.path(), query_string={"to": to})
        assert response.status_code == 302
        assert response.location.startswith(LANDING + "&ref="), to


def test_a_deep_link_sent_unencoded_or_broken_never_breaks_the_redirect(tracks: Tracks) -> None:
    for query in (
        "to=/\u00fcber",
        "to=%ff%fe",
        "to",
        "to=",
        "x=1&to=/plans",
        "to=/%0d%0aSet-Cookie:a=b",
        "&" * 3_000,
    ):
        raw = query.encode().decode("latin-1")
        response = tracks.browser.get(tracks.path(), environ_overrides={"QUERY_STRING": raw})
        assert response.status_code == 302
        assert urlhost(response.location) == "shop.example"
        assert len(response.headers.getlist("Set-Cookie")) == 0


def urlhost(url: str) -> str:
    return url.split("/")[2]


def test_a_suspension_holds_within_five_seconds_and_ends_with_reinstatement(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [1_000.0]
    monkeypatch.setattr("app.referrals.landing.monotonic", lambda: seconds[0])
    assert ref_of(tracks.follow())
    with tracks.db.transaction() as session:
        anna = session.scalars(select(Referrer).where(Referrer.code == "anna")).one()
        suspend(session, tracks.program(), anna, reason="test", actor=ACTOR, now=clock.now())
    seconds[0] += 4.9
    assert tracks.follow().location == LANDING
    drain(tracks)
    assert tracks.labels() == ["bad_tag", "counted"]
    with tracks.db.transaction() as session:
        anna = session.scalars(select(Referrer).where(Referrer.code == "anna")).one()
        reinstate(session, tracks.program(), anna, reason="test", actor=ACTOR, now=clock.now())
    seconds[0] += 4.9
    assert ref_of(tracks.follow())


def test_a_code_that_was_unknown_works_five_seconds_after_somebody_joined(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [1_000.0]
    monkeypatch.setattr("app.referrals.landing.monotonic", lambda: seconds[0])
    with tracks.db.transaction() as session:
        session.scalars(select(Referrer).where(Referrer.code == "bert")).one().code = "carl"
    bert = tracks.path("bert")
    assert tracks.follow(bert).location == DEFAULT
    with tracks.db.transaction() as session:
        session.scalars(select(Referrer).where(Referrer.code == "carl")).one().code = "bert"
    assert tracks.follow(bert).location == DEFAULT
    seconds[0] += 5.1
    assert ref_of(tracks.follow(bert))


def test_the_database_is_asked_once_for_many_clicks(tracks: Tracks, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks.follow()
    monkeypatch.setattr(tracks.db, "reading", lambda: pytest.fail("read again"))
    assert ref_of(tracks.follow(agent=FIREFOX))


# Cookies


def test_under_required_consent_no_cookie_is_set_and_none_is_read(tracks: Tracks) -> None:
    first = tracks.follow()
    assert "Set-Cookie" not in first.headers
    second = tracks.follow(agent=FIREFOX, Cookie=f"ref_click={ref_of(first)}")
    assert "Set-Cookie" not in second.headers
    drain(tracks)
    assert tracks.labels() == ["counted", "counted"]


def test_under_exemption_the_cookie_is_http_only_lax_and_lives_for_the_window(with_cookies: Tracks) -> None:
    response = with_cookies.follow()
    assert response.headers["Set-Cookie"] == (
        f"ref_click={ref_of(response)}; Max-Age={45 * 86_400}; Path=/; HttpOnly; SameSite=Lax"
    )
    with_cookies.settings = replace(with_cookies.settings, public_url="https://r.example")
    with_cookies.restart()
    assert with_cookies.follow().headers["Set-Cookie"].endswith("; Secure")


def test_global_privacy_control_means_no_cookie(with_cookies: Tracks) -> None:
    response = with_cookies.follow(Sec_GPC="1")
    assert ref_of(response)
    assert "Set-Cookie" not in response.headers


def test_the_cookie_keeps_the_last_five_click_ids_and_only_ours(with_cookies: Tracks) -> None:
    made = [
        with_cookies.links.new_click_id(clock.now() - timedelta(hours=1), 1, number) for number in range(1, 7)
    ]
    forged = made[0][:-2] + ("AA" if made[0][-2:] != "AA" else "BB")
    response = with_cookies.follow(Cookie=f"a=b; ref_click={'.'.join([*made[:3], forged, made[4]])}; c=d")
    kept = response.headers["Set-Cookie"].partition(";")[0].removeprefix("ref_click=").split(".")
    assert kept == [*made[:3], made[4], ref_of(response)]
    response = with_cookies.follow(Cookie=f"ref_click={'.'.join(made[:5])}")
    kept = response.headers["Set-Cookie"].partition(";")[0].removeprefix("ref_click=").split(".")
    assert kept == [*made[1:5], ref_of(response)]


def test_a_double_click_counts_once_although_only_its_second_request_carries_the_cookie(
    with_cookies: Tracks,
) -> None:
    first = with_cookies.follow()
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    second = with_cookies.follow(Cookie=cookie)
    assert ref_of(second) == ref_of(first)
    assert second.headers["Set-Cookie"].partition(";")[0] == cookie
    other = with_cookies.follow(with_cookies.path("anna", "summer"), Cookie=cookie)
    assert ref_of(other) != ref_of(first)
    drain(with_cookies)
    assert with_cookies.labels() == ["counted", "counted", "duplicate"]


def test_the_cookie_tells_visitors_apart_where_network_and_agent_cannot(with_cookies: Tracks) -> None:
    old = clock.now() - timedelta(days=1)
    cookies = [f"ref_click={with_cookies.links.new_click_id(old, 1, 1)}" for _ in range(2)]
    for cookie in cookies:
        with_cookies.follow(Cookie=cookie)
    drain(with_cookies)
    assert with_cookies.labels() == ["counted", "counted"]


# Addresses


def test_behind_proxies_the_client_is_the_one_that_our_own_proxy_saw(tracks: Tracks) -> None:
    tracks.settings = replace(tracks.settings, proxy_hops=1)
    tracks.restart()
    tracks.follow(address="10.0.0.1", X_Forwarded_For="6.6.6.6, 198.51.100.7")
    tracks.follow(address="10.0.0.1", X_Forwarded_For="203.0.113.7")
    tracks.follow(address="10.0.0.1", X_Forwarded_For="7.7.7.7, 198.51.100.99")
    drain(tracks)
    assert tracks.labels() == ["counted", "counted", "duplicate"]


def test_all_processes_share_the_key_of_the_day(tracks: Tracks) -> None:
    tracks.follow(tracks.path("anna"))
    tracks.restart()
    tracks.follow(tracks.path("bert"))
    drain(tracks)
    assert len({click.visitor for click in tracks.clicks()}) == 1
    with tracks.db.reading() as session:
        (key,) = session.scalars(select(VisitorKey))
    assert len(key.key) == 32
    assert key.day == clock.now().date()


# Parts that are away


def test_with_redis_down_clicks_go_on_and_are_spooled_and_drained_later_once(
    tracks: Tracks, tmp_path: Path
) -> None:
    there = tracks.settings
    tracks.settings = replace(there, redis_url=f"unix://{tmp_path}/nobody.sock")
    tracks.restart()
    first, again = ref_of(tracks.follow()), ref_of(tracks.follow())
    assert first == again
    assert ref_of(tracks.follow(agent=FIREFOX))
    assert tracks.follow(agent=GOOGLEBOT).status_code == 302
    tracks.settings = there
    assert tracks.stream_length() == 0
    assert drain(tracks) == 4
    assert drain(tracks) == 0
    assert tracks.labels() == ["bot", "counted", "counted", "duplicate"]
    assert tracks.totals() == {"bot": 1, "counted": 2, "duplicate": 1}


def test_with_redis_and_disk_down_the_buyer_goes_on_and_the_click_id_is_good(
    tracks: Tracks, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    tracks.settings = replace(
        tracks.settings, redis_url=f"unix://{tmp_path}/nobody.sock", var_dir=tmp_path / "file" / "var"
    )
    tracks.restart()
    response = tracks.follow()
    assert response.status_code == 302
    assert tracks.links.read_click_id(ref_of(response) or "")


def test_with_the_database_down_known_links_go_on_and_unknown_ones_lead_to_the_default_page(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    seconds = [1_000.0]
    monkeypatch.setattr("app.referrals.landing.monotonic", lambda: seconds[0])
    assert ref_of(tracks.follow())
    tracks.db.dispose()
    # An address where no database can be: the folder does not exist.
    gone = type(tracks.db)(f"sqlite:///{tmp_path}/gone/nowhere.db")
    monkeypatch.setattr(tracks.db, "reading", gone.reading)
    monkeypatch.setattr(tracks.db, "transaction", gone.transaction)
    for _ in range(3):
        seconds[0] += 60
        assert ref_of(tracks.follow(agent=FIREFOX))
        response = tracks.follow(tracks.path("bert"))
        assert (response.status_code, response.location) == (302, DEFAULT)
    tracks.restart()
    assert tracks.follow().location == DEFAULT


def test_a_defect_of_ours_never_shows_a_buyer_an_error_page(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.referrals.redirect.read_agent", lambda _text: (_ for _ in ()).throw(RuntimeError("defect"))
    )
    response = tracks.follow()
    assert (response.status_code, response.location) == (302, DEFAULT)


def test_only_get_and_head_follow_a_link(tracks: Tracks) -> None:
    response = tracks.follow(method="POST")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert tracks.stream_length() == 0


def test_other_paths_go_to_the_rest_of_the_house(tracks: Tracks) -> None:
    for path in ("/", "/register", "/r", "/rr/anna/0123456789"):
        assert tracks.browser.get(path).data == b"not the redirect"


def test_the_time_of_a_click_is_the_time_of_the_request(tracks: Tracks) -> None:
    instant = clock.now() - timedelta(days=3)
    with clock.frozen(instant):
        click = tracks.links.read_click_id(ref_of(tracks.follow()) or "")
    assert click is not None
    assert milliseconds(click.at) == milliseconds(instant)


def test_what_is_spooled_is_what_is_drained(tracks: Tracks, tmp_path: Path) -> None:
    tracks.settings = replace(tracks.settings, redis_url=f"unix://{tmp_path}/nobody.sock")
    tracks.restart()
    click_id = ref_of(tracks.follow())
    spool = Spool(tracks.settings.var_dir / "spool")
    (path,) = spool.take()
    (record,) = read(path)
    assert getattr(record, "click_id", None) == click_id


def test_the_redirect_is_mounted_in_front_of_the_whole_application(tracks: Tracks) -> None:
    from app.factory import create_app

    app = create_app(tracks.settings)
    try:
        client = app.test_client()
        assert ref_of(client.get(tracks.path(), headers={"User-Agent": FIREFOX}))
        assert client.get("/healthz").status_code == 200
    finally:
        app.extensions["refledger"].db.dispose()
        app.extensions["refledger"].queue.close()


def test_a_code_of_impossible_shape_asks_no_database_and_is_not_remembered(
    tracks: Tracks, monkeypatch: pytest.MonkeyPatch
) -> None:
    landings = Landings(tracks.db)
    monkeypatch.setattr(tracks.db, "reading", lambda: pytest.fail("asked"))
    for code in ("", "x", "a" * 33, "a" * 50_000, "anna\n", "\u00e4nna", "an_na"):
        assert landings.find(code) is None
    assert not landings._unknown


def test_an_overlong_header_is_cut_before_it_is_remembered(tracks: Tracks) -> None:
    tracks.settings = replace(tracks.settings, proxy_hops=1)
    tracks.restart()
    long = "x" * 50_000
    for cache in (read_agent, network_of, source_host):
        cache.cache_clear()
    assert ref_of(tracks.follow(agent=long, Referer=f"https://{long}", X_Forwarded_For=long))
    read_agent(long[:1_000])
    network_of(long[:64])
    source_host(f"https://{long}"[:500])
    assert [cache.cache_info().misses for cache in (read_agent, network_of, source_host)] == [1, 1, 1]
