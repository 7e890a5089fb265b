"""Parts of a scenario that may be there or not, and the scenario that each combination leaves.

A part is taken away by changes to the scenario, as `--set` makes them. `mediators.us` stands for
`mediators.us=null`, and a part may be changed in place of being taken out:
`lenders.imf.conditionality=0` leaves the lender and unties its money.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from crisis_sim.scenario.checks import check
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.explain import explain
from crisis_sim.scenario.fields import TOP
from crisis_sim.scenario.overrides import override
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node, Place, Source, node_of


class Whole:
    """A scenario with everything there, from which parts are taken away."""

    def __init__(self, scenario: Scenario) -> None:
        self.name = scenario.name
        content = {key: value for key, value in scenario.plain().items() if key != "name"}
        self.top = node_of(content, Place(Source.of(scenario.name, ""), 1, 1))

    def without(self, changes: Sequence[str], name: str) -> Scenario:
        """The scenario with changes made.

        Args:
            changes: paths of what is taken out, or changes such as `lenders.imf.conditionality=0`.
            name: what to call it.

        Raises:
            ScenarioError: when a change cannot be made, or what is left is no scenario.
        """
        top, mistakes = override(self.top, [as_override(change) for change in changes])
        mistakes += check(top)
        try:
            scenario = Scenario.model_validate({**top.plain(), "name": name})
        except ValidationError as error:
            raise ScenarioError([*mistakes, *explain(error, top, TOP)]) from error
        if mistakes:
            raise ScenarioError(mistakes)
        return scenario

    def holds(self, change: str) -> bool:
        """Whether there is something to take out at a path; of other changes, always."""
        if "=" in change:
            return True
        node: Node | None = self.top
        for word in change.strip().split("."):
            if node is None:
                break
            node = node.entries().get(word)
        return node is not None and bool(node.content)


def as_override(change: str) -> str:
    """A change as `--set` would have it."""
    return change if "=" in change else f"{change.strip()}=null"


def path_of(change: str) -> str:
    """Where a change is made."""
    return change.partition("=")[0].strip()


def overlaps(one: str, other: str) -> bool:
    """Whether two changes reach the same place, or one the inside of the other's."""
    first, second = path_of(one).split("."), path_of(other).split(".")
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def mistakes_in(whole: Whole, change: str, node: Node) -> Iterator[Mistake]:
    """The mistakes in one change, as placed in an experiment's file.

    Args:
        whole: the scenario that it is to be made in.
        change: the change.
        node: where it is written.
    """
    try:
        whole.without([change], whole.name)
    except ScenarioError as error:
        for mistake in error.mistakes[:1]:
            near = mistake.suggestion
            if near:
                near = _with_word(change, mistake.column, near)
            yield node.place.mistake(f"'{change}': {mistake.message}", mistake.expected, near)
        return
    if not whole.holds(change):
        yield node.place.mistake(
            f"'{change}': {whole.name} has nothing there that could be taken out",
            "a part that it has",
        )


def _with_word(change: str, column: int, word: str) -> str:
    """A change with another word in place of the one that begins at a column, counted from 1."""
    path, equals, value = change.partition("=")
    if not 0 < column <= len(path):
        return word
    begin = path[: column - 1]
    rest = path[column - 1 :].partition(".")
    return f"{begin}{word}{rest[1]}{rest[2]}{equals}{value}"
