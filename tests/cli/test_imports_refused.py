"""Files that are refused: every wrong line by its number and its reason, and nothing written. Whatever the bytes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.referrals.importing.sheet import MAX_RECORD
from tests.cli.test_imports import REFERRERS, Desk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.cli.kit import Shell

PEOPLE = "name,email,code\nAda,ada@mail.example,ada-1\n"
BOUND = "customer_id,referrer_code,signed_up_at\nc1,ada-l,2026-02-03\n"
OPEN = "id,referrer_code,amount,currency,available_on,status\nk1,ada-l,1.00,EUR,,due\n"
SUMS = "referrer_code,amount,currency\nada-l,1.00,EUR\n"

CASES: Sequence[tuple[str, str | bytes, str]] = [
    # (the kind, the file, what is said)
    ("referrers", b"", "line 1: the file is empty"),
    ("referrers", "\n" + PEOPLE, "line 1: the file is empty, or its first line is"),
    ("referrers", PEOPLE.encode("utf-16"), "line 1: the file is UTF-16, not UTF-8; say --encoding utf-16"),
    ("referrers", PEOPLE.encode("utf-16-le"), "line 1: a NUL byte"),
    (
        "referrers",
        PEOPLE.replace("Ada,", "José,").encode("latin-1"),
        "line 2: not utf-8 (byte 0xe9 at position 4)",
    ),
    ("referrers", PEOPLE + "B\x00b,b@mail.example,\n", "line 3: a NUL byte"),
    (
        "referrers",
        "name\nAda\n",
        "line 1: the columns' names are not separated by one of comma, semicolon, tab",
    ),
    ("referrers", "name|email\nAda|ada@mail.example\n", "line 1: the columns' names are not separated"),
    ("referrers", "name,email;code\nAda\n", "line 1: the separator is not clear"),
    ("referrers", "name,code\nAda,ada-1\n", "line 1: no column for email (generic files have it as email)"),
    (
        "referrers",
        "email,code\na@mail.example,a-1\n",
        "line 1: no column for name or first_name or last_name",
    ),
    ("referrers", "name,email,E-mail\nA,a@mail.example,a\n", ""),
    ("referrers", "name,email,Email\nA,a@mail.example,a\n", "line 1: the column 'email' is there 2 times"),
    ("referrers", PEOPLE + "Bob,bob@mail.example\n", "line 3: has 2 cells; the header has 3"),
    ("referrers", PEOPLE + 'Bob,"bob@mail.example,\n', "line 3: not readable as CSV"),
    ("referrers", PEOPLE + 'Bob,"bob"@mail.example,\n', "line 3: not readable as CSV"),
    ("referrers", "name,email\rAda,ada@mail.example\r", "line 1: the lines end in carriage returns alone"),
    ("referrers", PEOPLE + f"{'B' * 1_001},bob@mail.example,\n", "line 3: name: longer than 1000 characters"),
    ("referrers", PEOPLE + "B" * 70_000 + "\n", f"line 3: longer than {MAX_RECORD} bytes"),
    ("referrers", PEOPLE + '"B\n' + "b\n" * 40_000, "this record is longer than 65536 characters"),
    ("referrers", PEOPLE + "B\x07b,bob@mail.example,\n", "line 3: name: has a control character"),
    ("referrers", PEOPLE + "B\u202eb,bob@mail.example,\n", "line 3: name: expected 1 to 200 printable"),
    ("referrers", PEOPLE + ",bob@mail.example,\n", "line 3: name: expected 1 to 200"),
    ("referrers", PEOPLE + f"{'B' * 201},bob@mail.example,\n", "line 3: name: expected 1 to 200"),
    ("referrers", PEOPLE + "Bob,bob,\n", "line 3: 'bob' is not an e-mail address"),
    ("referrers", PEOPLE + "Bob,,\n", "line 3: '' is not an e-mail address"),
    ("referrers", PEOPLE + "Bob,bob@mail.example,b!\n", "line 3: code: 'b!' is not 3 to 32 characters"),
    ("referrers", PEOPLE + "Ben,ben@mail.example,ada-l\n", "line 3: the code 'ada-l' is taken"),
    ("referrers", PEOPLE + "Eve,A.Da+x@mail.example,\n", ""),
    ("referrers", PEOPLE + "Ada,ADA@mail.example,\n", "line 3: the same e-mail address as on line 2"),
    ("referrers", PEOPLE + "Bob,bob@mail.example,ADA-1\n", "line 3: the same code as on line 2"),
    (
        "referrers",
        PEOPLE + "Ada L,ada.l@mail.example,\n\nAda L,ada.l@mail.example,\n",
        "line 5: the same e-mail",
    ),
    (
        "referrers",
        "name,email\nAda,lovelace@mail.example\n",
        "line 2: the e-mail address is that of 'ada-l' already",
    ),
    ("referrers", "name,email,locale\nA,a@mail.example,fr\n", "line 2: locale: 'fr' is none of nl, de, en"),
    (
        "referrers",
        "name,email,status\nA,a@mail.example,blocked\n",
        "line 2: status: 'blocked' is none of active",
    ),
    ("customers", "customer_id,signed_up_at\nc1,\n", "line 1: no column for referrer_code or referrer_email"),
    ("customers", BOUND + "c2,,\n", "line 3: names no referrer"),
    ("customers", BOUND + "c2,zoe,\n", "line 3: there is no referrer 'zoe' in this programme"),
    ("customers", BOUND + "c1,ada-l,2026-02-03\n", "line 3: the same customer as on line 2"),
    ("customers", BOUND + ",ada-l,\n", "line 3: customer_id: expected 1 to 128 printable characters"),
    ("customers", BOUND + f"{'c' * 129},ada-l,\n", "line 3: customer_id: expected 1 to 128"),
    ("customers", BOUND + "c2,ada-l,2099-01-01\n", "line 3: signed_up_at: lies in the future"),
    ("customers", BOUND + "c2,ada-l,1989-12-31\n", "line 3: signed_up_at: '1989-12-31' is before 1990"),
    (
        "customers",
        BOUND + "c2,ada-l,03/02/2026\n",
        "line 3: signed_up_at: '03/02/2026' is not a day (2026-10-01)",
    ),
    (
        "customers",
        BOUND + "c2,ada-l,2026-02-30\n",
        "line 3: signed_up_at: '2026-02-30' is not a day of the calendar",
    ),
    (
        "customers",
        BOUND + "c2,ada-l,2026-02-03 25:00\n",
        "line 3: signed_up_at: '2026-02-03 25:00' is not a time that",
    ),
    ("customers", BOUND + "c2,ada-l,0001-01-01 00:00+14:00\n", "line 3: signed_up_at: "),
    (
        "customers",
        "customer_id,referrer_email\nc1,nobody@mail.example\n",
        "line 2: no referrer of this programme has that e-mail address",
    ),
    (
        "customers",
        "customer_id,referrer_code,referrer_email\nc1,ada-l,bob@mail.example\n",
        "line 2: the code is that of 'ada-l', the e-mail address that of",
    ),
    ("customers", "customer_id,referrer_code,email\nc1,ada-l,x\n", "line 2: 'x' is not an e-mail address"),
    ("commissions", OPEN.replace("id,", "number,", 1), "line 1: no column for id"),
    ("commissions", OPEN + "k1,ada-l,1.00,EUR,,due\n", "line 3: the same id as on line 2"),
    ("commissions", OPEN + ",ada-l,1.00,EUR,,due\n", "line 3: id: expected 1 to 128"),
    ("commissions", OPEN + "k2,ada-l,,EUR,,due\n", "line 3: amount: '' is not an amount in EUR"),
    (
        "commissions",
        OPEN + 'k2,ada-l,"1,50",EUR,,due\n',
        "line 3: amount: '1,50' has a comma; say --decimal comma",
    ),
    ("commissions", OPEN + "k2,ada-l,1.005,EUR,,due\n", "line 3: amount: '1.005' is not an amount in EUR"),
    ("commissions", OPEN + "k2,ada-l,1e3,EUR,,due\n", "line 3: amount: '1e3' is not"),
    ("commissions", OPEN + "k2,ada-l,€ 3.00,EUR,,due\n", "line 3: amount: '€ 3.00' is not"),
    ("commissions", OPEN + "k2,ada-l,1 000.00,EUR,,due\n", "line 3: amount: '1 000.00' is not"),
    ("commissions", OPEN + "k2,ada-l,NaN,EUR,,due\n", "line 3: amount: 'NaN' is not"),
    ("commissions", OPEN + "k2,ada-l,99999999999999.00,EUR,,due\n", "line 3: amount: "),
    (
        "commissions",
        OPEN + "k2,ada-l,1.00,EUX,,due\n",
        "line 3: currency: 'EUX' is not an ISO 4217 currency code",
    ),
    (
        "commissions",
        OPEN + "k2,ada-l,1.00,USD,,due\n",
        "line 3: currency: USD, but the programme's books are kept in EUR",
    ),
    ("commissions", OPEN + "k2,ada-l,1.00,,,due\n", "line 3: currency: empty; say --currency"),
    ("commissions", OPEN + "k2,ada-l,1.00,EUR,,lost\n", "line 3: status: 'lost' is none of due"),
    ("commissions", OPEN + "k2,ada-l,1.00,EUR,soon,due\n", "line 3: available_on: 'soon' is not a day"),
    (
        "commissions",
        OPEN + "k2,ada-l,1.00,EUR,2999-01-01,due\n",
        "line 3: available_on: 2999-01-01 is more than two",
    ),
    ("commissions", OPEN + "k2,ada-l,-1.00,EUR,2999-01-01,due\n", "line 3: available_on: "),
    ("balances", SUMS + "ADA-L,2.00,EUR\n", "line 3: the same referrer as on line 2"),
    ("balances", "referrer_code,amount\nada-l,1.00\n", "line 2: currency: empty; say --currency"),
]


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Desk:
    shell.program()
    made = Desk(shell, tmp_path)
    made.write("referrers", REFERRERS.replace("ada@", "lovelace@"))
    return made


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_wrong_line_is_named_with_its_reason_and_nothing_is_written(desk: Desk) -> None:
    failures = []
    before = desk.shell.rows()
    for kind, text, said in CASES:
        done = desk.shell.run(*desk.line(kind, text, tool="generic"))
        good = done.exit_code == 1 and any(
            line.startswith(said) or said in line for line in done.stderr.splitlines()
        )
        if not said:
            good = done.exit_code == 0
        if not good:
            failures.append(
                f"{kind} {text[-80:]!r}\n    wanted {said!r}\n    got {done.exit_code} {done.output!r}"
            )
    assert not failures, "\n".join(failures)
    assert desk.shell.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_wrong_line_keeps_all_others_out(desk: Desk) -> None:
    good = "".join(f"c{number},ada-l,2026-02-03\n" for number in range(700))
    said = desk.refused("customers", f"{BOUND}{good.replace('c1,', 'd1,', 1)}bad,zoe,\nworse,,\n")
    assert said.splitlines()[:-1] == [
        "line 703: there is no referrer 'zoe' in this programme",
        "line 704: names no referrer",
    ]
    assert said.splitlines()[-1].endswith("export.csv: 2 of 703 lines are refused; nothing was written")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_refused_line_is_said_and_the_json_keeps_the_first_thousand(desk: Desk) -> None:
    text = BOUND + "".join(f"c{number},zoe,\n" for number in range(2, 1_502))
    done = desk.shell.run(*desk.line("customers", text, tool="generic"))
    assert len(done.stderr.splitlines()) == 1_501
    shown = desk.shell.run(*desk.line("customers", text, "--json", tool="generic")).stdout
    assert shown.count("there is no referrer") == 1_000
    assert '"refused": 1500' in shown


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_option_is_one_line_that_names_it(desk: Desk) -> None:
    before = desk.shell.rows()
    for kind, more, named in (
        ("referrers", ("--map", "nonsense=Name"), "--map"),
        ("referrers", ("--map", "name"), "--map"),
        ("referrers", ("--map", "name=Nothing"), "'Nothing'"),
        ("referrers", ("--skip", "Nothing=x"), "'Nothing'"),
        ("referrers", ("--encoding", "ebcdic"), "--encoding"),
        ("referrers", ("--program", "nobody"), "--program"),
        ("referrers", ("--from", "excel"), "--from"),
        ("commissions", ("--currency", "XXQ"), "--currency"),
        ("commissions", ("--decimal", "dot"), "--decimal"),
        ("balances", ("--available-on", "tomorrow"), "--available-on"),
        ("balances", ("--available-on", "0001-01-01"), "--available-on"),
        ("balances", ("--available-on", "9999-12-31"), "--available-on"),
    ):
        text = PEOPLE if kind == "referrers" else OPEN
        done = desk.shell.run(*desk.line(kind, text, "--write", *more, tool="generic"))
        assert done.exit_code in {1, 2}, done.output
        assert named in done.stderr, done.stderr
        assert "Traceback" not in done.output
    done = desk.shell.run("import", "referrers", "/no/such/file", "--program", "hosting", "--from", "generic")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert desk.shell.rows() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_money_is_read_as_the_file_writes_it(desk: Desk) -> None:
    for number, (amount, more, minor) in enumerate(
        [
            ("12.5", (), 1_250),
            ("12", (), 1_200),
            ("-0.01", (), -1),
            ('"12,50"', ("--decimal", "comma"), 1_250),
            ("1250", ("--minor-units",), 1_250),
        ]
    ):
        text = f"id,referrer_code,amount,currency\nm{number},ada-l,{amount},EUR\n"
        assert desk.write("commissions", text, *more, tool="generic")["amount"] == minor
    assert "has a point" in desk.refused("commissions", OPEN.replace("k1", "m9"), "--decimal", "comma")
    assert "not a whole number" in desk.refused("commissions", OPEN.replace("k1", "m9"), "--minor-units")


CELLS = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                " ",
                "ada-l",
                "ADA-L",
                "bob",
                "zoe",
                "aff1",
                "1",
                "001",
                "k1",
                "k2",
                "c1",
                "c2",
                "due",
                "paid",
                "x",
            ),
            *(
                "1.00",
                "-2.50",
                "1,5",
                "0",
                "1e9",
                "9" * 30,
                "EUR",
                "USD",
                "EUX",
                "eur",
                "2026-02-03",
                "2026-02-30",
            ),
            *(
                "2026-02-03 10:00:00 UTC",
                "2026-03-29 02:30",
                "2099-01-01",
                "lovelace@mail.example",
                "n@mail.example",
            ),
            *(
                "Ada Lovelace",
                "=1+1",
                "\x00",
                "\x07",
                '"',
                '"a\nb"',
                "'",
                "José",
                "\u202e",
                "\ufeff",
                "a" * 1_100,
            ),
        ]
    ),
    st.text(max_size=12),
)
HEADERS = st.sampled_from(
    [
        ("name", "email", "code", "status"),
        ("customer_id", "referrer_code", "signed_up_at", "email"),
        ("id", "referrer_code", "amount", "currency", "available_on", "status"),
        ("referrer_email", "amount", "currency"),
        ("name", "name"),
    ]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Anything from noise to nearly right."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=200))
    header = draw(HEADERS)
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header) + 1), max_size=6))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
    text = end.join(separator.join(row) for row in [header, *rows]) + end
    content = text.encode(
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])), "replace"
    )
    if content and draw(st.booleans()):
        place = draw(st.integers(0, len(content) - 1))
        content = content[:place] + draw(st.binary(max_size=2)) + content[place + 1 :]
    return content


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_file_whatever_its_bytes_breaks_an_import_or_is_written_in_part(desk: Desk) -> None:
    """Every answer is a clean yes, then all that was announced is written, or a clean no, then nothing is."""
    accepted: list[str] = []

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(
        files(),
        st.sampled_from(["referrers", "customers", "commissions", "balances"]),
        st.sampled_from(["generic", "rewardful", "firstpromoter", "tapfiliate", "whmcs"]),
        st.sampled_from([(), ("--encoding", "utf-16"), ("--encoding", "latin-1"), ("--encoding", "cp1252")]),
    )
    @example(OPEN.encode(), "commissions", "generic", ())
    @example(BOUND.encode(), "customers", "generic", ())
    @example(PEOPLE.encode(), "referrers", "generic", ())
    def answers(content: bytes, kind: str, tool: str, more: tuple[str, ...]) -> None:
        before = desk.shell.rows()
        dry = desk.shell.run(*desk.line(kind, content, *more, tool=tool))
        assert dry.exit_code in {0, 1, 2}, f"{dry.output} {dry.exception!r}"
        assert isinstance(dry.exception, SystemExit | None), repr(dry.exception)
        assert desk.shell.rows() == before
        done = desk.shell.run(*desk.line(kind, content, "--write", "--json", *more, tool=tool))
        assert done.exit_code == dry.exit_code, done.output
        if done.exit_code:
            assert desk.shell.rows() == before
            return
        shown = done.stdout
        new, written = (int(shown.split(f'"{word}": ')[1].split(",")[0]) for word in ("new", "written"))
        assert new == written
        again = desk.shell.rows()
        assert desk.shell.run(*desk.line(kind, content, "--write", *more, tool=tool)).exit_code == 0
        assert desk.shell.rows() == again
        accepted.append(kind)

    answers()
    assert {"referrers", "customers", "commissions"} <= set(accepted)
    assert "the ledger holds" in desk.shell.ok("ledger", "check")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_noise_in_a_right_file_is_refused_by_line_or_harmless(desk: Desk) -> None:
    """A byte anywhere in a right file: the answer names a line, or the file is still right."""
    right = (BOUND + "".join(f"c{number},ada-l,2026-02-03\n" for number in range(2, 30))).encode()
    dice = random.Random(3)
    before = desk.shell.rows()
    for _turn in range(150):
        place = dice.randrange(len(right))
        content = right[:place] + bytes([dice.randrange(256)]) + right[place + 1 :]
        done = desk.shell.run(*desk.line("customers", content, tool="generic"))
        assert done.exit_code in {0, 1}, done.output
        if done.exit_code:
            assert all(line.startswith("line ") for line in done.stderr.splitlines()[:-1])
            assert len(done.stderr.splitlines()) > 1
    assert desk.shell.rows() == before
