"""What the bank said, as neutral records: one door to the readers of pain.002, camt.053 and camt.054.

Versions read: pain.002.001.03 and .10 (to .14, in which some banks answer a verification of payee), camt.053.001.02
and .08, camt.054.001.02 and .08, and those between, which do not differ in what is read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, assert_never

from app.payouts.domain.camt import read_camt
from app.payouts.domain.feedback_xml import open_stream
from app.payouts.domain.pain002 import read_pain002
from app.payouts.words import BankFileKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.payouts.domain.records import BankRecord


UPLOAD_BYTES: Final = 128 * 2**20
"""The largest file that a browser may hand in."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A file's kind and its records, which are read from the file as they are taken."""

    kind: BankFileKind
    records: Iterator[BankRecord]


def read_feedback(source: IO[bytes], *, limit: int | None = None) -> Feedback:
    """Open a file from the bank of at most ``limit`` bytes (``None``: of any size). Raises ``BadBankFile`` here or
    while the records are taken.

    Memory stays bounded whatever the file holds. Records come in the file's order; a statement's balances
    come after its bookings.
    """
    stream = open_stream(source, limit)
    match stream.kind:
        case BankFileKind.PAIN_002:
            return Feedback(stream.kind, read_pain002(stream.parts))
        case BankFileKind.CAMT_053 | BankFileKind.CAMT_054:
            return Feedback(stream.kind, read_camt(stream.parts))
        case _:
            assert_never(stream.kind)
