"""Run each crisis some thousand times, and put its shares and quantiles into the form that `scores` takes.

Every crisis has replicates 0 to n - 1 under the same seed: its forecast is the same whatever other crises the folder holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.batch.workers import MOST_THREADS
from crisis_sim.hindcast.reading import read
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.load import load_scenario, on_disk
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE
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
    overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Forecasts, a row a crisis in the order of `facts`: shares of the kinds of each target, and quantiles of duration.

    Shares are (count + 1/2) / (n + k/2) of n replicates and k kinds, since a share that no replicate shows is not 0
    (Jeffreys). A crisis that the horizon cuts off ends "otherwise", and so do `OTHER_SHARE` of those that end without an
    agreement, as in `crisis-sim validate`. Durations are days plus 1, as ICB counts them: the last day is one of them.

    Args:
        workers: the most threads; the forecasts are the same for any number.
        overrides: changes to the scenario, as `--set` takes them: a behaviour of its own, for one.
        progress: told after each chunk how many replicates are done, and of how many.
    """
    ours = [f"{path}={value}" for path, value in fitted()["behaviour"].items()]
    set_already = {one.partition("=")[0] for one in overrides}
    ours = [one for one in ours if one.partition("=")[0] not in set_already]
    scenario = load_scenario(POPULATION, [*ours, *overrides])
    several = max(1, CHUNK // replicates)

    def run(start: int) -> pd.DataFrame:
        some = facts.iloc[start : start + several]
        given = {path: np.repeat(value, replicates) for path, value in read(some).items()}
        model = CrisisModel(scenario, replicates, seed, parameters=given, points=len(some))
        return _predictions(some, model.run(daily=False).outcomes(), replicates)

    starts = range(0, len(facts), several)
    chunks: dict[int, pd.DataFrame] = {}
    with ThreadPoolExecutor(max(1, min(workers, len(starts), MOST_THREADS)), "hindcast") as pool:
        running = {pool.submit(run, start): start for start in starts}
        try:
            for future in as_completed(running):
                chunks[running[future]] = future.result()
                progress(sum(map(len, chunks.values())) * replicates, len(facts) * replicates)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return pooled(pd.concat([chunks[start] for start in starts], ignore_index=True))


@cache
def fitted() -> Any:
    """The behaviour that was fitted without any crisis of the test parts, and how far forecasts are drawn `towards` what."""
    return json.loads((on_disk(Path(__file__).parent) / "fitted.json").read_text(encoding="utf-8"))


def pooled(predictions: pd.DataFrame) -> pd.DataFrame:
    """Forecasts drawn towards the record's own shares and quantiles, by weights that were fitted (linear pooling).

        share = weight x share of the replicates + (1 - weight) x share in the record

    of kinds of ending; of duration the same with quantiles of the logarithm. A model that leaves out what its crises hang on
    is surer than it should be (Ranjan and Gneiting 2010). Worst violence and mediation are left as they are.
    """
    ending, duration = (fitted()["towards"][name] for name in ("ending", "duration"))
    columns = {}
    for kind, share in ending["shares"].items():
        own = predictions[f"ending_{kind}"]
        columns[f"ending_{kind}"] = ending["weight"] * own + (1 - ending["weight"]) * share
    levels = np.array([float(level) for level in duration["quantiles"]])
    days = np.log(np.array([*duration["quantiles"].values()]))
    for name, level in zip(QUANTILES, LEVELS, strict=True):
        middle = float(_extended(level, levels, days))
        own = np.log(np.maximum(predictions[f"dur_{name}"], 0.5))
        columns[f"dur_{name}"] = np.exp(
            duration["weight"] * own + (1 - duration["weight"]) * middle
        )
    return predictions.assign(**columns)


def _extended(level: float, levels: Values, values: Values) -> Any:
    """A quantile by straight lines over the normal scores of the levels that are known, and beyond them."""
    from scipy import special

    score, known = special.ndtri(level), special.ndtri(levels)
    k = int(np.clip(np.searchsorted(known, score), 1, len(known) - 1))
    slope = (values[k] - values[k - 1]) / (known[k] - known[k - 1])
    return values[k - 1] + slope * (score - known[k - 1])


def _predictions(
    facts: pd.DataFrame, outcomes: Mapping[str, NDArray[Any]], replicates: int
) -> pd.DataFrame:
    def shares(column: str, kinds: tuple[Any, ...]) -> NDArray[np.float64]:
        by_crisis = outcomes[column].reshape(-1, replicates)
        counts = np.stack([(by_crisis == kind).sum(axis=1) for kind in kinds], axis=1)
        return jeffreys(counts)

    ending, violence = shares("ending", ENDINGS), shares("worst_violence", VIOLENCE)
    other = OTHER_SHARE * ending[:, 1:5].sum(axis=1) + ending[:, 5]
    ending = np.column_stack([ending[:, 0], (1 - OTHER_SHARE) * ending[:, 1:5], other])
    over = outcomes["over_at_hours"] - outcomes["trigger_at_hours"]
    longest = outcomes["followed_until_hours"] - outcomes["trigger_at_hours"]
    days = np.where(np.isnan(over), longest, over).reshape(-1, replicates) / 24 + 1
    quantiles = np.quantile(days, LEVELS, axis=1).T
    columns: dict[str, Any] = {"crisno": facts["crisno"].to_numpy()}
    for target, found in (("ending", ending), ("violence", violence)):
        columns |= {f"{target}_{kind}": found[:, k] for k, kind in enumerate(KINDS[target])}
    columns["mediated_yes"] = shares("mediated", (False, True))[:, 1]
    columns |= {f"dur_{name}": quantiles[:, k] for k, name in enumerate(QUANTILES)}
    return pd.DataFrame(columns)


def jeffreys(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Shares of counts of shape (crises, kinds), none of them 0."""
    padded = counts + 0.5
    return np.asarray(padded / padded.sum(axis=1, keepdims=True), np.float64)
