"""What a tune experiment says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from crisis_sim.experiments.factors import Range
from crisis_sim.experiments.schema import MOST, Spec, WrittenMeasure
from crisis_sim.scenario.part import Part

#: The samplers by name; `crisis_sim.experiments.tuning.proposals` says what each does.
Sampler = Literal["cmaes", "tpe", "sobol", "random"]
MOST_TRIALS = 1_000_000


class TunedRange(Range):
    """How far a parameter may be moved."""

    start: float | None = Field(
        None,
        description="where the search begins; where left out, the scenario's own value, or the end of the range "
        "that is nearest to it",
    )
    also: tuple[str, ...] = Field((), description="further paths that take the same value")


class Target(Part):
    """A figure that crises should show."""

    measure: WrittenMeasure = Field(description="what is measured")
    value: float = Field(description="what it should be")
    interval: tuple[float, float] | None = Field(
        None, description="the 95% interval in which the value is known"
    )
    weight: float = Field(1.0, description="how much it counts", gt=0, le=1e6)
    scale: Literal["linear", "log"] = Field(
        "linear", description="whether being off is counted in differences, or in ratios"
    )
    scenario: str = Field("", description="in which scenario; in the first where left out")


class Objective(Part):
    """What is to be as high, or as low, as can be, and at what cost."""

    maximise: WrittenMeasure | None = Field(None, description="what should be high")
    minimise: WrittenMeasure | None = Field(None, description="what should be low")
    enough: float | None = Field(
        None, description="how high, or low, is enough; the least cost that gives it is sought then"
    )
    surely: bool = Field(
        False,
        description="whether the whole 95% interval, not the estimate alone, must be beyond enough",
        strict=True,
    )
    cost: dict[str, float] = Field(
        default_factory=dict,
        description="by parameter, what moving it by one unit from the scenario's own value costs",
    )


class TuneSpec(Spec):
    """A search for the parameters that reach targets, or an objective."""

    kind: Literal["tune"] = Field(description="what kind of experiment it is")
    others: tuple[str, ...] = Field(
        (), description="scenarios tuned together with the first, on the same parameters"
    )
    vary: dict[str, TunedRange] = Field(
        min_length=1, description="the parameters that may be moved, by path, each with its range"
    )
    targets: tuple[Target, ...] = Field((), description="figures that crises should show")
    robust: float | None = Field(
        None,
        description="standard errors beyond which a target that is missed counts in proportion, "
        "not by the square (Huber)",
        gt=0,
    )
    monte_carlo_error: bool = Field(
        False, description="whether the error of few replicates widens each target's", strict=True
    )
    objective: Objective | None = Field(None, description="what should be high or low")
    observe: bool = Field(
        False,
        description="whether an observer counts answers, acts and halts, so that they can be measured "
        "(docs/outcomes.md)",
        strict=True,
    )
    sampler: Sampler = Field("cmaes", description="how the next points are chosen")
    trials: int = Field(
        description="points to try, one after the other", strict=True, ge=2, le=MOST_TRIALS
    )
    generation: int | None = Field(
        None, description="points tried together before the next are chosen", strict=True, ge=4
    )
    spread: float = Field(
        0.25,
        description="how far from the start CMA-ES looks at first, as a share of each range",
        gt=0,
        le=1,
    )
    tolerance: float | None = Field(
        None, description="how much worse than the best a trial may be to count as good", gt=0
    )
    finalists: int = Field(
        1,
        description="so many of the best trials are run again with fresh luck, and the best of these is the answer",
        strict=True,
        ge=1,
        le=MOST_TRIALS,
    )
    slices: int | None = Field(
        None,
        description="values to which each parameter of the best is then moved alone, to see how well "
        "it is pinned down; none where left out",
        strict=True,
        ge=3,
        le=1000,
    )
    check_replicates: int | None = Field(
        None,
        description="crises with fresh luck on which the best is checked; "
        "four times the replicates where left out",
        strict=True,
        ge=1,
        le=MOST,
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """The observer, where it is asked for."""
        if not self.observe:
            return ()
        from crisis_sim.model.observer import Observer

        return (Observer,)
