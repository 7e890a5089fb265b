"""How figures are put into the sentences of an answer, in the voice of `crisis_sim.outcomes.advice`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from crisis_sim.experiments.factors import Factor
from crisis_sim.scenario.fields import slot_at

MINUS = "−"


def figure(value: float, unit: str, digits: int | None = None) -> str:
    """A figure in its unit: a share in per cent; `never` for a time that never comes."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "never"
    if unit == "share":
        return f"{_plain(100 * value, 1 if digits is None else digits)}%"
    shown = _plain(value, _sensible(value) if digits is None else digits)
    return f"{shown} {unit}".rstrip()


def interval(lower: float, upper: float, unit: str) -> str:
    """Two limits: "58.1 to 64.2%", "at least 80 hours"."""
    known = [not math.isnan(limit) and not math.isinf(limit) for limit in (lower, upper)]
    if not any(known):
        return "no limits known"
    if not known[1]:
        return f"at least {figure(lower, unit)}"
    if not known[0]:
        return f"at most {figure(upper, unit)}"
    digits = _digits(lower, upper, unit)
    scale = 100.0 if unit == "share" else 1.0
    return f"{_plain(scale * lower, digits)} to {figure(upper, unit, digits)}"


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """A figure with its interval: "61.2% (58.1 to 64.2%)"."""
    digits = _digits(lower, upper, unit)
    return f"{figure(value, unit, digits)} ({interval(lower, upper, unit)})"


def difference(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference with its interval: "13.8 points more (13.0 to 14.7)"; or that none can be told."""
    if math.isnan(value):
        return "a difference that is unknown"
    scale, noun = (100.0, "points") if unit == "share" else (1.0, unit)
    low, high, middle = scale * lower, scale * upper, scale * value
    digits = _digits(lower, upper, unit)
    if lower > 0 or upper < 0:
        small, large = sorted((abs(low), abs(high)))
        way = "more" if value > 0 else "less"
        shown = f"{_plain(abs(middle), digits)} {noun}".rstrip()
        return f"{shown} {way} ({_plain(small, digits)} to {_plain(large, digits)})"
    return f"no difference that can be told ({signed(low, digits)} to {signed(high, digits)} {noun})".replace(
        " )", ")"
    )


def change(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference as a clause: "is 13.8 points more (13.0 to 14.7)", or that chance may explain it."""
    if lower > 0 or upper < 0 or math.isnan(value):
        return f"is {difference(value, lower, upper, unit)}"
    scale, noun = (100.0, " points") if unit == "share" else (1.0, f" {unit}".rstrip())
    digits = _digits(lower, upper, unit)
    limits = f"{signed(scale * lower, digits)} to {signed(scale * upper, digits)}{noun}"
    return f"moves by no more than chance explains ({limits})"


def signed(value: float, digits: int) -> str:
    """A number with its sign."""
    shown = _plain(abs(value), digits)
    if float(shown.replace(",", "")) == 0:
        return shown
    return (MINUS if value < 0 else "+") + shown


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"


def listed(things: Sequence[str]) -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"


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
    return f"{count(4 * replicates)} replicates at each point would halve the intervals."


def _digits(lower: float, upper: float, unit: str) -> int:
    """Decimals that show an interval's width with two figures."""
    width = (upper - lower) * (100.0 if unit == "share" else 1.0)
    if not math.isfinite(width) or width <= 0:
        return 1
    return min(max(1 - math.floor(math.log10(width)), 0), 4)


def _sensible(value: float) -> int:
    return 0 if abs(value) >= 100 or value == 0 else 1


def _plain(value: float, digits: int) -> str:
    written = f"{abs(value):,.{digits}f}"
    return (MINUS if value < 0 and float(written.replace(",", "")) != 0 else "") + written


def sentence_start(text: str) -> str:
    """A text with a capital at its start."""
    return text[:1].upper() + text[1:]
