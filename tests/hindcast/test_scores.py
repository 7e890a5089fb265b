"""Scores equal values calculated by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from crisis_sim.hindcast.forecast import KINDS, LEVELS, QUANTILES
from crisis_sim.hindcast.scores import (
    Bin,
    each_score,
    percentiles,
    reliability,
    score,
    with_climatology,
)
from crisis_sim.outcomes.intervals import crps
from tests.hindcast.made_up_crises import OUTCOMES, crises


def joined(count: int, violence: list[str], shares: list[tuple[float, ...]]) -> pd.DataFrame:
    """Crises with outcomes, and forecasts: shares of worst violence, and durations of 1, 2, ... 19 days."""
    columns: dict[str, object] = {f"dur_{name}": 1.0 + k for k, name in enumerate(QUANTILES)}
    columns |= {f"ending_{kind}": 1 / 6 for kind in KINDS["ending"]} | {"mediated_yes": 0.25}
    for k, kind in enumerate(KINDS["violence"]):
        columns[f"violence_{kind}"] = [one[k] for one in shares]
    outcomes = {**OUTCOMES, "mediated": "yes", "violence": violence}
    return crises(count).assign(**outcomes, **columns)


def test_categorical_scores() -> None:
    table = joined(2, ["serious", "none"], [(0.1, 0.2, 0.3, 0.4), (0.0, 0.5, 0.5, 0.0)])
    found = each_score(table)
    log, brier, rps = (found["violence", kind]["model"] for kind in ("log", "brier", "rps"))
    # Shares below 0.005 are raised to it before normalisation.
    assert log == pytest.approx([-math.log(0.3), -math.log(0.005 / 1.01)])
    assert brier[0] == pytest.approx(0.1**2 + 0.2**2 + 0.7**2 + 0.4**2)
    assert rps[0] == pytest.approx(0.1**2 + 0.3**2 + 0.4**2)
    assert found["mediated", "log"]["model"] == pytest.approx(-math.log(0.25))
    assert ("ending", "rps") not in found
    assert np.isnan(found["violence", "log"]["baseline"]).all()


def test_the_crps_of_quantiles_is_twice_the_mean_pinball_loss() -> None:
    quantiles = np.tile(LEVELS, (2, 1))
    found = crps(quantiles, np.array([0.5, 2.0]), LEVELS)
    below, above = LEVELS[LEVELS <= 0.5], LEVELS[LEVELS > 0.5]
    by_hand = np.concatenate([below * (0.5 - below), (1 - above) * (above - 0.5)])
    assert found[0] == pytest.approx(2 * by_hand.mean())
    assert found[1] == pytest.approx(2 * (LEVELS * (2.0 - LEVELS)).mean())
    # For a uniform forecast it is 1/12 in the middle; 19 levels come close.
    assert found[0] == pytest.approx(1 / 12, abs=0.005)


def test_climatology_excludes_the_crisis_itself_and_keeps_forecasts_from_files() -> None:
    table = joined(4, ["none", "none", "none", "war"], [(0.25,) * 4] * 4)
    found = with_climatology(table)
    assert found["clim_violence_war"].tolist() == pytest.approx([1.5 / 5] * 3 + [0.5 / 5])
    told = with_climatology(table.assign(clim_violence_war=[0.9, None, None, None]))
    assert told["clim_violence_war"].tolist() == pytest.approx([0.9, 0.3, 0.3, 0.1])
    dated = with_climatology(table.assign(dur=[1.0, 2.0, 3.0, None]))
    assert dated["marg_dur_q50"].tolist() == pytest.approx([2.5, 2.0, 1.5, 2.0])


def test_skill_by_class() -> None:
    half = ["violent", "verbal"] * 15
    came = ["war" if one == "violent" else "none" for one in half]
    held = [(0.1, 0.1, 0.1, 0.7) if one == "violent" else (0.7, 0.1, 0.1, 0.1) for one in half]
    table = joined(30, came, held).assign(trigger_type=half, start=["1985-01-01"] * 29 + ["1991"])
    table = table.assign(**{f"ens_violence_{kind}": 0.25 for kind in KINDS["violence"]})
    scores = {(one.group, one.what, one.kind): one for one in score(with_climatology(table))}
    assert {group for group, *_ in scores} == {
        "all crises", "violent trigger", "other trigger", "before 1990",
    }  # fmt: skip
    one = scores["all crises", "violence", "log"]
    assert one.model == pytest.approx(-math.log(0.7))
    assert one.baseline.skill == pytest.approx(1 - math.log(0.7) / math.log(0.25))
    assert one.baseline.skill_limits == pytest.approx((one.baseline.skill,) * 2)
    assert one.climatology.crises == 30
    assert scores["violent trigger", "violence", "rps"].crises == 15
    assert math.isnan(scores["all crises", "ending", "log"].baseline.skill)


def test_reliability_counts_events_by_predicted_probability() -> None:
    table = joined(20, ["none"] * 10 + ["war"] * 10, [(1, 0, 0, 0)] * 10 + [(0, 0, 0, 1)] * 10)
    bins = reliability(table)["full-scale war"]
    assert bins == [
        Bin(0.0, 0, 10, 0.0, pytest.approx(0.278, abs=0.001)),
        Bin(1.0, 10, 10, pytest.approx(0.722, abs=0.001), 1.0),
    ]


def test_real_durations_are_counted_by_predictive_tenths() -> None:
    table = joined(4, ["none"] * 4, [(0.25,) * 4] * 4).assign(dur=[0.5, 2.0, 10.5, 99.0])
    assert percentiles(table).tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 1]
