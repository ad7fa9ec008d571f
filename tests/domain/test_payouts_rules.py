"""States, calendar, account numbers, names and the plan of a payout."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban

from app.kernel.target_days import easter_sunday, is_target_day, target_day_from
from app.payouts.domain.calendar import Period, UnknownPeriod
from app.payouts.domain.iban import (
    EEA,
    SEPA,
    BadBic,
    BadIban,
    country_of,
    last4,
    mask,
    normalise_bic,
    normalise_iban,
)
from app.payouts.domain.plan import (
    Account,
    Candidate,
    Minimum,
    PlannedOmission,
    PlannedPayout,
    Reach,
    plan_payout,
)
from app.payouts.domain.sepa_text import has_sepa_name, sepa_name, sepa_text
from app.payouts.domain.state import (
    OPEN_PAYOUTS,
    IllegalMove,
    PayoutMove,
    PayoutState,
    RunMove,
    RunState,
    next_payout_status,
    next_run_status,
)
from app.payouts.words import OmissionReason

RUN_MOVES = {
    ("draft", "freeze"): "frozen",
    ("draft", "cancel"): "cancelled",
    ("frozen", "approve"): "approved",
    ("frozen", "cancel"): "cancelled",
    ("approved", "withdraw"): "frozen",
    ("approved", "build"): "built",
    ("approved", "cancel"): "cancelled",
    ("built", "submit"): "submitted",
    ("built", "cancel"): "cancelled",
    ("submitted", "close"): "closed",
}
PAYOUT_MOVES = {
    ("reserved", "file"): "filed",
    ("reserved", "cancel"): "cancelled",
    ("filed", "submit"): "submitted",
    ("filed", "cancel"): "cancelled",
    ("submitted", "book"): "paid",
    ("submitted", "reject"): "rejected",
    ("submitted", "lose"): "unknown",
    ("unknown", "book"): "paid",
    ("unknown", "reject"): "rejected",
    ("paid", "return"): "returned",
}


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("move", RunMove)
def test_a_run_moves_only_as_the_design_says(state: RunState, move: RunMove) -> None:
    wanted = RUN_MOVES.get((state.value, move.value))
    if wanted is None:
        with pytest.raises(IllegalMove, match=f"a run that is {state.value} cannot {move.value}"):
            next_run_status(state, move)
    else:
        assert next_run_status(state, move) == wanted


@pytest.mark.parametrize("state", PayoutState)
@pytest.mark.parametrize("move", PayoutMove)
def test_a_payout_moves_only_as_the_design_says(state: PayoutState, move: PayoutMove) -> None:
    wanted = PAYOUT_MOVES.get((state.value, move.value))
    if wanted is None:
        with pytest.raises(IllegalMove, match=f"a payout that is {state.value} cannot {move.value}"):
            next_payout_status(state, move)
    else:
        assert next_payout_status(state, move) == wanted


def test_money_of_an_unknown_payout_stays_in_flight() -> None:
    assert {state.value for state in OPEN_PAYOUTS} == {"reserved", "filed", "submitted", "unknown"}


def test_a_period_has_its_calendar_months_days() -> None:
    assert Period.parse("2026-12").last_day == date(2026, 12, 31)
    assert Period.parse("2028-02").last_day == date(2028, 2, 29)
    assert str(Period.parse("2026-12").next()) == "2027-01"
    assert str(Period.parse("2026-01").previous()) == "2025-12"
    assert Period.of(date(2026, 10, 31)) == Period(2026, 10)
    assert Period.parse("2026-02").payout_day(31) == date(2026, 2, 28)
    assert Period.parse("2026-02").payout_day(1) == date(2026, 2, 1)


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-1", "202610", "2026-10-01", "", "٢٠٢٦-10", "1999-12", "9999-01", " 2026-10"],
)
def test_text_that_is_no_month_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(UnknownPeriod, match="YYYY-MM") as caught:
        Period.parse(text)
    assert caught.value.pointer == "/period"


def test_christmas_2026_is_executed_on_the_28th() -> None:
    assert target_day_from(date(2026, 12, 25)) == date(2026, 12, 28)
    assert target_day_from(date(2026, 12, 28)) == date(2026, 12, 28)


@pytest.mark.parametrize("year", [2024, 2026, 2038, 2076])
def test_the_settlement_calendar_is_that_of_the_european_central_bank(year: int) -> None:
    closed = holidays.financial_holidays("ECB", years=year)
    day = date(year, 1, 1)
    while day.year == year:
        assert is_target_day(day) == (day.weekday() < 5 and day not in closed), day
        day += timedelta(days=1)


def test_easter_falls_where_the_tables_say() -> None:
    assert [easter_sunday(year) for year in (1961, 2000, 2026, 2038)] == [
        date(1961, 4, 2),
        date(2000, 4, 23),
        date(2026, 4, 5),
        date(2038, 4, 25),
    ]


def test_an_iban_is_kept_in_capitals_without_blanks() -> None:
    assert normalise_iban(" nl91 abna 0417 1643 00 ") == "NL91ABNA0417164300"
    assert country_of("NL91ABNA0417164300") == "NL"
    assert last4("NL91ABNA0417164300") == "4300"
    assert mask("NL", "4300") == "NL** **** 4300"
    assert "NL" in EEA
    assert "CH" in SEPA - EEA


@pytest.mark.parametrize(
    "typed",
    [
        "NL91ABNA0417164301",
        "NL91ABNA041716430",
        "XX91ABNA0417164300",
        "",
        "NL",
        "N" * 5000,
        "NL91ABNA041716430Ø",
        "DE8937040044053201300",
    ],
)
def test_a_wrong_iban_is_refused_and_never_repeated(typed: str) -> None:
    with pytest.raises(BadIban) as caught:
        normalise_iban(typed)
    assert caught.value.pointer == "/iban"
    assert typed not in caught.value.detail or not typed


def test_check_digits_that_are_never_issued_are_refused() -> None:
    account = next(
        f"{number:010d}"
        for number in range(1000)
        if stdnum_iban.calc_check_digits(f"DE00{number + 37040044 * 10**10:018d}") == "98"
    )
    bban = f"37040044{account}"
    assert normalise_iban(f"DE98{bban}")
    with pytest.raises(BadIban):
        normalise_iban(f"DE01{bban}")


def test_a_bic_may_be_left_out_and_is_checked_otherwise() -> None:
    assert normalise_bic(None) is None
    assert normalise_bic("  ") is None
    assert normalise_bic("abnanl2a") == "ABNANL2A"
    for wrong in ("ABNANL2", "ABNANL2AÄ", "12345678901234"):
        with pytest.raises(BadBic):
            normalise_bic(wrong)


@pytest.mark.parametrize(
    ("written", "in_the_file"),
    [
        ("Jörg & Söhne_", "Joerg + Soehne-"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Ærø Ðorđe Þór", "AEro Dorde THor"),
        ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoylos"),
        ("Юлия Щукина", "Yuliya Shtukina"),
        ("  two   blanks\t\n ", "two blanks"),
        ("//a//b/", "a/b"),
        ("O\u2019Brien \u201cLtd\u201d", "O'Brien 'Ltd'"),
        ("日本", ".."),
        ("🦊 Fox", ". Fox"),
        ("ﬁne ½", "fine 1.2"),
        ("e\u0301", "e"),
        ("\u0301", ""),
    ],
)
def test_a_name_is_written_in_characters_that_every_bank_takes(written: str, in_the_file: str) -> None:
    assert sepa_name(written) == in_the_file


def test_a_name_without_any_letter_is_no_name() -> None:
    assert has_sepa_name("Bo")
    assert not has_sepa_name("日本 123")


@given(st.text(max_size=200))
def test_any_text_becomes_sepa_text_of_at_most_70_characters(text: str) -> None:
    written = sepa_name(text)
    assert len(written) <= 70
    assert set(written) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
    assert not written.startswith(("/", " "))
    assert not written.endswith(("/", " "))
    assert "//" not in written
    assert sepa_text(written, 70) == written


TODAY = date(2026, 11, 1)
REACH = Reach(largest_minor=99_999_999_999, countries=SEPA, without_address=EEA)
ACCOUNT = Account(destination_id=7, country="NL", usable_on=TODAY, blocked=False, has_address=False)


def candidate(*amounts: int, account: Account | None = ACCOUNT, suspended: bool = False) -> Candidate:
    return Candidate(referrer_id=1, available_minor=sum(amounts), suspended=suspended, account=account)


def plan(who: Candidate, minimum: int = 2500) -> PlannedPayout | PlannedOmission | None:
    return plan_payout(who, minimum=Minimum(minimum), today=TODAY, reach=REACH)


def test_the_minimum_does_not_hold_for_who_left_where_the_programme_says_so() -> None:
    leaver = replace(candidate(1), left=True)
    kept = PlannedOmission(1, 1, OmissionReason.BELOW_MINIMUM)
    waived = Minimum(2500, for_leavers=False)
    assert plan(leaver) == kept
    assert plan_payout(leaver, minimum=waived, today=TODAY, reach=REACH) == PlannedPayout(1, 7, 1)
    assert plan_payout(candidate(1), minimum=waived, today=TODAY, reach=REACH) == kept
    owing = replace(candidate(-1), left=True)
    assert plan_payout(owing, minimum=waived, today=TODAY, reach=REACH) == PlannedOmission(
        1, -1, OmissionReason.NEGATIVE
    )


def test_one_cent_below_the_minimum_carries_forward() -> None:
    assert plan(candidate(2499)) == PlannedOmission(1, 2499, OmissionReason.BELOW_MINIMUM)
    assert plan(candidate(2499, 1)) == PlannedPayout(1, 7, 2500)


def test_a_minimum_of_zero_pays_a_single_cent() -> None:
    paid = plan(candidate(1), minimum=0)
    assert isinstance(paid, PlannedPayout)
    assert paid.amount_minor == 1


def test_clawbacks_are_netted() -> None:
    assert plan(candidate(5000, -1000, 0)) == PlannedPayout(1, 7, 4000)


def test_a_debt_is_carried_forward_and_nothing_at_all_is_not_mentioned() -> None:
    assert plan(candidate(100, -300)) == PlannedOmission(1, -200, OmissionReason.NEGATIVE)
    assert plan(candidate(300, -300)) is None
    assert plan(candidate()) is None


@pytest.mark.parametrize(
    ("account", "suspended", "reason"),
    [
        (ACCOUNT, True, OmissionReason.SUSPENDED),
        (None, False, OmissionReason.NO_BANK_ACCOUNT),
        (Account(7, "NL", TODAY, blocked=True, has_address=True), False, OmissionReason.ACCOUNT_BLOCKED),
        (
            Account(7, "NL", TODAY + timedelta(days=1), blocked=False, has_address=True),
            False,
            OmissionReason.ACCOUNT_NOT_YET_USABLE,
        ),
        (Account(7, "BR", TODAY, blocked=False, has_address=True), False, OmissionReason.NOT_REACHABLE),
        (Account(7, "CH", TODAY, blocked=False, has_address=False), False, OmissionReason.ADDRESS_MISSING),
    ],
)
def test_who_cannot_be_paid_is_left_out_with_the_reason(
    account: Account | None, suspended: bool, reason: OmissionReason
) -> None:
    assert plan(candidate(5000, account=account, suspended=suspended)) == PlannedOmission(1, 5000, reason)


def test_a_swiss_account_with_an_address_is_paid() -> None:
    assert isinstance(plan(candidate(5000, account=Account(7, "CH", TODAY, False, True))), PlannedPayout)


def test_more_than_a_transfer_may_carry_is_left_out() -> None:
    assert plan(candidate(100_000_000_000)) == PlannedOmission(1, 100_000_000_000, OmissionReason.TOO_LARGE)


def test_a_way_of_paying_without_limits_reaches_everybody() -> None:
    everywhere = Reach(largest_minor=10**15)
    account = Account(7, "BR", TODAY, blocked=False, has_address=False)
    who = candidate(5000, account=account)
    assert isinstance(plan_payout(who, minimum=Minimum(0), today=TODAY, reach=everywhere), PlannedPayout)
