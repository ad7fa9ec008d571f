"""A programme's own name, colours, logo and sender, on its pages and in its mails."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import select

from app.identity.roles import Role
from app.kernel import clock
from app.mail.models import Mail, MailKind
from app.shopfront.contrast import GROUNDS, TooLittleContrast, accent, contrast
from app.shopfront.models import Look

if TYPE_CHECKING:
    from tests.web.pages.conftest import Browser, Site

LOOK = "/staff/look"
FILLED = {
    "brand": "Korenhof",
    "accent_light": "#7A1F3D",
    "accent_dark": "#f0a6bd",
    "mail_name": "Korenhof partners",
    "mail_from": "partners@korenhof.example",
    "mail_reply_to": "help@korenhof.example",
    "frame_hosts": "korenhof.example\nhttps://app.korenhof.example:8443",
}


def owner(site: Site) -> Browser:
    site.person("boss@example.org", Role.OWNER)
    return site.browser("boss@example.org")


def kept(site: Site) -> Look | None:
    with site.services.db.reading() as session:
        return session.scalar(select(Look))


def test_the_look_is_worn_by_the_programmes_pages_and_its_mails(site: Site) -> None:
    boss = owner(site)
    assert boss.post(LOOK, FILLED, start=LOOK).status_code == 302
    for path in ("/programs/hosting", "/join", "/login?program=hosting"):
        page = site.browser().get(path).text
        assert "--accent:#7a1f3d" in page, path
        assert '[data-theme="dark"]{--accent:#f0a6bd' in page, path
        assert "<span>Korenhof</span>" in page, path
    assert "<span>Korenhof</span>" in site.browser("zoe@example.org").get("/dashboard/payouts").text
    # The house's own pages, and those of its staff, stay as they are.
    assert "<span>Refledger</span>" in boss.get(LOOK).text
    assert "<span>Refledger</span>" in site.browser().get("/").text
    mail = told(site)
    assert "From: Korenhof partners <partners@korenhof.example>" in mail
    assert "Reply-To: help@korenhof.example" in mail
    assert "#7a1f3d" in mail
    with site.world() as world:
        assert world.session.scalars(select(Look.frame_origins)).one() == [
            "https://app.korenhof.example:8443",
            "https://korenhof.example",
        ]


def told(site: Site) -> str:
    """The first mail to zoe as it was sent."""
    with site.world() as world:
        office = site.services.mail
        office.tell(
            world.session,
            world.referrers["zoe"],
            MailKind.REINSTATED,
            "x",
            {"program": world.program.name},
            now=clock.now(),
        )
    with site.services.db.reading() as session:
        mail_id = session.scalars(select(Mail.id)).one()
    office.send(mail_id, now=clock.now())
    files = list(Path(site.services.settings.var_dir, "mail").glob("*.eml"))
    return files[0].read_text().replace("=\n", "")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("accent_light", "#6ccba1", "contrast is 1.7"),
        ("accent_dark", "#0e5a3e", "it takes 4.5 : 1"),
        ("accent_light", "green", "six digits"),
        ("accent_light", "#000}body{display:none", "six digits"),
        ("mail_from", "nobody", "e-mail address"),
        ("frame_hosts", "*.example", "*.example is not the name of a site"),
        ("frame_hosts", "http://korenhof.example", "is not the name of a site"),
    ],
)
def test_what_cannot_be_worn_is_refused_beside_its_field(
    quick_site: Site, field: str, value: str, words: str
) -> None:
    answer = owner(quick_site).post(LOOK, {**FILLED, field: value}, start=LOOK)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Korenhof"' in answer.text
    assert kept(quick_site) is None


def test_a_look_can_be_tried_without_being_kept(quick_site: Site) -> None:
    answer = owner(quick_site).post(LOOK, {**FILLED, "try": "1"}, start=LOOK)
    assert answer.status_code == 200
    assert ".swatch-page.light{" in answer.text
    assert "--accent:#7a1f3d" in answer.text
    assert kept(quick_site) is None


def test_a_logo_is_drawn_anew_and_comes_from_an_address_of_its_own(quick_site: Site) -> None:
    boss, file = owner(quick_site), io.BytesIO()
    Image.new("RGB", (80, 40), "#7a1f3d").save(file, "PNG")
    file.seek(0)
    boss.post(LOOK, {**FILLED, "logo": (file, "logo.png")}, start=LOOK)
    found = re.search(r'src="(/logos/[0-9a-f]{64})"', quick_site.browser().get("/programs/hosting").text)
    assert found is not None
    picture = quick_site.browser().get(found[1])
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    svg = io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    answer = boss.post(LOOK, {**FILLED, "logo": (svg, "logo.png")}, start=LOOK)
    assert (answer.status_code, "SVG and other files are not taken" in answer.text) == (422, True)
    boss.post(LOOK, {**FILLED, "no_logo": "y"}, start=LOOK)
    assert "/logos/" not in quick_site.browser().get("/programs/hosting").text
    assert quick_site.browser().get(found[1]).status_code == 404


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    css = Path("static/css/tokens.css").read_text()
    light, dark, *_ = re.split(r"@media \(prefers-color-scheme: dark\)", css)
    for mode, text in (("light", light), ("dark", dark)):
        for token, colour in zip(("paper", "sheet", "sunken"), GROUNDS[mode], strict=True):
            assert f"--{token}: {colour};" in text, (mode, token)


def test_contrast_is_counted_as_the_standard_counts_it() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert accent("#0e5a3e", "light", "").on == "#ffffff"
    assert accent("#6ccba1", "dark", "").colour == "#6ccba1"
    with pytest.raises(TooLittleContrast) as refused:
        accent("#757575", "light", "/accent_light")
    assert refused.value.ratio < 4.5
