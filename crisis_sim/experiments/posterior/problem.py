"""What a posterior is about: its priors, what was seen in the world, and crises at particles.

Every crisis of every particle has luck of its own. A design's points share theirs, which makes their
differences sure; here it would make all particles err alike, and the posterior would take one
sample's luck for knowledge. With luck of its own, a particle's share of crises like the record is an
unbiased estimate of its likelihood, whose noise averages out over particles (Andrieu and Roberts
2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.batch import simulate
from crisis_sim.experiments.design import IN_MEMORY
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.posterior.priors import Prior, Values, prior_of, values_of
from crisis_sim.experiments.posterior.record import (
    Number,
    condition_of,
    misses,
    numbers_on_record,
)
from crisis_sim.experiments.posterior.schema import PosteriorSpec
from crisis_sim.experiments.tuning.evaluation import Watched
from crisis_sim.experiments.tuning.targets import Aim, aim_of
from crisis_sim.outcomes.measures import measure
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from crisis_sim.experiments.run import How

#: A target without an interval is taken as known to this share of the spread of what the prior
#: shows (its median absolute deviation).
EXACT = 0.1


@dataclass(frozen=True)
class Seen:
    """What crises showed at particles.

    Attributes:
        figures, errors: of what is watched the estimates and their standard errors, `(particles,
            watched)`.
        values: of the numbers on record the value in each crisis, `(particles, numbers,
            replicates)`; NaN where it never came.
        so: whether what else is on record was so, `(particles, cases, replicates)`.
    """

    figures: Values
    errors: Values
    values: NDArray[np.float32]
    so: NDArray[np.bool_]


@dataclass(frozen=True)
class Problem:
    """A posterior to be found; it is the `Study` that `sampler.sample` samples from.

    Attributes:
        experiment: the experiment, checked.
        how: in which way it is run.
    """

    experiment: Experiment
    how: How

    @property
    def spec(self) -> PosteriorSpec:
        """What the experiment says."""
        spec = self.experiment.spec
        assert isinstance(spec, PosteriorSpec)  # noqa: S101 - `kinds` has seen to it
        return spec

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Its scenarios, the first one first."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def priors(self) -> tuple[Prior, ...]:
        """The parameters."""
        return tuple(
            prior_of(path, written, self.scenarios) for path, written in self.spec.vary.items()
        )

    @cached_property
    def given_aims(self) -> tuple[Aim, ...]:
        """The targets; those without an interval with no scale yet (see `aims`)."""
        return tuple(
            aim_of(target, measure(target.measure), target.scenario or self.scenarios[0].name)
            for target in self.spec.targets
        )

    @cached_property
    def watched(self) -> tuple[Watched, ...]:
        """What is measured: first the targets, then the other outcomes."""
        first = self.scenarios[0].name
        targets = [
            Watched(measure(target.measure), target.scenario or first)
            for target in self.spec.targets
        ]
        return (*targets, *(Watched(one, first) for one in self.experiment.measures))

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers on record."""
        return numbers_on_record(self.spec.cases, self.scenarios[0].name)

    @property
    def draws(self) -> int:
        """Points drawn from the posterior for the check."""
        return self.spec.draws or min(self.spec.particles, 200)

    def aims(self, seen: Seen) -> tuple[Aim, ...]:
        """The targets, each with its scale; `seen` begins with the generation from the prior."""
        return tuple(
            self._with_scale(aim, seen.figures[: self.spec.particles, k]) if aim.assumed else aim
            for k, aim in enumerate(self.given_aims)
        )

    @staticmethod
    def _with_scale(aim: Aim, shown: Values) -> Aim:
        """A target without an interval, on the scale of what the prior shows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.log(shown) if aim.log else shown
        shown = shown[np.isfinite(shown)]
        spread = float(np.median(np.abs(shown - np.median(shown)))) if len(shown) else 0.0
        return replace(aim, error=EXACT * spread) if spread > 0 else aim

    def run(self, scores: Values, generation: int) -> Seen:
        """Crises at particles, each with luck of its own."""
        values = values_of(self.priors, scores)
        size = max(IN_MEMORY // self.spec.replicates, 1)
        parts = [
            self._part(values[first : first + size], generation, first)
            for first in range(0, len(values), size)
        ]
        return self.join(parts)

    def join(self, seen: list[Seen]) -> Seen:
        """What several generations have shown, as one."""
        if len(seen) == 1:
            return seen[0]
        return Seen(
            *(
                np.concatenate([getattr(one, name) for one in seen])
                for name in ("figures", "errors", "values", "so")
            )
        )

    def likelihood(self, seen: Seen) -> Any:
        """From a tolerance, the logarithm of each particle's likelihood.

        Of targets it is normal, with the tolerance times their standard errors; of each crisis on
        record, the share of crises that are within the tolerance of it.
        """
        aims = self.aims(seen)
        squares = np.zeros(len(seen.figures))
        for k, aim in enumerate(aims):
            squares += aim.weight * aim.apart(seen.figures[:, k]) ** 2
        off = misses(self.spec.cases, seen.values, seen.so)

        def at(tolerance: float) -> Values:
            found = -0.5 * squares / tolerance**2
            shares = (off <= tolerance).mean(axis=2)
            with np.errstate(divide="ignore"):
                return np.asarray(found + np.log(shares).sum(axis=1))

        return at

    def _part(self, values: Values, generation: int, first: int) -> Seen:
        spec, count = self.spec, len(values)
        figures, errors = np.full((2, count, len(self.watched)), np.nan)
        shown = np.full((count, len(self.numbers), spec.replicates), np.nan, dtype=np.float32)
        so = np.ones((count, len(spec.cases), spec.replicates), dtype=np.bool_)
        for place, scenario in enumerate(self.scenarios):
            ensemble = self._ensemble(scenario, place, values, generation, first)
            for k, watched in enumerate(self.watched):
                if watched.scenario == scenario.name:
                    found = watched.measure.over(ensemble, count)
                    figures[:, k], errors[:, k] = found.estimate, found.standard_error
            for k, number in enumerate(self.numbers):
                if number.scenario == scenario.name:
                    shown[:, k] = number.read(ensemble).reshape(count, -1)
            for k, case in enumerate(spec.cases):
                condition = condition_of(case)
                if condition and (case.scenario or self.scenarios[0].name) == scenario.name:
                    so[:, k] = condition.holds(ensemble).reshape(count, -1)
        return Seen(figures, errors, shown, so)

    def _ensemble(
        self, scenario: Scenario, place: int, values: Values, generation: int, first: int
    ) -> Any:
        """A scenario's crises at particles: so many replicates for each, particle after particle."""
        replicates, known = self.spec.replicates, numbers_of(scenario)
        parameters = {
            prior.path: np.repeat(values[:, k], replicates)
            for k, prior in enumerate(self.priors)
            if prior.path in known
        }
        rows = len(values) * replicates
        before = self.crises_before(generation) + first * replicates * len(self.scenarios)
        before += place * rows
        batch = simulate(
            [scenario],
            rows,
            luck_of(self.spec.seed, generation, first),
            self.how.workers,
            parameters=parameters,
            agents=self.how.agents,
            progress=lambda done, _: self.how.progress(before + done, self.crises),
        )
        return batch.ensembles[scenario.name]

    def crises_before(self, generation: int) -> int:
        """How many crises there are before a generation; the check is the one after the last."""
        return generation * self.spec.particles * self.spec.replicates * len(self.scenarios)

    @property
    def crises(self) -> int:
        """How many crises there are in all."""
        check = self.draws * self.spec.replicates * len(self.scenarios)
        return self.crises_before(self.spec.generations) + check


def luck_of(seed: int, generation: int, first: int) -> int:
    """The seed of crises' luck, another for each generation, and within it for each part that is run at once."""
    sequence: Sequence[int] = [seed, generation, first]
    low, high = np.random.SeedSequence(sequence).generate_state(2, np.uint32).tolist()
    return int(low) + (int(high) << 31)
