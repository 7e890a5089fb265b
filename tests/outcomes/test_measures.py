"""Measures: by name, by path and as mappings, of a scenario and at every point of a design; and the columns they read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch import Batch, Ensemble, simulate
from crisis_sim.batch.block import schemas
from crisis_sim.model.observer import ACTS, NEXT, Observer
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.named_measures import SUMMARY_PATHS, known_names, measure
from crisis_sim.outcomes.summary import figure_at
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.schema import SECTIONS
from tests.batch.crises import crisis

POINTS, REPLICATES = 6, 200
DELAYS = np.linspace(0.1, 5.0, POINTS)


@pytest.fixture(scope="module")
def batch() -> Batch:
    return simulate("may_2025", replicates=300, seed=3)


@pytest.fixture(scope="module")
def design() -> Ensemble:
    values = {"mediators.us.attention_days": np.repeat(DELAYS, REPLICATES)}
    return simulate(
        "may_2025", replicates=REPLICATES, seed=3, points=POINTS, parameters=values
    ).ensembles["may_2025"]


@pytest.fixture(scope="module")
def columns() -> Columns:
    return Columns.of(load_scenario("may_2025"))


def test_every_column_is_documented_and_every_documented_column_is_there() -> None:
    scenario = crisis()
    agents = {name: kind.removesuffix("s") for kind in SECTIONS for name in getattr(scenario, kind)}

    def documented(name: str) -> str:
        for agent, kind in agents.items():
            name = re.sub(f"^{agent}_", f"<{kind}>_", name)
        following = f"^next_({'|'.join(ACTS)})_({'|'.join(NEXT)})$"
        return re.sub(following, "next_<act>_<following>", name)

    found = {documented(one) for schema in schemas(scenario, [Observer]) for one in schema.names}
    page = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    tables = page.partition("## outcomes.parquet")[2].partition("## The folder")[0]
    tables = tables.partition("## Endings")[0] + tables.partition("## Columns of an observer")[2]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([a-z_<>]+)`", row)} == found


def test_every_path_in_the_summary_gives_its_figure(batch: Batch) -> None:
    scenario = summarise(batch)["scenarios"]["may_2025"]
    for path, one in SUMMARY_PATHS.items():
        figure, measured = figure_at(scenario, path), one.over(batch.ensembles["may_2025"])
        if figure is None:  # such as a median that is not reached; its lower limit may be
            assert not np.isfinite(measured.estimate[0]), path
            continue
        for key in {"estimate", "lower", "upper", "standard_error"} & figure.keys():
            got, expected = getattr(measured, key)[0], figure[key]
            if expected is None:
                assert not np.isfinite(got), path
            else:
                assert got == pytest.approx(expected, rel=1e-8), path


@pytest.mark.parametrize(
    "name",
    [
        "agreement",
        "ceasefire_within_96_hours",
        "ceasefire_within_30_days",
        "relapse",
        "median_hours_to_ceasefire",
        "mean_deaths",
        "median_deaths",
    ],
)
def test_a_point_of_a_design_is_measured_as_if_it_were_alone(name: str, design: Ensemble) -> None:
    together = measure(name).over(design, POINTS)
    for point in (1, POINTS - 1):
        own = design.table.slice(point * REPLICATES, REPLICATES)
        by_itself = measure(name).over(replace(design, table=own))
        for key in ("estimate", "standard_error", "lower", "upper", "of"):
            assert getattr(together, key)[point] == pytest.approx(
                getattr(by_itself, key)[0], nan_ok=True
            )
        np.testing.assert_allclose(together.influence[point], by_itself.influence[0], atol=1e-9)


def test_influence_has_mean_zero_and_the_standard_error_as_its_spread(design: Ensemble) -> None:
    for name in sorted(set(known_names()) - {"ceasefire.from_first_strike.by.horizon"}):
        measured = measure(name).over(design, POINTS)
        sound = np.isfinite(measured.standard_error)
        spread = (np.sqrt((measured.influence**2).sum(axis=1)) / REPLICATES)[sound]
        # Where all are alike, the standard error is the root of a rounding error: 1.5e-8, not 0.
        np.testing.assert_allclose(spread, measured.standard_error[sound], atol=1e-7, err_msg=name)
        np.testing.assert_allclose(measured.influence.mean(axis=1), 0.0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("terms", "column", "holds"),
    [
        ({"war_at_hours": "came"}, "war_at_hours", lambda x: ~np.isnan(x)),
        ({"war_at_hours": "never"}, "war_at_hours", np.isnan),
        ({"ended_at_hours": {"at_most": 480}}, "ended_at_hours", lambda x: x <= 480),
        (
            {"deaths": {"at_least": 100, "at_most": 900}},
            "deaths",
            lambda x: (x >= 100) & (x <= 900),
        ),
        (
            {"worst_violence": ["serious clashes", "full-scale war"]},
            "worst_violence",
            lambda x: np.isin(x, ["serious clashes", "full-scale war"]),
        ),
    ],
)
def test_conditions(terms: dict[str, Any], column: str, holds: Any, batch: Batch) -> None:
    ensemble = batch.ensembles["may_2025"]
    came, mediated = holds(ensemble.column(column)), ensemble.column("mediated")
    share = measure({"share": terms}).over(ensemble).estimate[0]
    assert share == pytest.approx(came.mean())
    assert 0 < share < 1
    given = measure({"share": terms, "given": {"mediated": True}}).over(ensemble)
    assert given.estimate[0] == pytest.approx(came[mediated].mean())
    assert given.of[0] == mediated.sum()


def test_differences_and_weighted_sums_of_points(design: Ensemble) -> None:
    measured = measure("mean_deaths").over(design, POINTS)
    less = measured.less(2)
    assert less.estimate[2] == less.lower[2] == less.upper[2] == less.standard_error[2] == 0
    apart = np.hypot(measured.standard_error[2], measured.standard_error[4])
    assert 0 < less.standard_error[4] < apart
    both = measured.sums(np.eye(POINTS)[4] - np.eye(POINTS)[2])
    for key in ("estimate", "standard_error", "lower", "upper"):
        assert getattr(both, key)[0] == pytest.approx(getattr(less, key)[4])


@pytest.mark.parametrize(
    "definition",
    [
        "agrement", "ceasefire.from_triger.by.30_days", "mean_deths", {"shre": {"ending": "tacit"}},
        {"share": {"ending": "tacitt"}}, {"share": {"deths": {"at_least": 1}}}, {"share": {}}, {},
        {"share": {"deaths": {"atleast": 1}}}, {"share": {"deaths": {"at_least": "many"}}},
        {"share": {"mediated": "yes"}}, {"share": {"war_at_hours": "cam"}}, {"mean": "ending"},
        {"share": {"ending": "tacit"}, "name": 3}, {"mean": "deaths", "mediann": 1},
        {"mean": "deaths", "quantile": 0.5}, {"quantile": 1.5, "of": "deaths"}, {"quantile": 0.5},
        {"within_hours": 0}, {"within_hours": 24, "of": "ceasefire_at_hours"},
        {"time_quantile": 0.5, "unit": "day"},
    ],
    ids=range(21),
)  # fmt: skip
def test_mistakes_have_a_position_and_the_nearest_name(
    definition: Any, columns: Columns, snapshot: SnapshotAssertion
) -> None:
    with pytest.raises(ScenarioError) as caught:
        measure(definition, columns)
    (mistake,) = caught.value.mistakes
    assert {
        "where": mistake.source_line[mistake.column - 1 :],
        "message": mistake.message,
        "expected": mistake.expected[:60],
        "suggestion": mistake.suggestion,
    } == snapshot


@pytest.mark.parametrize(
    "written",
    [
        {"name": "hit", "share": {"deaths": {"at_least": 10.0}}, "given": {"mediated": True}},
        {"name": "soon", "within_hours": 48.0, "of": "war_at_hours", "since": "trigger_at_hours"},
        {
            "name": "by",
            "time_quantile": 0.25,
            "of": "war_at_hours",
            "since": "trigger_at_hours",
            "unit": "days",
        },
        {"name": "toll", "quantile": 0.9, "of": "deaths"},
        {"name": "market", "mean": "pakistan_lowest_market"},
    ],
)
def test_a_complete_mapping_gives_the_same_measure(
    written: dict[str, Any], columns: Columns
) -> None:
    assert measure(written, columns).plain() == written


def test_every_known_name_has_a_complete_mapping(columns: Columns) -> None:
    for name in known_names():
        one = measure(name, columns)
        again = measure(one.plain(), columns)
        assert one.name == again.name == name
        assert one.plain() == again.plain()
