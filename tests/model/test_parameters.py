from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crisis_sim.model import CrisisModel
from crisis_sim.model.luck import Luck
from crisis_sim.model.parameters import Parameters, invert
from crisis_sim.scenario import Scenario
from crisis_sim.scenario.numbers import Distribution

PROBABILITIES = np.linspace(0.001, 0.999, 41)


@pytest.mark.parametrize(
    ("distribution", "theirs"),
    [
        (Distribution("uniform", (2.0, 5.0)), stats.uniform(2, 3)),
        (Distribution("triangular", (1.0, 2.0, 5.0)), stats.triang(0.25, 1, 4)),
        (Distribution("triangular", (1.0, 1.0, 5.0)), stats.triang(0, 1, 4)),
        (Distribution("normal", (3.0, 2.0)), stats.norm(3, 2)),
        (Distribution("lognormal", (3.0, 0.5)), stats.lognorm(0.5, scale=3)),
        (Distribution("beta", (2.0, 3.0)), stats.beta(2, 3)),
    ],
)
def test_a_distribution_is_drawn_as_scipy_has_it(
    distribution: Distribution, theirs: object
) -> None:
    ours = invert(distribution, PROBABILITIES, -np.inf, np.inf)
    np.testing.assert_allclose(ours, theirs.ppf(PROBABILITIES), rtol=1e-6)  # type: ignore[attr-defined]


def test_an_unbounded_distribution_is_truncated_to_the_range_of_its_parameter() -> None:
    ours = invert(Distribution("normal", (0.5, 1.0)), PROBABILITIES, 0.0, 1.0)
    theirs = stats.truncnorm(-0.5, 0.5, 0.5, 1.0).ppf(PROBABILITIES)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_choice_is_drawn_by_its_weights() -> None:
    drawn = invert(Distribution("choice", (1.0, 7.0), (0.25, 0.75)), PROBABILITIES, 0, 10)
    assert set(drawn) == {1.0, 7.0}
    assert np.mean(drawn == 1.0) == pytest.approx(0.25, abs=0.03)


def test_a_plain_number_is_shared_and_a_distribution_is_drawn_for_each_replicate() -> None:
    parameters = Parameters(Luck(1, 0, 100))
    assert parameters.number("a.b", 0.5) == 0.5
    assert parameters.number("a.b", Distribution("uniform", (0.0, 1.0))).shape == (100,)


def test_moving_a_distribution_moves_each_replicates_value_with_it() -> None:
    low = Parameters(Luck(1, 0, 100)).number("a.b", Distribution("uniform", (0.0, 1.0)))
    high = Parameters(Luck(1, 0, 100)).number("a.b", Distribution("uniform", (1.0, 2.0)))
    np.testing.assert_allclose(high - low, 1, rtol=1e-6)


def test_given_values_replace_the_scenarios(may_2025: Scenario) -> None:
    given = np.array([0.1, 0.9], np.float32)
    model = CrisisModel(may_2025, 2, parameters={"states.india.resolve": given})
    np.testing.assert_array_equal(model.state("india").facts.resolve, given)


def test_a_given_path_that_is_no_parameter_is_refused_by_name(may_2025: Scenario) -> None:
    with pytest.raises(KeyError, match=r"states\.india\.resolv"):
        CrisisModel(may_2025, 2, parameters={"states.india.resolv": np.zeros(2)})
