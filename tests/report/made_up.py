"""Made-up batches, crises and short scenarios for any test case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.cli.new_scenario import template_text
from crisis_sim.model.journal import Entry, Journal
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import label

#: An entry's moment (month, day and time), kind, agent and detail.
EntryFacts = tuple[str, str, str, dict[str, Any]]

REPLICATES = 800
HORIZON_DAYS = 60.0
FOLLOW_UP_HOURS = 14 * 24.0
ENDINGS = np.array(["agreement", "tacit", "unilateral", "imposed", "faded", "unresolved"])

PAKISTAN = (118383.38, 118430.35, 117226.15, 111326.58, 113568.51, 110009.03, 103526.82, 107174.64)
INDIA = (24167.25, 24328.95, 24334.20, 24379.60, 24414.40, 24273.80, 24008.00)
DAYS = ["04-21", "04-22", "04-23", "04-30", "05-06", "05-07", "05-08", "05-09", "05-12", "05-23"]
#: Some of the real closes, by month and day.
REAL_CLOSES: dict[str, tuple[str, dict[str, float]]] = {
    "pakistan": ("KSE-100", dict(zip(DAYS, (*PAKISTAN, 117297.73, 119102.67), strict=True))),
    "india": ("NIFTY 50", dict(zip(DAYS[1:8], INDIA, strict=True))),
}

MAY_2025: dict[str, Any] = YAML(typ="safe").load(
    """
name: may_2025
title: India and Pakistan, May 2025
start: 2025-04-22T15:00+05:30
horizon_days: 60.0
states:
  india: {title: India, resolve: 0.7, audience: 0.8, market: {index: NIFTY 50}}
  pakistan: {title: Pakistan, resolve: 0.6, audience: 0.6, market: {index: KSE-100}}
mediators:
  us: {title: United States, style: manipulation}
  saudi_arabia: {title: Saudi Arabia, style: formulation}
  china: {title: China}
lenders:
  imf:
    title: International Monetary Fund
    borrower: pakistan
    reviews:
    - {at: 2025-05-09T20:00+05:30, title: first review of the programme, amount_usd_bn: 1.0}
channels:
  nsa_line: {title: line between the security advisers, opened_by: [pakistan, us]}
  military_hotline: {title: military hotline, standing: true}
advisers:
  nawaz_sharif: {title: Nawaz Sharif, state: pakistan}
events:
- {at: 2025-04-22T15:00+05:30, title: Gunmen kill 26 tourists at Pahalgam, kind: trigger, struck: india, deaths: 26}
real_path:
  first_strike: 2025-05-07T01:05+05:30
  ceasefire_agreed: 2025-05-10T15:35+05:30
  ceasefire_in_effect: 2025-05-10T17:00+05:30
  rungs:
    india:
    - [2025-04-22T15:00+05:30, protest]
    - [2025-04-23T21:00+05:30, diplomatic and economic coercion]
    - [2025-04-24T22:00+05:30, border fire]
    - [2025-05-07T01:05+05:30, limited strike]
    - [2025-05-08T06:00+05:30, air and drone exchange]
    - [2025-05-10T02:39+05:30, strikes on military bases]
    - [2025-05-10T17:00+05:30, mobilisation]
    pakistan:
    - [2025-04-22T15:00+05:30, calm]
    - [2025-04-24T14:00+05:30, diplomatic and economic coercion]
    - [2025-04-24T22:00+05:30, border fire]
    - [2025-05-07T20:30+05:30, air and drone exchange]
    - [2025-05-10T05:00+05:30, strikes on military bases]
    - [2025-05-10T17:00+05:30, mobilisation]
  events:
  - {at: 2025-05-09T20:00+05:30, text: The IMF's board completes its review}
  - {at: 2025-05-10T17:25+05:30, text: The United States announces a ceasefire}
""".replace("2025-", "!!str 2025-")
)
MAY_2025["real_path"]["markets"] = {
    state: {"index": index, "closes": [(f"2025-{day}", close) for day, close in days.items()]}
    for state, (index, days) in REAL_CLOSES.items()
}

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
    """The made-up May 2025, with parts changed or (None) taken out."""
    title = {} if name == "may_2025" else {"title": label(name)}
    parts = {**MAY_2025, "name": name, **title, **changes}
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
    brokers = np.array(["", "us", "saudi_arabia"])[luck.integers(0, 3, replicates)]
    calm = np.where(struck, "serious clashes", "minor clashes")

    def when(came: Any, hours: Any) -> Any:
        return np.where(came, hours, np.nan)

    columns: dict[str, Any] = {
        "scenario": np.full(replicates, name),
        "replicate": np.arange(replicates),
        "ending": ending,
        "ended_at_hours": when(ending != "unresolved", over),
        "trigger_at_hours": np.zeros(replicates),
        "first_strike_at_hours": strike,
        "mediated": mediated,
        "mediation_started_at_hours": when(mediated, origin + 20.0),
        "mediation_style": np.where(mediated, "manipulation", ""),
        "channel_opened_at_hours": origin + 10.0,
        "ceasefire_agreed_at_hours": when(agreed, over - 1.4),
        "ceasefire_in_effect_at_hours": when(agreed, over),
        "brokered_by": np.where(agreed & mediated, brokers, ""),
        "first_violation_at_hours": when(agreed & (luck.random(replicates) < 0.4), over + 3.0),
        "relapsed_at_hours": when(relapsed, over + 60.0),
        "war_at_hours": when(at_war, strike + 30.0),
        "nuclear_use_at_hours": when(nuclear, strike + 80.0),
        "worst_violence": np.where(at_war, "full-scale war", calm),
        "peak_rung": np.where(at_war, 8, np.where(struck, luck.integers(5, 8, replicates), 4)),
        "deaths": np.where(at_war, 4000.0, 60.0) * luck.lognormal(0.0, 0.5, replicates),
        "followed_until_hours": np.minimum(np.where(agreed, over + FOLLOW_UP_HOURS, over), horizon),
        "first_fire_at_hours": strike - 60.0,
        "fire_paused_at_hours": np.where(struck & (ending != "unresolved"), over, np.nan),
        "strikes_paused_at_hours": np.where(struck, strike + 0.6 * (over - strike), np.nan),
        "over_at_hours": np.where(ending != "unresolved", over, np.nan),
        "acts": np.where(struck, 6, 2),
        "operations": np.where(struck, 3, 0),
        "us_engaged_at_hours": when(mediated, origin + 20.0),
        "imf_decided_at_hours": np.full(replicates, np.nan),
    }
    for state, fall in (("india", 0.015), ("pakistan", 0.12)):
        columns[f"{state}_lowest_market"] = np.exp(-fall * luck.lognormal(0.0, 0.3, replicates))
        pressure = 4.0 * fall * luck.lognormal(0.0, 0.4, replicates)
        columns[f"{state}_highest_pressure"] = np.clip(pressure, 0, 1)
        rebound = fall * luck.lognormal(-0.2, 0.4, replicates)
        columns[f"{state}_market_rebound"] = when(agreed, rebound)
    return columns


def make_paths(name: str, outcomes: dict[str, Any], kept: int) -> pa.Table:
    """Daily markets, pressures and rungs of the first replicates."""
    luck = np.random.default_rng(1)
    days = np.arange(int(HORIZON_DAYS) + 1)
    strike, halt = (
        outcomes[f"{what}_at_hours"][:kept, None] / 24 for what in ("first_strike", "ended")
    )
    columns: dict[str, Any] = {
        "scenario": np.full(kept * len(days), name),
        "replicate": np.repeat(np.arange(kept), len(days)),
        "day": np.tile(days, kept),
    }
    fire = (days >= strike) & ~(days >= halt)
    tense = (days >= 1) & ~(days >= halt)
    for state, fall, noise in (("india", 0.01, 0.006), ("pakistan", 0.10, 0.011)):
        steps = luck.normal(0.0, noise, (kept, len(days)))
        steps[:, 0] = 0.0
        steps[days > np.nan_to_num(halt, nan=1e9) + 1.0] = 0.0
        level = np.exp(np.cumsum(steps, axis=1) - fall * (0.4 * tense + 0.6 * fire))
        columns[f"{state}_market"] = level.ravel()
        columns[f"{state}_pressure"] = (4 * fall * (0.4 * tense + 0.6 * fire)).ravel()
        columns[f"{state}_rung"] = (1 + 2 * tense + 3 * fire).ravel()
    return pa.table(columns)


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
    paths: bool = True,
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
        paths=make_paths(name, columns, min(replicates, 200)) if paths else None,
        scenario=scenario.plain(),
    )


def make_batch(*ensembles: Ensemble) -> Batch:
    manifest = {"seed": 1, "replicates": ensembles[0].replicates}
    return Batch(ensembles={ensemble.name: ensemble for ensemble in ensembles}, manifest=manifest)


def hours(moment: str) -> float:
    """Hours from the made-up scenario's start to a moment written such as "05-07 01:05"."""
    at = datetime.fromisoformat(f"2025-{moment}+05:30")
    return (at - datetime.fromisoformat(MAY_2025["start"])).total_seconds() / 3600.0


CLAIMS = "diplomatic and economic coercion"
FIRE = "border fire"
STRIKE = "limited strike"
DRONES = "air and drone exchange"
WAR = "full-scale war"
REVIEW = {"decision": "approved", "vote": "abstain"}


def act(moment: str, state: str, rung: str) -> EntryFacts:
    return moment, "act", state, {"to_rung": rung}


#: A crisis much like the real one, with nearly every kind of entry that a journal knows.
ENTRIES: tuple[EntryFacts, ...] = (
    ("04-22 15:00", "trigger", "india", {"title": "Gunmen kill 26 at Pahalgam", "deaths": 26.0}),
    act("04-23 18:00", "india", CLAIMS),
    act("04-24 15:00", "pakistan", CLAIMS),
    act("04-26 21:00", "india", FIRE),
    act("04-26 21:00", "pakistan", FIRE),
    ("04-27 09:00", "operation_ended", "india", {"rung": FIRE}),
    ("04-28 06:00", "planned", "india", {"rung": STRIKE}),
    ("04-29 06:00", "planned", "pakistan", {"rung": DRONES}),
    ("04-29 18:00", "plan_dropped", "pakistan", {"rung": DRONES}),
    ("04-30 03:00", "incident", "pakistan", {"title": "Shelling hits a village", "deaths": 2.0}),
    ("05-05 09:00", "spoke", "nawaz_sharif", {"stance": "dove"}),
    act("05-06 18:00", "india", STRIKE),
    ("05-06 18:00", "first_strike", "india", {}),
    act("05-07 21:00", "pakistan", DRONES),
    act("05-08 00:00", "india", DRONES),
    ("05-08 03:00", "accident", "pakistan", {}),
    ("05-08 12:00", "engaged", "us", {}),
    ("05-08 12:00", "channel_opened", "nsa_line", {}),
    ("05-08 21:00", "engaged", "china", {}),
    ("05-08 21:00", "refused", "china", {"by": "india"}),
    ("05-09 20:00", "decided", "imf", {**REVIEW, "amount_usd_bn": 1.0, "title": "first review"}),
    ("05-09 20:00", "decided", "imf", {**REVIEW, "amount_usd_bn": 1.4, "title": "new facility"}),
    act("05-10 00:00", "india", WAR),
    ("05-10 00:00", "war", "india", {}),
    ("05-10 06:00", "channel_broke", "nsa_line", {}),
    ("05-10 09:00", "offered", "pakistan", {}),
    ("05-10 12:00", "agreed", "", {"by": "us"}),
    ("05-10 15:24", "in_effect", "", {}),
    ("05-10 21:00", "violation", "pakistan", {}),
    ("05-10 21:00", "absorbed", "india", {}),
    ("05-24 15:00", "ended", "", {"ending": "agreement"}),
)


def make_journal(entries: Sequence[EntryFacts] = ENTRIES) -> Journal:
    """A journal of these entries, with the series that they imply."""
    journal = Journal()
    for moment, kind, agent, detail in entries:
        journal.entries.append(Entry(hours(moment), kind, agent, detail))
    rungs = [rung.name for rung in make_scenario().ladder]
    last = max(entry.hours for entry in journal.entries)
    level = {"india": 0.0, "pakistan": 0.0}
    for now in np.arange(0.0, last + 3.0, 3.0):
        for entry in journal.entries:
            if now - 3.0 < entry.hours <= now and "to_rung" in entry.detail:
                level[entry.agent] = float(rungs.index(entry.detail["to_rung"]))
            elif now - 3.0 < entry.hours <= now and entry.kind == "in_effect":
                level = dict.fromkeys(level, float(rungs.index(CLAIMS)))
        danger = max(level.values()) / 9.0
        came = {entry.kind for entry in journal.entries if entry.hours <= now}
        review = hours("05-09 20:00")
        for name, value in (
            {
                "hours": float(now),
                "danger": danger,
                "india_rung": level["india"],
                "pakistan_rung": level["pakistan"],
                "india_pressure": 0.1 * danger,
                "pakistan_pressure": min(1.0, 0.8 * danger),
                "india_market": 1.0 - 0.02 * danger,
                "pakistan_market": 1.0 - 0.15 * danger,
                "us_effort": float("engaged" in came) * danger,
                "saudi_arabia_effort": 0.0,
                "china_effort": 0.3 * float(hours("05-08 21:00") <= now),
                "nsa_line_open": float(hours("05-08 12:00") <= now < hours("05-10 06:00")),
                "military_hotline_open": 1.0,
                "nawaz_sharif_voice": 0.6 * float("spoke" in came),
                "imf_nearness": float(np.exp((now - review) / 72.0)) if now < review else 0.0,
            }
        ).items():
            journal.series.setdefault(name, []).append(value)
    return journal


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
