"""Columns of outcomes: those that all crises have, and those that an observer adds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.acts import ACTS, ANSWER_DAYS, RENEWED_AFTER_DAYS
from crisis_sim.model.engine import Agent
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE

__all__ = ["ACTS", "ANSWER_DAYS", "NEXT", "RENEWED_AFTER_DAYS", "RESPONSES", "Observer"]

#: Columns of outcomes that are times, and the time of the crisis that each is.
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

#: Paths are kept day by day up to this horizon, days, and week by week beyond it.
LONGEST_BY_DAY = 366
#: What an act is followed by.
NEXT = ("end", *ACTS)
#: How a state answers a trigger, in the words of ICB's major response; "" where it does not.
RESPONSES = ("", "verbal", "political_or_economic", "nonviolent_military", "violent")


def struck_column(state: str) -> str:
    """The column that says when a violent trigger struck the state, in hours from the start."""
    return f"{state}_struck_at_hours"


def response_column(state: str) -> str:
    """The column that says how a state answered a violent trigger, one of `RESPONSES`."""
    return f"{state}_response"


def response_time_column(state: str) -> str:
    """The column that says how many hours after the violent trigger the answer came."""
    return f"{state}_response_hours"


def transition_column(act: str, following: str) -> str:
    """The column that counts how often an act of one kind was followed by another, or by the end."""
    return f"next_{act}_{following}"


class Observer(Agent):
    """Writes down what the model counts; pass the class itself in `agents`. It decides nothing and draws no luck.

    **Answers.** A trigger is violent where it brings deaths, or its author to a violent rung. The answer of the state that
    it strikes is its highest act within `ANSWER_DAYS`, up to its first with violence.

    **Acts.** Those of both states form one sequence. An act is of the kind of its rung: war, force (other violence), display
    (the highest rung without violence) or threat (those below). Force or a display that goes on counts anew every
    `RENEWED_AFTER_DAYS`, while no halt holds. Once there is war, all force is war until it ends.

    **Halts.** Strikes have halted when a ceasefire takes effect after the first strike, when there was none for a week, or
    when the crisis ended.
    """

    role = "observers"

    def outcomes(self) -> dict[str, NDArray[Any]]:
        model, c = self.model, self.model.crises
        columns: dict[str, NDArray[Any]] = {}
        kinds = np.array([_response(model.scenario, k) for k in range(len(model.scenario.ladder))])
        for k, name in enumerate(model.scenario.state_names):
            own = c["states"][:, k]
            answered = ~np.isnan(own["answer_at"])
            columns[struck_column(name)] = own["struck_at"] * 24
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


def _response(scenario: Any, rung: int) -> str:
    """The kind of answer that an act is: the lowest above calm is verbal, the highest without violence military."""
    peaceful = [k for k, one in enumerate(scenario.ladder) if one.violence == "none"]
    if rung == 0:
        return ""
    if rung not in peaceful:
        return "violent"
    if rung == peaceful[-1]:
        return "nonviolent_military"
    return "verbal" if rung == 1 else "political_or_economic"


def columns_of(model: Any) -> dict[str, NDArray[Any]]:
    """The outcomes of a model: see `CrisisModel.outcomes`."""
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
    for one in (one for agents in model.cast.values() for one in agents):
        more = one.outcomes()
        if twice := next((name for name in more if name in columns), ""):
            raise ValueError(f"{type(one).__name__}.outcomes: there is a column '{twice}' already")
        columns |= more
    return columns


def paths_of(model: Any) -> dict[str, NDArray[Any]]:
    """The paths that a model has kept: see `CrisisModel.kept_paths`."""
    kept, count, _ = model.paths.shape  # of days, the start among them
    days = np.arange(0, count, 1 if count - 1 <= LONGEST_BY_DAY else 7)
    came = model.paths["rung"][:, :, 0] >= 0
    last = np.maximum.accumulate(np.where(came, np.arange(count), 0), axis=1)[:, days]
    held = np.take_along_axis(model.paths, last[:, :, None], axis=1)
    columns = {
        "replicate": np.tile(model.first_replicate + np.arange(kept), days.size),
        "day": np.repeat(days, kept),
    }
    for k, name in enumerate(model.scenario.state_names):
        for what in ("market", "pressure", "rung"):
            columns[f"{name}_{what}"] = held[what][:, :, k].T.reshape(-1)
    return columns
