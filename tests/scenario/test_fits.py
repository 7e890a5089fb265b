"""Behaviours that fit: the table, what a scenario sets itself, and rows that are drawn together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch import simulate
from crisis_sim.scenario import Scenario, ScenarioError
from crisis_sim.scenario.fits import SHIPPED_FITS, fit_columns, over_fits, read_fits
from tests.scenario.files import BASE, said_of

COST, TROUBLE = "behaviour.decision.cost", "behaviour.decision.trouble"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "fits.csv"
    file.write_text(f"weight,{COST},{TROUBLE}\n1,10,3\n2,14, 4\n1,18,5\n")
    return file


def test_parameters_that_the_scenario_sets_are_not_drawn(table: Path) -> None:
    drawn = over_fits(Scenario.from_text(BASE), table)
    assert set(fit_columns(drawn.plain())) == {COST, TROUBLE}
    scenario = Scenario.from_text(f"{BASE}behaviour: {{decision: {{trouble: 2}}}}\n")
    assert scenario.digest == Scenario.from_text(BASE, overrides=[f"{TROUBLE}=2"]).digest
    drawn = over_fits(scenario, table)
    assert drawn.behaviour.decision.trouble == 2.0
    assert set(fit_columns(drawn.plain())) == {COST}
    assert drawn.digest != scenario.digest
    # Written whole into a manifest, and read again, it is the same, whether asked to be over fits or not.
    again = Scenario.model_validate(drawn.plain())
    assert again.digest == drawn.digest == over_fits(again, table).digest
    all_set = Scenario.from_text(BASE, overrides=[f"{TROUBLE}=2", f"{COST}=2"])
    with pytest.raises(ScenarioError, match="the scenario sets all parameters"):
        over_fits(all_set, table)


def test_scenarios_draw_the_same_sets_and_a_crisis_is_that_of_its_set(table: Path) -> None:
    scenario = Scenario.from_text(BASE)
    other = Scenario.from_text(BASE, "other", ["lenders.imf=null", f"{TROUBLE}=1"])
    batch = simulate([over_fits(one, table) for one in (scenario, other)], 200, seed=4)
    one, theirs = (ensemble.column("fit") for ensemble in batch.ensembles.values())
    assert one.tolist() == theirs.tolist()
    assert np.bincount(one) / 200 == pytest.approx([0.25, 0.5, 0.25], abs=0.09)
    whole = next(iter(batch.ensembles.values())).table.drop_columns(["scenario", "fit"])
    for row, (cost, trouble) in enumerate([(10, 3), (14, 4), (18, 5)]):
        sets = [f"{COST}={cost}", f"{TROUBLE}={trouble}"]
        alone = simulate(Scenario.from_text(BASE, overrides=sets), 200, seed=4)
        table_of = next(iter(alone.ensembles.values())).table.drop_columns(["scenario"])
        # Not as tables: a column of words is the same whatever the order of its dictionary.
        assert whole.filter(one == row).to_pylist() == table_of.filter(one == row).to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "", f"weight,{COST}\n1,2,3\n", f"weight, {COST}s\n1,2\n", f"weight,{COST},{COST}\n1,2,2\n",
        f"weight,{COST}\n1,x\n-1,900\n", f"weight,{COST}\n0,2\n",
    ],
    ids=["empty", "cells", "name", "twice", "values", "weights"],
)  # fmt: skip
def test_mistakes_in_a_table_have_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_fits(Path("t.csv"))
    assert str(caught.value) == snapshot


def test_the_shipped_table_contains_fitted_parameters_in_their_ranges() -> None:
    columns = read_fits(SHIPPED_FITS)
    assert len(columns) > 10
    assert all(len(one.values) >= 40 for one in columns.values())


FIRST = "{values: [0.5, 0.6], weights: [1, 2], together: facts}"
LABELLED = BASE.replace("resolve: 0.8", f"resolve: {{choice: {FIRST}}}")


@pytest.mark.parametrize(
    "second",
    [
        "values: [0.1, 0.2], weights: [1, 2], together: facts", "values: [0.1, 0.2, 0.3], together: facts",
        *(f"values: [0.1, 0.2], together: {name}" for name in ("facts", "deaths", "us_effort", "Facts")),
    ],
)  # fmt: skip
def test_choices_drawn_together_are_columns_of_one_table(
    second: str, snapshot: SnapshotAssertion
) -> None:
    assert (
        said_of(LABELLED.replace("resolve: 0.7", f"resolve: {{choice: {{{second}}}}}")) == snapshot
    )


@pytest.mark.parametrize(
    "label",
    [
        "kind: {values: [a, b], weights: [1, 2], together: facts}",
        "kind: {values: [a], weights: [1, 2], together: facts}",
        "kind: {values: [a, b], weights: [2, 2], together: facts}",
        "kind: {values: [a, b], weights: [1, 2], together: fact}",
        "deaths: {values: [a, b], weights: [1, 2], together: facts}",
    ],
)
def test_labels_go_with_choices_drawn_together(label: str, snapshot: SnapshotAssertion) -> None:
    assert said_of(f"{LABELLED}labels: {{{label}}}\n") == snapshot
