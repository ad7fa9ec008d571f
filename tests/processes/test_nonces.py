"""The random bytes of click ids: drawn many at once, given once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from app.referrals.domain.click_id import NONCE_BYTES
from app.referrals.nonces import new_nonce


def test_no_nonce_is_given_twice_by_the_threads_of_a_process() -> None:
    with ThreadPoolExecutor(8) as threads:
        nonces = list(threads.map(lambda _: new_nonce(), range(5_000)))
    assert len(set(nonces)) == 5_000
    assert {len(nonce) for nonce in nonces} == {NONCE_BYTES}


def test_a_forked_child_gives_other_nonces_than_its_parent() -> None:
    new_nonce()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(new_nonce() for _ in range(255)))
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        sent = pipe.read()
    theirs = {sent[at : at + NONCE_BYTES] for at in range(0, len(sent), NONCE_BYTES)}
    assert len(theirs) == 255
    assert theirs.isdisjoint({new_nonce() for _ in range(255)})
