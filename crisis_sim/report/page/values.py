"""What a scenario holds, put into words: values, distributions, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from crisis_sim.report import words
from crisis_sim.scenario.fields import Slot, slot_at
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.part import Part

Path = tuple[str | int, ...]

#: How each distribution is told, with its numbers in their order.
_DISTRIBUTIONS = {
    "uniform": "{} to {}, evenly spread",
    "triangular": "{0} to {2}, most likely {1}",
    "normal": "about {}, standard deviation {}",
    "lognormal": "median {}, spread {} in logarithms",
    "beta": "beta with {} and {}",
}
#: Units that say nothing beside a number.
_NO_UNIT = ("share", "ratio", "intensity", "value", "")


def written(path: Path) -> str:
    """A path as it is written after `--set`."""
    return ".".join(str(key) for key in path)


def value(held: Any) -> str:
    """A value as a person would say it."""
    if isinstance(held, Distribution):
        return _distribution(held)
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, (int, float)):
        return number(held)
    if isinstance(held, datetime):
        return f"{words.moment(held, year=True)} ({words.offset(held)})"
    if isinstance(held, (tuple, list)):
        return ", ".join(value(one) for one in held) or "none"
    if isinstance(held, Mapping):
        return (
            ", ".join(f"{words.clean(str(key))}: {value(one)}" for key, one in held.items())
            or "none"
        )
    return words.clean(str(held)) if held not in (None, "") else "none"


def number(held: float) -> str:
    """A number with what digits it has, its thousands apart, without an exponent where that can be."""
    size = abs(held)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{held:g}"
    written = f"{held:,.6f}".rstrip("0").rstrip(".")
    return written.replace("-", words.MINUS)


def unit(slot: Slot | None) -> str:
    """The unit of a number, where it says something."""
    noted = str(slot.note("unit")) if slot else ""
    return "" if noted in _NO_UNIT else noted


def meaning(path: Path) -> str:
    """What stands at a path, as the schema describes it."""
    slot = slot_at(path)
    return (slot.field.description or "") if slot and slot.field else ""


def source(path: Path, held: Any) -> str:
    """Where a value comes from: the scenario, or the default and its source."""
    slot = slot_at(path)
    if slot is None or slot.field is None:
        return "the scenario"
    default = slot.field.get_default(call_default_factory=True)
    if slot.field.is_required() or isinstance(default, Mapping) or held != default:
        usual = ""
        if not slot.field.is_required() and slot.limits and not isinstance(default, Mapping):
            usual = f"; usually {value(default)}"
        return f"the scenario{usual}"
    noted = str(slot.note("source"))
    return f"default: {noted}" if noted else "default"


def leaves(part: Part, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that a part holds, with the path to it."""
    for name in type(part).model_fields:
        yield from _below(getattr(part, name), (*path, name))


def _below(held: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(held, Part):
        yield from leaves(held, path)
    elif isinstance(held, Mapping):
        for key, one in held.items():
            yield from _below(one, (*path, key))
    elif isinstance(held, Sequence) and any(isinstance(one, Part) for one in held):
        for place, one in enumerate(held):
            yield from _below(one, (*path, place))
    else:
        yield path, held


def _distribution(held: Distribution) -> str:
    if held.kind == "choice":
        if len(set(held.weights)) == 1:
            return f"{words.listed([number(one) for one in held.values], 'or')}, equally likely"
        weighed = zip(held.values, held.weights, strict=True)
        return words.listed(
            [f"{number(one)} ({words.percent(weight)}%)" for one, weight in weighed], "or"
        )
    return _DISTRIBUTIONS[held.kind].format(*(number(one) for one in held.values))
