"""`python -m examples.shop` serves the shop on 127.0.0.1, at SHOP_PORT."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces

from examples.shop.settings import ShopSettings


def main() -> None:
    """Runs until it is told to stop."""
    settings = ShopSettings.from_env()
    Granian(
        "examples.shop.app:create_app",
        address="127.0.0.1",
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        blocking_threads=4,
    ).serve()


if __name__ == "__main__":
    main()
