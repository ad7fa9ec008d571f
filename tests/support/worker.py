"""A real ``worker.py`` for tests, with one job more: ``test.slow`` writes a file, waits, and writes another.

``python -m tests.support.worker`` takes the options of ``worker.py``.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import worker
from app.jobs import registry

if TYPE_CHECKING:
    from app.services import Services

SLOW = "test.slow"


def slow(_services: Services, folder: str) -> None:
    """The first try leaves ``begun`` and hangs; the second leaves ``done``."""
    begun = Path(folder) / "begun"
    if begun.exists():
        (Path(folder) / "done").touch()
        return
    begun.write_text(str(os.getpid()))
    time.sleep(120)


if __name__ == "__main__":
    cast("dict[str, Any]", registry.JOBS)[SLOW] = slow
    sys.exit(worker.main())
