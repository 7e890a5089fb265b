from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import Findings, load_experiment, run_experiment
from crisis_sim.experiments.factors import Range, drawn_factors, ranges
from crisis_sim.experiments.sensitivity import crises
from tests.batch.crises import crisis
from tests.experiments.examples import DAYS, NORTH, RESOLVE, made, with_south


def run(**changes: Any) -> Findings:
    return run_experiment(made("sensitivity", **changes))


def test_a_parameter_that_is_uncertain_is_drawn_as_the_scenario_draws_it() -> None:
    south = {"resolve": {"triangular": [0.2, 0.5, 0.8]}, "audience": 0.5}
    scenario = crisis(states={"north": {"resolve": 0.9, "audience": 0.6}, "south": south})
    (one,) = drawn_factors({RESOLVE: Range()}, scenario)
    assert one.known_at(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.2, 0.5, 0.8], abs=1e-4)
    assert one.known_at(np.array([0.125])) == pytest.approx([0.35])  # not even: 0.275
    assert one.ends == pytest.approx((0.2 + 0.3 * 0.1**0.5, 0.8 - 0.3 * 0.1**0.5))


def test_a_range_that_the_file_gives_goes_before_the_scenarios_distribution() -> None:
    (one,) = drawn_factors({RESOLVE: Range(low=0.6, high=0.8)}, crisis())
    assert one.distribution is None
    assert one.known_at(np.array([0.0, 0.25, 1.0])) == pytest.approx([0.6, 0.65, 0.8])
    assert one.ends == (0.6, 0.8)


def test_a_known_parameter_goes_over_the_schemas_range_in_ratios_where_that_is_wide() -> None:
    days, north = drawn_factors({DAYS: Range(), NORTH: Range()}, crisis())
    ends = days.low, days.high
    middle = (ends[0] * ends[1]) ** 0.5
    assert days.known_at(np.array([0.0, 0.5, 1.0])) == pytest.approx([ends[0], middle, ends[1]])
    middle = 0.5 * (north.low + north.high)
    assert north.known_at(np.array([0.0, 0.5, 1.0])) == pytest.approx(
        [north.low, middle, north.high]
    )


def test_trajectories_end_within_a_distribution_without_ends() -> None:
    scenario = crisis(behaviour={"decision": {"preparation_days": {"lognormal": [2.0, 0.5]}}})
    (one,) = drawn_factors({"behaviour.decision.preparation_days": Range()}, scenario)
    low, high = one.between_ends(np.array([0.0, 1.0]))
    assert (low, high) == pytest.approx((2 * np.exp(-0.98), 2 * np.exp(0.98)), rel=1e-3)


def test_without_factors_everything_that_is_worth_a_slider_is_one() -> None:
    found = ranges({}, crisis())
    assert {NORTH, RESOLVE, DAYS, "lenders.bank.conditionality"} <= set(found)
    assert "mediators.elder.trust.north" not in found
    assert found["lenders.bank.days_later"] == Range(low=-20, high=30)  # as far as its slider goes
    assert found["lenders.bank.conditionality"] == Range()  # as the scenario draws it
    experiment = made("sensitivity", method="morris", vary={}, samples=4, tornado=0)
    assert crises(experiment) == 4 * (len(found) + 1) * 8


@pytest.mark.parametrize(
    ("method", "samples", "pairs", "points"),
    [
        ("sobol", 16, False, 80),
        ("sobol", 16, True, 128),
        ("morris", 8, False, 32),
        ("pawn", 64, False, 64),
    ],
)
def test_a_study_takes_the_crises_that_it_says(
    method: str, samples: int, pairs: bool, points: int
) -> None:
    asked = {"method": method, "samples": samples, "second_order": pairs}
    experiment = made("sensitivity", **asked, outcomes=["mean_deaths"])
    seen: list[tuple[int, int]] = []
    found = run_experiment(experiment, progress=lambda *now: seen.append(now))
    assert found.crises == crises(experiment) == points * 8 + 7 * 20
    assert seen[-1] == (found.crises, found.crises)
    assert found.summary["points"] == found.tables["measures"].num_rows == points
    own = {"sobol": {"indices", "pairs"} if pairs else {"indices"}}.get(method)
    assert own is None or found.tables.keys() == {"points", "measures", "tornado", *own}


@pytest.mark.parametrize(
    ("method", "samples", "index"), [("sobol", 16, "total"), ("morris", 8, "mu_star")]
)
def test_a_parameter_that_nothing_reads_has_indices_of_exactly_zero(
    method: str, samples: int, index: str
) -> None:
    # Nobody misreads anybody, so that it does not matter what the elder knows.
    scenario = crisis(behaviour={"fog": {"misreading": 0}})
    unread = "mediators.elder.information"
    asked = {"method": method, "samples": samples, "vary": {NORTH: {}, unread: {}}}
    found = run(scenario=scenario, replicates=40, tornado=0, **asked)
    one = found.summary["studies"]["mean_deaths"]["indices"][index][unread]
    assert one["estimate"] == one["lower"] == one["upper"] == one["with_noise"] == 0
    assert "No difference at any point: elder.information." in found.answer


def test_a_tornado_moves_one_factor_at_a_time_from_the_middle() -> None:
    found = run(outcomes=["mean_deaths"])
    rows = found.tables["tornado"].to_pylist()
    assert [(row["factor"], row["end"]) for row in rows] == [
        (path, end) for path in (NORTH, RESOLVE, DAYS) for end in ("low", "high")
    ]
    assert [row["value"] for row in rows[:2]] == [0.2, 1.0]
    middles = {row["outcome"] - row["estimate"] for row in rows}
    assert max(middles) == pytest.approx(min(middles))
    asked: dict[str, Any] = {"vary": {NORTH: {"values": [0.2, 1.0]}}, "outcomes": ["mean_deaths"]}
    alone = run_experiment(made("sweep", with_south(0.75), replicates=20, **asked))
    expected = alone.tables["measures"].column("estimate").to_pylist()
    assert [row["outcome"] for row in rows[:2]] == pytest.approx(expected)
    # The answer says how sure it is, and warns of a budget that is too small.
    cannot = (
        "Cannot be told at this budget: which parameters mean deaths turns on most; by total index"
    )
    assert found.answer[0].startswith(cannot)
    assert "Warning, mean deaths: the intervals reach up to" in " ".join(found.answer)
    assert "replicates, all with the same luck." in found.answer[-1]
    assert "would about halve the intervals." in found.answer[-1]
    assert found.summary["studies"]["mean_deaths"]["warnings"]


def test_what_is_surely_ahead_is_named_first() -> None:
    found = run(vary={NORTH: {"low": 0.05, "high": 1}, DAYS: {"low": 20, "high": 30}},
                samples=32, replicates=64, tornado=0, outcomes=["first_strike"])  # fmt: skip
    assert found.answer[0].startswith("A first strike turns most on north.resolve (")


def test_an_outcome_that_is_seldom_known_is_said_to_be_and_drawn_upon_for_nothing() -> None:
    found = run(outcomes=["agreement", "median_hours_to_ceasefire", "nuclear_use"])
    study = found.summary["studies"]["median_hours_to_ceasefire"]
    assert study["indices"] == {}
    assert study["samples_lost"] > 3
    said = " ".join(found.answer)
    cannot = "Cannot be told at this budget: which parameters median time from the first strike to a ceasefire"
    assert f"{cannot} turns on most; it is unknown, or never reached, in" in said
    assert "Nuclear use, of all crises: 0.0% at every point." in said


def test_one_replicate_leaves_noise_unknown_and_indices_are_looked_at_from_an_eighth_on() -> None:
    found = run(samples=32, replicates=1, outcomes=["mean_deaths"], tornado=0)
    study = found.summary["studies"]["mean_deaths"]
    assert study["noise"] is None
    assert study["indices"]["total"][NORTH]["luck_error"] is None
    assert "with one replicate at each point it is not known" in " ".join(found.answer)
    assert sorted(set(found.tables["indices"].column("samples").to_pylist())) == [4, 8, 16, 32]


def test_the_shipped_study_is_one_of_eight_factors_that_the_scenario_draws() -> None:
    shipped: Any = load_experiment("what_matters_in_may_2025")
    drawn = drawn_factors(shipped.spec.vary, shipped.scenario)
    assert len(drawn) == 8
    assert all(one.distribution for one in drawn)
    full = load_experiment(
        "what_matters_in_may_2025",
        {"samples": 1024, "second_order": True, "replicates": 64, "tornado": 0},
    )
    assert crises(full) == 18 * 1024 * 64


def test_without_a_range_a_lognormal_goes_over_the_middle_of_it() -> None:
    path = "mediators.us.attention_days"
    asked: Any = load_experiment("what_matters_in_may_2025", {"vary": {path: {"scale": "log"}}})
    drawn = {one.path: one for one in drawn_factors(asked.spec.vary, asked.scenario)}
    median, spread = asked.scenario.mediators["us"].attention_days.values
    low, high = (median * np.exp(sign * 1.959964 * spread) for sign in (-1, 1))  # its middle 95%
    assert drawn[path].words().startswith(f"in equal ratios from {low:g} to {high:g}")
