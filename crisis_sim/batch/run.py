"""Running a batch: into memory, or block by block into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import columns
from crisis_sim.batch.block import Block, BlockFailure, schemas
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.folder import FolderWriter
from crisis_sim.batch.interrupt import StopSign, stop_on_interrupt
from crisis_sim.batch.manifest import close_manifest, open_manifest
from crisis_sim.batch.plan import Plan, check_count, make_plan
from crisis_sim.batch.workers import run_plan

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.scenario.schema import Scenario

#: Told after each block how many crises are done, and how many there are in all.
Progress = Callable[[int, int], None]


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
) -> Batch:
    """Run scenarios side by side on the same luck, and keep what comes of them in memory.

    Args:
        scenarios: scenarios, paths of scenario files or names of shipped ones; one or many.
        replicates: how many replicates of each scenario.
        seed: with a replicate's number, it fixes all of its luck.
        workers: the most processes to use; the result is the same for any number. A script that
            asks for more than one must do so under `if __name__ == "__main__":`.
        block_size: the most replicates to run together; the result is the same for any number.
        parameters: values in place of the scenarios', by path (such as
            `mediators.us.leverage.india`), each of shape (replicates,): so every replicate may have
            values of its own. In a design they have the shape (points * replicates,), one point
            after the other.
        agents: makers of agents to add to each scenario's own, as `CrisisModel` takes them.
        progress: called after each block with the crises done and those in all.
        points: for a design, at how many points to run every replicate, with the same luck at all
            of them; its rows then say in a column `point` which one they belong to.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked, or a block of it fails.
    """
    check_count("workers", workers)
    plan = make_plan(scenarios, replicates, seed, block_size, parameters, agents, points)
    manifest = open_manifest(plan)
    blocks: dict[str, list[Block]] = {one.name: [] for one in plan.scenarios}

    def keep(block: Block) -> None:
        blocks[block.scenario].append(block)

    def fail(failure: BlockFailure) -> None:
        raise BatchError(
            f"{failure.replicates}, seed {failure.seed}: {failure.error}\n{failure.trace}".rstrip()
        )

    _carry_out(plan, workers, keep, fail, progress, StopSign())
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
) -> dict[str, Any]:
    """Run scenarios side by side on the same luck, and write what comes of them to a folder.

    Blocks are written as they come, and memory holds only those in hand, however many replicates
    there are. Blocks that fail are listed in the manifest under `failures`, and the rest of the
    batch goes on. On Ctrl-C the blocks in hand are finished and what there is becomes a result,
    marked `interrupted`.

    Args:
        folder: where to write. Results that it holds are replaced once the new ones are there.
        command: the command line to note in the manifest; this process's own where left out.
        scenarios, replicates, seed, workers, block_size, parameters, agents, progress, points: as
            for `simulate`.

    Returns:
        The manifest; `read_batch` brings the rest back.

    Raises:
        ScenarioError: when a scenario file has mistakes.
        BatchError: when the batch cannot be run as asked.
        ResultsError: when the folder holds other things than results, or cannot be written.
        KeyboardInterrupt: on Ctrl-C, after the results have been written (if a block was finished).
    """
    check_count("workers", workers)
    plan = make_plan(scenarios, replicates, seed, block_size, parameters, agents, points)
    manifest = open_manifest(plan, command)
    outcomes, paths = zip(
        *(schemas(one, agents, points is not None) for one in plan.scenarios), strict=True
    )
    failures: list[BlockFailure] = []
    outcomes_schema = columns.union(outcomes, plan.states)
    paths_schema = columns.union(paths, plan.states) if plan.points is None else None
    with (
        stop_on_interrupt() as stop,
        FolderWriter(Path(folder), outcomes_schema, paths_schema) as writer,
    ):

        def keep(block: Block) -> None:
            writer.add(block.scenario, block.table, block.paths)

        done = _carry_out(plan, workers, keep, failures.append, progress, stop)
        if not done:
            raise KeyboardInterrupt
        interrupted = done < plan.crises
        manifest = close_manifest(manifest, writer.rows, failures, interrupted)
        writer.publish(manifest)
    if interrupted:
        raise KeyboardInterrupt
    return manifest


def _carry_out(
    plan: Plan,
    workers: int,
    keep: Callable[[Block], None],
    fail: Callable[[BlockFailure], None],
    progress: Progress | None,
    stop: StopSign,
) -> int:
    """Run a plan's blocks, hand over what comes of each, in order, and count the crises done."""
    done = 0
    with closing(run_plan(plan, workers, stop)) as results:
        for result in results:
            if isinstance(result, BlockFailure):
                fail(result)
            else:
                keep(result)
            done += result.rows
            if progress is not None:
                progress(done, plan.crises)
    return done


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
