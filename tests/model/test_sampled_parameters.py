from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crisis_sim.model import CrisisModel
from crisis_sim.model.sampled_parameters import invert
from crisis_sim.scenario import Scenario, load_scenario
from crisis_sim.scenario.numbers import Distribution

PROBABILITIES = np.linspace(0.001, 0.999, 41)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (Distribution("uniform", (2.0, 5.0)), stats.uniform(2, 3)),
        (Distribution("triangular", (1.0, 2.0, 5.0)), stats.triang(0.25, 1, 4)),
        (Distribution("triangular", (1.0, 1.0, 5.0)), stats.triang(0, 1, 4)),
        (Distribution("normal", (3.0, 2.0)), stats.norm(3, 2)),
        (Distribution("lognormal", (3.0, 0.5)), stats.lognorm(0.5, scale=3)),
        (Distribution("beta", (2.0, 3.0)), stats.beta(2, 3)),
    ],
)
def test_quantiles_of_a_distribution_agree_with_scipy(
    distribution: Distribution, expected: object
) -> None:
    drawn = invert(distribution, PROBABILITIES, -np.inf, np.inf)
    np.testing.assert_allclose(drawn, expected.ppf(PROBABILITIES), rtol=1e-6)  # type: ignore[attr-defined]


def test_an_unbounded_distribution_is_truncated_to_the_range_of_its_parameter() -> None:
    drawn = invert(Distribution("normal", (0.5, 1.0)), PROBABILITIES, 0.0, 1.0)
    expected = stats.truncnorm(-0.5, 0.5, 0.5, 1.0).ppf(PROBABILITIES)
    np.testing.assert_allclose(drawn, expected, rtol=1e-6)


def test_given_values_replace_the_scenarios(may_2025: Scenario) -> None:
    given = np.array([0.1, 0.9])
    model = CrisisModel(may_2025, 2, parameters={"states.india.resolve": given})
    np.testing.assert_array_equal(model.numbers["states.india"].resolve, given)
    usual = CrisisModel(may_2025, 2)
    resolve = usual.numbers["states.india"].resolve
    stakes = [x.cast["states"][0].stake for x in (model, usual)]
    np.testing.assert_allclose(stakes[0] / stakes[1], given / resolve)


def test_an_unknown_path_of_given_values_is_refused(may_2025: Scenario) -> None:
    with pytest.raises(KeyError, match=r"states\.india\.resolv"):
        CrisisModel(may_2025, 2, parameters={"states.india.resolv": np.zeros(2)})


def test_uncertain_numbers_of_a_rung_are_drawn() -> None:
    changes = [
        "ladder.5.opening_deaths={choice: [7, 9000]}",
        "states.india.rung_at_start=border fire",
    ]
    columns = CrisisModel(load_scenario("may_2025", changes), 300, seed=3).run().outcomes()
    struck = np.isfinite(columns["first_strike_at_hours"])
    assert 0.1 < np.mean(columns["deaths"][struck] > 9000) < 0.9
