"""How a programme looks, and which sites may frame it, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.kit import Shell


def test_a_look_is_set_and_taken_away_again(shell: Shell, tmp_path: Path) -> None:
    shell.program()
    logo = tmp_path / "logo.png"
    Image.new("RGB", (80, 40), "#7a1f3d").save(logo)
    shell.ok("programs", "set", "--slug", "hosting", "--frame-host", "Shop.example")
    given = ("--brand", "Korenhof", "--accent-light", "#7A1F3D", "--logo", str(logo))
    shown = shell.json("programs", "look", "--slug", "hosting", *given)
    assert (shown["brand"], shown["accent_light"], len(shown["logo"])) == ("Korenhof", "#7a1f3d", 64)
    assert shown["frame_hosts"] == ["https://shop.example"]
    shell.ok("programs", "set", "--slug", "hosting", "--frame-host", "none")
    shown = shell.json("programs", "look", "--slug", "hosting", "--accent-light", "none", "--logo", "none")
    assert (shown["brand"], shown["accent_light"], shown["logo"]) == ("Korenhof", None, None)
    assert shown["frame_hosts"] == []


def test_what_cannot_be_a_look_ends_in_one_line(shell: Shell, tmp_path: Path) -> None:
    shell.program()
    text = tmp_path / "logo.svg"
    text.write_text("<svg/>")
    for arguments, words in (
        (("look", "--accent-dark", "#0e5a3e"), "4.5 : 1"),
        (("look", "--logo", str(text)), "--logo: Only PNG"),
        (("look", "--logo", str(tmp_path / "gone.png")), "--logo: "),
        (("set", "--frame-host", "http://shop.example"), "--frame-host: "),
    ):
        done = shell.run("programs", arguments[0], "--slug", "hosting", *arguments[1:])
        assert done.exit_code == 2, arguments
        assert words in done.output, arguments
        assert len(done.output.strip().splitlines()) == 1, arguments
