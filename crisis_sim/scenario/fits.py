"""Parameter sets that fit the historical record: a table with a row for each set, and scenarios over them.

The table has a column for each parameter and one for the `weight` of a set. A scenario over fits draws a row for each
replicate, with the same random numbers in every scenario, so that replicates are paired within a set. The column `fit`
of outcomes is the row's number, from 0.
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
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.numbers import Distribution, Within, read_number
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Place, Source, read_text

#: Name of the random draw of a set, and of the column of outcomes with its number.
FIT = "fit"
WEIGHT = "weight"
#: The shipped table.
SHIPPED_FITS = Path(__file__).with_name("fits.csv")
_EXPECTED = "a behavioural parameter, such as behaviour.decision.cost"


def over_fits(scenario: Scenario, table: str | os.PathLike[str] | None = None) -> Scenario:
    """Return a scenario whose unset behavioural parameters are drawn from a table of sets that fit the historical record.

    Args:
        scenario: a scenario; values from its file and from overrides take precedence over the table.
        table: a CSV file; by default the shipped table.

    Raises:
        ScenarioError: if the table has mistakes, or the scenario sets all of its parameters.
    """
    columns = read_fits(SHIPPED_FITS if table is None else Path(table))
    groups: dict[str, dict[str, Distribution]] = {}
    for path, column in columns.items():
        _, group, name = path.split(".")
        if name not in getattr(scenario.behaviour, group).model_fields_set:
            groups.setdefault(group, {})[name] = column
    if not groups and not fit_columns(scenario.behaviour.model_dump(mode="json")):
        message = "the scenario sets all parameters of the table of fits"
        raise ScenarioError([Mistake(scenario.name, 0, 0, message, "an unset parameter")])
    changed = {
        group: getattr(scenario.behaviour, group)._with(**update)
        for group, update in groups.items()
    }
    return scenario._with(behaviour=scenario.behaviour._with(**changed))


def load_over_fits(
    reference: str | os.PathLike[str], overrides: Sequence[str] = (), fits: bool = True
) -> Scenario:
    """Load a scenario, over parameter sets that fit the historical record unless `fits` is false."""
    scenario = load_scenario(reference, overrides)
    return over_fits(scenario) if fits else scenario


def fit_columns(plain: Mapping[str, Any], path: str = "") -> dict[str, Distribution]:
    """Return the parameters of a scenario (as plain data) that are drawn from a table of fits, by path."""
    columns: dict[str, Distribution] = {}
    for key, value in plain.items():
        if not isinstance(value, Mapping):
            continue
        body = value.get("choice")
        if isinstance(body, Mapping) and body.get("together") == FIT:
            columns[f"{path}{key}"] = cast(Distribution, read_number(value))
        else:
            columns |= fit_columns(value, f"{path}{key}.")
    return columns


def read_fits(path: Path) -> dict[str, Distribution]:
    """Read a table of parameter sets; return its columns by parameter path.

    Raises:
        ScenarioError: all mistakes, if there are any, or if the file cannot be read.
    """
    source = Source.of(str(path), read_text(path, str(path)).rstrip())
    head, *rows = [list(_cells(source, line)) for line in range(1, len(source.lines) + 1)]
    limits = {
        parameter.path: Within(parameter.low, parameter.high)
        for parameter in parameters()
        if parameter.behavioural
    }
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
    options = {"weights": [*columns.pop(WEIGHT)], "together": FIT}
    try:
        return {
            name: cast(Distribution, read_number({"choice": {"values": [*values], **options}}))
            for name, values in columns.items()
        }
    except PydanticCustomError as error:
        raise source.start.error(error.message()) from None


def _mistakes_in_head(
    source: Source, head: list[tuple[str, Place]], known: Mapping[str, Within]
) -> Iterator[Mistake]:
    names = [name for name, _ in head]
    if WEIGHT not in names or len(names) < 2:
        expected = f"a column '{WEIGHT}', and one for each parameter"
        yield source.start.mistake("not a table of parameter sets", expected)
    for index, (name, place) in enumerate(head):
        if name not in known:
            yield place.mistake(f"unknown parameter '{name}'", _EXPECTED, nearest(name, known))
        elif name in names[:index]:
            yield place.mistake(f"a second column '{name}'", "each parameter once")


def _cells(source: Source, line: int) -> Iterator[tuple[str, Place]]:
    """Yield the cells of a line with their places."""
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
