"""How a crisis is read: what was known at its trigger, as values of parameters of the scenario `since_1945`.

State a of a row, the crisis actor that the trigger struck first, is the scenario's `defender`; b, its adversary, is the
`challenger`. What is not known of a row is read as the middle: equal capability, limited stakes, no nuclear weapons.
The parameters of the reading, which are fitted, stand in `reading.csv`; docs/hindcast.md gives the reading in words.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.luck import uniforms
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest
from crisis_sim.scenario.load import on_disk
from crisis_sim.scenario.schema import south_asian_ladder
from crisis_sim.text import listed

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]

STRUCK, RIVAL, MEDIATOR = "defender", "challenger", "third_party"
#: Rungs of the ladder.
COERCION, MOBILISATION, BORDER_FIRE, STRIKE, WAR = 2, 3, 4, 5, 8
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
#: Stakes of the middle crisis, and the limit of logarithms of capability's ratio: a factor of 20.
RESOLVE, MOST_POWER = 0.65, 3.0
#: Spread, in logarithms, of what the same act means to one state and to another.
PROVOCATION_SPREAD = 0.6
#: Behaviour that words rather than arms slow down.
SLOWED = ("behaviour.ends.yielding_days", "behaviour.ends.fading_days")


@dataclass(frozen=True)
class ReadingParameter:
    """A parameter of the reading.

    Attributes:
        scale: on which a fit moves it, `log` or `linear`.
    """

    name: str
    value: float
    scale: str
    unit: str
    meaning: str


#: The file of the reading's parameters.
SHIPPED = on_disk(Path(__file__).parent) / "reading.csv"


@cache
def reading_parameters(path: Path = SHIPPED) -> tuple[ReadingParameter, ...]:
    """The parameters of a file such as `reading.csv`: all of the reading, and any of behaviour, named by their paths.

    Raises:
        ScenarioError: when it has mistakes.
        OSError: when it cannot be read.
    """

    def wrong(line: int, message: str, expected: str, near: str = "") -> ScenarioError:
        return ScenarioError([Mistake(str(path), line, 1, message, expected, near)])

    columns = [one.name for one in fields(ReadingParameter)]
    found: dict[str, ReadingParameter] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != columns:
            raise wrong(1, "these are not the columns of a reading", ", ".join(columns))
        for row in rows:
            name, line = row["name"], rows.line_num
            known = [name] if path == SHIPPED else [one.name for one in reading_parameters()]
            if not (name in known or _is_behaviour(name)):
                near = nearest(name, known) or ""
                raise wrong(line, f"no parameter '{name}'", "one of the reading or behaviour", near)
            try:
                value = float(row["value"])
            except (TypeError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                raise wrong(line, f"'{row['value']}' as the value of {name}", "a number")
            texts = (str(row[one]) for one in columns[2:])
            found[name] = ReadingParameter(name, value, *texts)
    lacking = (
        [] if path == SHIPPED else [x.name for x in reading_parameters() if x.name not in found]
    )
    if lacking:
        raise wrong(0, f"no value for {listed(lacking)}", "a row for each parameter")
    return tuple(found.values())


def _is_behaviour(path: str) -> bool:
    try:
        _default(path)
    except (ValueError, AttributeError):
        return False
    return path.startswith("behaviour.")


def read(facts: pd.DataFrame) -> dict[str, Array]:
    """Facts of crises as numbers, each of shape (crises,): the part of the reading that holds no parameters."""

    def coded(column: str, codes: Mapping[str, float], other: float = 0.0) -> Array:
        found = facts[column].map(codes)
        return np.asarray(found.fillna(other), np.float64)

    def flag(column: str) -> Array:
        return np.asarray(facts[column].fillna(0), np.float64)

    def is_(column: str, *values: str) -> Array:
        return np.asarray(facts[column].isin(values), np.float64)

    power = np.asarray(facts["ln_cinc_ratio"].fillna(0.0), np.float64)
    return {
        "violent": coded("trigger_type", VIOLENT, 0.2),
        "display": is_("trigger_type", "nonviolent_military"),
        "indirect": is_("trigger_type", "indirect_violent"),
        "words": is_("trigger_type", *IN_WORDS),
        "gravity": coded("grav_first", GRAVITY),
        "territory": is_("grav_first", "territorial"),
        "protracted": is_("protracted_first", "protracted"),
        "long_war": is_("protracted_first", "long_war"),
        "power": np.clip(power, -MOST_POWER, MOST_POWER),
        "nuclear_struck": flag("nuclear_a"),
        "nuclear_rival": flag("nuclear_b"),
        "audience_struck": coded("regime_a_icb", AUDIENCE, 0.5),
        "audience_rival": coded("regime_b_icb", AUDIENCE, 0.5),
        "major": np.maximum(flag("major_a"), flag("major_b")),
    }


def values(
    facts: pd.DataFrame,
    rows: NDArray[np.integer],
    replicates: NDArray[np.uint64],
    seed: int,
    reading: Mapping[str, Any] | None = None,
    behaviour: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """Values of parameters by path, each of shape (replicates,), as `CrisisModel(parameters=...)` takes them.

    Args:
        facts: a row for each crisis, with the columns that `sources` gives.
        rows: which row each replicate is about, by its position.
        replicates: their numbers, which fix their luck with the seed.
        reading: parameters of the reading by name, in place of those of `reading.csv`: numbers, or arrays of shape
            (replicates,).
        behaviour: behavioural parameters by path, likewise, in place of those of `reading.csv` and of the scenario.
    """
    p: dict[str, Any] = {one.name: one.value for one in reading_parameters()}
    p |= {**(reading or {}), **(behaviour or {})}
    x = {name: column[rows] for name, column in read(facts).items()}
    given = {path: one for path, one in p.items() if path.startswith("behaviour.")}

    def luck(purpose: str) -> Array:
        return uniforms(seed, f"hindcast/{purpose}", replicates)

    slower = np.exp(p["x_pace"] * x["words"])
    for path in SLOWED:
        given[path] = given.get(path, _default(path)) * slower
    given["behaviour.halt.deal"] = p["x_territory"] * x["territory"]
    stakes = p["x_gravity"] * x["gravity"]
    stakes = stakes + p["x_protracted"] * np.maximum(x["protracted"], x["long_war"])
    claims = _logistic(p["claim_share"] + p["x_political"] * x["words"])
    for name, side in ((STRUCK, "struck"), (RIVAL, "rival")):
        given[f"states.{name}.resolve"] = RESOLVE * np.exp(stakes)
        wants = luck(f"whether the {side} has a claim") < claims
        given[f"states.{name}.claim"] = wants * -p["claim"] * np.log(luck(f"claim of the {side}"))
        given[f"states.{name}.audience"] = x[f"audience_{side}"]
        given[f"states.{name}.nuclear"] = x[f"nuclear_{side}"]
    given[f"states.{STRUCK}.capability"] = np.exp(x["power"])
    given[f"states.{RIVAL}.capability"] = np.ones(rows.size)
    given |= _trigger(x, p, luck)
    attention = p["attention"] * np.exp(-p["x_major"] * x["major"])
    given[f"mediators.{MEDIATOR}.attention_days"] = attention
    return {
        path: np.broadcast_to(np.asarray(one, np.float64), rows.shape)
        for path, one in given.items()
    }


def _trigger(x: Mapping[str, Array], p: Mapping[str, Any], luck: Any) -> dict[str, Array]:
    """The rung of the trigger, and the grievance that it gives in all: lognormal about that of its act, or about `shock`."""
    log_odds = p["sev"] + p["sev_indirect"] * x["indirect"] + p["sev_long_war"] * x["long_war"]
    log_odds = log_odds + p["sev_protracted"] * np.maximum(x["protracted"], x["long_war"])
    severity = luck("severity of the trigger")
    fire = np.where(severity < _logistic(log_odds), STRIKE, BORDER_FIRE)
    fire = np.where(severity < _logistic(log_odds - p["sev_war"]), WAR, fire)
    violent = luck("whether the trigger is violent") < x["violent"]
    rung = np.where(violent, fire, np.where(x["display"] > 0, MOBILISATION, COERCION))
    blow = float(_default("behaviour.harm.blow"))
    act = blow * np.array([one.intensity for one in south_asian_ladder()], np.float64)[rung]
    from scipy import special  # slow to import

    grievance = np.where(violent, act, p["shock"])
    grievance = grievance * np.exp(PROVOCATION_SPREAD * special.ndtri(luck("provocation")))
    return {
        "events.0.rival_rung": rung.astype(np.float64),
        "events.0.provocation": np.maximum(grievance - act, 0.0),
    }


@cache
def _default(path: str) -> Any:
    _, part, name = path.split(".")
    return getattr(getattr(Behaviour(), part), name)


def _logistic(x: Any) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0))))
