"""May 2025 with made-up outcomes and journals, and short scenarios, for any test case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.cli.new_scenario import template_text
from crisis_sim.scenario import Scenario, load_scenario
from crisis_sim.text import label

REPLICATES = 800
HORIZON_DAYS = 60.0
FOLLOW_UP_HOURS = 14 * 24.0
ENDINGS = np.array(["agreement", "tacit", "unilateral", "imposed", "faded", "unresolved"])
MAY_2025 = load_scenario("may_2025")

#: For each scenario: chance of each ending, median hours from strike to ceasefire, chance of war.
CASES: dict[str, tuple[tuple[float, ...], float, float]] = {
    "may_2025": ((0.71, 0.10, 0.03, 0.04, 0.06, 0.06), 90.0, 0.080),
    "no_lenders": ((0.66, 0.11, 0.03, 0.06, 0.07, 0.07), 110.0, 0.110),
    "no_mediators": ((0.48, 0.17, 0.05, 0.10, 0.10, 0.10), 190.0, 0.160),
    "no_back_channel": ((0.58, 0.14, 0.04, 0.07, 0.08, 0.09), 150.0, 0.120),
    "no_adviser": ((0.70, 0.10, 0.03, 0.045, 0.06, 0.065), 93.0, 0.083),
    "lender_unconditional": ((0.69, 0.10, 0.03, 0.05, 0.06, 0.07), 99.0, 0.095),
    "early_mediation": ((0.78, 0.09, 0.02, 0.02, 0.05, 0.04), 66.0, 0.050),
}


def make_scenario(name: str = "may_2025", **changes: Any) -> Scenario:
    """May 2025 by another name, with parts changed or (None) taken out."""
    title = {} if name == "may_2025" else {"title": label(name), "label": ""}
    parts = {**MAY_2025.plain(), "name": name, **title, **changes}
    return Scenario.model_validate({key: part for key, part in parts.items() if part is not None})


def make_outcomes(
    name: str, replicates: int, shares: tuple[float, ...], pace: float, war: float
) -> dict[str, Any]:
    """Columns of outcomes with common random numbers in all scenarios, as in a real batch."""
    luck = np.random.default_rng(20250507)
    horizon = HORIZON_DAYS * 24.0
    strike = 24.0 * luck.lognormal(np.log(13.0), 0.5, replicates)
    strike = np.where((luck.random(replicates) < 0.88) & (strike < horizon), strike, np.nan)
    struck = ~np.isnan(strike)
    ending = ENDINGS[np.searchsorted(np.cumsum(shares)[:-1], luck.random(replicates))]
    origin = np.where(struck, strike, 24.0 * luck.uniform(3.0, 30.0, replicates))
    over = np.maximum(origin + pace * luck.lognormal(0.0, 0.8, replicates), origin + 1.0)
    ending = np.where(over > horizon, "unresolved", ending)
    agreed = ending == "agreement"
    at_war = (luck.random(replicates) < war) & struck
    nuclear = at_war & (luck.random(replicates) < 0.01)
    mediated = luck.random(replicates) < (0.0 if name == "no_mediators" else 0.9)
    relapsed = agreed & (luck.random(replicates) < 0.1)
    calm = np.where(struck, "serious clashes", "minor clashes")

    def when(came: Any, hours: Any) -> Any:
        return np.where(came, hours, np.nan)

    columns = {
        "scenario": np.full(replicates, name),
        "replicate": np.arange(replicates),
        "ending": ending,
        "ended_at_hours": when(ending != "unresolved", over),
        "trigger_at_hours": np.zeros(replicates),
        "first_strike_at_hours": strike,
        "mediated": mediated,
        "ceasefire_in_effect_at_hours": when(agreed, over),
        "relapsed_at_hours": when(relapsed, over + 60.0),
        "war_at_hours": when(at_war, strike + 30.0),
        "nuclear_use_at_hours": when(nuclear, strike + 80.0),
        "worst_violence": np.where(at_war, "full-scale war", calm),
        "deaths": np.where(at_war, 4000.0, 60.0) * luck.lognormal(0.0, 0.5, replicates),
        "followed_until_hours": np.minimum(np.where(agreed, over + FOLLOW_UP_HOURS, over), horizon),
        "strikes_paused_at_hours": when(struck, strike + 0.6 * (over - strike)),
    }
    for state, fall in (("india", 0.015), ("pakistan", 0.12)):
        columns[f"{state}_lowest_market"] = np.exp(-fall * luck.lognormal(0.0, 0.3, replicates))
    return columns


def make_table(columns: dict[str, Any]) -> pa.Table:
    """Columns as a table with null for NaN and "", as in a results folder."""

    def array(values: Any) -> pa.Array:
        values = np.asarray(values)
        if values.dtype.kind == "f":
            return pa.array(values, mask=np.isnan(values))
        if values.dtype.kind == "U":
            return pa.array(values.tolist(), mask=values == "").dictionary_encode()
        return pa.array(values)

    return pa.table({name: array(values) for name, values in columns.items()})


def make_ensemble(
    name: str,
    case: tuple[tuple[float, ...], float, float] | None = None,
    *,
    replicates: int = REPLICATES,
    scenario: Scenario | None = None,
    change: Callable[[dict[str, Any]], None] | None = None,
    paths: pa.Table | None = None,
) -> Ensemble:
    """One scenario's made-up replicates; `change` may rewrite the columns."""
    scenario = scenario or make_scenario(name)
    columns = make_outcomes(name, replicates, *(case or CASES[name]))
    if change is not None:
        change(columns)
    return Ensemble(
        name=name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=make_table(columns),
        paths=paths,
        scenario=scenario.plain(),
    )


def make_batch(*ensembles: Ensemble) -> Batch:
    manifest = {"seed": 1, "replicates": ensembles[0].replicates}
    return Batch(ensembles={ensemble.name: ensemble for ensemble in ensembles}, manifest=manifest)


def hours(moment: str) -> float:
    """Hours from the start of May 2025 to a moment written such as "05-07 01:05"."""
    at = datetime.fromisoformat(f"2025-{moment}+05:30")
    return (at - MAY_2025.start).total_seconds() / 3600.0


# Short crises to run with the model.

HARM = (
    '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)> '
    "[a](javascript:b) &amp; {{ 7 * 7 }} \u202eabc\x1b[31m"
)


def short(name: str = "short", title: str = "A short crisis") -> Scenario:
    text = template_text("short.yaml").replace("horizon_days: 60", "horizon_days: 25")
    scenario = Scenario.from_text(text, name)
    return scenario.model_copy(update={"title": title})


def alone(scenario: Scenario, name: str = "alone") -> Scenario:
    """The same without mediators, and with less exposed leaders."""
    plain = {**scenario.plain(), "name": name, "title": "Nobody mediates", "mediators": {}}
    first = next(iter(plain["states"]))
    plain["states"][first]["audience"] = 0.111
    for channel in plain["channels"].values():
        channel["opened_by"] = [one for one in channel["opened_by"] if one in plain["states"]]
    return Scenario.model_validate(plain)


def harmful() -> Scenario:
    """A scenario with malicious text in every free-text field."""
    plain = short().plain()
    plain |= {"title": HARM, "description": HARM, "sources": [HARM]}
    for section in ("states", "mediators", "lenders", "channels", "advisers"):
        for name, part in plain[section].items():
            part["title"] = f"{HARM} {name}"
    for event in plain["events"]:
        event["title"] = HARM
    names = {rung["name"]: f"{HARM} {place}" for place, rung in enumerate(plain["ladder"])}
    for rung in plain["ladder"]:
        rung["name"] = names[rung["name"]]
    for state in plain["states"].values():
        state["rung_at_start"] = names.get(state["rung_at_start"], "")
        state["market"]["index"] = HARM
    return Scenario.model_validate(plain)
