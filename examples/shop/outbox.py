"""Facts on their way to Refledger: stored with the sale, then sent until they are acknowledged.

A fact goes into the outbox in the same transaction as the sale it tells of, so neither can exist without
the other. Sending it twice does no harm: the API knows each fact by its natural key and answers the second
one with 200.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

from examples.shop.store import Store, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from examples.shop.client import Answer, RefledgerClient
    from examples.shop.facts import Fact

log = logging.getLogger(__name__)
LEASE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0


def put(connection: sqlite3.Connection, facts: list[Fact]) -> None:
    """Stores `facts` in the caller's transaction, in the order in which they are to be sent."""
    connection.executemany(
        "INSERT INTO outbox (programme, stream, method, path, body, stored_at) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                fact.programme,
                fact.stream,
                fact.method,
                fact.path,
                fact.body and json.dumps(fact.body),
                timestamp(),
            )
            for fact in facts
        ],
    )


class Sender:
    """Sends what waits in the outbox; `start()` does so in a thread of its own until `stop()`."""

    def __init__(self, store: Store, clients: Mapping[str, RefledgerClient], retry_seconds: float) -> None:
        """`clients` by programme; a failed try is repeated after `retry_seconds`, then twice as long."""
        self._store, self._clients, self._retry_seconds = store, clients, retry_seconds
        self._wake, self._stopped = threading.Event(), threading.Event()

    def start(self) -> None:
        """Begins to send in the background."""
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def stop(self) -> None:
        """Lets the background thread end after the request that it is sending."""
        self._stopped.set()
        self._wake.set()

    def wake(self) -> None:
        """Says that something new is in the outbox."""
        self._wake.set()

    def drain(self) -> int:
        """Sends everything that is due; returns how many facts were tried."""
        tried = 0
        while (row := self._take()) is not None:
            self._send(row)
            tried += 1
        return tried

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.drain()
            except sqlite3.Error:
                # The disk or the lock will be back; the facts are safe where they are.
                log.exception("the outbox could not be read")
            self._wake.wait(timeout=1.0)
            self._wake.clear()

    def _take(self) -> sqlite3.Row | None:
        """The oldest due fact, leased for a while so that a second sender does not send it at the same time.

        A fact waits as long as an older one of the same stream (programme and customer) is unanswered:
        "chose a partner" and "ended it" must not overtake each other.
        """
        now = time.time()
        with self._store.transaction() as connection:
            row: sqlite3.Row | None = connection.execute(
                "SELECT * FROM outbox AS fact WHERE state = 'waiting' AND not_before <= ? AND NOT EXISTS ("
                "SELECT 1 FROM outbox AS older WHERE older.state = 'waiting' AND older.id < fact.id"
                " AND older.stream = fact.stream AND older.programme = fact.programme) ORDER BY id LIMIT 1",
                (now,),
            ).fetchone()
            if row is not None:
                connection.execute(
                    "UPDATE outbox SET not_before = ? WHERE id = ?", (now + LEASE_SECONDS, row["id"])
                )
            return row

    def _send(self, row: sqlite3.Row) -> None:
        body = json.loads(row["body"]) if row["body"] else None
        answer = self._clients[row["programme"]].call(row["method"], row["path"], body)
        state = "waiting" if answer.worth_another_try else "done" if answer.accepted else "refused"
        if state == "refused":
            log.warning("Refledger refused %s %s: %s", row["method"], row["path"], answer.words)
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET state = ?, tries = tries + 1, not_before = ?, answer = ? WHERE id = ?",
                (state, time.time() + self._pause(answer, row["tries"]), answer.words, row["id"]),
            )

    def _pause(self, answer: Answer, tries: int) -> float:
        wanted = self._retry_seconds * 2.0 ** min(tries, 10)
        return min(max(wanted, answer.retry_after or 0.0), LONGEST_PAUSE_SECONDS)
