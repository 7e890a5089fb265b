from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.experiments import load_experiment, make_experiment, read_experiment, run_experiment
from crisis_sim.experiments.attribute import scenarios_of
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from tests.batch.crises import crisis

PARTS = {"elder": "mediators.elder", "purse": ["lenders"], "line": "channels.line"}


def made(**changes: Any) -> Any:
    content: dict[str, Any] = {
        "kind": "attribute",
        "scenario": crisis(),
        "parts": PARTS,
        "outcomes": ["agreement", "mean_deaths"],
        "replicates": 60,
    }
    return make_experiment("who", **{**content, **changes})


def test_every_combination_of_parts_is_a_scenario_of_its_own() -> None:
    scenarios = scenarios_of(made())
    there = [
        ("elder" in one.mediators, "bank" in one.lenders, "line" in one.channels)
        for one in scenarios
    ]
    assert there == [
        tuple(bool(number >> k & 1) for k in range(3)) for number in range(8)
    ]  # the first part changes fastest
    assert [one.name for one in scenarios][:3] == ["parts_000", "parts_100", "parts_010"]
    assert scenarios[-1].digest == crisis().digest


def test_who_is_gone_opens_no_channel() -> None:
    without = scenarios_of(made())[0b110]
    assert without.channels["line"].opened_by == ("north",)


def test_a_part_may_be_changed_in_place_of_taken_out() -> None:
    tied = made(parts={"tie": "lenders.bank.conditionality=0"})
    off, on = scenarios_of(tied)
    assert off.lenders["bank"].conditionality == 0.0
    assert on.digest == crisis().digest


def test_shares_add_up_to_the_difference_between_all_and_none() -> None:
    found = run_experiment(made())
    for one in found.summary["attributions"].values():
        values = [part["shapley"]["estimate"] for part in one["parts"].values()]
        total = one["everything"]["estimate"] - one["nothing"]["estimate"]
        assert sum(values) == pytest.approx(one["total"]["estimate"]) == pytest.approx(total)


def test_who_never_notices_gets_exactly_nothing() -> None:
    elders = {
        "elder": {"attention_threshold": 0.05, "trust": {"north": 0.6}},
        "deaf": {"attention_threshold": 1.0, "attention_days": 8},
    }
    parts = {"elder": "mediators.elder", "deaf": "mediators.deaf"}
    found = run_experiment(made(scenario=crisis(mediators=elders), parts=parts))
    for one in found.summary["attributions"].values():
        assert one["parts"]["deaf"]["shapley"]["estimate"] == 0.0
        assert one["parts"]["deaf"]["shapley"]["standard_error"] == 0.0
    assert "No difference in any combination: deaf" in found.answer[0]


def test_the_same_findings_come_with_any_number_of_processes_and_from_the_folder(
    tmp_path: Path,
) -> None:
    alone = run_experiment(made())
    run_experiment(made(), tmp_path / "two", workers=2)
    back = read_experiment(tmp_path / "two")
    assert back.summary == alone.summary
    assert back.answer == alone.answer
    assert back.tables.keys() == {"points", "measures", "attributions", "interactions"}
    assert back.tables["attributions"].num_rows == 2 * 3 * 3
    assert back.tables["interactions"].num_rows == 2 * 3
    points = back.tables["points"]
    assert points.column_names == ["point", "scenario", "elder", "purse", "line"]
    assert np.sum(points.column("purse").to_numpy()) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": {"x": "mediators.elda"}}, "did you mean 'mediators.elder'?"),
        ({"parts": {"x": ["lenders", "mediatrs.elder"]}}, "did you mean 'mediators.elder'?"),
        ({"parts": {"x": "states.north"}}, "states.north"),
        ({"parts": {}}, "at least 1"),
        ({"parts": {"x": []}}, "at least 1"),
        ({"parts": {f"part {k}": f"lenders.l{k}" for k in range(11)}}, "at most 10"),
        ({"parts": {"all": "mediators", "x": "mediators.elder"}}, "in part 'all' already"),
        ({"parts": {"x": ["lenders", "lenders.bank"]}}, "in this part already"),
        ({"parts": {"x": "lenders.bank.conditionality=7"}}, "out of range"),
        ({"scenario": crisis(lenders={}), "parts": {"x": "lenders"}}, "nothing there"),
        ({"parts": {"point": "lenders"}}, "cannot be called 'point'"),
        ({"parts": {" ": "lenders"}}, "cannot be called ' '"),
        ({"party": 1}, "did you mean 'parts'?"),
    ],
)
def test_mistakes_are_told_with_their_place_and_the_nearest_name(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        made(**changes)
    assert said in str(caught.value)
    assert all(mistake.line > 1 for mistake in caught.value.mistakes)


def test_an_outcome_that_goes_with_a_part_is_refused() -> None:
    own = next(name for name in Columns.of(crisis()).named("flag", "time") if "bank" in name)
    with pytest.raises(ScenarioError, match=f"no outcome '{own}' where parts are taken away"):
        made(outcomes=[{"mean": own}])


def test_the_shipped_question_names_parts_that_the_scenario_has() -> None:
    shipped = load_experiment("what_ended_may_2025", {"replicates": 1})
    assert len(scenarios_of(shipped)) == 2 ** len(shipped.spec.parts)
