"""How a crisis is read: what was known at its trigger, as values of parameters of the scenario `since_1945`.

State a of a row, the crisis actor that the trigger struck first, is the scenario's `defender`; b, its adversary, is the
`challenger`. What is not known of a row is read as the middle: equal capability, limited stakes, no nuclear weapons.
docs/hindcast.md gives the reading in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.scenario.load import change_scenario

if TYPE_CHECKING:
    import pandas as pd

    from crisis_sim.scenario.schema import Scenario

Array = NDArray[Any]

STRUCK, RIVAL = "defender", "challenger"
#: Rungs of the ladder.
COERCION, MOBILISATION = 2.0, 3.0
#: Chance that a crisis with a trigger of this type opens with violence: the trigger's, or that of fighting that goes on.
VIOLENT = {
    "violent": 1.0,
    "indirect_violent": 0.9,
    "internal_challenge": 0.68,
    "nonviolent_military": 0.17,
    "political": 0.2,
    "economic": 0.2,
    "external_change": 0.2,
    "other_nonviolent": 0.2,
    "verbal": 0.2,
}
#: Triggers in words.
IN_WORDS = ("political", "economic", "verbal")
#: How grave a threat is, by what it threatens: 0 for territory, the political system and influence.
GRAVITY = {
    "existence": 1.0,
    "grave_damage": 1.0,
    "limited_military": -1.0,
    "economic": -1.0,
    "other": -1.0,
}
#: Exposure of leaders to audiences at home, by regime; 0.5 where the regime is not known.
AUDIENCE = {
    "democratic": 0.8,
    "civil_authoritarian": 0.4,
    "military_direct": 0.3,
    "military_indirect": 0.3,
    "military_dual": 0.3,
}
#: The limit of logarithms of capability's ratio: a factor of 20.
MOST_POWER = 3.0


def read(facts: pd.DataFrame) -> dict[str, Array]:
    """Facts of crises as values of the scenario's parameters by path, each of shape (crises,).

    The scenario's behaviour says what they mean (`behaviour.reading`).
    """

    def coded(column: str, codes: Mapping[str, float], other: float = 0.0) -> Array:
        found = facts[column].map(codes)
        return np.asarray(found.fillna(other), np.float64)

    def flag(column: str) -> Array:
        return np.asarray(facts[column].fillna(0), np.float64)

    def is_(column: str, *values: str) -> Array:
        return np.asarray(facts[column].isin(values), np.float64)

    power = np.asarray(facts["ln_cinc_ratio"].fillna(0.0), np.float64)
    display = is_("trigger_type", "nonviolent_military")
    return {
        "events.0.rival_rung": np.where(display > 0, MOBILISATION, COERCION),
        "about.violent": coded("trigger_type", VIOLENT, 0.2),
        "about.indirect": is_("trigger_type", "indirect_violent"),
        "about.words": is_("trigger_type", *IN_WORDS),
        "about.gravity": coded("grav_first", GRAVITY),
        "about.territory": is_("grav_first", "territorial"),
        "about.protracted": is_("protracted_first", "protracted"),
        "about.long_war": is_("protracted_first", "long_war"),
        "about.great_power": np.maximum(flag("major_a"), flag("major_b")),
        f"states.{STRUCK}.capability": np.exp(np.clip(power, -MOST_POWER, MOST_POWER)),
        f"states.{STRUCK}.ready": is_("trigent_kind", "state"),
        f"states.{STRUCK}.nuclear": flag("nuclear_a"),
        f"states.{RIVAL}.nuclear": flag("nuclear_b"),
        f"states.{STRUCK}.audience": coded("regime_a_icb", AUDIENCE, 0.5),
        f"states.{RIVAL}.audience": coded("regime_b_icb", AUDIENCE, 0.5),
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
