"""Tags: one spelling of one link, and whatever a person may read it as."""

from __future__ import annotations

from app.referrals.domain.tags import TAG_CHARS, canonical_tag, tag_message
from app.referrals.links import LinkSigner, referral_url

OLD, NEW, STRANGER = ("old-" * 8, "new-" * 8, "stranger" * 4)
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def test_a_tag_is_ten_lower_case_crockford_characters() -> None:
    tag = LinkSigner([NEW]).tag("hosting", "anna", "summer")
    assert len(tag) == TAG_CHARS
    assert set(tag) <= set(CROCKFORD)


def test_a_link_that_was_printed_verifies_with_every_release() -> None:
    links = LinkSigner([NEW])
    assert links.tag("hosting", "anna", "summer") == "b9a6cqv5n9"
    assert links.tag("hosting", "anna") == "gdffggaqns"


def test_a_tag_verifies_for_its_own_link_only() -> None:
    links = LinkSigner([NEW])
    tag = links.tag("hosting", "anna", "summer")
    assert links.verifies(tag, "hosting", "anna", "summer")
    for program, code, campaign in (
        ("hosting", "anna", ""),
        ("hosting", "anna", "winter"),
        ("hosting", "bert", "summer"),
        ("directory", "anna", "summer"),
        ("hosting", "annas", "ummer"),
        ("hostinga", "nna", "summer"),
    ):
        assert not links.verifies(tag, program, code, campaign)


def test_each_part_is_signed_after_its_length_so_that_no_two_links_share_a_tag() -> None:
    assert tag_message("ab", "c", "") != tag_message("a", "bc", "")
    assert tag_message("a", "b", "c") != tag_message("a", "bc", "")


def test_of_all_changes_of_one_character_only_the_readings_of_a_digit_verify() -> None:
    links = LinkSigner([NEW])
    tags = [links.tag("hosting", f"code-{number}") for number in range(40)]
    seen_as_digit = 0
    for number, tag in enumerate(tags):
        for place in range(TAG_CHARS):
            for char in map(chr, range(128)):
                read_as = {"i": "1", "l": "1", "o": "0"}.get(char.lower(), char.lower())
                changed = tag[:place] + char + tag[place + 1 :]
                assert links.verifies(changed, "hosting", f"code-{number}") is (read_as == tag[place])
                seen_as_digit += char in "oO" and tag[place] == "0"
    assert seen_as_digit, "no tag had a zero to be misread"


def test_upper_case_and_letters_that_look_like_digits_are_read_as_a_person_means_them() -> None:
    assert canonical_tag("O0oIiLl1Ab") == "00011111ab"


def test_no_other_length_alphabet_or_unicode_look_alike_is_a_tag() -> None:
    for text in (
        "",
        "0" * 9,
        "0" * 11,
        "000000000u",
        "00000 0000",
        "000000000\u0131",
        "00000000\u212a0",
        "0000-00000",
    ):
        assert canonical_tag(text) is None


def test_after_a_rotation_printed_links_still_verify_and_new_ones_use_the_last_key() -> None:
    printed = LinkSigner([OLD]).tag("hosting", "anna")
    rotated = LinkSigner([OLD, NEW])
    assert rotated.verifies(printed, "hosting", "anna")
    assert rotated.tag("hosting", "anna") == LinkSigner([NEW]).tag("hosting", "anna") != printed


def test_with_the_old_key_removed_its_links_verify_no_more() -> None:
    printed = LinkSigner([OLD]).tag("hosting", "anna")
    assert not LinkSigner([NEW]).verifies(printed, "hosting", "anna")
    assert not LinkSigner([STRANGER, NEW]).verifies(printed, "hosting", "anna")


def test_the_url_has_the_campaign_between_code_and_tag_only_where_there_is_one() -> None:
    links = LinkSigner([NEW])
    assert referral_url(links, "https://r.example", "hosting", "anna") == (
        f"https://r.example/r/anna/{links.tag('hosting', 'anna')}"
    )
    assert referral_url(links, "https://r.example", "hosting", "anna", "summer") == (
        f"https://r.example/r/anna/summer/{links.tag('hosting', 'anna', 'summer')}"
    )
