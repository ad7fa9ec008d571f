"""``flask exchange-rates``: the bank's files as they come, and every wrong one refused by its line, writing nothing."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.referrals.exchange_files import RatesRefused, read_rates
from app.referrals.models import Commission, ExchangeRate, Program, Referrer
from tests.builders import NOW, World, line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell

TODAY = NOW.date()
HISTORY = """Date,USD,JPY,CYP,HRK,KWD,
2026-09-10,1.0850,163.27,N/A,N/A,0.3319,
2026-09-09,1.0841,163.00,N/A,7.5345,N/A,
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
                 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <Cube>
    <Cube time='2026-09-10'>
      <Cube currency='USD' rate='1.0850'/>
      <Cube currency='JPY' rate='163.27'/>
    </Cube>
  </Cube>
</gesmes:Envelope>
"""


def stored(shell: Shell) -> dict[tuple[str, str], str]:
    with shell.services.db.reading() as session:
        return {
            (each.day.isoformat(), each.currency): each.per_euro
            for each in session.scalars(select(ExchangeRate))
        }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text(HISTORY)
    return path


def test_the_history_is_stored_once_and_the_same_file_again_changes_nothing(shell: Shell, file: Path) -> None:
    shown = shell.json("exchange-rates", "import", str(file))
    assert shown == {"read": 5, "new": 5, "settled": 0, "waiting": 0}
    assert stored(shell)[("2026-09-09", "USD")] == "1.0841"
    assert ("2026-09-09", "HRK") not in stored(shell)
    before = shell.rows()
    assert shell.json("exchange-rates", "import", str(file))["new"] == 0
    assert shell.rows() == before


def test_another_value_of_a_stored_day_is_refused_and_another_spelling_is_not(
    shell: Shell, file: Path
) -> None:
    shell.ok("exchange-rates", "import", str(file))
    before = shell.rows()
    file.write_text(HISTORY.replace("1.0841", "1.08410") + "2026-09-08,1.1,160,N/A,N/A,0.33,\n")
    assert shell.json("exchange-rates", "import", str(file))["new"] == 3
    file.write_text(HISTORY.replace("1.0841", "1.0842") + "2026-09-07,1.1,160,N/A,N/A,0.33,\n")
    refused = shell.run("exchange-rates", "import", str(file))
    assert refused.exit_code == 1
    assert "line 3: USD of 2026-09-09 is stored as 1.0841, not 1.0842" in refused.output
    assert shell.rows()["exchange_rates"] == before["exchange_rates"] + 3


def test_zip_xml_and_the_file_of_a_single_day_are_read_too(shell: Shell, tmp_path: Path) -> None:
    packed = tmp_path / "eurofxref-hist.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("eurofxref-hist.csv", HISTORY)
    assert shell.json("exchange-rates", "import", str(packed))["new"] == 5
    xml = tmp_path / "eurofxref-daily.xml"
    xml.write_text(XML)
    assert shell.json("exchange-rates", "import", str(xml)) == {
        "read": 2,
        "new": 0,
        "settled": 0,
        "waiting": 0,
    }
    single = tmp_path / "eurofxref.csv"
    single.write_text("Date, USD, JPY, \n20 November 2026, 1.0900, 160.00, \n")
    assert shell.json("exchange-rates", "import", str(single))["new"] == 2
    assert stored(shell)[("2026-11-20", "USD")] == "1.0900"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: expected a header"),
        ("Day,USD\n2026-09-10,1.1\n", "line 1: expected a header"),
        ("Date,USD,XXX\n2026-09-10,1.1,1\n", "line 1: 'XXX' is not an ISO 4217"),
        ("Date,USD,USD\n2026-09-10,1.1,1\n", "line 1: a currency stands in the header twice"),
        ("Date,USD\n", "there is no rate"),
        ("Date,USD\n2026-09-10,1.1\n2026-09-31,1.1\n", "line 3: '2026-09-31' is not a day"),
        ("Date,USD\n10/09/2026,1.1\n", "line 2: '10/09/2026' is not a day"),
        ("Date,USD\n2026-11-23,1.1\n", "line 2: 2026-11-23 is in the future"),
        ("Date,USD\n2026-09-10,1,1\n", "line 2: expected a day and 1 rates"),
        ("Date,USD,JPY\n2026-09-10,1.1\n", "line 2: expected a day and 2 rates"),
        ("Date,USD\n2026-09-10,-1.1\n", "line 2: USD: '-1.1' is not a rate"),
        ("Date,USD\n2026-09-10,1e3\n", "line 2: USD: '1e3' is not a rate"),
        ("Date,USD\n2026-09-10,0.00\n", "line 2: USD: '0.00' is not a rate"),
        ("Date,USD\n2026-09-10,nan\n", "line 2: USD: 'nan' is not a rate"),
        ("Date,USD\n2026-09-10,1.1\n\n2026-09-10,1.1\n", "line 4: USD of 2026-09-10 is on line 2 already"),
        ("Date,EUR\n2026-09-10,1\n", "line 2: a euro is a euro"),
        (XML.replace("1.0850", "1,0850"), "line 6: USD: '1,0850' is not a rate"),
        (XML.replace("USD", "DOL"), "line 6: 'DOL' is not an ISO 4217"),
        (XML.replace("2026-09-10", "soon"), "line 6: 'soon' is not a day"),
        (XML.replace("</Cube>", "", 1), "not well-formed XML"),
        (
            XML.replace("<gesmes", '<!DOCTYPE x [<!ENTITY a "b">]>\n<gesmes', 1),
            "a document type is not accepted",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(text: str, complaint: str) -> None:
    with pytest.raises(RatesRefused, match=r"\A") as refused:
        read_rates(text.encode(), TODAY)
    assert complaint in refused.value.detail


def test_other_bytes_are_refused_by_their_line() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", HISTORY)
        archive.writestr("b.csv", HISTORY)
    for data, complaint in (
        (b"Date,USD\n2026-09-10,\xff\n", "line 2: not UTF-8 text"),
        (packed.getvalue(), "expected one CSV or XML file in the zip"),
        (packed.getvalue()[:40], "not a readable zip"),
        (b'Date,USD\n"2026-09-10,1.1\n', "line 2:"),
    ):
        with pytest.raises(RatesRefused) as refused:
            read_rates(data, TODAY)
        assert complaint in refused.value.detail


def test_a_refused_file_writes_nothing_and_names_the_file(shell: Shell, file: Path) -> None:
    file.write_text(HISTORY + "2026-09-08,1.1,bad,N/A,N/A,0.33,\n")
    before = shell.rows()
    refused = shell.run("exchange-rates", "import", str(file))
    assert refused.exit_code == 2
    assert "line 4: JPY: 'bad' is not a rate" in refused.output
    assert shell.rows() == before


def test_an_import_settles_the_orders_that_waited_for_it_and_lists_those_that_still_do(
    shell: Shell, file: Path
) -> None:
    shell.program()
    with shell.services.db.transaction() as session:
        program = session.scalars(select(Program)).one()
        world = World(session, program, shell.services.referrals)
        world.product("web", "10%")
        world.join("ada")
        world.bind("ada")
        # Thursday the tenth is converted at Wednesday's rate, the eighth at Monday's, which is not in the file.
        world.order("o1", line(net=10_841), currency="USD")
        world.order("o2", line(net=10_000), currency="USD", placed="2026-09-08", paid="2026-09-08")
    assert {
        each["order_id"]: each["needs"] for each in shell.json("exchange-rates", "waiting")["waiting"]
    } == {
        "o1": "2026-09-09",
        "o2": "2026-09-07",
    }
    assert shell.json("exchange-rates", "import", str(file)) == {
        "read": 5,
        "new": 5,
        "settled": 1,
        "waiting": 1,
    }
    with shell.services.db.reading() as session:
        assert session.scalars(select(Commission.earned_minor)).all() == [1_000]
        assert session.scalars(select(Referrer.code)).all() == ["ada-hosting"]
    assert [each["order_id"] for each in shell.json("exchange-rates", "waiting")["waiting"]] == ["o2"]
