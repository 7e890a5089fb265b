"""What a kind needs to check its part of a file: the places, the scenario, and readers of measures and factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisis_sim.experiments.factors import Range, check_factor
from crisis_sim.outcomes.measures import Columns, Measure, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.explain import find
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node


@dataclass(frozen=True)
class Reading:
    """A file whose types are right, so that its sense can be looked at.

    Attributes:
        top: its values with their places.
        scenario: the scenario that it is about.
        columns: the outcomes that this scenario has.
        others: scenarios that the file names beside it.
        agents: makers of agents that the experiment will be run with.
    """

    top: Node
    scenario: Scenario
    columns: Columns
    others: tuple[Scenario, ...] = ()
    agents: Sequence[Any] = ()

    def at(self, *path: str | int) -> Node:
        """The value at a path in the file, or the deepest on the way to it."""
        return find(self.top, path)[0]

    def mistake(
        self, *path: str | int, message: str, expected: str = "", suggestion: str = ""
    ) -> Mistake:
        """A mistake in the value at a path in the file."""
        return self.at(*path).place.mistake(message, expected, suggestion)

    def measure(self, *path: str | int) -> Measure:
        """The measure that is written at a path.

        Raises:
            ScenarioError: when it has mistakes.
        """
        return read_measure(self.at(*path), self.columns)

    def check_measure(self, *path: str | int) -> Iterator[Mistake]:
        """The mistakes in the measure that is written at a path."""
        try:
            self.measure(*path)
        except ScenarioError as error:
            yield from error.mistakes

    def check_factors(self, ranges: Mapping[str, Range], *path: str) -> Iterator[Mistake]:
        """The mistakes in factors: a mapping from parameters' paths to ranges, written at a path."""
        for name, written in ranges.items():
            yield from check_factor(name, written, self.at(*path, name), self.scenario)
