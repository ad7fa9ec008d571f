"""The house rules that no linter knows: sizes of rooms, where things are, and that every test can fail."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES = 400
FUNCTION_LINES = 50

WHERE_A_NEWCOMER_LOOKS = {
    "a click is recorded": ("app/referrals/clicks.py", "ClickLog"),
    "a link is followed": ("app/referrals/redirect.py", "Redirect"),
    "a commission is computed": ("app/referrals/domain/commission.py", "earn"),
    "money moves": ("app/ledger/journal.py", "post"),
    "a payout changes its state": ("app/payouts/domain/state.py", "next_payout_status"),
    "the bank file is rendered": ("app/payouts/domain/pain001.py", "render_pain001"),
    "the environment is read": ("config.py", "from_env"),
    "everything is wired": ("app/factory.py", "create_app"),
}


@cache
def sources() -> dict[str, ast.Module]:
    found = [ROOT / "config.py", ROOT / "console.py", ROOT / "worker.py"]
    for folder in ("app", "examples", "bench", "tests"):
        found += sorted((ROOT / folder).rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in found}


def own_code() -> dict[str, ast.Module]:
    return {name: tree for name, tree in sources().items() if not name.startswith("tests/")}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_module_holds_one_noun_and_at_most_400_lines() -> None:
    long = [name for name in own_code() if len((ROOT / name).read_text().splitlines()) > MODULE_LINES]
    assert long == []


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{name}:{function.lineno} {function.name}"
        for name, tree in own_code().items()
        for function in functions(tree)
        if (function.end_lineno or 0) - function.lineno > FUNCTION_LINES
    ]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    words = ("# TODO", "# FIXME", "# XXX", "NotImplementedError")
    here = Path(__file__).relative_to(ROOT)
    left = [
        f"{name}: {word}"
        for name in sources()
        if name != str(here)
        for word in words
        if word in (ROOT / name).read_text()
    ]
    assert left == []


def asserts(function: ast.AST, helpers: frozenset[str] = frozenset()) -> bool:
    """Whether it asserts, expects an error, or calls something that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"raises", "expect", "fail", "run_machine", "run_state_machine_as_test"} | helpers:
                return True
    return False


def test_every_test_asserts_something() -> None:
    silent = []
    for name, tree in sources().items():
        if not name.startswith("tests/"):
            continue
        helpers = frozenset(function.name for function in functions(tree) if asserts(function))
        silent += [
            f"{name}:{function.lineno} {function.name}"
            for function in functions(tree)
            if function.name.startswith("test_") and not asserts(function, helpers)
        ]
    assert silent == []


def test_no_test_is_switched_off() -> None:
    markers = ("mark." + "skip", "mark." + "xfail", "pytest." + "xfail", "importor" + "skip")
    off = [
        name
        for name in sources()
        for marker in markers
        if name.startswith("tests/") and marker in (ROOT / name).read_text()
    ]
    assert off == []


def test_tests_are_named_as_sentences() -> None:
    short = [
        f"{name}: {function.name}"
        for name, tree in sources().items()
        if name.startswith("tests/")
        for function in functions(tree)
        if function.name.startswith("test_") and function.name.count("_") < 3
    ]
    assert short == []


@pytest.mark.parametrize("what", WHERE_A_NEWCOMER_LOOKS)
def test_a_newcomer_finds_where(what: str) -> None:
    name, noun = WHERE_A_NEWCOMER_LOOKS[what]
    names = {
        node.name
        for node in ast.walk(sources()[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert noun in names, f"{noun} is not in {name}: {sorted(names)}"


def test_importing_a_package_makes_nothing() -> None:
    """No engine, client or app is made at import: only functions and classes are."""
    makers = {"create_engine", "Redis", "from_url", "Flask", "Database", "JobQueue", "from_env", "create_app"}
    made = [
        f"{name}:{node.lineno}"
        for name, tree in own_code().items()
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in makers
    ]
    assert made == []


def test_the_map_of_the_house_names_every_room() -> None:
    import app

    rooms = {
        path.name for path in (ROOT / "app").iterdir() if path.is_dir() and (path / "__init__.py").exists()
    }
    assert app.__doc__ is not None
    assert {room for room in rooms if room not in app.__doc__} == set()
