"""What ``make mutants`` says of a change that no test notices, and that the page explains code that there is."""

from __future__ import annotations

import ast

from tests.support.mutants import EXPLAINED, ROOT, RULES, Mutant, explained, read_diff, verdict

SEEN = Mutant("rates.choose_rate", "return None")
ALIVE = Mutant("caps.Caps.apply", "- continue")


def test_an_unnoticed_change_without_a_word_is_named_and_so_is_a_word_about_a_change_that_is_noticed() -> (
    None
):
    assert verdict([ALIVE], {ALIVE}) == []
    assert verdict([ALIVE], {SEEN}) == [
        "no test notices caps.Caps.apply: - continue",
        "explained, but seen: rates.choose_rate: return None",
    ]


def test_a_mutant_is_named_by_its_function_and_its_changed_line() -> None:
    diff = (
        "# name: survived\n--- a.py\n+++ a.py\n@@ -1,3 +1,3 @@\n     x = 1\n-    return x\n+    return None\n"
    )
    assert read_diff("app.referrals.domain.rates.x_choose_rate__mutmut_21", diff) == SEEN
    diff = "--- a.py\n+++ a.py\n@@ -1,3 +1,2 @@\n     x = 1\n-    continue\n"
    assert read_diff("app.referrals.domain.caps.x\u01c1Caps\u01c1apply__mutmut_2", diff) == ALIVE


def test_every_change_that_the_page_explains_is_one_of_a_rule_that_there_is() -> None:
    rows = explained(EXPLAINED.read_text())
    assert rows
    for row in rows:
        module, _, name = row.function.partition(".")
        tree = ast.parse((ROOT / RULES / f"{module}.py").read_text())
        assert name.rpartition(".")[2] in {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
