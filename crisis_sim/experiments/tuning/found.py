"""What a search found: tidy tables, and plain data that charts and reports read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.experiments.tuning.evaluation import KEPT, Problem, Scored
from crisis_sim.experiments.tuning.pinned import Pinned
from crisis_sim.experiments.tuning.scenario_file import tuned_name
from crisis_sim.experiments.tuning.search import Trials
from crisis_sim.experiments.tuning.slices import Slices

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Found:
    """All that a search found.

    Attributes:
        problem: what was tuned.
        trials: what was tried.
        pinned: the values that do about as well as the best.
        fresh: the best, run with luck that it was not tuned on.
        before: the scenarios as they are, with that same luck.
        seed, replicates: of that luck.
        slices: how far each parameter of the best may be moved alone, with that luck.
    """

    problem: Problem
    trials: Trials
    pinned: Pinned
    fresh: Scored
    before: Scored
    seed: int
    replicates: int
    slices: Slices | None = None

    @property
    def loss(self) -> float:
        """The best trial's loss."""
        return float(self.trials.loss[self.trials.best])

    def tables(self) -> dict[str, pa.Table]:
        """Tidy tables: the trials, their figures, the parameters, and what was aimed for."""
        import pyarrow as pa

        trials, problem = self.trials, self.problem
        number = np.arange(len(trials.loss))
        points = {one.factor.path: trials.points[:, k] for k, one in enumerate(problem.tuned)}
        watched = len(problem.watched)
        figures = {name: pa.array(trials.figures[name].ravel(), from_pandas=True) for name in KEPT}
        goal = problem.goal
        cost = {} if goal is None else {"cost": goal.cost(trials.points)}
        return {
            "trials": pa.table(
                {
                    "trial": number,
                    "generation": trials.generation,
                    "loss": trials.loss,
                    "best_so_far": np.minimum.accumulate(trials.loss),
                    **cost,
                    **points,
                }
            ),
            "figures": pa.table(
                {
                    "trial": np.repeat(number, watched),
                    "scenario": [one.scenario for one in problem.watched] * len(number),
                    "measure": [one.measure.name for one in problem.watched] * len(number),
                    **figures,
                }
            ),
            "parameters": pa.Table.from_pylist(self.parameters()),
            "outcomes": pa.Table.from_pylist(self.outcomes()),
            **self._slices(),
        }

    def _slices(self) -> dict[str, pa.Table]:
        import pyarrow as pa

        if self.slices is None:
            return {}
        paths = [one.factor.path for one in self.problem.tuned]
        columns = {
            "path": [paths[k] for k in self.slices.parameter],
            "value": self.slices.value,
            "loss": self.slices.loss,
        }
        return {"slices": pa.table(columns)}

    def summary(self) -> dict[str, Any]:
        """The figures that matter, fit for JSON."""
        problem, spec = self.problem, self.problem.spec
        return {
            "aim": "targets" if problem.goal is None else "objective",
            "sampler": spec.sampler,
            "trials": len(self.trials.loss),
            "generations": int(self.trials.generation[-1]) + 1,
            "replicates": spec.replicates,
            "scenarios": [one.name for one in problem.scenarios],
            "best": {
                "trial": self.trials.best,
                "loss": self.loss,
                "parameters": {
                    one.factor.path: float(value)
                    for one, value in zip(
                        problem.tuned, self.trials.points[self.trials.best], strict=True
                    )
                },
            },
            "fresh": {
                "seed": self.seed,
                "replicates": self.replicates,
                "loss": float(self.fresh.loss[0]),
                "loss_before": float(self.before.loss[0]),
            },
            "good": {"tolerance": self.pinned.tolerance, "trials": self.pinned.count},
            "parameters": self.parameters(),
            "outcomes": self.outcomes(),
            "objective": self.objective(),
            "files": [tuned_name(one) for one in problem.scenarios],
        }

    def parameters(self) -> list[dict[str, Any]]:
        """One row a parameter: where it may lie, where it lies best, and how much it matters."""
        best = self.trials.points[self.trials.best]
        return [
            {
                "path": one.factor.path,
                "meaning": one.factor.meaning,
                "unit": one.factor.unit,
                "scale": one.factor.scale,
                "low": one.factor.low,
                "high": one.factor.high,
                "own": float(one.own),
                "start": float(one.start),
                "best": float(best[k]),
                "lower": float(self.pinned.lower[k]),
                "upper": float(self.pinned.upper[k]),
                "at_edge": bool(self.pinned.at_edge[k]),
                "alone_lower": None if self.slices is None else float(self.slices.lower[k]),
                "alone_upper": None if self.slices is None else float(self.slices.upper[k]),
                "importance": float(self.trials.importance[k]),
            }
            for k, one in enumerate(self.problem.tuned)
        ]

    def outcomes(self) -> list[dict[str, Any]]:
        """One row a figure: what was aimed for, and what came of it."""
        rows = []
        for k, one in enumerate(self.problem.watched):
            row: dict[str, Any] = {
                "measure": one.measure.name,
                "words": one.measure.words,
                "unit": one.measure.unit,
                "among": one.measure.among,
                "scenario": one.scenario,
                "is_target": k < len(self.problem.aims),
                "target": None,
                "target_lower": None,
                "target_upper": None,
                "weight": None,
                "scale": None,
                "apart": None,
                "apart_before": None,
                "apart_error": None,
            }
            if k < len(self.problem.aims):
                aim = self.problem.aims[k]
                error = float(self.fresh.figures["standard_error"][0, k])
                estimate = float(self.fresh.figures["estimate"][0, k])
                if aim.log:
                    error = error / estimate if estimate > 0 else math.nan
                row |= {
                    "target": aim.value,
                    "target_lower": aim.lower,
                    "target_upper": aim.upper,
                    "weight": aim.weight,
                    "scale": "log" if aim.log else "linear",
                    "apart": float(aim.apart(np.asarray(estimate))),
                    "apart_before": float(aim.apart(self.before.figures["estimate"][0, k])),
                    "apart_error": _known(error / aim.error),
                }
            for name in KEPT:
                row[f"tuned_on_{name}"] = _known(self.trials.figures[name][self.trials.best, k])
                row[name] = _known(self.fresh.figures[name][0, k])
                row[f"{name}_before"] = _known(self.before.figures[name][0, k])
            rows.append(row)
        return rows

    def objective(self) -> dict[str, Any] | None:
        """What came of the objective; None where there are targets."""
        goal = self.problem.goal
        if goal is None:
            return None
        figures = self.fresh.figures
        limits = (figures[name][0, 0] for name in ("estimate", "lower", "upper"))
        tried = (self.trials.figures[name][:, 0] for name in ("estimate", "lower", "upper"))
        return {
            "way": "maximise" if goal.high else "minimise",
            "enough": goal.enough,
            "surely": goal.surely,
            "cost": float(goal.cost(self.trials.points[self.trials.best])),
            "has_cost": bool(goal.prices.any()),
            "reached": bool((goal.shortfall(*tried) == 0).any()),
            "reached_with_fresh_luck": bool(goal.shortfall(*limits) == 0),
        }


def _known(value: Any) -> float | None:
    """A figure for JSON and tables: None where it is unknown, or a time that never comes."""
    number = float(value)
    return number if math.isfinite(number) else None
