"""The commands for experiments: `experiment`, `experiments`, and a short one for each kind."""

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
    answer,
    app,
    list_shipped,
    print_plan,
    progress_bar,
    say,
    since,
    stopped,
    talk,
)
from crisis_sim.cli.options import AS_IT_IS, CHARTS, HERE, Charts, Into, Variant
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Experiment
    from crisis_sim.scenario.source import Node

#: The measures of an experiment without a file, unless given.
QUICK = "ceasefire_within_96_hours"
#: The keys of an experiment without a file, by its kind; its title holds the scenario, its name and what is varied.
USUAL: dict[str, dict[str, Any]] = {
    "attribute": {
        "title": "What ended {scenario}: {parts}",
        "outcomes": [QUICK, "median_hours_to_ceasefire", "war"],
        "replicates": 2_000,
    },
    "sweep": {"title": "{vary} in {scenario}", "outcomes": [QUICK], "replicates": 1_000},
    "sensitivity": {"title": "What matters in {name}", "outcomes": [QUICK], "replicates": 64},
    "tune": {"title": "{name}, tuned", "replicates": 1_000, "trials": 200},
    "posterior": {
        "title": "{name}, posterior",
        "replicates": 200,
        "particles": 500,
        "generations": 5,
    },
}
_REPLICATES = ", ".join(f"{usual['replicates']:,} ({kind})" for kind, usual in USUAL.items())


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of every command that runs an experiment."""

    outcome: Annotated[
        list[str] | None,
        opt.option(
            "What to measure: a name such as agreement or ceasefire_within_96_hours, or a path "
            "in summary.json (docs/experiments.md). May be repeated.",
            metavar="MEASURE",
        ),
    ] = None
    replicates: Annotated[
        int | None,
        opt.option(
            f"Crises at each point, in place of the file's; without a file by default {_REPLICATES}.",
            least=1,
            most=opt.MOST_REPLICATES,
        ),
    ] = None
    seed: Annotated[
        int | None, opt.option("Seed, in place of the file's; by default 1.", least=0)
    ] = None
    variant: Variant = AS_IT_IS
    into: Into = HERE
    charts: Charts = CHARTS
    as_json: opt.Json = False

    @cached_property
    def classes(self) -> dict[str, Any]:
        """Classes of a person's own: those that were given, or with which what goes on was begun."""
        given = self.variant.classes
        if self.into.resume is None or any(given.values()):
            return given
        from crisis_sim.experiments.run import read_classes

        roles, agents = read_classes(self.into.resume)
        return {"roles": roles, "agents": agents}

    def keys(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options that were given, as keys of an experiment's file."""
        own = {"outcomes": self.outcome, "replicates": self.replicates, "seed": self.seed}
        every = {**own, "over_fits": self.variant.over_fits or None, **given}
        return {key: value for key, value in every.items() if value is not None}


PLAIN = Options()
Moved = Annotated[
    list[str] | None,
    opt.option(
        "A parameter's path, optionally with a range, and log for a logarithmic scale, such as "
        "mediators.us.attention_days=0.1:5:log. Without a range it varies as the scenario draws it, "
        "or over the schema's range. May be repeated.",
        ["--vary", "--factor"],
        metavar="PATH=LOW:HIGH",
    ),
]
Target = Annotated[
    list[str] | None,
    opt.option(
        "The value that a measure should have over many crises, optionally with its 95% interval, "
        "such as ceasefire_within_96_hours=0.6:0.5:0.7. May be repeated.",
        metavar="MEASURE=VALUE:LOW:HIGH",
    ),
]
FileOrScenario = Annotated[
    str | None,
    opt.option(
        "An experiment's file, or the name of a shipped one; with --vary a scenario; none with --resume."
    ),
]
Count = Annotated[int | None, opt.option(least=1)]


@app.command
def experiment(name: str | None = None, /, *settings: str, options: Options = PLAIN) -> int:
    """Run an experiment: an answer with its uncertainty, charts and a folder of results.

    `crisis-sim experiments` lists those that come with Crisis Sim. Without a file:
    `crisis-sim experiment sweep may_2025 'vary.lenders.imf.conditionality={values: [0, 1]}'`

    Args:
        name: An experiment's file, or the name of a shipped one; or a kind of experiment: attribute,
            sweep, sensitivity, tune or posterior; none with --resume.
        settings: After a kind, the scenario; then keys of the experiment's file and their values, such
            as replicates=500 or 'vary.mediators.us.attention_days={low: 0.1, high: 5}'; after a file,
            keys that replace the file's.
    """
    from crisis_sim.experiments.load import check_kind, read_settings
    from crisis_sim.experiments.spec import KINDS

    options.into.check()
    is_about = bool(settings) and "=" not in settings[0]
    if name in KINDS and not is_about:
        usage = f"crisis-sim experiment {name} SCENARIO KEY=VALUE..."
        raise RequestError(f"{name} is a kind of experiment and needs a scenario: {usage}")
    if name is None or not is_about:
        return of_file(None, name, {}, options, read_settings(settings))
    return ask(check_kind(name), settings[0], {}, options, read_settings(settings[1:]))


@app.command
def experiments(*, as_json: opt.Json = False) -> int:
    """List the experiments that come with Crisis Sim, one per line."""
    from crisis_sim.experiments.load import shipped_experiments

    keys = ("name", "kind", "title", "question")
    shipped = ({key: getattr(one, key) for key in keys} for one in shipped_experiments())
    return list_shipped(shipped, keys[:3], as_json)


# Running an experiment into a folder, and printing its answer.


def ask(
    kind: str,
    scenario: str,
    given: Mapping[str, Any],
    options: Options,
    settings: Node | None = None,
) -> int:
    """Run an experiment that has no file, from the keys given; the exit code."""
    from crisis_sim.experiments.load import make_experiment

    def named(key: str) -> list[str]:
        return [*said[key]] if isinstance(said.get(key), Mapping) else []

    said = {**given, **(settings.plain() if settings else {})}
    content: dict[str, Any] = {
        "kind": kind,
        "scenario": scenario,
        "set": options.variant.overrides or [],
    }
    content |= {**USUAL[kind], **options.keys(given)}
    content["title"] = USUAL[kind]["title"].format(
        scenario=scenario,
        name=Path(scenario).stem,
        parts=", ".join(named("parts")),
        vary=" and ".join(named("vary")),
    )
    return carry_out(make_experiment(kind, settings, **options.classes, **content), options)


def of_file(
    kind: str | None,
    name: str | None,
    given: Mapping[str, Any],
    options: Options,
    settings: Node | None = None,
    others: Mapping[str, Any] | None = None,
) -> int:
    """Run an experiment's file, or go on in a folder where there is none; the exit code.

    Args:
        kind: the kind that it must be of, if it may not be of any.
        given: values in place of the file's, as are those of `settings`.
        others: options that make sense without a file only, and what they were given.
    """
    from crisis_sim.experiments.load import load_experiment
    from crisis_sim.experiments.run import read_resolved

    into = options.into
    if name is None:  # what is in the folder says all
        if into.resume is None:
            raise RequestError("NAME is missing: give an experiment, or --resume with a folder")
        here = replace(options, into=replace(into, out=None))
        return carry_out(read_resolved(into.resume), here)
    for option, value in (others or {}).items():
        if value:
            raise RequestError(f"{option} goes with --vary; an experiment's file has its own")
    if options.variant.overrides:
        raise RequestError("--set goes with a scenario; an experiment's file has it under 'set'")
    changes = options.keys(given)
    experiment = load_experiment(name, changes, settings=settings, **options.classes)
    if kind not in (None, experiment.kind):
        raise RequestError(
            f"{name} is no {kind} experiment but of kind {experiment.kind}; run: "
            f"crisis-sim experiment {name}"
        )
    return carry_out(experiment, options)


def carry_out(experiment: Experiment, options: Options) -> int:
    """Run an experiment into a folder and print its answer, or only print its plan; the exit code."""
    from crisis_sim.batch.rules import classes_in_words
    from crisis_sim.experiments.spec import BlocksFailedError

    options.into.check()
    words = classes_in_words(**options.classes)
    folder = options.into.folder(f"{experiment.name} with {words}" if words else experiment.name)
    to_go_on = f"to go on: {shlex.join(['crisis-sim', 'experiment', '--resume', str(folder)])}"
    try:
        if options.into.dry_run:
            _say_plan(experiment, folder, options)
        else:
            _run(experiment, folder, options)
        return DONE
    except BlocksFailedError as error:
        talk(f"error: {error}\n{to_go_on}")
        return BLOCKS_FAILED
    except (KeyboardInterrupt, SystemExit) as stop:  # the latter is a request to terminate
        what, code = stopped(stop)
        talk(f"{what}: what was finished is safe in {folder}\n{to_go_on}")
        return code


def _run(experiment: Experiment, folder: Path, options: Options) -> None:
    from crisis_sim.experiments.plots import write_experiment_charts
    from crisis_sim.experiments.run import run_experiment

    began, into = time.perf_counter(), options.into
    with progress_bar() as progress:
        findings = run_experiment(
            experiment,
            folder,
            into.cores,
            resume=into.resume is not None,
            restart=into.restart,
            overwrite=into.overwrite,
            progress=progress,
            on_message=talk,
            **options.classes,
        )
    options.charts.hold()
    charts = write_experiment_charts(findings, folder)
    spec = experiment.spec
    about = {"name": experiment.name, "kind": experiment.kind, "question": spec.question}
    told = [f"- {clean(line)}" for line in findings.answer]
    answer(
        options.as_json,
        {**about, "answer": list(findings.answer), **findings.summary},
        lambda: say("\n".join([clean(spec.question or spec.title), "", *told])),
    )
    for chart in charts:
        if chart.suffix == charts[0].suffix:
            talk(f"chart: {chart}")
    talk(f"{findings.crises:,} crises in {since(began)}: {folder}")


def _say_plan(experiment: Experiment, folder: Path, options: Options) -> None:
    """Print the plan of an experiment, without running it."""
    from crisis_sim.batch.block import Plan, default_block_size
    from crisis_sim.batch.workers import choose_executor, estimate_seconds
    from crisis_sim.experiments.run import check_folder
    from crisis_sim.experiments.spec import kind_of

    replaces = check_folder(folder)
    spec, scenario = experiment.spec, experiment.scenario
    crises = kind_of(experiment.kind).crises(experiment)
    one_each = Plan((scenario,), spec.replicates, 0, points=-(-crises // spec.replicates))
    blocks = -(-crises // default_block_size(crises))
    crew = choose_executor(estimate_seconds(one_each), blocks, options.into.cores)
    facts: dict[str, Any] = {
        "name": experiment.name,
        "kind": experiment.kind,
        "title": spec.title,
        "scenario": scenario.name,
        "measures": [one.name for one in experiment.measures],
        "replicates": spec.replicates,
        "seed": spec.seed,
        "crises": crises,
    }
    lines = (
        f"{experiment.name}: {clean(spec.title)}",
        f"{crises:,} crises of {scenario.name}, seed {spec.seed}",
    )
    print_plan(facts, lines, crew, folder, replaces, options.as_json)


# The short command of each kind: its keys as options.


@app.command
def attribute(
    scenario: opt.One,
    /,
    *,
    parts: Annotated[list[str], Parameter(metavar="PART...", consume_multiple=True)],
    options: Options = PLAIN,
) -> int:
    """Find what ended the crisis: every combination of some parts, present or removed, is run.

    Each part gets its share (Shapley value) of the difference that all make together.

    Args:
        parts: Paths of the parts, such as lenders channels.nsa_line mediators.us. Commas join paths to
            one part, which may have a name before a colon: gulf:mediators.saudi_arabia,mediators.uae.
            A part may be changed instead of removed: lenders.imf.conditionality=0.
    """

    def part(_: str, text: str) -> tuple[str, list[str]]:
        name, colon, paths = text.partition(":")
        if not colon or "=" in name:  # the colon, if any, is in a value
            name, paths = text, text
        return name.strip(), [paths] if "=" in paths else paths.split(",")

    return ask("attribute", scenario, {"parts": each_once("--parts", parts, part)}, options)


@app.command
def sweep(
    scenario: opt.One,
    /,
    *,
    vary: Annotated[list[str], Parameter(metavar="PATH=LOW:HIGH:STEPS")],
    threshold: float | None = None,
    sample: int | None = None,
    options: Options = PLAIN,
) -> int:
    """See how outcomes change as one or two parameters vary over a range.

    All points use the same random numbers, so that small differences can be seen.

    Args:
        vary: A parameter's path, its range, the number of points, and log for a logarithmic scale, such
            as mediators.us.attention_days=0.1:5:9:log; or its values, such as
            lenders.imf.conditionality=0,0.5,1; or the path alone. Given twice for a map.
        threshold: Find where the first outcome crosses this value, such as 0.5.
        sample: Number of space-filling points (Sobol), in place of a grid.
    """
    given = {
        "vary": each_once("--vary", vary, partial(ranged, steps=True)),
        "threshold": threshold,
        "sample": None if sample is None else {"points": sample},
    }
    return ask("sweep", scenario, given, options)


@app.command
def sensitivity(
    scenario: opt.One,
    /,
    *,
    method: Literal["morris", "sobol", "pawn"] = "morris",
    factor: Moved = None,
    samples: Count = None,
    second_order: Annotated[bool, opt.FLAG] = False,
    tornado: Annotated[int, opt.option(least=0)] = 1_000,
    options: Options = PLAIN,
) -> int:
    """Find which parameters an outcome depends on, one by one and together.

    By default, these are the parameters that have a slider in the dashboard. Each index has an
    interval, a chart of its convergence, and a warning if there are too few crises for it.

    Args:
        method: morris to screen many parameters, sobol to divide an outcome's variance, pawn to
            compare its distributions.
        samples: Trajectories (morris, by default 32), base samples (sobol, 256) or points (pawn,
            1024).
        second_order: Sobol: also pairs of parameters, at twice the cost.
        tornado: Crises at each end of every parameter for the tornado chart; 0 for none.
    """
    given = {
        "method": method,
        "vary": each_once("--factor", factor or (), ranged),
        "samples": samples,
        "second_order": second_order,
        "tornado": tornado,
    }
    return ask("sensitivity", scenario, given, options)


@app.command
def tune(
    name: FileOrScenario = None,
    /,
    *,
    vary: Moved = None,
    target: Target = None,
    maximise: Annotated[str | None, Parameter(metavar="MEASURE=ENOUGH")] = None,
    minimise: Annotated[str | None, Parameter(metavar="MEASURE=ENOUGH")] = None,
    trials: Count = None,
    sampler: Literal["cmaes", "tpe", "sobol", "random"] | None = None,
    options: Options = PLAIN,
) -> int:
    """Find parameter values that reach targets, or make an outcome most likely at the least cost.

    Writes the tuned scenario as a file that extends the original. --resume continues an interrupted
    search, with the same result as without the interruption.

    Args:
        maximise: A measure that should be high, optionally with the value that is enough: the search is
            then for the smallest changes that reach it.
        minimise: The same for a measure that should be low.
        trials: Points to try; by default the file's, or 200.
        sampler: How the next points are chosen; by default the file's, or cmaes.
    """
    given: dict[str, Any] = {"trials": trials, "sampler": sampler}
    aims = {"maximise": maximise, "minimise": minimise}
    if name is None or not vary:
        others = {"--target": target, **{f"--{way}": text for way, text in aims.items()}}
        return of_file("tune", name, given, options, others=others)
    objective: dict[str, Any] = {}
    for way, text in aims.items():
        measure, has_enough, enough = (text or "").partition("=")
        if measure:
            objective[way] = measure.strip()
        if has_enough:
            wrong = f"--{way} {text}: expected MEASURE=ENOUGH"
            objective["enough"] = numbers(enough, [1], wrong)[0]
    if target:
        given["targets"] = [*each_once("--target", target, target_of).values()]
    given |= {"vary": each_once("--vary", vary, ranged), "objective": objective or None}
    return ask("tune", name, given, options)


@app.command
def posterior(
    name: FileOrScenario = None,
    /,
    *,
    vary: Moved = None,
    target: Target = None,
    particles: Count = None,
    generations: Count = None,
    options: Options = PLAIN,
) -> int:
    """Find which parameter values are likely, given crises on record or figures over many crises.

    Approximate Bayesian computation. A parameter's prior is the scenario's own distribution, or
    uniform over its range. Writes the posterior as a scenario that extends the original. --resume
    continues an interrupted search, with the same result as without the interruption. Crises on
    record are given in a file, under 'cases'.

    Args:
        particles: Points tried in each generation; by default the file's, or 500.
        generations: Rounds, each closer to the data; by default the file's, or 5.
    """
    given: dict[str, Any] = {"particles": particles, "generations": generations}
    if name is None or not vary:
        return of_file("posterior", name, given, options, others={"--target": target})
    if not target:
        raise RequestError("--vary needs --target: the values that measures should have")
    given["vary"] = each_once("--vary", vary, ranged)
    given["targets"] = [*each_once("--target", target, target_of).values()]
    return ask("posterior", name, given, options)


def each_once(
    option: str, texts: Iterable[str], read: Callable[[str, str], tuple[str, Any]]
) -> dict[str, Any]:
    """Return the values of a repeatable option by name; RequestError where two have one name, or one cannot be read."""
    from crisis_sim.scenario.source import nfc

    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    for text in texts:
        name, value = read(option, text)
        name = nfc(name.strip())
        if name in found:
            raise RequestError(
                f"{option} gives '{name}' twice: {given[name]} and {text}; expected once"
            )
        found[name], given[name] = value, text
    return found


def ranged(option: str, text: str, steps: bool = False) -> tuple[str, dict[str, Any]]:
    """The path of `PATH=LOW:HIGH:log`, or of `PATH=LOW:HIGH:STEPS:log` and `PATH=VALUE,VALUE`, and its range."""
    path, _, written = text.partition("=")
    words = written.split(":") if written else []
    found: dict[str, Any] = {"scale": words.pop()} if words[-1:] == ["log"] else {}
    try:
        if steps and len(words) == 1:
            return path, {**found, "values": [float(value) for value in words[0].split(",")]}
        if steps and len(words) == 3:
            found["points"] = int(words.pop())
        if words:
            found["low"], found["high"] = map(float, words)
    except ValueError:
        expected = "PATH=LOW:HIGH, optionally with :log, or PATH alone"
        if steps:
            expected = "PATH=LOW:HIGH:STEPS, optionally with :log, or PATH=VALUE,VALUE,..."
        raise RequestError(f"{option} {text}: expected {expected}") from None
    return path, found


def target_of(option: str, text: str) -> tuple[str, dict[str, Any]]:
    """A measure, and a target as a file would say it, from `MEASURE=VALUE:LOW:HIGH`."""
    measure, _, written = text.partition("=")
    wrong = f"{option} {text}: expected MEASURE=VALUE, or MEASURE=VALUE:LOW:HIGH"
    value, *interval = numbers(written, (1, 3), wrong)
    found: dict[str, Any] = {"measure": measure.strip(), "value": value}
    return measure, {**found, "interval": interval} if interval else found


def numbers(written: str, counts: Sequence[int], wrong: str) -> list[float]:
    """Numbers with colons between them; RequestError, with the message `wrong`, where they are none or not so many."""
    try:
        found = [float(number) for number in written.split(":")]
    except ValueError:
        found = []
    if len(found) not in counts:
        raise RequestError(wrong)
    return found
