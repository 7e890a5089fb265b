"""What a search found, in sentences and as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.experiments import words
from crisis_sim.experiments.tuning.evaluation import KEPT, Problem, Scored
from crisis_sim.experiments.tuning.pinned import Pinned
from crisis_sim.experiments.tuning.scenario_file import tuned_name
from crisis_sim.experiments.tuning.search import Trials
from crisis_sim.outcomes.intervals import normal_quantile

if TYPE_CHECKING:
    import pyarrow as pa

#: Parameters that an answer tells of; the table has all of them.
MOST_TOLD = 8


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
    """

    problem: Problem
    trials: Trials
    pinned: Pinned
    fresh: Scored
    before: Scored
    seed: int
    replicates: int

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
            "parameters": pa.Table.from_pylist(self._parameters()),
            "outcomes": pa.Table.from_pylist(self._outcomes()),
        }

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
            "parameters": self._parameters(),
            "outcomes": self._outcomes(),
            "objective": self._objective(),
            "files": [tuned_name(one) for one in problem.scenarios],
        }

    def _parameters(self) -> list[dict[str, Any]]:
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
                "importance": float(self.trials.importance[k]),
            }
            for k, one in enumerate(self.problem.tuned)
        ]

    def _outcomes(self) -> list[dict[str, Any]]:
        """One row a figure: what was aimed for, and what came of it."""
        rows = []
        for k, one in enumerate(self.problem.watched):
            row: dict[str, Any] = {
                "measure": one.measure.name,
                "words": one.measure.words,
                "unit": one.measure.unit,
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

    def _objective(self) -> dict[str, Any] | None:
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

    def answer(self) -> Iterator[str]:
        """Sentences: what was found, how sure that is, and what would make it surer."""
        yield from self._on_targets() if self.problem.goal is None else self._on_objective()
        yield from self._on_parameters()
        yield from self._on_edges()
        yield self._on_budget()

    def _on_targets(self) -> Iterator[str]:
        spec = self.problem.spec
        fresh, before = float(self.fresh.loss[0]), float(self.before.loss[0])
        count = len(self.problem.aims)
        yield (
            f"The best of {words.count(len(self.trials.loss))} trials has a loss of {fresh:.3g} over "
            f"{words.count(count)} target{'s' if count > 1 else ''} with fresh luck "
            f"({self.loss:.3g} with the luck it was tuned on; {before:.3g} with the scenario as it is). "
            "The loss is the weighted sum of squared distances in the targets' standard errors."
        )
        rows = [row for row in self._outcomes() if row["is_target"]]
        inside = sum(abs(row["apart"]) <= normal_quantile() for row in rows)
        yield (
            f"With fresh luck {words.count(inside)} of {words.count(count)} figures lie in the 95% "
            f"interval of their target; farthest off: {self._row_in_words(self._farthest(rows))}."
        )
        rough = sum((row["apart_error"] or 0.0) > 1.0 for row in rows)
        if rough:
            yield (
                f"{words.count(rough)} of the targets are known better than {words.count(self.replicates)} "
                "replicates can tell: more replicates, or monte_carlo_error: true."
            )
        if fresh > self.loss + normal_quantile() ** 2:
            yield (
                "Part of the fit is luck: with fresh luck it is worse by "
                f"{fresh - self.loss:.3g}. {words.halving(spec.replicates)}"
            )
        if any(aim.assumed for aim in self.problem.aims):
            yield (
                "Targets without an interval are taken as known to a standard error of five points "
                "of a share, or a tenth of anything else."
            )

    @staticmethod
    def _farthest(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return max(rows, key=lambda row: float(abs(row["apart"])))

    def _row_in_words(self, row: dict[str, Any]) -> str:
        said = row["words"]
        if len(self.problem.scenarios) > 1:
            said += f" in {row['scenario']}"
        aimed = words.estimate(row["target"], row["target_lower"], row["target_upper"], row["unit"])
        return f"{said}: {self._figure(row)}, aimed for {aimed}"

    @staticmethod
    def _figure(row: dict[str, Any], end: str = "") -> str:
        value, lower, upper = (
            math.nan if row[f"{key}{end}"] is None else float(row[f"{key}{end}"])
            for key in ("estimate", "lower", "upper")
        )
        if math.isnan(value):
            return "never, or unknown"
        return words.estimate(value, lower, upper, str(row["unit"]))

    def _on_objective(self) -> Iterator[str]:
        row, objective = self._outcomes()[0], self._objective()
        assert objective is not None  # noqa: S101 - there is one
        cost = f", at a cost of {objective['cost']:.3g}" if objective["has_cost"] else ""
        yield (
            f"{words.sentence_start(row['words'])}: {self._figure(row)} at the best of "
            f"{words.count(len(self.trials.loss))} trials{cost}, with fresh luck; "
            f"{self._figure(row, '_before')} with the scenario as it is."
        )
        if objective["enough"] is None:
            return
        enough = words.figure(objective["enough"], row["unit"])
        sure = "the whole interval" if objective["surely"] else "the estimate"
        if not objective["reached"]:
            yield f"No trial reached {enough} with {sure}: this is the nearest."
        elif objective["reached_with_fresh_luck"]:
            yield f"It reaches {enough} with {sure}, with fresh luck, too."
        elif row["lower"] is not None and row["lower"] <= objective["enough"] <= row["upper"]:
            yield (
                f"{enough} is enough, and was reached with {sure} on the luck it was tuned on; with fresh "
                "luck it lies inside the interval, so it is reached as far as these replicates can tell. "
                "surely: true asks for a margin."
            )
        else:
            yield (
                f"{enough} was reached with {sure} on the luck it was tuned on, but is not with fresh "
                f"luck: part of it was luck. {words.halving(self.problem.spec.replicates)}"
            )

    def _on_parameters(self) -> Iterator[str]:
        rows = sorted(self._parameters(), key=lambda row: -float(row["importance"]))
        told = []
        for row in rows[:MOST_TOLD]:
            unit = row["unit"]
            noun = "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"
            span = f"; {row['lower']:.3g} to {row['upper']:.3g}" if self.pinned.count > 1 else ""
            told.append(f"{row['path']} {row['best']:.3g}{noun} (from {row['own']:.3g}{span})")
        more = (
            f"; {len(rows) - MOST_TOLD} more in parameters.parquet" if len(rows) > MOST_TOLD else ""
        )
        trials = self.pinned.count
        if trials == 1:
            yield (
                f"Best where {words.listed(told)}{more}. In brackets the scenario's own value. No other "
                f"trial comes within {self.pinned.tolerance:.3g} of the best loss, so nothing tells yet "
                "how well these are pinned down."
            )
            return
        yield (
            f"Best where {words.listed(told)}{more}. In brackets the scenario's own value, and the range "
            f"among the {words.count(trials)} trials within {self.pinned.tolerance:.3g} of the best loss: "
            "at least so much is left open."
        )

    def _on_edges(self) -> Iterator[str]:
        edges = [row["path"] for row in self._parameters() if row["at_edge"]]
        if edges:
            shown = words.listed(edges[:MOST_TOLD])
            yield (
                f"At the edge of {'its range' if len(edges) == 1 else 'their ranges'}: {shown}. "
                "A wider range might do better."
            )

    def _on_budget(self) -> str:
        trials = self.trials
        late = trials.best >= 0.9 * len(trials.loss)
        said = (
            "The best came among the last tenth of the trials: more of them would find a better one."
            if late
            else "The last tenth of the trials found nothing better."
        )
        return (
            f"{words.count(len(trials.loss))} trials by {self.problem.spec.sampler}, each of "
            f"{words.count(self.problem.spec.replicates)} replicates with the same luck. {said}"
        )


def _known(value: Any) -> float | None:
    """A figure for JSON and tables: None where it is unknown, or a time that never comes."""
    number = float(value)
    return number if math.isfinite(number) else None
