"""Tune: find the parameters that reach targets, or that maximise or minimise a measure.

Optuna proposes points and learns their losses. A generation of points is one batch, in which all points share the random
numbers of each replicate; so do all generations. The best of many trials owes part of its result to chance, so it is run
again with new random numbers. With `finalists`, several of the best trials are, and the best of these is the result.
Trials are stored in a journal, so that an interrupted search can be resumed with the same result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis_sim import text
from crisis_sim.experiments import phrases, plots, search, targets
from crisis_sim.experiments.factors import Values, share_of
from crisis_sim.experiments.gauss_newton import Sets, Slices, ensemble, slice_through
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.points import finite_or_none
from crisis_sim.experiments.search import KEPT, Goal, Problem, Scored, Trials, TuneSpec
from crisis_sim.experiments.spec import Experiment, Findings, RunOptions
from crisis_sim.outcomes.intervals import normal_quantile

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Libraries that affect the findings, in addition to those of a batch.
LIBRARIES = ("optuna", "cmaes")

SPEC, check = TuneSpec, search.check


# --- Run and findings

#: Largest distance from the end of a range, as a share of it, at which a value is at the edge.
EDGE = 0.01


def crises(experiment: Experiment) -> int:
    problem = Problem(experiment)
    spec = problem.spec
    moved = len(problem.tuned) * spec.slices + 1 if spec.slices else 0
    checked = (spec.finalists + 1) * problem.check_replicates
    return int((spec.trials + moved) * spec.replicates + checked) * len(problem.scenarios)


class Found(NamedTuple):
    """The results of a search.

    Attributes:
        fresh, before: the best point and the unchanged scenarios, run with new random numbers.
    """

    problem: Problem
    trials: Trials
    tolerance: float
    fresh: Scored
    before: Scored
    slices: Slices | None
    sets: Sets | None = None

    @property
    def good(self) -> Values:
        """The points of trials about as good as the best, `(trials, parameters)`."""
        loss = self.trials.loss
        return np.asarray(self.trials.points[loss <= loss[self.trials.best] + self.tolerance])


def run(experiment: Experiment, options: RunOptions) -> Findings:
    problem = Problem(experiment, options)
    spec, trials = problem.spec, search.search(problem, options)
    seed, replicates = spec.seed + 1, problem.check_replicates  # new random numbers
    finalists = np.argsort(trials.loss, kind="stable")[: spec.finalists]
    scored = problem.evaluate(trials.points[finalists], replicates, seed)
    k = int(np.argmin(scored.loss))
    trials = replace(trials, best=int(finalists[k]))
    figures = {name: values[k : k + 1] for name, values in scored.figures.items()}
    best, tolerance = trials.points[trials.best], search.tolerance_of(problem, trials)
    before = problem.evaluate(None, replicates, seed)
    slices = slice_through(problem, best, tolerance, seed)
    files, sets = {}, None
    if spec.sets:
        options.on_message(f"looking for {spec.sets} parameter sets that fit about as well")
        sets = ensemble(problem, problem.shares_of(best[None])[0], spec.sets, spec.seed + 2)
        # `--over-fits` reads this table: a weight, and the parameters' values by path.
        rows = np.column_stack([sets.weight, problem.points_of(sets.shares)])
        lines = [",".join(f"{value:.5g}" for value in row) for row in rows]
        head = ",".join(["weight", *(tuned.path for tuned in problem.tuned)])
        files["sets.csv"] = "\n".join([head, *lines, ""])
    fresh = Scored(scored.loss[k : k + 1], figures)
    found = Found(problem, trials, tolerance, fresh, before, slices, sets)
    summary = _summary(found)
    pairs = zip(problem.tuned, best.tolist(), strict=True)
    values = {path: value for tuned, value in pairs for path in tuned.paths}
    return Findings(
        experiment,
        tuple(answer(problem, summary)),
        _tables(found, summary),
        summary,
        crises(experiment),
        targets.scenario_files(problem.originals, values, "tuned", experiment.name) | files,
    )


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Return tidy tables: the trials, their figures, the parameters, the outcomes, and the slices."""
    import pyarrow as pa

    trials, problem = found.trials, found.problem
    number, watched = np.arange(len(trials.loss)), problem.watched
    paths = [tuned.path for tuned in problem.tuned]
    columns = {
        "trials": {
            "trial": number,
            "generation": trials.generation,
            "loss": trials.loss,
            "best_so_far": np.minimum.accumulate(trials.loss),
            **({} if problem.goal is None else {"cost": problem.goal.cost(trials.points)}),
            **dict(zip(paths, trials.points.T, strict=True)),
        },
        "figures": {
            "trial": np.repeat(number, len(watched)),
            "scenario": [scenario for _, scenario in watched] * len(number),
            "measure": [measured.name for measured, _ in watched] * len(number),
            **{name: pa.array(trials.figures[name].ravel(), from_pandas=True) for name in KEPT},
        },
    }
    tables = {name: pa.table(columns) for name, columns in columns.items()}
    tables |= {name: pa.Table.from_pylist(summary[name]) for name in ("parameters", "outcomes")}
    if found.slices is not None:
        value, loss, _ = found.slices
        path = np.repeat(paths, value.shape[1])
        tables["slices"] = pa.table({"path": path, "value": value.ravel(), "loss": loss.ravel()})
    return tables


def _summary(found: Found) -> dict[str, Any]:
    """Return the summary as JSON-compatible data."""
    problem, trials, spec, sets = found.problem, found.trials, found.problem.spec, found.sets
    parameters = _parameters(found)
    summary = {
        "aim": "targets" if problem.goal is None else "objective",
        "sampler": spec.sampler,
        "trials": len(trials.loss),
        "generations": int(trials.generation[-1]) + 1,
        "replicates": spec.replicates,
        "scenarios": [scenario.name for scenario in problem.scenarios],
        "best": {
            "trial": trials.best,
            "loss": float(trials.loss[trials.best]),
            "parameters": {row["path"]: row["best"] for row in parameters},
        },
        "fresh": {
            "seed": spec.seed + 1,
            "replicates": problem.check_replicates,
            "loss": float(found.fresh.loss[0]),
            "loss_before": float(found.before.loss[0]),
        },
        "good": {"tolerance": found.tolerance, "trials": len(found.good)},
        "parameters": parameters,
        "outcomes": _outcomes(found),
        "objective": None if problem.goal is None else _objective(found, problem.goal),
        "files": [targets.file_name(scenario, "tuned") for scenario in problem.originals],
    }
    if sets is not None:
        paths = [row["path"] for row in parameters]
        informed, precision = sets.slopes.informed(), np.diag(sets.slopes.precision)
        summary["sets"] = {
            "count": len(sets.weight),
            "effective": sets.effective,
            "temperature": sets.temperature,
            "directions": sets.slopes.directions,
            "loss_median": float(np.median(sets.scored.loss)),
            "loss_best": float(sets.scored.loss.min()),
            "informed": dict(zip(paths, informed.tolist(), strict=True)),
            "precision": dict(zip(paths, precision.tolist(), strict=True)),
        }
    return summary


def _parameters(found: Found) -> list[dict[str, Any]]:
    """Return a row for each parameter: its range, its best value, and its importance."""
    best, good, rows = found.trials.points[found.trials.best], found.good, []
    for k, tuned in enumerate(found.problem.tuned):
        share = float(tuned.share_of(best[k]))
        alone = (None, None) if found.slices is None else found.slices.ends[k]
        rows.append(
            {
                **tuned.about("scale", "low", "high"),
                "own": float(tuned.middle),
                "start": float(tuned.start),
                "best": float(best[k]),
                "lower": float(good[:, k].min()),
                "upper": float(good[:, k].max()),
                "at_edge": not EDGE <= share <= 1 - EDGE,
                "alone_lower": alone[0],
                "alone_upper": alone[1],
                "importance": float(found.trials.importance[k]),
            }
        )
    return rows


def _outcomes(found: Found) -> list[dict[str, Any]]:
    """Return a row for each figure: its target, and its value at the best point."""
    aims, trials, rows = found.problem.aims, found.trials, []
    fresh, before = found.fresh.figures, found.before.figures
    for k, (measured, scenario) in enumerate(found.problem.watched):
        about = measured.about()
        row: dict[str, Any] = {
            "measure": about.pop("name"),
            **about,
            "scenario": scenario,
            "is_target": k < len(aims),
            **dict.fromkeys(("target", "target_lower", "target_upper", "weight", "scale")),
            **dict.fromkeys(("apart", "apart_before", "apart_error")),
        }
        if k < len(aims):
            aim, estimate = aims[k], float(fresh["estimate"][0, k])
            error = float(fresh["standard_error"][0, k])
            if aim.log:
                error = error / estimate if estimate > 0 else math.nan
            row |= {
                "target": aim.target.value,
                "target_lower": aim.limits[0],
                "target_upper": aim.limits[1],
                "weight": aim.target.weight,
                "scale": aim.target.scale,
                "apart": float(aim.deviation(np.asarray(estimate))),
                "apart_before": float(aim.deviation(before["estimate"][0, k])),
                "apart_error": finite_or_none(error / aim.error),
            }
        for name in KEPT:
            row[f"tuned_on_{name}"] = finite_or_none(trials.figures[name][trials.best, k])
            row[name] = finite_or_none(fresh[name][0, k])
            row[f"{name}_before"] = finite_or_none(before[name][0, k])
        rows.append(row)
    return rows


def _objective(found: Found, goal: Goal) -> dict[str, Any]:
    """Return the results of the objective as plain data."""
    best, paths = found.trials.points[found.trials.best], found.problem.spec.vary
    parts = (np.abs(best - goal.own) * goal.prices).tolist()
    return {
        "way": "minimise" if goal.objective.maximise is None else "maximise",
        "enough": goal.objective.enough,
        "surely": goal.objective.surely,
        "cost": float(goal.cost(best)),
        "cost_parts": dict(zip(paths, parts, strict=True)),
        "cost_by_range": not goal.objective.cost,
        "has_cost": bool(goal.prices.any()),
        "reached": bool((goal.shortfall(found.trials.figures) == 0).any()),
        "reached_with_fresh_luck": bool(goal.shortfall(found.fresh.figures)[0] == 0),
    }


# --- The answer in sentences

#: Largest number of parameters in an answer; the table has all of them.
MOST_NAMED = 8
#: Shares of its range in which a parameter can move alone: up to the first it is well determined, from the second poorly.
PINNED, LOOSE = 0.1, 0.5


def answer(problem: Problem, summary: dict[str, Any]) -> Iterator[str]:
    """Yield the answer of a search in sentences."""
    yield from _on_targets(problem, summary) if problem.goal is None else _on_objective(summary)
    yield from _on_parameters(summary)
    if sets := summary.get("sets"):
        yield (
            f"{text.count(sets['count'])} parameter sets in sets.csv fit about as well; their effective number, given their "
            f"weights, is {sets['effective']:.0f}. Their median loss is {sets['loss_median']:.3g}. The targets determine "
            f"{sets['directions']:.0f} of {len(summary['parameters'])} directions in the space of parameters."
        )
    if problem.spec.slices is not None:
        yield _on_slices(summary)
    if edges := [row["path"] for row in summary["parameters"] if row["at_edge"]]:
        ranges = "its range" if len(edges) == 1 else "their ranges"
        names = text.listed(edges[:MOST_NAMED])
        yield f"At the edge of {ranges}: {names}. A wider range might do better."
    trials, outlook = summary["trials"], "The last tenth of the trials found nothing better."
    if trials < 10:
        outlook = "These are too few to tell whether more would find a better point."
    elif summary["best"]["trial"] >= 0.9 * trials:
        outlook = "The best trial is among the last tenth, so more trials may find a better one."
    yield (
        f"The search made {text.count(trials)} trials by {summary['sampler']}, each of "
        f"{text.count(summary['replicates'])} replicates with the same random numbers. {outlook}"
    )


def _on_targets(problem: Problem, summary: dict[str, Any]) -> Iterator[str]:
    tuned, count = summary["best"]["loss"], text.count(len(problem.aims))
    fresh, before = summary["fresh"]["loss"], summary["fresh"]["loss_before"]
    finalists = min(problem.spec.finalists, summary["trials"])
    final = f", and the best of the {text.count(finalists)} best with new random numbers"
    yield (
        f"The best of {text.count(summary['trials'])} trials has a loss of {fresh:.3g} over "
        f"{count} target{'s' if len(problem.aims) > 1 else ''} with new random numbers "
        f"({tuned:.3g} with the random numbers it was tuned on{final if finalists > 1 else ''}; "
        f"{before:.3g} with the unchanged scenario). "
        "The loss is the weighted sum of squared deviations in the targets' standard errors."
    )
    rows = [row for row in summary["outcomes"] if row["is_target"]]
    inside = text.count(sum(abs(row["apart"]) <= normal_quantile() for row in rows))
    far = max(rows, key=lambda row: float(abs(row["apart"])))
    where = f" in {far['scenario']}" if len(problem.scenarios) > 1 else ""
    aimed = phrases.estimate(far["target"], far["target_lower"], far["target_upper"], far["unit"])
    yield (
        f"With new random numbers {inside} of {count} figures lie in the 95% interval of their target. The largest "
        f"deviation is that of {_subject(far)}{where}: {_figure(far)}; the target is {aimed}."
    )
    if rough := sum((row["apart_error"] or 0.0) > 1.0 for row in rows):
        yield (
            f"{text.count(rough)} of {count} targets {'has a smaller error' if rough == 1 else 'have smaller errors'} than "
            f"figures from {text.count(summary['fresh']['replicates'])} replicates: use more replicates, or "
            "monte_carlo_error: true."
        )
    if fresh > tuned + normal_quantile() ** 2:
        yield (
            f"Part of the fit is chance: with new random numbers the loss is higher by {fresh - tuned:.3g}. "
            f"{phrases.halving_advice(summary['replicates'])}"
        )
    if any(aim.target.interval is None for aim in problem.aims):
        yield (
            "Targets without an interval are assumed to have a standard error of five points if they are shares, and of "
            "a tenth of their value otherwise."
        )


def _subject(row: dict[str, Any]) -> str:
    """Return the description of a figure; that of a share includes its denominator."""
    return f"{row['words']}, of {row['among']}" if row["unit"] == "share" else str(row["words"])


def _figure(row: dict[str, Any], end: str = "") -> str:
    figures = (row[f"{key}{end}"] for key in ("estimate", "lower", "upper"))
    value, lower, upper = (math.nan if x is None else float(x) for x in figures)
    if math.isnan(value):
        return "unknown, or it never occurs"
    return phrases.estimate(value, lower, upper, str(row["unit"]))


def _on_objective(summary: dict[str, Any]) -> Iterator[str]:
    row, objective = summary["outcomes"][0], summary["objective"]
    cost = f", at a cost of {objective['cost']:.3g}" if objective["has_cost"] else ""
    yield (
        f"{text.capitalize(_subject(row))}: {_figure(row)} at the best of "
        f"{text.count(summary['trials'])} trials{cost}, with new random numbers; "
        f"{_figure(row, '_before')} with the unchanged scenario."
    )
    if objective["has_cost"] and objective["cost"] > 0:
        yield _on_cost(summary)
    if objective["enough"] is None:
        return
    enough = phrases.with_unit(objective["enough"], row["unit"])
    part = "the whole interval" if objective["surely"] else "the estimate"
    if not objective["reached"]:
        yield f"In no trial does {part} reach {enough}; this is the nearest."
    elif objective["reached_with_fresh_luck"]:
        yield f"With new random numbers, too, {part} reaches {enough}."
    elif row["lower"] is not None and row["lower"] <= objective["enough"] <= row["upper"]:
        yield (
            f"With the random numbers it was tuned on, {part} reached {enough}, which is enough. With new random "
            f"numbers {enough} lies inside the interval, so these replicates cannot tell whether it is reached. For a "
            "margin, use surely: true."
        )
    else:
        yield (
            f"With the random numbers it was tuned on, {part} reached {enough}; with new random numbers it does not, so "
            f"part of the result was chance. {phrases.halving_advice(summary['replicates'])}"
        )


def _on_cost(summary: dict[str, Any]) -> str:
    """Return a sentence on the parts of the cost: each parameter's distance from the scenario's value, at its price."""
    objective, parts = summary["objective"], []
    costs, by_range = objective["cost_parts"], objective["cost_by_range"]
    names = phrases.short_names([row["path"] for row in summary["parameters"]])
    for row in sorted(summary["parameters"], key=lambda row: -costs[row["path"]]):
        cost, moved = costs[row["path"]], abs(row["best"] - row["own"])
        if cost > 0:
            direction = "more" if row["best"] > row["own"] else "less"
            price = "" if by_range else f", at {cost / moved:.3g} each"
            change = f"{moved:.3g}{phrases.unit_suffix(row['unit'])} {direction}{price}"
            parts.append(f"{cost:.3g} for {names[row['path']]} ({change})")
    measured = "in shares of each range" if by_range else "at the given prices"
    return (
        f"The cost of {objective['cost']:.3g} is the distance of parameters from the scenario's values, {measured}: "
        f"{text.listed(parts)}."
    )


def _on_parameters(summary: dict[str, Any]) -> Iterator[str]:
    rows = sorted(summary["parameters"], key=lambda row: -float(row["importance"]))
    trials, others = summary["good"]["trials"], len(rows) - MOST_NAMED
    tolerance = f"{summary['good']['tolerance']:.3g} of the best loss"
    clauses = []
    for row in rows[:MOST_NAMED]:
        span = f"; {row['lower']:.3g} to {row['upper']:.3g}" if trials > 1 else ""
        value = f"{row['best']:.3g}{phrases.unit_suffix(row['unit'])}"
        clauses.append(f"{row['path']} {value} (from {row['own']:.3g}{span})")
    rest = f"; {others} more in parameters.parquet" if others > 0 else ""
    yield f"The best values are {text.listed(clauses)}{rest}. In brackets: the scenario's value" + (
        f", and the range among the {text.count(trials)} trials within {tolerance}. The true range of values that do "
        "about as well is at least as wide."
        if trials > 1
        else f". No other trial is within {tolerance}, so it is unknown how well the values are determined."
    )


def _on_slices(summary: dict[str, Any]) -> str:
    widths = []
    for row in summary["parameters"]:
        ends = np.asarray([row["alone_lower"], row["alone_upper"]])
        low, high = share_of(ends, row["low"], row["high"], row["scale"])
        widths.append((row["path"], float(high - low)))
    widths.sort(key=lambda pair: pair[1])
    pinned = [path for path, width in widths if width <= PINNED]
    loose = [path for path, width in reversed(widths) if width >= LOOSE]
    most, least = text.listed(pinned[:MOST_NAMED]), text.listed(loose[:MOST_NAMED])
    them = "it" if len(loose) == 1 else "them"
    return (
        f"Moved alone, with new random numbers, {text.count(len(pinned))} of {text.count(len(widths))} "
        f"parameters raise the loss by more than {summary['good']['tolerance']:.3g} within "
        f"a tenth of their range{f' ({most})' if pinned else ''}; "
        f"{text.count(len(loose))} can be moved through more than half of it without this"
        + (f" ({least}), so the targets hardly determine {them}." if loose else ".")
    )


# --- Charts: the search, the parameters, and figures against targets


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    yield "history", draw_history
    yield "parameters", draw_parameters
    if findings.summary["aim"] == "targets":
        yield "targets", draw_targets
    elif findings.summary["objective"]["has_cost"]:
        yield "trade_off", draw_trade_off


def draw_history(findings: Findings) -> Figure:
    """Draw the loss of each trial in order, and the best so far."""
    summary, trials = findings.summary, findings.tables["trials"]
    loss, best = (trials.column(name).to_numpy() for name in ("loss", "best_so_far"))
    number = np.arange(len(loss)) + 1
    figure = style.new_figure(height=70.0)
    axes = figure.subplots()
    is_record = (loss == best) & np.concatenate([[True], np.diff(best) < 0])
    best_trial = np.maximum.accumulate(np.where(is_record, np.arange(len(best)), 0))
    if summary["aim"] == "targets":
        value, names = loss, ("trial about as good as the best", "trial")
        good = loss <= loss.min() + summary["good"]["tolerance"]
        axes.set_title("Distance from the targets")
        axes.set_ylabel("loss: weighted sum of squared deviations\nin the targets' standard errors")
        if loss.min() > 0 and loss.max() > 20.0 * loss.min():
            axes.set_yscale("log")
    else:
        value, good = _draw_objective(axes, findings), _is_enough(findings)
        names = ("trial that reaches the level", "trial that does not")
        if summary["objective"]["enough"] is None:
            names = ("", "trial")
    drawn, faces = np.isfinite(value), (style.ESTIMATE_PALE, style.WHITE)
    for chosen, face in zip((drawn & good, drawn & ~good), faces, strict=True):
        plots.dot(axes, number[chosen], value[chosen], style.ESTIMATE_PALE, face, **_TRIAL)
    axes.step(number, value[best_trial], where="post", color=style.BLACK)
    last = best_trial[-1]
    axes.plot(number[last], value[last], "D", color=style.BLACK, markersize=3.8)
    axes.set_xlabel("trial")
    axes.set_xlim(0, number[-1] + 1)
    axes.grid(axis="y")
    handles = [_trial_key(name, face) for name, face in zip(names, faces, strict=True) if name]
    handles += [plots.key("best so far", ""), plots.key("best", "D", linestyle="", markersize=3.8)]
    return plots.finish(figure, _spent(summary), handles, "right")


_TRIAL: Any = {"markersize": 2.8, "markeredgewidth": 0.6}


def _trial_key(name: str, face: str) -> Any:
    look: Any = {"linestyle": "", "markersize": 3, "markeredgecolor": style.ESTIMATE_PALE}
    return plots.key(name, "o", face, **look)


def draw_trade_off(findings: Findings) -> Figure:
    """Draw the objective against its cost: every trial, and the Pareto front."""
    summary, cost = findings.summary, findings.tables["trials"].column("cost").to_numpy()
    figure = style.new_figure(width=120.0, height=85.0)
    axes = figure.subplots()
    value = _draw_objective(axes, findings)
    drawn = np.isfinite(value)
    plots.dot(axes, cost[drawn], value[drawn], style.ESTIMATE_PALE, style.WHITE, **_TRIAL)
    front = unbeaten(cost, value if summary["objective"]["way"] == "maximise" else -value)
    line: Any = {"color": style.ESTIMATE, "markersize": 3.0, "drawstyle": "steps-post"}
    axes.plot(cost[front], value[front], "o-", **line)
    best, (scale, *_) = summary["best"]["trial"], plots.units(summary["outcomes"][0])
    ends = [scale * _figures(findings, key)[best] for key in ("lower", "upper")]
    axes.plot([cost[best]] * 2, ends, color=style.BLACK, linewidth=1.0)
    axes.plot([cost[best]], [value[best]], "D", color=style.BLACK, markersize=4.2)
    axes.set_xlabel("cost of the changes")
    axes.set_xlim(left=min(0.0, float(cost.min())))
    axes.grid(axis="y")
    handles = [
        _trial_key("trial", style.WHITE),
        plots.key("best at its cost or less", "o", style.ESTIMATE, markersize=3),
        plots.key("best, 95%", "D", markersize=3.8),
    ]
    return plots.finish(figure, _spent(summary), handles, "right")


def unbeaten(cost: Values, value: Values) -> NDArray[np.int64]:
    """Return the trials of the Pareto front (no other has a higher value at the same cost or less), by rising cost."""
    order = np.lexsort((-value, cost))
    highest = np.fmax.accumulate(np.concatenate([[-np.inf], value[order]]))
    return order[value[order] > highest[:-1]]


def _draw_objective(axes: Axes, findings: Findings) -> Values:
    """Draw the title, unit and level of an objective, and return its figure at every trial."""
    row, enough = findings.summary["outcomes"][0], findings.summary["objective"]["enough"]
    scale, unit, _ = plots.units(row)
    axes.set_title(plots.title(row))
    axes.set_ylabel(unit)
    if enough is not None:
        look: Any = {"color": style.AIM}
        axes.axhline(scale * enough, linewidth=0.9, linestyle=(0, (4, 2)), **look)
        look |= {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        plots.note(axes, "enough", (1.0, scale * enough), (3, 0), **look)
    return scale * _figures(findings, "estimate")


def _is_enough(findings: Findings) -> NDArray[np.bool_]:
    """Return a mask of the trials that reached the level that is enough."""
    objective = findings.summary["objective"]
    enough, is_high = objective["enough"], objective["way"] == "maximise"
    if enough is None:
        return np.zeros(findings.tables["trials"].num_rows, dtype=bool)
    limit = "lower" if is_high else "upper"
    value = _figures(findings, limit if objective["surely"] else "estimate")
    return np.asarray(value >= enough if is_high else value <= enough)


def _figures(findings: Findings, name: str) -> Values:
    """Return a statistic of the first watched measure at every trial."""
    column = findings.tables["figures"].column(name).to_numpy(zero_copy_only=False).astype(float)
    return np.asarray(column[:: len(column) // findings.tables["trials"].num_rows])


def _spent(summary: Mapping[str, Any]) -> str:
    """Return the trials and crises of a search, for the foot of a chart."""
    surely = summary["objective"] and summary["objective"]["surely"]
    return (
        f"{text.count(summary['trials'])} trials by {summary['sampler']}, "
        f"{text.count(summary['replicates'])} replicates each, all with the same random numbers"
        + ("; the whole 95% interval must reach the level" if surely else "")
    )


def draw_parameters(findings: Findings) -> Figure:
    """Draw the best value of each parameter in its range (left), and its importance (right)."""
    rows = sorted(findings.summary["parameters"], key=lambda row: -float(row["importance"]))
    figure = style.new_figure(height=26.0 + 7.8 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": (3, 1)})
    alone = rows[0]["alone_lower"] is not None
    for y, row in enumerate(rows):
        at = {
            key: float(share_of(row[key], row["low"], row["high"], row["scale"]))
            for key in ("lower", "upper", "own", "best", *(("alone_lower", "alone_upper") * alone))
        }
        plots.span(left, [0, 1], y, style.PALE_GREY, 4.0, zorder=1)
        plots.span(left, [at["lower"], at["upper"]], y, style.ESTIMATE_PALE, 4.0, zorder=2)
        if alone:
            ends = [at["alone_lower"], at["alone_upper"]]
            plots.span(left, ends, y + 0.18, style.AIM, 1.2, zorder=2)
        left.plot([at["own"]], [y], "|", color=style.GREY, markersize=9, zorder=3)
        left.plot([at["best"]], [y], "D", color=style.BLACK, markersize=3.6, zorder=4)
        for x, key, side in ((0.0, "low", "left"), (1.0, "high", "right")):
            plots.note(left, f"{row[key]:.3g}", (x, y), (0, -4.5), ha=side, va="top")
        best = f"{row['best']:.3g}{phrases.unit_suffix(row['unit'])}"
        above = (min(max(at["best"], 0.12), 0.88), y)
        plots.note(left, best, above, (0, 4.5), ha="center", va="bottom", color=style.BLACK)
    names = [text.shorten(text.clean(row["path"]), 44) for row in rows]
    plots.name_rows(left, names, 0.65)
    left.set_xlim(-0.03, 1.03)
    left.set_xticks([])
    left.set_title("Position in the range")
    left.spines["bottom"].set_visible(False)
    shares = [100 * row["importance"] for row in rows]
    right.barh(range(len(rows)), shares, 0.5, color=style.ESTIMATE)
    right.set_title("Importance")
    right.set_xlabel("for being among the best\ntenth of the trials, per cent")
    right.set_xlim(left=0)
    right.grid(visible=False)
    good = text.plural(findings.summary["good"]["trials"], "trial")
    label = "moved alone, about as good"
    handles = [
        plots.key("best", "D", linestyle="", markersize=3.6),
        plots.patch(f"about as good ({good})", style.ESTIMATE_PALE),
        plots.patch("range", style.PALE_GREY),
        *([plots.key(label, "", style.AIM, linewidth=1.2)] * alone),
        plots.key("scenario's value", "|", style.GREY, linestyle="", markersize=8),
    ]
    return plots.finish(figure, _spent(findings.summary), handles)


def draw_targets(findings: Findings) -> Figure:
    """Draw the deviation of each figure from its target, tuned and in the unchanged scenario, with new random numbers."""
    summary, margin = findings.summary, normal_quantile()
    rows = [row for row in summary["outcomes"] if row["is_target"]]
    several = len(summary["scenarios"]) > 1
    figure = style.new_figure(height=26.0 + (6.2 if several else 5.5) * len(rows))
    axes = figure.subplots()
    axes.axvspan(-margin, margin, color=style.PALE_GREY, alpha=0.6, linewidth=0)
    axes.axvline(0.0, color=style.GREY, linewidth=0.8)
    widest = max(max(abs(row["apart"]), abs(row["apart_before"])) for row in rows)
    end = min(max(1.15 * widest, 3.0), 8.0)  # standard errors at the ends of the axis

    def dot(value: float, y: int, colour: str, face: str) -> None:
        mark = "o" if abs(value) <= end else (">" if value > 0 else "<")
        plots.dot(axes, np.clip(value, -end, end), y, colour, face, mark, markersize=4.0, zorder=4)

    margin_text: Any = {"transform": axes.get_yaxis_transform(), "fontsize": 6.0}
    for y, row in enumerate(rows):
        change = np.clip([row["apart_before"], row["apart"]], -end, end)
        plots.span(axes, change, y, style.GREY, 0.6, zorder=2)
        dot(row["apart_before"], y, style.GREY, style.WHITE)
        error = margin * (row["apart_error"] or 0.0)
        ends = np.clip([row["apart"] - error, row["apart"] + error], -end, end)
        plots.span(axes, ends, y, style.ESTIMATE, 1.2, zorder=3)
        dot(row["apart"], y, style.ESTIMATE, "")
        tuned, target = (_formatted(row[key], row["unit"]) for key in ("estimate", "target"))
        axes.text(1.01, y, f"{tuned} ({target})", va="center", **margin_text)
    names = [text.shorten(text.sentence(row["words"]).rstrip("."), 54) for row in rows]
    if several:
        names = [f"{names[k]}\n{text.clean(row['scenario'])}" for k, row in enumerate(rows)]
    plots.name_rows(axes, names)
    axes.grid(visible=False)
    axes.set_xlim(-1.04 * end, 1.04 * end)
    axes.set_xlabel("deviation from the target in its standard errors")
    axes.set_title("Deviation from the targets")
    axes.text(1.01, -0.6, "tuned (target)", va="bottom", color=style.GREY, **margin_text)
    own: Any = {"linestyle": "", "markeredgecolor": style.GREY}
    handles = [
        plots.key("tuned, with its 95% Monte Carlo error", "o", style.ESTIMATE, markersize=4),
        plots.key("unchanged scenario", "o", style.WHITE, markersize=4, **own),
        plots.patch("the target's 95% interval", style.PALE_GREY),
    ]
    fresh = summary["fresh"]
    return plots.finish(
        figure,
        f"With new random numbers: seed {fresh['seed']}, "
        f"{text.count(fresh['replicates'])} replicates"
        + (f"; triangles: farther than {end:g}" if widest > end else ""),
        handles,
    )


def _formatted(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    return (
        f"{text.percent(value)}%" if unit == "share" else f"{value:.3g}{phrases.unit_suffix(unit)}"
    )
