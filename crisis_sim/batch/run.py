"""Running a batch: into memory, or block by block into a folder, where it can go on after anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import columns
from crisis_sim.batch.block import Block, BlockFailure
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.folder import check_files, read_manifest
from crisis_sim.batch.folder_run import FolderRun, Progress, Tell
from crisis_sim.batch.interrupt import StopSign
from crisis_sim.batch.manifest import close_manifest, open_manifest
from crisis_sim.batch.plan import check_count, make_plan
from crisis_sim.batch.unfinished import UnfinishedRun
from crisis_sim.batch.workers import run_plan

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.scenario.schema import Scenario


def simulate(
    scenarios: Scenario | str | Path | Iterable[Scenario | str | Path],
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    block_size: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    points: int | None = None,
    engine: str = "cpu",
) -> Batch:
    """Run scenarios side by side on the same luck, and keep what comes of them in memory.

    Args:
        scenarios: scenarios, paths of scenario files or names of shipped ones; one or many.
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

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked, or a block of it fails.
    """
    check_count("workers", workers)
    plan = make_plan(scenarios, replicates, seed, block_size, parameters, agents, points, engine)
    manifest = open_manifest(plan)
    blocks: dict[str, list[Block]] = {one.name: [] for one in plan.scenarios}
    done = 0
    with closing(run_plan(plan, workers, StopSign())) as results:
        for result in results:
            if isinstance(result, BlockFailure):
                raise BatchError(
                    f"{result.replicates}, seed {result.seed}: {result.error}\n{result.trace}".rstrip()
                )
            blocks[result.scenario].append(result)
            done += result.rows
            if progress is not None:
                progress(done, plan.crises)
    for own in blocks.values():
        own.sort(key=lambda block: block.number)
    schema = columns.union([blocks[name][0].table.schema for name in blocks], plan.states)
    ensembles = {one.name: _ensemble(one, blocks[one.name], schema) for one in plan.scenarios}
    rows = {name: one.replicates for name, one in ensembles.items()}
    return Batch(ensembles, close_manifest(manifest, rows))


def run_to_folder(
    scenarios: Scenario | str | Path | Iterable[Scenario | str | Path],
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
    tell: Tell | None = None,
    engine: str = "cpu",
) -> dict[str, Any]:
    """Run scenarios side by side on the same luck, and write what comes of them to a folder.

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
        tell: told in words of what goes on: damaged blocks, a cluster's address, a stop.
        scenarios, replicates, seed, workers, block_size, parameters, agents, progress, points: as
            for `simulate`.
        engine: likewise.

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
    begun = UnfinishedRun.of(folder) if resume else None
    if begun is not None and block_size is None:
        block_size = begun.manifest["block_size"]
    plan = make_plan(scenarios, replicates, seed, block_size, parameters, agents, points, engine)
    if engine == "gpu" and scheduler is not None:
        raise BatchError("a cluster's workers run batches on their processors: engine cpu")
    manifest = open_manifest(plan, command)
    return FolderRun(folder, plan, manifest, progress, tell).carry_out(
        workers, scheduler, resume=resume, restart=restart
    )


def resume(
    folder: str | Path,
    workers: int = 1,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    *,
    scheduler: str | None = None,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Go on with the run that a folder holds, with all that it was begun with; do what is missing.

    Blocks that have been damaged are done again, and those that failed are tried again. A run that
    is finished is left as it is.

    Args:
        folder: the folder that `run_to_folder` wrote to.
        agents: the makers of agents with which it was begun, since a folder cannot hold code.
        workers, progress, scheduler, tell: as for `run_to_folder`.

    Returns:
        The manifest, as `run_to_folder` does.

    Raises:
        BatchError, ResultsError, KeyboardInterrupt, SystemExit: as `run_to_folder` does; also when
            the folder holds no run, or the code or a library has changed since.
    """
    check_count("workers", workers)
    folder = Path(folder)
    begun = UnfinishedRun.of(folder)
    if begun is None:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
        return manifest
    plan = begun.plan(agents)
    manifest = {**open_manifest(plan), "command": begun.manifest["command"]}
    return FolderRun(folder, plan, manifest, progress, tell).carry_out(
        workers, scheduler, resume=True, restart=False
    )


def _ensemble(scenario: Scenario, blocks: Sequence[Block], schema: pa.Schema) -> Ensemble:
    import pyarrow as pa

    paths = [block.paths for block in blocks if block.paths is not None]
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=pa.concat_tables([columns.conform(block.table, schema) for block in blocks]),
        paths=pa.concat_tables(paths) if paths else None,
        scenario=scenario.plain(),
    )
