"""The sliders and switches of a scenario, read off its schema: none is listed by hand.

A number has a slider where the schema marks it as worth one (`crisis_sim.scenario.part.parameter`);
its label, unit, range and help come from there, and what the scenario gives it stands beside it. What a
scenario may do without, such as a mediator, has a switch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from crisis_sim.experiments.factors import default_range, middle_of, number_at
from crisis_sim.report import words
from crisis_sim.scenario.fields import Slot, slot_at
from crisis_sim.scenario.numbers import Distribution, Number
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

#: Kinds of agents in the order in which they are shown, each with its name; those with a switch can
#: be left out of a scenario.
KINDS = {
    "lenders": "lender",
    "mediators": "mediator",
    "channels": "back-channel",
    "advisers": "adviser",
    "states": "state",
}
SWITCHED = frozenset(KINDS) - {"states"}
#: The group of what holds for all of them.
BEHAVIOUR = "behaviour"
#: Units that tell a reader nothing beside a number.
UNSAID = ("", "share", "value", "intensity")
#: Steps from end to end of a slider, about.
STEPS = 100


@dataclass(frozen=True)
class Slider:
    """A number of a scenario that is worth moving.

    Attributes:
        path: where it stands, as for `--set`.
        label: what it is called.
        meaning: what it is, in a line.
        unit: its unit.
        low, high: the ends of the slider.
        step: how far apart its places are.
        given: what the scenario says.
        middle: its value, or the middle of its distribution.
        spread: from where to where the scenario draws it; None for a plain value.
    """

    path: str
    label: str
    meaning: str
    unit: str
    low: float
    high: float
    step: float
    given: Number
    middle: float
    spread: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    """The sliders of one agent, or of what holds for all.

    Attributes:
        path: where the agent stands in the scenario, such as `mediators.us`.
        kind: what it is: a lender, a mediator.
        title: its name.
        switched: whether it can be taken out.
        sliders: its sliders, in the schema's order.
    """

    path: str
    kind: str
    title: str
    switched: bool
    sliders: tuple[Slider, ...] = ()


def groups_of(scenario: Scenario) -> tuple[Group, ...]:
    """All sliders and switches of a scenario, agent by agent."""
    groups = {
        f"{kind}.{name}": Group(
            f"{kind}.{name}", noun, words.clean(spec.title) or words.label(name), kind in SWITCHED
        )
        for kind, noun in KINDS.items()
        for name, spec in getattr(scenario, kind).items()
    }
    groups[BEHAVIOUR] = Group(BEHAVIOUR, "all of them", "How all of them decide", switched=False)
    for path, limits in numbers_of(scenario).items():
        slot = slot_at(path.split("."))
        group = _group_of(path)
        if slot is not None and slot.slider is not None and group in groups:
            slider = _slider(path, slot, slot.slider, (limits.low, limits.high), scenario)
            sliders = (*groups[group].sliders, slider)
            groups[group] = replace(groups[group], sliders=sliders)
    return tuple(one for one in groups.values() if one.sliders or one.switched)


def number_in_words(number: Number, unit: str = "") -> str:
    """A number of a scenario as a person would say it: "uniform, 0.2 to 0.6"."""
    after = "" if unit in UNSAID else f" {unit}"
    if not isinstance(number, Distribution):
        return f"{number:g}{after}"
    shown = [f"{value:g}" for value in number.values]
    if number.kind == "choice":
        return f"one of {words.listed(shown, 'or')}{after}"
    if number.kind in ("normal", "lognormal"):
        return f"{number.kind}, around {shown[0]}{after}"
    if number.kind == "beta":
        return f"beta, {words.listed(shown)}{after}"
    around = f", mostly near {shown[1]}" if number.kind == "triangular" else ""
    return f"{shown[0]} to {shown[-1]}{after}{around}"


def _group_of(path: str) -> str:
    kind, _, rest = path.partition(".")
    return BEHAVIOUR if kind == BEHAVIOUR else f"{kind}.{rest.partition('.')[0]}"


def _slider(
    path: str,
    slot: Slot,
    ends: tuple[float, float],
    limits: tuple[float, float],
    scenario: Scenario,
) -> Slider:
    given = number_at(scenario, path)
    spread = default_range(given, *limits) if isinstance(given, Distribution) else None
    # What the scenario says has a place on the slider, wherever it lies.
    within = (*(spread or ()), middle_of(given), *ends)
    low, high = _outward(min(within), max(within), limits)
    return Slider(
        path=path,
        label=_label(path, scenario),
        meaning=(slot.field.description or "") if slot.field else "",
        unit=str(slot.note("unit")),
        low=low,
        high=high,
        step=_round_step((high - low) / STEPS),
        given=given,
        middle=middle_of(given),
        spread=spread,
    )


def _label(path: str, scenario: Scenario) -> str:
    """Such as "Attention days", "Leverage: India", "Lending: restraint"."""
    kind, _, *rest = path.split(".")
    if kind == BEHAVIOUR:
        return f"{words.label(path.split('.')[1])}: {words.label(rest[0]).lower()}"
    name, *states = rest
    titles = [words.clean(scenario.states[state].title) or words.label(state) for state in states]
    return ": ".join([words.label(name), *titles])


def _outward(low: float, high: float, limits: tuple[float, float]) -> tuple[float, float]:
    """The ends of a slider, rounded outward to two figures, but not beyond what is allowed."""
    return (
        max(_rounded(low, math.floor), limits[0]),
        min(_rounded(high, math.ceil), limits[1]),
    )


def _rounded(number: float, way: Callable[[float], int]) -> float:
    if number == 0:
        return number
    figure = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return round(way(round(number / figure, 6)) * figure, 9)


def _round_step(step: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no more than a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return max(power * one for one in (1, 2, 5) if power * one <= step * (1 + 1e-9))
