"""Running a batch, in memory or into a folder, and going on with one that was cut short."""

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
from crisis_sim.batch.files import BatchError, ResultsError, writing
from crisis_sim.batch.folder import MANIFEST, UnfinishedRun, check_same, locked, read_manifest
from crisis_sim.batch.manifest import close_manifest, decisive, is_finished, open_manifest
from crisis_sim.batch.workers import BlockTask, StopSign, run_plan, stop_on_interrupt

if TYPE_CHECKING:
    import pyarrow as pa

#: Called after each block with the crises done, and those in all.
Progress = Callable[[int, int], None]
#: Called with messages about the run.
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
    """Run scenarios side by side on the same luck, and keep their results in memory.

    Args:
        scenarios: scenarios, paths of scenario files or names of shipped ones; one or many. A mapping gives each a name:
            `{"base": scenario, "mine": scenario.changed({"states.india.resolve": 0.5})}`.
        replicates: how many replicates of each scenario.
        seed: with a replicate's number, it fixes all of its luck.
        workers: the most threads to use, or processes for agents of one's own and beyond eight; the
            result is the same for any number. A script whose workers may be processes must ask for
            them under `if __name__ == "__main__":`.
        block_size: the most replicates to run together; the result is the same for any number.
        parameters: values in place of the scenarios', by path (such as
            `mediators.us.leverage.india`), each of shape (replicates,): so every replicate may have
            values of its own. In a design they have the shape (points * replicates,), one point
            after the other.
        agents: makers of agents to add to each scenario's own, as `CrisisModel` takes them.
        progress: called after each block with the crises done and those in all.
        points: for a design, at how many points to run every replicate, with the same luck at all
            of them; its rows then say in a column `point` which one they belong to.
        engine: `cpu`, or `gpu` for an NVIDIA graphics card: the same crises but for last digits.
        roles: by the name of an agent (`pakistan`), or of a role (`states`), the class to use in place of the scenario's
            own. A scenario that is run with these, or with agents that do something, is named after them: "may_2025 with
            pakistan by Cautious".
        compare_without: whether to run each scenario without `roles` and `agents` as well, first and under its own name.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked, or a block of it fails.
    """
    import pyarrow as pa

    check_count("workers", workers)
    plan = make_plan(
        scenarios, replicates, seed, block_size, parameters, agents, points, engine, roles, compare_without
    )  # fmt: skip
    manifest = open_manifest(plan)
    blocks: dict[str, list[Block]] = {one.name: [] for one in plan.scenarios}
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
    schema = unify_schemas([own[0].table.schema for own in blocks.values()], plan.states)
    ensembles = {}
    for one in plan.scenarios:
        own = sorted(blocks[one.name], key=lambda block: block.order.number)
        paths = [block.paths for block in own if block.paths is not None]
        ensembles[one.name] = Ensemble(
            name=one.name,
            title=one.title,
            horizon_hours=one.horizon_hours,
            states=one.state_names,
            table=pa.concat_tables([conform(block.table, schema) for block in own]),
            paths=pa.concat_tables(paths) if paths else None,
            scenario=one.plain(),
        )
    rows = {name: one.replicates for name, one in ensembles.items()}
    return Batch(ensembles, close_manifest(manifest, rows))


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
    """Run scenarios side by side on the same luck, and write their results to a folder.

    Each block is on disk once it is done, and memory holds only those in hand, however many
    replicates there are. So a run that ends before its time, in whichever way, has lost only the
    blocks in hand, and `resume` does the rest: the result is the same as if nothing had happened.
    Blocks that fail are listed in the manifest under `failures`, and the rest of the batch goes on.
    On Ctrl-C or a request to terminate, the blocks in hand are finished before it stops.

    Args:
        folder: where to write. Results that it holds are replaced once the new ones are there.
        command: the command line to note in the manifest; this process's own where left out.
        resume: go on with the run that the folder holds, which must be the same; begin it where
            the folder holds none; leave it be where it is finished.
        restart: throw away a run in the folder that is not finished.
        scheduler: the address of a Dask scheduler whose workers run the blocks, such as
            `tcp://10.0.0.1:8786`; `local` to start one on this machine with `workers` processes.
        on_message: called with messages on what goes on: damaged blocks, a cluster's address, a stop.
        scenarios, replicates, seed, workers, block_size, parameters, agents, progress, points: as
            for `simulate`.
        engine, roles, compare_without: likewise.
        overwrite: whether the run takes the place of finished results in the folder; where it does not, the same run
            is left as it is, and any other is refused.

    Returns:
        The manifest; `read_batch` brings the rest back.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked.
        ResultsError: when the folder holds other things than results, another run that is not
            finished, or cannot be written; or another process writes to it.
        KeyboardInterrupt: on Ctrl-C; what was finished is safe.
        SystemExit: on a request to terminate (SIGTERM), likewise.
    """
    check_count("workers", workers)
    folder = Path(folder)
    is_begun = resume and (UnfinishedRun.of(folder) or (folder / MANIFEST).exists())
    if is_begun and block_size is None:
        block_size = folders.begun_manifest(folder)["block_size"]
    plan = make_plan(
        scenarios, replicates, seed, block_size, parameters, agents, points, engine, roles, compare_without
    )  # fmt: skip
    if engine == "gpu" and scheduler is not None:
        raise BatchError("a cluster's workers run batches on their processors: engine cpu")
    manifest = open_manifest(plan, command)
    options = _Options(workers, scheduler, progress or _nothing, on_message or _nothing)
    kept = not (overwrite or resume or restart) and (folder / MANIFEST).exists()
    if kept and not UnfinishedRun.of(folder):
        resume = True
        try:
            earlier = read_manifest(folder)
        except ResultsError as error:
            raise ResultsError(f"{error}\n{REPLACE}") from error
        with writing(folder):
            check_same(folder, earlier, plan, manifest, "holds the results of another run", REPLACE)
    return _carry_out(folder, plan, manifest, options, resume=resume, restart=restart)


#: What to do about results that a run may not take the place of.
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
    """Go on with the unfinished run in a folder, with the options that it was begun with.

    Blocks that have been damaged are done again, and those that failed are tried again. A run that
    is finished is left as it is.

    Args:
        folder: the folder that `run_to_folder` wrote to.
        agents: the makers of agents with which it was begun, since a folder cannot hold code; where neither these nor
            `roles` are given, those that came from files are loaded from there again.
        roles: the classes with which it was begun, likewise.
        workers, progress, scheduler, on_message: as for `run_to_folder`.

    Returns:
        The manifest, as `run_to_folder` does.

    Raises:
        BatchError, ResultsError, KeyboardInterrupt, SystemExit: as `run_to_folder` does; also when
            the folder holds no run, or the code or a library has changed since.
    """
    check_count("workers", workers)
    folder = folders.results_folder(Path(folder))
    unfinished = UnfinishedRun.of(folder)
    begun = unfinished.manifest if unfinished else read_manifest(folder)
    if is_finished(begun) and not begun["failures"] and not unfinished:
        folders.check_files(folder, begun)
        return begun
    plan = folders.plan_of(unfinished.home if unfinished else folder, begun, agents, roles)
    manifest = {**open_manifest(plan), "command": begun["command"]}
    options = _Options(workers, scheduler, progress or _nothing, on_message or _nothing)
    return _carry_out(folder, plan, manifest, options, resume=True, restart=False)


def _nothing(*_: object) -> None:
    pass


class _Options(NamedTuple):
    """In which way a batch is run, which changes nothing in it."""

    workers: int
    scheduler: str | None
    progress: Progress
    on_message: OnMessage


def _carry_out(
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
        manifest: that with which the run would begin now.
    """
    columns = _columns(plan)
    with stop_on_interrupt(options.on_message) as stop, locked(folder) as (home, token):
        with writing(folder):
            run = _taken_up(folder, home, plan, manifest, resume, restart)
            if run.is_complete:
                folders.check_files(folder, run.manifest)
                options.on_message(f"{folder} holds this run already, and it is finished")
                return run.manifest
        own = decisive(manifest["versions"])
        task = BlockTask(home.resolve(), token, columns, run.identity, own)
        try:
            failed = _run_blocks(run, plan, task, options, stop)
            ended = close_manifest(run.manifest, run.rows_by_scenario(), failed)
            return folders.publish(run, ended, columns)
        except BaseException as error:
            left = UnfinishedRun.of(folder)
            if left and not left.rows() and not is_finished(left.manifest):
                folders.discard(left.home)  # there is nothing to go on with
            elif left and isinstance(error, ResultsError):
                raise ResultsError(f"{error}\n{left.say()}") from error
            raise


def _columns(plan: Plan) -> dict[str, pa.Schema]:
    """All columns of each table of a batch."""
    is_design = plan.points is not None
    each = [schemas(one, is_design=is_design, **plan.rules_of(one)) for one in plan.scenarios]
    outcomes, paths = zip(*each, strict=True)
    found = {OUTCOMES_FOLDER: unify_schemas(outcomes, plan.states)}
    return found if is_design else {**found, PATHS_FOLDER: unify_schemas(paths, plan.states)}


def _run_blocks(
    run: UnfinishedRun, plan: Plan, task: BlockTask, options: _Options, stop: StopSign
) -> list[Block]:
    """Run the blocks that are missing; gives those that failed, in their order."""
    workers, scheduler, progress, on_message = options
    with writing(run.folder):
        there = run.done(plan, on_message)
    done = sum(there.values())
    if there:
        on_message(f"{done:,} of {plan.crises:,} crises are there already")
        progress(done, plan.crises)
    failed = []
    with closing(run_plan(plan, workers, stop, task, there, scheduler, on_message)) as results:
        for block in results:
            if block.error:
                failed.append(block)
            elif block.files:
                task.write(block)
            done += block.order.rows
            progress(done, plan.crises)
    if stop.requested and scheduler is None:
        run.tidy()  # a signal to all processes may have ended workers as they wrote
    if done < plan.crises:
        stop.obey()
    return sorted(failed, key=lambda block: block.order.number)


def _taken_up(
    folder: Path,
    home: Path,
    plan: Plan,
    manifest: dict[str, Any],
    resume: bool,
    restart: bool,
) -> UnfinishedRun:
    """The run that the folder holds and that goes on, or a new one."""
    found = None if restart else UnfinishedRun.of(folder)
    if found and resume:
        folders.check_sealed(home, found.manifest)
        check_same(home, found.manifest, plan, manifest)
        if found.is_complete:  # it was killed just before
            folders.move_into_place(home, found.manifest)
        return found
    if resume and (folder / MANIFEST).exists():
        results = read_manifest(folder)
        check_same(folder, results, plan, manifest)
        again = folders.reopen if results["failures"] else UnfinishedRun
        return again(folder, results)
    if found and (found.rows() or is_finished(found.manifest)):
        raise ResultsError(f"{found.say()}\nor throw it away and begin anew: --restart")
    try:
        return UnfinishedRun.begin(folder, plan, manifest)
    except OSError:
        folders.discard(home)
        raise
