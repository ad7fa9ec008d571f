"""docs/privacy.md says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.api.idempotency import KEPT
from app.identity.sessions import KEEP_ENDED
from app.identity.tokens import VALID_FOR, LinkPurpose
from app.kernel.append_only import APPEND_ONLY
from app.models import metadata
from app.privacy import partner_links, rules
from app.privacy.erasure import RETURNS_DAYS
from app.referrals.click_rows import CLICK_DAYS
from app.referrals.leads import FORGOTTEN_AFTER
from app.referrals.visitor_keys import KEPT_DAYS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "privacy.md").read_text()
PAGES = [DOCS / "privacy.md", *sorted((DOCS / "privacy").glob("*.md"))]


def part(title: str) -> str:
    """The text of one section."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_retention_table_is_that_of_the_code() -> None:
    shown = PAGE.partition("<!-- retention -->\n")[2].partition("<!-- /retention -->")[0]
    assert shown.strip() == rules.as_table().strip()


def test_the_rules_are_those_of_the_parts_that_keep_the_data() -> None:
    hours = {rule.name: rule.kept.hours for rule in rules.RULES}
    assert hours["clicks"] == 24 * CLICK_DAYS
    assert hours["visitor-keys"] == 24 * KEPT_DAYS
    assert hours["sessions"] == 24 * KEEP_ENDED.days
    assert hours["leads"] == 24 * FORGOTTEN_AFTER.days
    assert hours["api-answers"] * 3600 == KEPT.total_seconds()


def test_every_table_is_on_the_page_and_no_other_is() -> None:
    """A new table belongs into "Where what is kept": say of whom it is and what it holds."""
    named = set(
        re.findall(r"`([a-z_]+)`", "\n".join(re.findall(r"(?m)^\| (`[^|]+)\|", part("Where what is kept"))))
    )
    assert named == set(metadata.tables)


def test_what_is_called_sealed_is_what_cannot_be_changed() -> None:
    sealed = set()
    for line in part("Where what is kept").splitlines():
        if "sealed:" in line:
            sealed |= set(re.findall(r"`([a-z_]+)`", line))
    assert sealed == set(APPEND_ONLY)


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert VALID_FOR[LinkPurpose.SET_PASSWORD].days == 3
    assert VALID_FOR[LinkPurpose.VERIFY_EMAIL].days == 7
    assert "3 days (password) and 7 days (address)" in PAGE
    assert partner_links.VALID_FOR.total_seconds() == 3600
    assert "partner link for 1 hour" in PAGE
    assert f"for {RETURNS_DAYS} days after a payout" in PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_commands_of_the_pages_exist(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`(tests/[^`]+)`", text):
        assert (ROOT / name).exists(), name
    known = set(re.findall(r'@privacy\.command\("([a-z-]+)"\)', (ROOT / "app/cli/privacy.py").read_text()))
    said = set(re.findall(r"flask privacy ([a-z]+(?:-[a-z]+)?)", text))
    assert said <= known


def test_the_templates_leave_their_places_open() -> None:
    for page in PAGES[1:]:
        assert len(re.findall(r"\[[^\]]*\](?!\()", page.read_text())) > 15
