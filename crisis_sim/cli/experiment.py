"""`crisis-sim experiment` and `experiments`, and what the commands of each kind share."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis_sim.cli.app import (
    RESULTS,
    Folder,
    Json,
    Natural,
    Replicates,
    Workers,
    app,
)
from crisis_sim.cli.codes import BLOCKS_FAILED, DONE, INTERRUPTED, TERMINATED
from crisis_sim.cli.talk import counted, in_words, print_json, progress_bar, refuse, say, talk
from crisis_sim.scenario.printable import clean

if TYPE_CHECKING:
    from crisis_sim.experiments.experiment import Experiment
    from crisis_sim.experiments.findings import Findings

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
    from crisis_sim.experiments.shipped import shipped_experiments

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
    from crisis_sim.batch.cores import cores

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
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.experiments.folder import read_resolved

    try:
        experiment = read_resolved(folder)
    except BatchError as error:
        return refuse(f"error: {error}")
    return carry_out(experiment, None, workers, folder, dry_run=dry_run, as_json=as_json)


def _guarded(work: Callable[[], int], folder: Path) -> int:
    """Do something to an experiment, and tell what stopped it."""
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.experiments.errors import BlocksFailedError

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
            tell=talk,
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
    from crisis_sim.batch.workers import first_guess, share_out
    from crisis_sim.experiments.folder import check_folder
    from crisis_sim.experiments.kinds import kind_of

    replaces = check_folder(folder)
    crises = kind_of(experiment.kind).crises(experiment)
    replicates = experiment.spec.replicates
    one_each = Plan((experiment.scenario,), replicates, 0, points=-(-crises // replicates))
    crew = share_out(first_guess(one_each), -(-crises // usual_size(crises)), workers)
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
