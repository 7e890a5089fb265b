"""What every experiment has; each kind adds its own in its module of `crisis_sim.experiments.kinds`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from crisis_sim.outcomes.measures import MEASURE_SCHEMA
from crisis_sim.scenario.part import Part

#: A measure as it is written; `crisis_sim.outcomes.measures.read_measure` reads it.
WrittenMeasure = Annotated[Any, WithJsonSchema(MEASURE_SCHEMA)]

#: A thousand times a billion replicates would not end.
MOST = 1_000_000_000


class Spec(Part):
    """An experiment's frame: the question, the scenario, what is measured, and how much it may cost."""

    kind: str = Field(description="what kind of experiment it is")
    title: str = Field(description="what it is, in a line")
    question: str = Field("", description="what it asks")
    scenario: str = Field(
        description="the scenario: the name of a shipped one, or a file beside the experiment"
    )
    set: tuple[str, ...] = Field(
        (), description="changes to the scenario, such as lenders.imf.conditionality=1"
    )
    outcomes: tuple[WrittenMeasure, ...] = Field((), description="what is measured")
    replicates: int = Field(
        description="crises at each point, all with the same luck", strict=True, ge=1, le=MOST
    )
    seed: int = Field(
        1, description="with a replicate's number, it fixes all its luck", strict=True, ge=0
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """Makers of agents that it asks for beside the scenario's own, as `CrisisModel` takes them."""
        return ()
