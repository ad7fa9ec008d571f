"""The client of VIES against a register of our own on loopback: every way to answer, and not to."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from app.payouts.documents.vies import Consultation, Vies, check_vat_id, unanswered
from app.payouts.domain.vat import VatAnswer
from tests.db.documents_world import BUYER_VAT, NL_VAT, TaxDay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kernel.db import Database

UNAVAILABLE = Consultation(VatAnswer.UNAVAILABLE)


@contextmanager
def register(
    status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()
) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers every question the same; its address, and what it was asked."""
    asked: list[Any] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/check", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_answer_is_read_and_whatever_else_comes_means_unavailable() -> None:
    with register(200, b'{"valid": true, "requestIdentifier": "WAPIAAAAYabc"}') as (url, asked):
        assert Vies(url).ask(NL_VAT, BUYER_VAT) == Consultation(VatAnswer.VALID, "WAPIAAAAYabc")
        assert asked == [
            {
                "countryCode": "NL",
                "vatNumber": "004495445B01",
                "requesterMemberStateCode": "NL",
                "requesterNumber": "002342672B42",
            }
        ]
    with register(200, b'{"valid": false, "requestIdentifier": "<script>"}') as (url, _):
        assert Vies(url).ask(NL_VAT, BUYER_VAT) == Consultation(VatAnswer.INVALID)
    for status, body, headers in (
        (200, b'{"actionSucceed": false, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}', ()),
        (200, b'{"valid": "true"}', ()),
        (200, b"[]", ()),
        (200, b"not json", ()),
        (200, b'{"valid": true, "name": "' + b"x" * 70_000 + b'"}', ()),
        (500, b'{"valid": true}', ()),
        (302, b"", (("Location", "http://127.0.0.1:1/elsewhere"),)),
    ):
        with register(status, body, headers) as (url, asked):
            assert Vies(url).ask(NL_VAT, BUYER_VAT) == UNAVAILABLE
            assert len(asked) == 1
    assert Vies("http://127.0.0.1:9/").ask(NL_VAT, BUYER_VAT) == UNAVAILABLE


def test_a_yes_that_comes_late_has_the_waiting_money_invoiced_and_a_new_profile_asks_anew(
    database: Database,
) -> None:
    day = TaxDay.start(database)
    day.business(checked=None)
    day.earn("ada", 10000)
    day.submit()
    with day.world() as world:
        ada, bob = world.referrers["ada"].id, world.referrers["bob"].id
    with database.reading() as session:
        assert unanswered(session) == [ada]
    assert check_vat_id(database, lambda *_: UNAVAILABLE, ada, day.now) is VatAnswer.UNAVAILABLE
    assert check_vat_id(database, lambda *_: UNAVAILABLE, bob, day.now) is None
    with database.reading() as session:
        assert unanswered(session) == [ada]

    def meanwhile(_vat_id: str, _requester: str) -> Consultation:
        day.business(vat_id="NL123456782B90", checked=None)
        return Consultation(VatAnswer.VALID)

    assert check_vat_id(database, meanwhile, ada, day.now) is None
    assert day.shown() == []
    assert (
        check_vat_id(database, lambda *_: Consultation(VatAnswer.INVALID), ada, day.now) is VatAnswer.INVALID
    )
    with database.reading() as session:
        assert unanswered(session) == []
    assert check_vat_id(database, lambda *_: Consultation(VatAnswer.VALID), ada, day.now) is VatAnswer.VALID
    assert day.shown() == [("389", "S", 10000, 2100)]
    day.assert_sound()
