"""No rule knows a first state and a second: with names and luck swapped, to the replicate, all is mirrored."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from crisis_sim.model.luck import Luck
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import Columns
from tests.model.test_symmetries import read, renamed, renamed_columns, run, written
from tests.model.valid_scenarios import scenarios

SWAPPED = {"india": "pakistan", "pakistan": "india"}
_key_of = Luck.key_of


def _swapped_key(luck: Luck, stream: str) -> NDArray[np.uint64]:
    names = re.sub(r"\b(india|pakistan)\b", lambda found: SWAPPED[found.group()], stream)
    return _key_of(luck, names)


def mirrored(scenario: Scenario, replicates: int) -> Columns:
    """What comes of a scenario whose states have swapped names and luck, told of them by their own names again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Luck, "key_of", _swapped_key)
        columns = run(read(renamed(written(scenario), SWAPPED)), replicates)
    return renamed_columns(columns, SWAPPED)


def all_is_mirrored(scenario: Scenario, replicates: int) -> None:
    usual, other = run(scenario, replicates), mirrored(scenario, replicates)
    assert usual.keys() == other.keys()
    for name, values in usual.items():
        if values.dtype.kind == "f":  # sums in another order
            np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], values, err_msg=name)


@settings(max_examples=15)
@given(scenarios())
def test_any_crisis_is_mirrored(scenario: Scenario) -> None:
    all_is_mirrored(scenario, 24)


def test_shots_in_a_halt_strike_either_state() -> None:
    broken = ["behaviour.halt.violations_per_day=2", "behaviour.halt.answering_cost=0"]
    all_is_mirrored(load_scenario("may_2025", broken), 600)
