"""The commands for experiments: `experiment`, `experiments`, and one for each kind."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli.app import (
    BLOCKS_FAILED,
    DONE,
    INTERRUPTED,
    RESULTS,
    TERMINATED,
    Folder,
    Json,
    Natural,
    One,
    Overrides,
    Positive,
    Replicates,
    Seed,
    Workers,
    app,
    counted,
    in_words,
    print_json,
    progress_bar,
    refuse,
    say,
    talk,
)
from crisis_sim.text import clean

if TYPE_CHECKING:
    from crisis_sim.experiments.spec import Experiment, Findings


# --- `crisis-sim experiment` and `experiments`, and what the commands of each kind share

Out = Annotated[
    Folder, Parameter(name="--out", help="Folder for results; results/ and the experiment's name.")
]
Resume = Annotated[
    Path | None,
    Parameter(
        name="--resume",
        help="Go on with the experiment in this folder, whatever ended it.",
        metavar="DIR",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool,
    Parameter(
        name="--dry-run",
        help="Say what would be run, and run nothing.",
        negative=(),
        show_default=False,
    ),
]
MaybeReplicates = Annotated[
    int | None,
    Parameter(
        name="--replicates",
        help="Crises at each point, in place of the experiment's.",
        validator=Replicates,
        show_default=False,
    ),
]
MaybeSeed = Annotated[
    int | None,
    Parameter(
        name="--seed",
        help="The seed of all luck, in place of the experiment's.",
        validator=Natural,
        show_default=False,
    ),
]
Outcomes = Annotated[
    list[str] | None,
    Parameter(
        name="--outcome",
        help="What to measure: a name such as agreement or ceasefire_within_96_hours, or a path in "
        "summary.json (docs/experiments.md). May be given again.",
        metavar="MEASURE",
        negative=(),
        show_default=False,
    ),
]


def each_once(
    option: str, texts: Iterable[str], read: Callable[[str], tuple[str, Any]]
) -> dict[str, Any]:
    """What an option that may be given again says, by what it says it of.

    Args:
        option: its name.
        texts: what it was given.
        read: what a text is about, and what it says of that.

    Raises:
        ValueError: when two say something of the same thing, or one is not as it should be.
    """
    from crisis_sim.scenario.source import composed

    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    for text in texts:
        name, value = read(text)
        name = composed(name.strip())
        if name in found:
            raise ValueError(
                f"{option} speaks twice of '{name}': {given[name]} and {text}; expected one"
            )
        found[name], given[name] = value, text
    return found


@app.command
def experiment(
    name: Annotated[
        str | None,
        Parameter(help="An experiment's file, or the name of a shipped one; none with --resume."),
    ] = None,
    /,
    *,
    out: Out = None,
    replicates: MaybeReplicates = None,
    seed: MaybeSeed = None,
    workers: Workers = None,
    resume: Resume = None,
    restart: Annotated[
        bool,
        Parameter(
            help="Throw away an experiment in the folder that is not finished.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Run an experiment of any kind: an answer, how sure it is, charts and a folder of results.

    `crisis-sim experiments` lists those that come with Crisis Sim.
    """
    from crisis_sim.experiments.load import load_experiment

    if resume is not None and restart:
        return refuse("error: --resume goes on and --restart throws away: give one of them")
    if name is None:
        if resume is None:
            return refuse("error: NAME requires an argument, unless --resume goes on with a folder")
        return go_on(resume, workers, dry_run=dry_run, as_json=as_json)
    given = {"replicates": replicates, "seed": seed}
    changes = {key: value for key, value in given.items() if value is not None}
    return carry_out(
        load_experiment(name, changes),
        out,
        workers,
        resume,
        restart=restart,
        dry_run=dry_run,
        as_json=as_json,
    )


@app.command
def experiments(*, as_json: Json = False) -> int:
    """List the experiments that come with Crisis Sim, a line each."""
    from crisis_sim.experiments.load import shipped_experiments

    shipped = shipped_experiments()
    if as_json:
        print_json(
            [
                {"name": one.name, "kind": one.kind, "title": one.title, "question": one.question}
                for one in shipped
            ]
        )
        return DONE
    width = max((len(one.name) for one in shipped), default=0)
    kinds = max((len(one.kind) for one in shipped), default=0)
    for one in shipped:
        say(f"{one.name:{width}}  {clean(one.kind):{kinds}}  {clean(one.title)}")
    return DONE


def carry_out(
    experiment: Experiment,
    out: Path | None,
    workers: int | None,
    resume: Path | None = None,
    *,
    restart: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Run an experiment into a folder and tell what it found; the exit code.

    Args:
        experiment: the experiment, checked.
        out: its folder; one in `RESULTS` with its name where left out.
        workers: workers to use at most; as many as there are cores where left out.
        resume: the folder to go on in.
        restart: throw away an experiment in the folder that is not finished.
        dry_run: only say what would be run.
        as_json: print JSON.
    """
    from crisis_sim.batch.workers import cores

    if resume is not None and out is not None and out.resolve() != resume.resolve():
        return refuse(f"error: --resume goes on in {resume}: --out cannot name another folder")
    folder = resume or out or RESULTS / experiment.name
    most = workers or cores()
    if dry_run:
        return _guarded(lambda: _say_plan(experiment, most, folder, as_json), folder)
    way = resume is not None, restart
    return _guarded(lambda: _run(experiment, folder, most, way, as_json), folder)


def go_on(
    folder: Path, workers: int | None, *, dry_run: bool = False, as_json: bool = False
) -> int:
    """Go on with the experiment in a folder; the exit code."""
    from crisis_sim.batch.files import BatchError
    from crisis_sim.experiments.run import read_resolved

    try:
        experiment = read_resolved(folder)
    except BatchError as error:
        return refuse(f"error: {error}")
    return carry_out(experiment, None, workers, folder, dry_run=dry_run, as_json=as_json)


def _guarded(work: Callable[[], int], folder: Path) -> int:
    """Do something to an experiment, and tell what stopped it."""
    from crisis_sim.batch.files import BatchError
    from crisis_sim.experiments.spec import BlocksFailedError

    go_on = f"to go on: {shlex.join(['crisis-sim', 'experiment', '--resume', str(folder)])}"
    try:
        return work()
    except BlocksFailedError as error:
        talk(f"error: {error}\n{go_on}")
        return BLOCKS_FAILED
    except (BatchError, OSError) as error:
        return refuse(f"error: {error}")
    except KeyboardInterrupt:
        talk(f"interrupted: what was finished is safe in {folder}\n{go_on}")
        return INTERRUPTED
    except SystemExit:  # a request to terminate
        talk(f"terminated: what was finished is safe in {folder}\n{go_on}")
        return TERMINATED


def _run(
    experiment: Experiment, folder: Path, workers: int, way: tuple[bool, bool], as_json: bool
) -> int:
    from crisis_sim.experiments.run import run_experiment
    from crisis_sim.report.experiments import write_experiment_charts

    began = time.perf_counter()
    resume, restart = way
    with progress_bar() as progress:
        findings = run_experiment(
            experiment,
            folder,
            workers,
            resume=resume,
            restart=restart,
            progress=progress,
            on_message=talk,
        )
    charts = write_experiment_charts(findings, folder)
    _tell(findings, as_json)
    for chart in charts:
        if chart.suffix == ".svg":
            talk(f"chart: {chart}")
    talk(f"{findings.crises:,} crises in {in_words(time.perf_counter() - began)}: {folder}")
    return DONE


def _tell(findings: Findings, as_json: bool) -> None:
    experiment = findings.experiment
    if as_json:
        print_json(
            {
                "name": experiment.name,
                "kind": experiment.kind,
                "question": experiment.spec.question,
                "answer": list(findings.answer),
                **findings.summary,
            }
        )
        return
    question = clean(experiment.spec.question or experiment.spec.title)
    say("\n".join([question, "", *(f"- {clean(line)}" for line in findings.answer)]))


def _say_plan(experiment: Experiment, workers: int, folder: Path, as_json: bool) -> int:
    """Say what an experiment would be."""
    from crisis_sim.batch.plan import Plan, usual_size
    from crisis_sim.batch.workers import choose_executor, first_guess
    from crisis_sim.experiments.run import check_folder
    from crisis_sim.experiments.spec import kind_of

    replaces = check_folder(folder)
    crises = kind_of(experiment.kind).crises(experiment)
    replicates = experiment.spec.replicates
    one_each = Plan((experiment.scenario,), replicates, 0, points=-(-crises // replicates))
    crew = choose_executor(first_guess(one_each), -(-crises // usual_size(crises)), workers)
    facts: dict[str, Any] = {
        "name": experiment.name,
        "kind": experiment.kind,
        "title": experiment.spec.title,
        "scenario": experiment.scenario.name,
        "measures": [one.name for one in experiment.measures],
        "replicates": experiment.spec.replicates,
        "seed": experiment.spec.seed,
        "crises": crises,
        "workers": crew.size,
        "seconds_estimated": round(crew.seconds, 1),
        "folder": str(folder),
        "replaces_results": replaces,
    }
    if as_json:
        print_json(facts)
        return DONE
    say(f"{experiment.name}: {clean(experiment.spec.title)}")
    say(f"{crises:,} crises of {experiment.scenario.name}, seed {experiment.spec.seed}")
    say(f"about {in_words(crew.seconds)} with {counted(crew.size, 'worker')}")
    say(f"into {folder}" + (", replacing the findings that it holds" if replaces else ""))
    return DONE


# --- `crisis-sim attribute`: what ended it, without a file

#: What is measured where nothing else is asked: a time, how long it took, and how bad it got.
OUTCOMES = ("ceasefire_within_96_hours", "median_hours_to_ceasefire", "war")


@app.command
def attribute(
    scenario: One,
    /,
    *,
    parts: Annotated[
        list[str],
        Parameter(
            help="Parts by their paths, such as lenders channels.nsa_line mediators.us; several "
            "that make one part with commas between, and a name before them with a colon if "
            "wanted: gulf:mediators.saudi_arabia,mediators.uae. A part may be changed instead of "
            "taken out: lenders.imf.conditionality=0.",
            metavar="PART...",
            consume_multiple=True,
            negative=(),
        ),
    ],
    outcome: Outcomes = None,
    replicates: Annotated[
        int, Parameter(help="Crises in each combination of parts.", validator=Replicates)
    ] = 2_000,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find what ended it: every combination of some parts, there or taken away, on the same luck.

    Each part gets its share (Shapley value) of the difference that all make together.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        named = each_once("--parts", parts, _part)
    except ValueError as error:
        return refuse(f"error: {error}")
    made = make_experiment(
        "attribute",
        kind="attribute",
        title=f"What ended {scenario}: {', '.join(named)}",
        scenario=scenario,
        set=overrides or [],
        parts=named,
        outcomes=outcome or list(OUTCOMES),
        replicates=replicates,
        seed=seed,
    )
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)


def _part(text: str) -> tuple[str, list[str]]:
    """A part's name, and what is taken out or changed."""
    name, colon, paths = text.partition(":")
    if not colon or "=" in name:  # the colon, if any, is in a value
        name, paths = text, text
    return name.strip(), [paths] if "=" in paths else paths.split(",")


# --- `crisis-sim sweep`: outcomes over one parameter or two, without a file


@app.command
def sweep(
    scenario: One,
    /,
    *,
    vary: Annotated[
        list[str],
        Parameter(
            help="A parameter by its path, its range, the steps in it, and log for steps that are "
            "ratios, such as mediators.us.attention_days=0.1:5:9:log; or its values, such as "
            "lenders.imf.conditionality=0,0.5,1; or the path alone. Given twice for a map.",
            metavar="PATH=LOW:HIGH:STEPS",
            negative=(),
        ),
    ],
    outcome: Outcomes = None,
    threshold: Annotated[
        float | None,
        Parameter(
            help="A value of the first outcome whose crossing matters, such as 0.5.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int | None,
        Parameter(
            help="Run so many points that fill the space (Sobol), in place of a grid.",
            show_default=False,
        ),
    ] = None,
    replicates: Annotated[
        int, Parameter(help="Crises at each point.", validator=Replicates)
    ] = 1_000,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """See how outcomes change as one parameter, or two, go over a range.

    All points share the luck of each replicate, so small differences show.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        swept = each_once("--vary", vary, _swept)
    except ValueError as error:
        return refuse(f"error: {error}")
    content: dict[str, Any] = {
        "kind": "sweep",
        "title": f"{' and '.join(swept)} in {scenario}",
        "scenario": scenario,
        "set": overrides or [],
        "vary": swept,
        "outcomes": outcome or ["ceasefire_within_96_hours"],
        "replicates": replicates,
        "seed": seed,
    }
    if threshold is not None:
        content["threshold"] = threshold
    if sample is not None:
        content["sample"] = {"points": sample}
    made = make_experiment("sweep", **content)
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)


def _swept(text: str) -> tuple[str, dict[str, Any]]:
    """A parameter's path and its range.

    Raises:
        ValueError: when they are not so written, saying what is wrong.
    """
    path, _, written = text.partition("=")
    try:
        return path, _range(written)
    except ValueError:
        raise ValueError(
            f"--vary {text}: expected PATH=LOW:HIGH:STEPS, with :log if wanted, or "
            "PATH=VALUE,VALUE,..."
        ) from None


def _range(written: str) -> dict[str, Any]:
    """The range that stands behind a path.

    Raises:
        ValueError: when it is none.
    """
    if not written:
        return {}
    if ":" not in written:
        return {"values": [float(value) for value in written.split(",")]}
    low, high, *others = written.split(":")
    found: dict[str, Any] = {"low": float(low), "high": float(high)}
    if others and others[-1] == "log":
        found["scale"] = others.pop()
    if others:
        found["points"] = int(others.pop(0))
    if others:
        raise ValueError
    return found


# --- `crisis-sim sensitivity`: which parameters an outcome turns on, without a file


@app.command
def sensitivity(
    scenario: One,
    /,
    *,
    method: Annotated[
        Literal["morris", "sobol", "pawn"],
        Parameter(
            help="morris to screen many parameters, sobol to share out an outcome's variance, pawn "
            "to compare its distributions."
        ),
    ] = "morris",
    factor: Annotated[
        list[str] | None,
        Parameter(
            name=["--factor", "--vary"],
            help="A parameter by its path, if wanted its range, and log for one drawn in equal "
            "ratios, such as mediators.us.attention_days=0.1:5:log. Without a range it is drawn as "
            "the scenario draws it, or over the schema's range. May be given again; where none is "
            "given, all parameters that are worth a slider.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    outcome: Outcomes = None,
    samples: Annotated[
        int | None,
        Parameter(
            help="Trajectories (morris; 32 where you do not say), base samples (sobol; 256), points "
            "(pawn; 1024).",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    second_order: Annotated[
        bool,
        Parameter(help="Sobol: also pairs of parameters, at twice the cost.", negative=()),
    ] = False,
    tornado: Annotated[
        int,
        Parameter(
            help="Crises at each end of every parameter for the tornado; 0 for none.",
            validator=Natural,
        ),
    ] = 1_000,
    replicates: Annotated[int, Parameter(help="Crises at each point.", validator=Replicates)] = 64,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find which parameters an outcome turns on, one by one and together.

    Each index comes with its interval, a picture of how it settles, and a warning where the budget
    is too small for it.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        vary = each_once("--factor", factor or (), lambda text: varied(text, "--factor"))
    except ValueError as error:
        return refuse(f"error: {error}")
    content: dict[str, Any] = {
        "kind": "sensitivity",
        "title": f"What matters in {Path(scenario).stem}",
        "scenario": scenario,
        "set": overrides or [],
        "method": method,
        "vary": vary,
        "second_order": second_order,
        "tornado": tornado,
        "outcomes": outcome or ["ceasefire_within_96_hours"],
        "replicates": replicates,
        "seed": seed,
    }
    if samples is not None:
        content["samples"] = samples
    made = make_experiment("sensitivity", **content)
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)


# --- `crisis-sim tune`: parameters to targets or to an objective, from a file or without one

#: Where nothing is said: crises at each point, and points.
REPLICATES, TRIALS = 1_000, 200


@app.command
def tune(
    name: Annotated[
        str | None,
        Parameter(
            help="An experiment's file, or the name of a shipped one; with --vary a scenario; "
            "none with --resume."
        ),
    ] = None,
    /,
    *,
    vary: Annotated[
        list[str] | None,
        Parameter(
            help="A parameter that may be moved: its path, if wanted its range, and log for steps "
            "that are ratios, such as mediators.us.attention_days=0.1:5:log. May be given again.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        Parameter(
            help="What a measure should be, if wanted with the 95% interval in which that is known, "
            "such as ceasefire_within_96_hours=0.6:0.5:0.7. May be given again.",
            metavar="MEASURE=VALUE:LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    maximise: Annotated[
        str | None,
        Parameter(
            help="A measure that should be high, and how high is enough: then the smallest changes "
            "are sought that reach it.",
            metavar="MEASURE=ENOUGH",
            show_default=False,
        ),
    ] = None,
    minimise: Annotated[
        str | None,
        Parameter(
            help="Likewise, of what should be low.", metavar="MEASURE=ENOUGH", show_default=False
        ),
    ] = None,
    trials: Annotated[
        int | None,
        Parameter(
            help=f"Points to try; {TRIALS} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        Literal["cmaes", "tpe", "sobol", "random"] | None,
        Parameter(
            help="How the next points are chosen; cmaes where nothing is said.", show_default=False
        ),
    ] = None,
    replicates: MaybeReplicates = None,
    seed: MaybeSeed = None,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    resume: Resume = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find the parameters that reach targets, or that make something most likely at least cost.

    Writes the tuned scenario as a file that extends the original. A search that was cut short goes
    on with --resume, and finds what it would have found.
    """
    from crisis_sim.experiments.load import load_experiment, make_experiment

    if name is None:
        if resume is None:
            return refuse("error: NAME requires an argument, unless --resume goes on with a folder")
        return go_on(resume, workers, dry_run=dry_run, as_json=as_json)
    given: dict[str, Any] = {
        "replicates": replicates,
        "seed": seed,
        "trials": trials,
        "sampler": sampler,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    written = {"--vary": vary, "--target": target, "--maximise": maximise, "--minimise": minimise}
    used = [option for option, value in written.items() if value]
    if not used:
        if overrides:
            return refuse("error: --set goes with --vary; in a file, say what is set under 'set'")
        experiment = load_experiment(name, changes)
        if experiment.kind != "tune":
            return refuse(
                f"error: {name} is no tune experiment but one of kind {experiment.kind}: "
                f"crisis-sim experiment {name}"
            )
        return carry_out(experiment, out, workers, resume, dry_run=dry_run, as_json=as_json)
    if not vary:
        return refuse(f"error: {used[0]} needs --vary: a scenario's parameters that may be moved")
    try:
        content = _content(name, vary, target or (), {"maximise": maximise, "minimise": minimise})
    except ValueError as error:
        return refuse(f"error: {error}")
    content |= {"set": overrides or [], "replicates": REPLICATES, "trials": TRIALS, **changes}
    made = make_experiment("tune", **content)
    return carry_out(made, out, workers, resume, dry_run=dry_run, as_json=as_json)


def _content(
    scenario: str, vary: list[str], targets: Any, objective: dict[str, str | None]
) -> dict[str, Any]:
    """What a file would say.

    Raises:
        ValueError: when an option is not written as it should be.
    """
    content: dict[str, Any] = {
        "kind": "tune",
        "title": f"{Path(scenario).stem}, tuned",
        "scenario": scenario,
        "vary": each_once("--vary", vary, varied),
    }
    if targets:
        content["targets"] = [*each_once("--target", targets, target_of).values()]
    aims: dict[str, Any] = {}
    for way, text in objective.items():
        if text:
            measure, has_enough, enough = text.partition("=")
            aims[way] = measure.strip()
            if has_enough:
                aims["enough"] = _numbers(enough, 1, f"--{way} {text}: expected MEASURE=ENOUGH")[0]
    if aims:
        content["objective"] = aims
    return content


def varied(text: str, option: str = "--vary") -> tuple[str, dict[str, Any]]:
    """A parameter's path and what a file would say of its range, from `PATH=LOW:HIGH:log`.

    Raises:
        ValueError: when it is not so written, saying what is wrong.
    """
    path, _, written = text.partition("=")
    found: dict[str, Any] = {}
    if written.endswith(":log"):
        written, found["scale"] = written.removesuffix(":log"), "log"
    elif written == "log":
        written, found["scale"] = "", "log"
    if written:
        wrong = f"{option} {text}: expected PATH=LOW:HIGH, with :log if wanted, or PATH alone"
        found["low"], found["high"] = _numbers(written, 2, wrong)
    return path.strip(), found


def target_of(text: str) -> tuple[str, dict[str, Any]]:
    """A measure, and a target as a file would say it, from `MEASURE=VALUE:LOW:HIGH`.

    Raises:
        ValueError: when it is not so written, saying what is wrong.
    """
    measure, _, written = text.partition("=")
    wrong = f"--target {text}: expected MEASURE=VALUE, or MEASURE=VALUE:LOW:HIGH"
    numbers = _numbers(written, 3 if ":" in written else 1, wrong)
    found: dict[str, Any] = {"measure": measure.strip(), "value": numbers[0]}
    if len(numbers) > 1:
        found["interval"] = numbers[1:]
    return measure, found


def _numbers(written: str, count: int, wrong: str) -> list[float]:
    """So many numbers with colons between them.

    Raises:
        ValueError: when they are not, saying what is wrong.
    """
    try:
        numbers = [float(number) for number in written.split(":")]
    except ValueError:
        raise ValueError(wrong) from None
    if len(numbers) != count:
        raise ValueError(wrong)
    return numbers


# --- `crisis-sim posterior`: what a record, or figures, say of parameters, from a file or without one

#: Where nothing is said: crises of each particle, particles in each generation, generations.
POSTERIOR_REPLICATES, PARTICLES, GENERATIONS = 200, 500, 5


@app.command
def posterior(
    name: Annotated[
        str | None,
        Parameter(
            help="An experiment's file, or the name of a shipped one; with --vary a scenario; "
            "none with --resume."
        ),
    ] = None,
    /,
    *,
    vary: Annotated[
        list[str] | None,
        Parameter(
            help="A parameter: its path alone where the scenario's own distribution is the prior, "
            "else with the range over which the prior is even, and log for one even in the "
            "logarithm, such as mediators.us.attention_days=0.1:5:log. May be given again.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        Parameter(
            help="What a measure should be over many crises, if wanted with the 95% interval in "
            "which that is known, such as ceasefire_within_96_hours=0.6:0.5:0.7. May be given "
            "again. A single crisis on record stands in a file, under 'cases'.",
            metavar="MEASURE=VALUE:LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    outcome: Outcomes = None,
    particles: Annotated[
        int | None,
        Parameter(
            help=f"Points tried in each generation; {PARTICLES} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    generations: Annotated[
        int | None,
        Parameter(
            help="Rounds, each nearer to what fits; "
            f"{GENERATIONS} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    replicates: MaybeReplicates = None,
    seed: MaybeSeed = None,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    resume: Resume = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find which parameters are likely, given a crisis on record or figures over many.

    Approximate Bayesian computation. Writes the posterior as a scenario that extends the original.
    A search that was cut short goes on with --resume, and finds what it would have found.
    """
    from crisis_sim.experiments.load import load_experiment, make_experiment

    if name is None:
        if resume is None:
            return refuse("error: NAME requires an argument, unless --resume goes on with a folder")
        return go_on(resume, workers, dry_run=dry_run, as_json=as_json)
    given: dict[str, Any] = {
        "replicates": replicates,
        "seed": seed,
        "particles": particles,
        "generations": generations,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    if not vary:
        for option, value in (("--target", target), ("--outcome", outcome), ("--set", overrides)):
            if value:
                return refuse(f"error: {option} goes with --vary; a file says for itself")
        experiment = load_experiment(name, changes)
        if experiment.kind != "posterior":
            return refuse(
                f"error: {name} is no posterior experiment but one of kind {experiment.kind}: "
                f"crisis-sim experiment {name}"
            )
        return carry_out(experiment, out, workers, resume, dry_run=dry_run, as_json=as_json)
    if not target:
        return refuse("error: --vary needs --target: figures that crises should show")
    try:
        content: dict[str, Any] = {
            "kind": "posterior",
            "title": f"{Path(name).stem}, posterior",
            "scenario": name,
            "vary": each_once("--vary", vary, varied),
            "targets": [*each_once("--target", target, target_of).values()],
        }
    except ValueError as error:
        return refuse(f"error: {error}")
    content |= {
        "outcomes": outcome or [],
        "set": overrides or [],
        "replicates": POSTERIOR_REPLICATES,
        "particles": PARTICLES,
        "generations": GENERATIONS,
        **changes,
    }
    made = make_experiment("posterior", **content)
    return carry_out(made, out, workers, resume, dry_run=dry_run, as_json=as_json)
