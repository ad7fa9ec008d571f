"""Click labels: the first that matches wins, and no person is taken for a robot."""

from __future__ import annotations

import pytest

from app.referrals.domain.agent import read_agent
from app.referrals.domain.click_label import ClickLabel, Visit, label

PERSON = Visit(attributable=True, method="GET", purpose="", fetch_dest="document", bot=False)

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
CUBOT = (
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/81.0.4044.138 Mobile Safari/537.36"
)


def test_labels_win_in_the_order_in_which_they_are_written_down() -> None:
    matches_all = Visit(attributable=False, method="HEAD", purpose="prefetch", fetch_dest="image", bot=True)
    steps = (
        (matches_all, ClickLabel.BAD_TAG),
        (matches_all := matches_all._replace(attributable=True), ClickLabel.PREFETCH),
        (matches_all := matches_all._replace(purpose=""), ClickLabel.HEAD),
        (matches_all := matches_all._replace(method="GET"), ClickLabel.EMBEDDED),
        (matches_all := matches_all._replace(fetch_dest=""), ClickLabel.BOT),
        (matches_all := matches_all._replace(bot=False), ClickLabel.DUPLICATE),
    )
    assert [label(visit, duplicate=True) for visit, _ in steps] == [expected for _, expected in steps]
    assert label(matches_all) is ClickLabel.COUNTED
    assert [expected for _, expected in steps] == list(ClickLabel)[:-1]


@pytest.mark.parametrize(
    "purpose",
    ["prefetch", "prefetch;prerender", "Prefetch", "prerender", "preview", "prefetch;anonymous-client-ip"],
)
def test_a_fetch_ahead_of_a_visit_is_a_prefetch(purpose: str) -> None:
    assert label(PERSON._replace(purpose=purpose)) is ClickLabel.PREFETCH


@pytest.mark.parametrize("fetch_dest", ["image", "iframe", "frame", "script", "empty", "object", "style"])
def test_what_is_not_loaded_as_a_document_is_embedded(fetch_dest: str) -> None:
    assert label(PERSON._replace(fetch_dest=fetch_dest)) is ClickLabel.EMBEDDED


def test_a_person_counts_with_fetch_metadata_and_without_and_whatever_else_the_purpose_is() -> None:
    assert label(PERSON) is ClickLabel.COUNTED
    assert label(PERSON._replace(fetch_dest="")) is ClickLabel.COUNTED
    assert label(PERSON._replace(purpose="navigate")) is ClickLabel.COUNTED


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "   ",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "undici",
        "Java/17.0.9",
        "Cardyb/1.1 (+mailto:support@bsky.app)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0",
    ],
)
def test_programs_are_bots(agent: str) -> None:
    assert read_agent(agent).bot


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        CUBOT,
        "Mozilla/5.0 (Linux; U; Android 4.4.2; CUBOT GT99) AppleWebKit/534.30 Version/4.0 Mobile",
        IPHONE,
    ],
)
def test_people_are_no_bots_not_even_with_a_cubot_phone(agent: str) -> None:
    assert not read_agent(agent).bot


def test_a_crawler_that_claims_a_cubot_phone_is_still_a_crawler() -> None:
    assert read_agent(CUBOT + " (compatible; Googlebot/2.1)").bot


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (CHROME, "Chrome 142"),
        (CHROME + " Edg/142.0.0.0", "Edge 142"),
        (CHROME + " OPR/120.0.0.0", "Opera 120"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox 144"),
        (
            IPHONE,
            "Safari 18",
        ),
        ("curl/8.5.0", "curl 8"),
        ("undici", "undici"),
        ("", ""),
        ("\u2603", ""),
    ],
)
def test_an_agent_is_cut_to_family_and_major_version(agent: str, family: str) -> None:
    assert read_agent(agent).family == family
