"""Changes the rules in small ways, one at a time, and names each change that no test notices: ``make mutants``.

mutmut does the work on a copy of the tree below ``var/``, with the tests of ``tests/domain`` alone. It leaves decorated
functions out, so the copy has the rules without their ``lru_cache``: what was remembered would hide a change besides.
A change that nobody can see is explained in ``docs/mutation.md``; the run fails where another one survives, and where
the page explains what no longer does.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
COPY = ROOT / "var" / "mutants"
EXPLAINED = ROOT / "docs" / "mutation.md"
RULES = Path("app/referrals/domain")
COPIED = ("app", "tests", "migrations", "config.py", "pyproject.toml")

_ROW = re.compile(r"\| `(?P<function>[\w.]+)` \| `(?P<change>.+?)` \| .+ \|")
_CACHE = re.compile(r"^@lru_cache\(.*\)\n", re.MULTILINE)
_RESULT = re.compile(r"^ +(?P<name>\S+): (?P<status>.+)$", re.MULTILINE)
_METHOD = re.compile(r"x\u01c1(?P<owner>\w+)\u01c1(?P<method>\w+)")


class Mutant(NamedTuple):
    """A changed line (``- line`` where it was taken out) of a function ("rates.choose_rate")."""

    function: str
    change: str


def explained(page: str) -> set[Mutant]:
    """The rows of the page's table."""
    return {Mutant(row["function"], row["change"]) for row in _ROW.finditer(page)}


def read_diff(name: str, diff: str) -> Mutant:
    """What mutmut shows of a mutant of that name ("app.referrals.domain.rates.x_choose_rate__mutmut_21")."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    method = _METHOD.fullmatch(mangled)
    function = f"{method['owner']}.{method['method']}" if method else mangled.removeprefix("x_")
    changed = [line for line in diff.splitlines() if re.match(r"[-+](?![-+]{2} )", line)]
    added = [line[1:].strip() for line in changed if line[0] == "+"]
    taken_out = [f"- {line[1:].strip()}" for line in changed]
    return Mutant(f"{module.rpartition('.')[2]}.{function}", (added or taken_out)[0])


def verdict(survived: Iterable[Mutant], rows: set[Mutant]) -> list[str]:
    """The lines to print: changes that nothing explains, and explanations of what is seen by now."""
    alive = set(survived)
    return [
        *(f"no test notices {mutant.function}: {mutant.change}" for mutant in sorted(alive - rows)),
        *(f"explained, but seen: {mutant.function}: {mutant.change}" for mutant in sorted(rows - alive)),
    ]


def copy_tree() -> None:
    """The tree as it is, the rules without their memory."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, COPY / name)
    for path in sorted((COPY / RULES).glob("*.py")):
        path.write_text(_CACHE.sub("", path.read_text()))


def mutmut(*arguments: str, shown: bool = False) -> str:
    """Run mutmut in the copy; what it printed, empty where it printed to the terminal (``shown``)."""
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    done = subprocess.run(command, cwd=COPY, check=True, text=True, stdout=None if shown else subprocess.PIPE)
    return done.stdout or ""


def main(modules: list[str]) -> int:
    copy_tree()
    mutmut("run", "--max-children", "1", *(f"app.referrals.domain.{name}.*" for name in modules), shown=True)
    alive = [
        read_diff(row["name"], mutmut("show", row["name"]))
        for row in _RESULT.finditer(mutmut("results"))
        if row["status"] in {"survived", "no tests", "suspicious"}
    ]
    rows = explained(EXPLAINED.read_text())
    wrong = verdict(alive, {row for row in rows if not modules or row.function.split(".")[0] in modules})
    print(
        "\n".join(
            [
                *wrong,
                f"{len(alive)} changes went unnoticed, {len(wrong)} of them without a word in {EXPLAINED.name}",
            ]
        )
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
