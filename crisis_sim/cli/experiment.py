"""The commands `experiment`, `experiments`, and one for each kind of experiment."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    BLOCKS_FAILED,
    DONE,
    elapsed,
    print_message,
    print_output,
    print_plan,
    print_result,
    print_shipped,
    progress_bar,
    stop_reason,
)
from crisis_sim.cli.options import CHARTS, DEFAULT_OUTPUT, UNCHANGED, Charts, Output, Variant
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Experiment
    from crisis_sim.scenario.yaml_text import Node

#: The default measure of an experiment without a file.
MEASURE = "ceasefire_within_96_hours"
#: The default keys of an experiment without a file, by its kind; titles are templates.
DEFAULTS: dict[str, dict[str, Any]] = {
    "attribute": {
        "title": "What ended {scenario}?",
        "outcomes": [MEASURE, "median_hours_to_ceasefire", "war"],
        "replicates": 2_000,
    },
    "sweep": {"title": "{vary} in {scenario}", "outcomes": [MEASURE], "replicates": 1_000},
    "sensitivity": {"title": "What matters in {name}", "outcomes": [MEASURE], "replicates": 64},
    "tune": {"title": "{name}, tuned", "replicates": 1_000, "trials": 200},
    "posterior": {
        "title": "{name}, posterior",
        "replicates": 200,
        "particles": 500,
        "generations": 5,
    },
}
_REPLICATES = ", ".join(f"{keys['replicates']:,} ({kind})" for kind, keys in DEFAULTS.items())


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of all commands that run an experiment."""

    outcome: Annotated[
        list[str] | None,
        opt.option(
            "Measure: a name such as agreement or ceasefire_within_96_hours, or a path in summary.json "
            "(docs/experiments.md). May be repeated.",
            metavar="MEASURE",
        ),
    ] = None
    replicates: Annotated[
        int | None,
        opt.option(
            "Number of crises at each point. By default the number in the experiment's file, or "
            f"without a file {_REPLICATES}.",
            least=1,
            most=opt.MOST_REPLICATES,
        ),
    ] = None
    seed: Annotated[
        int | None,
        opt.option(
            "Random seed. By default the seed in the experiment's file, or without a file 1.",
            least=0,
        ),
    ] = None
    variant: Variant = UNCHANGED
    output: Output = DEFAULT_OUTPUT
    charts: Charts = CHARTS
    as_json: opt.Json = False

    @cached_property
    def classes(self) -> dict[str, Any]:
        """The custom classes (`Variant.classes`), by default those of the run to resume."""
        given = self.variant.classes
        if self.output.resume is None or any(given.values()):
            return given
        from crisis_sim.experiments.run import read_classes

        roles, agents = read_classes(self.output.resume)
        return {"roles": roles, "agents": agents}

    def keys(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return these options and other keys, except for None, as keys of an experiment file."""
        options = {"outcomes": self.outcome, "replicates": self.replicates, "seed": self.seed}
        keys = {**options, "over_fits": self.variant.over_fits or None, **given}
        return {key: value for key, value in keys.items() if value is not None}


DEFAULT_OPTIONS = Options()
Vary = Annotated[
    list[str] | None,
    opt.option(
        "Path of a parameter, optionally with a range, and log for a logarithmic scale, such as "
        "mediators.us.attention_days=0.1:5:log. The default range is the scenario's distribution, "
        "or else the range that the schema allows. May be repeated.",
        ["--vary", "--factor"],
        metavar="PATH=LOW:HIGH",
    ),
]
Target = Annotated[
    list[str] | None,
    opt.option(
        "Target for a measure over many crises, optionally with its 95% interval, such as "
        "ceasefire_within_96_hours=0.6:0.5:0.7. May be repeated.",
        metavar="MEASURE=VALUE:LOW:HIGH",
    ),
]
FileOrScenario = Annotated[
    str | None,
    opt.option(
        "An experiment file, or the name of a shipped experiment; with --vary, a scenario. Not needed with --resume."
    ),
]
Count = Annotated[int | None, opt.option(least=1)]


def experiment(
    name: str | None = None, /, *settings: str, options: Options = DEFAULT_OPTIONS
) -> int:
    """Run an experiment: print the answer with its uncertainty, and write results and charts to a folder.

    `crisis-sim experiments` lists the experiments that come with Crisis Sim. An example without a file:
    `crisis-sim experiment sweep may_2025 'vary.lenders.imf.conditionality={values: [0, 1]}'`

    Args:
        name: An experiment file, the name of a shipped experiment, or a kind of experiment: attribute, sweep,
            sensitivity, tune or posterior. Not needed with --resume.
        settings: After a kind of experiment: the scenario. Then keys of an experiment file and their values, which
            replace those in the file, such as replicates=500 or 'vary.mediators.us.attention_days={low: 0.1, high: 5}'.
    """
    from crisis_sim.experiments.load import check_kind, read_settings
    from crisis_sim.experiments.spec import KINDS

    options.output.check()
    has_scenario = bool(settings) and "=" not in settings[0]
    if name in KINDS and not has_scenario:
        usage = f"crisis-sim experiment {name} SCENARIO KEY=VALUE..."
        raise RequestError(f"{name} is a kind of experiment and needs a scenario: {usage}")
    if name is None or not has_scenario:
        return run_file(None, name, {}, options, read_settings(settings))
    return run_without_file(check_kind(name), settings[0], {}, options, read_settings(settings[1:]))


def experiments(*, as_json: opt.Json = False) -> int:
    """List the experiments that come with Crisis Sim, one per line."""
    from crisis_sim.experiments.load import shipped_experiments

    keys = ("name", "kind", "title", "question")
    shipped = ({key: getattr(one, key) for key in keys} for one in shipped_experiments())
    return print_shipped(shipped, keys[:3], as_json)


# Running an experiment into a folder, and printing its answer.


def run_without_file(
    kind: str,
    scenario: str,
    given: Mapping[str, Any],
    options: Options,
    settings: Node | None = None,
) -> int:
    """Run an experiment with the `given` keys and `settings`, and return the exit code."""
    from crisis_sim.experiments.load import make_experiment

    def names(key: str) -> list[str]:
        return [*keys[key]] if isinstance(keys.get(key), Mapping) else []

    keys = {**given, **(settings.plain() if settings else {})}
    content: dict[str, Any] = {
        "kind": kind,
        "scenario": scenario,
        "set": options.variant.overrides or [],
        **DEFAULTS[kind],
        **options.keys(given),
    }
    content["title"] = DEFAULTS[kind]["title"].format(
        scenario=scenario, name=Path(scenario).stem, vary=" and ".join(names("vary"))
    )
    return carry_out(make_experiment(kind, settings, **options.classes, **content), options)


def run_file(
    kind: str | None,
    name: str | None,
    given: Mapping[str, Any],
    options: Options,
    settings: Node | None = None,
    others: Mapping[str, Any] | None = None,
) -> int:
    """Run an experiment from a file, or resume one in a folder, and return the exit code.

    Args:
        kind: the required kind, or None.
        name: the file, or the name of a shipped experiment; None to resume.
        given: keys that replace those in the file, like `settings`.
        others: options (and their values) that are only for experiments without a file.
    """
    from crisis_sim.experiments.load import load_experiment
    from crisis_sim.experiments.run import read_resolved

    if name is None:
        resume = options.output.resume
        if resume is None:
            raise RequestError("NAME is missing: give an experiment, or --resume with a folder")
        output = replace(options.output, out=None)
        return carry_out(read_resolved(resume), replace(options, output=output))
    for option, value in (others or {}).items():
        if value:
            raise RequestError(
                f"{option} needs --vary; an experiment's file has its own targets and objective"
            )
    if options.variant.overrides:
        raise RequestError("--set is for scenarios; an experiment's file has the key 'set' for it")
    changes = options.keys(given)
    experiment = load_experiment(name, changes, settings=settings, **options.classes)
    if kind not in (None, experiment.kind):
        raise RequestError(
            f"{name} is an experiment of kind {experiment.kind}, not {kind}; run: "
            f"crisis-sim experiment {name}"
        )
    return carry_out(experiment, options)


def carry_out(experiment: Experiment, options: Options) -> int:
    """Run an experiment into a folder and print its answer, or only print its plan; return the exit code."""
    from crisis_sim.batch.own_classes import classes_in_words
    from crisis_sim.experiments.spec import BlocksFailedError

    options.output.check()
    classes = classes_in_words(**options.classes)
    name = f"{experiment.name} with {classes}" if classes else experiment.name
    folder = options.output.folder(name)
    resume = f"to continue: {shlex.join(['crisis-sim', 'experiment', '--resume', str(folder)])}"
    try:
        if options.output.dry_run:
            _print_plan(experiment, folder, options)
        else:
            _run(experiment, folder, options)
        return DONE
    except BlocksFailedError as error:
        print_message(f"error: {error}\n{resume}")
        return BLOCKS_FAILED
    except (KeyboardInterrupt, SystemExit) as stop:  # SystemExit comes from SIGTERM
        reason, code = stop_reason(stop)
        print_message(f"{reason}: the finished part is saved in {folder}\n{resume}")
        return code


def _run(experiment: Experiment, folder: Path, options: Options) -> None:
    from crisis_sim.experiments.plots import write_experiment_charts
    from crisis_sim.experiments.run import run_experiment

    start, output = time.perf_counter(), options.output
    with progress_bar() as progress:
        findings = run_experiment(
            experiment,
            folder,
            output.cores,
            resume=output.resume is not None,
            restart=output.restart,
            overwrite=output.overwrite,
            progress=progress,
            on_message=print_message,
            **options.classes,
        )
    options.charts.apply()
    charts = write_experiment_charts(findings, folder)
    spec = experiment.spec
    about = {"name": experiment.name, "kind": experiment.kind, "question": spec.question}
    lines = [f"- {clean(line)}" for line in findings.answer]
    print_result(
        options.as_json,
        {**about, "answer": list(findings.answer), **findings.summary},
        lambda: print_output("\n".join([clean(spec.question or spec.title), "", *lines])),
    )
    for chart in charts:
        if chart.suffix == charts[0].suffix:
            print_message(f"chart: {chart}")
    print_message(f"{findings.crises:,} crises in {elapsed(start)}: {folder}")


def _print_plan(experiment: Experiment, folder: Path, options: Options) -> None:
    """Print the plan of an experiment."""
    from crisis_sim.batch.block import Plan, default_block_size
    from crisis_sim.batch.workers import choose_executor, estimate_seconds
    from crisis_sim.experiments.run import check_folder
    from crisis_sim.experiments.spec import kind_of

    replaces = check_folder(folder)
    spec, scenario = experiment.spec, experiment.scenario
    crises = kind_of(experiment.kind).crises(experiment)
    plan = Plan((scenario,), spec.replicates, 0, points=-(-crises // spec.replicates))
    blocks = -(-crises // default_block_size(crises))
    executor = choose_executor(estimate_seconds(plan), blocks, options.output.cores)
    facts: dict[str, Any] = {
        "name": experiment.name,
        "kind": experiment.kind,
        "title": spec.title,
        "scenario": scenario.name,
        "measures": [measure.name for measure in experiment.measures],
        "replicates": spec.replicates,
        "seed": spec.seed,
        "crises": crises,
    }
    lines = (
        f"{experiment.name}: {clean(spec.title)}",
        f"{crises:,} crises of {scenario.name}, seed {spec.seed}",
    )
    print_plan(facts, lines, executor, folder, replaces, options.as_json)


# The commands of the kinds of experiments, whose keys are options.


def attribute(
    scenario: opt.ScenarioName,
    /,
    *,
    parts: Annotated[list[str], Parameter(metavar="PART...", consume_multiple=True)],
    options: Options = DEFAULT_OPTIONS,
) -> int:
    """Find which parts of a scenario ended the crisis, by running all combinations with and without them.

    Each part is given a share (Shapley value) of the joint effect of all parts.

    Args:
        parts: Paths of the parts, such as lenders channels.nsa_line mediators.us. Commas join several paths to
            one part, which may be named before a colon: gulf:mediators.saudi_arabia,mediators.uae.
            A part may be changed instead of removed: lenders.imf.conditionality=0.
    """

    def parse_part(_: str, text: str) -> tuple[str, list[str]]:
        name, colon, paths = text.partition(":")
        if not colon or "=" in name:  # the colon, if any, is in a value
            name, paths = text, text
        return name.strip(), [paths] if "=" in paths else paths.split(",")

    given = {"parts": parse_each("--parts", parts, parse_part)}
    return run_without_file("attribute", scenario, given, options)


def sweep(
    scenario: opt.ScenarioName,
    /,
    *,
    vary: Annotated[list[str], Parameter(metavar="PATH=LOW:HIGH:STEPS")],
    threshold: float | None = None,
    sample: int | None = None,
    options: Options = DEFAULT_OPTIONS,
) -> int:
    """Find how outcomes change when one or two parameters vary over a range.

    All points use the same random numbers, so that small differences can be seen.

    Args:
        vary: Path of a parameter with a range, a number of points, and optionally log for a logarithmic scale, such
            as mediators.us.attention_days=0.1:5:9:log; or with values, such as
            lenders.imf.conditionality=0,0.5,1; or the path alone. Given twice, the result is a map.
        threshold: Find where the first outcome crosses this value, such as 0.5.
        sample: Number of space-filling points (Sobol), in place of a grid.
    """
    given = {
        "vary": parse_each("--vary", vary, partial(parse_range, steps=True)),
        "threshold": threshold,
        "sample": None if sample is None else {"points": sample},
    }
    return run_without_file("sweep", scenario, given, options)


def sensitivity(
    scenario: opt.ScenarioName,
    /,
    *,
    method: Literal["morris", "sobol", "pawn"] = "morris",
    factor: Vary = None,
    samples: Count = None,
    second_order: Annotated[bool, opt.FLAG] = False,
    tornado: Annotated[int, opt.option(least=0)] = 1_000,
    options: Options = DEFAULT_OPTIONS,
) -> int:
    """Find which parameters an outcome depends on, alone and in combination.

    By default, the parameters with a slider in the dashboard are varied. Each index has an interval, a chart of its
    convergence, and a warning if it needs more crises.

    Args:
        method: morris for screening many parameters, sobol for shares of an outcome's variance, pawn for
            differences between its distributions.
        samples: Number of trajectories (morris, by default 32), base samples (sobol, 256) or points (pawn, 1024).
        second_order: With sobol, also analyse pairs of parameters, at twice the cost.
        tornado: Number of crises at each end of a parameter's range, for the tornado chart; 0 for no chart.
    """
    given = {
        "method": method,
        "vary": parse_each("--factor", factor or (), parse_range),
        "samples": samples,
        "second_order": second_order,
        "tornado": tornado,
    }
    return run_without_file("sensitivity", scenario, given, options)


def tune(
    name: FileOrScenario = None,
    /,
    *,
    vary: Vary = None,
    target: Target = None,
    maximise: Annotated[str | None, Parameter(metavar="MEASURE=VALUE")] = None,
    minimise: Annotated[str | None, Parameter(metavar="MEASURE=VALUE")] = None,
    trials: Count = None,
    sampler: Literal["cmaes", "tpe", "sobol", "random"] | None = None,
    options: Options = DEFAULT_OPTIONS,
) -> int:
    """Find parameter values that reach targets, or that maximise or minimise a measure.

    The tuned scenario is written as a file that extends the original. --resume continues an interrupted search,
    with the same result as without the interruption.

    Args:
        maximise: Measure to maximise; with a value, find the smallest changes that reach it.
        minimise: Measure to minimise, likewise.
        trials: Number of points to try. By default the number in the experiment's file, or 200.
        sampler: Method of choosing points. By default the method in the experiment's file, or cmaes.
    """
    given: dict[str, Any] = {"trials": trials, "sampler": sampler}
    aims = {"maximise": maximise, "minimise": minimise}
    if name is None or not vary:
        others = {"--target": target, **{f"--{aim}": text for aim, text in aims.items()}}
        return run_file("tune", name, given, options, others=others)
    objective: dict[str, Any] = {}
    for aim, text in aims.items():
        measure, has_enough, enough = (text or "").partition("=")
        if measure:
            objective[aim] = measure.strip()
        if has_enough:
            message = f"--{aim} {text}: expected MEASURE=VALUE"
            objective["enough"] = parse_numbers(enough, [1], message)[0]
    if target:
        given["targets"] = [*parse_each("--target", target, parse_target).values()]
    given |= {"vary": parse_each("--vary", vary, parse_range), "objective": objective or None}
    return run_without_file("tune", name, given, options)


def posterior(
    name: FileOrScenario = None,
    /,
    *,
    vary: Vary = None,
    target: Target = None,
    particles: Count = None,
    generations: Count = None,
    options: Options = DEFAULT_OPTIONS,
) -> int:
    """Estimate parameters from crises on record, or from figures over many crises.

    The method is approximate Bayesian computation. A parameter's prior is its distribution in the scenario, or else
    uniform over its range. The posterior is written as a scenario that extends the original. Crises on record are given
    in an experiment's file, under 'cases'. --resume continues an interrupted search, with the same result as without
    the interruption.

    Args:
        particles: Number of points in each generation. By default the number in the experiment's file, or 500.
        generations: Number of generations, each closer to the data. By default the number in the experiment's file, or 5.
    """
    given: dict[str, Any] = {"particles": particles, "generations": generations}
    if name is None or not vary:
        return run_file("posterior", name, given, options, others={"--target": target})
    if not target:
        raise RequestError("--vary needs --target: the target values of measures")
    given["vary"] = parse_each("--vary", vary, parse_range)
    given["targets"] = [*parse_each("--target", target, parse_target).values()]
    return run_without_file("posterior", name, given, options)


def parse_each(
    option: str, texts: Iterable[str], parse: Callable[[str, str], tuple[str, Any]]
) -> dict[str, Any]:
    """Parse the values of a repeatable option into a dictionary; RequestError if a name occurs twice."""
    from crisis_sim.scenario.yaml_text import nfc

    values: dict[str, Any] = {}
    text_of: dict[str, str] = {}
    for text in texts:
        name, value = parse(option, text)
        name = nfc(name.strip())
        if name in values:
            raise RequestError(
                f"{option} gives '{name}' twice: {text_of[name]} and {text}; expected once"
            )
        values[name], text_of[name] = value, text
    return values


def parse_range(option: str, text: str, steps: bool = False) -> tuple[str, dict[str, Any]]:
    """Parse `PATH=LOW:HIGH:log`, or with `steps` `PATH=LOW:HIGH:STEPS:log` or `PATH=VALUE,VALUE`."""
    path, _, numbers = text.partition("=")
    parts = numbers.split(":") if numbers else []
    keys: dict[str, Any] = {"scale": parts.pop()} if parts[-1:] == ["log"] else {}
    try:
        if steps and len(parts) == 1:
            return path, {**keys, "values": [float(value) for value in parts[0].split(",")]}
        if steps and len(parts) == 3:
            keys["points"] = int(parts.pop())
        if parts:
            keys["low"], keys["high"] = map(float, parts)
    except ValueError:
        expected = "PATH=LOW:HIGH, optionally with :log, or PATH alone"
        if steps:
            expected = "PATH=LOW:HIGH:STEPS, optionally with :log, or PATH=VALUE,VALUE,..."
        raise RequestError(f"{option} {text}: expected {expected}") from None
    return path, keys


def parse_target(option: str, text: str) -> tuple[str, dict[str, Any]]:
    """Parse `MEASURE=VALUE:LOW:HIGH`; return the measure and the keys of the target."""
    measure, _, numbers = text.partition("=")
    message = f"{option} {text}: expected MEASURE=VALUE, or MEASURE=VALUE:LOW:HIGH"
    value, *interval = parse_numbers(numbers, (1, 3), message)
    target: dict[str, Any] = {"measure": measure.strip(), "value": value}
    return measure, {**target, "interval": interval} if interval else target


def parse_numbers(text: str, counts: Sequence[int], message: str) -> list[float]:
    """Parse numbers separated by colons; RequestError with the message unless there are as many as in `counts`."""
    try:
        numbers = [float(number) for number in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in counts:
        raise RequestError(message)
    return numbers
