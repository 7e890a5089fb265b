"""Points run and scored: every scenario's crises at every point, with the same luck at all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.experiments.design import run_design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.tuning.objective import Goal, goal_of
from crisis_sim.experiments.tuning.places import Tuned, parameters_at, tuned_parameter
from crisis_sim.experiments.tuning.schema import TuneSpec
from crisis_sim.experiments.tuning.targets import Aim, aim_of, loss_of
from crisis_sim.outcomes.measures import Measure, measure
from crisis_sim.scenario.schema import Scenario

Values = NDArray[np.float64]
#: What is kept of a figure.
KEPT = ("estimate", "standard_error", "lower", "upper")


@dataclass(frozen=True)
class Watched:
    """A figure that is told of every trial.

    Attributes:
        measure: what is measured.
        scenario: in which scenario.
    """

    measure: Measure
    scenario: str


@dataclass(frozen=True)
class Scored:
    """What came of points.

    Attributes:
        loss: how bad each is, `(points,)`.
        figures: of what is watched the estimates, standard errors and limits by name, each
            `(points, watched)`.
    """

    loss: Values
    figures: dict[str, Values]


@dataclass(frozen=True)
class Problem:
    """What is to be tuned, and what counts as good.

    Attributes:
        experiment: the experiment, checked.
        agents: makers of agents to add to its scenarios' own, and to those that it asks for.
    """

    experiment: Experiment
    agents: Sequence[Any] = ()

    @property
    def spec(self) -> TuneSpec:
        """What the experiment says."""
        spec = self.experiment.spec
        assert isinstance(spec, TuneSpec)  # noqa: S101 - `kinds` has seen to it
        return spec

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Its scenarios, the first one first."""
        return (self.experiment.scenario, *self.experiment.others)

    @cached_property
    def tuned(self) -> tuple[Tuned, ...]:
        """The parameters."""
        return tuple(
            tuned_parameter(path, written, self.scenarios)
            for path, written in self.spec.vary.items()
        )

    @cached_property
    def aims(self) -> tuple[Aim, ...]:
        """The targets."""
        return tuple(
            aim_of(target, measure(target.measure), target.scenario or self.scenarios[0].name)
            for target in self.spec.targets
        )

    @cached_property
    def goal(self) -> Goal | None:
        """The objective."""
        return None if self.spec.objective is None else goal_of(self.spec.objective, self.tuned)

    @cached_property
    def watched(self) -> tuple[Watched, ...]:
        """What is measured: first the targets, or the objective; then the other outcomes."""
        first = self.scenarios[0].name
        objective = self.spec.objective
        found = [
            Watched(measure(target.measure), aim.scenario)
            for target, aim in zip(self.spec.targets, self.aims, strict=True)
        ]
        if objective is not None:
            written: Any = objective.minimise if objective.maximise is None else objective.maximise
            found.append(Watched(measure(written), first))
        return (*found, *(Watched(one, first) for one in self.experiment.measures))

    @property
    def start(self) -> Values:
        """Where the search begins, `(parameters,)`."""
        return np.asarray([one.start for one in self.tuned])

    def at(
        self,
        points: Values | None,
        replicates: int,
        seed: int,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Scored:
        """Run and score points.

        Args:
            points: their parameters, `(points, parameters)`; None for the scenarios as they are.
            replicates: crises of each scenario at each point.
            seed: the seed of their luck.
            workers: the most threads, or processes, to use.
            progress: called with the crises done and those in all, of all scenarios.
        """
        count = 1 if points is None else len(points)
        figures = {name: np.full((count, len(self.watched)), np.nan) for name in KEPT}
        total, done = count * replicates * len(self.scenarios), 0
        for scenario in self.scenarios:
            own = [k for k, one in enumerate(self.watched) if one.scenario == scenario.name]
            # Two figures may go by one name.
            measures = [replace(self.watched[k].measure, name=str(k)) for k in own]
            values = (
                {}
                if points is None
                else parameters_at(scenario, self.tuned, points, replicates, seed)
            )
            if own:
                design = run_design(
                    scenario,
                    values,
                    measures,
                    replicates,
                    seed,
                    workers,
                    agents=(*self.agents, *self.spec.agents),
                    progress=_counting(progress, done, total),
                )
                for k in own:
                    for name in KEPT:
                        figures[name][:, k] = getattr(design.measured[str(k)], name)
            done += count * replicates
        own_values = np.asarray([[one.own for one in self.tuned]])
        return Scored(self._loss(own_values if points is None else points, figures), figures)

    def apart(self, figures: dict[str, Values]) -> Values:
        """How many standard errors figures are from the targets, `(points, targets)`."""
        with_error = self.spec.monte_carlo_error
        columns = [
            aim.apart(
                figures["estimate"][:, k], figures["standard_error"][:, k] if with_error else None
            )
            for k, aim in enumerate(self.aims)
        ]
        return np.stack(columns, axis=1)

    def _loss(self, points: Values, figures: dict[str, Values]) -> Values:
        if self.goal is None:
            return loss_of(self.aims, self.apart(figures), self.spec.robust)
        return self.goal.loss(
            points, *(figures[name][:, 0] for name in ("estimate", "lower", "upper"))
        )


def _counting(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    """A scenario's progress as that of all of them."""
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
