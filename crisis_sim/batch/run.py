"""Run a batch in memory or into a folder, and resume an interrupted one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crisis_sim.batch import folder as folders
from crisis_sim.batch.block import (
    OUTCOMES_FOLDER,
    PATHS_FOLDER,
    Block,
    Plan,
    Scenarios,
    check_count,
    conform,
    make_plan,
    schemas,
    unify_schemas,
)
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.folder import MANIFEST, UnfinishedRun, check_same, locked, read_manifest
from crisis_sim.batch.manifest import close_manifest, decisive, is_finished, open_manifest
from crisis_sim.batch.safe_files import BatchError, ResultsError, writing
from crisis_sim.batch.workers import BlockTask, StopSign, run_plan, stop_on_interrupt

if TYPE_CHECKING:
    import pyarrow as pa

#: Callback that receives the numbers of finished and of all crises after each block.
Progress = Callable[[int, int], None]
#: Callback that receives messages about the run.
OnMessage = Callable[[str], None]


def simulate(
    scenarios: Scenarios,
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    block_size: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    points: int | None = None,
    engine: str = "cpu",
    roles: Mapping[str, Any] | None = None,
    compare_without: bool = False,
) -> Batch:
    """Run scenarios with the same random numbers, and return the results in memory.

    Args:
        scenarios: one or more scenarios, paths of scenario files, or names of shipped scenarios. A mapping gives them
            names: `{"base": scenario, "mine": scenario.changed({"states.india.resolve": 0.5})}`.
        replicates: the number of replicates of each scenario.
        seed: the seed; together with a replicate's number it determines the random numbers.
        workers: maximum number of threads, or of processes for custom agents and beyond eight workers; it does not
            affect results. If workers may be processes, a script must call this under `if __name__ == "__main__":`.
        block_size: maximum number of replicates to run at once; it does not affect results.
        parameters: values that replace the scenarios', by path (such as `mediators.us.leverage.india`), each of
            shape (replicates,), so that replicates can differ. In a design the shape is (points * replicates,),
            one point after the other.
        agents: agents to add to each scenario, as for `CrisisModel`.
        progress: called after each block with the numbers of finished and of all crises.
        points: the number of points of a design. Each replicate is run at all of them with the same random numbers,
            and rows have a column `point`.
        engine: `cpu`, or `gpu` for an NVIDIA graphics card, with the same crises up to rounding.
        roles: classes that replace the scenarios', by the name of an agent (`pakistan`) or a role (`states`). Scenarios
            with these, or with agents that affect crises, are named after them: "may_2025 with pakistan by Cautious".
        compare_without: also run each scenario without `roles` and `agents`, before the others and under its own name.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the request is not valid, or a block fails.
    """
    import pyarrow as pa

    check_count("workers", workers)
    plan = make_plan(
        scenarios, replicates, seed, block_size, parameters, agents, points, engine, roles, compare_without
    )  # fmt: skip
    manifest = open_manifest(plan)
    blocks: dict[str, list[Block]] = {scenario.name: [] for scenario in plan.scenarios}
    done = 0
    with closing(run_plan(plan, workers, StopSign())) as results:
        for block in results:
            if block.error:
                raise BatchError(
                    f"{block.order}, seed {plan.seed}: {block.error}\n{block.trace}".rstrip()
                )
            blocks[block.order.scenario.name].append(block)
            done += block.order.rows
            if progress is not None:
                progress(done, plan.crises)
    schema = unify_schemas([first.table.schema for first, *_ in blocks.values()], plan.states)
    ensembles = {}
    for scenario in plan.scenarios:
        ordered = sorted(blocks[scenario.name], key=lambda block: block.order.number)
        paths = [block.paths for block in ordered if block.paths is not None]
        ensembles[scenario.name] = Ensemble(
            name=scenario.name,
            title=scenario.title,
            horizon_hours=scenario.horizon_hours,
            states=scenario.state_names,
            table=pa.concat_tables([conform(block.table, schema) for block in ordered]),
            paths=pa.concat_tables(paths) if paths else None,
            scenario=scenario.plain(),
        )
    return Batch(ensembles, close_manifest(manifest, dict.fromkeys(ensembles, plan.rows_each)))


def run_to_folder(
    scenarios: Scenarios,
    folder: str | Path,
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    block_size: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    command: Sequence[str] | None = None,
    points: int | None = None,
    *,
    resume: bool = False,
    restart: bool = False,
    scheduler: str | None = None,
    on_message: OnMessage | None = None,
    engine: str = "cpu",
    roles: Mapping[str, Any] | None = None,
    compare_without: bool = False,
    overwrite: bool = True,
) -> dict[str, Any]:
    """Run scenarios with the same random numbers, and write the results to a folder.

    Each finished block is written to disk at once, so that memory does not grow with the number of replicates. If
    the run is interrupted in any way, only the current blocks are lost, and `resume` completes the run with the
    same result. Failed blocks are listed in the manifest under `failures`; the others are run nevertheless. After
    Ctrl-C or SIGTERM, the current blocks are finished first.

    Args:
        folder: the folder for results. Existing results are replaced once the new ones are complete.
        command: the command line to record in the manifest; by default that of this process.
        resume: continue the run in the folder, which must have the same settings; if there is none, start it; if
            it has finished, do nothing.
        restart: discard an unfinished run in the folder.
        scheduler: the address of a Dask scheduler whose workers run the blocks, such as
            `tcp://10.0.0.1:8786`; or `local` to start one on this machine with `workers` processes.
        on_message: called with messages, for example about damaged blocks or a cluster.
        scenarios, replicates, seed, workers, block_size, parameters, agents, progress, points: as for `simulate`.
        engine, roles, compare_without: as for `simulate`.
        overwrite: replace finished results in the folder. Without it, results of the same run are kept, and those of
            another run raise an error.

    Returns:
        The manifest; `read_batch` reads the results.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the request is not valid.
        ResultsError: when the folder contains other files than results or another unfinished run, is in use by
            another process, or cannot be written.
        KeyboardInterrupt: after Ctrl-C; finished blocks are kept.
        SystemExit: after SIGTERM; finished blocks are kept.
    """
    check_count("workers", workers)
    folder = Path(folder)
    is_begun = resume and (UnfinishedRun.find(folder) or (folder / MANIFEST).exists())
    if is_begun and block_size is None:
        block_size = folders.begun_manifest(folder)["block_size"]
    plan = make_plan(
        scenarios, replicates, seed, block_size, parameters, agents, points, engine, roles, compare_without
    )  # fmt: skip
    if engine == "gpu" and scheduler is not None:
        raise BatchError("a cluster's workers run on their processors: use engine cpu")
    manifest = open_manifest(plan, command)
    options = _Options(workers, scheduler, progress or _ignore, on_message or _ignore)
    kept = not (overwrite or resume or restart) and (folder / MANIFEST).exists()
    if kept and not UnfinishedRun.find(folder):
        resume = True
        try:
            earlier = read_manifest(folder)
        except ResultsError as error:
            raise ResultsError(f"{error}\n{REPLACE}") from error
        with writing(folder):
            fault = "contains the results of another run"
            check_same(folder, earlier, plan, manifest, fault, REPLACE)
    return _run(folder, plan, manifest, options, resume=resume, restart=restart)


#: Advice on results that must not be replaced.
REPLACE = "replace them with --overwrite, or give another folder"


def resume(
    folder: str | Path,
    workers: int = 1,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    *,
    scheduler: str | None = None,
    on_message: OnMessage | None = None,
    roles: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Resume the unfinished run in a folder, with its original options.

    Damaged and failed blocks are run again. A finished run is left as it is.

    Args:
        folder: the folder of `run_to_folder`.
        agents, roles: the custom agents and classes of the run, since a folder does not contain code. If neither is
            given, those that came from files are loaded again.
        workers, progress, scheduler, on_message: as for `run_to_folder`.

    Returns:
        The manifest.

    Raises:
        BatchError, ResultsError, KeyboardInterrupt, SystemExit: as for `run_to_folder`; also when the folder contains
            no run, or the code or a library has changed.
    """
    check_count("workers", workers)
    folder = folders.results_folder(Path(folder))
    unfinished = UnfinishedRun.find(folder)
    begun = unfinished.manifest if unfinished else read_manifest(folder)
    if is_finished(begun) and not begun["failures"] and not unfinished:
        folders.check_files(folder, begun)
        return begun
    plan = folders.plan_of(unfinished.home if unfinished else folder, begun, agents, roles)
    manifest = {**open_manifest(plan), "command": begun["command"]}
    options = _Options(workers, scheduler, progress or _ignore, on_message or _ignore)
    return _run(folder, plan, manifest, options, resume=True, restart=False)


def _ignore(*_: object) -> None:
    pass


class _Options(NamedTuple):
    """Options for running a batch; none affects its results."""

    workers: int
    scheduler: str | None
    progress: Progress
    on_message: OnMessage


def _run(
    folder: Path,
    plan: Plan,
    manifest: dict[str, Any],
    options: _Options,
    *,
    resume: bool,
    restart: bool,
) -> dict[str, Any]:
    """Run the missing blocks, publish the folder's results, and return their manifest.

    Args:
        manifest: the manifest that the run would have if it started now.
    """
    columns = _columns(plan)
    with stop_on_interrupt(options.on_message) as stop, locked(folder) as (home, token):
        with writing(folder):
            run = _begin_or_resume(folder, home, plan, manifest, resume, restart)
            if run.is_complete:
                folders.check_files(folder, run.manifest)
                options.on_message(f"{folder} already contains the results of this run")
                return run.manifest
        versions = decisive(manifest["versions"])
        task = BlockTask(home.resolve(), token, columns, run.identity, versions)
        try:
            failed = _run_blocks(run, plan, task, options, stop)
            ended = close_manifest(run.manifest, run.rows_by_scenario(), failed)
            return folders.publish(run, ended, columns)
        except BaseException as error:
            unfinished = UnfinishedRun.find(folder)
            if unfinished and not unfinished.rows() and not is_finished(unfinished.manifest):
                folders.discard(unfinished.home)  # there is nothing to resume
            elif unfinished and isinstance(error, ResultsError):
                raise ResultsError(f"{error}\n{unfinished.message()}") from error
            raise


def _columns(plan: Plan) -> dict[str, pa.Schema]:
    """Return the columns of each table of a batch."""
    is_design = plan.points is not None
    each = [schemas(one, is_design=is_design, **plan.rules_of(one)) for one in plan.scenarios]
    outcomes, paths = zip(*each, strict=True)
    columns = {OUTCOMES_FOLDER: unify_schemas(outcomes, plan.states)}
    return columns if is_design else {**columns, PATHS_FOLDER: unify_schemas(paths, plan.states)}


def _run_blocks(
    run: UnfinishedRun, plan: Plan, task: BlockTask, options: _Options, stop: StopSign
) -> list[Block]:
    """Run the missing blocks, and return the failed ones in the order of the plan."""
    workers, scheduler, progress, on_message = options
    with writing(run.folder):
        existing = run.verify(plan, on_message)
    done = sum(existing.values())
    if existing:
        on_message(f"{done:,} of {plan.crises:,} crises have been run already")
        progress(done, plan.crises)
    failed = []
    with closing(run_plan(plan, workers, stop, task, existing, scheduler, on_message)) as results:
        for block in results:
            if block.error:
                failed.append(block)
            elif block.files:
                task.write(block)
            done += block.order.rows
            progress(done, plan.crises)
    if stop.requested and scheduler is None:
        run.tidy()  # a signal to all processes may have ended workers while they were writing
    if done < plan.crises:
        stop.obey()
    return sorted(failed, key=lambda block: block.order.number)


def _begin_or_resume(
    folder: Path,
    home: Path,
    plan: Plan,
    manifest: dict[str, Any],
    resume: bool,
    restart: bool,
) -> UnfinishedRun:
    """Return the run in the folder if it is to be resumed, or else a new one."""
    unfinished = None if restart else UnfinishedRun.find(folder)
    if unfinished and resume:
        folders.check_sealed(home, unfinished.manifest)
        check_same(home, unfinished.manifest, plan, manifest)
        if unfinished.is_complete:  # it was killed just before this step
            folders.move_into_place(home, unfinished.manifest)
        return unfinished
    if resume and (folder / MANIFEST).exists():
        results = read_manifest(folder)
        check_same(folder, results, plan, manifest)
        reopen = folders.reopen if results["failures"] else UnfinishedRun
        return reopen(folder, results)
    if unfinished and (unfinished.rows() or is_finished(unfinished.manifest)):
        raise ResultsError(f"{unfinished.message()}\nor discard it and start again: --restart")
    try:
        return UnfinishedRun.begin(folder, plan, manifest)
    except OSError:
        folders.discard(home)
        raise
