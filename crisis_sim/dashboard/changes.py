"""What a person has changed in a scenario: numbers moved, and agents taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from crisis_sim.experiments.parts import Whole
from crisis_sim.scenario.schema import Scenario

#: What the scenario is called among results, as it was and as it was changed.
UNMOVED, MOVED = "unmoved", "moved"


@dataclass(frozen=True)
class Changes:
    """Changes to a scenario; a change to them makes a new one.

    Attributes:
        moved: the value of each number that was moved, by its path, in the order of the moves.
        off: paths of the agents that were taken out.
    """

    moved: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    off: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.moved or self.off)

    def move(self, path: str, value: float) -> Changes:
        """The same with a number moved."""
        return replace(self, moved=MappingProxyType({**self.moved, path: value}))

    def back(self, path: str) -> Changes:
        """The same with a number as the scenario has it."""
        left = {key: value for key, value in self.moved.items() if key != path}
        return replace(self, moved=MappingProxyType(left))

    def switch(self, path: str, on: bool) -> Changes:
        """The same with an agent there or taken out."""
        return replace(self, off=self.off - {path} if on else self.off | {path})

    @property
    def felt(self) -> dict[str, float]:
        """The numbers that were moved, without those of agents that are taken out."""
        return {
            path: value
            for path, value in self.moved.items()
            if not any(path.startswith(f"{one}.") for one in self.off)
        }

    def overrides(self) -> list[str]:
        """The same changes as `--set` makes them."""
        return replace(self, moved=self.felt).as_set()

    def as_set(self) -> list[str]:
        """All of them, with the numbers that were moved of agents that are taken out, which `--set` would not have."""
        return [
            *(f"{path}={value!r}" for path, value in self.moved.items()),
            *(f"{path}=null" for path in sorted(self.off)),
        ]

    def made_in(self, whole: Whole) -> Scenario:
        """The scenario with the changes made.

        Raises:
            ScenarioError: when what is left is no scenario.
        """
        return whole.without(self.overrides(), MOVED)
