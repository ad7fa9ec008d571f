"""Where the shop finds its files, its port and Refledger."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
HOSTING, DIRECTORY = "hosting", "directory"
KEY_VARIABLES = {HOSTING: "REFLEDGER_KEY_HOSTING", DIRECTORY: "REFLEDGER_KEY_DIRECTORY"}


@dataclass(frozen=True)
class ShopSettings:
    """`refledger_url` is where the API answers, `keys` one API key for each programme that the shop feeds."""

    refledger_url: str
    keys: Mapping[str, str]
    folder: Path
    port: int = 8001
    timeout_seconds: float = 5.0
    retry_seconds: float = 5.0
    secret: str = field(default="", repr=False)
    house: Path | None = None
    """Where the demo that this shop belongs to keeps its files, so that the desk can play a month's end; None in the
    shop of anybody else.
    """

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> ShopSettings:
        """Settings from the environment, else from the file `SHOP_ENV` (`var/shop.env`)."""
        env = dict(os.environ if environ is None else environ)
        var = Path(env.get("VAR_DIR") or ROOT / "var")
        kept = dotenv_values(env.get("SHOP_ENV") or var / "shop.env")
        values = {**{name: value for name, value in kept.items() if value}, **env}
        folder = Path(values.get("SHOP_DIR") or var / "shop")
        return cls(
            refledger_url=values.get("REFLEDGER_URL", "http://127.0.0.1:8000").rstrip("/"),
            keys={programme: values.get(name, "") for programme, name in KEY_VARIABLES.items()},
            folder=folder,
            port=int(values.get("SHOP_PORT", "8001")),
            retry_seconds=float(values.get("SHOP_RETRY_SECONDS", "5")),
            secret=values.get("SHOP_SECRET") or _kept_secret(folder / "secret"),
            house=var if _is_demo(var) and values.get("APP_ENV") != "production" else None,
        )


def _is_demo(var: Path) -> bool:
    """Whether `flask demo` has told its story there to the end."""
    return (var / "demo-logins.txt").exists()


def _kept_secret(path: Path) -> str:
    """The key that signs the shop's cookies, made once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8")
