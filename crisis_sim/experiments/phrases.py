"""Phrases for the answers of experiments: estimates with units and intervals, parameters and points."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from crisis_sim import text
from crisis_sim.experiments.factors import Factor, slot_of
from crisis_sim.outcomes.over_fits import Fits, OverFits
from crisis_sim.text import decimals, excludes_zero, is_known, limits, number


def with_unit(value: float, unit: str, digits: int | None = None) -> str:
    """A figure in its unit: a share in per cent; `never` for a time that never comes."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "never"
    if unit == "share":
        return f"{number(100 * value, 1 if digits is None else digits)}%"
    shown = number(value, _sensible(value) if digits is None else digits)
    return f"{shown} {unit}".rstrip()


def interval(lower: float, upper: float, unit: str) -> str:
    """Two limits: "58.1 to 64.2%", "at least 80 hours"; "limits not known" where there are none."""
    scale, noun = (100.0, "%") if unit == "share" else (1.0, f" {unit}".rstrip())
    width, known = scale * (upper - lower), lower if is_known(lower) else upper
    digits = decimals(width) if math.isfinite(width) else _sensible(known)
    return limits(scale * lower, scale * upper, digits, noun)


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """A figure with its interval: "61.2% (58.1 to 64.2%)"."""
    digits = decimals((upper - lower) * (100.0 if unit == "share" else 1.0))
    return f"{with_unit(value, unit, digits)} ({interval(lower, upper, unit)})"


def change(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference as a clause: "is 13.8 points more (13.0 to 14.7)", or that chance may explain it."""
    if not is_known(value):
        return "is a difference that is unknown"
    scale, noun = unit_of_change(unit)
    low, high, middle = scale * lower, scale * upper, scale * value
    digits = decimals(high - low)
    if excludes_zero(low, high):
        way, (small, large) = ("less", (-high, -low)) if value < 0 else ("more", (low, high))
        return f"is {number(abs(middle), digits)}{noun} {way} ({limits(small, large, digits)})"
    if not is_known(low) and not is_known(high):
        moved = number(middle, _sensible(middle), sign=True)
        return f"moves by {moved}{noun}, and these replicates do not tell how sure that is"
    told = limits(low, high, digits, noun, sign=True)
    return f"moves by no more than chance explains ({told})"


def with_fits(
    said: str, over: OverFits | None, unit: str, is_difference: bool = True, named: bool = False
) -> str:
    """A figure in words with how it moves over fits, in its brackets if it ends in some.

    Args:
        is_difference: whether its sign means something.
        named: name the parameters that the spread goes with, too.
    """
    if over is None:
        return said
    figure = {"over_fits": over.plain(is_difference)}
    told = text.over_fits(figure, unit_of_change(unit)[0], is_difference)
    told += f"; {text.goes_with(figure)}" if named else ""
    return f"{said[:-1]}; {told})" if said.endswith(")") else f"{said} ({told})"


def explain_fits(fits: Fits | None) -> str:
    """What is meant by fits, as a sentence with a space before it; "" where there are none."""
    if fits is None:
        return ""
    return (
        f" Over fits: each replicate drew one of {len(fits.weights)} sets of behavioural parameters that fit the record, by "
        "weight, the same in all; ranges are those of 95% of the sets, without the chance of the replicates of each."
    )


def unit_suffix(unit: str, path: str = "") -> str:
    """A unit with its leading space, as it follows a number; "" where people do not say it, or the path does."""
    silent = unit in ("share", "ratio", "intensity", "") or unit.startswith("1/")
    return "" if silent or path.endswith(unit) else f" {unit}"


def unit_of_change(unit: str) -> tuple[float, str]:
    """The unit in which changes are reported: how many of it 1 is, and its noun with a leading space."""
    return (100.0, " points") if unit == "share" else (1.0, f" {unit}".rstrip())


def value_of(factor: Factor, value: float) -> str:
    """A factor's value with its unit, where that is one people say."""
    return f"{value:.3g}{unit_suffix(factor.unit, factor.path)}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The shortest end of each path that describes it and differs from those of the others."""
    found = {}
    for path in paths:
        parts = path.split(".")
        # Where the last word is a state's name, it takes two to describe it.
        holder = slot_of(".".join(parts[:-1]))
        least = 2 if holder and holder.by_name and holder.limits else 1
        ends = [".".join(parts[-count:]) for count in range(least, len(parts) + 1)]
        others = [f".{other}" for other in paths if other != path]
        found[path] = next(
            end for end in ends if not any(other.endswith(f".{end}") for other in others)
        )
    return found


def without_sections(paths: Sequence[str]) -> dict[str, str]:
    """Each path without its section: `us.leverage.india`; whole where two would be called the same."""
    short = {path: path.split(".", 1)[-1] for path in paths}
    called = Counter(short.values())
    return {path: name if called[name] == 1 else path for path, name in short.items()}


def describe_point(factors: Sequence[Factor], values: Mapping[str, float]) -> str:
    """A point of a design in words: "days_later 5 days and conditionality 0.5"."""
    names = short_names([factor.path for factor in factors])
    each = [f"{names[one.path]} {value_of(one, float(values[one.path]))}" for one in factors]
    return text.listed(each)


def halving_advice(replicates: int) -> str:
    """What would make an answer surer: an interval narrows with the square root of the replicates."""
    return f"{text.count(4 * replicates)} replicates at each point would about halve the intervals."


def _sensible(value: float) -> int:
    return 0 if abs(value) >= 100 or value == 0 else 1
