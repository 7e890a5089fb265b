"""The commands on results: `run`, `compare`, `replay` and `report`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    BLOCKS_FAILED,
    DONE,
    answer,
    app,
    console,
    counted,
    file_name,
    print_plan,
    progress_bar,
    say,
    since,
    stopped,
    talk,
)
from crisis_sim.cli.options import AS_IT_IS, CHARTS, HERE, RESULTS, Charts, Into, Variant
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean, listed

if TYPE_CHECKING:
    from crisis_sim.batch.block import Plan
    from crisis_sim.batch.ensemble import Ensemble
    from crisis_sim.scenario.schema import Scenario


# --- `crisis-sim run`

#: The defaults of a run.
USUAL = {"replicates": 10_000, "seed": 1, "engine": "cpu"}


@app.command
def run(
    *scenarios: str,
    replicates: opt.Replicates | None = None,
    seed: opt.SeedOrNone = None,
    into: Into = HERE,
    scheduler: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    engine: Literal["cpu", "gpu"] | None = None,
    variant: Variant = AS_IT_IS,
    data: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    compare_without: Annotated[bool, opt.FLAG] = False,
    alone: Annotated[bool, opt.FLAG] = False,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
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
        data: Folder of real crises, as `crisis-sim hindcast` reads it: replicates of a population such as since_1945
            are these crises, in place of the table of joint facts in its file.
        scheduler: Run on a Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786, or
            local for one on this machine (docs/clusters.md).
        compare_without: Also run each scenario without --roles and --agents, for comparison.
        alone: With --set, run only the changed scenario, not the unchanged one.
        engine: Where to run: by default the processor (cpu); or an NVIDIA graphics card (gpu), for large
            batches (docs/clusters.md).
    """
    from crisis_sim import batch
    from crisis_sim.batch import folder as results
    from crisis_sim.batch.block import make_plan
    from crisis_sim.batch.rules import labelled_with_classes

    into = replace(into, resume=into.resume and results.results_folder(into.resume))
    resume, classes = into.resume, variant.classes
    if resume is None and not scenarios:
        raise RequestError("SCENARIOS is missing: name one or more, or give --resume with a folder")
    needs = {
        "--set needs the scenarios that it changes": variant.overrides,
        "--over-fits needs the scenarios that it changes": variant.over_fits,
        "--data needs the scenarios that it changes": data,
        "--compare-without needs the scenarios that are compared": compare_without,
    }
    if wrong := next((said for said, value in needs.items() if value and not scenarios), None):
        raise RequestError(wrong)
    into.check()
    asked: dict[str, Any] = {"replicates": replicates, "seed": seed, "engine": engine}
    if resume is not None and not scenarios:
        results.check_options(resume, asked)
        if into.dry_run:
            unfinished = results.UnfinishedRun.of(resume)
            say(unfinished.say() if unfinished else f"{resume} holds a run that is finished")
            return DONE
        work = partial(batch.resume, resume, **classes)
        return _run_batch(resume, work, into, scheduler, charts, as_json)
    read, main = _read(scenarios, variant, data, alone)
    folder = into.folder(labelled_with_classes(main, **classes).name)
    begun: Mapping[str, Any] = results.begun_manifest(resume) if resume else USUAL
    asked = {
        name: begun.get(name, USUAL[name]) if value is None else value
        for name, value in asked.items()
    }
    asked |= {"scenarios": read, "compare_without": compare_without, **classes}
    if into.dry_run:
        plan = make_plan(block_size=None, parameters=None, **asked)
        _print_plan(plan, into.cores, folder, as_json)
        return DONE
    asked |= {"folder": folder, "command": ["crisis-sim", *sys.argv[1:]]}
    asked |= {"restart": into.restart, "overwrite": into.overwrite}
    work = partial(batch.run_to_folder, resume=resume is not None, **asked)
    return _run_batch(folder, work, into, scheduler, charts, as_json)


def _read(
    names: Sequence[str], variant: Variant, data: Path | None, alone: bool
) -> tuple[list[Scenario], Scenario]:
    """The scenarios to run, and the one that results are named after."""
    from crisis_sim.scenario.load import label_of, load_scenarios, over_fits

    overrides = variant.overrides or ()
    read = load_scenarios(names, overrides)
    beside = bool(overrides) and len(read) == 1 and not alone
    if beside:
        read = [
            *load_scenarios(names),
            read[0]._with(name=f"{read[0].name} changed", label=label_of(overrides)),
        ]
    read = named_apart(read)
    if variant.over_fits:
        read = [over_fits(one) for one in read]
    read = _of_crises(read, data) if data else read
    return read, read[-1 if beside else 0]


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
    from crisis_sim.hindcast.forecast import population
    from crisis_sim.hindcast.sources import read_crises

    if single := [one.name for one in scenarios if not one.labels]:
        raise RequestError(
            f"--data takes a population, such as since_1945; {single[0]} is one crisis"
        )
    crises = read_crises(folder)
    for line in crises.remarks.lines():
        talk(line)
    return [population(one, crises.table) for one in scenarios]


def _run_batch(
    folder: Path,
    work: Callable[..., dict[str, Any]],
    into: Into,
    scheduler: str | None,
    charts: Charts,
    as_json: bool,
) -> int:
    """Run a batch into a folder, by what gives its manifest, and report on it; the exit code."""
    from crisis_sim.batch.folder import UnfinishedRun
    from crisis_sim.report.save import remove_report

    began, finished = time.perf_counter(), False
    words = ["crisis-sim", "run", "--resume", str(folder)]
    words += ["--workers", str(into.cores)] if "--workers" in sys.argv else []
    go_on = shlex.join([*words, *(["--scheduler", scheduler] if scheduler else [])])
    how = {"workers": into.cores, "scheduler": scheduler, "on_message": talk}
    try:
        with progress_bar() as progress:
            manifest = work(progress=progress, **how)
        finished = True
        remove_report(folder)
        charts.hold()
        _report_batch(manifest, folder, as_json)
    except (KeyboardInterrupt, SystemExit) as stop:  # the latter is a request to terminate
        what, code = stopped(stop)
        run = UnfinishedRun.of(folder)
        if finished:
            see = f"to see them: crisis-sim compare {folder}"
            talk(f"{what}: all crises are safe in {folder}\n{see}")
        elif run is None:
            talk(f"{what} before any block was finished; nothing was written")
        else:
            there = f"{run.crises_done:,} of {run.crises:,} crises are safe in {run.home}"
            talk(f"{what}: {there}\nto go on: {go_on}")
        return code
    crises = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    talk(f"{crises:,} crises in {since(began)}: {folder}")
    if manifest["failures"]:
        talk(f"to try again what failed: {go_on}")
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
    done = {name: about["replicates_done"] for name, about in manifest["scenarios"].items()}
    if empty := [name for name, crises in done.items() if not crises]:
        talk(f"no summary: no results for {', '.join(empty)}")
        return
    if sum(done.values()) > results.ONE_FILE_CRISES:
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
        from crisis_sim.validation.run import unlike_the_record

        notes["Is that what you mean?"] = [*unlike_the_record(reference)]
    return notes


def _print_plan(plan: Plan, workers: int, folder: Path, as_json: bool) -> None:
    """Print the plan of a batch, without running it."""
    from crisis_sim.batch.folder import check_folder
    from crisis_sim.batch.workers import choose_executor, estimate_seconds

    replaces = check_folder(folder)
    crew = choose_executor(estimate_seconds(plan), plan.blocks, workers)
    days = max(one.horizon_days for one in plan.scenarios)
    facts: dict[str, Any] = {
        "scenarios": {one.name: one.title for one in plan.scenarios},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "crises": plan.crises,
        "days_at_most": days,
        "blocks": plan.blocks,
        "engine": plan.engine,
    }
    lines = [f"{one.name}: {clean(one.title)}" for one in plan.scenarios]
    lines.append(
        f"{plan.replicates:,} replicates of each with seed {plan.seed}: {plan.crises:,} crises of "
        f"at most {days:g} days, in {counted(plan.blocks, 'block')}"
    )
    print_plan(facts, lines, crew if plan.engine == "cpu" else None, folder, replaces, as_json)


# --- `crisis-sim compare`, and the report that `compare` and `run` print


@app.command
def compare(
    *folders: Annotated[Path, Parameter(required=True)],
    reference: opt.Reference = None,
    out: Path | None = None,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
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
        raise RequestError(error) from None
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
    from crisis_sim.report.answers import print_summary
    from crisis_sim.report.save import write_report

    answer(as_json, summary, lambda: print_summary(summary, console(), notes or {}))
    if folder:
        write_report(batch, summary, folder)


# --- `crisis-sim replay`


@app.command
def replay(
    scenario: opt.One,
    /,
    *,
    replicate: opt.Replicate,
    seed: opt.Seed = 1,
    out: Path = RESULTS / "replays",
    variant: Variant = AS_IT_IS,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Tell one crisis event by event, as a story and as a chart.

    For example: `crisis-sim replay may_2025 --replicate 134`. It is the same crisis as that replicate of `run` with that
    seed and the same --over-fits, --roles and --agents.

    Args:
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

    def show() -> None:
        if not sys.stdout.isatty():
            say(story.rstrip("\n"))
            return
        from rich.markdown import Markdown

        terminal = console()
        terminal.print(Markdown(story), width=min(terminal.width, 88))

    answer(as_json, crisis.plain, show)
    talk(f"story and chart: {path}.md, {listed([file.suffix for file in drawn_to])}")
    return DONE


# --- `crisis-sim report`


@app.command
def report(
    folder: Path,
    /,
    *,
    out: Path | None = None,
    reference: opt.Reference = None,
    as_json: opt.Json = False,
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
        raise RequestError(error) from None
    save_page(page, file)
    answer(as_json, lambda: {"file": str(file), **page.plain}, lambda: say(str(file)))
    if not as_json:
        talk("open it in a browser, print it, or attach it to an e-mail")
    return DONE
