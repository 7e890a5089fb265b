"""The commands on results: `run`, `resume`, `compare`, `replay` and `report`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli.app import (
    AS_IT_IS,
    BLOCKS_FAILED,
    CHARTS,
    DONE,
    FLAG,
    INTERRUPTED,
    RESULTS,
    TERMINATED,
    Charts,
    DryRun,
    Json,
    Natural,
    NumberOfOne,
    One,
    Overwrite,
    Reference,
    Replicates,
    Seed,
    Variant,
    Workers,
    app,
    console,
    counted,
    file_name,
    in_words,
    print_json,
    print_plan,
    progress_bar,
    say,
    talk,
)
from crisis_sim.scenario.errors import Refused
from crisis_sim.text import clean, listed

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Ensemble
    from crisis_sim.batch.plan import Plan
    from crisis_sim.scenario.schema import Scenario


# --- `crisis-sim run`

#: The defaults of a run.
REPLICATES, SEED = 10_000, 1


@app.command
def run(
    *scenarios: str,
    replicates: Annotated[int | None, Parameter(validator=Replicates)] = None,
    seed: Annotated[int | None, Parameter(validator=Natural)] = None,
    out: Path | None = None,
    workers: Workers = None,
    scheduler: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    engine: Literal["cpu", "gpu"] | None = None,
    variant: Variant = AS_IT_IS,
    data: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    compare_without: Annotated[bool, FLAG] = False,
    alone: Annotated[bool, FLAG] = False,
    resume: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    restart: Annotated[bool, FLAG] = False,
    overwrite: Overwrite = False,
    charts: Charts = CHARTS,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> int:
    """Run scenarios with the same random numbers: tables, charts and a folder of results.

    The others are compared with the first scenario; a single scenario with --set is compared with
    itself unchanged. Results are saved block by block: after Ctrl-C, a crash or a power cut,
    `--resume` continues.

    Classes of your own, given with `--roles` and `--agents`, apply to all scenarios that have such an
    agent, which are then named after them, such as "may_2025 with SecurityCouncil". To see what a
    class changes: `crisis-sim run may_2025 --agents unsc.py:SecurityCouncil --compare-without`, or
    `crisis-sim compare` with the folders of a run without it and one with it.

    Args:
        scenarios: Scenario files, or names of shipped ones; none with --resume.
        replicates: Crises to run of each scenario; by default 10,000.
        seed: Seed; with a replicate's number it determines a crisis; by default 1.
        out: Folder for results; by default results/SCENARIO, of the first scenario.
        data: Folder of real crises, as `crisis-sim hindcast` reads it: replicates of a population such as since_1945
            are these crises, in place of the table of joint facts in its file.
        scheduler: Run on a Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786, or
            local for one on this machine (docs/clusters.md).
        compare_without: Also run each scenario without --roles and --agents, for comparison.
        alone: With --set, run only the changed scenario, not the unchanged one.
        engine: Where to run: by default the processor (cpu); or an NVIDIA graphics card (gpu), for large
            batches (docs/clusters.md).
        resume: Continue the interrupted run in this folder: blocks that are missing, damaged or failed
            are run, with the same result as without the interruption. Other options must be as they
            were.
        restart: Delete an unfinished run in the folder.
    """
    from crisis_sim.batch.folder import begun_in, results_of
    from crisis_sim.batch.plan import make_plan
    from crisis_sim.batch.rules import labelled
    from crisis_sim.batch.workers import cores
    from crisis_sim.scenario.fits import over_fits as draw
    from crisis_sim.scenario.load import load_scenarios

    resume = resume and results_of(resume)
    options = RunOptions(
        workers or cores(), scheduler, resume is not None, restart, overwrite, charts
    )
    classes, overrides = variant.classes, variant.overrides or ()
    if resume is None and not scenarios:
        raise Refused("SCENARIOS is missing: name one or more, or give --resume with a folder")
    if (overrides or variant.over_fits or data) and not scenarios:
        option = "--set" if overrides else "--over-fits" if variant.over_fits else "--data"
        raise Refused(f"{option} needs the scenarios that it changes")
    if resume is not None and restart:
        raise Refused("--resume continues a run and --restart deletes it: give one of them")
    if resume is not None and out is not None and out.resolve() != resume.resolve():
        raise Refused(f"--resume goes on in {resume}: --out cannot name another folder")
    if resume is not None and not scenarios:
        if compare_without:
            raise Refused("--compare-without needs the scenarios that are compared")
        given = {"replicates": replicates, "seed": seed, "engine": engine}
        return _go_on(resume, options, given, classes, dry_run, as_json)
    read = load_scenarios(scenarios, overrides)
    beside = bool(overrides) and len(read) == 1 and not alone
    if overrides and beside:
        read = [*load_scenarios(scenarios), changed(read[0], overrides)]
    read = named_apart(read)
    if variant.over_fits:
        read = [draw(one) for one in read]
    read = _of_crises(read, data) if data else read
    folder = (
        resume or out or RESULTS / file_name(labelled(read[-1 if beside else 0], **classes).name)
    )
    usual = {"replicates": REPLICATES, "seed": SEED}
    begun: Mapping[str, Any] = begun_in(resume) if resume else usual
    replicates = begun["replicates"] if replicates is None else replicates
    seed = begun["seed"] if seed is None else seed
    chosen = engine or begun.get("engine", "cpu")
    asked = {"scenarios": read, "replicates": replicates, "seed": seed, "engine": chosen, **classes}
    asked["compare_without"] = compare_without
    if dry_run:
        plan = make_plan(block_size=None, parameters=None, **asked)
        _print_plan(plan, options.workers, folder, as_json)
        return DONE
    return _run_batch(folder, options, as_json, asked)


def changed(scenario: Scenario, overrides: Sequence[str]) -> Scenario:
    """A scenario with changes, under a name and a label that say so."""
    from crisis_sim.scenario.load import label_of

    return scenario._with(name=f"{scenario.name} changed", label=label_of(overrides))


def named_apart(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """The scenarios; one whose name came before is an arm of its own: "may_2025 (2)"."""
    found: dict[str, Scenario] = {}
    for one in scenarios:
        names = (f"{one.name} ({k})" if k > 1 else one.name for k in count(1))
        name = next(name for name in names if name not in found)
        found[name] = one if name == one.name else one._with(name=name)
    return [*found.values()]


def _of_crises(scenarios: list[Scenario], folder: Path) -> list[Scenario]:
    """Populations of the crises in a folder."""
    from crisis_sim.hindcast.reading import population
    from crisis_sim.hindcast.sources import read_crises

    if single := [one.name for one in scenarios if not one.labels]:
        raise Refused(f"--data takes a population, such as since_1945; {single[0]} is one crisis")
    crises = read_crises(folder)
    for line in crises.remarks.told():
        talk(line)
    return [population(one, crises.table) for one in scenarios]


@dataclass(frozen=True)
class RunOptions:
    """In which way a batch is to be run, which changes nothing in it."""

    workers: int
    scheduler: str | None
    resume: bool
    restart: bool
    overwrite: bool
    charts: Charts = CHARTS

    def command(self, folder: Path) -> str:
        """The command that goes on with a run in the same way."""
        words = ["crisis-sim", "run", "--resume", str(folder)]
        if "--workers" in sys.argv:
            words += ["--workers", str(self.workers)]
        if self.scheduler:
            words += ["--scheduler", self.scheduler]
        return shlex.join(words)


def _go_on(
    folder: Path,
    options: RunOptions,
    given: Mapping[str, Any],
    classes: Mapping[str, Any],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Go on with a run as it was begun."""
    from crisis_sim.batch.folder import UnfinishedRun, check_given

    check_given(folder, given)
    if dry_run:
        unfinished = UnfinishedRun.of(folder)
        say(unfinished.say() if unfinished else f"{folder} holds a run that is finished")
        return DONE
    return _run_batch(folder, options, as_json, classes, begun=True)


def _run_batch(
    folder: Path,
    options: RunOptions,
    as_json: bool,
    asked: Mapping[str, Any],
    begun: bool = False,
) -> int:
    """Run what is asked for into a folder, or what is missing of the run that was begun there, and report on it."""
    from crisis_sim import batch
    from crisis_sim.report.save import remove_report

    began = time.perf_counter()
    finished = False
    try:
        with progress_bar() as progress:
            how: dict[str, Any] = {
                "workers": options.workers,
                "scheduler": options.scheduler,
                "progress": progress,
                "on_message": talk,
            }
            if begun:
                manifest = batch.resume(folder, **how, **asked)
            else:
                how |= {name: getattr(options, name) for name in ("resume", "restart", "overwrite")}
                command = ["crisis-sim", *sys.argv[1:]]
                manifest = batch.run_to_folder(folder=folder, command=command, **how, **asked)
        finished = True
        remove_report(folder)
        options.charts.hold()
        _report_batch(manifest, folder, as_json)
    except (KeyboardInterrupt, SystemExit) as stop:  # the latter is a request to terminate
        interrupted = isinstance(stop, KeyboardInterrupt)
        _tell_what_is_safe(
            folder, options, "interrupted" if interrupted else "terminated", finished
        )
        return INTERRUPTED if interrupted else TERMINATED
    crises = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    talk(f"{crises:,} crises in {in_words(time.perf_counter() - began)}: {folder}")
    if manifest["failures"]:
        talk(f"to try again what failed: {options.command(folder)}")
        return BLOCKS_FAILED
    return DONE


def _report_batch(manifest: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    """Say which blocks failed, and report on the others."""
    from crisis_sim.batch import folder as results
    from crisis_sim.batch import read_batch
    from crisis_sim.outcomes.summary import COLUMNS, summarise

    for failed in manifest["failures"]:
        first = failed["first_replicate"]
        last = first + failed["replicates"] - 1
        talk(f"failed: {failed['scenario']}, replicates {first} to {last}: {failed['error']}")
    empty = [name for name, about in manifest["scenarios"].items() if not about["replicates_done"]]
    if empty:
        talk(f"no summary: no results for {', '.join(empty)}")
        return
    if sum(about["replicates_done"] for about in manifest["scenarios"].values()) > (
        results.ONE_FILE_CRISES
    ):
        talk(
            "no summary: so many crises need much memory; read the files in the folder "
            f"(docs/outcomes.md), or try: crisis-sim compare {folder}"
        )
        return
    batch = read_batch(folder, COLUMNS)
    summary = summarise(batch)
    notes = {} if as_json else _notes(batch.ensembles[summary["reference"]])
    report_batch(batch, summary, folder, as_json, notes)


def _notes(reference: Ensemble) -> dict[str, list[str]]:
    """Where the real times fall, and what a scenario of one's own implies that is far from the record."""
    from crisis_sim.report.real_path import real_times
    from crisis_sim.scenario.load import shipped_names

    notes = {"What really happened": [*map(str, real_times(reference))]}
    if reference.name not in shipped_names():
        from crisis_sim.validation.simulated import unlike_the_record

        notes["Is that what you mean?"] = [*unlike_the_record(reference)]
    return notes


def _print_plan(plan: Plan, workers: int, folder: Path, as_json: bool) -> None:
    """Print the plan of a batch, without running it."""
    from crisis_sim.batch.folder import check_folder
    from crisis_sim.batch.workers import choose_executor, first_guess

    replaces = check_folder(folder)
    crew = choose_executor(first_guess(plan), plan.blocks, workers)
    days = max(one.horizon_days for one in plan.scenarios)
    on_processors = plan.engine == "cpu"
    facts: dict[str, Any] = {
        "scenarios": {one.name: one.title for one in plan.scenarios},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "crises": plan.crises,
        "days_at_most": days,
        "blocks": plan.blocks,
        "engine": plan.engine,
        "workers": crew.size if on_processors else 1,
        "seconds_estimated": round(crew.seconds, 1) if on_processors else None,
        "folder": str(folder),
        "replaces_results": replaces,
    }
    lines = [f"{one.name}: {clean(one.title)}" for one in plan.scenarios]
    lines.append(
        f"{plan.replicates:,} replicates of each with seed {plan.seed}: {plan.crises:,} crises of "
        f"at most {days:g} days, in {counted(plan.blocks, 'block')}"
    )
    print_plan(facts, lines, crew.seconds if on_processors else None, as_json)


def _tell_what_is_safe(folder: Path, options: RunOptions, what: str, finished: bool) -> None:
    """After a run was stopped, print how many crises are safe and how to go on."""
    from crisis_sim.batch.folder import UnfinishedRun

    run = UnfinishedRun.of(folder)
    if finished:
        talk(f"{what}: all crises are safe in {folder}\nto see them: crisis-sim compare {folder}")
    elif run is None:
        talk(f"{what} before any block was finished; nothing was written")
    else:
        talk(
            f"{what}: {run.crises_done:,} of {run.crises:,} crises are safe in {run.home}\n"
            f"to go on: {options.command(folder)}"
        )


# --- `crisis-sim compare`, and the report that `compare` and `run` print


@app.command
def compare(
    *folders: Annotated[Path, Parameter(required=True)],
    reference: Reference = None,
    out: Path | None = None,
    charts: Charts = CHARTS,
    as_json: Json = False,
) -> int:
    """Compare scenarios from one or more folders of results, or the points of an experiment.

    Args:
        folders: Folders that `run` or an experiment wrote.
        out: Folder for charts and summary; without it they are not written.
    """
    from crisis_sim.batch import read_batch
    from crisis_sim.experiments.run import is_experiment, read_points
    from crisis_sim.outcomes import join, summarise
    from crisis_sim.outcomes.summary import COLUMNS
    from crisis_sim.report.save import check_report_folder

    if out:
        check_report_folder(out, folders)
    batches = [
        read_points(one) if is_experiment(one) else read_batch(one, COLUMNS) for one in folders
    ]
    try:
        joined = join(*batches)
        summary = summarise(joined, reference)
    except ValueError as error:
        raise Refused(error) from None
    charts.hold()
    report_batch(joined, summary, out, as_json)
    return DONE


def report_batch(
    batch: Any,
    summary: Mapping[str, Any],
    folder: Path | None,
    as_json: bool,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Print the summary, and write the report to a folder, if there is one: charts take a second or two."""
    from crisis_sim.report import print_summary, write_report

    if as_json:
        print_json(summary)
    else:
        print_summary(summary, console(), notes or {})
    sys.stdout.flush()
    if folder:
        write_report(batch, summary, folder)


# --- `crisis-sim replay`


@app.command
def replay(
    scenario: One,
    /,
    *,
    replicate: NumberOfOne,
    seed: Seed = 1,
    out: Path = RESULTS / "replays",
    variant: Variant = AS_IT_IS,
    charts: Charts = CHARTS,
    as_json: Json = False,
) -> int:
    """Tell one crisis event by event, as a story and as a chart.

    For example: `crisis-sim replay may_2025 --replicate 134`. It is the same crisis as that replicate of `run` with that
    seed and the same --over-fits, --roles and --agents.

    Args:
        replicate: Number of the crisis, from 0.
        out: Folder for the chart and the story.
    """
    read = variant.scenario(scenario)
    from crisis_sim.report.replay import replay as run_again
    from crisis_sim.report.replay import write_replay

    crisis = run_again(read, replicate, seed, **variant.classes)
    story, name = crisis.story, file_name(crisis.scenario.name)
    path = out / f"{name}_seed_{seed}_replicate_{replicate}"
    charts.hold()
    _, *drawn_to = write_replay(crisis.journal, crisis.scenario, story, path)
    if as_json:
        print_json(crisis.plain())
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        terminal = console()
        terminal.print(Markdown(story), width=min(terminal.width, 88))
    else:
        say(story.rstrip("\n"))
    talk(f"story and chart: {path}.md, {listed([file.suffix for file in drawn_to])}")
    return DONE


# --- `crisis-sim report`


@app.command
def report(
    folder: Path,
    /,
    *,
    out: Path | None = None,
    reference: Reference = None,
    as_json: Json = False,
) -> int:
    """Write one page of results: the answer, charts, tables, a few crises as stories, all assumptions.

    It is one HTML file that needs no network. It also holds the scenarios and the command that reproduce the results.
    With `--json` the answer, the key figures and the stories are printed, too.

    Args:
        folder: Folder that `run` or an experiment wrote; `branch`, `why` and `nowcast` write their page themselves.
        out: The page's file; report.html in the folder.
    """
    from crisis_sim.report.page import HISTORIES, page_file, page_of, save_page

    try:
        file = page_file(folder, out)
        if file.exists() and any((folder / one).exists() for one in HISTORIES):
            say(str(file))
            return DONE
        with progress_bar("scenarios and charts") as progress:
            page = page_of(folder, reference, progress)
    except ValueError as error:
        raise Refused(error) from None
    save_page(page, file)
    if as_json:
        print_json({"file": str(file), **page.plain})
    else:
        say(str(file))
        talk("open it in a browser, print it, or attach it to an e-mail")
    return DONE
