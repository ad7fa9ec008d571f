"""``python -m bench [NAME ...]``: run the benchmarks (all, or those named), print their ratios, keep their figures.

Every ratio compares two things measured in the same run on the same machine. Figures go to ``bench/results.json``;
a run of some benchmarks replaces only theirs. The exit code says whether every bound held.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"


def main(names: list[str]) -> int:
    """Run and report; 0 where all bounds held, 1 where one did not, 2 for an unknown name."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"no benchmark {unknown[0]!r}; there are {', '.join(known)}\n")
        return 2
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures: dict[str, Any] = {name: value for name, value in kept.items() if name in known}
    for name in names or known:
        print(f"== {name}", flush=True)
        started = time.perf_counter()
        figures[name] = importlib.import_module(f"bench.bench_{name}").run()
        figures[name]["seconds"] = round(time.perf_counter() - started, 1)
        print(json.dumps(figures[name], indent=2), flush=True)
    figures["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    missed = [name for name in names or known if not figures[name].get("passed", False)]
    print(f"bounds missed: {', '.join(missed)}" if missed else "every bound held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
