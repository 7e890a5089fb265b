from __future__ import annotations

from unittest import mock

import numpy as np

from benchmarks import floor
from benchmarks.floor import quickest, time_floor
from tests.benchmarks.made_up import scenario_of

COUNTS = scenario_of("may_2025").counts


def test_it_does_as_much_as_was_counted():
    done = {}

    def noting(name):
        def note(*given):
            done[name] = given
            return 1.0

        return note

    with (
        mock.patch.object(floor, "_draw", noting("draw")),
        mock.patch.object(floor, "_exponentiate", noting("exponentiate")),
        mock.patch.object(floor, "_stream", noting("stream")),
    ):
        least = time_floor(COUNTS, 2 * COUNTS.replicates, COUNTS.replicates)
    assert done["draw"] == (2 * COUNTS.numbers, COUNTS.replicates)
    assert done["exponentiate"] == (2 * COUNTS.exponentials, COUNTS.replicates)
    state, turns = done["stream"]
    assert turns == 2 * COUNTS.mean_turns  # of two blocks
    assert abs(sum(array.nbytes for array in state) / COUNTS.replicates - COUNTS.state_bytes) <= 4
    assert least.agent_turns == 2 * COUNTS.turns * COUNTS.agents
    assert least.speed.seconds == 3.0


def test_each_turn_reads_and_writes_all_of_the_state():
    state = [np.ones(3, np.float32), np.full(3, 2, np.float32)]
    assert floor._stream(state, 3) > 0
    assert [array.tolist() for array in state] == [[-1, -1, -1], [-2, -2, -2]]


def test_the_quickest_counts():
    floors = [time_floor(COUNTS, 20, 10) for _ in range(2)]
    assert quickest(floors).speed.seconds == min(one.speed.seconds for one in floors)
