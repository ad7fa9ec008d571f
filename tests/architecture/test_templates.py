from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.factory import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from config import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_every_template_compiles(
    make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str
) -> None:
    app = create_app(make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url))
    names = [str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*.html")]
    assert len(names) > 10
    for name in names:
        assert app.jinja_env.get_template(name).name == name
