"""Each bank's file as it is on record, the lists that other rails write, and a rail that costs one module."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sepaxml
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.payouts import rails
from app.payouts.domain.banks import BANKS
from app.payouts.domain.pain001 import Address, CreditTransfer, Debtor
from app.payouts.domain.verify import FileNotVerified
from app.payouts.errors import UnknownRail
from app.payouts.rails.base import PaymentOrder
from app.referrals.programs import BANK_PROFILES
from tests.support.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent.parent / "golden"
XSD = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"
PAYMENTS = (
    CreditTransfer("PO" + "A" * 30, 12345, "Jörg & Söhne_", "DE89370400440532013000"),
    CreditTransfer(
        "PO" + "B" * 30,
        250_000,
        "Zoë Müller",
        "CH9300762011623852957",
        "POFICHBEXXX",
        Address(town="Zürich", country="CH", street="Bahnhofstraße", building="1a", postcode="8001"),
    ),
    CreditTransfer("PO" + "C" * 30, 1, "N" * 90, "NL91ABNA0417164300", "ABNANL2A"),
)
ORDER = PaymentOrder(
    message_id="R12-01",
    created_at=datetime(2026, 11, 1, 9, 30, 59, tzinfo=UTC),
    execution_on=date(2026, 11, 2),
    debtor=Debtor("Acme Höst B.V.", "NL02ABNA0123456789", "ABNANL2A"),
    currency="EUR",
    remittance="Höst partner programme 2026-10",
    bank_profile="generic",
    instant=False,
    payments=PAYMENTS,
)


@pytest.mark.parametrize("instant", [False, True])
@pytest.mark.parametrize("bank", BANKS)
def test_every_bank_gets_the_bytes_on_record_and_its_schema_takes_them(bank: str, *, instant: bool) -> None:
    rail = rails.rail_named("sepa")
    order = replace(ORDER, bank_profile=bank, instant=instant)
    content = rail.render(order)
    rail.verify(content, order)
    name = f"pain001_{bank}{'_instant' if instant else ''}.xml"
    assert content == (GOLDEN / name).read_bytes()
    etree.XMLSchema(etree.parse(XSD)).assertValid(etree.fromstring(content))


def test_banks_differ_in_limit_booking_and_instant_payments() -> None:
    assert tuple(BANKS) == ("generic", "ing", "abn-amro", "rabobank", "bunq", "german")
    assert set(BANKS) == set(BANK_PROFILES)
    sepa = rails.rail_named("sepa")
    assert {bank: sepa.per_file(bank) for bank in BANKS} == {
        "generic": 10_000,
        "ing": 10_000,
        "abn-amro": 10_000,
        "rabobank": 3_500,
        "bunq": 350,
        "german": 10_000,
    }
    said = {bank: sepa.render(replace(ORDER, bank_profile=bank, instant=True)) for bank in BANKS}
    assert [bank for bank in BANKS if b"<BtchBookg>false" in said[bank]] == ["bunq"]
    assert [bank for bank in BANKS if b"<LclInstrm><Cd>INST" not in said[bank]] == ["abn-amro"]


def test_rabobanks_file_stays_below_three_megabytes() -> None:
    longest = replace(
        PAYMENTS[1],
        name="W" * 70,
        address=Address(town="T" * 35, country="CH", street="S" * 70, building="1" * 16, postcode="8" * 16),
    )
    order = replace(ORDER, bank_profile="rabobank", remittance="R" * 140)
    one, two = (
        len(rails.rail_named("sepa").render(replace(order, payments=[longest] * count))) for count in (1, 2)
    )
    assert one + (two - one) * BANKS["rabobank"].per_file < 3_000_000


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode(), newline="")))


def test_the_list_says_what_its_column_map_says() -> None:
    rail = rails.rail_named("csv")
    content = rail.render(ORDER)
    rail.verify(content, ORDER)
    assert table(content)[1] == {
        "end_to_end_id": "PO" + "B" * 30,
        "amount": "2500.00",
        "currency": "EUR",
        "name": "Zoe Mueller",
        "iban": "CH9300762011623852957",
        "bic": "POFICHBEXXX",
        "street": "Bahnhofstrasse",
        "building": "1a",
        "postcode": "8001",
        "town": "Zuerich",
        "country": "CH",
        "execution_date": "2026-11-02",
        "reference": "Hoest partner programme 2026-10",
    }
    dinar = replace(ORDER, currency="KWD", payments=[replace(PAYMENTS[0], amount_minor=1234)])
    assert table(rail.render(dinar))[0]["amount"] == "1.234"
    assert rail.pays("KWD")
    assert rail.per_file("bunq") == 10_000
    assert rail.reach().countries is None


def test_wise_gets_its_template_for_bank_accounts_filled_in() -> None:
    rail = rails.rail_named("wise")
    content = rail.render(ORDER)
    rail.verify(content, ORDER)
    head, first, *_ = content.decode().split("\r\n")
    assert head == (
        "name,recipientEmail,paymentReference,receiverType,amountCurrency,amount,sourceCurrency,targetCurrency,IBAN"
    )
    assert first == f"Joerg + Soehne-,,{'PO' + 'A' * 30},PERSON,target,123.45,EUR,EUR,DE89370400440532013000"
    assert rail.per_file("ing") == 1_000
    assert (rail.pays("EUR"), rail.pays("KWD")) == (True, False)
    assert "CH" in (rail.reach().countries or ())
    assert rail.reach().without_address is None


@pytest.mark.parametrize("name", ["csv", "wise"])
@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        (b"123.45", b"123.46", "the amount"),
        (b"123.45", b"123.455", "PO"),
        (b"EUR", b"USD", "the amount"),
        (b"Joerg", b"Mallory", "the name"),
        (b"DE89370400440532013000", b"NL91ABNA0417164300", "the account"),
        (b"PO" + b"A" * 30, b"PO" + b"D" * 30, "the id"),
        (b"IBAN", b"KONTO", "header"),
        (b"iban", b"konto", "header"),
        (b"Joerg", b"Jo,erg", "other columns"),
        (b"Joerg", b'"Joerg', "not CSV"),
        (b"Joerg", b"J\xff", "UTF-8"),
    ],
)
def test_a_list_with_a_planted_fault_is_refused(name: str, old: bytes, new: bytes, refusal: str) -> None:
    rail = rails.rail_named(name)
    content = rail.render(ORDER)
    # Wise says the currency twice; what the payee gets is the second.
    altered = content.replace(b"EUR,EUR", b"EUR,USD", 1) if (name, old) == ("wise", b"EUR") else content
    altered = content.replace(old, new, 1) if altered == content else altered
    if altered == content:
        assert old.lower() == b"iban", "the other list's name of the column"
        return
    with pytest.raises(FileNotVerified, match=refusal):
        rail.verify(altered, ORDER)


@pytest.mark.parametrize("name", ["csv", "wise"])
def test_a_list_with_a_payment_too_many_or_too_few_is_refused(name: str) -> None:
    rail = rails.rail_named(name)
    content = rail.render(ORDER)
    with pytest.raises(FileNotVerified, match="more payments"):
        rail.verify(content, replace(ORDER, payments=PAYMENTS[:2]))
    with pytest.raises(FileNotVerified, match="owed and not"):
        rail.verify(content, replace(ORDER, payments=[*PAYMENTS, replace(PAYMENTS[0], end_to_end_id="PO1")]))


hostile = st.one_of(
    st.text(min_size=1, max_size=60),
    st.sampled_from(
        [
            "=1+1",
            "@SUM(A1)",
            "-2+3",
            "+cmd|'/C calc'!A0",
            '"; DROP',
            "<Nm>",
            "&amp;",
            "]]>",
            "\t=x",
            "Ω≈ç",
            "🎉🎉",
        ]
    ),
)


@settings(max_examples=examples(40), deadline=None)
@given(names=st.lists(hostile.map(lambda text: f"{text}Z"), min_size=1, max_size=6))
def test_no_name_breaks_a_file_or_becomes_a_formula(names: list[str]) -> None:
    payments = [
        replace(PAYMENTS[0], end_to_end_id=f"PO{number:030d}", name=name) for number, name in enumerate(names)
    ]
    order = replace(ORDER, payments=payments)
    for name in ("sepa", "csv", "wise"):
        rail = rails.rail_named(name)
        content = rail.render(order)
        rail.verify(content, order)
    for line in table(rails.rail_named("csv").render(order)):
        assert line["name"][:1] not in {"=", "+", "-", "@", "\t", "\r"}
        assert line["name"].isascii()


MODULE = '''
"""Pays in pebbles."""
from app.kernel.money import MAX_MINOR
from app.payouts.domain.plan import Reach

class Pebbles:
    name, media_type, extension = "pebbles", "text/plain", "txt"
    def pays(self, currency): return currency == "EUR"
    def reach(self): return Reach(largest_minor=MAX_MINOR)
    def per_file(self, bank_profile): return 2
    def render(self, order): return b"".join(b"%d\\n" % each.amount_minor for each in order.payments)
    def verify(self, content, order): assert content == self.render(order)

RAIL = Pebbles()
'''


@pytest.fixture
def pebbles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "pebbles.py").write_text(MODULE)
    monkeypatch.setattr(rails, "__path__", [*rails.__path__, str(tmp_path)])
    rails.rails.cache_clear()
    yield
    rails.rails.cache_clear()


@pytest.mark.usefixtures("pebbles")
def test_a_further_rail_costs_one_module() -> None:
    rail = rails.rail_named("pebbles")
    assert list(rails.rails()) == ["csv", "sepa", "wise", "pebbles"]
    content = rail.render(ORDER)
    rail.verify(content, ORDER)
    assert content == b"12345\n250000\n1\n"


def test_a_rail_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownRail, match="pebbles"):
        rails.rail_named("pebbles")


def test_the_same_order_gives_the_same_bytes() -> None:
    for name in rails.rails():
        rail = rails.rail_named(name)
        assert rail.render(ORDER) == rail.render(ORDER)
    assert BytesIO(rails.rail_named("sepa").render(ORDER)).read(5) == b"<?xml"
