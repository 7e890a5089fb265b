from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import (
    Experiment,
    load_experiment,
    make_experiment,
    read_experiment,
    run_experiment,
)
from crisis_sim.experiments.factors import Range, drawn_factors, ranges
from crisis_sim.experiments.indices import layout_of
from crisis_sim.experiments.sensitivity import crises, values_of
from crisis_sim.scenario.errors import ScenarioError
from tests.batch.crises import crisis

RESOLVE, SOUTH, DAYS = (
    "states.north.resolve",
    "states.south.resolve",
    "mediators.elder.attention_days",
)


def made(**changes: Any) -> Experiment:
    content: dict[str, Any] = {
        "kind": "sensitivity",
        "scenario": crisis(),
        "method": "sobol",
        "vary": {RESOLVE: {"low": 0.2, "high": 1}, SOUTH: {}, DAYS: {}},
        "samples": 16,
        "tornado": 20,
        "outcomes": ["agreement", "mean_deaths"],
        "replicates": 8,
        **changes,
    }
    return make_experiment("what", **content)


def test_a_parameter_that_is_uncertain_is_drawn_as_the_scenario_draws_it() -> None:
    south = {"resolve": {"triangular": [0.2, 0.5, 0.8]}, "audience": 0.5}
    scenario = crisis(states={"north": {"resolve": 0.9, "audience": 0.6}, "south": south})
    (one,) = drawn_factors({SOUTH: Range()}, scenario)
    assert one.values(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.2, 0.5, 0.8], abs=1e-4)
    assert one.values(np.array([0.125])) == pytest.approx([0.35])  # not even: 0.275
    assert one.ends == pytest.approx((0.2 + 0.3 * 0.1**0.5, 0.8 - 0.3 * 0.1**0.5))


def test_a_range_that_the_file_gives_goes_before_the_scenarios_distribution() -> None:
    (one,) = drawn_factors({SOUTH: Range(low=0.6, high=0.8)}, crisis())
    assert one.distribution is None
    assert one.values(np.array([0.0, 0.25, 1.0])) == pytest.approx([0.6, 0.65, 0.8])
    assert one.ends == (0.6, 0.8)


def test_a_known_parameter_goes_over_the_schemas_range_in_ratios_where_that_is_wide() -> None:
    days, north = drawn_factors({DAYS: Range(), RESOLVE: Range()}, crisis())
    assert days.values(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.01, 3.65**0.5, 365])
    assert north.values(np.array([0.0, 0.5, 1.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_trajectories_end_within_a_distribution_without_ends() -> None:
    scenario = crisis(behaviour={"decision": {"preparation_days": {"lognormal": [2.0, 0.5]}}})
    (one,) = drawn_factors({"behaviour.decision.preparation_days": Range()}, scenario)
    low, high = one.between_ends(np.array([0.0, 1.0]))
    assert (low, high) == pytest.approx((2 * np.exp(-0.98), 2 * np.exp(0.98)), rel=1e-3)


def test_without_factors_everything_that_is_worth_a_slider_is_one() -> None:
    found = ranges({}, crisis())
    assert {RESOLVE, SOUTH, DAYS, "lenders.bank.conditionality"} <= set(found)
    assert "mediators.elder.trust.north" not in found
    assert found["lenders.bank.days_later"] == Range(low=-20, high=30)  # as far as its slider goes
    assert found["lenders.bank.conditionality"] == Range()  # as the scenario draws it
    experiment = made(method="morris", vary={}, samples=4, tornado=0)
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
    experiment = made(method=method, samples=samples, second_order=pairs, outcomes=["mean_deaths"])
    assert crises(experiment) == points * 8 + 7 * 20
    seen: list[tuple[int, int]] = []
    found = run_experiment(experiment, progress=lambda *now: seen.append(now))
    assert found.crises == crises(experiment)
    assert seen[-1] == (found.crises, found.crises)
    assert found.summary["points"] == points
    assert found.tables["measures"].num_rows == points


def test_points_lie_where_the_factors_are_drawn() -> None:
    drawn = drawn_factors({SOUTH: Range(), DAYS: Range(low=1, high=3)}, crisis())
    layout = layout_of("sobol", 16, 2, 1)
    values = values_of(layout, drawn)
    np.testing.assert_allclose(values[SOUTH], 0.5 + 0.5 * layout.shares[:, 0])
    np.testing.assert_allclose(values[DAYS], 1 + 2 * layout.shares[:, 1])


def test_findings_are_the_same_to_the_bit_from_their_seed_with_any_processes_and_from_the_folder(
    tmp_path: Path,
) -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]  # noqa: NPY002
    first = run_experiment(made(seed=0, second_order=True))
    run_experiment(made(seed=0, second_order=True), tmp_path / "two", workers=2)
    back = read_experiment(tmp_path / "two")
    other = run_experiment(made(seed=1, second_order=True))
    assert back.summary == first.summary
    assert back.answer == first.answer
    assert back.tables.keys() == {"points", "measures", "indices", "pairs", "tornado"}
    for name, table in first.tables.items():
        assert back.tables[name].equals(table), name
    assert not first.tables["points"].equals(other.tables["points"])
    after = np.random.get_state()[1]  # type: ignore[index, union-attr]  # noqa: NPY002
    assert (before == after).all()


def test_a_study_that_was_cut_short_goes_on_and_finds_the_same(tmp_path: Path) -> None:
    expected = run_experiment(made())

    def stop(done: int, total: int) -> None:
        if done >= total:  # in the tornado, after all points
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(made(), tmp_path / "out", progress=stop)
    assert not (tmp_path / "out" / "manifest.json").exists()
    found = run_experiment(made(), tmp_path / "out", resume=True)
    assert found.summary == expected.summary
    assert found.answer == expected.answer


def test_a_parameter_that_nothing_reads_has_indices_of_exactly_zero() -> None:
    # What the elder knows is never asked: without calls it does not come in.
    scenario = crisis(behaviour={"mediation": {"calls_per_day": 0}})
    vary = {RESOLVE: {}, "mediators.elder.information": {}}
    for method, samples, index in (("sobol", 16, "total"), ("morris", 8, "mu_star")):
        found = run_experiment(
            made(
                scenario=scenario,
                vary=vary,
                method=method,
                samples=samples,
                replicates=40,
                tornado=0,
            )
        )
        one = found.summary["studies"]["mean_deaths"]["indices"][index][
            "mediators.elder.information"
        ]
        assert one["estimate"] == one["lower"] == one["upper"] == one["with_noise"] == 0
        assert "No difference at any point: elder.information." in found.answer


def test_a_tornado_moves_one_factor_at_a_time_from_the_middle() -> None:
    found = run_experiment(made(outcomes=["mean_deaths"]))
    rows = found.tables["tornado"].to_pylist()
    assert [(row["factor"], row["end"]) for row in rows] == [
        (path, end) for path in (RESOLVE, SOUTH, DAYS) for end in ("low", "high")
    ]
    assert [row["value"] for row in rows[:2]] == [0.2, 1.0]
    middles = {row["outcome"] - row["estimate"] for row in rows}
    assert max(middles) == pytest.approx(min(middles))
    alone = make_experiment(
        "one",
        kind="sweep",
        scenario=crisis(
            states={
                "north": {"resolve": 0.9, "audience": 0.6},
                "south": {"resolve": 0.75, "audience": 0.5},
            }
        ),
        vary={RESOLVE: {"values": [0.2, 1.0]}},
        outcomes=["mean_deaths"],
        replicates=20,
    )
    expected = run_experiment(alone).tables["measures"].column("estimate").to_pylist()
    assert [row["outcome"] for row in rows[:2]] == pytest.approx(expected)


def test_an_outcome_that_is_seldom_known_is_said_to_be_and_drawn_upon_for_nothing() -> None:
    outcomes = ["agreement", "median_hours_to_ceasefire", "nuclear_use"]
    found = run_experiment(made(outcomes=outcomes))
    study = found.summary["studies"]["median_hours_to_ceasefire"]
    assert study["indices"] == {}
    assert study["samples_lost"] > 3
    said = " ".join(found.answer)
    assert "nothing can be told of what it turns on; it is unknown, or never reached, in" in said
    assert "Nuclear use, of all crises: 0.0% at every point." in said


def test_the_answer_says_how_sure_it_is_and_warns_of_a_budget_that_is_too_small() -> None:
    found = run_experiment(made(outcomes=["mean_deaths"]))
    said = " ".join(found.answer)
    assert found.answer[0].startswith("Mean deaths turns most on north.resolve (")
    assert "Warning, mean deaths: the intervals reach up to" in said
    assert "replicates, all with the same luck." in found.answer[-1]
    assert "would about halve the intervals." in found.answer[-1]
    assert found.summary["studies"]["mean_deaths"]["warnings"]


def test_one_replicate_leaves_noise_unknown_and_says_so() -> None:
    found = run_experiment(made(replicates=1, outcomes=["mean_deaths"], tornado=0))
    study = found.summary["studies"]["mean_deaths"]
    assert study["noise"] is None
    assert study["indices"]["total"][RESOLVE]["luck_error"] is None
    assert "with one replicate at each point it is not known" in " ".join(found.answer)


def test_indices_are_looked_at_from_an_eighth_of_the_samples_on() -> None:
    found = run_experiment(made(samples=32, outcomes=["mean_deaths"], tornado=0))
    assert sorted(set(found.tables["indices"].column("samples").to_pylist())) == [4, 8, 16, 32]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vary": {"states.north.resolv": {}}}, "did you mean 'states.north.resolve'?"),
        ({"vary": {RESOLVE: {"low": 0.5, "high": 0.5}}}, "an empty range"),
        ({"vary": {RESOLVE: {"low": 0.5, "high": 5}}}, "out of range: 5"),
        ({"vary": {RESOLVE: {"low": 0, "high": 1, "scale": "log"}}}, "no ratios"),
        ({"samples": 0}, "out of range: 0"),
        ({"samples": 8}, "8 base samples tell nothing"),
        ({"samples": 100}, "a power of two, such as 64 or 128"),
        ({"method": "morris", "samples": 3}, "3 trajectories tell nothing"),
        ({"method": "pawn", "samples": 64, "second_order": True}, "pawn has no indices of pairs"),
        ({"method": "sobel"}, "did you mean 'sobol'?"),
        ({"tornado": -1}, "out of range: -1"),
    ],
)
def test_mistakes_are_told_with_their_place_and_the_nearest_name(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        made(**changes)
    assert said in str(caught.value)
    assert all(mistake.line > 1 for mistake in caught.value.mistakes)


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
    drawn = {one.factor.path: one for one in drawn_factors(asked.spec.vary, asked.scenario)}
    # The scenario has lognormal [3.0, 1.2]: the middle 95% of that.
    low, high = (3.0 * np.exp(sign * 1.959964 * 1.2) for sign in (-1, 1))
    assert drawn[path].words().startswith(f"in equal ratios from {low:g} to {high:g}")
