"""Predict each crisis: run it some thousand times, and put its shares and quantiles into the form that `scores` takes.

Every crisis has replicates 0 to n - 1 under the same seed: its forecast is the same whatever other crises the folder holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.batch.block import let_go
from crisis_sim.batch.workers import MOST_THREADS
from crisis_sim.hindcast.reading import read
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.load import load_scenario, on_disk
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE, Scenario
from crisis_sim.validation.facts import OTHER_SHARE

Values = NDArray[np.float64]

#: The scenario of which each crisis is a case.
POPULATION = "since_1945"
#: Rows that are run at once, give or take.
CHUNK = 8000
#: Kinds of each target, as columns and outcomes name them; ICB's further endings count as "other".
KINDS = {
    "ending": ("agreement", "tacit", "unilateral", "imposed", "faded", "other"),
    "violence": ("none", "minor", "serious", "war"),
    "mediated": ("no", "yes"),
}
#: Levels of the quantiles of duration, and how their columns end.
LEVELS = np.round(np.arange(0.05, 1.0, 0.05), 2)
QUANTILES = [f"q{round(100 * level):02d}" for level in LEVELS]


def forecast(
    facts: pd.DataFrame,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    scenario: Scenario | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    kept: Callable[[pd.DataFrame, Mapping[str, NDArray[Any]]], pd.DataFrame] | None = None,
    own: Mapping[str, Values] = MappingProxyType({}),
) -> pd.DataFrame:
    """Forecasts of the model alone, a row a crisis in the order of `facts`: shares of kinds, and quantiles of duration.

    Shares are (count + 1/2) / (n + k/2) of n replicates and k kinds, since a share that no replicate shows is not 0
    (Jeffreys). A crisis that the horizon cuts off ends "otherwise", and so do `OTHER_SHARE` of those that end without an
    agreement, as in `crisis-sim validate`. Durations are days plus 1, as ICB counts them: the last day is one of them.

    Args:
        workers: the most threads; the forecasts are the same for any number.
        scenario: the population that they are cases of; `fitted_scenario()` where left out.
        progress: told after each chunk how many replicates are done, and of how many.
        kept: in place of forecasts, what is kept of some crises and their outcomes.
        own: further parameters by path, a value for each replicate of each crisis.
    """
    scenario, kept = scenario or fitted_scenario(), kept or _predictions
    several = max(1, CHUNK // replicates)

    def run(start: int) -> pd.DataFrame:
        some = facts.iloc[start : start + several]
        rows = slice(start * replicates, (start + several) * replicates)
        given = {path: np.repeat(value, replicates) for path, value in read(some).items()}
        given |= {path: values[rows] for path, values in own.items()}
        model = CrisisModel(scenario, replicates, seed, parameters=given, points=len(some))
        found = kept(some, model.run(daily=False).outcomes())
        let_go(model)
        return found

    starts = range(0, len(facts), several)
    chunks: dict[int, pd.DataFrame] = {}
    with ThreadPoolExecutor(max(1, min(workers, len(starts), MOST_THREADS)), "hindcast") as pool:
        running = {pool.submit(run, start): start for start in starts}
        try:
            for future in as_completed(running):
                chunks[running[future]] = future.result()
                done = sum(len(facts.iloc[one : one + several]) for one in chunks)
                progress(done * replicates, len(facts) * replicates)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return pd.concat([chunks[start] for start in starts], ignore_index=True)


@cache
def fitted() -> Any:
    """The behaviour that was fitted without any crisis of the test parts, and how far forecasts are drawn `towards` what."""
    return json.loads((on_disk(Path(__file__).parent) / "fitted.json").read_text(encoding="utf-8"))


def fitted_scenario(
    overrides: Sequence[str] = (), behaviour: Mapping[str, float] | None = None
) -> Scenario:
    """The population with the fitted behaviour, or another one; `overrides`, as `--set` takes them, go before it."""
    said = {one.partition("=")[0] for one in overrides}
    ours = fitted()["behaviour"] if behaviour is None else behaviour
    kept = [f"{path}={value!r}" for path, value in ours.items() if path not in said]
    return load_scenario(POPULATION, [*kept, *overrides])


def pooled(
    predictions: pd.DataFrame,
    towards: Mapping[str, Any] | pd.DataFrame | None = None,
    weights: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Forecasts drawn towards the record's own shares and quantiles, by weights that were fitted (linear pooling).

        share = weight x share of the replicates + (1 - weight) x share in the record

    of kinds of ending; of duration the same with quantiles of the logarithm. A model that leaves out what its crises hang on
    is surer than it should be (Ranjan and Gneiting 2010). Worst violence and mediation are left as they are.
    """
    towards = fitted()["towards"] if towards is None else towards
    weights = weights or fitted()["weights"]
    columns, weight = {}, weights["ending"]
    for name in (f"ending_{kind}" for kind in KINDS["ending"]):
        columns[name] = weight * predictions[name] + (1 - weight) * towards[name]
    weight = weights["duration"]
    for name in (f"dur_{one}" for one in QUANTILES):
        own, middle = (np.log(np.maximum(one[name], 0.5)) for one in (predictions, towards))
        columns[name] = np.exp(weight * own + (1 - weight) * middle)
    return predictions.assign(**columns)


def _predictions(facts: pd.DataFrame, outcomes: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    def shares(column: str, kinds: tuple[Any, ...]) -> NDArray[np.float64]:
        by_crisis = outcomes[column].reshape(len(facts), -1)
        counts = np.stack([(by_crisis == kind).sum(axis=1) for kind in kinds], axis=1)
        return jeffreys(counts)

    ending = shares("ending", ENDINGS)
    other = OTHER_SHARE * ending[:, 1:5].sum(axis=1) + ending[:, 5]
    ending = np.column_stack([ending[:, 0], (1 - OTHER_SHARE) * ending[:, 1:5], other])
    over = outcomes["over_at_hours"] - outcomes["trigger_at_hours"]
    longest = outcomes["followed_until_hours"] - outcomes["trigger_at_hours"]
    days = np.where(np.isnan(over), longest, over).reshape(len(facts), -1) / 24 + 1
    columns: dict[str, Any] = {"crisno": facts["crisno"].to_numpy()}
    for target, kinds, found in (
        ("ending", KINDS["ending"], ending),
        ("violence", KINDS["violence"], shares("worst_violence", VIOLENCE)),
        ("mediated", ("yes",), shares("mediated", (False, True))[:, 1:]),
        ("dur", QUANTILES, np.quantile(days, LEVELS, axis=1).T),
    ):
        columns |= {f"{target}_{kind}": found[:, k] for k, kind in enumerate(kinds)}
    return pd.DataFrame(columns)


def jeffreys(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Shares of counts of shape (crises, kinds), none of them 0."""
    padded = counts + 0.5
    return np.asarray(padded / padded.sum(axis=1, keepdims=True), np.float64)
