"""Behaviours that fit the record: a table of parameter sets, and a scenario that is drawn over all of them.

The table has a row for each set: its `weight`, and a column for each parameter by its path. Each replicate draws a row by
its own keyed luck, the same in every scenario, so that replicates are paired within a set. Outcomes have the number of the
row, from 0, in the column `fit`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic_core import PydanticCustomError

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest
from crisis_sim.scenario.introspect import parameters
from crisis_sim.scenario.numbers import Distribution, Within, read_number
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Place, Source, read_text

#: The name of the luck by which a set is drawn, and of the column of outcomes with its number.
FIT = "fit"
WEIGHT = "weight"
#: The shipped table.
SHIPPED = Path(__file__).with_name("fits.csv")
_EXPECTED = "a parameter of behaviour, such as behaviour.decision.cost"


def over_fits(scenario: Scenario, table: str | os.PathLike[str] | None = None) -> Scenario:
    """The scenario over all behaviours that fit: parameters that it does not set itself are drawn from the table.

    Args:
        scenario: as it is read; `--set` and the scenario's file go before the table.
        table: a CSV file with a column `weight`, and a column for each parameter by its path; the shipped table where left
            out.

    Raises:
        ScenarioError: when the table has mistakes, or the scenario sets all of its parameters itself.
    """
    columns = read_fits(SHIPPED if table is None else Path(table))
    groups: dict[str, dict[str, Distribution]] = {}
    for path, column in columns.items():
        _, group, name = path.split(".")
        if name not in getattr(scenario.behaviour, group).model_fields_set:
            groups.setdefault(group, {})[name] = column
    if not groups and not sets_of(scenario.behaviour.model_dump(mode="json")):
        message = "every parameter of the behaviours that fit is set by the scenario"
        raise ScenarioError([Mistake(scenario.name, 0, 0, message, "one that it leaves open")])
    changed = {
        group: getattr(scenario.behaviour, group)._with(**update)
        for group, update in groups.items()
    }
    return scenario._with(behaviour=scenario.behaviour._with(**changed))


def load_over_fits(
    reference: str | os.PathLike[str], overrides: Sequence[str] = (), fits: bool = True
) -> Scenario:
    """A scenario as `load_scenario` reads it, over all behaviours that fit unless `fits` is false."""
    read = Scenario.load(reference, overrides)
    return over_fits(read) if fits else read


def sets_of(plain: Mapping[str, Any], path: str = "") -> dict[str, Distribution]:
    """The parameters of a scenario, as plain data, that are drawn from a table of fits: the column of each by its path."""
    found: dict[str, Distribution] = {}
    for key, value in plain.items():
        if not isinstance(value, Mapping):
            continue
        body = value.get("choice")
        if isinstance(body, Mapping) and body.get("together") == FIT:
            found[f"{path}{key}"] = cast(Distribution, read_number(value))
        else:
            found |= sets_of(value, f"{path}{key}.")
    return found


def read_fits(path: Path) -> dict[str, Distribution]:
    """A table's columns, by the paths of their parameters.

    Raises:
        ScenarioError: when it cannot be read, or has mistakes; holds all of them.
    """
    source = Source.of(str(path), read_text(path, str(path)).rstrip())
    head, *rows = [list(_cells(source, line)) for line in range(1, len(source.lines) + 1)]
    limits = {one.path: Within(one.low, one.high) for one in parameters() if one.behavioural}
    limits[WEIGHT] = Within(0.0, math.inf)
    names, table = [name for name, _ in head], list[list[float]]()
    mistakes = [*_mistakes_in_head(source, head, limits)]
    if not rows:
        mistakes.append(source.start.mistake("no rows", "a row for each set of parameters"))
    for row in rows:
        if len(row) != len(head):
            expected = f"{len(head)}, as in the first line"
            mistakes.append(row[0][1].mistake(f"{len(row)} cells", expected))
            continue
        table.append([])
        for (text, place), name in zip(row, names, strict=True):
            try:
                table[-1].append(_number(text, limits.get(name)))
            except PydanticCustomError as error:
                mistakes.append(place.mistake(error.message()))
    if mistakes:
        raise ScenarioError(mistakes)
    columns = dict(zip(names, zip(*table, strict=True), strict=True))
    drawn = {"weights": [*columns.pop(WEIGHT)], "together": FIT}
    try:
        return {
            name: cast(Distribution, read_number({"choice": {"values": [*of], **drawn}}))
            for name, of in columns.items()
        }
    except PydanticCustomError as error:
        raise source.start.error(error.message()) from None


def _mistakes_in_head(
    source: Source, head: list[tuple[str, Place]], known: Mapping[str, Within]
) -> Iterator[Mistake]:
    names = [name for name, _ in head]
    if WEIGHT not in names or len(names) < 2:
        expected = f"a column '{WEIGHT}', and one for each parameter"
        yield source.start.mistake("not a table of behaviours that fit", expected)
    for index, (name, place) in enumerate(head):
        if name not in known:
            yield place.mistake(f"unknown parameter '{name}'", _EXPECTED, nearest(name, known))
        elif name in names[:index]:
            yield place.mistake(f"a second column '{name}'", "each parameter once")


def _cells(source: Source, line: int) -> Iterator[tuple[str, Place]]:
    """The cells of a line, each with its place."""
    column = 1
    for cell in source.line(line).split(","):
        yield cell.strip(), Place(source, line, column + len(cell) - len(cell.lstrip()))
        column += len(cell) + 1


def _number(text: str, limits: Within | None) -> float:
    try:
        number = float(text)
    except ValueError:
        raise PydanticCustomError("number", f"not a number: '{text}'") from None
    if limits is None:
        return number
    return cast(float, limits.read(number))
