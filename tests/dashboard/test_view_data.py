from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crisis_sim.batch import Batch
from crisis_sim.dashboard.changes import Changes
from crisis_sim.dashboard.session import Runs
from crisis_sim.dashboard.view_data import (
    DOTS,
    ceasefires,
    difference,
    example_crises,
    nearest,
    view,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.durations import CLOCKS, PAUSE
from crisis_sim.report.charts import MEASURES
from crisis_sim.scenario import Scenario
from tests.dashboard.conftest import QUARREL

CLOCK = "from_first_strike"


@pytest.fixture(scope="module")
def batch(quarrel: Scenario) -> Batch:
    moved = Changes().move("behaviour.halt.mistrust", 0.5).apply(ScenarioEditor(quarrel))
    return Runs().batch({"unchanged": quarrel, "changed": moved}, 400, 2, lambda share: None)


@pytest.fixture(scope="module")
def drawn(batch: Batch) -> dict[str, Any]:
    return view(batch, CLOCK)


def test_curves_and_bands_are_those_of_the_statistics(batch: Batch, drawn: dict[str, Any]) -> None:
    for one in drawn["incidence"]["curves"]:
        paused = PAUSE.read(batch.ensembles[one["name"]]).incidence(first_only=True)
        day, share, *_ = one["paused"][60]
        assert share == pytest.approx(paused.at(24.0 * day).estimate, abs=1e-2)
        curve = CLOCKS[CLOCK].read(batch.ensembles[one["name"]]).incidence()
        day, share, low, high = one["points"][60]
        there = curve.at(24.0 * day)
        assert (share, low, high) == pytest.approx(
            (there.estimate, there.lower, there.upper), abs=1e-2
        )
        assert low <= share <= high
        assert one["points"][0][0] == 0.0
        assert one["points"][-1][0] <= drawn["incidence"]["days"]


def test_dots_are_ceasefires_and_lie_on_the_curve(batch: Batch, drawn: dict[str, Any]) -> None:
    moved = batch.ensembles["changed"]
    dots = drawn["incidence"]["dots"]
    assert 2 < len(dots) <= DOTS
    replicate, hours = ceasefires(moved, CLOCK)
    at = dict(zip(replicate.tolist(), hours.tolist(), strict=True))
    curve = CLOCKS[CLOCK].read(moved).incidence()
    for dot in dots:
        assert at[dot["replicate"]] / 24.0 == pytest.approx(dot["day"], abs=1e-4)
        assert curve.at(at[dot["replicate"]]).estimate == pytest.approx(dot["share"], abs=1e-4)


def test_differences_are_paired_and_endings_add_up(batch: Batch, drawn: dict[str, Any]) -> None:
    short = summarise(batch)["differences"]["changed"]["courses"]["short_fight"]["share"]
    row = drawn["differences"][1]
    assert row["label"] == "Strikes stopped within 4 days, of all crises"
    for key in ("estimate", "lower", "upper"):
        assert row[key] == pytest.approx(100 * short[key], abs=1e-4)
    for row in drawn["endings"]:
        assert sum(one["share"] for one in row["shares"]) == pytest.approx(1.0)
    change, changed, unchanged = drawn["words"]  # they begin with what the changes did
    assert "“Changed”" in change
    assert changed.startswith("Changed: ")
    assert unchanged.startswith("Unchanged: ")


@given(lower=st.floats(-0.01, 0.01), width=st.floats(1e-9, 0.01))
@example(lower=3e-7, width=0.01)
@example(lower=-0.01, width=0.01 - 3e-7)
def test_significance_is_decided_before_rounding(lower: float, width: float) -> None:
    upper = lower + width
    figure = {"estimate": (lower + upper) / 2, "lower": lower, "upper": upper}
    courses = ("no_strike", "short_fight", "long_fight", "war")
    moved = {
        "ceasefire": {"from_first_strike": {"by": {"96_hours": figure}}},
        "courses": {name: {"share": figure} for name in courses},
    }
    for row in (difference(measure, moved) for measure in MEASURES):
        assert row["sure"] is (lower > 0 or upper < 0)
        assert row["sure"] is not ("chance explains" in row["text"])


def test_the_absence_of_strikes_is_reported() -> None:
    sets = ["behaviour.decision.answering=0", "behaviour.decision.cost=200"]
    calm = Scenario.from_text(QUARREL, "quarrel", sets)
    drawn = view(Runs().batch({"unchanged": calm}, 50, 2, lambda share: None), CLOCK)["incidence"]
    (curve,) = drawn["curves"]
    assert (curve["points"], drawn["dots"]) == ([], [])
    assert curve["told"] == "no crisis saw a first strike"


def test_example_crises_match_their_labels(batch: Batch) -> None:
    found = {
        one["label"].partition(":")[0]: one["replicate"] for one in example_crises(batch, CLOCK)
    }
    replicate, hours = ceasefires(batch.ensembles["changed"], CLOCK)
    at = dict(zip(replicate.tolist(), hours.tolist(), strict=True))
    assert at[found["Quickest"]] == min(hours)
    assert at[found["Slowest"]] == max(hours)
    assert at[found["Typical"]] == pytest.approx(np.median(hours), abs=6.0)
    before = set(ceasefires(batch.ensembles["unchanged"], CLOCK)[0].tolist())
    only = found.get("A ceasefire only because of the changes")
    none = found.get("No ceasefire because of the changes")
    assert only is not None
    assert only in at
    assert only not in before
    assert none is None or (none in before and none not in at)


def test_the_nearest_crisis_is_found(batch: Batch) -> None:
    moved = batch.ensembles["changed"]
    replicate, hours = ceasefires(moved, CLOCK)
    assert nearest(moved, CLOCK, 0.0) == replicate[0]
    assert nearest(moved, CLOCK, 1e9) == replicate[-1]
    assert nearest(moved, CLOCK, hours[5] / 24.0) in replicate[hours == hours[5]]
