"""How figures are put into the sentences of an answer, in the voice of `crisis_sim.outcomes.advice`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from crisis_sim.experiments.factors import Factor
from crisis_sim.outcomes.text import (
    MINUS,
    count,
    decimals,
    excludes_zero,
    is_known,
    limits,
    listed,
    number,
)
from crisis_sim.scenario.fields import slot_at

__all__ = ["MINUS", "count", "listed", "number"]


def figure(value: float, unit: str, digits: int | None = None) -> str:
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
    width = scale * (upper - lower)
    digits = (
        decimals(width) if math.isfinite(width) else _sensible(lower if is_known(lower) else upper)
    )
    return limits(scale * lower, scale * upper, digits, noun)


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """A figure with its interval: "61.2% (58.1 to 64.2%)"."""
    digits = decimals((upper - lower) * (100.0 if unit == "share" else 1.0))
    return f"{figure(value, unit, digits)} ({interval(lower, upper, unit)})"


def difference(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference with its interval: "13.8 points more (13.0 to 14.7)"; or that none can be told."""
    if not is_known(value):
        return "a difference that is unknown"
    low, high, middle, noun = _in_unit(lower, upper, value, unit)
    digits = decimals(high - low)
    if not excludes_zero(low, high):
        return f"no difference that can be told ({limits(low, high, digits, noun, sign=True)})"
    less = value < 0
    small, large = (-high, -low) if less else (low, high)
    way = "less" if less else "more"
    return f"{number(abs(middle), digits)}{noun} {way} ({limits(small, large, digits)})"


def change(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference as a clause: "is 13.8 points more (13.0 to 14.7)", or that chance may explain it."""
    if excludes_zero(lower, upper) or not is_known(value):
        return f"is {difference(value, lower, upper, unit)}"
    low, high, middle, noun = _in_unit(lower, upper, value, unit)
    if not is_known(low) and not is_known(high):
        moved = number(middle, _sensible(middle), sign=True)
        return f"moves by {moved}{noun}, and these replicates do not tell how sure that is"
    told = limits(low, high, decimals(high - low), noun, sign=True)
    return f"moves by no more than chance explains ({told})"


def _in_unit(
    lower: float, upper: float, value: float, unit: str
) -> tuple[float, float, float, str]:
    """A difference in what it is told in, and the noun with its space."""
    if unit == "share":
        return 100.0 * lower, 100.0 * upper, 100.0 * value, " points"
    return lower, upper, value, f" {unit}".rstrip()


def signed(value: float, digits: int) -> str:
    """A number with its sign."""
    return number(value, digits, sign=True)


def valued(factor: Factor, value: float) -> str:
    """A factor's value with its unit, where that is one people say."""
    if factor.unit in ("share", "ratio", "intensity", "") or factor.path.endswith(factor.unit):
        return f"{value:.3g}"
    return f"{value:.3g} {factor.unit}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The shortest end of each path that says what it is and tells it from the others."""
    found = {}
    for path in paths:
        parts = path.split(".")
        ends = [".".join(parts[-count:]) for count in range(_least(parts), len(parts) + 1)]
        others = [f".{other}" for other in paths if other != path]
        found[path] = next(
            end for end in ends if not any(other.endswith(f".{end}") for other in others)
        )
    return found


def _least(parts: Sequence[str]) -> int:
    """How many words of a path say what it is: two where the last is a state's name, else one."""
    holder = slot_at([int(word) if word.isdigit() else word for word in parts[:-1]])
    return 2 if holder and holder.by_name and holder.limits else 1


def place(factors: Sequence[Factor], values: Mapping[str, float]) -> str:
    """A point of a design in words: "days_later 5 days and conditionality 0.5"."""
    names = short_names([factor.path for factor in factors])
    return listed([f"{names[one.path]} {valued(one, float(values[one.path]))}" for one in factors])


def halving(replicates: int) -> str:
    """What would make an answer surer: an interval narrows with the square root of the replicates."""
    return f"{count(4 * replicates)} replicates at each point would about halve the intervals."


def _sensible(value: float) -> int:
    return 0 if abs(value) >= 100 or value == 0 else 1


def sentence_start(text: str) -> str:
    """A text with a capital at its start."""
    return text[:1].upper() + text[1:]
