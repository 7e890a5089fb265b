"""What a state's options are worth to it, and which one it takes: quantal choice (McKelvey and Palfrey 1995).

A state that decides may yield, offer or accept a halt, hold its rung, or move up to `reach` rungs down or up its ladder
(May 2025 was "an elevator, not a ladder"). The equations are in docs/ODD.md, under "Decision".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crisis_sim.model.arrays import Array, Real, reals
from crisis_sim.model.compiled import routine, rule

#: The options, from the most yielding to the most escalatory: the same uniform number picks alike in paired crises.
YIELD, HALT, FIRST_RUNG = 0, 1, 2

#: What is at stake for a state, as long as the crisis lasts: its facts and how states behave, multiplied where they always
#: stand together (see `stakes_of`).
STAKES = np.dtype(
    [
        ("dread", np.float64),
        ("choice_precision", np.float64),
        *(
            (name, Real)
            for name in (
                "resolve", "claim", "saturation", "hope", "retaliation", "reciprocity", "aversion", "economic_restraint",
                "fatigue_restraint", "audience_cost", "success_cover", "unready_cost", "line_cost", "nuclear_taboo",
                "hurting", "settling_cost", "forgone_by_halt", "forgone_by_yielding", "mistrust", "rebuff_cost",
                "public_offer_cost", "yielding_cost", "change_cost", "effort", "reach",
            )
        ),
    ]
)  # fmt: skip

#: What a state sees when it decides.
#:
#: grievance: harm suffered and not answered, as far as it moves the state (saturating).
#: demand: that harm and the state's claim together, likewise.
#: seen: the rival's intensity as the state sees it.
#: commitment: the intensity to which it is publicly committed.
#: pressure, fatigue: economic pressure and fatigue.
#: unready: how far it is from being ready to strike, 1 to 0.
#: worst: the worst violence that either side has used so far, as its place in `VIOLENCE`.
#: answered: how far no grievance is left to answer, 0 to 1.
#: belief: chance, as it believes, that the rival accepts an offer.
#: accepting: 1 where the rival's offer of a halt stands, else 0.
SITUATION = reals(
    "grievance", "demand", "seen", "commitment", "pressure", "fatigue", "unready", "worst", "answered", "belief",
    "accepting",
)  # fmt: skip

_ZERO, _ONE = Real(0), Real(1)
#: Log odds beyond which it makes no difference.
_UTMOST = Real(60)
#: Log odds whose odds are nothing, as numbers go, and those whose odds are lost in a sum from 1 on.
_HOPELESS, _LOST = Real(-104), Real(-16.7)


def stakes_of(facts: Any, behaviour: Any, dread: Array) -> dict[str, Array]:
    """What is at stake for a state: a number for each field of `STAKES`.

    Args:
        facts: the state's numbers, as `StateSpec` has them.
        behaviour: how states behave, section by section.
        dread: its dread of full intensity.
    """
    decision, halt, harm = behaviour.decision, behaviour.halt, behaviour.harm
    return {
        "dread": dread,
        "choice_precision": decision.choice_precision,
        "resolve": facts.resolve,
        "claim": facts.claim,
        "saturation": harm.grievance_saturation,
        "hope": behaviour.fog.hope,
        "retaliation": decision.retaliation * facts.resolve,
        "reciprocity": decision.reciprocity * facts.resolve,
        "aversion": facts.mediation_aversion * behaviour.mediation.overt_cost,
        "economic_restraint": decision.economic_restraint,
        "fatigue_restraint": decision.fatigue_restraint,
        "audience_cost": decision.audience_cost * facts.audience,
        "success_cover": harm.success_cover,
        "unready_cost": decision.unready_cost,
        "line_cost": decision.line_cost,
        "nuclear_taboo": decision.nuclear_taboo,
        "hurting": decision.hurting,
        "settling_cost": halt.settling_cost,
        "forgone_by_halt": halt.forgone_retaliation * facts.resolve,
        "forgone_by_yielding": halt.forgone_retaliation,
        "mistrust": halt.mistrust,
        "rebuff_cost": halt.rebuff_cost,
        "public_offer_cost": halt.public_offer_cost * facts.audience,
        "yielding_cost": halt.yielding_cost,
        "change_cost": decision.change_cost,
        "effort": decision.effort,
        "reach": decision.reach,
    }


@rule
def weight_against(stakes: Any, now: Any, brought: Any) -> Any:
    """What weighs against full intensity: economic pressure, fatigue and the restraint of third parties."""
    return (
        stakes.economic_restraint * now.pressure
        + stakes.fatigue_restraint * now.fatigue
        + brought.restraint
    )


@rule
def slope(stakes: Any, now: Any, brought: Any) -> Any:
    """What full intensity is worth to it: the pull to retaliate and claim, less what weighs against."""
    return stakes.retaliation * now.demand - weight_against(stakes, now, brought)


@rule
def exposure(stakes: Any, now: Any, brought: Any) -> Any:
    """What a fall from full commitment to nothing would cost it, less what mediators' terms and claimed success save."""
    exposed = (_ONE - brought.cover) * (_ONE - stakes.success_cover * now.answered)
    return stakes.audience_cost * exposed


@rule
def audience_cost(now: Any, exposure: Any, intensity: Any) -> Any:
    """Cost of falling below one's public commitment."""
    return max(now.commitment - intensity, _ZERO) * exposure


@rule
def value_of_rung(stakes: Any, now: Any, slope: Any, exposure: Any, rung: Any) -> Any:
    """Value of being on a rung while the fight goes on."""
    value = Real(slope * rung.intensity - stakes.dread * rung.dread)
    value -= max(now.seen - rung.intensity, _ZERO) * stakes.reciprocity
    value -= audience_cost(now, exposure, rung.intensity)
    value -= stakes.unready_cost * now.unready * rung.strike
    value -= stakes.line_cost * max(rung.violence - now.worst, _ZERO)
    value -= stakes.nuclear_taboo * rung.nuclear
    value -= stakes.hurting * now.seen
    return value


@rule
def cost_of_change(stakes: Any, distance: Any) -> Any:
    """Cost of moving so many rungs, which are no more than `reach`."""
    return stakes.effort * distance + stakes.change_cost * min(distance, _ONE)


@rule
def value_of_halt(stakes: Any, now: Any, brought: Any, exposure: Any, rest: Any) -> Any:
    """Value of a halt that both keep, which brings the state to the rung `rest`."""
    value = brought.inducement - stakes.settling_cost
    value -= stakes.forgone_by_halt * now.grievance
    value -= stakes.mistrust * (_ONE - brought.trust)
    value -= stakes.aversion * brought.overtness
    value -= weight_against(stakes, now, brought) * rest.intensity
    return value - stakes.dread * rest.dread - audience_cost(now, exposure, rest.intensity)


@rule
def value_of_offer(
    stakes: Any, now: Any, brought: Any, value_of_halt: Any, hold: Any, lean: Any
) -> Any:
    """Value of asking for a halt: to accept the rival's standing offer, or else to make one, perhaps in vain.

    Who makes an offer expects to decide once more, by `lean`, when it is taken up.
    """
    if now.accepting > 0:
        return value_of_halt
    taken_up = lean * value_of_halt + (1 - lean) * hold
    asking = now.belief * taken_up + (_ONE - now.belief) * (hold - stakes.rebuff_cost)
    return asking - stakes.public_offer_cost * (_ONE - brought.privacy)


@rule
def value_of_yielding(stakes: Any, now: Any, exposure: Any) -> Any:
    """Value of giving the rival what it wants."""
    lost = stakes.yielding_cost + stakes.forgone_by_yielding * now.grievance
    return -stakes.resolve * lost - audience_cost(now, exposure, _ZERO)


@routine
def weigh(
    odds: Any,
    rung: Any,
    armed: Any,
    stakes: Any,
    now: Any,
    brought: Any,
    ladder: Any,
    course: Any,
) -> Any:
    """Value all options, and say how far the state leans to a halt rather than to going on, 0 to 1.

    Args:
        odds: what to fill with each option's log odds against the best one; minus infinity for what cannot be done.
        rung, armed: the state's rung, and whether it has nuclear weapons.
        stakes, now, brought: what is at stake, what it sees, and what third parties bring to bear.
        ladder: what each rung means.
        course: says what the highest rung is that a halt leaves, and the lowest nuclear one.
    """
    count, nuclear_rung = ladder.shape[0], course.nuclear_rung
    pull, exposed = slope(stakes, now, brought), exposure(stakes, now, brought)
    rest = ladder[min(rung, course.halt_rung)]
    peace = value_of_halt(stakes, now, brought, exposed, rest)
    hold = _ZERO
    odds[YIELD] = value_of_yielding(stakes, now, exposed)
    for option in range(count):
        distance = Real(abs(option - rung))
        worth = Real(-np.inf)
        if distance <= stakes.reach:
            worth = value_of_rung(stakes, now, pull, exposed, ladder[option])
            worth -= cost_of_change(stakes, distance)
            if option == rung:
                hold = Real(worth)
            # Nuclear weapons are used only by who has them, and only from the rung below.
            if option >= nuclear_rung and (rung < nuclear_rung - 1 or not armed):
                worth = Real(-np.inf)
        odds[FIRST_RUNG + option] = worth
    lean = logistic(stakes.choice_precision * (peace - hold))
    odds[HALT] = value_of_offer(stakes, now, brought, peace, hold, lean)
    best = odds[YIELD]
    for option in range(HALT, FIRST_RUNG + count):
        best = max(best, odds[option])
    for option in range(FIRST_RUNG + count):
        odds[option] = (odds[option] - best) * Real(stakes.choice_precision)
    return lean


@rule
def logistic(log_odds: Any) -> Any:
    """The probability that has these log odds."""
    return _ONE / (_ONE + math.exp(-min(max(log_odds, -_UTMOST), _UTMOST)))


@routine
def pick(odds: Any, uniform: Any) -> Any:
    """The option taken: each with a probability in proportion to its odds.

    Args:
        odds: the options' log odds; they become their odds, added up.
        uniform: a number in [0, 1).
    """
    total = _ZERO
    for option in range(odds.size):
        if odds[option] > (_HOPELESS if total < _ONE else _LOST):
            total += math.exp(odds[option])
        odds[option] = total
    mark = uniform * total
    taken = 0
    for option in range(odds.size - 1):
        taken += odds[option] <= mark
    return taken
