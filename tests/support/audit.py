"""Looks every pinned package up in a database of known vulnerabilities: part of ``make check``.

A package that could not be looked up was not audited, whatever pip-audit's exit code says. Where no database
can be reached at all this is said, and it fails where ``REQUIRE_AUDIT=1``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def verdict(dependencies: list[dict[str, Any]], *, required: bool) -> tuple[int, list[str]]:
    """The exit code and the lines to print, from pip-audit's JSON."""
    missed = [entry["name"] for entry in dependencies if "skip_reason" in entry]
    known = [
        f"{entry['name']} {entry['version']}: {', '.join(found['id'] for found in entry['vulns'])}"
        for entry in dependencies
        if entry.get("vulns")
    ]
    if known:
        return 1, ["Known vulnerabilities:", *known]
    if not dependencies or len(missed) == len(dependencies):
        lines = [f"NOT audited: no vulnerability database could be reached ({len(missed)} packages)."]
        return int(required), lines
    if missed:
        return 1, [f"NOT audited: {', '.join(missed)} could not be looked up."]
    return 0, [f"Audited {len(dependencies)} packages: no known vulnerability."]


def main() -> int:
    command = [
        str(Path(sys.executable).parent / "pip-audit"),
        "--disable-pip",
        "--require-hashes",
        "--format=json",
    ]
    command += ["--progress-spinner=off", "--timeout=20"]
    for name in REQUIREMENTS:
        command += ["--requirement", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        dependencies = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        dependencies = []
    code, lines = verdict(dependencies, required=os.environ.get("REQUIRE_AUDIT") == "1")
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
