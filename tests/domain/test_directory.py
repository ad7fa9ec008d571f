"""The directory's rules: what may be written, where a link may lead, what many stars say, what moves what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.directory.domain.profile import Case, Content, checked, terms_of
from app.directory.domain.stars import average_tenths, rank
from app.directory.domain.states import (
    NotThatWay,
    ProfileMove,
    ProfileState,
    RatingMove,
    RatingState,
    next_profile_state,
    next_rating_state,
)
from app.directory.domain.texts import UnfitText, clean_line, clean_text, sort_key, words_of
from app.directory.domain.website import UnfitWebsite, clean_website, host_of
from app.kernel.errors import InvalidInput

GOOD = Content(
    name="Studio Noord",
    tagline="Newsletters that people read",
    about="We write.\n\nAnd send.",
    expertise=(1, 2),
    languages=("nl", "de"),
    country="NL",
    price_band="middle",
    prices="From 75 euro an hour",
    website="https://studio.example/werk?x=1#top",
    cases=(Case("Müller", "More readers."), Case("", "  ")),
)


def test_a_profile_is_tidied_and_read_back_as_it_was() -> None:
    content = checked(GOOD, {1, 2, 3})
    assert [case.title for case in content.cases] == ["Müller"]
    assert Content.load(content.dump()) == content
    assert {"e:1", "l:de", "c:NL", "p:middle", "w:newsletters", "w:muller"} <= terms_of(content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("name", "\u200b\u202e\u200d"),
        ("tagline", "x" * 121),
        ("about", "x" * 3_001),
        ("expertise", ()),
        ("expertise", (4,)),
        ("expertise", tuple(range(1, 10))),
        ("languages", ("xx",)),
        ("country", "US"),
        ("price_band", "free"),
        ("prices", "x" * 601),
        ("website", "javascript:alert(1)"),
        ("cases/0/title", (Case("", "Half a case."),)),
        ("cases/0/text", (Case("Half a case", ""),)),
        ("cases", (Case("a", "b"),) * 4),
    ],
)
def test_what_does_not_fit_is_refused_beside_its_field(field: str, value: object) -> None:
    changed: dict[str, Any] = {field.partition("/")[0]: value}
    with pytest.raises(InvalidInput) as refused:
        checked(replace(GOOD, **changed), set(range(1, 4)) | set(range(5, 10)))
    assert refused.value.pointer == f"/{field}"


@pytest.mark.parametrize(
    "raw",
    [
        "http://studio.example",
        "HTTPS:/studio.example",
        "https://studio.example:8443/",
        "https://me:secret@studio.example/",
        "https://studio.example\\@evil.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://studio.example/\nSet-Cookie: a",
        "https://studio.example/ with blanks",
        "data:text/html,<script>",
        "//studio.example",
        "https://" + "a" * 200 + ".example",
        "https://stüdio.example",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(raw: str) -> None:
    with pytest.raises(UnfitWebsite):
        clean_website(raw)


def test_an_address_is_kept_in_one_form() -> None:
    assert clean_website(" www.Studio.example ") == "https://www.studio.example/"
    assert clean_website("https://xn--stdio-kva.example?q=1") == "https://xn--stdio-kva.example?q=1"
    assert clean_website("  ") == ""
    assert host_of("https://www.studio.example/werk") == "studio.example"


def test_texts_lose_what_nobody_sees_and_keep_what_people_write() -> None:
    assert clean_line(" Studio\u202eNoord\x00\n\u2028B.V. ", "/name", most=80) == "StudioNoord B.V."
    assert clean_line("👩\u200d💻 مطوّر", "/name", most=80) == "👩\u200d💻 مطوّر"
    assert clean_text("One\r\n\r\n\r\n\r\n two \n<script>", "/about", most=80) == "One\n\ntwo\n<script>"
    assert clean_text("   ", "/prices", most=80, least=0) == ""
    with pytest.raises(UnfitText):
        clean_text("x" * 81, "/about", most=80)
    assert words_of("Café-Müller, CAFE & E-mail 24/7 x") == ["cafe", "muller", "mail", "24"]
    assert (sort_key("Éclair B"), sort_key("🦊")) == ("eclair", "🦊")


def test_few_ratings_weigh_less_than_many() -> None:
    assert (average_tenths(0, 0), average_tenths(9, 2), average_tenths(14, 3)) == (0, 45, 47)
    assert rank(5, 1) < rank(48 * 5, 50) < rank(50 * 5, 50)
    assert rank(1, 1) < rank(0, 0) == 3_500 < rank(4, 1)


def test_a_profile_moves_as_the_partner_and_staff_may_move_it() -> None:
    state = ProfileState.DRAFT
    for move, wanted in [
        (ProfileMove.SUBMIT, ProfileState.SUBMITTED),
        (ProfileMove.RETURN, ProfileState.RETURNED),
        (ProfileMove.SUBMIT, ProfileState.SUBMITTED),
        (ProfileMove.PUBLISH, ProfileState.PUBLISHED),
        (ProfileMove.SAVE, ProfileState.DRAFT),
        (ProfileMove.HIDE, ProfileState.DRAFT),
        (ProfileMove.TAKE_DOWN, ProfileState.RETURNED),
    ]:
        state = next_profile_state(state, move)
        assert state is wanted
    for start, move in [
        (ProfileState.DRAFT, ProfileMove.PUBLISH),
        (ProfileState.PUBLISHED, ProfileMove.SUBMIT),
        (ProfileState.PUBLISHED, ProfileMove.RETURN),
    ]:
        with pytest.raises(NotThatWay):
            next_profile_state(start, move)
    assert next_profile_state(ProfileState.PUBLISHED, ProfileMove.HIDE) is ProfileState.DRAFT


def test_a_rating_is_decided_once_and_taken_down_only_where_it_was_let_through() -> None:
    assert next_rating_state(RatingState.REFUSED, RatingMove.WRITE) is RatingState.WAITING
    assert next_rating_state(RatingState.WAITING, RatingMove.SHOW) is RatingState.SHOWN
    assert next_rating_state(RatingState.WAITING, RatingMove.REFUSE) is RatingState.REFUSED
    assert next_rating_state(RatingState.WAITING, RatingMove.TAKE_DOWN) is RatingState.WAITING
    assert next_rating_state(RatingState.SHOWN, RatingMove.TAKE_DOWN) is RatingState.REFUSED
    for state in (RatingState.SHOWN, RatingState.REFUSED):
        with pytest.raises(NotThatWay):
            next_rating_state(state, RatingMove.SHOW)
        with pytest.raises(NotThatWay):
            next_rating_state(state, RatingMove.REFUSE)
