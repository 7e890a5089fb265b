"""Posterior: infer a scenario's parameters from recorded crises, or from figures over many crises.

Approximate Bayesian computation: parameters are drawn from their priors and weighted by the likelihood of the evidence, in
several generations. Each generation is stored before the next begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim import text
from crisis_sim.batch.block import check_count
from crisis_sim.experiments import abc_sampler, marginals, phrases, plots, targets
from crisis_sim.experiments.abc_sampler import Case, PosteriorSpec, Problem
from crisis_sim.experiments.factors import Values, check_factor
from crisis_sim.experiments.marginals import Found
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.run import read_experiment
from crisis_sim.experiments.spec import Experiment, ExperimentError, Findings, Reading, RunOptions
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.named_measures import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPEC = PosteriorSpec


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    scenarios = {scenario.name: scenario for scenario in (reading.scenario, *reading.others)}
    for path, written in spec.vary.items():
        owners = (scenario for scenario in scenarios.values() if path in numbers_of(scenario))
        owner = next(owners, reading.scenario)
        yield from check_factor(path, written, reading.node_at("vary", path), owner)
    if not spec.targets and not spec.cases:
        yield reading.top.label.mistake(
            "neither targets nor cases", "figures that crises should show, or recorded crises"
        )
    yield from targets.check_targets(spec.targets, reading, scenarios)
    names: list[str] = []
    for k, case in enumerate(spec.cases):
        if case.name in names:
            message = f"a second case named '{case.name}'"
            yield reading.node_at("cases", k, "name").place.mistake(message, "another name")
        names.append(case.name)
        yield from _check_case(case, k, reading, scenarios)


def _check_case(
    case: Case, k: int, reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    name = case.scenario or reading.scenario.name
    if name not in scenarios:
        yield targets.no_scenario(name, reading, scenarios, "cases", k, "scenario")
        return
    columns = targets.columns_of(scenarios[name], reading)
    if not case.record and not case.so:
        expected = "a record, or conditions (so)"
        yield reading.node_at("cases", k).place.mistake("a case without evidence", expected)
    for j, observed in enumerate(case.record):
        node = reading.node_at("cases", k, "record", j)
        yield from _check_column(node, "of", observed.of, columns, "time", "number")
        if abc_sampler.is_time(observed.of):
            yield from _check_column(node, "since", observed.since, columns, "time")
            continue
        for key in {"since", "unit"} & node.entries().keys():
            message = f"'{observed.of}' is not a time and has no '{key}'"
            yield node.entries()[key].label.mistake(message, f"no '{key}'")
    if case.so:
        written = reading.node_at("cases", k, "so")
        try:
            read_measure(Node(written.place, {"share": written}, written.key), columns)
        except ScenarioError as error:
            yield from error.mistakes


def _check_column(
    node: Node, key: str, name: str, columns: Columns, *kinds: str
) -> Iterator[Mistake]:
    known = columns.named(*kinds)
    if name not in known:
        where = node.entries().get(key, node)
        yield where.place.mistake(f"no outcome '{name}'", one_of(known), nearest(name, known))


def crises(experiment: Experiment) -> int:
    return Problem(experiment).crises


# --- Run: the generations, then a predictive check with new random numbers


def run(experiment: Experiment, options: RunOptions) -> Findings:
    problem = Problem(experiment, options)
    spec, priors, history = problem.spec, problem.priors, []
    generations = abc_sampler.sample(
        problem, len(priors), spec.particles, spec.generations, spec.seed, spec.tolerance
    )
    try:
        for k, last in enumerate(generations, start=1):
            row = {key: getattr(last, key) for key in ("tolerance", "effective", "acceptance")}
            history.append({"generation": k, **row})
            options.on_message(
                f"generation {k} of {spec.generations}: tolerance {last.tolerance:.3g}, "
                f"acceptance {100 * last.acceptance:.0f}%, effective sample {last.effective:.0f}"
            )
            options.progress(problem.crises_before(k), problem.crises)
    except abc_sampler.NothingFitsError:
        raise ExperimentError(
            "no crisis of the first generation is like the historical record at any tolerance: "
            "use more particles or replicates, wider priors, or another record"
        ) from None
    random = np.random.default_rng([spec.seed, spec.generations])
    draws = last.scores[abc_sampler.resampled(last.weight, problem.draws, random)]
    fresh = problem.run(draws, spec.generations)
    options.progress(problem.crises, problem.crises)
    found = Found(problem, last, abc_sampler.values_of(priors, last.scores), fresh)
    parameters, fits = marginals.parameters_of(found)
    summary = _summary(found, parameters, history)
    return Findings(
        experiment,
        tuple(answer(summary)),
        _tables(found, summary),
        summary,
        problem.crises,
        targets.scenario_files(problem.scenarios, fits, "posterior", experiment.name, _HEAD),
    )


#: Comment at the top of a posterior's scenario file.
_HEAD = """\
# Each parameter has the distribution that is nearest to its marginal. The parameters are drawn independently,
# without the correlations of the posterior. Joint draws have them (docs/experiments.md).
"""


# --- Joint draws from a posterior

#: Columns of the table of particles that are not parameters.
OTHERS = ("particle", "generation", "weight")


@dataclass(frozen=True)
class Posterior:
    """A weighted sample of parameters: values `(particles, parameters)`, and weights that sum to 1.

    posterior = Posterior.of("results/posterior_may_2025")
    values = posterior.draw(10_000, seed=7)
    batch = simulate("may_2025", 10_000, seed=7, parameters=values)
    """

    paths: Sequence[str]
    values: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, findings: Findings | str | Path) -> Posterior:
        """Return the posterior of findings, or of a results folder.

        Raises:
            ExperimentError: if the experiment is of another kind.
        """
        if not isinstance(findings, Findings):
            findings = read_experiment(findings)
        if (kind := findings.experiment.kind) != "posterior":
            raise ExperimentError(f"an experiment of kind {kind} has no posterior")
        table = findings.tables["particles"].to_pandas()
        weight, values = table["weight"].to_numpy(), table.drop(columns=[*OTHERS])
        return cls(tuple(values.columns), values.to_numpy(), weight)

    def draw(self, replicates: int, seed: int = 1) -> dict[str, NDArray[np.float64]]:
        """Draw particles by weight, and return their parameters by path, for `simulate`."""
        check_count("replicates", replicates)
        check_count("seed", seed, least=0)
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.weight), size=replicates, p=self.weight)
        return dict(zip(self.paths, self.values[chosen].T, strict=True))


# --- Findings, as plain data and tables

#: Cumulative probabilities of the tabulated priors.
DRAWN_LEVELS: Values = (np.arange(400) + 0.5) / 400


def _summary(
    found: Found, parameters: list[dict[str, Any]], history: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the summary as JSON-compatible data."""
    problem, spec, sampled = found.problem, found.problem.spec, found.sample
    return {
        "particles": spec.particles,
        "replicates": spec.replicates,
        "draws": problem.draws,
        "scenarios": [scenario.name for scenario in problem.scenarios],
        "effective": sampled.effective,
        "tolerance": sampled.tolerance,
        "goal": spec.tolerance,
        "parameters": parameters,
        "correlations": marginals.pairs_of(found),
        "predictive": list(marginals.predicted(found)),
        "cases": list(marginals.shares_like(found)),
        "noise": marginals.noise_of(found),
        "generations": history,
        "files": [targets.file_name(scenario, "posterior") for scenario in problem.scenarios],
    }


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Return tidy tables: particles, marginals, correlations, the check, the generations, the priors."""
    import pyarrow as pa

    sampled, priors = found.sample, found.problem.priors
    paths = [prior.path for prior in priors]
    pair = [("first", pa.string()), ("second", pa.string()), ("correlation", pa.float64())]
    particles = {
        "particle": np.arange(len(sampled.weight)),
        "generation": sampled.generation,
        "weight": sampled.weight,
        **dict(zip(paths, found.values.T, strict=True)),
    }
    levels = {
        "parameter": np.repeat(paths, len(DRAWN_LEVELS)),
        "probability": np.tile(DRAWN_LEVELS, len(priors)),
        "value": np.concatenate([prior.at(DRAWN_LEVELS) for prior in priors]),
    }
    return {
        "particles": pa.table(particles),
        "marginals": pa.Table.from_pylist(summary["parameters"]),
        "correlations": pa.Table.from_pylist(summary["correlations"], pa.schema(pair)),
        "predictive": pa.Table.from_pylist(summary["predictive"]),
        "generations": pa.Table.from_pylist(summary["generations"]),
        "priors": pa.table(levels),
    }


# --- The answer in sentences

#: Largest number of parameters or pairs in an answer; the tables have all of them.
MOST_NAMED = 6
#: Probability of a tail of the predictions.
TAIL = 0.025
#: Smallest correlation that is reported.
TOGETHER = 0.3
#: Effective sample size below which 95% limits are imprecise.
FEW = 400
#: Smallest Monte Carlo error that is reported, relative to a target's error.
BLURRED = 0.5
#: Number of crises like the record below which the fit of a particle is mostly chance.
FEW_LIKE = 3.0


def answer(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the answer of a posterior in sentences."""
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    names = phrases.short_names([row["path"] for row in rows])
    yield _on_learning(rows, names)
    yield from _on_parameters(rows, names)
    yield from _on_pairs(summary, names)
    for row in summary["cases"]:
        before, after = (
            phrases.estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], "share")
            for name in ("prior", "posterior")
        )
        yield (
            f"Crises like {row['name']} are {after} of all crises with the posterior, and {before} with the prior. "
            "A single crisis is one of many possible ones, so it is weak evidence."
        )
    yield from _on_check(summary)
    yield _on_files(summary)
    yield from _on_budget(summary)
    yield from _on_noise(summary)


def _on_learning(rows: list[dict[str, Any]], names: Mapping[str, str]) -> str:
    """Return a sentence on the parameters that the evidence informs: how much narrower they are, and how far they moved."""
    pinned = [row for row in rows if row["pinned"]]
    if not pinned:
        if len(rows) == 1:
            return "The evidence changes this parameter by no more than chance would."
        return f"The evidence changes none of the {text.count(len(rows))} parameters by more than chance would."
    clauses = []
    for row in pinned[:MOST_NAMED]:
        narrower = 1.0 - math.sqrt(max(1.0 - row["shrinkage"], 0.0))
        changes = [f"narrower by {100 * narrower:.0f}%"] * (narrower >= 0.005)
        changes += [f"moved by {text.number(row['shift'], 2, sign=True)}"] * (
            abs(row["shift"]) >= 0.05
        )
        clauses.append(f"{names[row['path']]} ({text.listed(changes)})")
    return (
        f"The evidence changes {text.count(len(pinned))} of {text.plural(len(rows), 'parameter')}, measured "
        f"in standard deviations of the prior: {text.listed(clauses)}."
    )


def _on_parameters(rows: list[dict[str, Any]], names: Mapping[str, str]) -> Iterator[str]:
    if pinned := [row for row in rows if row["pinned"]]:
        others = len(pinned) - MOST_NAMED
        rest = f"; {text.count(others)} more in marginals.parquet" if others > 0 else ""
        clauses = [
            f"{names[row['path']]} {_span(row)}, prior {_span(row, 'prior_')}"
            for row in pinned[:MOST_NAMED]
        ]
        yield f"Posterior medians with 95% intervals: {'; '.join(clauses)}{rest}."
    if loose := [names[row["path"]] for row in rows if not row["pinned"]]:
        others, keep = (
            len(loose) - MOST_NAMED,
            "They keep their priors" if len(loose) > 1 else "It keeps its prior",
        )
        rest = f" and {text.count(others)} more" if others > 0 else ""
        yield f"Not pinned down by this evidence: {text.listed(loose[:MOST_NAMED])}{rest}. {keep}."
    for row in rows:
        if row["edge"]:
            name = text.capitalize(names[row["path"]])
            yield f"{name} presses against the {row['edge']} end of its prior: values beyond it might fit better."
    if any(row["adjusted_median"] is not None for row in rows):
        clauses = [f"{names[row['path']]} {_span(row, 'adjusted_')}" for row in rows[:MOST_NAMED]]
        yield f"Adjusted by regression for the remaining tolerance: {'; '.join(clauses)}."


def _span(row: dict[str, Any], prefix: str = "") -> str:
    noun = phrases.unit_suffix(row["unit"], row["path"])
    middle, lower, upper = (row[f"{prefix}{key}"] for key in ("median", "lower", "upper"))
    return f"{middle:.3g}{noun} ({lower:.3g} to {upper:.3g})"


def _on_pairs(summary: dict[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    least = max(TOGETHER, 2.0 / math.sqrt(max(summary["effective"], 1.0)))
    clauses = [
        f"{names[pair['first']]} and {names[pair['second']]} ({text.number(pair['correlation'], 2, sign=True)})"
        for pair in summary["correlations"]
        if abs(pair["correlation"]) > least
    ]
    if clauses:
        yield f"Correlated in the posterior: {text.listed(clauses[:MOST_NAMED])}."


def _on_check(summary: dict[str, Any]) -> Iterator[str]:
    observed = [row for row in summary["predictive"] if row["tail"] is not None]
    unexplained = [row for row in observed if not TAIL <= row["tail"] <= 1.0 - TAIL]
    if observed and not unexplained:
        subject = f"all {text.count(len(observed))} observations lie"
        subject = "the observation lies" if len(observed) == 1 else subject
        yield f"With new random numbers, {subject} within the middle 95% of the posterior's predictions."
    if not unexplained:
        return
    why = "Perhaps no values of these parameters explain this."
    if summary["tolerance"] > summary["goal"]:
        why = "The tolerance has not reached its goal, which may be the reason."
    clauses = []
    for row in unexplained[:MOST_NAMED]:
        median = math.inf if row["median"] is None else row["median"]
        value, predicted = (phrases.with_unit(x, row["unit"]) for x in (row["seen"], median))
        clauses.append(f"{row['name']}: {value}, predicted {predicted}")
    yield (
        f"The posterior does not explain {text.count(len(unexplained))} of {text.plural(len(observed), 'observation')}, "
        f"outside the middle 95% of its predictions with new random numbers: {'; '.join(clauses)}. {why}"
    )


def _on_files(summary: dict[str, Any]) -> str:
    verb = "contain" if len(summary["files"]) > 1 else "contains"
    files, remark = f"{text.listed(summary['files'])} {verb}", ""
    rows = [row for row in summary["parameters"] if not row["distribution_is_prior"]]
    if not rows:
        return f"{files} the unchanged priors."
    if summary["correlations"]:
        strongest = text.number(summary["correlations"][0]["correlation"], 2, sign=True)
        remark = (
            " Its parameters are independent, without the correlations of the posterior "
            f"(the strongest is {strongest}); joint draws have them."
        )
    worst = max(row["distribution_error"] for row in rows)
    return f"{files} the posterior as distributions, with errors of at most {worst:.2g} standard deviations.{remark}"


def _on_budget(summary: dict[str, Any]) -> Iterator[str]:
    effective, tolerance, goal = (summary[key] for key in ("effective", "tolerance", "goal"))
    end = "."
    if effective < FEW:
        times = text.count(math.ceil(FEW / max(effective, 1.0)))
        end = f". Limits are therefore imprecise; about {times} times as many would make them precise."
    elif tolerance <= goal:
        end = (
            ", which is enough. More particles would hardly change the answer; more evidence would."
        )
    yield f"{_spent(summary)} are worth {text.count(effective)} equally weighted particles{end}"
    if tolerance > goal * 1.001:
        yield (
            f"The tolerance came down to {tolerance:.3g}, not yet to {goal:g}, so intervals are wider than "
            "the evidence implies. More generations or particles would lower it."
        )


def _spent(summary: Mapping[str, Any]) -> str:
    particles = summary["particles"] * len(summary["generations"])
    replicates = text.count(summary["replicates"])
    return f"{text.count(particles)} particles of {replicates} replicates"


def _on_noise(summary: dict[str, Any]) -> Iterator[str]:
    """Yield sentences on the noise that comes from few replicates."""
    noise, replicates = summary["noise"], text.count(summary["replicates"])
    if blurred := [ratio for ratio in noise["targets"] if ratio and ratio > BLURRED]:
        times = text.count(math.ceil((max(blurred) / BLURRED) ** 2))
        yield (
            f"Chance in {replicates} replicates adds an error of up to {max(blurred):.2g} times that of a "
            f"target, and widens the posterior; {times} times as many would make it small."
        )
        if any(noise["assumed"]):
            yield (
                "The error of a target without an interval is assumed to be a tenth of the prior's spread: "
                "give an interval if you know it."
            )
    if few := [like for like in noise["like"] if like < FEW_LIKE]:
        yield (
            f"Particles that fit have about {min(few):.2g} crises like the historical record among "
            f"{replicates}, so "
            "their weights depend on chance. It averages out over particles, but more replicates would make the "
            "effective sample larger."
        )


# --- Charts: marginals with priors, pairs, and predictions with observations

#: Charts in a row; largest numbers of drawn parameters and figures (the tables have all).
_ACROSS, _MOST_MARGINALS, _MOST_PAIRED, _MOST_PREDICTED = 3, 12, 4, 14
#: Possible numbers of bars of a marginal, and smallest effective sample size per bar.
_BARS, _PER_BAR = (25, 20, 16, 10), 12
#: Draws in a chart of pairs.
_DRAWN = 400


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    yield "marginals", draw_marginals
    if len(findings.summary["parameters"]) > 1:
        yield "pairs", draw_pairs
    yield "predictive", draw_predictive


def draw_marginals(findings: Findings) -> Figure:
    """Draw each parameter's prior and posterior."""
    summary = findings.summary
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    rows = rows[:_MOST_MARGINALS]
    down = math.ceil(len(rows) / _ACROSS)
    figure = style.new_figure(height=18.0 + 42.0 * down)
    grid = figure.subplots(down, _ACROSS, squeeze=False).ravel()
    for axes, row in zip(grid, rows, strict=False):
        _draw_marginal(axes, findings, row)
    for axes in grid[len(rows) :]:
        axes.set_visible(False)
    own = "scenario's value, or its middle"
    handles = [
        plots.patch("posterior", style.ESTIMATE_PALE),
        plots.key("prior", "", style.GREY, drawstyle="steps-mid"),
        plots.key("posterior median, 95%", "D", markersize=3.2),
        plots.key(own, "", style.GREY, linestyle=(0, (1, 1.5))),
    ]
    worth, tolerance = text.count(summary["effective"]), f"{summary['tolerance']:.3g}"
    foot = f"{_spent(summary)}, worth {worth} equally weighted particles; tolerance {tolerance}"
    return plots.finish(figure, foot, handles)


def _draw_marginal(axes: Axes, findings: Findings, row: dict[str, Any]) -> None:
    before, after = _prior(findings, row["path"]), _particles(findings, row["path"])
    weight = _particles(findings, "weight")
    low, high = _scale(axes.xaxis, findings, row)
    worth = findings.summary["effective"] / _PER_BAR
    bars = next((number for number in _BARS if number <= worth), _BARS[-1])
    spaced = np.geomspace if row["axis"] == "log" else np.linspace
    edges = spaced(low, high, bars + 1)
    shares, _ = np.histogram(np.clip(after, low, high), edges, weights=weight)
    expected, _ = np.histogram(np.clip(before, low, high), edges)
    axes.stairs(100 * shares, edges, fill=True, color=style.ESTIMATE_PALE)
    axes.stairs(100 * expected / len(before), edges, color=style.GREY, linewidth=1.0)
    top = 100 * max(shares.max(), expected.max() / len(before))
    plots.span(axes, [row["lower"], row["upper"]], 1.12 * top)
    axes.plot([row["median"]], [1.12 * top], "D", color=style.BLACK, markersize=3.2)
    if low <= row["own"] <= high:
        style.mark_moment(axes, row["own"])
    axes.set_ylim(0, 1.22 * top)
    axes.set_xlim(low, high)
    axes.set_title(text.shorten(text.clean(row["path"]), 38), fontsize=6.0)
    meaning = fill(plots.meaning(row, 100), 42) + "\nnot pinned down" * (not row["pinned"])
    axes.set_xlabel(meaning, fontsize=6.0)
    axes.set_ylabel("per cent of draws")


def draw_pairs(findings: Findings) -> Figure:
    """Draw the most correlated parameters pair by pair, as draws from the posterior."""
    from matplotlib.ticker import LogLocator

    summary = findings.summary
    correlation = {
        (pair["first"], pair["second"]): pair["correlation"] for pair in summary["correlations"]
    }
    most = [*dict.fromkeys(path for pair in correlation for path in pair)][:_MOST_PAIRED]
    rows = [row for row in summary["parameters"] if row["path"] in most]
    side = min(max(45.0 * len(rows), 120.0), style.DOUBLE_COLUMN)
    figure = style.new_figure(width=side, height=side * 0.86 + 12.0)
    grid = figure.subplots(len(rows), len(rows), squeeze=False, sharex=False)
    total = np.cumsum(_particles(findings, "weight"))
    # Particles in proportion to their weights.
    chosen = np.searchsorted(total / total[-1], (np.arange(_DRAWN) + 0.5) / _DRAWN)
    look: Any = {"color": style.ESTIMATE, "alpha": 0.25, "markersize": 2.0, "markeredgewidth": 0}
    for (j, k), axes in np.ndenumerate(grid):
        down, across = rows[j], rows[k]
        if k > j:
            axes.set_visible(False)
            continue
        if j == k:
            _draw_marginal(axes, findings, across)
            axes.set_title("")
            axes.set_ylabel("")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            x, y = (_particles(findings, row["path"])[chosen] for row in (across, down))
            axes.plot(x, y, "o", **look)
            axes.set_xlim(*_scale(axes.xaxis, findings, across))
            axes.set_ylim(*_scale(axes.yaxis, findings, down))
            # Pairs are in the order of the parameters.
            value = text.number(correlation[across["path"], down["path"]], 2, sign=True)
            axes.set_title(f"correlation {value}", fontsize=6.0, fontweight="normal")
        if axes.get_xscale() == "log":  # ticks at powers of ten only, as there is little room
            axes.xaxis.set_major_locator(LogLocator())
        elif figure.narrow:
            axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(_label(across) if j == len(rows) - 1 else "")
        if k == 0 and j > 0:
            axes.set_ylabel(_label(down))
    draws = f"{text.count(_DRAWN)} draws from the posterior"
    return plots.finish(figure, f"{draws}; on the diagonal, marginals and priors (grey)")


def draw_predictive(findings: Findings) -> Figure:
    """Draw the posterior's predictions, with new random numbers, and the observed figures."""
    summary = findings.summary
    rows = summary["predictive"][:_MOST_PREDICTED]
    figure = style.new_figure(height=22.0 + 17.0 * len(rows))
    if not rows:
        style.say_nothing_to_draw(figure.subplots(), "nothing was measured")
        return figure
    grid = figure.subplots(len(rows), 1, squeeze=False).ravel()
    for axes, row in zip(grid, rows, strict=True):
        _draw_predicted(axes, row)
    open_dot: Any = {"markerfacecolor": style.WHITE, "markersize": 4}
    interval = "its 95% interval, or what counts as alike"
    handles = [
        plots.key("posterior: median, half, 95%", "o", style.ESTIMATE, markersize=4),
        plots.key("prior", "o", style.GREY, **open_dot),
        plots.key("observed", "", style.AIM),
        plots.patch(interval, style.AIM, alpha=0.15, linewidth=0),
    ]
    draws, replicates = (text.count(summary[key]) for key in ("draws", "replicates"))
    return plots.finish(
        figure,
        f"{draws} draws of {replicates} replicates, with new random numbers. "
        "Figures are spread over draws, recorded numbers over single crises.",
        handles,
    )


def _draw_predicted(axes: Axes, row: dict[str, Any]) -> None:
    """Draw a figure or a recorded number: the prior below, the posterior above."""
    scale, unit, _ = plots.units(row)
    for y, prefix, colour, face in (
        (0.0, "prior_", style.GREY, style.WHITE),
        (1.0, "", style.ESTIMATE, style.ESTIMATE),
    ):
        ends = [row[prefix + key] for key in ("lower", "quarter", "three_quarters", "upper")]
        known = [scale * end for end in ends if end is not None]
        if not known:
            continue
        plots.span(axes, [known[0], known[-1]], y, colour)
        if len(known) == len(ends):
            plots.span(axes, known[1:3], y, colour, 2.6)
        if (median := row[f"{prefix}median"]) is not None:
            plots.dot(axes, scale * median, y, colour, face, markersize=4.0, zorder=4)
    if row["seen"] is not None:
        observed, *ends = (scale * row[key] for key in ("seen", "seen_lower", "seen_upper"))
        axes.axvline(observed, color=style.AIM, linewidth=1.0, zorder=2)
        axes.axvspan(*ends, color=style.AIM, alpha=0.15, linewidth=0, zorder=0)
    title = text.sentence(row["words"]).rstrip(".")
    if row["case"]:
        title = f"{text.clean(row['case'])}: {text.clean(row['words'])}"
        if row["known"] < 1:
            title += f" (occurs in {text.percent(row['known'])}% of all crises)"
    axes.set_title(text.shorten(title, 110), fontsize=6.5)
    axes.set_xlabel(unit, labelpad=1.0)
    axes.set_ylim(-0.7, 1.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)


def _prior(findings: Findings, path: str) -> Values:
    """Return a prior's quantiles, evenly spaced in probability."""
    table = findings.tables["priors"]
    names = np.asarray(table.column("parameter").to_pylist())
    return np.asarray(table.column("value").to_numpy()[names == path])


def _particles(findings: Findings, name: str) -> Values:
    return np.asarray(findings.tables["particles"].column(name).to_numpy())


def _scale(axis: Any, findings: Findings, row: dict[str, Any]) -> tuple[float, float]:
    """Give an axis a parameter's scale, and return the ends of its prior, with a margin on a linear scale."""
    before = _prior(findings, row["path"])
    low, high = float(before.min()), float(before.max())
    plots.scale_axis(axis, row["axis"])
    if low == high:
        return low - 0.5, high + 0.5
    margin = 0.0 if row["axis"] == "log" else (high - low) * 0.5 / len(before)
    return low - margin, high + margin


def _label(row: dict[str, Any]) -> str:
    name = text.shorten(text.clean(row["path"].partition(".")[2]), 26)
    unit = str(row["unit"])
    return name if not unit or name.endswith(unit) else f"{name}\n({unit})"
