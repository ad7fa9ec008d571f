"""Bookings from one account to another, and text that a spreadsheet might take for a formula."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as some

from app.finance.datev import TEXTS, pairs
from app.finance.words import ACCOUNTS, Chart
from app.kernel import sheet
from app.ledger.models import LedgerAccount, TransactionKind

SIDES = some.lists(
    some.tuples(some.sampled_from(LedgerAccount), some.integers(-10_000, 10_000)), min_size=1, max_size=8
)


@given(SIDES)
def test_pairs_move_what_the_transaction_moves_and_nothing_else(
    sides: list[tuple[LedgerAccount, int]],
) -> None:
    balanced = [*sides, (LedgerAccount.BANK, -sum(amount for _, amount in sides))]
    moved: defaultdict[LedgerAccount, int] = defaultdict(int)
    found = list(pairs(balanced))
    for pair in found:
        assert pair.amount_minor > 0
        moved[pair.debited] += pair.amount_minor
        moved[pair.credited] -= pair.amount_minor
    for account in LedgerAccount:
        assert moved[account] == sum(amount for name, amount in balanced if name is account)
    # Never both sides of one account, and never more bookings than there are accounts.
    assert not {pair.debited for pair in found} & {pair.credited for pair in found}
    assert len(found) < len(LedgerAccount)


def test_every_ledger_account_has_a_number_and_every_kind_a_text() -> None:
    for chart in Chart:
        assert set(ACCOUNTS[chart]) == {account.value for account in LedgerAccount}
    assert set(TEXTS) == set(TransactionKind)


def test_no_cell_of_text_begins_like_a_formula() -> None:
    assert [sheet.text(value) for value in ("=1+1", "+49", "-x", "@me", "\tx", "plain", None)] == [
        "'=1+1",
        "'+49",
        "'-x",
        "'@me",
        "'\tx",
        "plain",
        "",
    ]
    assert sheet.line(("a,b", 'say "x"', "")) == '"a,b","say ""x""",\r\n'
