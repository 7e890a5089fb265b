"""Running a batch, in memory or into a folder, and going on with one that was cut short."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crisis_sim.batch.block import (
    OUTCOMES_FOLDER,
    PATHS_FOLDER,
    Block,
    conform,
    marked,
    schemas,
    union,
)
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.files import BatchError, ResultsError
from crisis_sim.batch.folder import (
    MANIFEST,
    UnfinishedRun,
    check_files,
    check_same,
    check_sealed,
    discard,
    held,
    plan_of,
    publish,
    read_manifest,
    reopened,
    results_of,
    take_place,
    writing,
)
from crisis_sim.batch.manifest import close_manifest, decisive, is_finished, open_manifest
from crisis_sim.batch.plan import Plan, Scenarios, check_count, make_plan
from crisis_sim.batch.workers import (
    BlockTask,
    StopSign,
    run_on_cluster,
    run_plan,
    stop_on_interrupt,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.scenario.schema import Scenario

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
    check_count("workers", workers)
    plan = make_plan(
        scenarios,
        replicates,
        seed,
        block_size,
        parameters,
        agents,
        points,
        engine,
        roles,
        compare_without,
    )
    manifest = open_manifest(plan)
    blocks: dict[str, list[Block]] = {one.name: [] for one in plan.scenarios}
    done = 0
    with closing(run_plan(plan, workers, StopSign())) as results:
        for result in results:
            if result.error:
                last = result.first + result.count - 1
                which = f"replicates {result.first} to {last} of {result.scenario}"
                if points is not None:
                    which += f" at points {result.first_point} to {result.first_point + result.points - 1}"
                raise BatchError(
                    f"{which}, seed {plan.seed}: {result.error}\n{result.trace}".rstrip()
                )
            blocks[result.scenario].append(result)
            done += result.rows
            if progress is not None:
                progress(done, plan.crises)
    for own in blocks.values():
        own.sort(key=lambda block: block.number)
    schema = union([blocks[name][0].table.schema for name in blocks], plan.states)
    ensembles = {one.name: _ensemble(one, blocks[one.name], schema) for one in plan.scenarios}
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
    if resume and block_size is None:
        begun = UnfinishedRun.of(folder)
        if begun:
            block_size = begun.manifest["block_size"]
        elif (folder / MANIFEST).exists():
            block_size = read_manifest(folder)["block_size"]
    plan = make_plan(
        scenarios,
        replicates,
        seed,
        block_size,
        parameters,
        agents,
        points,
        engine,
        roles,
        compare_without,
    )
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
    folder = results_of(Path(folder))
    unfinished = UnfinishedRun.of(folder)
    begun = unfinished.manifest if unfinished else read_manifest(folder)
    if is_finished(begun) and not begun["failures"] and not unfinished:
        check_files(folder, begun)
        return begun
    plan = plan_of(unfinished.home if unfinished else folder, begun, agents, roles)
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
    with stop_on_interrupt(options.on_message) as stop, held(folder) as (home, token):
        with writing(folder):
            run = _taken_up(folder, home, plan, manifest, resume, restart)
            if run.is_complete:
                check_files(folder, run.manifest)
                options.on_message(f"{folder} holds this run already, and it is finished")
                return run.manifest
        columns = marked(columns, run.identity)
        task = BlockTask(home.resolve(), token, columns, decisive(manifest["versions"]))
        try:
            failed = _run_blocks(run, plan, task, options, stop)
            ended = close_manifest(run.manifest, run.rows_by_scenario(), failed)
            return publish(run, ended, columns)
        except ResultsError as error:
            left = _left_over(folder)
            if left is None:
                raise
            raise ResultsError(f"{error}\n{left.say()}") from error
        except BaseException:
            _left_over(folder)
            raise


def _columns(plan: Plan) -> dict[str, pa.Schema]:
    """All columns of each table of a batch."""
    is_design = plan.points is not None
    each = [schemas(one, is_design=is_design, **plan.rules_of(one)) for one in plan.scenarios]
    outcomes, paths = zip(*each, strict=True)
    found = {OUTCOMES_FOLDER: union(outcomes, plan.states)}
    return found if is_design else {**found, PATHS_FOLDER: union(paths, plan.states)}


def _run_blocks(
    run: UnfinishedRun, plan: Plan, task: BlockTask, options: _Options, stop: StopSign
) -> list[Block]:
    """Run the blocks that are missing; gives those that failed, in their order."""
    progress, on_message = options.progress, options.on_message
    with writing(run.folder):
        there = run.done(plan, on_message)
    done = sum(there.values())
    if there:
        on_message(f"{done:,} of {plan.crises:,} crises are there already")
        progress(done, plan.crises)
    if options.scheduler is None or len(there) == plan.blocks:
        results = run_plan(plan, options.workers, stop, task, there)
    else:
        orders = plan.orders(number for number in range(plan.blocks) if number not in there)
        cluster = options.scheduler, options.workers
        results = run_on_cluster(orders, *cluster, stop, task, on_message)
    failed = []
    with closing(results):
        for block in results:
            if block.error:
                failed.append(block)
            elif block.files:
                task.write(block)
            done += block.rows
            progress(done, plan.crises)
    if stop.requested and options.scheduler is None:
        run.tidy()  # a signal to all processes may have ended workers as they wrote
    if done < plan.crises:
        stop.obey()
    return sorted(failed, key=lambda block: block.number)


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
    if resume:
        if found:
            check_sealed(home, found.manifest)
            check_same(home, found.manifest, plan, manifest)
            if found.is_complete:  # it was killed just before
                take_place(home, found.manifest)
            return found
        if (folder / MANIFEST).exists():
            results = read_manifest(folder)
            check_same(folder, results, plan, manifest)
            return (
                reopened(folder, results) if results["failures"] else UnfinishedRun(folder, results)
            )
    elif found and (found.rows() or is_finished(found.manifest)):
        raise ResultsError(f"{found.say()}\nor throw it away and begin anew: --restart")
    try:
        return UnfinishedRun.begin(folder, plan, manifest)
    except OSError:
        discard(home)
        raise


def _left_over(folder: Path) -> UnfinishedRun | None:
    """The run to go on with after a mishap; one without any block is thrown away."""
    run = UnfinishedRun.of(folder)
    if run and not run.rows() and not is_finished(run.manifest):
        discard(run.home)
        return None
    return run


def _ensemble(scenario: Scenario, blocks: Sequence[Block], schema: pa.Schema) -> Ensemble:
    import pyarrow as pa

    paths = [block.paths for block in blocks if block.paths is not None]
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=pa.concat_tables([conform(block.table, schema) for block in blocks]),
        paths=pa.concat_tables(paths) if paths else None,
        scenario=scenario.plain(),
    )
