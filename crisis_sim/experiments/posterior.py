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

from crisis_sim import text as wording
from crisis_sim.batch.plan import check_count
from crisis_sim.experiments import spec as words
from crisis_sim.experiments.calibrate import (
    Values,
    check_targets,
    columns_of,
    file_name,
    no_scenario,
    scenario_files,
)
from crisis_sim.experiments.factors import check_factor, check_path
from crisis_sim.experiments.marginals import (
    Found,
    noise_of,
    pairs_of,
    parameters_of,
    predicted,
    shares_like,
)
from crisis_sim.experiments.run import read_experiment
from crisis_sim.experiments.sampler import (
    Case,
    NothingFitsError,
    PosteriorSpec,
    Problem,
    is_time,
    resampled,
    sample,
    values_of,
)
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

ANSWERS = "what a record, or figures over many crises, say of parameters"
SPEC = PosteriorSpec


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    scenarios = {one.name: one for one in (reading.scenario, *reading.others)}
    for path, written in spec.vary.items():
        node = reading.at("vary", path)
        holder = next((one for one in scenarios.values() if path in numbers_of(one)), None)
        if holder is None:
            yield from check_path(path, node, reading.scenario)
        else:
            yield from check_factor(path, written, node, holder)
    if not spec.targets and not spec.cases:
        yield reading.top.label.mistake(
            "neither targets nor cases", "figures that crises should show, or crises on record"
        )
    yield from check_targets(spec.targets, reading, scenarios)
    names: list[str] = []
    for k, case in enumerate(spec.cases):
        if case.name in names:
            message = f"a second case that is called '{case.name}'"
            yield reading.mistake("cases", k, "name", message=message, expected="another name")
        names.append(case.name)
        yield from _check_case(case, k, reading, scenarios)


def _check_case(
    case: Case, k: int, reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    name = case.scenario or reading.scenario.name
    if name not in scenarios:
        yield no_scenario(name, reading, scenarios, "cases", k, "scenario")
        return
    columns = columns_of(scenarios[name], reading)
    if not case.record and not case.so:
        message, expected = "nothing is on record", "a record, or what was so"
        yield reading.mistake("cases", k, message=message, expected=expected)
    for j, observed in enumerate(case.record):
        node = reading.at("cases", k, "record", j)
        yield from _check_column(node, "of", observed.of, columns, "time", "number")
        if is_time(observed.of):
            yield from _check_column(node, "since", observed.since, columns, "time")
            continue
        for key in ("since", "unit"):
            if key in node.entries():
                message = f"'{observed.of}' is no time: it has no '{key}'"
                yield node.entries()[key].label.mistake(message, f"no '{key}'")
    if case.so:
        written = reading.at("cases", k, "so")
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
    return Problem(experiment, RunOptions()).crises


# --- Run: the generations, then a predictive check with fresh luck


def run(experiment: Experiment, options: RunOptions) -> Findings:
    problem = Problem(experiment, options)
    spec, priors, history = problem.spec, problem.priors, []
    generations = sample(
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
    except NothingFitsError:
        raise ExperimentError(
            "no crisis of the first generation shows what is on record, within any distance: "
            "more particles or replicates, wider priors, or another record"
        ) from None
    random = np.random.default_rng([spec.seed, spec.generations])
    drawn = last.scores[resampled(last.weight, problem.draws, random)]
    fresh = problem.run(drawn, spec.generations)
    options.progress(problem.crises, problem.crises)
    found = Found(problem, last, values_of(priors, last.scores), fresh)
    parameters, fits = parameters_of(found)
    summary = _summary(found, parameters, history)
    return Findings(
        experiment,
        tuple(answer(summary)),
        _tables(found, summary),
        summary,
        problem.crises,
        scenario_files(problem.scenarios, fits, "posterior", experiment.name, _HEAD),
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
        "correlations": pairs_of(found),
        "predictive": list(predicted(found)),
        "cases": list(shares_like(found)),
        "noise": noise_of(found),
        "generations": history,
        "files": [file_name(one, "posterior") for one in problem.scenarios],
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
    yield _on_learning(summary)
    yield from _on_parameters(summary)
    yield from _on_pairs(summary)
    for row in summary["cases"]:
        before, after = (
            words.estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"], "share")
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


def _on_learning(summary: dict[str, Any]) -> str:
    """How much was learned: of each parameter, how far its spread fell or, where that did not, its middle moved."""
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    pinned = [row for row in rows if row["pinned"]]
    names = words.short_names([row["path"] for row in rows])
    if not pinned:
        many = (
            "this parameter"
            if len(rows) == 1
            else f"any of these {wording.count(len(rows))} parameters"
        )
        return f"Of {many} nothing was learned that chance does not explain."
    phrases = []
    for row in pinned[:MOST_NAMED]:
        narrower = 1.0 - math.sqrt(max(1.0 - row["shrinkage"], 0.0))
        told = [f"narrower by {100 * narrower:.0f}%"] * (narrower >= 0.005)
        told += [f"moved by {_signed(row['shift'])}"] * (abs(row["shift"]) >= 0.05)
        phrases.append(f"{names[row['path']]} ({wording.listed(told)})")
    return (
        f"Something was learned of {wording.count(len(pinned))} of {wording.plural(len(rows), 'parameter')}, measured "
        f"in standard deviations of the prior: {wording.listed(phrases)}."
    )


def _on_parameters(summary: dict[str, Any]) -> Iterator[str]:
    rows = sorted(summary["parameters"], key=lambda row: -float(row["shrinkage"]))
    names = words.short_names([row["path"] for row in rows])
    pinned = [row for row in rows if row["pinned"]]
    phrases = [
        f"{names[row['path']]} {_span(row)}, before {_span(row, 'prior_')}" for row in pinned
    ]
    if phrases:
        more = len(pinned) - MOST_NAMED
        rest = f"; {wording.count(more)} more in marginals.parquet" if more > 0 else ""
        yield f"Posterior medians with 95% intervals: {'; '.join(phrases[:MOST_NAMED])}{rest}."
    loose = [names[row["path"]] for row in rows if not row["pinned"]]
    if loose:
        others = len(loose) - MOST_NAMED
        rest = f" and {wording.count(others)} more" if others > 0 else ""
        yield (
            f"Not pinned down by this evidence: {wording.listed(loose[:MOST_NAMED])}{rest}. "
            f"What was believed of {'them' if len(loose) > 1 else 'it'} stays."
        )
    for row in rows:
        if row["edge"]:
            yield (
                f"{words.sentence_start(names[row['path']])} presses against the {row['edge']} end of "
                "its prior: values beyond it might fit better."
            )
    if any(row["adjusted_median"] is not None for row in rows):
        phrases = [f"{names[row['path']]} {_span(row, 'adjusted_')}" for row in rows[:MOST_NAMED]]
        yield f"Adjusted by regression for the tolerance that is left: {'; '.join(phrases)}."


def _span(row: dict[str, Any], prefix: str = "") -> str:
    unit = str(row["unit"])
    if unit in ("share", "ratio", "intensity") or unit.startswith("1/"):
        unit = ""
    noun = "" if not unit or row["path"].endswith(unit) else f" {unit}"
    middle, lower, upper = (row[f"{prefix}{key}"] for key in ("median", "lower", "upper"))
    return f"{middle:.3g}{noun} ({lower:.3g} to {upper:.3g})"


def _signed(correlation: float) -> str:
    return f"{correlation:+.2f}".replace("-", wording.MINUS)


def _on_pairs(summary: dict[str, Any]) -> Iterator[str]:
    names = words.short_names([row["path"] for row in summary["parameters"]])
    least = max(TOGETHER, 2.0 / math.sqrt(max(summary["effective"], 1.0)))
    phrases = [
        f"{names[pair['first']]} and {names[pair['second']]} ({_signed(pair['correlation'])})"
        for pair in summary["correlations"]
        if abs(pair["correlation"]) > least
    ]
    if phrases:
        shown = wording.listed(phrases[:MOST_NAMED])
        yield f"Known better together than each alone (correlation): {shown}."


def _on_check(summary: dict[str, Any]) -> Iterator[str]:
    seen = [row for row in summary["predictive"] if row["tail"] is not None]
    off = [row for row in seen if not TAIL <= row["tail"] <= 1.0 - TAIL]
    if not seen:
        return
    if not off:
        lies = "it lies" if len(seen) == 1 else f"all {wording.count(len(seen))} lie"
        yield (
            "What was seen beside what the posterior predicts, with fresh luck: "
            f"{lies} within the middle 95%."
        )
        return
    why = (
        "The tolerance is not at its goal yet, which may be why."
        if summary["tolerance"] > summary["goal"]
        else "It may be that no values of these parameters explain it."
    )
    phrases = []
    for row in off[:MOST_NAMED]:
        median = math.inf if row["median"] is None else row["median"]
        shown, predicted = (words.figure(one, row["unit"]) for one in (row["seen"], median))
        phrases.append(f"{row['name']}: {shown}, predicted {predicted}")
    yield (
        f"The posterior does not explain {wording.count(len(off))} of {wording.count(len(seen))} that "
        f"were seen, which lie outside the middle 95% of what it predicts with fresh luck: "
        f"{'; '.join(phrases)}. {why}"
    )


def _on_files(summary: dict[str, Any]) -> str:
    have = "have" if len(summary["files"]) > 1 else "has"
    files = f"{wording.listed(summary['files'])} {have}"
    rows = [row for row in summary["parameters"] if not row["distribution_is_prior"]]
    if not rows:
        return f"{files} the priors as they were."
    worst, lost = max(row["distribution_error"] for row in rows), ""
    if summary["correlations"]:
        strongest = _signed(summary["correlations"][0]["correlation"])
        lost = (
            " Parameters are independent there: correlations are lost "
            f"(the strongest: {strongest}); joint draws keep them."
        )
    return f"{files} the posterior as distributions, at most {worst:.2g} standard deviations off.{lost}"


def _on_budget(summary: dict[str, Any]) -> Iterator[str]:
    effective, tolerance, goal = (summary[key] for key in ("effective", "tolerance", "goal"))
    end = "."
    if effective < FEW:
        times = wording.count(math.ceil(FEW / max(effective, 1.0)))
        end = f": limits are rough; about {times} times as many would set them well."
    elif tolerance <= goal:
        end = ": enough. More would hardly change the answer; more evidence would."
    yield f"{_spent(summary)} are worth {wording.count(effective)} equally weighted ones{end}"
    if tolerance > goal * 1.001:
        yield (
            f"The tolerance came down to {tolerance:.3g}, not yet to {goal:g}: intervals are wider than "
            "the evidence has them. More generations or particles would lower it."
        )


def _spent(summary: Mapping[str, Any]) -> str:
    particles = summary["particles"] * len(summary["generations"])
    replicates = wording.count(summary["replicates"])
    return f"{wording.count(particles)} particles of {replicates} replicates"


def _on_noise(summary: dict[str, Any]) -> Iterator[str]:
    """How much the luck of few replicates blurs."""
    noise, replicates = summary["noise"], wording.count(summary["replicates"])
    blurred = [ratio for ratio in noise["targets"] if ratio and ratio > BLURRED]
    if blurred:
        times = wording.count(math.ceil((max(blurred) / BLURRED) ** 2))
        yield (
            f"The luck of {replicates} replicates adds an error of up to {max(blurred):.2g} times a "
            f"target's own, and widens the posterior; {times} times as many would make it small."
        )
    if blurred and any(noise["assumed"]):
        yield (
            "Targets without an interval are taken as known to a tenth of what the prior leaves open: "
            "an interval says how well they are."
        )
    few = [like for like in noise["like"] if like < FEW_LIKE]
    if few:
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
    from matplotlib.patches import Patch

    from crisis_sim import style
    from crisis_sim.experiments import plots

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
    handles = [
        Patch(color=style.ESTIMATE_PALE, label="posterior"),
        plots.key("prior", "", style.GREY, drawstyle="steps-mid"),
        plots.key("posterior median, 95%", "D", markersize=3.2),
        plots.key("scenario's own value, or its middle", "", style.GREY, linestyle=(0, (1, 1.5))),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=6.0)
    worth, tolerance = wording.count(summary["effective"]), f"{summary['tolerance']:.3g}"
    foot = f"{_spent(summary)}, worth {worth} equally weighted ones; tolerance {tolerance}"
    style.say_below(figure, foot)
    return figure


def _draw_marginal(axes: Axes, findings: Findings, row: dict[str, Any]) -> None:
    from crisis_sim import style
    from crisis_sim.experiments import plots

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
    axes.plot([row["lower"], row["upper"]], [1.12 * top] * 2, color=style.BLACK, linewidth=1.0)
    axes.plot([row["median"]], [1.12 * top], "D", color=style.BLACK, markersize=3.2)
    if low <= row["own"] <= high:
        style.mark_moment(axes, row["own"])
    axes.set_ylim(0, 1.22 * top)
    axes.set_xlim(low, high)
    axes.set_title(wording.shorten(wording.clean(row["path"]), 38), fontsize=6.0)
    told = fill(plots.meaning(row, 100), 42) + "\nnot pinned down" * (not row["pinned"])
    axes.set_xlabel(told, fontsize=6.0)
    axes.set_ylabel("per cent of draws")


def draw_pairs(findings: Findings) -> Figure:
    """How the parameters that go together most do so: draws from the posterior, pair by pair."""
    from matplotlib.ticker import LogLocator

    from crisis_sim import style

    summary = findings.summary
    strongest = [pair[key] for pair in summary["correlations"] for key in ("first", "second")]
    most = [*dict.fromkeys(strongest)][:_MOST_PAIRED]
    rows = [row for row in summary["parameters"] if row["path"] in most]
    side = min(max(45.0 * len(rows), 120.0), style.DOUBLE_COLUMN)
    figure = style.new_figure(width=side, height=side * 0.86 + 12.0)
    grid = figure.subplots(len(rows), len(rows), squeeze=False, sharex=False)
    total = np.cumsum(_particles(findings, "weight"))
    # Particles drawn evenly by weight.
    chosen = np.searchsorted(total / total[-1], (np.arange(_DRAWN) + 0.5) / _DRAWN)
    correlation = {
        frozenset((pair["first"], pair["second"])): pair["correlation"]
        for pair in summary["correlations"]
    }
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
            shown = _signed(correlation[frozenset((down["path"], across["path"]))])
            axes.set_title(f"correlation {shown}", fontsize=6.0, fontweight="normal")
        if axes.get_xscale() == "log":  # at powers of ten alone: there is room for few
            axes.xaxis.set_major_locator(LogLocator())
        axes.set_xlabel(_label(across) if j == len(rows) - 1 else "")
        if k == 0 and j > 0:
            axes.set_ylabel(_label(down))
    draws = f"{wording.count(_DRAWN)} draws from the posterior"
    style.say_below(figure, f"{draws}; on the diagonal each alone, its prior in grey")
    return figure


def draw_predictive(findings: Findings) -> Figure:
    """The posterior's predictions, with fresh luck, compared with the observed figures."""
    from matplotlib.patches import Patch

    from crisis_sim import style
    from crisis_sim.experiments import plots

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
    seen: Any = {"color": style.AIM, "alpha": 0.15, "linewidth": 0}
    handles = [
        plots.key("posterior: median, half, 95%", "o", style.ESTIMATE, markersize=4),
        plots.key("prior", "o", style.GREY, **open_dot),
        plots.key("what was seen", "", style.AIM),
        Patch(label="its 95% interval, or what counts as the same", **seen),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=6.0)
    draws, replicates = (wording.count(summary[key]) for key in ("draws", "replicates"))
    style.say_below(
        figure,
        f"{draws} draws of {replicates} replicates, with luck that nothing was fitted to. "
        "Figures are spread over draws, what one crisis showed over single crises.",
    )
    return figure


def _draw_predicted(axes: Axes, row: dict[str, Any]) -> None:
    """One figure, or one number on record: prior below, posterior above."""
    from crisis_sim import style
    from crisis_sim.experiments import plots

    scale, unit, _ = plots.units(row)
    for y, prefix, colour, face in (
        (0.0, "prior_", style.GREY, style.WHITE),
        (1.0, "", style.ESTIMATE, style.ESTIMATE),
    ):
        ends = [row[prefix + key] for key in ("lower", "quarter", "three_quarters", "upper")]
        known = [scale * end for end in ends if end is not None]
        if not known:
            continue
        axes.plot([known[0], known[-1]], [y] * 2, color=colour, linewidth=1.0)
        if len(known) == len(ends):
            axes.plot(known[1:3], [y] * 2, color=colour, linewidth=2.6)
        median = row[f"{prefix}median"]
        if median is not None:
            look: Any = {"color": face, "markeredgecolor": colour, "markersize": 4.0, "zorder": 4}
            axes.plot([scale * median], [y], "o", **look)
    if row["seen"] is not None:
        seen, *ends = (scale * row[key] for key in ("seen", "seen_lower", "seen_upper"))
        axes.axvline(seen, color=style.AIM, linewidth=1.0, zorder=2)
        axes.axvspan(*ends, color=style.AIM, alpha=0.15, linewidth=0, zorder=0)
    title = wording.sentence(row["words"]).rstrip(".")
    if row["case"]:
        came = f" (it came in {wording.percent(row['known'])}% of all crises)"
        title = f"{wording.clean(row['case'])}: {wording.clean(row['words'])}"
        title += came if row["known"] < 1 else ""
    axes.set_title(wording.shorten(title, 110), fontsize=6.5)
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
    from crisis_sim.experiments import plots

    before = _prior(findings, row["path"])
    low, high = float(before.min()), float(before.max())
    if row["axis"] == "log":
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        plots.plain_ratios(axis)
    if low == high:
        return low - 0.5, high + 0.5
    room = 0.0 if row["axis"] == "log" else (high - low) * 0.5 / len(before)
    return low - room, high + room


def _label(row: dict[str, Any]) -> str:
    name = wording.shorten(wording.clean(row["path"].partition(".")[2]), 26)
    unit = str(row["unit"])
    return name if not unit or name.endswith(unit) else f"{name}\n({unit})"
