"""No rule knows a first state and a second: with names and luck swapped, to the replicate, all is mirrored."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from crisis_sim.model import layout, luck
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import Columns
from tests.model.test_symmetries import read, renamed, renamed_columns, run, written
from tests.model.valid_scenarios import scenarios

SWAPPED = {"india": "pakistan", "pakistan": "india"}
_key_of = luck.key_of


def _swapped_key(seed: int, purpose: str) -> Any:
    names = re.sub(r"\b(india|pakistan)\b", lambda found: SWAPPED[found.group()], purpose)
    return _key_of(seed, names)


def mirrored(scenario: Scenario, replicates: int) -> Columns:
    """What comes of a scenario whose states have swapped names and luck, told of them by their own names again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(luck, "key_of", _swapped_key)
        patch.setattr(layout, "key_of", _swapped_key)
        columns = run(read(renamed(written(scenario), SWAPPED)), replicates)
    return renamed_columns(columns, SWAPPED)


def all_is_mirrored(scenario: Scenario, replicates: int) -> None:
    """A mediator's luck with one state and with the other is drawn in turn: so none is refused here."""
    plain = written(scenario)
    plain["behaviour"]["mediation"]["refusal"] = 0
    usual, other = run(read(plain), replicates), mirrored(read(plain), replicates)
    assert usual.keys() == other.keys()
    for name, values in usual.items():
        if values.dtype.kind == "f":  # sums in another order
            np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(other[name], values, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(scenarios())
def test_any_crisis_is_mirrored(scenario: Scenario) -> None:
    all_is_mirrored(scenario, 24)


def test_shots_in_a_halt_strike_either_state() -> None:
    broken = ["behaviour.halt.violations_per_day=2", "behaviour.halt.keeping=0"]
    all_is_mirrored(load_scenario("may_2025", broken), 600)
