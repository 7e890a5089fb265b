"""Every number that a scenario can hold: found by walking the schema, never listed by hand.

docs/parameters.md is this table; sweeps and sliders take ranges from it. To write it anew:
`python -m crisis_sim.scenario.parameters > docs/parameters.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crisis_sim.scenario.fields import TOP, Slot
from crisis_sim.scenario.numbers import Distribution, Number, Within
from crisis_sim.scenario.part import Part, range_of
from crisis_sim.scenario.schema import Scenario

#: What a path says in place of a name that the scenario chooses, or of a place in a list.
NAMES = {
    "states": "<state>",
    "mediators": "<mediator>",
    "lenders": "<lender>",
    "channels": "<channel>",
    "advisers": "<adviser>",
    "ladder": "<rung>",
    "reviews": "<review>",
    "events": "<event>",
}
PER_STATE = ".<state>"


@dataclass(frozen=True)
class Parameter:
    """A number that a scenario can hold.

    Attributes:
        path: where it stands, such as `mediators.<mediator>.leverage.<state>`; with the names (or
            places in a list) filled in, a path for `--set`.
        unit: its unit.
        default: its value where a scenario gives none; None where it has none.
        required: whether every scenario must give it.
        low: the lowest value it may take.
        high: the highest.
        meaning: what it is, in a line.
        source: where its default comes from; "assumed" where from judgement.
        slider: whether it is one of the few that are worth a slider.
        uncertain: whether it may be a distribution.
    """

    path: str
    unit: str
    default: Number | None
    required: bool
    low: float
    high: float
    meaning: str
    source: str
    slider: bool
    uncertain: bool

    @property
    def section(self) -> str:
        """The part of the scenario where it stands: its path without its own name."""
        return self.path.removesuffix(PER_STATE).rpartition(".")[0]


def parameters() -> tuple[Parameter, ...]:
    """All parameters, in the order of the schema."""
    return tuple(_walk(TOP, ""))


def numbers_of(scenario: Scenario) -> dict[str, Within]:
    """Paths of all numbers that one scenario holds and that may be uncertain, with their ranges.

    By these paths a sweep or a fit gives every replicate a value of its own.
    """
    return dict(_numbers_in(scenario, ""))


def parameter_table() -> str:
    """All parameters as the Markdown of docs/parameters.md, a table for each section."""
    listed = parameters()
    lines = [*_HEAD, ""]
    for section in dict.fromkeys(one.section for one in listed):
        lines += [f"## {_title(section)}", "", *_TABLE_HEAD]
        lines += [_row(one) for one in listed if one.section == section]
        lines.append("")
    return "\n".join(lines)


_HEAD = (
    "# Parameters",
    "",
    "Every number that a scenario can hold, with its unit, default, range and source. This page is",
    "made from the schema by `python -m crisis_sim.scenario.parameters`; do not edit it.",
    "",
    "Any of them may be a plain value or a distribution, drawn once for each replicate, except",
    'where the last column says "plain". `required` means that every scenario must give the value.',
    "`assumed` means that no source fixes it: the default is a judgement, and worth varying. A default that",
    "the fit moved is fitted in size, whatever its source says of its form: [the fit](fit.md) lists them.",
    "`--set PATH=VALUE` sets one for a run; names in angle brackets are the scenario's own, and",
    "rungs, events and reviews are counted from 0.",
)
_TABLE_HEAD = (
    "| parameter | meaning | unit | default | range | source |",
    "|---|---|---|---|---|---|",
)


def _walk(slot: Slot, path: str) -> Iterator[Parameter]:
    for key in slot.keys:
        below = slot.step(key)
        if below is None:
            continue
        where = f"{path}.{key}" if path else key
        if below.bounds:
            yield _parameter(where, below)
        elif below.part:
            yield from _walk(below, where)
        elif key in NAMES:
            entry = below.step(0) if below.is_list else below.step("")
            if entry:
                yield from _walk(entry, f"{where}.{NAMES[key]}")


def _numbers_in(part: Part, path: str) -> Iterator[tuple[str, Within]]:
    for name in type(part).model_fields:
        value, where = getattr(part, name), f"{path}{name}"
        limits = range_of(type(part), name)
        if isinstance(value, Part):
            yield from _numbers_in(value, f"{where}.")
        elif isinstance(value, (dict, tuple)):
            entries = value.items() if isinstance(value, dict) else enumerate(value)
            for key, entry in entries:
                if limits:
                    yield f"{where}.{key}", limits
                elif isinstance(entry, Part):
                    yield from _numbers_in(entry, f"{where}.{key}.")
        elif limits:
            yield where, limits


def _parameter(path: str, slot: Slot) -> Parameter:
    low, high = slot.bounds or (float("-inf"), float("inf"))
    required = slot.field is None or slot.field.is_required()
    return Parameter(
        path=path + PER_STATE if slot.by_name else path,
        unit=slot.note("unit") or _unit_in(path),
        default=None if required or slot.by_name or slot.field is None else slot.field.default,
        required=required,
        low=low,
        high=high,
        meaning=(slot.field.description or "") if slot.field else "",
        source=slot.note("source"),
        slider=bool(slot.note("slider")),
        uncertain=slot.limits is not None,
    )


def _unit_in(path: str) -> str:
    """The unit that a name holds, as `horizon_days` does."""
    return next(word for word in ("days", "hours") if word in path)


def _title(section: str) -> str:
    return f"`{section}`" if section else "Frame"


def _row(one: Parameter) -> str:
    name = one.path.removeprefix(f"{one.section}.") if one.section else one.path
    default = "required" if one.required else "none" if one.default is None else _shown(one.default)
    source = "the scenario's" if one.required else one.source if one.uncertain else "plain"
    bounds = f"{one.low:g} to {one.high:g}"
    cells = (f"`{name}`", one.meaning, one.unit, default, bounds, source)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _shown(number: Number) -> str:
    if not isinstance(number, Distribution):
        return f"{number:g}"
    return f"{number.kind} {', '.join(f'{value:g}' for value in number.values)}"


if __name__ == "__main__":
    import sys

    sys.stdout.write(parameter_table())
