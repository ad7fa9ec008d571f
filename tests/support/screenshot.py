"""`make screenshots`: the pictures of the README, taken from the demo.

`python -m tests.support.screenshot [URL]`; without URL it starts a house of its own, which takes a minute or two.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from PIL import Image

from tests.support import house as houses
from tests.support.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TARGET: Final = houses.ROOT / "docs" / "images"
PASSWORD: Final = "kickback-demo"
ANNA: Final = "anna@example.com"
OWNER: Final = "owner@korenhof.example"
FINANCE: Final = "finance1@korenhof.example"

WIDE: Final = (1200, 800)
PHONE: Final = (390, 800)


@dataclass(frozen=True)
class Shot:
    """A picture: who looks at which page. ``follow`` is the link whose page is meant, where it has no fixed address."""

    name: str
    who: str
    path: str
    follow: str = ""
    size: tuple[int, int] = WIDE
    theme: Literal["light", "dark"] = "light"


SHOTS: Final = (
    Shot("home", ANNA, "/dashboard"),
    Shot("home-dark-phone", ANNA, "/dashboard", size=PHONE, theme="dark"),
    Shot("why", ANNA, "/dashboard/commissions", "main tbody a[href^='/dashboard/commissions/']"),
    Shot("banners", ANNA, "/dashboard/promo"),
    Shot("overview", OWNER, "/staff"),
    Shot("rates", OWNER, "/staff/products"),
    Shot("run", FINANCE, "/staff/payouts", "main tbody a[href^='/staff/payouts/hosting']"),
    Shot("directory", "", "/programs/directory/partners"),
)


def take_all(url: str, target: Path) -> None:
    """Photograph every page of :data:`SHOTS`."""
    target.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for shot in SHOTS:
            page = _signed_in(browser, url, shot)
            page.goto(url + shot.path)
            if shot.follow:
                page.locator(shot.follow).first.click()
            page.wait_for_load_state("networkidle")
            _keep(page.screenshot(), target / f"{shot.name}.webp")
            page.context.close()


def _signed_in(browser: Browser, url: str, shot: Shot) -> Page:
    width, height = shot.size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        locale="en-GB",
        color_scheme=shot.theme,
        reduced_motion="reduce",
        device_scale_factor=1.5,
    )
    if shot.who:
        page.goto(f"{url}/login")
        page.locator("#email").fill(shot.who)
        page.locator("#password").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_url(lambda address: "/login" not in address)
    return page


def _keep(png: bytes, path: Path) -> None:
    """As WebP: a sixth of the bytes, and no difference to be seen."""
    Image.open(BytesIO(png)).convert("RGB").save(path, "WEBP", quality=82, method=6)


def main(arguments: list[str]) -> None:
    """Take the pictures from the house at URL, or from a new one."""
    if arguments:
        take_all(arguments[0].rstrip("/"), TARGET)
        return
    with tempfile.TemporaryDirectory() as folder, houses.running(Path(folder) / "var") as house:
        take_all(house.url, TARGET)


if __name__ == "__main__":
    main(sys.argv[1:])
