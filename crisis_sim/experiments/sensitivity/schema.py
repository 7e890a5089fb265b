"""What a sensitivity experiment says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from crisis_sim.experiments.factors import Range
from crisis_sim.experiments.schema import MOST, Spec, WrittenMeasure

Method = Literal["morris", "sobol", "pawn"]

#: Samples where a file does not say how many: trajectories, base samples, points.
SAMPLES: dict[str, int] = {"morris": 32, "sobol": 256, "pawn": 1024}
#: Fewer than these say nothing at all.
FEWEST: dict[str, int] = {"morris": 4, "sobol": 16, "pawn": 64}
#: What a sample is called.
SAMPLE_WORDS: dict[str, str] = {
    "morris": "trajectories",
    "sobol": "base samples",
    "pawn": "points",
}


class SensitivitySpec(Spec):
    """Which parameters an outcome turns on."""

    kind: Literal["sensitivity"] = Field(description="what kind of experiment it is")
    method: Method = Field(
        "morris",
        description="morris to screen many parameters, sobol to share out variance, "
        "pawn to compare distributions",
    )
    vary: dict[str, Range] = Field(
        default_factory=dict,
        description="parameters by path, each with its range; where none is given, all that are "
        "worth a slider",
    )
    samples: int | None = Field(
        None,
        description="trajectories (morris), base samples (sobol: a power of two) or points (pawn)",
        strict=True,
        ge=1,
        le=1_000_000,
    )
    second_order: bool = Field(
        False, description="sobol: whether pairs of parameters get an index, at twice the cost"
    )
    tornado: int = Field(
        1000,
        description="crises at each end of every parameter for the tornado; 0 for none",
        strict=True,
        ge=0,
        le=MOST,
    )
    outcomes: tuple[WrittenMeasure, ...] = Field(min_length=1, description="what is measured")

    @property
    def count(self) -> int:
        """How many samples are drawn."""
        return SAMPLES[self.method] if self.samples is None else self.samples
