from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.model.arrays import OverReplicates


class Part(OverReplicates):
    def __init__(self) -> None:
        self.values = np.arange(4.0)
        self.by_name = {"us": np.arange(4.0) * 10}
        self.shared = 7


class ScenarioEditor(OverReplicates):
    def __init__(self) -> None:
        self.part = Part()
        self.flags = np.array([True, False, True, False])


def test_arrays_shrink_together_and_shared_numbers_stay() -> None:
    whole = ScenarioEditor()
    whole.keep(np.array([1, 3]), 4)
    assert list(whole.flags) == [False, False]
    assert list(whole.part.values) == [1, 3]
    assert list(whole.part.by_name["us"]) == [10, 30]
    assert whole.part.shared == 7


def test_an_array_that_is_not_over_replicates_is_refused_by_name() -> None:
    part = Part()
    part.table = np.zeros(9)  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"Part\.table has shape \(9,\)"):
        part.keep(np.array([0]), 4)
