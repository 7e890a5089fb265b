"""What a state's options are worth to it, and which one it takes: quantal choice (McKelvey and Palfrey 1995).

A state that decides may yield, offer or accept a halt, hold its rung, or move up to `reach` rungs down or up its ladder
(May 2025 was "an elevator, not a ladder"). The equations are in docs/ODD.md, under "Decision".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Influence
from crisis_sim.model.arrays import Array, Real

#: The options, from the most yielding to the most escalatory: the same uniform number picks alike in paired crises.
YIELD, HALT, FIRST_RUNG = 0, 1, 2


@dataclass(slots=True)
class Situation:
    """What a state weighs, in the m replicates in which it decides: arrays of shape (m,), or numbers shared by all.

    Attributes:
        resolve, audience, aversion: the state's facts.
        dread: its dread of full intensity.
        grievance: harm suffered and not answered, as far as it moves the state (saturating).
        demand: that harm and the state's claim together, likewise.
        seen: the rival's intensity as the state sees it.
        commitment: the intensity to which it is publicly committed.
        pressure, fatigue: economic pressure and fatigue.
        unready: how far it is from being ready to strike, 1 to 0.
        worst: the worst violence that either side has used so far, as its place in `VIOLENCE`.
        answered: how far no grievance is left to answer, 0 to 1.
        accepting: whether the rival's offer of a halt stands.
        belief: chance, as it believes, that the rival accepts an offer.
        influence: what third parties bring to bear.
    """

    resolve: Array
    audience: Array
    aversion: Array
    dread: Array
    grievance: Array
    demand: Array
    seen: Array
    commitment: Array
    pressure: Array
    fatigue: Array
    unready: Array
    worst: Array
    answered: Array
    accepting: Array
    belief: Array
    influence: Influence


@dataclass(slots=True)
class Rungs:
    """Rungs as options: arrays of shape (rungs, m), or (rungs, 1) where they are alike for all replicates."""

    intensity: NDArray[np.float32]
    dread: NDArray[np.float32]
    strike: NDArray[np.float32]
    violence: NDArray[np.float32]
    nuclear: NDArray[np.float32]


def weight_against(situation: Situation, decision: Any) -> Array:
    """What weighs against full intensity: economic pressure, fatigue and the restraint of third parties."""
    return (
        decision.economic_restraint * situation.pressure
        + decision.fatigue_restraint * situation.fatigue
        + situation.influence.restraint
    )


def audience_cost(
    situation: Situation, intensity: Array, decision: Any, success_cover: Array
) -> Array:
    """Cost of falling below one's public commitment, less what mediators' terms and claimed success save."""
    exposed = (1 - situation.influence.cover) * (1 - success_cover * situation.answered)
    fall = np.maximum(situation.commitment - intensity, 0)
    fall *= decision.audience_cost * situation.audience * exposed
    return fall


def value_of_rungs(
    situation: Situation, rungs: Rungs, decision: Any, success_cover: Array
) -> NDArray[np.float32]:
    """Value of being on each rung while the fight goes on, shape (rungs, m)."""
    pull = decision.retaliation * situation.resolve * situation.demand
    value: NDArray[np.float32] = (pull - weight_against(situation, decision)) * rungs.intensity
    value -= situation.dread * rungs.dread
    outdone = np.maximum(situation.seen - rungs.intensity, 0)
    outdone *= decision.reciprocity * situation.resolve
    value -= outdone
    value -= audience_cost(situation, rungs.intensity, decision, success_cover)
    if np.any(situation.unready):
        value -= decision.unready_cost * situation.unready * rungs.strike
    value -= decision.line_cost * np.maximum(rungs.violence - situation.worst, 0)
    for rung in np.flatnonzero(rungs.nuclear.any(axis=1)):
        value[rung] -= decision.nuclear_taboo * rungs.nuclear[rung]
    value -= decision.hurting * situation.seen
    return value


def cost_of_change(rung: NDArray[np.intp], count: int, decision: Any) -> NDArray[np.float32]:
    """Cost of going from the present rung to each of `count` rungs, shape (count, m); infinite beyond reach."""
    distance = np.abs(np.arange(count, dtype=Real)[:, None] - rung.astype(Real))
    cost = np.asarray(decision.effort * distance + decision.change_cost * np.minimum(distance, 1))
    cost[distance > decision.reach] = np.inf
    return cost


def value_of_halt(
    situation: Situation,
    intensity: Array,
    dread: Array,
    decision: Any,
    halt: Any,
    success_cover: Array,
) -> NDArray[np.float32]:
    """Value of a halt that both keep, with the intensity and dread of the rung to which it brings the state, shape (m,)."""
    influence = situation.influence
    value = influence.inducement - halt.settling_cost
    value = value - halt.forgone_retaliation * situation.resolve * situation.grievance
    value = value - halt.mistrust * (1 - influence.trust)
    value = value - situation.aversion * influence.overtness
    value = value - weight_against(situation, decision) * intensity
    value = value - situation.dread * dread
    return np.asarray(value - audience_cost(situation, intensity, decision, success_cover))


def value_of_offer(
    situation: Situation, value_of_halt: Array, hold: Array, lean: Array, halt: Any
) -> Array:
    """Value of asking for a halt: to accept the rival's standing offer, or else to make one, perhaps in vain.

    Who makes an offer expects to decide once more, by `lean`, when it is taken up.
    """
    belief, influence = situation.belief, situation.influence
    taken_up = lean * value_of_halt + (1 - lean) * hold
    asking = belief * taken_up + (1 - belief) * (hold - halt.rebuff_cost)
    asking = asking - halt.public_offer_cost * situation.audience * (1 - influence.privacy)
    return np.where(situation.accepting, value_of_halt, asking)


def value_of_yielding(
    situation: Situation, decision: Any, halt: Any, success_cover: Array
) -> Array:
    """Value of giving the rival what it wants."""
    lost = halt.yielding_cost + halt.forgone_retaliation * situation.grievance
    return -situation.resolve * lost - audience_cost(situation, 0.0, decision, success_cover)


def choose(
    values: NDArray[np.float32], precision: Array, uniform: NDArray[np.float32]
) -> NDArray[np.intp]:
    """The option taken: option k with probability proportional to exp(precision * values[k]).

    Args:
        values: shape (options, m); minus infinity for what cannot be done.
        precision: how sharply values decide.
        uniform: numbers in [0, 1), shape (m,).
    """
    odds = values - values.max(axis=0)
    odds *= precision
    np.exp(odds, out=odds)
    for option in range(1, len(odds)):
        odds[option] += odds[option - 1]
    passed = (odds <= uniform * odds[-1]).sum(axis=0, dtype=np.int8)
    return np.asarray(np.minimum(passed, len(values) - 1), np.intp)


def leaning(value_of_halt: Array, hold: Array, precision: Array) -> Array:
    """How far a state leans to a halt rather than to going on as it does: the logit of the two, 0 to 1."""
    return logistic(precision * (value_of_halt - hold))


def logistic(log_odds: Array) -> Array:
    """The probability that has these log-odds."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -60, 60)))
