"""Two programmes with keys of their own, in one installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.requests import EXTENSION
from tests.web.api.kit import Shop, open_shop

if TYPE_CHECKING:
    from flask import Flask

    from app.services import Services


@pytest.fixture
def wired(app: Flask) -> Services:
    """The services of the application under test."""
    services: Services = app.extensions[EXTENSION]
    return services


@pytest.fixture
def shop(app: Flask, wired: Services) -> Shop:
    """The shop of the hosting programme."""
    return open_shop(wired, app.test_client())


@pytest.fixture
def rival(app: Flask, wired: Services) -> Shop:
    """The shop of another programme in the same installation."""
    return open_shop(wired, app.test_client(), slug="directory")
