"""Joint draws from a posterior, for crises in which parameters go together as the evidence has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crisis_sim.batch.plan import check_count
from crisis_sim.experiments.errors import ExperimentError
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.folder import read_experiment

#: Columns of the table of particles beside the parameters.
OTHERS = ("particle", "generation", "weight")


@dataclass(frozen=True)
class Posterior:
    """A weighted sample of parameters.

        posterior = Posterior.of("results/posterior_may_2025")
        values = posterior.draw(10_000, seed=7)
        batch = simulate("may_2025", 10_000, seed=7, parameters=values)

    Attributes:
        paths: the parameters.
        values: of each particle, `(particles, parameters)`.
        weight: how much each counts, `(particles,)`; they sum to 1.
    """

    paths: Sequence[str]
    values: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, findings: Findings | str | Path) -> Posterior:
        """The posterior that an experiment found.

        Args:
            findings: what it found, or its folder.

        Raises:
            ExperimentError: when it was an experiment of another kind.
            ResultsError: when the folder holds no experiment that is finished.
        """
        if not isinstance(findings, Findings):
            findings = read_experiment(findings)
        if findings.experiment.kind != "posterior":
            raise ExperimentError(
                f"an experiment of kind {findings.experiment.kind} has no posterior"
            )
        table = findings.tables["particles"]
        paths = [name for name in table.column_names if name not in OTHERS]
        values = np.stack([table.column(path).to_numpy() for path in paths], axis=1)
        return cls(tuple(paths), values, np.asarray(table.column("weight").to_numpy()))

    def draw(self, replicates: int, seed: int = 1) -> dict[str, NDArray[np.float64]]:
        """Parameters for replicates: particles drawn by weight, all parameters of one together.

        Args:
            replicates: how many.
            seed: the same draws for the same seed.

        Returns:
            By path an array of shape `(replicates,)`, as `crisis_sim.batch.simulate` takes them.

        Raises:
            BatchError: when either is no number to count with.
        """
        check_count("replicates", replicates)
        check_count("seed", seed, least=0)
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.weight), size=replicates, p=self.weight)
        return {path: self.values[chosen, k] for k, path in enumerate(self.paths)}
