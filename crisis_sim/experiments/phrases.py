"""Phrases for the answers of experiments: estimates with units and intervals, parameters and points."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crisis_sim import text
from crisis_sim.experiments.factors import Factor, slot_of
from crisis_sim.experiments.spec import Experiment
from crisis_sim.outcomes.over_fits import Fits, OverFits
from crisis_sim.scenario.schema import SECTIONS, Scenario
from crisis_sim.text import decimals, excludes_zero, is_known, limits, number


def with_unit(value: float, unit: str, digits: int | None = None) -> str:
    """Return a value with its unit: shares in per cent, "never" for an infinite time."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "never"
    if unit == "share":
        return f"{number(100 * value, 1 if digits is None else digits)}%"
    rounded = number(value, _digits(value) if digits is None else digits)
    return f"{rounded} {unit}".rstrip()


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """Return an estimate with its interval: "61.2% (58.1 to 64.2%)"."""
    scale, noun = (100.0, "%") if unit == "share" else (1.0, f" {unit}".rstrip())
    digits = of_limits = decimals(scale * (upper - lower))
    if not math.isfinite(upper - lower):
        of_limits = _digits(lower if is_known(lower) else upper)
    interval = limits(scale * lower, scale * upper, of_limits, noun)
    return f"{with_unit(value, unit, digits)} ({interval})"


def change(value: float, lower: float, upper: float, unit: str) -> str:
    """Describe a difference in a clause, such as "is 13.8 points more (13.0 to 14.7)"."""
    if not is_known(value):
        return "changes by an unknown amount"
    scale, noun = unit_of_change(unit)
    low, high, middle = scale * lower, scale * upper, scale * value
    digits = decimals(high - low)
    if excludes_zero(low, high):
        direction, (small, large) = ("less", (-high, -low)) if value < 0 else ("more", (low, high))
        return (
            f"is {number(abs(middle), digits)}{noun} {direction} ({limits(small, large, digits)})"
        )
    if not is_known(low) and not is_known(high):
        difference = number(middle, _digits(middle), sign=True)
        return f"changes by {difference}{noun}, with unknown uncertainty"
    return f"does not change detectably ({limits(low, high, digits, noun, sign=True)})"


def with_fits(
    phrase: str, over: OverFits | None, unit: str, is_difference: bool = True, named: bool = False
) -> str:
    """Add the range over fits to a phrase, inside its closing bracket if it ends with one.

    Args:
        is_difference: whether the sign of the value is meaningful.
        named: also name the parameters that the spread is correlated with.
    """
    if over is None:
        return phrase
    figure = {"over_fits": over.plain(is_difference)}
    spread = text.over_fits(figure, unit_of_change(unit)[0], is_difference)
    spread += f"; {text.goes_with(figure)}" if named else ""
    return f"{phrase[:-1]}; {spread})" if phrase.endswith(")") else f"{phrase} ({spread})"


def explain_fits(fits: Fits | None) -> str:
    """Return a sentence, after a space, that explains ranges over fits; "" if there are none."""
    if fits is None:
        return ""
    return (
        f" Over fits: each replicate drew one of {len(fits.weights)} sets of behavioural parameters that fit the historical "
        "record, by weight, the same at all points; ranges cover 95% of the sets, without the error of the replicates of "
        "each."
    )


def unit_suffix(unit: str, path: str = "") -> str:
    """Return a space and the unit to follow a number; "" if the unit is not spoken or the path ends with it."""
    silent = unit in ("share", "ratio", "intensity", "") or unit.startswith("1/")
    return "" if silent or path.endswith(unit) else f" {unit}"


def unit_of_change(unit: str) -> tuple[float, str]:
    """Return the factor that converts to the unit of changes, and that unit after a space."""
    return (100.0, " points") if unit == "share" else (1.0, f" {unit}".rstrip())


def value_of(factor: Factor, value: float) -> str:
    """Return a factor's value with its unit."""
    return f"{value:.3g}{unit_suffix(factor.unit, factor.path)}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Return the shortest unambiguous end of each path."""
    names = {}
    for path in paths:
        parts = path.split(".")
        # If the last word is a state's name, two words are needed to describe it.
        holder = slot_of(".".join(parts[:-1]))
        least = 2 if holder and holder.by_name and holder.limits else 1
        ends = [".".join(parts[-count:]) for count in range(least, len(parts) + 1)]
        others = [f".{other}" for other in paths if other != path]
        names[path] = next(
            end for end in ends if not any(other.endswith(f".{end}") for other in others)
        )
    return names


def without_sections(paths: Sequence[str]) -> dict[str, str]:
    """Return each path without its section, such as `us.leverage.india`, or in full if that is ambiguous."""
    short = {path: path.split(".", 1)[-1] for path in paths}
    counts = Counter(short.values())
    return {path: name if counts[name] == 1 else path for path, name in short.items()}


def with_titles(path: str, scenario: Scenario) -> str:
    """Return a path of an agent with its title in place of its name, and other paths unchanged.

    Examples: "the United States" for `mediators.us`, "trust.india of the United States" for `mediators.us.trust.india`,
    "all lenders" for `lenders`.
    """
    section, _, rest = path.strip().partition(".")
    name, _, parameter = rest.partition(".")
    agents = getattr(scenario, section) if section in SECTIONS else {}
    if agents and not rest:
        return f"all {section}"
    if name not in agents:
        return path.strip()
    title = text.with_article(text.clean(agents[name].title) or text.label(name))
    return f"{parameter} of {title}" if parameter else title


def part_titles(experiment: Experiment) -> dict[str, str]:
    """Return the printed title of each part of an attribution by its name.

    A part that is named by its paths, as on the command line, is called by the titles of the agents there; other parts,
    and parts whose titles would be the same, are called by their names.
    """
    spec: Any = experiment.spec
    titles = {name: text.clean(name) for name in spec.parts}
    for name, changes in spec.parts.items():
        if [word.strip() for word in name.split(",")] == [change.strip() for change in changes]:
            words = [with_titles(change, experiment.scenario) for change in changes]
            titles[name] = " + ".join(words)
    counts = Counter(titles.values())
    return {
        name: title if counts[title] == 1 else text.clean(name) for name, title in titles.items()
    }


def describe_point(factors: Sequence[Factor], values: Mapping[str, float]) -> str:
    """Return a point's values in words: "days_later = 5 days and conditionality = 0.5"."""
    names = short_names([factor.path for factor in factors])
    return text.listed(
        [f"{names[each.path]} = {value_of(each, float(values[each.path]))}" for each in factors]
    )


def halving_advice(replicates: int) -> str:
    """Return the number of replicates that halves intervals: they narrow with its square root."""
    return f"{text.count(4 * replicates)} replicates at each point would about halve the intervals."


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 or value == 0 else 1
