"""Posterior: what a record, or figures over many crises, say of a scenario's parameters.

Approximate Bayesian computation: parameters drawn from what the scenario leaves open are weighted by
how likely they make what was seen, generation after generation.
Each generation is on disk before the next begins.
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
from crisis_sim.experiments import calibrate, marginals, phrases, plots, sampler
from crisis_sim.experiments.factors import Values, check_factor
from crisis_sim.experiments.marginals import Found
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.run import read_experiment
from crisis_sim.experiments.sampler import Case, PosteriorSpec, Problem
from crisis_sim.experiments.spec import Experiment, ExperimentError, Findings, Reading, RunOptions
from crisis_sim.outcomes.measures import Columns
from crisis_sim.outcomes.names import read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.introspect import numbers_of
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPEC = PosteriorSpec


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    scenarios = {one.name: one for one in (reading.scenario, *reading.others)}
    for path, written in spec.vary.items():
        holders = [one for one in scenarios.values() if path in numbers_of(one)]
        holder = holders[0] if holders else reading.scenario
        yield from check_factor(path, written, reading.node_at("vary", path), holder)
    if not spec.targets and not spec.cases:
        yield reading.top.label.mistake(
            "neither targets nor cases", "figures that crises should show, or crises on record"
        )
    yield from calibrate.check_targets(spec.targets, reading, scenarios)
    names: list[str] = []
    for k, case in enumerate(spec.cases):
        if case.name in names:
            message = f"a second case that is called '{case.name}'"
            yield reading.node_at("cases", k, "name").place.mistake(message, "another name")
        names.append(case.name)
        yield from _check_case(case, k, reading, scenarios)


def _check_case(
    case: Case, k: int, reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    name = case.scenario or reading.scenario.name
    if name not in scenarios:
        yield calibrate.no_scenario(name, reading, scenarios, "cases", k, "scenario")
        return
    columns = calibrate.columns_of(scenarios[name], reading)
    if not case.record and not case.so:
        expected = "a record, or what was so"
        yield reading.node_at("cases", k).place.mistake("nothing is on record", expected)
    for j, observed in enumerate(case.record):
        node = reading.node_at("cases", k, "record", j)
        yield from _check_column(node, "of", observed.of, columns, "time", "number")
        if sampler.is_time(observed.of):
            yield from _check_column(node, "since", observed.since, columns, "time")
            continue
        for key in {"since", "unit"} & node.entries().keys():
            message = f"'{observed.of}' is no time: it has no '{key}'"
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


# --- Run: the generations, then a predictive check with fresh luck


def run(experiment: Experiment, options: RunOptions) -> Findings:
    problem = Problem(experiment, options)
    spec, priors, history = problem.spec, problem.priors, []
    generations = sampler.sample(
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
    except sampler.NothingFitsError:
        raise ExperimentError(
            "no crisis of the first generation shows what is on record, within any distance: "
            "more particles or replicates, wider priors, or another record"
        ) from None
    random = np.random.default_rng([spec.seed, spec.generations])
    drawn = last.scores[sampler.resampled(last.weight, problem.draws, random)]
    fresh = problem.run(drawn, spec.generations)
    options.progress(problem.crises, problem.crises)
    found = Found(problem, last, sampler.values_of(priors, last.scores), fresh)
    parameters, fits = marginals.parameters_of(found)
    summary = _summary(found, parameters, history)
    return Findings(
        experiment,
        tuple(answer(summary)),
        _tables(found, summary),
        summary,
        problem.crises,
        calibrate.scenario_files(problem.scenarios, fits, "posterior", experiment.name, _HEAD),
    )


#: The comment at the top of a posterior's scenario file.
_HEAD = """\
# Each parameter has the distribution that is nearest to its marginal. They are drawn independently
# here: how parameters go together in the posterior is lost. Joint draws keep it (docs/experiments.md).
"""


# --- Joint draws from a posterior

#: Columns of the table of particles beside the parameters.
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
        """The posterior of findings, or of the folder of finished ones; ExperimentError for another kind of experiment."""
        if not isinstance(findings, Findings):
            findings = read_experiment(findings)
        if (kind := findings.experiment.kind) != "posterior":
            raise ExperimentError(f"an experiment of kind {kind} has no posterior")
        table = findings.tables["particles"].to_pandas()
        weight, values = table["weight"].to_numpy(), table.drop(columns=[*OTHERS])
        return cls(tuple(values.columns), values.to_numpy(), weight)

    def draw(self, replicates: int, seed: int = 1) -> dict[str, NDArray[np.float64]]:
        """Parameters for replicates by path, as `simulate` takes them: particles drawn by weight, all of one together."""
        check_count("replicates", replicates)
        check_count("seed", seed, least=0)
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.weight), size=replicates, p=self.weight)
        return dict(zip(self.paths, self.values[chosen].T, strict=True))


# --- Findings, as plain data and tables

#: Cumulative probabilities at which priors are tabulated, for charts.
DRAWN_LEVELS: Values = (np.arange(400) + 0.5) / 400


def _summary(
    found: Found, parameters: list[dict[str, Any]], history: list[dict[str, Any]]
) -> dict[str, Any]:
    """The figures that matter, fit for JSON."""
    problem, spec, sampled = found.problem, found.problem.spec, found.sample
    return {
        "particles": spec.particles,
        "replicates": spec.replicates,
        "draws": problem.draws,
        "scenarios": [one.name for one in problem.scenarios],
        "effective": sampled.effective,
        "tolerance": sampled.tolerance,
        "goal": spec.tolerance,
        "parameters": parameters,
        "correlations": marginals.pairs_of(found),
        "predictive": list(marginals.predicted(found)),
        "cases": list(marginals.shares_like(found)),
        "noise": marginals.noise_of(found),
        "generations": history,
        "files": [calibrate.file_name(one, "posterior") for one in problem.scenarios],
    }


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Tidy tables: particles, marginals, correlations, the check, the generations, the priors."""
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

#: Parameters and pairs that an answer names; the tables have all of them.
MOST_NAMED = 6
#: Probabilities beyond which an observation lies in a tail of the predictions.
TAIL = 0.025
#: A correlation from which two parameters are said to go together.
TOGETHER = 0.3
#: An effective sample smaller than this sets 95% limits but roughly.
FEW = 400
#: Monte Carlo error beyond this share of a target's own is mentioned.
BLURRED = 0.5
#: With fewer crises like the record at a particle, luck decides how well it fits.
FEW_LIKE = 3.0


def answer(summary: dict[str, Any]) -> Iterator[str]:
    """The answer of a posterior, in sentences."""
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
            f"A crisis like {row['name']} comes in {after} of all crises with the posterior, in "
            f"{before} of all with the prior. One crisis is one draw of many that could have come: it says little."
        )
    yield from _on_check(summary)
    yield _on_files(summary)
    yield from _on_budget(summary)
    yield from _on_noise(summary)


def _on_learning(rows: list[dict[str, Any]], names: Mapping[str, str]) -> str:
    """How much was learned: of each parameter, how far its spread fell or, where that did not, its middle moved."""
    pinned = [row for row in rows if row["pinned"]]
    if not pinned:
        many = f"any of these {text.count(len(rows))} parameters"
        many = "this parameter" if len(rows) == 1 else many
        return f"Of {many} nothing was learned that chance does not explain."
    clauses = []
    for row in pinned[:MOST_NAMED]:
        narrower = 1.0 - math.sqrt(max(1.0 - row["shrinkage"], 0.0))
        told = [f"narrower by {100 * narrower:.0f}%"] * (narrower >= 0.005)
        told += [f"moved by {_signed(row['shift'])}"] * (abs(row["shift"]) >= 0.05)
        clauses.append(f"{names[row['path']]} ({text.listed(told)})")
    return (
        f"Something was learned of {text.count(len(pinned))} of {text.plural(len(rows), 'parameter')}, measured "
        f"in standard deviations of the prior: {text.listed(clauses)}."
    )


def _on_parameters(rows: list[dict[str, Any]], names: Mapping[str, str]) -> Iterator[str]:
    if pinned := [row for row in rows if row["pinned"]]:
        more = len(pinned) - MOST_NAMED
        rest = f"; {text.count(more)} more in marginals.parquet" if more > 0 else ""
        clauses = [
            f"{names[row['path']]} {_span(row)}, before {_span(row, 'prior_')}"
            for row in pinned[:MOST_NAMED]
        ]
        yield f"Posterior medians with 95% intervals: {'; '.join(clauses)}{rest}."
    if loose := [names[row["path"]] for row in rows if not row["pinned"]]:
        others, them = len(loose) - MOST_NAMED, "them" if len(loose) > 1 else "it"
        rest = f" and {text.count(others)} more" if others > 0 else ""
        shown = text.listed(loose[:MOST_NAMED])
        yield f"Not pinned down by this evidence: {shown}{rest}. What was believed of {them} stays."
    for row in rows:
        if row["edge"]:
            name = text.capitalize(names[row["path"]])
            yield f"{name} presses against the {row['edge']} end of its prior: values beyond it might fit better."
    if any(row["adjusted_median"] is not None for row in rows):
        clauses = [f"{names[row['path']]} {_span(row, 'adjusted_')}" for row in rows[:MOST_NAMED]]
        yield f"Adjusted by regression for the tolerance that is left: {'; '.join(clauses)}."


def _span(row: dict[str, Any], prefix: str = "") -> str:
    noun = phrases.unit_suffix(row["unit"], row["path"])
    middle, lower, upper = (row[f"{prefix}{key}"] for key in ("median", "lower", "upper"))
    return f"{middle:.3g}{noun} ({lower:.3g} to {upper:.3g})"


def _signed(correlation: float) -> str:
    return f"{correlation:+.2f}".replace("-", text.MINUS)


def _on_pairs(summary: dict[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    least = max(TOGETHER, 2.0 / math.sqrt(max(summary["effective"], 1.0)))
    clauses = [
        f"{names[pair['first']]} and {names[pair['second']]} ({_signed(pair['correlation'])})"
        for pair in summary["correlations"]
        if abs(pair["correlation"]) > least
    ]
    if clauses:
        shown = text.listed(clauses[:MOST_NAMED])
        yield f"Known better together than each alone (correlation): {shown}."


def _on_check(summary: dict[str, Any]) -> Iterator[str]:
    seen = [row for row in summary["predictive"] if row["tail"] is not None]
    off = [row for row in seen if not TAIL <= row["tail"] <= 1.0 - TAIL]
    if seen and not off:
        lies = "it lies" if len(seen) == 1 else f"all {text.count(len(seen))} lie"
        yield f"What was seen beside what the posterior predicts, with fresh luck: {lies} within the middle 95%."
    if not off:
        return
    why = "It may be that no values of these parameters explain it."
    if summary["tolerance"] > summary["goal"]:
        why = "The tolerance is not at its goal yet, which may be why."
    clauses = []
    for row in off[:MOST_NAMED]:
        median = math.inf if row["median"] is None else row["median"]
        shown, predicted = (phrases.with_unit(one, row["unit"]) for one in (row["seen"], median))
        clauses.append(f"{row['name']}: {shown}, predicted {predicted}")
    yield (
        f"The posterior does not explain {text.count(len(off))} of {text.count(len(seen))} that "
        f"were seen, which lie outside the middle 95% of what it predicts with fresh luck: "
        f"{'; '.join(clauses)}. {why}"
    )


def _on_files(summary: dict[str, Any]) -> str:
    have = "have" if len(summary["files"]) > 1 else "has"
    files, lost = f"{text.listed(summary['files'])} {have}", ""
    rows = [row for row in summary["parameters"] if not row["distribution_is_prior"]]
    if not rows:
        return f"{files} the priors as they were."
    if summary["correlations"]:
        strongest = _signed(summary["correlations"][0]["correlation"])
        lost = (
            " Parameters are independent there: correlations are lost "
            f"(the strongest: {strongest}); joint draws keep them."
        )
    worst = max(row["distribution_error"] for row in rows)
    return f"{files} the posterior as distributions, at most {worst:.2g} standard deviations off.{lost}"


def _on_budget(summary: dict[str, Any]) -> Iterator[str]:
    effective, tolerance, goal = (summary[key] for key in ("effective", "tolerance", "goal"))
    end = "."
    if effective < FEW:
        times = text.count(math.ceil(FEW / max(effective, 1.0)))
        end = f": limits are rough; about {times} times as many would set them well."
    elif tolerance <= goal:
        end = ": enough. More would hardly change the answer; more evidence would."
    yield f"{_spent(summary)} are worth {text.count(effective)} equally weighted ones{end}"
    if tolerance > goal * 1.001:
        yield (
            f"The tolerance came down to {tolerance:.3g}, not yet to {goal:g}: intervals are wider than "
            "the evidence has them. More generations or particles would lower it."
        )


def _spent(summary: Mapping[str, Any]) -> str:
    particles = summary["particles"] * len(summary["generations"])
    replicates = text.count(summary["replicates"])
    return f"{text.count(particles)} particles of {replicates} replicates"


def _on_noise(summary: dict[str, Any]) -> Iterator[str]:
    """How much the luck of few replicates blurs."""
    noise, replicates = summary["noise"], text.count(summary["replicates"])
    if blurred := [ratio for ratio in noise["targets"] if ratio and ratio > BLURRED]:
        times = text.count(math.ceil((max(blurred) / BLURRED) ** 2))
        yield (
            f"The luck of {replicates} replicates adds an error of up to {max(blurred):.2g} times a "
            f"target's own, and widens the posterior; {times} times as many would make it small."
        )
        if any(noise["assumed"]):
            yield (
                "Targets without an interval are taken as known to a tenth of what the prior leaves open: "
                "an interval says how well they are."
            )
    if few := [like for like in noise["like"] if like < FEW_LIKE]:
        yield (
            f"Particles that fit have about {min(few):.2g} crises like the record among {replicates}: "
            "which of them count is much luck, though it averages out. More replicates would make the "
            "effective sample larger."
        )


# --- Charts: marginals with priors, pairs, and predictions with observations

#: Charts side by side; parameters and figures that are drawn, of which the tables have all.
_ACROSS, _MOST_MARGINALS, _MOST_PAIRED, _MOST_PREDICTED = 3, 12, 4, 14
#: Bars of a marginal, as many as the sample bears with so many draws for each, on average: with fewer,
#: bars show luck; and draws in a chart of pairs.
_BARS, _PER_BAR, _DRAWN = (25, 20, 16, 10), 12, 400


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
    yield "marginals", draw_marginals
    if len(findings.summary["parameters"]) > 1:
        yield "pairs", draw_pairs
    yield "predictive", draw_predictive


def draw_marginals(findings: Findings) -> Figure:
    """Each parameter's prior and posterior."""
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
    own = "scenario's own value, or its middle"
    handles = [
        plots.patch("posterior", style.ESTIMATE_PALE),
        plots.key("prior", "", style.GREY, drawstyle="steps-mid"),
        plots.key("posterior median, 95%", "D", markersize=3.2),
        plots.key(own, "", style.GREY, linestyle=(0, (1, 1.5))),
    ]
    worth, tolerance = text.count(summary["effective"]), f"{summary['tolerance']:.3g}"
    foot = f"{_spent(summary)}, worth {worth} equally weighted ones; tolerance {tolerance}"
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
    told = fill(plots.meaning(row, 100), 42) + "\nnot pinned down" * (not row["pinned"])
    axes.set_xlabel(told, fontsize=6.0)
    axes.set_ylabel("per cent of draws")


def draw_pairs(findings: Findings) -> Figure:
    """How the parameters that go together most do so: draws from the posterior, pair by pair."""
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
    # Particles drawn evenly by weight.
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
            # The pairs stand in the order of the parameters.
            shown = _signed(correlation[across["path"], down["path"]])
            axes.set_title(f"correlation {shown}", fontsize=6.0, fontweight="normal")
        if axes.get_xscale() == "log":  # at powers of ten alone: there is room for few
            axes.xaxis.set_major_locator(LogLocator())
        elif figure.narrow:
            axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(_label(across) if j == len(rows) - 1 else "")
        if k == 0 and j > 0:
            axes.set_ylabel(_label(down))
    draws = f"{text.count(_DRAWN)} draws from the posterior"
    return plots.finish(figure, f"{draws}; on the diagonal each alone, its prior in grey")


def draw_predictive(findings: Findings) -> Figure:
    """The posterior's predictions, with fresh luck, compared with the observed figures."""
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
    same = "its 95% interval, or what counts as the same"
    handles = [
        plots.key("posterior: median, half, 95%", "o", style.ESTIMATE, markersize=4),
        plots.key("prior", "o", style.GREY, **open_dot),
        plots.key("what was seen", "", style.AIM),
        plots.patch(same, style.AIM, alpha=0.15, linewidth=0),
    ]
    draws, replicates = (text.count(summary[key]) for key in ("draws", "replicates"))
    return plots.finish(
        figure,
        f"{draws} draws of {replicates} replicates, with luck that nothing was fitted to. "
        "Figures are spread over draws, what one crisis showed over single crises.",
        handles,
    )


def _draw_predicted(axes: Axes, row: dict[str, Any]) -> None:
    """One figure, or one number on record: prior below, posterior above."""
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
        seen, *ends = (scale * row[key] for key in ("seen", "seen_lower", "seen_upper"))
        axes.axvline(seen, color=style.AIM, linewidth=1.0, zorder=2)
        axes.axvspan(*ends, color=style.AIM, alpha=0.15, linewidth=0, zorder=0)
    title = text.sentence(row["words"]).rstrip(".")
    if row["case"]:
        came = f" (it came in {text.percent(row['known'])}% of all crises)"
        title = f"{text.clean(row['case'])}: {text.clean(row['words'])}"
        title += came if row["known"] < 1 else ""
    axes.set_title(text.shorten(title, 110), fontsize=6.5)
    axes.set_xlabel(unit, labelpad=1.0)
    axes.set_ylim(-0.7, 1.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)


def _prior(findings: Findings, path: str) -> Values:
    """A prior's quantiles, evenly spaced in probability."""
    table = findings.tables["priors"]
    names = np.asarray(table.column("parameter").to_pylist())
    return np.asarray(table.column("value").to_numpy()[names == path])


def _particles(findings: Findings, name: str) -> Values:
    return np.asarray(findings.tables["particles"].column(name).to_numpy())


def _scale(axis: Any, findings: Findings, row: dict[str, Any]) -> tuple[float, float]:
    """Give an axis a parameter's scale; the ends of its prior, with room where steps are equal."""
    before = _prior(findings, row["path"])
    low, high = float(before.min()), float(before.max())
    plots.scale_axis(axis, row["axis"])
    if low == high:
        return low - 0.5, high + 0.5
    room = 0.0 if row["axis"] == "log" else (high - low) * 0.5 / len(before)
    return low - room, high + room


def _label(row: dict[str, Any]) -> str:
    name = text.shorten(text.clean(row["path"].partition(".")[2]), 26)
    unit = str(row["unit"])
    return name if not unit or name.endswith(unit) else f"{name}\n({unit})"
