from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from benchmarks.counting import bytes_of_state, count
from crisis_sim.model import CrisisModel
from crisis_sim.model.agent import CrisisAgent
from crisis_sim.scenario import load_scenario

REPLICATES = 101


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("may_2025").model_copy(update={"horizon_days": 20})


@pytest.fixture(scope="module")
def counts(scenario):
    return count(scenario, REPLICATES)


def test_it_counts_the_turns_of_the_very_same_crises(scenario, counts):
    assert counts.turns == CrisisModel(scenario, REPLICATES).run().turns_run


def test_each_state_takes_a_normal_number_for_each_day_of_its_market(counts):
    days = counts.turns * 3 / 24
    assert counts.normals == pytest.approx(2 * days, rel=0.1)


def test_all_that_was_counted_is_part_of_all_numbers(counts):
    parts = (counts.budgets, counts.normals, counts.decisions)
    assert all(parts)
    assert sum(parts) < counts.numbers


def test_a_decision_takes_an_exponential_for_each_option_and_more(counts):
    least = 4 * counts.turns + (counts.options + 1) * counts.decisions
    assert least < counts.exponentials < 2 * least


def test_where_not_all_is_seen_it_says_so_instead_of_counting_too_little(scenario):
    with (
        mock.patch("benchmarks.counting._taken", return_value=0),
        pytest.raises(RuntimeError, match="normal numbers are not counted any more"),
    ):
        count(scenario, 11)


class Diarist(CrisisAgent):
    """It has two variables that change, one of them only for a while, and a fact that does not."""

    def __init__(self, model):
        super().__init__(model, "diarist")
        self.days, self.mood, self.fact = self.array(), self.array(0, np.int8), self.array(0.5)

    def observe(self):
        self.days = self.days + 1
        self.mood.fill(self.crisis.turn % 2)


def test_what_any_turn_changes_is_state_and_nothing_else(scenario):
    alone = bytes_of_state(CrisisModel(scenario, 11))
    assert bytes_of_state(CrisisModel(scenario, 11, agents=[Diarist])) == alone + 4 + 1
