"""How many examples Hypothesis tries: what CI does by default, ten times as many under ``make fuzz``."""

from __future__ import annotations

import os
from typing import Final

TIMES: Final = int(os.environ.get("FUZZ", "1"))


def examples(count: int) -> int:
    """``count`` in CI."""
    return count * TIMES
