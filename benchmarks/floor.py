"""The floor: what NumPy needs merely for the random numbers, the exponentials and the state of a scenario's crises.

They are counted in a run of ours, by the one place here that looks inside the model. The floor decides nothing and
combines nothing, so no model of the same crises in NumPy can be quicker.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import Timing
from crisis_sim.model import CrisisModel
from crisis_sim.model.choice import FIRST_RUNG
from crisis_sim.model.world import CHANGING
from crisis_sim.scenario import Scenario

#: Replicates in the run that is counted, and in the one whose state is watched.
COUNTED, WATCHED = 1_009, 101

Counts = dict[str, Any]


def count(scenario: Scenario, replicates: int = COUNTED) -> Counts:
    """Run a scenario and count turns, agents, random numbers, exponentials, decisions and bytes of state.

    A turn takes two exponentials in each state: its market and its economic pressure. A decision takes one for each
    option, one for how far the state leans to a halt and, in the borrower, one for the nearness of each lender's
    decision (the two states decide about as often). A budget is a logarithm, a normal number a logarithm and a cosine.
    Violations, lenders' decisions and the drawing of parameters are few and left out.

    Raises:
        RuntimeError: when the model no longer shows what is counted.
    """
    model = CrisisModel(scenario, replicates).run(drop_finished=False)
    streams, turns, states = model.streams, model.turns_run, len(model.states)

    def taken(purpose: str) -> int:
        names = {f"{state.name}/{purpose}" for state in model.states}
        return int(streams.taken[:, [name in names for name in streams.names]].sum())

    budgets = int(streams.taken[:, streams.clocks].sum())
    normals, decisions = taken("market"), taken("choose")
    options = FIRST_RUNG + len(model.ladder.names)
    # A market takes a normal number a day, and a crisis may end before its last day does. A state decides at most as
    # often as its clock rings, which took its first budget before.
    least_normals = states * (turns * scenario.hours_per_turn / 24 - replicates)
    most_decisions = taken("decide") - states * replicates
    if not (normals >= least_normals > 0 < decisions <= most_decisions and budgets > replicates):
        raise RuntimeError(f"not all is counted any more: {normals=} {decisions=} {budgets=}")
    deciding = decisions * (options + 1 + len(model.lenders) / states)
    return {
        "replicates": replicates,
        "turns": turns,
        "agents": len(model.agents),
        "numbers": int(streams.taken.sum()),
        "state_bytes": bytes_of_state(CrisisModel(scenario, WATCHED)),
        "mean_turns": round(turns / replicates),
        "decisions_per_state_turn": decisions / (turns * states),
        "exponentials": round(2 * states * turns + deciding + budgets + 2 * normals),
    }


def bytes_of_state(model: CrisisModel) -> float:
    """Size, for one replicate, of all numbers of a model that any turn changes; runs it to its end."""
    before = {name: array.tobytes() for name, array in _arrays(model)}
    size = 0
    while model.running:
        model.step()
        for name, array in _arrays(model):
            if name in before and array.tobytes() != before[name]:
                del before[name]  # to see it once is enough
                size += array.nbytes
    return size / model.replicates


def _arrays(model: CrisisModel) -> Iterator[tuple[str, NDArray[Any]]]:
    """All fields of a model's records and the budgets of its clocks, over the replicates."""
    for kind in CHANGING:
        records = getattr(model.world, kind).reshape(model.replicates, -1)
        for place in range(records.shape[1]):
            for field in records.dtype.names or ():
                yield f"{kind}.{place}.{field}", records[field][:, place]
    for place in map(int, np.flatnonzero(model.streams.clocks)):
        yield f"left.{place}", model.streams.left[:, place]


def time_floor(name: str, counts: Counts, crises: int, block_size: int) -> Timing:
    """Draw, exponentiate, and read and write the state as much as some crises do, in blocks of the same size."""
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
    for _ in range(round(counts["turns"] * share / rows)):
        for array in state:
            np.negative(array, out=array)
    seconds = time.perf_counter() - started
    turns = round(counts["turns"] * share) * counts["agents"]
    return Timing("floor", "floor", seconds, name, crises, turns, 1, rows)


def _repeat(do: Callable[[int], object], numbers: float, rows: int) -> None:
    for _ in range(round(numbers) // rows):
        do(rows)
    do(round(numbers) % rows)
