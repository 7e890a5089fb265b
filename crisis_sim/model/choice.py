"""The value of a state's options, and quantal choice among them (McKelvey and Palfrey 1995)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crisis_sim.model.compiling import rule
from crisis_sim.model.luck import exp, uniform
from crisis_sim.scenario.errors import one_of
from crisis_sim.scenario.schema import Scenario

#: Maximum number of rungs.
RUNGS = 16
#: Options: 0 to wait, k to carry out or prepare the act of rung k, and `HALT` to offer or accept a halt.
HALT = RUNGS
OPTIONS = RUNGS + 1
IMPOSSIBLE = -1e9
#: Options whose value is this far below the best are never chosen.
_NEGLIGIBLE = 40.0

#: ICB's levels of violence, by number.
MINOR, SERIOUS, FULL_WAR = 1, 2, 3


@rule
def logistic(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


@rule
def demand_of(state: Any, facts: Any, p: Any, grievance: Any) -> Any:
    """Return a state's demand at a given grievance: see `State.weigh`."""
    will = 1.0 - state.exhaustion
    suffered = max(grievance, 0.0)
    claim = facts.claim * (1.0 - state.granted)
    return will * will * state.stake * (suffered / (1.0 + suffered / p.saturation) + claim)


@rule
def misread(own: Any, rival: Any, c: Any, p: Any, luck: Any, stream: Any) -> None:
    """Draw a new error in the perceived intensity of the rival (Jervis 1976): see `seen` in `State.weigh`.

    error = misreading x (2 u - 1),  u uniform from 0 to 1
    """
    own.error = p.misreading * (2.0 * uniform(c, luck.keys, stream) - 1.0)
    before = own.seen
    own.seen = max(rival.intensity * (1.0 + own.error * (1.0 - own.information)), 0.0)
    own.halt_value += p.hurting * (own.seen - before)


@rule
def value_options(  # noqa: C901 - a single sum with many terms
    own: Any, rival: Any, facts: Any, c: Any, p: Any
) -> None:
    """Compute the value of each option: 0 for waiting, `halt_value` for a halt, and as follows for an act of intensity z.

        value = answering x (1 - exhaustion)^2 x stake x (g x z + claim x (1 - granted) x max(z - force, 0))
                + silence_cost x audience, if z > answered, while something is unanswered (see `carry_out`)
                - act_cost x z^cost_power
                - cost x nuclear_dread x z^6, if the rival has nuclear weapons
                - counsel x z - purse x max(z - intensity, 0)
                - bother for a strike or war, trouble for a lesser military act, nothing for words and sanctions
                - line_minor, line_serious, line_war for each of these lines that nobody has crossed yet
        for nuclear use: min(value, 0) - nuclear_taboo, whatever is at stake

    Here g is as in `State.weigh`. Acts above the state's posture are possible, with these restrictions. Fire across the
    line requires that the state neither prepares it nor has an operation under way. A strike requires that the state
    prepares no strike or war and has no strike under way. Full-scale war requires in addition earlier violence. In war
    only nuclear use is possible, by a state with nuclear weapons.
    """
    weight = (1.0 - own.exhaustion) * (1.0 - own.exhaustion) * own.stake
    suffered = max(own.grievance, 0.0)
    suffered = suffered / (1.0 + suffered / p.saturation)
    claim = facts.claim * (1.0 - own.granted)
    silence = p.silence_cost * facts.audience if own.unanswered > 0.0 else 0.0
    dread = p.cost * p.nuclear_dread if rival.nuclear else 0.0
    busy = c.ladder[own.operation].violence
    for k in range(1, c.n_rungs):
        rung = c.ladder[k]
        violence = rung.violence
        possible = k > own.posture
        if c.war:
            possible = rung.nuclear and own.nuclear
        elif violence >= SERIOUS:
            possible = own.plan == 0 and busy < SERIOUS
            if violence == FULL_WAR:
                possible = possible and c.worst >= MINOR and not rung.nuclear
        elif violence == MINOR:
            possible = own.operation == 0 and own.opening == 0
        if not possible:
            c.values[k] = IMPOSSIBLE
            continue
        z = rung.intensity
        value = p.answering * weight * (suffered * z + claim * max(z - own.force, 0.0))
        value += (
            (silence if z > own.answered else 0.0)
            - (p.bother if violence >= SERIOUS else p.trouble * rung.military)
            - facts.act_cost * rung.toll
            - dread * rung.dread
        )
        value -= own.counsel * z + own.purse * max(z - own.intensity, 0.0)
        if violence >= MINOR and c.worst < MINOR:
            value -= p.line_minor
        if violence >= SERIOUS and c.worst < SERIOUS:
            value -= p.line_serious
        if violence >= FULL_WAR and c.worst < FULL_WAR:
            value -= p.line_war
        if rung.nuclear:
            value = min(value, 0.0) - p.nuclear_taboo
        c.values[k] = value
    c.values[0] = 0.0
    c.values[HALT] = own.halt_value


@rule
def choose(own: Any, c: Any, luck: Any, stream: Any) -> Any:
    """Choose an option with one random number (drawn for forced choices too).

    Options worth 40 less than the best are ignored.
    """
    drawn = uniform(c, luck.keys, stream)
    top = max(0.0, c.values[HALT])
    for k in range(c.n_rungs):
        top = max(top, c.values[k])
    total = 0.0
    for n in range(c.n_rungs + 1):
        k = n if n < c.n_rungs else HALT
        value = c.values[k]
        odds = exp(value - top) if value > top - _NEGLIGIBLE else 0.0
        c.odds[k] = odds
        total += odds
    if own.forced >= 0 and c.now >= own.forced_from and c.values[own.forced] > IMPOSSIBLE:
        option, own.forced = own.forced, -1
        return option
    drawn *= total
    option = 0
    for n in range(c.n_rungs + 1):
        k = n if n < c.n_rungs else HALT
        if c.odds[k] > 0.0:
            option = k
            if drawn < c.odds[k]:
                break
            drawn -= c.odds[k]
    return option


@dataclass(frozen=True)
class Decision:
    """A decision that a state has to take.

    Attributes:
        model: the block of crises.
        state: the state that decides.
        row: the row of its crisis in the block.
    """

    model: Any
    state: Any
    row: int

    @property
    def options(self) -> dict[str, tuple[float, float]]:
        """Value and probability of each possible option, by name."""
        c = self.model.crises[self.row]
        total = c["odds"].sum()
        return {
            name: (float(c["values"][k]), float(c["odds"][k] / total))
            for name, k in option_numbers(self.model.scenario).items()
            if c["values"][k] > IMPOSSIBLE
        }

    @property
    def chosen(self) -> str:
        """The option that the model would choose."""
        choice = self.model.crises["choice"][self.row]
        numbers = option_numbers(self.model.scenario)
        return next(name for name, k in numbers.items() if k == choice)

    def number_of(self, option: str) -> int:
        """Return the number of an option.

        Raises:
            ValueError: if the option is not possible now.
        """
        return _number_in(option, self.options, self.model.scenario, " now")


def option_numbers(scenario: Scenario) -> dict[str, int]:
    """Return the numbers of all options by name."""
    acts = {rung.name: k for k, rung in enumerate(scenario.ladder) if k}
    return {"wait": 0, **acts, "halt": HALT}


def number_of(scenario: Scenario, option: str) -> int:
    """Return the number of an option.

    Raises:
        ValueError: if there is no such option.
    """
    return _number_in(option, option_numbers(scenario), scenario)


def _number_in(option: str, possible: Mapping[str, Any], scenario: Scenario, when: str = "") -> int:
    if option not in possible:
        raise ValueError(f"no option '{option}'{when}; expected {one_of(possible)}")
    return option_numbers(scenario)[option]
