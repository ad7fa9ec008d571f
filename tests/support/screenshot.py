"""`python -m tests.support.screenshot FILE.png [URL]`: the referrer's page of the demo, for the README.

Without URL it starts a house of its own, which takes about a minute.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support import house as houses
from tests.support.browser import chromium


def take(url: str, target: Path) -> None:
    """Log in as the demo's first referrer and photograph the dashboard."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900}, locale="en-GB")
        page.goto(f"{url}/login")
        page.get_by_label("E-mail").fill("anna@example.com")
        page.get_by_label("Password", exact=True).fill("kickback-demo")
        page.locator("main form").get_by_role("button").click()
        page.get_by_role("heading", name="Your referral link").wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target)


def main(arguments: list[str]) -> None:
    """Take the picture from the house at URL, or from a new one."""
    target = Path(arguments[0])
    if len(arguments) > 1:
        take(arguments[1].rstrip("/"), target)
        return
    with tempfile.TemporaryDirectory() as folder, houses.running(Path(folder) / "var") as house:
        take(house.url, target)


if __name__ == "__main__":
    main(sys.argv[1:])
