"""Click ids: the whole click in at most 80 characters, and exactly one string for each."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import ids
from app.referrals.domain import click_id as codec
from app.referrals.domain.click_id import MAX_CHARS, ClickId
from app.referrals.links import LinkSigner

OLD, NEW, STRANGER = ("old-" * 8, "new-" * 8, "stranger" * 4)
AT = datetime(2026, 9, 10, 12, 30, 15, 123_000, tzinfo=UTC)
LINKS = LinkSigner([OLD, NEW])

campaigns = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=20)
instants = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))


@given(
    at=instants, program_id=st.integers(0, 2**40), referrer_id=st.integers(0, 2**56 - 1), campaign=campaigns
)
def test_a_click_id_says_what_was_put_in_and_fits(
    at: datetime, program_id: int, referrer_id: int, campaign: str
) -> None:
    click = ClickId(at, program_id, referrer_id, campaign, ids.token_bytes(9))
    text = LINKS.click_id(click)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", text)
    assert LINKS.read_click_id(text) == click


def test_exactly_one_string_verifies_for_one_click_whatever_its_length() -> None:
    alphabet = string.ascii_letters + string.digits + "-_+/=. \n"
    lengths = set()
    for campaign in ("", "a", "ab", "abc"):
        text = LINKS.new_click_id(AT, 1, 300, campaign)
        lengths.add(len(text) % 4)
        stem = text[:-2]
        verifying = [
            stem + first + second
            for first in alphabet
            for second in ["", *alphabet]
            if LINKS.read_click_id(stem + first + second) is not None
        ]
        assert verifying == [text]
        for appended in ("=", "==", "A", "\n", " ", "%3D"):
            assert LINKS.read_click_id(text + appended) is None
        assert LINKS.read_click_id(" " + text) is None
    assert len(lengths) == 3, "spare bits differ by length: all three lengths that base64 has must be tried"


def test_any_changed_character_anywhere_is_refused() -> None:
    text = LINKS.new_click_id(AT, 7, 12, "summer")
    for place, char in enumerate(text):
        for other in string.ascii_letters + string.digits + "-_":
            if other != char:
                assert LINKS.read_click_id(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "A", "AAAA", "A" * 80, "A" * 81, "\u00e9" * 40, "-" * 43, "a" * 10_000])
def test_what_never_was_a_click_id_is_refused_without_a_reason(text: str) -> None:
    assert LINKS.read_click_id(text) is None


def test_a_click_id_of_a_removed_or_foreign_key_is_refused_and_of_an_old_key_is_read() -> None:
    old = LinkSigner([OLD]).new_click_id(AT, 1, 2)
    assert LINKS.read_click_id(old) is not None
    assert LinkSigner([NEW]).read_click_id(old) is None
    assert LINKS.read_click_id(LinkSigner([STRANGER]).new_click_id(AT, 1, 2)) is None


def test_signed_bytes_that_are_no_click_are_refused() -> None:
    head = bytes(6) + bytes(9)
    for payload in (
        head + b"\x80",  # the programme's number does not end
        head + b"\x01\xff",  # the referrer's number does not end
        b"\xff" * 6 + bytes(9) + b"\x01\x01",  # a time after the year 9999
        head + b"\x01\x01" + bytes((38,)),  # a campaign with a digit that no character has
    ):
        assert LINKS.read_click_id(LINKS.sign_click(payload)) is None


def test_the_first_twenty_characters_name_the_event_and_two_clicks_never_share_them() -> None:
    texts = [LINKS.new_click_id(AT, 1, 2) for _ in range(200)]
    assert len({text[: codec.EVENT_CHARS] for text in texts}) == 200
    click = LINKS.read_click_id(texts[0])
    assert click is not None
    assert click.event_id == texts[0][: codec.EVENT_CHARS]


def test_the_time_is_kept_to_the_millisecond_cut_off() -> None:
    click = LINKS.read_click_id(LINKS.new_click_id(AT + timedelta(microseconds=999), 1, 2))
    assert click is not None
    assert click.at == AT


def test_negative_keys_make_no_click_id() -> None:
    with pytest.raises(ValueError, match=r"^a key is not negative$"):
        LINKS.new_click_id(AT, -1, 2)


def test_the_longest_campaign_with_large_keys_still_fits() -> None:
    text = LINKS.new_click_id(AT, 2**49 - 1, 2**56 - 1, "z" * 20)
    assert len(text) == MAX_CHARS
    click = LINKS.read_click_id(text)
    assert click is not None
    assert (click.program_id, click.referrer_id, click.campaign) == (2**49 - 1, 2**56 - 1, "z" * 20)


def test_a_longer_text_is_refused_even_with_our_own_signature() -> None:
    longest, longer = (ClickId(AT, 1, 1, "z" * size, bytes(9)) for size in (41, 42))
    assert len(LINKS.click_id(longest)) == MAX_CHARS
    assert LINKS.read_click_id(LINKS.click_id(longest)) == longest
    assert LINKS.read_click_id(LINKS.click_id(longer)) is None


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31])
def test_what_is_too_short_to_hold_a_link_and_its_signature_is_refused(size: int) -> None:
    with pytest.raises(codec.NoClickId):
        codec.from_text(codec.to_text(bytes(size)))


def test_the_last_instant_of_the_year_9999_is_a_time() -> None:
    at = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    click = LINKS.read_click_id(LINKS.new_click_id(at, 1, 2))
    assert click is not None
    assert click.at == at


def test_what_was_given_out_once_is_read_and_written_the_same_by_every_release() -> None:
    stored = "AaCLTBhTAAECAwQFBgcIB6wCyYBUoLZplVWwLHy3RgtXZ8J3cg"
    click = ClickId(AT, 7, 300, "flyer", bytes(range(9)))
    assert LinkSigner([NEW]).click_id(click) == stored
    assert LinkSigner([NEW]).read_click_id(stored) == click
    assert click.event_id == "AaCLTBhTAAECAwQFBgcI"
