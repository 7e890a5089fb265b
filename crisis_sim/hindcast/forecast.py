"""Forecasts of real crises from the facts that were known at their triggers.

Each crisis is a variant of the scenario `since_1945`, run a few thousand times. State a of a row, the crisis actor that the
trigger struck first, is the scenario's `defender`; b, its adversary, is the `challenger`. Unknown facts are replaced by
middle values: equal capability, limited stakes, no nuclear weapons (see docs/hindcast.md). Every crisis has replicates 0 to
n - 1 of the same seed, so its forecast does not depend on the other crises of the folder.
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

#: The scenario whose parameters each crisis sets.
POPULATION = "since_1945"
#: Approximate number of replicates that are run at once.
CHUNK = 8000
#: Categories of each target, as in the columns; "other" are ICB's remaining endings.
KINDS = {
    "ending": ("agreement", "tacit", "unilateral", "imposed", "faded", "other"),
    "violence": ("none", "minor", "serious", "war"),
    "mediated": ("no", "yes"),
}
#: Levels of the quantiles of duration, and the ends of their columns' names.
LEVELS = np.round(np.arange(0.05, 1.0, 0.05), 2)
QUANTILES = [f"q{round(100 * level):02d}" for level in LEVELS]


# --- Known facts as values of parameters

STRUCK, RIVAL = "defender", "challenger"
#: Rungs of the ladder.
COERCION, MOBILISATION = 2.0, 3.0
#: Probability that a crisis opens with violence, by type of trigger: violence of the trigger, or of continuing fighting.
VIOLENT = {"violent": 1.0, "indirect_violent": 0.9, "internal_challenge": 0.68}
VIOLENT |= {"nonviolent_military": 0.17, "political": 0.2, "economic": 0.2}
VIOLENT |= dict.fromkeys(("external_change", "other_nonviolent", "verbal"), 0.2)
#: Triggers without physical acts.
WORDS = ("political", "economic", "verbal")
#: Gravity of the threat, by what is threatened; 0 for territory, the political system and influence.
GRAVITY = dict.fromkeys(("existence", "grave_damage"), 1.0)
GRAVITY |= dict.fromkeys(("limited_military", "economic", "other"), -1.0)
#: Exposure of leaders to domestic audiences, by regime; 0.5 if the regime is unknown.
AUDIENCE = {"democratic": 0.8, "civil_authoritarian": 0.4}
AUDIENCE |= dict.fromkeys(("military_direct", "military_indirect", "military_dual"), 0.3)
#: Limit of the log ratio of capabilities: a factor of 20.
MOST_POWER = 3.0


def parameters_of(facts: pd.DataFrame) -> dict[str, Array]:
    """Return facts of crises as values of the scenario's parameters by path, each of shape (crises,).

    Their effects are parameters of behaviour (`behaviour.reading`).
    """

    def number(column: str, codes: Mapping[str, float] | None = None, other: float = 0.0) -> Array:
        values = facts[column].map(codes) if codes else facts[column]
        return np.asarray(values.fillna(other), np.float64)

    def is_any(column: str, *values: str) -> Array:
        return np.asarray(facts[column].isin(values), np.float64)

    power = np.clip(number("ln_cinc_ratio"), -MOST_POWER, MOST_POWER)
    display = is_any("trigger_type", "nonviolent_military")
    return {
        "events.0.rival_rung": np.where(display > 0, MOBILISATION, COERCION),
        "about.violent": number("trigger_type", VIOLENT, 0.2),
        "about.indirect": is_any("trigger_type", "indirect_violent"),
        "about.words": is_any("trigger_type", *WORDS),
        "about.gravity": number("grav_first", GRAVITY),
        "about.territory": is_any("grav_first", "territorial"),
        "about.protracted": is_any("protracted_first", "protracted"),
        "about.long_war": is_any("protracted_first", "long_war"),
        "about.great_power": np.maximum(number("major_a"), number("major_b")),
        f"states.{STRUCK}.capability": np.exp(power),
        f"states.{STRUCK}.ready": is_any("trigent_kind", "state"),
        f"states.{STRUCK}.nuclear": number("nuclear_a"),
        f"states.{RIVAL}.nuclear": number("nuclear_b"),
        f"states.{STRUCK}.audience": number("regime_a_icb", AUDIENCE, 0.5),
        f"states.{RIVAL}.audience": number("regime_b_icb", AUDIENCE, 0.5),
    }


#: Labels of groups of crises in results.
TRIGGERS = {name: name.replace("_", " ") for name in VIOLENT} | dict.fromkeys(
    (*WORDS, "other_nonviolent"), "words"
)
TRIGGERS["nonviolent_military"] = "non-violent military"
STAKES = {
    "existence": "existence", "grave_damage": "grave damage", "territorial": "territory",
    "political": "political system", "influence": "influence", "limited_military": "limited military damage",
}  # fmt: skip
CONFLICTS = {"no": "not protracted", "protracted": "protracted", "long_war": "long war"}
#: Largest ratios of capability that count as about equal, and as unequal.
EQUAL, UNEQUAL = 2.0, 20.0


def labels(facts: pd.DataFrame) -> dict[str, Array]:
    """Return the labels of crises in the population by name, each of shape (crises,)."""
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
    """Return the scenario as a population of these crises: each replicate draws one of them with equal probability."""
    draw = {"weights": [1.0] * len(facts), "together": "crisis"}
    changes: dict[str, Any] = {
        path: {"choice": {"values": values.tolist(), **draw}}
        for path, values in parameters_of(facts).items()
    }
    for name, values in labels(facts).items():
        changes[f"labels.{name}"] = {"values": values.tolist(), **draw}
    return change_scenario(scenario, changes, scenario.name)


# --- Forecasts


def forecast(
    facts: pd.DataFrame,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    scenario: Scenario | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    summarise: Callable[[pd.DataFrame, Mapping[str, Array]], pd.DataFrame] | None = None,
    parameters: Mapping[str, Array] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return forecasts of the model alone, a row for each crisis: shares of categories, and quantiles of duration.

    Shares are (count + 1/2) / (n + k/2) for n replicates and k categories, so that none is 0 (Jeffreys). Crises that the
    horizon cuts off have the ending "other", and so do `OTHER_SHARE` of those that end without an agreement, as in
    `crisis-sim validate`. Durations are days plus 1, because ICB counts the first and the last day.

    Args:
        workers: threads to use at most; the forecasts are the same for any number.
        scenario: the population whose parameters are set; by default `fitted_scenario()`.
        progress: receives the number of finished replicates and the total after each chunk.
        summarise: turns the facts and outcomes of some crises into rows; by default into forecasts.
        parameters: further values by path, one for each replicate of each crisis.
    """
    scenario, summarise = scenario or fitted_scenario(), summarise or _predictions
    crises_per_chunk = max(1, CHUNK // replicates)

    def run(start: int) -> pd.DataFrame:
        stop = start + crises_per_chunk
        chunk, rows = facts.iloc[start:stop], slice(start * replicates, stop * replicates)
        values = {
            path: np.repeat(value, replicates) for path, value in parameters_of(chunk).items()
        }
        values |= {path: value[rows] for path, value in parameters.items()}
        model = CrisisModel(scenario, replicates, seed, parameters=values, points=len(chunk))
        table = summarise(chunk, model.run(daily=False).outcomes())
        free_model(model)
        return table

    starts, tables = range(0, len(facts), crises_per_chunk), []
    with ThreadPoolExecutor(max(1, min(workers, len(starts), MOST_THREADS)), "hindcast") as pool:
        for table in pool.map(run, starts):
            tables.append(table)
            done = min(len(tables) * crises_per_chunk, len(facts))
            progress(done * replicates, len(facts) * replicates)
    return pd.concat(tables, ignore_index=True)


@cache
def fitted() -> Any:
    """Return the contents of fitted.json: behaviour fitted without the test crises, and the weights of linear pooling."""
    return json.loads((on_disk(Path(__file__).parent) / "fitted.json").read_text(encoding="utf-8"))


def fitted_scenario(
    overrides: Sequence[str] = (), behaviour: Mapping[str, float] | None = None
) -> Scenario:
    """Return the population with the fitted behaviour, or another; `overrides` (in the form of `--set`) take precedence."""
    overridden = {override.partition("=")[0] for override in overrides}
    values = fitted()["behaviour"] if behaviour is None else behaviour
    settings = [f"{path}={value!r}" for path, value in values.items() if path not in overridden]
    return load_scenario(POPULATION, [*settings, *overrides])


def pooled(
    predictions: pd.DataFrame,
    towards: Mapping[str, Any] | pd.DataFrame | None = None,
    weights: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return linear pools of forecasts with the shares and quantiles of the record.

        share = weight x share of the replicates + (1 - weight) x share in the record

    for endings; for durations, the same with quantiles of the logarithm. Pooling corrects the overconfidence of a model
    that lacks relevant facts (Ranjan and Gneiting 2010). Worst violence and mediation are not pooled.

    Args:
        towards: shares and quantiles of the record by column. weights: of the model, by target; both are fitted by default.
    """
    towards = fitted()["towards"] if towards is None else towards
    weights = weights or fitted()["weights"]
    columns, weight = {}, weights["ending"]
    for name in (f"ending_{kind}" for kind in KINDS["ending"]):
        columns[name] = weight * predictions[name] + (1 - weight) * towards[name]
    weight = weights["duration"]
    for name in (f"dur_{quantile}" for quantile in QUANTILES):
        model, record = (np.log(np.maximum(table[name], 0.5)) for table in (predictions, towards))
        columns[name] = np.exp(weight * model + (1 - weight) * record)
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
    for target, kinds, values in (
        ("ending", KINDS["ending"], ending),
        ("violence", KINDS["violence"], shares("worst_violence", VIOLENCE)),
        ("mediated", ("yes",), shares("mediated", (False, True))[:, 1:]),
        ("dur", QUANTILES, np.quantile(days, LEVELS, axis=1).T),
    ):
        columns |= {f"{target}_{kind}": values[:, k] for k, kind in enumerate(kinds)}
    return pd.DataFrame(columns)


def jeffreys(counts: NDArray[Any]) -> Array:
    """Return shares of counts, shape (crises, categories), with Jeffreys' prior, so that none is 0."""
    padded = counts + 0.5
    return np.asarray(padded / padded.sum(axis=1, keepdims=True), np.float64)
