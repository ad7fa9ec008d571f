"""The finance pack: what is owed, how old it is, what runs came to, and the files; all equal to the balances."""

from __future__ import annotations

import csv
from dataclasses import asdict
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from app.finance.basis import as_booked, as_known
from app.finance.closing import close_period
from app.finance.datev import batch_lines, file_name
from app.finance.errors import NotForDatev
from app.finance.journal import journal_lines, month_of
from app.finance.match import Match, matches
from app.finance.owed import Owed, ageing, liability, liability_by_referrer
from app.finance.settings import Wanted, change_settings
from app.finance.ubd import ubd_lines
from app.finance.words import Chart
from app.identity.audit import Actor
from app.kernel.clock import local_day
from app.payouts.domain.state import RunState
from app.referrals.models import Program
from tests.builders import at
from tests.db.payouts_world import Payday, camt, detail, entry, pain002

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.kernel.db import Database

BY = Actor.person("usr_finance")


@pytest.fixture
def payday(database: Database) -> Payday:
    """October's run is with the bank: Ada was paid and got it back, Bob was rejected, Cleo waits. More came since."""
    payday = Payday.build(database, minimum_payout="10.00")
    payday.join("cleo")
    payday.account("cleo", "NL20INGB0001234567")
    payday.earn("ada", 5000, "2026-09-02")
    payday.refund(payday.earn("ada", 3000, "2026-10-07"), 1000, "2026-10-08")
    payday.earn("bob", 4000, "2026-10-20")
    payday.earn("cleo", 2000, "2026-10-21")
    payday.submit()
    refs = {name: payout.end_to_end_id for name, payout in payday.payouts().items()}
    payday.feed(pain002((refs["bob"], "AC04")))
    payday.feed(camt(entry("70.00", detail(refs["ada"], "70.00"), on="2026-11-24")))
    returned = detail(refs["ada"], "70.00", reason="AC04")
    payday.feed(camt(entry("70.00", returned, credit=True, reference="B2", on="2026-11-26"), statement="S2"))
    payday.earn("bob", 900, "2026-11-21")
    return payday


def rows(lines: Iterable[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO("".join(lines))))


def test_the_liability_is_what_the_balances_say_for_each_and_for_all(payday: Payday) -> None:
    with payday.db.reading() as session:
        program = session.get_one(Program, payday.program_id)
        basis = as_known(program, payday.now)
        each = dict(liability_by_referrer(session, basis))
        everybody = liability(session, basis)
        aged = ageing(session, basis)
    for name in ("ada", "bob", "cleo"):
        balance = payday.balance(name)
        expected = Owed(balance.pending, balance.available, balance.held, balance.in_flight)
        assert each[f"{name}-hosting"] == expected
    assert asdict(everybody) == {
        figure: sum(getattr(owed, figure) for owed in each.values()) for figure in asdict(everybody)
    }
    assert (everybody.available, everybody.in_flight, everybody.total) == (11_900, 2000, 13_900)
    assert sum(bucket.total for bucket in aged) == everybody.total
    assert {bucket.bucket: (bucket.payable, bucket.in_flight) for bucket in aged} == {
        "not_due": (0, 0),
        "0-30": (900, 0),
        "31-60": (2000 + 4000, 2000),
        "61-90": (5000, 0),
        "over_90": (0, 0),
    }


def test_an_earlier_day_and_a_closed_month_are_as_they_were_then(payday: Payday) -> None:
    with payday.db.reading() as session:
        program = session.get_one(Program, payday.program_id)
        assert liability(session, as_known(program, at("2026-11-01"))).total == 0  # nothing was known yet
        october = liability(session, as_booked(session, program, "2026-10"))
        # Reserved, rejected and booked in November: in October all was available.
        assert october == Owed(available=13_000)
    close_period(payday.db, payday.program_id, "2026-10", by=BY, now=at("2026-11-27"))
    payday.earn("cleo", 7700, "2026-10-02")
    with payday.db.reading() as session:
        assert liability(session, as_booked(session, program, "2026-10")) == october
        assert liability(session, as_booked(session, program, "2026-11")).total == 13_900 + 7700


def test_a_run_is_held_against_its_approval_and_the_bank(payday: Payday) -> None:
    with payday.db.reading() as session:
        (match,) = matches(session, payday.program_id)
    assert match == Match(
        run="hosting:2026-10:EUR:1",
        state=RunState.SUBMITTED,
        currency="EUR",
        earned=13_000,
        approved=13_000,
        filed=13_000,
        settled=7000,
        decided=0,
        returned=7000,
        rejected=4000,
        open=2000,
    )
    assert match.holds
    with payday.db.transaction() as session:
        payout = payday.payouts()["cleo"]
        session.merge(payout).amount_minor += 1
    with payday.db.reading() as session:
        (match,) = matches(session, payday.program_id)
    assert (match.holds, match.approved) == (False, None)


def test_the_journal_of_a_month_balances_and_of_a_closed_one_keeps_every_byte(payday: Payday) -> None:
    with payday.db.reading() as session:
        program = session.get_one(Program, payday.program_id)
        november = rows(journal_lines(session, month_of(session, program, "2026-11")))
    for side in ("debit", "credit"):
        assert sum(float(row[side] or 0) for row in november) == 130 + 40 + 70 + 70 + 9
    assert {row["account"] for row in november} == {"1700", "1360", "1200", "4760"}
    assert {row["kind"] for row in november if row["effective_on"] == "2026-11-24"} == {"payout_booked"}
    close_period(payday.db, payday.program_id, "2026-10", by=BY, now=at("2026-11-27"))
    before = files(payday, "2026-10")
    with payday.db.transaction() as session:
        session.get_one(Program, payday.program_id).name = "Renamed"
        wanted = Wanted(chart=Chart.SKR04, accounts={"bank": "1810"})
        change_settings(session, program, wanted, by=BY, now=payday.now)
    payday.earn("cleo", 7700, "2026-10-02")
    assert files(payday, "2026-10") == before
    late = [row for row in rows(files(payday, "2026-11")) if row["effective_on"] == "2026-10-02"]
    assert [(row["account"], row["debit"], row["credit"]) for row in late] == [
        ("6770", "77.00", ""),
        ("3500", "", "77.00"),
    ]


def files(payday: Payday, period: str) -> list[str]:
    with payday.db.snapshot() as session:
        program = session.get_one(Program, payday.program_id)
        return list(journal_lines(session, month_of(session, program, period)))


def test_a_batch_for_datev_has_its_header_and_sums_the_journal(payday: Payday) -> None:
    with payday.db.transaction() as session:
        program = session.get_one(Program, payday.program_id)
        with pytest.raises(NotForDatev, match="adviser"):
            batch_lines(session, month_of(session, program, "2026-11"), payday.now)
        wanted = Wanted(adviser=29098, client=55003, year_begins=7)
        change_settings(session, program, wanted, by=BY, now=payday.now)
    close_period(payday.db, payday.program_id, "2026-10", by=BY, now=at("2026-11-27 08:09:10"))
    payday.earn("cleo", 7700, "2026-10-02")
    with payday.db.reading() as session:
        month = month_of(session, program, "2026-11")
        lines = [line.decode("cp1252") for line in batch_lines(session, month, at("2026-12-01 10:11:12"))]
        closed = next(iter(batch_lines(session, month_of(session, program, "2026-10"), payday.now)))
    assert lines[0] == (
        '"EXTF";700;21;"Buchungsstapel";13;20261201101112000;;"RE";"";"";29098;55003;20260701;4;20261101;20261130;'
        '"2026-11 hosting";"";1;0;0;"EUR";;"";;;"03";;;"";""\r\n'
    )
    assert closed.decode().split(";")[5] == "20261127080910000"
    assert lines[1].count(";") == 21
    bookings = [line.rstrip("\r\n").split(";") for line in lines[2:]]
    assert [(each[0], each[6], each[7], each[9], each[13], each[21]) for each in bookings] == [
        ("77,00", "4760", "1700", "0111", '"Provisionen (1)"', '"02.10.2026"'),
        ("9,00", "4760", "1700", "2111", '"Provisionen (1)"', ""),
        ("40,00", "1360", "1700", "2211", '"Auszahlung abgelehnt (1)"', ""),
        ("130,00", "1700", "1360", "2211", '"Auszahlung vorgemerkt (3)"', ""),
        ("70,00", "1360", "1200", "2411", '"Auszahlung gebucht (1)"', ""),
        ("70,00", "1200", "1700", "2611", '"Rücküberweisung (1)"', ""),
    ]
    assert file_name(month) == "EXTF_Buchungsstapel_hosting_2026-11.csv"


def test_what_people_were_paid_in_a_year_is_what_the_bank_booked(payday: Payday) -> None:
    payout = payday.payouts()["cleo"]
    payday.feed(
        camt(
            entry("20.00", detail(payout.end_to_end_id, "20.00"), on="2026-12-01", reference="B3"),
            statement="S3",
        )
    )
    with payday.db.reading() as session:
        program = session.get_one(Program, payday.program_id)
        found = rows(ubd_lines(session, program, 2026))
        assert rows(ubd_lines(session, program, 2025)) == []
    assert [(row["kenmerk"], row["datum uitbetaling"], row["uitbetaald bedrag"]) for row in found] == [
        ("ada-hosting", "2026-11-24", "70.00"),
        ("ada-hosting", "2026-11-26", "-70.00"),
        ("cleo-hosting", "2026-12-01", "20.00"),
    ]
    assert found[2]["naam"] == "Cleo"
    assert found[2]["ontbreekt"] == "straat en huisnummer, postcode, woonplaats, land, geboortedatum, bsn"
    paid = sum(payday.balance(name).paid for name in ("ada", "bob", "cleo"))
    assert sum(round(100 * float(row["uitbetaald bedrag"])) for row in found) == paid == 2000
    assert local_day(payday.now, "Europe/Amsterdam") == date(2026, 11, 22)
