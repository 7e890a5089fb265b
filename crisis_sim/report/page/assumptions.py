"""What a page says of the scenarios: every assumption with unit, value and source, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crisis_sim.report import words
from crisis_sim.report.page import values
from crisis_sim.report.page.blocks import Block, Bullets, Cell, Facts, Fold, Paragraph, Table
from crisis_sim.report.page.values import Path
from crisis_sim.scenario.fields import slot_at
from crisis_sim.scenario.part import Part
from crisis_sim.scenario.schema import Rung, Scenario

#: Who takes part, by the scenario's own sections, in words.
_ROLES = {
    "states": "State",
    "mediators": "Mediator",
    "lenders": "Lender",
    "channels": "Private line",
    "advisers": "Adviser",
}
#: What a scenario says of itself, which is no assumption.
_ABOUT = ("name", "title", "description", "sources", "real_path")


def assumptions(scenario: Scenario) -> Iterator[Block]:
    """What was assumed in a scenario: what it is, where its facts come from, and every value."""
    if scenario.description:
        yield Paragraph(scenario.description)
    if scenario.sources:
        yield Paragraph("Where its facts come from:")
        yield Bullets(scenario.sources)
    yield Facts(
        [
            ("The clock starts", values.value(scenario.start)),
            ("Each crisis is followed for", f"{scenario.horizon_days:g} days at most"),
            ("A turn is", words.plural(scenario.hours_per_turn, "hour")),
            (
                "A halt is watched before it ends the crisis",
                words.plural(scenario.follow_up_days, "day"),
            ),
        ]
    )
    yield Paragraph(
        "Shares run from 0 to 1. Where a value is a range or a spread, every crisis draws its own. Of the sources, “the "
        "scenario” is a reading of the facts named above, and “assumed” means that no source fixes the value, which is then "
        "worth varying."
    )
    for place, (summary, path, part) in enumerate(_parts(scenario)):
        table = _table(f"assumed-{place}", summary, path, part)
        yield Fold(summary, [table], on_paper=path[0] != "behaviour")
    yield Fold("The ladder of escalation", [_ladder(scenario)], on_paper=True)


def _parts(scenario: Scenario) -> Iterator[tuple[str, Path, Part]]:
    """Each part of a scenario that has a table of its own: what it is, its path, and the part."""
    for section, role in _ROLES.items():
        for name, part in getattr(scenario, section).items():
            yield f"{role}: {words.clean(part.title) or words.label(name)}", (section, name), part
    for place, event in enumerate(scenario.events):
        yield f"Event: {words.clean(event.title) or event.kind}", ("events", place), event
    for name in type(scenario.behaviour).model_fields:
        told = f"How they behave: {words.label(name).lower()}"
        yield told, ("behaviour", name), getattr(scenario.behaviour, name)


def differences(reference: Scenario, other: Scenario, name: str) -> Table:
    """What another scenario has otherwise than the reference, path by path; `name` is the table's."""
    ours, theirs = _told(reference), _told(other)
    changed = [
        path
        for path in (*ours, *(path for path in theirs if path not in ours))
        if ours.get(path) != theirs.get(path)
    ]
    rows = []
    for path in _gathered(changed, ours, theirs):
        cells = [
            Cell(_meaning(path, reference, other)),
            Cell(_shown(path, ours)),
            Cell(_shown(path, theirs)),
        ]
        rows.append((values.written(path), cells))
    return Table(
        name=name,
        caption=f"“{words.label(other.name)}” against “{words.label(reference.name)}”",
        head=[
            "What",
            "Meaning",
            f"In “{words.label(reference.name)}”",
            f"In “{words.label(other.name)}”",
        ],
        rows=rows,
        code=True,
        figures=False,
    )


def _table(name: str, summary: str, path: Path, part: Part) -> Table:
    rows = [
        (
            values.written(where[len(path) :]),
            [
                Cell(values.meaning(where)),
                Cell(values.value(held)),
                Cell(values.unit(slot_at(where))),
                Cell(values.source(where, held)),
            ],
        )
        for where, held in values.leaves(part, path)
        if where[-1] != "title"
    ]
    return Table(
        name=name,
        caption=f"{summary} ({values.written(path)})",
        head=["Parameter", "Meaning", "Value", "Unit", "Source"],
        rows=rows,
        code=True,
        figures=False,
    )


def _ladder(scenario: Scenario) -> Table:
    fields = [name for name in Rung.model_fields if name != "name"]
    return Table(
        name="assumed-ladder",
        caption="Rungs, from the lowest up (ladder)",
        head=["Rung", *(words.label(name) for name in fields)],
        rows=[
            (words.clean(rung.name), [Cell(values.value(getattr(rung, name))) for name in fields])
            for rung in scenario.ladder
        ],
        note="Deaths are those on the other side; a cost is in days of output a day. A scenario without a ladder of its own "
        "has the one made from the South Asian record, after Kahn 1965.",
        figures=False,
    )


def _told(scenario: Scenario) -> dict[Path, Any]:
    return {path: held for path, held in values.leaves(scenario) if path[0] not in _ABOUT}


def _gathered(
    changed: list[Path], ours: Mapping[Path, Any], theirs: Mapping[Path, Any]
) -> Iterator[Path]:
    """The paths to tell: somebody who is in one scenario alone is told of once, not value by value."""
    told = set()
    for path in changed:
        whole = path[:2] if path[0] in (*_ROLES, "events") else path
        in_both = _holds(whole, ours) and _holds(whole, theirs)
        one = path if in_both else whole
        if one not in told:
            told.add(one)
            yield one


def _holds(path: Path, told: Mapping[Path, Any]) -> bool:
    return any(one[: len(path)] == path for one in told)


def _shown(path: Path, told: Mapping[Path, Any]) -> str:
    if path in told:
        noted = values.unit(slot_at(path))
        return f"{values.value(told[path])} {noted}".rstrip()
    return "takes part" if _holds(path, told) else "not there"


def _meaning(path: Path, *scenarios: Scenario) -> str:
    """What stands at a path: what the schema says of it, or who it is that takes part."""
    if len(path) == 2 and path[0] in _ROLES:
        section, name = str(path[0]), str(path[1])
        parts = [getattr(one, section)[name] for one in scenarios if name in getattr(one, section)]
        return f"{_ROLES[section]}: {words.clean(parts[0].title) or words.label(name)}"
    return values.meaning(path)
