"""What a state's options are worth to it, and which one it takes: quantal choice (McKelvey and Palfrey 1995).

A state that decides may yield, offer or accept a halt, hold its rung, or move up to `reach` rungs down or up its ladder
(May 2025 was "an elevator, not a ladder"). The equations are in docs/ODD.md, under "Decision". The rules below speak of one
state in one replicate; `weigh`, `complete` and `pick` go through all replicates in which a state decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Array, Flags, Indices, Real, reals
from crisis_sim.model.compiled import compiled

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

#: What third parties bring to bear on a state: see `crisis_sim.model.agent.Influence`.
INFLUENCE = reals(
    "restraint", "inducement", "cover", "information", "privacy", "trust", "overtness"
)

_ZERO, _ONE = Real(0), Real(1)
#: Log odds beyond which it makes no difference.
_UTMOST = 60


def stakes_of(facts: Any, behaviour: Any, dread: Array, replicates: int) -> NDArray[np.void]:
    """What is at stake for a state: records of `STAKES`, shape (replicates,).

    Args:
        facts: the state's numbers, as `StateSpec` has them.
        behaviour: how states behave, section by section.
        dread: its dread of full intensity.
        replicates: how many there are.
    """
    decision, halt, harm = behaviour.decision, behaviour.halt, behaviour.harm
    stakes = np.empty(replicates, STAKES)
    stakes["dread"] = dread
    stakes["choice_precision"] = decision.choice_precision
    stakes["resolve"] = facts.resolve
    stakes["claim"] = facts.claim
    stakes["saturation"] = harm.grievance_saturation
    stakes["hope"] = behaviour.fog.hope
    stakes["retaliation"] = decision.retaliation * facts.resolve
    stakes["reciprocity"] = decision.reciprocity * facts.resolve
    stakes["aversion"] = facts.mediation_aversion * behaviour.mediation.overt_cost
    stakes["economic_restraint"] = decision.economic_restraint
    stakes["fatigue_restraint"] = decision.fatigue_restraint
    stakes["audience_cost"] = decision.audience_cost * facts.audience
    stakes["success_cover"] = harm.success_cover
    stakes["unready_cost"] = decision.unready_cost
    stakes["line_cost"] = decision.line_cost
    stakes["nuclear_taboo"] = decision.nuclear_taboo
    stakes["hurting"] = decision.hurting
    stakes["settling_cost"] = halt.settling_cost
    stakes["forgone_by_halt"] = halt.forgone_retaliation * facts.resolve
    stakes["forgone_by_yielding"] = halt.forgone_retaliation
    stakes["mistrust"] = halt.mistrust
    stakes["rebuff_cost"] = halt.rebuff_cost
    stakes["public_offer_cost"] = halt.public_offer_cost * facts.audience
    stakes["yielding_cost"] = halt.yielding_cost
    stakes["change_cost"] = decision.change_cost
    stakes["effort"] = decision.effort
    stakes["reach"] = decision.reach
    return stakes


@compiled
def weight_against(stakes: Any, now: Any, brought: Any) -> Any:
    """What weighs against full intensity: economic pressure, fatigue and the restraint of third parties."""
    return (
        stakes.economic_restraint * now.pressure
        + stakes.fatigue_restraint * now.fatigue
        + brought.restraint
    )


@compiled
def slope(stakes: Any, now: Any, brought: Any) -> Any:
    """What full intensity is worth to it: the pull to retaliate and claim, less what weighs against."""
    return stakes.retaliation * now.demand - weight_against(stakes, now, brought)


@compiled
def exposure(stakes: Any, now: Any, brought: Any) -> Any:
    """What a fall from full commitment to nothing would cost it, less what mediators' terms and claimed success save."""
    exposed = (_ONE - brought.cover) * (_ONE - stakes.success_cover * now.answered)
    return stakes.audience_cost * exposed


@compiled
def audience_cost(now: Any, exposure: Any, intensity: Any) -> Any:
    """Cost of falling below one's public commitment."""
    return max(now.commitment - intensity, _ZERO) * exposure


@compiled
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


@compiled
def cost_of_change(stakes: Any, distance: Any) -> Any:
    """Cost of moving so many rungs, which are no more than `reach`."""
    return stakes.effort * distance + stakes.change_cost * min(distance, _ONE)


@compiled
def value_of_halt(stakes: Any, now: Any, brought: Any, exposure: Any, rest: Any) -> Any:
    """Value of a halt that both keep, which brings the state to the rung `rest`."""
    value = brought.inducement - stakes.settling_cost
    value -= stakes.forgone_by_halt * now.grievance
    value -= stakes.mistrust * (_ONE - brought.trust)
    value -= stakes.aversion * brought.overtness
    value -= weight_against(stakes, now, brought) * rest.intensity
    return value - stakes.dread * rest.dread - audience_cost(now, exposure, rest.intensity)


@compiled
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


@compiled
def value_of_yielding(stakes: Any, now: Any, exposure: Any) -> Any:
    """Value of giving the rival what it wants."""
    lost = stakes.yielding_cost + stakes.forgone_by_yielding * now.grievance
    return -stakes.resolve * lost - audience_cost(now, exposure, _ZERO)


@compiled
def weigh(
    who: Indices,
    rungs: Indices,
    armed: Flags,
    stakes: NDArray[np.void],
    situations: NDArray[np.void],
    influences: NDArray[np.void],
    steps: NDArray[np.void],
    halt_rung: int,
    nuclear_rung: int,
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float32], NDArray[np.float64]]:
    """Value all options but that of a halt, which hangs on how far the state leans to it.

    Args:
        who: the m replicates in which the state decides.
        rungs, armed, stakes: the state's rung, whether it has nuclear weapons, and its stakes, over all replicates.
        situations, influences: what it sees and what third parties bring to bear, shape (m,).
        steps: the ladder, shape (replicates or 1, rungs).
        halt_rung: the highest rung that a halt leaves.
        nuclear_rung: the lowest nuclear rung.

    Returns:
        the values, shape (m, options), minus infinity for what cannot be done; the value of a halt that both keep; that of
        going on as it does; and the log odds against a halt rather than going on: (m,) each.
    """
    count, last = steps.shape[1], steps.shape[0] - 1
    values = np.empty((who.size, FIRST_RUNG + count), Real)
    peace = np.empty(who.size, np.float64)
    hold = np.empty(who.size, Real)
    against = np.empty(who.size, np.float64)
    for place in range(who.size):
        one = who[place]
        own, now, brought = stakes[one], situations[place], influences[place]
        ladder, rung = steps[min(one, last)], rungs[one]
        pull, exposed = slope(own, now, brought), exposure(own, now, brought)
        peace[place] = value_of_halt(own, now, brought, exposed, ladder[min(rung, halt_rung)])
        values[place, YIELD] = value_of_yielding(own, now, exposed)
        for option in range(count):
            distance = Real(abs(option - rung))
            worth = Real(-np.inf)
            if distance <= own.reach:
                worth = value_of_rung(own, now, pull, exposed, ladder[option])
                worth -= cost_of_change(own, distance)
                if option == rung:
                    hold[place] = worth
                # Nuclear weapons are used only by who has them, and only from the rung below.
                if option >= nuclear_rung and (rung < nuclear_rung - 1 or not armed[one]):
                    worth = Real(-np.inf)
            values[place, FIRST_RUNG + option] = worth
        gain = own.choice_precision * (peace[place] - hold[place])
        against[place] = -min(max(gain, -_UTMOST), _UTMOST)
    return values, peace, hold, against


@compiled
def complete(
    who: Indices,
    stakes: NDArray[np.void],
    situations: NDArray[np.void],
    influences: NDArray[np.void],
    values: NDArray[np.float32],
    peace: NDArray[np.float64],
    hold: NDArray[np.float32],
    lean: NDArray[np.float64],
) -> None:
    """Value a halt, too, and turn the values into log odds against the best option.

    Args:
        who, stakes, situations, influences: as of `weigh`.
        values, peace, hold: what `weigh` gave.
        lean: the odds against a halt rather than going on; then how far the state leans to it, 0 to 1.
    """
    for place in range(who.size):
        own, options = stakes[who[place]], values[place]
        lean[place] = 1 / (1 + lean[place])
        options[HALT] = value_of_offer(
            own, situations[place], influences[place], peace[place], hold[place], lean[place]
        )
        best = options[0]
        for option in range(1, options.size):
            best = max(best, options[option])
        for option in range(options.size):
            options[option] = (options[option] - best) * Real(own.choice_precision)


@compiled
def pick(odds: NDArray[np.float32], uniform: NDArray[np.float32]) -> NDArray[np.intp]:
    """The option taken: option k with probability proportional to its odds.

    Args:
        odds: shape (m, options); they are added up in place.
        uniform: numbers in [0, 1), shape (m,).
    """
    taken = np.empty(len(odds), np.intp)
    for place in range(len(odds)):
        options = odds[place]
        for option in range(1, options.size):
            options[option] += options[option - 1]
        mark = uniform[place] * options[options.size - 1]
        passed = 0
        for option in range(options.size - 1):
            passed += options[option] <= mark
        taken[place] = passed
    return taken


@compiled
def resolve(
    who: Indices, option: Indices, rung: Indices, wants_halt: Flags, yields: Flags
) -> Indices:
    """Note who wants a halt and who yields; the rungs to which the options lead."""
    goes_to = np.empty(who.size, np.intp)
    for place in range(who.size):
        one = who[place]
        wants_halt[one] = option[place] == HALT
        yields[one] = option[place] == YIELD
        climbs = option[place] >= FIRST_RUNG
        goes_to[place] = option[place] - FIRST_RUNG if climbs else rung[one]
    return goes_to


def logistic(log_odds: Array) -> Array:
    """The probability that has these log-odds."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -_UTMOST, _UTMOST)))
