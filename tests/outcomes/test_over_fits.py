"""Ranges over fits, tested with made-up parameter sets whose true effects are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.named_measures import SUMMARY_PATHS
from crisis_sim.outcomes.over_fits import Fits, OverFits, differ, over_sets
from tests.outcomes.made_up import batch_of, simulated

SETS = 100


def made_up(seed: int, spread: float, replicates: int) -> tuple[OverFits, Any, Any]:
    """A mean effect of 0.1 with a spread over sets, mostly due to `strong`; its range, true effects, weights."""
    luck = np.random.default_rng(seed)
    weights = luck.gamma(3.0, size=SETS)
    weights /= weights.sum()
    strong, weak = luck.standard_normal((2, SETS))
    truth = 0.1 + spread * (0.9 * strong + 0.44 * weak)
    row = luck.choice(SETS, size=replicates, p=weights)
    seen = truth[row] + 0.4 * luck.standard_normal(replicates)
    others = {f"other_{k}": np.exp(luck.standard_normal(SETS)) for k in range(30)}
    fits = Fits(row, weights, {"strong": np.exp(strong), **others})
    found = over_sets(float(seen.mean()), [(fits, seen - seen.mean())])
    assert found is not None
    return found, truth, weights


@pytest.mark.parametrize(
    ("spread", "replicates", "least", "most"),
    [
        (0.06, 10_000, 0.92, 0.97),
        (0.06, 2_000, 0.88, 0.97),  # chance moves a set's figure by more than sets differ
        (0.15, 10_000, 0.93, 0.97),
    ],
)
def test_ranges_contain_95_of_100_sets(
    spread: float, replicates: int, least: float, most: float
) -> None:
    held, agree, true = [], [], []
    for seed in range(60):
        found, truth, weights = made_up(seed, spread, replicates)
        held.append(weights @ ((truth >= found.lower) & (truth <= found.upper)))
        agree.append(found.same_sign)
        true.append(weights @ (truth > 0))
    assert least < np.mean(held) < most
    assert np.mean(agree) == pytest.approx(np.mean(true), abs=0.02)


def test_chance_is_not_part_of_the_spread() -> None:
    widths = []
    for seed in range(30):
        found, *_ = made_up(seed, 0.0, 10_000)
        widths.append(found.upper - found.lower)
        assert found.lower < 0.1 < found.upper
        assert found.same_sign > 0.99
    # The figures of sets, as they are, lie 0.04 about their mean: a range of 0.16.
    assert np.mean(widths) < 0.06


def test_the_parameter_behind_the_spread_is_named_and_chance_is_not() -> None:
    strong, others = [], 0
    for seed in range(40):
        found, *_ = made_up(seed, 0.06, 10_000)
        shares = dict(found.goes_with)
        strong.append(shares.pop("strong", 0.0))
        others += bool(shares)
        assert found.effective < found.sets
    assert np.mean(strong) == pytest.approx(0.81, abs=0.08)
    assert others <= 6  # one in twenty, give or take


def with_fits(ensemble: Ensemble, seed: int = 3, sets: int = 4) -> Ensemble:
    row = np.random.default_rng(seed).integers(0, sets, ensemble.replicates).astype(np.int32)
    drawn = {"choice": {"values": [*range(1, sets + 1)], "together": "fit"}}
    scenario = {"behaviour": {"decision": {"cost": drawn}}}
    return replace(
        ensemble, table=ensemble.table.append_column("fit", pa.array(row)), scenario=scenario
    )


@pytest.mark.parametrize(
    "path", ["endings.agreement", "ceasefire.from_first_strike.by.96_hours", "shares.war"]
)
def test_a_sets_figure_comes_from_its_replicates(path: str) -> None:
    ensemble = with_fits(simulated(2_000))
    reading, measure = Reading.of(ensemble), SUMMARY_PATHS[path]
    fits = Fits.of(reading, ensemble.scenario)
    assert fits is not None
    whole = measure.read(reading)
    within = fits.within(whole)
    for row in range(4):
        rows = np.flatnonzero(fits.row == row)
        alone = float(measure.read(reading.subset(rows)).estimate)
        # Exact where nothing is censored.
        assert whole.estimate + within[rows].mean() == pytest.approx(alone, abs=2e-3)


def test_summaries_have_ranges_of_shares_and_differences() -> None:
    one, other = (with_fits(simulated(2_000, hours)) for hours in (60.0, 120.0))
    batch = batch_of(replace(one, name="one"), replace(other, name="other"))
    summary = summarise(batch)
    level = summary["scenarios"]["one"]["endings"]["agreement"]["over_fits"]
    moved = summary["differences"]["other"]["endings"]["agreement"]["over_fits"]
    assert (level["sets"], level["effective"]) == (4, 4.0)
    assert "same_sign" not in level
    assert 0.9 < moved["same_sign"] <= 1.0
    advice = " ".join(summary["advice"])
    assert "(chance ±" in advice
    assert "; over fits −" in advice
    assert "each replicate drew one of 4 sets" in advice
    # Without common random numbers the ranges are slightly wider.
    apart = summarise(batch, paired=False)["differences"]["other"]["endings"]["agreement"]
    assert apart["over_fits"]["lower"] < moved["lower"]
    # There is no range with too few replicates, or if the sets differ.
    assert summary["scenarios"]["one"]["shares"]["nuclear_use"]["over_fits"] is None
    fewer = with_fits(simulated(2_000, 60.0), sets=3)
    both = [(Reading.of(each), each.scenario) for each in (one, fewer)]
    fits = [Fits.of(*each) for each in both]
    measured = [SUMMARY_PATHS["endings.agreement"].read(reading) for reading, _ in both]
    assert fits[0] and fits[1]  # noqa: PT018
    assert differ(measured[0], fits[0], measured[1], fits[1]) is None
