from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.load import find_scenario
from crisis_sim.scenario.source import parse
from crisis_sim.validation import simulated
from crisis_sim.validation.facts import Case, Expectation, read_cases, read_expectations
from crisis_sim.validation.run import Validation

nan = np.nan
CASES = [case.scenario for case in read_cases()]


@pytest.mark.parametrize("name", CASES)
def test_a_case_file_holds_facts_and_no_behaviour(name: str) -> None:
    path = find_scenario(name)
    top, _ = parse(str(path), path.read_text(encoding="utf-8"))
    assert "behaviour" not in top.entries()
    assert "extends" not in top.entries()
    assert load_scenario(name).behaviour == Behaviour()


@pytest.mark.parametrize("name", CASES)
def test_what_really_happened_is_never_read_by_the_model(name: str) -> None:
    scenario = load_scenario(name, ["horizon_days=60"])
    assert scenario.real_path is not None
    told = CrisisModel(scenario, 30).run().outcomes()
    untold = CrisisModel(scenario.model_copy(update={"real_path": None}), 30).run().outcomes()
    for column, values in told.items():
        np.testing.assert_array_equal(untold[column], values, err_msg=column)


@pytest.mark.parametrize("case", read_cases(), ids=CASES)
def test_a_case_file_holds_the_record_and_is_followed_for_long_enough(case: Case) -> None:
    scenario = load_scenario(case.scenario)
    real = scenario.real_path
    assert real is not None
    assert real.first_strike is not None
    strike = (scenario.hours_from_start(real.first_strike) - scenario.trigger_hours) / 24
    assert strike == pytest.approx(case.strike_days, abs=0.7)  # dates without an hour
    if real.ceasefire_in_effect is not None:
        halt = scenario.hours_from_start(real.ceasefire_in_effect)
        days = (halt - scenario.hours_from_start(real.first_strike)) / 24
        assert days == pytest.approx(case.halt_days, abs=0.2)
    assert scenario.horizon_days >= max(60, 3 * (case.strike_days + case.halt_days))


def case_of(
    real: float, came: float, values: NDArray[Any], shares: NDArray[Any]
) -> simulated.CaseResult:
    case = Case("A", "a", 1.0, 1.0)
    return simulated.CaseResult(case, "halt", real, came, values, shares, Expectation("a"))


@pytest.mark.parametrize(
    ("real", "expected"), [(0, 0.0), (1, 0.1), (2, 0.45), (2.5, 0.7), (4, 0.85), (9, 1.0)]
)
def test_a_percentile_counts_those_below_and_half_of_those_alike(
    real: float, expected: float
) -> None:
    values, shares = np.array([1.0, 2.0, 4.0]), np.array([0.2, 0.7, 1.0])
    assert case_of(real, 1.0, values, shares).percentile == pytest.approx(expected)
    assert np.isnan(case_of(real, 0.0, np.empty(0), np.empty(0)).percentile)


@pytest.mark.parametrize(
    ("at", "came", "verdict"),
    [
        (0.5, 1.0, "inside"),
        (0.1, 1.0, "inside"),
        (0.91, 1.0, "near"),
        (0.025, 1.0, "near"),
        (0.98, 1.0, "outside"),
        (0.5, 0.05, "near"),
        (0.5, 0.01, "outside"),
        (nan, 0.0, "outside"),
    ],
)
def test_inside_is_the_central_eighty_per_cent_of_what_comes_often_enough(
    at: float, came: float, verdict: str
) -> None:
    # A thousand figures, of which so many are below the real one.
    values = np.arange(1000.0) if at == at else np.empty(0)
    shares = (values + 1) / 1000
    one = case_of(1000 * at - 0.5 if at == at else 0.0, came, values, shares)
    assert one.percentile == pytest.approx(at, nan_ok=True)
    assert one.verdict == verdict
    unlike = replace(one, expectation=Expectation("a", counterpart=False))
    assert unlike.verdict == "not comparable"


def made_up() -> Ensemble:
    """Ten crises: six strikes, two endings without one, two cut off; of the strikes five halt."""
    struck = 24.0 * np.array([1, 2, 3, 4, 5, 6, nan, nan, nan, nan])
    ended = 24.0 * np.array([20, 20, 20, 20, 20, nan, 9, 9, nan, nan])
    halted = 24.0 * np.array([2, 4, 6, 8, 10, nan, nan, nan, nan, nan])
    return Ensemble(
        name="kargil_1999",
        title="",
        horizon_hours=720.0,
        states=("one", "other"),
        table=pa.table(
            {
                "trigger_at_hours": np.zeros(10),
                "first_strike_at_hours": struck,
                "ended_at_hours": ended,
                "halted_at_hours": halted,
                "followed_until_hours": np.where(np.isnan(ended), 720.0, ended),
            }
        ),
    )


def test_a_case_gives_the_percentile_of_its_times_and_the_share_in_which_they_come() -> None:
    case = Case("Kargil", "kargil_1999", strike_days=4.0, halt_days=2.5)
    strike, halt = simulated.results(case, made_up(), read_expectations())
    # Six of ten strike, all before any other ending: 3 of 6 below the real time, and one alike.
    assert strike.came == pytest.approx(0.6)
    assert strike.percentile == pytest.approx(3.5 / 6)
    assert strike.quantiles[2] == 3.0
    assert halt.percentile == pytest.approx(2 / 5)
    assert halt.came == pytest.approx(5 / 6)
    assert halt.verdict == "inside"


def test_only_may_2025_has_a_rebound(validation: Validation) -> None:
    rebounds = [one for one in validation.cases if one.what == simulated.REBOUND]
    assert [one.case.scenario for one in rebounds] == ["may_2025"]
    column = validation.batch.ensembles["may_2025"].column("pakistan_market_rebound")
    known = column[~np.isnan(column)]
    assert rebounds[0].came == pytest.approx(known.size / column.size)
    assert rebounds[0].percentile == pytest.approx((known < rebounds[0].real).mean())
