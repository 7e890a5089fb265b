"""The commands `run`, `compare`, `report` and `dashboard`."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    BLOCKS_FAILED,
    DONE,
    console,
    counted,
    elapsed,
    print_message,
    print_output,
    print_plan,
    print_result,
    progress_bar,
    stop_reason,
)
from crisis_sim.cli.options import CHARTS, DEFAULT_OUTPUT, UNCHANGED, Charts, Output, Variant
from crisis_sim.dashboard import FEWEST, HOST, MOST, PORT, REPLICATES, SCENARIO
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean

if TYPE_CHECKING:
    from crisis_sim.batch.block import Plan
    from crisis_sim.batch.ensemble import Ensemble
    from crisis_sim.scenario.schema import Scenario


# --- `crisis-sim run`

DEFAULTS = {"replicates": 10_000, "seed": 1, "engine": "cpu"}


def run(
    *scenarios: str,
    replicates: opt.Replicates | None = None,
    seed: opt.SeedOrNone = None,
    output: Output = DEFAULT_OUTPUT,
    scheduler: Annotated[str | None, Parameter(metavar="ADDRESS")] = None,
    engine: Literal["cpu", "gpu"] | None = None,
    variant: Variant = UNCHANGED,
    data: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    compare_without: Annotated[bool, opt.FLAG] = False,
    alone: Annotated[bool, opt.FLAG] = False,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Run scenarios with the same random numbers, and compare them with the first.

    Tables are printed; results and charts are written to a folder. A single scenario with --set is compared
    with the unchanged scenario. Finished blocks are saved at once, so that --resume can continue after Ctrl-C, a
    crash or a power cut.

    Your own classes (--roles, --agents) apply to all scenarios that have such agents; these scenarios are then named
    after the classes, such as "may_2025 with SecurityCouncil". To see the effect of a class, add --compare-without, or
    use `crisis-sim compare` with the folders of two runs.

    Args:
        scenarios: Scenario files, or names of shipped scenarios. Not needed with --resume.
        replicates: Number of crises of each scenario. By default 10,000.
        data: Folder of real crises, as for `crisis-sim hindcast`. They become the replicates of a population such as
            since_1945, in place of the crises in its file.
        scheduler: Run on a Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786, or
            local for a cluster on this machine (docs/clusters.md).
        compare_without: Also run each scenario without --roles and --agents, for comparison.
        alone: With --set, run only the changed scenario.
        engine: The processor (cpu), which is the default, or an NVIDIA graphics card (gpu), for large batches
            (docs/clusters.md).
    """
    from crisis_sim import batch
    from crisis_sim.batch import folder as results
    from crisis_sim.batch.block import make_plan
    from crisis_sim.batch.own_classes import labelled_with_classes

    output = replace(output, resume=output.resume and results.results_folder(output.resume))
    resume, classes = output.resume, variant.classes
    if resume is None and not scenarios:
        raise RequestError("SCENARIOS is missing: name one or more, or give --resume with a folder")
    for option, value in (
        ("--set", variant.overrides),
        ("--over-fits", variant.over_fits),
        ("--data", data),
        ("--compare-without", compare_without),
    ):
        if value and not scenarios:
            raise RequestError(f"{option} needs the names of the scenarios, even with --resume")
    output.check()
    settings: dict[str, Any] = {"replicates": replicates, "seed": seed, "engine": engine}
    if resume is not None and not scenarios:
        results.check_options(resume, settings)
        if output.dry_run:
            unfinished = results.UnfinishedRun.find(resume)
            print_output(
                unfinished.message() if unfinished else f"the run in {resume} has finished"
            )
            return DONE
        work = partial(batch.resume, resume, **classes)
        return _run_batch(resume, work, output, scheduler, charts, as_json)
    loaded, main = _load(scenarios, variant, data, alone)
    folder = output.folder(labelled_with_classes(main, **classes).name)
    begun: Mapping[str, Any] = results.begun_manifest(resume) if resume else DEFAULTS
    settings = {
        name: begun.get(name, DEFAULTS[name]) if value is None else value
        for name, value in settings.items()
    }
    settings |= {"scenarios": loaded, "compare_without": compare_without, **classes}
    if output.dry_run:
        plan = make_plan(block_size=None, parameters=None, **settings)
        _print_plan(plan, output.cores, folder, as_json)
        return DONE
    settings |= {"folder": folder, "command": ["crisis-sim", *sys.argv[1:]]}
    settings |= {"restart": output.restart, "overwrite": output.overwrite}
    work = partial(batch.run_to_folder, resume=resume is not None, **settings)
    return _run_batch(folder, work, output, scheduler, charts, as_json)


def _load(
    names: Sequence[str], variant: Variant, data: Path | None, alone: bool
) -> tuple[list[Scenario], Scenario]:
    """Load the scenarios to run; also return the one whose name the results folder gets."""
    from crisis_sim.scenario.fits import over_fits
    from crisis_sim.scenario.load import label_of, load_scenarios

    overrides = variant.overrides or ()
    scenarios = load_scenarios(names, overrides)
    with_unchanged = bool(overrides) and len(scenarios) == 1 and not alone
    if with_unchanged:
        changed = scenarios[0]
        changed = changed._with(name=f"{changed.name} changed", label=label_of(overrides))
        scenarios = [*load_scenarios(names), changed]
    scenarios = _with_distinct_names(scenarios)
    if variant.over_fits:
        scenarios = [over_fits(scenario) for scenario in scenarios]
    if data:
        scenarios = _populations(scenarios, data)
    return scenarios, scenarios[-1 if with_unchanged else 0]


def _with_distinct_names(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Number scenarios whose name occurs earlier: "may_2025 (2)"."""
    names = Counter[str]()
    distinct = []
    for scenario in scenarios:
        names[scenario.name] += 1
        number = names[scenario.name]
        distinct.append(
            scenario._with(name=f"{scenario.name} ({number})") if number > 1 else scenario
        )
    return distinct


def _populations(scenarios: list[Scenario], folder: Path) -> list[Scenario]:
    """Return the scenarios with the crises in a folder as their populations."""
    from crisis_sim.hindcast.forecast import population
    from crisis_sim.hindcast.sources import read_crises

    if single := [scenario.name for scenario in scenarios if not scenario.labels]:
        raise RequestError(
            f"--data needs a population, such as since_1945; {single[0]} is a single crisis"
        )
    crises = read_crises(folder)
    for line in crises.remarks.lines():
        print_message(line)
    return [population(scenario, crises.table) for scenario in scenarios]


def _run_batch(
    folder: Path,
    work: Callable[..., dict[str, Any]],
    output: Output,
    scheduler: str | None,
    charts: Charts,
    as_json: bool,
) -> int:
    """Run a batch into a folder with a function that returns its manifest, report on it, and return the exit code."""
    from crisis_sim.batch.folder import UnfinishedRun
    from crisis_sim.report.save import remove_report

    start, finished = time.perf_counter(), False
    words = ["crisis-sim", "run", "--resume", str(folder)]
    words += ["--workers", str(output.cores)] if "--workers" in sys.argv else []
    resume = shlex.join([*words, *(["--scheduler", scheduler] if scheduler else [])])
    options = {"workers": output.cores, "scheduler": scheduler, "on_message": print_message}
    try:
        with progress_bar() as progress:
            manifest = work(progress=progress, **options)
        finished = True
        remove_report(folder)
        charts.apply()
        _report_batch(manifest, folder, as_json)
    except (KeyboardInterrupt, SystemExit) as stop:  # SystemExit comes from SIGTERM
        reason, code = stop_reason(stop)
        run = UnfinishedRun.find(folder)
        if finished:
            show = f"to show them: crisis-sim compare {folder}"
            print_message(f"{reason}: all crises are saved in {folder}\n{show}")
        elif run is None:
            print_message(f"{reason} before any block was finished; nothing was written")
        else:
            saved = f"{run.crises_done:,} of {run.crises:,} crises are saved in {run.home}"
            print_message(f"{reason}: {saved}\nto continue: {resume}")
        return code
    crises = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    print_message(f"{crises:,} crises in {elapsed(start)}: {folder}")
    if manifest["failures"]:
        print_message(f"to repeat the failed blocks: {resume}")
        return BLOCKS_FAILED
    return DONE


def _report_batch(manifest: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    """Report the failed blocks, and then the results of the others."""
    from crisis_sim.batch import folder as results
    from crisis_sim.batch import read_batch
    from crisis_sim.outcomes.summary import COLUMNS, summarise

    for failed in manifest["failures"]:
        first = failed["first_replicate"]
        last = first + failed["replicates"] - 1
        print_message(
            f"failed: {failed['scenario']}, replicates {first} to {last}: {failed['error']}"
        )
    done = {name: about["replicates_done"] for name, about in manifest["scenarios"].items()}
    if empty := [name for name, crises in done.items() if not crises]:
        print_message(f"no summary: no results for {', '.join(empty)}")
        return
    if sum(done.values()) > results.ONE_FILE_CRISES:
        print_message(
            "no summary: so many crises need a lot of memory; read the files in the folder "
            f"(docs/outcomes.md), or try: crisis-sim compare {folder}"
        )
        return
    batch = read_batch(folder, COLUMNS)
    summary = summarise(batch)
    notes = {} if as_json else _notes(batch.ensembles[summary["reference"]])
    report_batch(batch, summary, folder, as_json, notes)


def _notes(reference: Ensemble) -> dict[str, list[str]]:
    """Compare the real times with the simulated ones, and a scenario that is not shipped with the historical record."""
    from crisis_sim.report.real_path import real_times
    from crisis_sim.scenario.load import shipped_names

    notes = {"What really happened": [*map(str, real_times(reference))]}
    if reference.name not in shipped_names():
        from crisis_sim.validation.run import unlike_the_record

        notes["Is that what you mean?"] = [*unlike_the_record(reference)]
    return notes


def _print_plan(plan: Plan, workers: int, folder: Path, as_json: bool) -> None:
    """Print the plan of a batch."""
    from crisis_sim.batch.folder import check_folder
    from crisis_sim.batch.workers import choose_executor, estimate_seconds

    replaces = check_folder(folder)
    executor = choose_executor(estimate_seconds(plan), plan.blocks, workers)
    days = max(scenario.horizon_days for scenario in plan.scenarios)
    facts: dict[str, Any] = {
        "scenarios": {scenario.name: scenario.title for scenario in plan.scenarios},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "crises": plan.crises,
        "days_at_most": days,
        "blocks": plan.blocks,
        "engine": plan.engine,
    }
    lines = [f"{scenario.name}: {clean(scenario.title)}" for scenario in plan.scenarios]
    lines.append(
        f"{plan.replicates:,} replicates of each with seed {plan.seed}: {plan.crises:,} crises of "
        f"at most {days:g} days, in {counted(plan.blocks, 'block')}"
    )
    print_plan(facts, lines, executor if plan.engine == "cpu" else None, folder, replaces, as_json)


# --- `crisis-sim compare`, and the report that `compare` and `run` print


def compare(
    *folders: Annotated[Path, Parameter(required=True)],
    reference: opt.Reference = None,
    out: Path | None = None,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Compare the scenarios of one or more results folders, or the points of an experiment.

    Args:
        folders: Folders written by `run` or by an experiment.
        out: Folder for the charts and the summary; by default they are not written.
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
    charts.apply()
    report_batch(joined, summary, out, as_json)
    return DONE


def report_batch(
    batch: Any,
    summary: Mapping[str, Any],
    folder: Path | None,
    as_json: bool,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Print the summary, and write the summary and charts to a folder, if given."""
    from crisis_sim.report.answers import print_summary
    from crisis_sim.report.save import write_report

    print_result(as_json, summary, lambda: print_summary(summary, console(), notes or {}))
    if folder:
        write_report(batch, summary, folder)


# --- `crisis-sim report`


def report(
    folder: Path,
    /,
    *,
    out: Path | None = None,
    reference: opt.Reference = None,
    as_json: opt.Json = False,
) -> int:
    """Write an HTML page on results: answer, charts, tables, stories of a few crises, and all assumptions.

    The page is a single file that works offline. It includes the scenarios and the command with which the results can be
    reproduced. With --json, the answer, the key figures and the stories are also printed.

    Args:
        folder: Folder written by `run` or by an experiment; `branch`, `why` and `nowcast` write a page themselves.
        out: File for the page; by default report.html in the folder.
    """
    from crisis_sim.report.page import HISTORIES, page_file, page_of, save_page

    try:
        file = page_file(folder, out)
        if file.exists() and any((folder / name).exists() for name in HISTORIES):
            print_output(str(file))
            return DONE
        with progress_bar("scenarios and charts") as progress:
            page = page_of(folder, reference, progress)
    except ValueError as error:
        raise RequestError(error) from None
    save_page(page, file)
    print_result(
        as_json, lambda: {"file": str(file), **page.plain}, lambda: print_output(str(file))
    )
    if not as_json:
        print_message("the page can be opened in a browser, printed, or sent by e-mail")
    return DONE


# --- `crisis-sim dashboard`


def dashboard(
    scenario: opt.ScenarioName = SCENARIO,
    /,
    *,
    replicates: Annotated[int, opt.option(least=FEWEST, most=MOST)] = REPLICATES,
    seed: opt.Seed = 1,
    overrides: opt.Overrides = None,
    host: str = HOST,
    port: Annotated[int, opt.option(least=0, most=65_535)] = PORT,
    no_browser: Annotated[bool, opt.FLAG] = False,
) -> int:
    """Open a dashboard in the browser, with sliders for parameters and charts that follow them.

    Needs the extra `dashboard`: pip install 'crisis-sim[dashboard]'. Nothing leaves this machine.

    Args:
        replicates: Number of crises for each position of the sliders.
        host: Address to listen on. By default only this machine can connect.
        port: Port to listen on; 0 for any free port.
        no_browser: Do not open a browser.
    """
    from crisis_sim.dashboard import server
    from crisis_sim.dashboard.changes import open_reference

    server.check_installed()
    settings = server.Settings(open_reference(scenario, overrides or ()), replicates, seed)
    listening = server.listen(host, port)
    if not server.is_loopback(host):
        print_message(
            f"warning: {host} can be reached from other machines. Anyone who can connect can run "
            "scenarios here and read this one; there is no password."
        )
    print_message(f"dashboard: {server.address_of(listening)} (press Ctrl-C to stop it)")
    try:
        server.serve(settings, listening, browser=not no_browser)
    except KeyboardInterrupt:  # the normal way to stop it
        print_message("stopped")
    return DONE
