"""The floor: the time that NumPy needs for only the random numbers, exponentials and state of a scenario's crises.

They are counted in a run of Crisis Sim; only this module uses internals of the model. The floor makes no decisions and
combines no results, so no model of the same crises in NumPy can be faster.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.timing import Timing, agents_of
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import Scenario

#: Replicates in the run whose operations are counted, and in the run whose state is watched for changes.
COUNTED, WATCHED = 1_009, 101
#: Exponentials that each state needs at an event, and at a close of its market.
AT_EACH_EVENT, AT_EACH_CLOSE = 3, 2

Counts = dict[str, Any]


def count(scenario: Scenario, replicates: int = COUNTED) -> Counts:
    """Run a scenario and count events, agents, random numbers, exponentials, decisions and bytes of state.

    A step is an event, at which all agents are updated. It needs three exponentials in each state: forgetting, fading
    force and the propensity to halt. A market's close needs two: the index and the pressure. A decision needs one for
    each option. The budget of a clock is a logarithm. Rates, violations, lenders' decisions, the drawing of parameters
    and the logarithms of a few normal numbers are left out.

    Raises:
        RuntimeError: if the counts are not consistent with each other.
    """
    model = CrisisModel(scenario, replicates).run()
    taken, events, states = model.crises["taken"], model.events_run, model.cast["states"]

    def drawn(purpose: str) -> int:
        number = (*states[0].draws, *states[0].clocks()).index(purpose)
        places = model.crises["states"]["streams"][0] + number
        return int(taken[:, places].sum())

    happened = [(role, name) for role, name, _ in model.schedule.events]
    decisions = int(model.crises["happened"][:, happened.index(("states", "decide"))].sum())
    budgets, normals = int(taken[:, model.luck.stream_of].sum()), drawn("market")
    # A market with volatility needs a normal number a day. A state decides when its clock rings; the first budget of
    # the clock was drawn before.
    days = np.floor(model.crises["now"] - model.crises["began"]).sum()
    most_decisions = drawn("decide") - len(states) * replicates
    closes = len(states) * days
    if not (
        (normals >= closes or normals == 0)
        and closes > 0 < decisions <= most_decisions
        and budgets > events / 9
    ):
        raise RuntimeError(f"the counts are inconsistent: {normals=} {decisions=} {budgets=}")
    exponentials = AT_EACH_EVENT * len(states) * events + budgets + AT_EACH_CLOSE * int(closes)
    exponentials += decisions * (len(scenario.ladder) + 1)
    return {
        "replicates": replicates,
        "steps": events,
        "agents": agents_of(scenario),
        "numbers": int(taken.sum()),
        "state_bytes": bytes_of_state(CrisisModel(scenario, WATCHED)),
        "mean_steps": round(events / replicates),
        "hours_per_step": 24.0
        * float((model.crises["now"] - model.crises["began"]).sum())
        / events,
        "decisions_per_state_step": decisions / (events * len(states)),
        "exponentials": exponentials,
    }


def bytes_of_state(model: CrisisModel) -> float:
    """Bytes of one replicate's state that any event changes; runs the model to its end."""

    def words() -> Any:
        return model.crises.view(np.uint64).reshape(model.rows, -1).copy()

    before = words()
    changed = np.zeros(before.shape[1], bool)
    while model.running:
        model.step()
        changed |= (words() != before).any(axis=0)
    return float(8 * changed.sum())


def time_floor(name: str, counts: Counts, crises: int, block_size: int) -> Timing:
    """Time the random numbers, the exponentials, and the reading and writing of the state of a number of crises."""
    rows = math.ceil(crises / math.ceil(crises / block_size))
    share = crises / counts["replicates"]
    luck, numbers = np.random.default_rng(1), np.empty(rows, np.float32)
    powers = -np.linspace(0, 10, rows, dtype=np.float32)
    state = [np.ones(rows, np.float32) for _ in range(round(counts["state_bytes"] / 4))]
    started = time.perf_counter()
    _repeat(
        lambda n: luck.random(out=numbers[:n], dtype=np.float32), counts["numbers"] * share, rows
    )
    _repeat(lambda n: np.exp(powers[:n], out=numbers[:n]), counts["exponentials"] * share, rows)
    for _ in range(round(counts["steps"] * share / rows)):
        for array in state:
            np.negative(array, out=array)
    seconds = time.perf_counter() - started
    steps = round(counts["steps"] * share) * counts["agents"]
    return Timing("floor", "floor", seconds, name, crises, steps, 1, rows)


def _repeat(do: Callable[[int], object], numbers: float, rows: int) -> None:
    for _ in range(round(numbers) // rows):
        do(rows)
    do(round(numbers) % rows)
