"""An experiment that has been read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from crisis_sim.experiments.schema import Spec
from crisis_sim.experiments.sealed import canonical_digest
from crisis_sim.outcomes.measures import Measure
from crisis_sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Experiment:
    """An experiment, ready to run.

    Attributes:
        name: its name: that of its file.
        spec: what it says.
        scenario: the scenario that it is about, changed as it asks.
        measures: what it measures, in its order.
        text: the file as it was given; "" for one made in Python.
        others: scenarios beside its own, in kinds that look at several at once.
    """

    name: str
    spec: Spec
    scenario: Scenario
    measures: tuple[Measure, ...]
    text: str = field(default="", repr=False)
    others: tuple[Scenario, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Experiment({self.name!r}, {self.kind} of {self.scenario.name!r}, {self.spec.title!r})"
        )

    def _repr_html_(self) -> str:
        """What it asks, for a notebook."""
        from crisis_sim.experiments.shown import html_of_experiment

        return html_of_experiment(self)

    @property
    def kind(self) -> str:
        """What kind of experiment it is."""
        return self.spec.kind

    def plain(self) -> dict[str, Any]:
        """All that fixes its results, as plain data, fit for JSON."""
        others = [scenario.plain() for scenario in self.others]
        return {
            "name": self.name,
            "experiment": self.spec.model_dump(mode="json", by_alias=True),
            "measures": [measure.plain() for measure in self.measures],
            "scenario": self.scenario.plain(),
            **({"others": others} if others else {}),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the resolved experiment; equal digests mean equal results."""
        return canonical_digest(self.plain())
