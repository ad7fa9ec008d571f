from __future__ import annotations

from tests.support.audit import verdict

CLEAN = {"name": "flask", "version": "3", "vulns": []}
MISSED = {"name": "rq", "skip_reason": "could not be audited"}
KNOWN = {"name": "jinja2", "version": "2", "vulns": [{"id": "CVE-2019-10906"}]}


def test_a_package_that_could_not_be_looked_up_is_not_passed() -> None:
    assert verdict([CLEAN, MISSED], required=False) == (1, ["NOT audited: rq could not be looked up."])


def test_a_known_vulnerability_fails_and_is_named() -> None:
    code, lines = verdict([CLEAN, KNOWN, MISSED], required=False)
    assert code == 1
    assert lines == ["Known vulnerabilities:", "jinja2 2: CVE-2019-10906"]


def test_without_any_database_it_says_so_and_fails_only_where_required() -> None:
    assert verdict([MISSED], required=False)[0] == 0
    assert "NOT audited" in verdict([MISSED], required=False)[1][0]
    assert verdict([MISSED], required=True)[0] == 1
    assert verdict([CLEAN], required=True)[0] == 0
