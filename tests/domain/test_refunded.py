"""How much of each line was given back, in whatever order refunds, chargebacks and reversals came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.referrals.domain.refunded import GivenBack, Refunded, refunded
from app.referrals.words import RefundKind

REFUND, CHARGEBACK, REVERSAL = RefundKind.REFUND, RefundKind.CHARGEBACK, RefundKind.CHARGEBACK_REVERSAL


def back(
    refund_id: str, kind: RefundKind = REFUND, *, full: bool = False, of: str | None = None, **lines: int
) -> GivenBack:
    return GivenBack(refund_id, kind, full, lines, of)


def test_partial_refunds_add_up_by_line() -> None:
    assert refunded([]) == Refunded({}, all_of_it=False)
    assert refunded([back("a", l1=3, l2=1), back("b", l1=4)]) == Refunded({"l1": 7, "l2": 1}, all_of_it=False)


def test_a_full_refund_takes_everything_beside_partial_ones() -> None:
    assert refunded([back("a", l1=3), back("b", full=True)]) == Refunded({"l1": 3}, all_of_it=True)


def test_a_reversal_without_lines_takes_its_whole_chargeback_back() -> None:
    partial, whole = back("cb", CHARGEBACK, l1=5), back("cb", CHARGEBACK, full=True)
    for chargeback in (partial, whole):
        for reversal in (back("rv", REVERSAL, of="cb"), back("rv", REVERSAL, full=True, of="cb")):
            assert refunded([chargeback, reversal]) == Refunded({}, all_of_it=False)
            assert refunded([reversal, chargeback]) == Refunded({}, all_of_it=False)


def test_a_reversal_with_lines_takes_those_back_and_never_more_than_was_charged_back() -> None:
    chargeback = back("cb", CHARGEBACK, l1=5, l2=2)
    assert refunded([chargeback, back("rv", REVERSAL, of="cb", l1=2)]).lines == {"l1": 3, "l2": 2}
    assert refunded([chargeback, back("rv", REVERSAL, of="cb", l1=99)]).lines == {"l1": 0, "l2": 2}
    twice = [back("rv", REVERSAL, of="cb", l1=2), chargeback, back("rw", REVERSAL, of="cb", l1=1)]
    assert refunded(twice).lines == {"l1": 2, "l2": 2}


def test_a_reversal_whose_chargeback_is_not_known_or_named_takes_nothing_back() -> None:
    refund = back("a", l1=3)
    assert refunded([refund, back("rv", REVERSAL, of="cb", l1=3)]).lines == {"l1": 3}
    assert refunded([refund, back("rv", REVERSAL)]).lines == {"l1": 3}


def test_only_a_reversal_gives_anything_back_whatever_else_names_a_chargeback() -> None:
    entries = [back("cb", CHARGEBACK, l1=5), back("a", of="cb", l1=2), back("cc", CHARGEBACK, of="cb", l1=1)]
    assert refunded(entries).lines == {"l1": 8}


def test_a_reversal_leaves_other_chargebacks_and_refunds_alone() -> None:
    entries = [
        back("a", l1=3),
        back("cb", CHARGEBACK, l1=5),
        back("cc", CHARGEBACK, l1=1),
        back("rv", REVERSAL, of="cb"),
    ]
    assert refunded(entries).lines == {"l1": 4}


lines = st.dictionaries(st.sampled_from(["l1", "l2"]), st.integers(1, 100))
entry = st.builds(
    GivenBack,
    refund_id=st.sampled_from("abcdef"),
    kind=st.sampled_from(list(RefundKind)),
    full=st.booleans(),
    lines=lines,
    reverses=st.sampled_from([None, "a", "b", "c"]),
)


@given(st.lists(entry, max_size=8, unique_by=lambda each: each.refund_id), st.data())
def test_the_order_of_arrival_makes_no_difference_and_nothing_is_below_zero(
    entries: list[GivenBack], data: st.DataObject
) -> None:
    before = refunded(entries)
    assert refunded(data.draw(st.permutations(entries))) == before
    assert all(net >= 0 for net in before.lines.values())
    charged = sum(sum(each.lines.values()) for each in entries if each.kind is not REVERSAL)
    assert sum(before.lines.values()) <= charged
