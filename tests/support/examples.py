"""How many examples Hypothesis tries: what CI does by default, ten times as many under ``make fuzz``; and how a state
machine is run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

TIMES: Final = int(os.environ.get("FUZZ", "1"))


def examples(count: int) -> int:
    """``count`` in CI."""
    return count * TIMES


def run_machine(
    machine: type[RuleBasedStateMachine], most: int, *phases: Phase, steps: int, derandomize: bool = False
) -> None:
    """Run a machine's checks on up to ``most`` examples of up to ``steps`` steps; raises the first that fails."""
    chosen = settings(
        max_examples=most,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=derandomize,
        report_multiple_bugs=False,
        phases=phases or (Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)
