"""What a stolen database does not tell, and by what two addresses are one mailbox."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.crypto import CannotOpen, Keyring, email_key, normalise_email

OLD, NEW = "old-encryption-key-0123456789abcdef", "new-encryption-key-0123456789abcdef"


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens_for_its_own_row_only(plain: bytes, row: bytes) -> None:
    ring = Keyring((OLD,))
    sealed = ring.seal(plain, row)
    assert ring.open(sealed, row) == plain
    with pytest.raises(CannotOpen):
        ring.open(sealed, row + b"x")


def test_sealing_twice_gives_other_bytes() -> None:
    ring = Keyring((OLD,))
    assert ring.seal(b"NL91", b"row") != ring.seal(b"NL91", b"row")


def test_any_altered_or_missing_byte_keeps_it_shut() -> None:
    ring = Keyring((OLD,))
    sealed = ring.seal(b"NL91ABNA0417164300", b"row")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotOpen):
            ring.open(bytes(altered), b"row")
    for cut in range(1, len(sealed), 7):
        with pytest.raises(CannotOpen):
            ring.open(sealed[:-cut], b"row")
    with pytest.raises(CannotOpen):
        ring.open(b"", b"row")


def test_a_new_key_seals_and_the_old_one_still_opens_until_it_is_removed() -> None:
    before, both, after = Keyring((OLD,)), Keyring((OLD, NEW)), Keyring((NEW,))
    sealed = before.seal(b"x", b"row")
    assert both.open(sealed, b"row") == b"x"
    assert after.open(both.seal(b"x", b"row"), b"row") == b"x"
    with pytest.raises(CannotOpen):
        after.open(sealed, b"row")


def test_a_fingerprint_is_stable_when_a_key_is_added_and_differs_by_purpose_key_and_value() -> None:
    ring = Keyring((OLD,))
    assert ring.index("iban", "a") == Keyring((OLD, NEW)).index("iban", "a")
    others = {ring.index("iban", "b"), ring.index("email", "a"), Keyring((NEW,)).index("iban", "a")}
    assert ring.index("iban", "a") not in others
    assert len(others) == 3


def test_a_fingerprint_outlives_the_key_that_it_was_made_from_once_its_root_is_kept() -> None:
    kept = Keyring((OLD, NEW)).seal_index_root()
    after = Keyring((NEW,), lambda: kept)
    assert after.index("iban", "a") == Keyring((OLD,)).index("iban", "a")
    assert after.index("email", "a") == Keyring((OLD,), lambda: None).index("email", "a")
    with pytest.raises(CannotOpen):
        Keyring(("a-third-encryption-key-0123456789abc",), lambda: kept).index("iban", "a")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("ada+shop@example.org", "ada@example.org"),
        ("a.d.a+x+y@gmail.com", "ada@googlemail.com"),
        (" ada@example.org ", "ada@example.org"),
        ("\uff41da@example.org", "ada@example.org"),
    ],
)
def test_spellings_of_one_mailbox_are_one_person(one: str, other: str) -> None:
    ring = Keyring((OLD,))
    assert normalise_email(one) == normalise_email(other)
    assert email_key(ring, one) == email_key(ring, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.da@example.org", "ada@example.org"),
        ("ada@example.org", "ada@example.com"),
        ("ada@example.org", "bob@example.org"),
    ],
)
def test_other_mailboxes_are_other_people(one: str, other: str) -> None:
    assert normalise_email(one) != normalise_email(other)


def test_two_mailboxes_that_begin_with_a_plus_are_not_one_person() -> None:
    assert normalise_email("+ada@example.org") != normalise_email("+bob@example.org")
