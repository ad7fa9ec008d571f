from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.kit import Shell

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def shell(app: Flask) -> Shell:
    return Shell(app)
