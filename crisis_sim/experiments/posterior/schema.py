"""What a posterior experiment says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from crisis_sim.experiments.factors import Range
from crisis_sim.experiments.schema import MOST, Spec
from crisis_sim.experiments.tuning.schema import Target
from crisis_sim.outcomes.measures.events import TRIGGER
from crisis_sim.scenario.part import Part

MOST_PARTICLES, MOST_GENERATIONS = 100_000, 100


class Observed(Part):
    """A number on record of one crisis."""

    of: str = Field(description="the outcome, such as ceasefire_in_effect_at_hours")
    since: str = Field(TRIGGER, description="of a time: since when it is counted")
    value: float = Field(description="what the record says")
    within: float = Field(
        description="how far a crisis may be off and still count as the same", gt=0
    )
    unit: Literal["hours", "days"] = Field("hours", description="of a time: the unit of both")


class Case(Part):
    """One crisis on record: one draw from what the model could have shown."""

    name: str = Field(description="what it is called")
    record: tuple[Observed, ...] = Field((), description="numbers that are on record")
    so: dict[str, Any] = Field(
        default_factory=dict, description="what else was so, such as {ending: agreement}"
    )
    scenario: str = Field("", description="in which scenario; in the first where left out")


class PosteriorSpec(Spec):
    """What a record, or figures over many crises, say of parameters."""

    kind: Literal["posterior"] = Field(description="what kind of experiment it is")
    others: tuple[str, ...] = Field(
        (), description="scenarios fitted together with the first, on the same parameters"
    )
    vary: dict[str, Range] = Field(
        min_length=1,
        description="the parameters by path; the prior is what the scenario leaves open, or even "
        "over a range that is given",
    )
    targets: tuple[Target, ...] = Field((), description="figures that many crises should show")
    cases: tuple[Case, ...] = Field((), description="single crises on record")
    particles: int = Field(
        description="points tried in each generation", strict=True, ge=20, le=MOST_PARTICLES
    )
    generations: int = Field(
        5,
        description="rounds, each nearer to what fits",
        strict=True,
        ge=1,
        le=MOST_GENERATIONS,
    )
    replicates: int = Field(
        description="crises of each particle, each with luck of its own", strict=True, ge=1, le=MOST
    )
    tolerance: float = Field(
        1.0,
        description="where to stop tightening, in the targets' standard errors and the records' own "
        "distances",
        gt=0,
    )
    draws: int | None = Field(
        None,
        description="points drawn from the posterior for the check; as many as particles, "
        "but at most 200, where left out",
        strict=True,
        ge=20,
        le=MOST_PARTICLES,
    )
