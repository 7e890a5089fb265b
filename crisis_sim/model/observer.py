"""Columns of the outcomes, and additional columns by an observer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.acts import ACTS, ANSWER_DAYS, RENEWED_AFTER_DAYS
from crisis_sim.model.agent import Agent
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE

__all__ = ["ACTS", "ANSWER_DAYS", "NEXT", "RENEWED_AFTER_DAYS", "RESPONSES", "Observer"]

#: Columns of times, and the variables of the crisis that they contain.
MILESTONES = {
    "ended_at_hours": "ended_at",
    "first_strike_at_hours": "first_strike_at",
    "mediation_started_at_hours": "mediated_at",
    "channel_opened_at_hours": "channel_at",
    "ceasefire_agreed_at_hours": "agreed_at",
    "ceasefire_in_effect_at_hours": "in_effect_at",
    "first_violation_at_hours": "violated_at",
    "relapsed_at_hours": "relapsed_at",
    "war_at_hours": "war_at",
    "nuclear_use_at_hours": "nuclear_use_at",
    "followed_until_hours": "followed_until",
    "first_fire_at_hours": "fire_at",
    "fire_paused_at_hours": "paused_at",
    "strikes_paused_at_hours": "strikes_paused_at",
    "over_at_hours": "over_at",
}

#: Paths are daily up to this horizon, days, and weekly above it.
LONGEST_BY_DAY = 366
#: Possible successors of an act.
NEXT = ("end", *ACTS)
#: Answers to a trigger, by ICB's categories of the major response; "" for none.
RESPONSES = ("", "verbal", "political_or_economic", "nonviolent_military", "violent")


def response_column(state: str) -> str:
    """Return the column with the state's answer to a violent trigger, one of `RESPONSES`."""
    return f"{state}_response"


def response_time_column(state: str) -> str:
    """Return the column with the time from the violent trigger to the answer, hours."""
    return f"{state}_response_hours"


def transition_column(act: str, following: str) -> str:
    """Return the column with the number of transitions from one kind of act to another, or to the end."""
    return f"next_{act}_{following}"


class Observer(Agent):
    """Adds columns on acts, answers and halts; pass the class in `agents`. It changes nothing in a crisis.

    **Answers.** A trigger is violent if it causes deaths, or takes its author to a rung with violence. The answer of the
    struck state is its highest act within `ANSWER_DAYS`, up to its first violent act.

    **Acts.** The acts of both states form one sequence. The kind of an act depends on its rung: war, force (other
    violence), display (the highest rung without violence) or threat (lower rungs). Continuing force, or a continuing
    display, counts again every `RENEWED_AFTER_DAYS`, unless a halt is in effect. During war all force counts as war.

    **Halts.** Strikes have halted when a ceasefire takes effect after the first strike, after a week without strikes, or
    when the crisis ends.
    """

    role = "observers"

    def outcomes(self) -> dict[str, NDArray[Any]]:
        model, c = self.model, self.model.crises
        columns: dict[str, NDArray[Any]] = {}
        kinds = np.array([_response(model.scenario, k) for k in range(len(model.scenario.ladder))])
        for k, name in enumerate(model.scenario.state_names):
            own = c["states"][:, k]
            answered = ~np.isnan(own["answer_at"])
            columns[f"{name}_struck_at_hours"] = own["struck_at"] * 24
            columns[response_column(name)] = np.where(answered, kinds[own["answer"]], "")
            columns[response_time_column(name)] = (own["answer_at"] - own["struck_at"]) * 24
        over = c["ending"] != ENDINGS.index("unresolved")
        for a, act in enumerate(ACTS):
            columns[transition_column(act, "end")] = (over & (c["last_act"] == a)).astype(np.int32)
            for b, following in enumerate(ACTS):
                counted = c["followed"][:, len(ACTS) * a + b]
                columns[transition_column(act, following)] = counted.astype(np.int32)
        struck = ~np.isnan(c["first_strike_at"])
        ceased = np.where(c["in_effect_at"] >= c["first_strike_at"], c["in_effect_at"], np.inf)
        paused = np.where(np.isnan(c["strikes_paused_at"]), np.inf, c["strikes_paused_at"])
        ended = np.where(np.isnan(c["ended_at"]), np.inf, c["ended_at"])
        halted = np.minimum(np.minimum(ceased, paused), ended)
        columns["last_fire_at_hours"] = c["last_fire"] * 24
        columns["halted_at_hours"] = np.where(struck & np.isfinite(halted), halted * 24, np.nan)
        return columns


def _response(scenario: Any, number: int) -> str:
    """Return the category of an act as an answer: rung 1 is verbal, the highest rung without violence military."""
    peaceful = [k for k, rung in enumerate(scenario.ladder) if rung.violence == "none"]
    if number == 0:
        return ""
    if number not in peaceful:
        return "violent"
    if number == peaceful[-1]:
        return "nonviolent_military"
    return "verbal" if number == 1 else "political_or_economic"


def columns_of(model: Any) -> dict[str, NDArray[Any]]:
    """Return the outcomes of a model: see `CrisisModel.outcomes`."""
    c, scenario = model.crises, model.scenario
    columns: dict[str, Any] = {name: c[time] * 24 for name, time in MILESTONES.items()}
    open_end = np.isnan(c["followed_until"])
    columns["followed_until_hours"][open_end] = c["now"][open_end] * 24
    columns |= {
        "ending": np.array(ENDINGS)[c["ending"]],
        "mediation_style": np.array(["", *STYLES])[c["style"]],
        "brokered_by": np.array(["", *scenario.mediators])[c["broker"]],
        "worst_violence": np.array(VIOLENCE)[c["worst"]],
        "peak_rung": c["peak_rung"].astype(np.int16),
        "nuclear_pair": c["states"]["nuclear"].all(axis=1),
        "deaths": c["deaths"].copy(),
        "acts": c["states"]["acts"].sum(axis=1),
        "operations": c["states"]["operations"].sum(axis=1),
        "replicate": model.replicate.astype(np.int64),
        "trigger_at_hours": np.full(model.rows, scenario.trigger_hours),
        "mediated": ~np.isnan(c["mediated_at"]),
        **model.labels,
    }
    for agent in (agent for agents in model.cast.values() for agent in agents):
        further = agent.outcomes()
        if repeated := next((name for name in further if name in columns), ""):
            raise ValueError(f"{type(agent).__name__}.outcomes: column '{repeated}' already exists")
        columns |= further
    return columns


def paths_of(model: Any) -> dict[str, NDArray[Any]]:
    """Return the paths that a model has stored: see `CrisisModel.kept_paths`."""
    kept, count, _ = model.paths.shape  # the days include the start
    days = np.arange(0, count, 1 if count - 1 <= LONGEST_BY_DAY else 7)
    reached = model.paths["rung"][:, :, 0] >= 0
    last = np.maximum.accumulate(np.where(reached, np.arange(count), 0), axis=1)[:, days]
    values = np.take_along_axis(model.paths, last[:, :, None], axis=1)
    columns = {
        "replicate": np.tile(model.first_replicate + np.arange(kept), days.size),
        "day": np.repeat(days, kept),
    }
    for k, name in enumerate(model.scenario.state_names):
        for quantity in ("market", "pressure", "rung"):
            columns[f"{name}_{quantity}"] = values[quantity][:, :, k].T.reshape(-1)
    return columns
