"""`crisis-sim run`: scenarios side by side, into a folder of results."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis_sim.cli.app import (
    RESULTS,
    Folder,
    Json,
    Many,
    Overrides,
    Positive,
    Replicates,
    Seed,
    app,
)
from crisis_sim.cli.codes import BLOCKS_FAILED, DONE, INTERRUPTED
from crisis_sim.cli.compare import report
from crisis_sim.cli.talk import counted, in_words, print_json, progress_bar, refuse, say, talk
from crisis_sim.scenario.printable import clean

if TYPE_CHECKING:
    from crisis_sim.batch.plan import Plan


@app.command
def run(
    *scenarios: Many,
    replicates: Annotated[
        int, Parameter(help="Crises to run of each scenario.", validator=Replicates)
    ] = 10_000,
    seed: Seed = 1,
    out: Annotated[
        Folder, Parameter(help="Folder for results; results/ and the first scenario's name.")
    ] = None,
    workers: Annotated[
        int | None,
        Parameter(
            help="Processes to use at most; as many as there are cores. "
            "Results are the same for any number.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: Json = False,
    dry_run: Annotated[
        bool,
        Parameter(help="Say what would be run, and run nothing.", negative=(), show_default=False),
    ] = False,
) -> int:
    """Run scenarios side by side on the same luck: a table, charts and a folder of results.

    The first scenario is the one that the others are compared with.
    """
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.batch.folder import check_folder
    from crisis_sim.batch.plan import make_plan
    from crisis_sim.doctor import cores
    from crisis_sim.scenario.load import load_scenarios

    read = load_scenarios(scenarios, overrides or ())
    folder = out or RESULTS / read[0].name
    workers = workers or cores()
    try:
        plan = make_plan(read, replicates, seed, None, None, ())
        replaces = check_folder(folder)
        if dry_run:
            _print_plan(plan, workers, folder, replaces, as_json)
            return DONE
        return _run_batch(plan, folder, workers, as_json)
    except (BatchError, OSError) as error:
        return refuse(f"error: {error}")


def _run_batch(plan: Plan, folder: Path, workers: int, as_json: bool) -> int:
    from crisis_sim.batch import run_to_folder
    from crisis_sim.report.save import remove_report

    began = time.perf_counter()
    before = _manifest_of(folder)
    try:
        with progress_bar() as progress:
            manifest = run_to_folder(
                plan.scenarios,
                folder,
                plan.replicates,
                plan.seed,
                workers,
                progress=progress,
                command=["crisis-sim", *sys.argv[1:]],
            )
        remove_report(folder)
        _report_batch(manifest, folder, as_json)
    except KeyboardInterrupt:
        return _tell_what_is_safe(folder, before)
    crises = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    talk(f"{crises:,} crises in {in_words(time.perf_counter() - began)}: {folder}")
    return BLOCKS_FAILED if manifest["failures"] else DONE


def _report_batch(manifest: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    """Say which blocks failed, and report on the others."""
    from crisis_sim.batch import read_batch
    from crisis_sim.outcomes import summarise

    for failed in manifest["failures"]:
        first = failed["first_replicate"]
        last = first + failed["replicates"] - 1
        talk(f"failed: {failed['scenario']}, replicates {first} to {last}: {failed['error']}")
    empty = [name for name, about in manifest["scenarios"].items() if not about["replicates_done"]]
    if empty:
        talk(f"no summary: there is nothing of {', '.join(empty)}")
        return
    batch = read_batch(folder)
    report(batch, summarise(batch), folder, as_json)


def _print_plan(plan: Plan, workers: int, folder: Path, replaces: bool, as_json: bool) -> None:
    """Say what a batch would be."""
    from crisis_sim.batch.workers import first_guess, share_out

    useful, seconds = share_out(first_guess(plan), plan.blocks, workers)
    facts: dict[str, Any] = {
        "scenarios": {one.name: one.title for one in plan.scenarios},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "crises": plan.crises,
        "turns_at_most": max(one.turns for one in plan.scenarios),
        "blocks": plan.blocks,
        "workers": useful,
        "seconds_estimated": round(seconds, 1),
        "folder": str(folder),
        "replaces_results": replaces,
    }
    if as_json:
        print_json(facts)
        return
    for name, title in facts["scenarios"].items():
        say(f"{name}: {clean(title)}")
    say(
        f"{plan.replicates:,} replicates of each with seed {plan.seed}: {plan.crises:,} crises of "
        f"at most {facts['turns_at_most']:,} turns, in {counted(plan.blocks, 'block')}"
    )
    say(f"about {in_words(seconds)} with {counted(useful, 'process', 'es')}")
    say(f"into {folder}" + (", replacing the results that it holds" if replaces else ""))


def _tell_what_is_safe(folder: Path, before: Mapping[str, Any] | None) -> int:
    """Say, after Ctrl-C, which results there are."""
    from crisis_sim.report.save import remove_report

    manifest = _manifest_of(folder)
    if manifest is None or manifest == before:
        talk("interrupted before any block was finished; nothing was written")
        return INTERRUPTED
    remove_report(folder)
    done = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    asked = manifest["replicates"] * len(manifest["scenarios"])
    talk(
        f"interrupted: {done:,} of {asked:,} crises are safe in {folder}\n"
        f"to see them: crisis-sim compare {folder}"
    )
    return INTERRUPTED


def _manifest_of(folder: Path) -> dict[str, Any] | None:
    from crisis_sim.batch import ResultsError, read_manifest

    try:
        return read_manifest(folder)
    except ResultsError:
        return None
