"""Forecasts of real crises: what was known of each at its trigger, as parameters; it run some thousand times; its shares.

Each crisis is a case of the scenario `since_1945`. State a of a row, the crisis actor that the trigger struck first, is the
scenario's `defender`; b, its adversary, is the `challenger`. What is not known of a row is read as the middle: equal
capability, limited stakes, no nuclear weapons. docs/hindcast.md gives the reading in words. Every crisis has replicates 0 to
n - 1 under the same seed: its forecast is the same whatever other crises the folder holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.batch.block import free_model
from crisis_sim.batch.workers import MOST_THREADS
from crisis_sim.model import CrisisModel
from crisis_sim.scenario.load import change_scenario, load_scenario, on_disk
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE, Scenario
from crisis_sim.validation.facts import OTHER_SHARE

Array = NDArray[Any]

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


# --- What was known of crises, as values of parameters

STRUCK, RIVAL = "defender", "challenger"
#: Rungs of the ladder.
COERCION, MOBILISATION = 2.0, 3.0
#: Chance that a crisis with a trigger of this type opens with violence: the trigger's, or that of fighting that goes on.
VIOLENT = {"violent": 1.0, "indirect_violent": 0.9, "internal_challenge": 0.68}
VIOLENT |= {"nonviolent_military": 0.17, "political": 0.2, "economic": 0.2}
VIOLENT |= dict.fromkeys(("external_change", "other_nonviolent", "verbal"), 0.2)
#: Triggers in words.
IN_WORDS = ("political", "economic", "verbal")
#: How grave a threat is, by what it threatens: 0 for territory, the political system and influence.
GRAVITY = dict.fromkeys(("existence", "grave_damage"), 1.0)
GRAVITY |= dict.fromkeys(("limited_military", "economic", "other"), -1.0)
#: Exposure of leaders to audiences at home, by regime; 0.5 where the regime is not known.
AUDIENCE = {"democratic": 0.8, "civil_authoritarian": 0.4}
AUDIENCE |= dict.fromkeys(("military_direct", "military_indirect", "military_dual"), 0.3)
#: The limit of logarithms of capability's ratio: a factor of 20.
MOST_POWER = 3.0


def read(facts: pd.DataFrame) -> dict[str, Array]:
    """Facts of crises as values of the scenario's parameters by path, each of shape (crises,).

    The scenario's behaviour says what they mean (`behaviour.reading`).
    """

    def number(column: str, codes: Mapping[str, float] | None = None, other: float = 0.0) -> Array:
        found = facts[column].map(codes) if codes else facts[column]
        return np.asarray(found.fillna(other), np.float64)

    def is_(column: str, *values: str) -> Array:
        return np.asarray(facts[column].isin(values), np.float64)

    power = np.clip(number("ln_cinc_ratio"), -MOST_POWER, MOST_POWER)
    display = is_("trigger_type", "nonviolent_military")
    return {
        "events.0.rival_rung": np.where(display > 0, MOBILISATION, COERCION),
        "about.violent": number("trigger_type", VIOLENT, 0.2),
        "about.indirect": is_("trigger_type", "indirect_violent"),
        "about.words": is_("trigger_type", *IN_WORDS),
        "about.gravity": number("grav_first", GRAVITY),
        "about.territory": is_("grav_first", "territorial"),
        "about.protracted": is_("protracted_first", "protracted"),
        "about.long_war": is_("protracted_first", "long_war"),
        "about.great_power": np.maximum(number("major_a"), number("major_b")),
        f"states.{STRUCK}.capability": np.exp(power),
        f"states.{STRUCK}.ready": is_("trigent_kind", "state"),
        f"states.{STRUCK}.nuclear": number("nuclear_a"),
        f"states.{RIVAL}.nuclear": number("nuclear_b"),
        f"states.{STRUCK}.audience": number("regime_a_icb", AUDIENCE, 0.5),
        f"states.{RIVAL}.audience": number("regime_b_icb", AUDIENCE, 0.5),
    }


#: Labels of the population: what groups of crises are called in results.
TRIGGERS = {one: one.replace("_", " ") for one in VIOLENT} | dict.fromkeys(
    (*IN_WORDS, "other_nonviolent"), "words"
)
TRIGGERS["nonviolent_military"] = "non-violent military"
STAKES = {
    "existence": "existence", "grave_damage": "grave damage", "territorial": "territory",
    "political": "political system", "influence": "influence", "limited_military": "limited military damage",
}  # fmt: skip
CONFLICTS = {"no": "not protracted", "protracted": "protracted", "long_war": "long war"}
#: Ratios of capability up to which power is about equal, and unequal.
EQUAL, UNEQUAL = 2.0, 20.0


def labels(facts: pd.DataFrame) -> dict[str, Array]:
    """The labels of crises in the population, each of shape (crises,)."""
    power = np.abs(facts["ln_cinc_ratio"].fillna(0.0).to_numpy(np.float64))
    armed = sum(facts[f"nuclear_{side}"].fillna(0).to_numpy(np.int64) for side in "ab")
    kinds = np.array(["about equal", "unequal", "very unequal"])
    return {
        "trigger": facts["trigger_type"].map(TRIGGERS).fillna("words").to_numpy(),
        "stakes": facts["grav_first"].map(STAKES).fillna("less").to_numpy(),
        "conflict": facts["protracted_first"].map(CONFLICTS).fillna("not protracted").to_numpy(),
        "nuclear": np.array(["neither", "one", "both"])[armed],
        "power": kinds[np.searchsorted(np.log([EQUAL, UNEQUAL]), power)],
        "first_actor": np.where(facts["major_a"] > 0, "great power", "other state"),
    }


def population(scenario: Scenario, facts: pd.DataFrame) -> Scenario:
    """The scenario as a population of these crises: each replicate is one of them, all as likely."""
    drawn = {"weights": [1.0] * len(facts), "together": "crisis"}
    changes: dict[str, Any] = {
        path: {"choice": {"values": values.tolist(), **drawn}}
        for path, values in read(facts).items()
    }
    for name, values in labels(facts).items():
        changes[f"labels.{name}"] = {"values": values.tolist(), **drawn}
    return change_scenario(scenario, changes, scenario.name)


# --- Forecasts


def forecast(
    facts: pd.DataFrame,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    scenario: Scenario | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    kept: Callable[[pd.DataFrame, Mapping[str, Array]], pd.DataFrame] | None = None,
    own: Mapping[str, Array] = MappingProxyType({}),
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
        free_model(model)
        return found

    starts, chunks = range(0, len(facts), several), []
    with ThreadPoolExecutor(max(1, min(workers, len(starts), MOST_THREADS)), "hindcast") as pool:
        for chunk in pool.map(run, starts):
            chunks.append(chunk)
            done = min(len(chunks) * several, len(facts))
            progress(done * replicates, len(facts) * replicates)
    return pd.concat(chunks, ignore_index=True)


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


def _predictions(facts: pd.DataFrame, outcomes: Mapping[str, Array]) -> pd.DataFrame:
    def shares(column: str, kinds: tuple[Any, ...]) -> Array:
        by_crisis = outcomes[column].reshape(len(facts), -1)
        return jeffreys(np.stack([(by_crisis == kind).sum(axis=1) for kind in kinds], axis=1))

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


def jeffreys(counts: NDArray[Any]) -> Array:
    """Shares of counts of shape (crises, kinds), none of them 0."""
    padded = counts + 0.5
    return np.asarray(padded / padded.sum(axis=1, keepdims=True), np.float64)
