"""Running a batch, in memory or into a folder, and going on with one that was cut short."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crisis_sim.batch import block
from crisis_sim.batch import block as columns
from crisis_sim.batch.block import Block, BlockFailure, schemas
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.files import (
    PARTIAL,
    BatchError,
    FolderLock,
    ResultsError,
    rename_durably,
    sha256_of,
    sync_folder,
    write_durably,
)
from crisis_sim.batch.folder import (
    MANIFEST,
    OUTCOMES,
    OUTCOMES_FOLDER,
    PARAMETERS,
    PARQUET,
    PATHS,
    BlockTask,
    EncodedBlock,
    UnfinishedRun,
    blocks_in,
    cannot_write,
    check_files,
    check_folder,
    check_parameters,
    check_same,
    discard,
    marked,
    names_digest,
    read_manifest,
)
from crisis_sim.batch.manifest import (
    as_json,
    close_manifest,
    decisive,
    identity_of,
    open_manifest,
    seal,
)
from crisis_sim.batch.plan import Plan, check_count, make_plan
from crisis_sim.batch.workers import Result, StopSign, run_plan, stop_on_interrupt

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from crisis_sim.scenario.schema import Scenario


# --- From blocks, or from memory, to the results in a folder
#
# Tables grow under names that end in `.partial`. Once they are on disk the manifest of older results
# is taken away, then the tables take their names, and the new manifest comes last: at no moment is
# there a manifest beside what it does not describe.

#: Crises of which the outcomes are one file. Beyond that the blocks themselves become the results,
#: in a folder: nothing is written twice, and no reader has to take in the index of a giant file
#: (which grows by some 5 kB a block) before it sees a row.
ONE_FILE_CRISES = 2**24


def publish(
    run: UnfinishedRun, manifest: dict[str, Any], outcomes: pa.Schema, paths: pa.Schema | None
) -> dict[str, Any]:
    """Make the blocks of a run the results of its folder; one block is in memory at a time.

    Args:
        run: a run whose blocks are all there, but for those that failed.
        manifest: how the results came about.
        outcomes, paths: all columns of each table.

    Returns:
        The manifest as it was written, with the checksums of the files.

    Raises:
        ResultsError: when they cannot be written, or a block has been damaged.
    """
    as_folder = run.crises > ONE_FILE_CRISES
    schemas = ({} if as_folder else {OUTCOMES: outcomes}) | ({PATHS: paths} if paths else {})
    with FolderWriter(run.folder, schemas) as writer:
        if not as_folder:
            for table in run.store.tables(run.store.outcomes):
                writer.add(OUTCOMES, table)
        if paths:
            for table in run.store.tables(run.store.paths):
                writer.add(PATHS, table)
        written = writer.publish(
            manifest,
            check_parameters(run.home, run.manifest),
            run.store.outcomes if as_folder else None,
        )
    if not manifest["failures"]:
        discard(run.folder)
    return written


def write_batch(batch: Batch, folder: str | Path) -> None:
    """Write a batch that is in memory.

    Raises:
        ResultsError: when the folder holds other things than results, or cannot be written, or the
            batch's manifest is of other scenarios.
    """
    folder = Path(folder)
    ensembles = list(batch.ensembles.values())
    manifest = _manifest_of(batch)
    states = [state for one in ensembles for state in one.states]
    schemas = {OUTCOMES: block.union((one.table.schema for one in ensembles), states)}
    of_paths = [one.paths.schema for one in ensembles if one.paths is not None]
    if of_paths:
        schemas[PATHS] = block.union(of_paths, states)
    identity = identity_of(manifest)
    schemas = {name: marked(one, identity, table=Path(name).stem) for name, one in schemas.items()}
    make_folder(folder)
    unfinished = UnfinishedRun.of(folder)
    if unfinished:
        raise ResultsError(unfinished.say())
    lock = FolderLock(folder)
    with _telling(folder):
        lock.take()
    with contextlib.closing(lock), FolderWriter(folder, schemas) as writer:
        for one in ensembles:
            writer.add(OUTCOMES, one.table)
            if one.paths is not None:
                writer.add(PATHS, one.paths)
        writer.publish(manifest)


def _manifest_of(batch: Batch) -> dict[str, Any]:
    """A batch's manifest with as many replicates as there are now: some may have been left out."""
    known = batch.manifest.get("scenarios", {})
    names = [one.name for one in batch.ensembles.values()]
    if sorted(names) != sorted(known):
        raise ResultsError(
            f"the manifest of the batch is of other scenarios than it holds: {', '.join(known)}; "
            f"expected {', '.join(names)}"
        )
    done = {one.name: one.replicates for one in batch.ensembles.values()}
    scenarios = {name: {**known[name], "replicates_done": done[name]} for name in known}
    return {**batch.manifest, "scenarios": scenarios}


def make_folder(folder: Path) -> bool:
    """Make a folder ready for results, if it may be used for them, and tell whether it is new.

    Raises:
        ResultsError: when it holds other things, or cannot be made.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    check_folder(folder)
    return is_new


class FolderWriter:
    """Writes the tables of a batch bit by bit, and makes them the results of a folder at the end.

    Args:
        folder: where to write. Results that it holds are replaced once the new ones are on disk.
        schemas: for each file, all of its columns.

    Raises:
        ResultsError: when it cannot be written.
    """

    def __init__(self, folder: Path, schemas: Mapping[str, pa.Schema]) -> None:
        self.folder = folder
        self._tables: dict[str, _PartialTable] = {}
        with _telling(self.folder):
            for name, schema in schemas.items():
                self._tables[name] = _PartialTable(folder / name, schema)

    def add(self, name: str, table: pa.Table) -> None:
        """Write rows of a file, as one row group."""
        with _telling(self.folder):
            self._tables[name].add(table)

    def publish(
        self,
        manifest: Mapping[str, Any],
        parameters: bytes | None = None,
        outcomes: Path | None = None,
    ) -> dict[str, Any]:
        """Make what was written the folder's results.

        Args:
            manifest: how they came about.
            parameters: the content of parameters.parquet, for a batch that has one.
            outcomes: a folder of blocks that are the outcomes, for a batch that has no file of them.

        Returns:
            The manifest as it was written, with the checksums of the files.
        """
        with _telling(self.folder):
            files = {name: table.close() for name, table in self._tables.items()}
            if outcomes is not None:
                files[OUTCOMES_FOLDER] = names_digest(blocks_in(outcomes))
            if parameters is not None:
                files[PARAMETERS] = hashlib.sha256(parameters).hexdigest()
            sealed = seal({**manifest, "files": files})
            _withdraw(self.folder)
            for table in self._tables.values():
                table.publish()
            if outcomes is not None:
                outcomes.replace(self.folder / OUTCOMES_FOLDER)
                sync_folder(outcomes.parent)
            if parameters is not None:
                write_durably(self.folder / PARAMETERS, parameters)
            write_durably(self.folder / MANIFEST, as_json(sealed))
        return sealed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        """After a mishap throw away what was written, and leave what the folder held before."""
        if kind is not None:
            for table in self._tables.values():
                table.discard()


@contextlib.contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Say of what cannot be written that it cannot: the disk is full, most likely."""
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


class _PartialTable:
    """A Parquet file that grows under another name until it is whole."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._path, self._schema = path, schema
        self._partial = path.with_name(path.name + PARTIAL)
        if self._partial.is_file() or not self._partial.exists():
            self._partial.unlink(missing_ok=True)  # it may be a link that leads out of the folder
        try:
            self._writer: pq.ParquetWriter = pq.ParquetWriter(self._partial, schema, **PARQUET)
        except OSError:
            self._partial.unlink(missing_ok=True)
            raise

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(block.conform(table, self._schema))

    def close(self) -> str:
        """End the file, and tell its checksum."""
        self._writer.close()
        return sha256_of(self._partial)

    def publish(self) -> None:
        rename_durably(self._partial, self._path)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.close()
        self._partial.unlink(missing_ok=True)


def _withdraw(folder: Path) -> None:
    """Take away the results that a folder holds, the manifest first."""
    for name in (MANIFEST, OUTCOMES, PATHS, PARAMETERS):
        (folder / name).unlink(missing_ok=True)
        if name == MANIFEST:
            sync_folder(folder)
    if (folder / OUTCOMES_FOLDER).is_dir():
        shutil.rmtree(folder / OUTCOMES_FOLDER)


# --- One attempt at running a batch into a folder: take up what is there, do what is missing, publish

#: Told after each block how many crises are done, and how many there are in all.
Progress = Callable[[int, int], None]
#: Told in words what goes on that a person may want to know.
OnMessage = Callable[[str], None]


class FolderRun:
    """One attempt at running a plan into a folder.

    Args:
        folder: the folder.
        plan: what to run.
        manifest: what is known of it before it runs.
        progress, on_message: as `crisis_sim.batch.run.run_to_folder` takes them.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        manifest: dict[str, Any],
        progress: Progress | None,
        on_message: OnMessage | None,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.manifest = manifest
        self.progress = progress or (lambda done, crises: None)
        self.on_message = on_message or (lambda words: None)
        self.failures: list[BlockFailure] = []

    def carry_out(
        self, workers: int, scheduler: str | None, resume: bool, restart: bool
    ) -> dict[str, Any]:
        """Do what is missing, make all of it the folder's results, and give back their manifest.

        Arguments and errors are those of `crisis_sim.batch.run.run_to_folder`.
        """
        outcomes, paths = self._schemas()
        with (
            _clearing_up(self.folder, is_new=make_folder(self.folder)),
            stop_on_interrupt(self.on_message) as stop,
            self._locked() as lock,
        ):
            if resume and self._is_finished():
                discard(self.folder)  # it may have been killed as it cleared away
                return read_manifest(self.folder)
            run = self._take_up(resume, restart)
            outcomes = marked(outcomes, run.identity, table="outcomes")
            paths = paths and marked(paths, run.identity, table="paths")
            needed = decisive(self.manifest["versions"])
            task = BlockTask(self.folder.resolve(), lock.token, outcomes, paths, needed)
            try:
                done = self._run_blocks(run, task, workers, scheduler, stop)
                if done < self.plan.crises:
                    stop.obey()
                self.failures.sort(key=lambda failure: failure.number)
                manifest = close_manifest(run.manifest, run.rows_by_scenario(), self.failures)
                manifest = publish(run, manifest, outcomes, paths)
            except ResultsError as error:
                if self._keeps_nothing(run):
                    raise
                raise ResultsError(f"{error}\n{run.say()}") from error
            except BaseException:
                self._keeps_nothing(run)
                raise
        return manifest

    def _keeps_nothing(self, run: UnfinishedRun) -> bool:
        """Whether there is nothing to go on with; then nothing is left of the run."""
        if run.store.rows() or not run.store.outcomes.exists():  # or they are published already
            return False
        discard(self.folder)
        return True

    def _schemas(self) -> tuple[pa.Schema, pa.Schema | None]:
        """All columns of outcomes and of market paths."""
        plan = self.plan
        is_design = plan.points is not None
        outcomes, paths = zip(
            *(schemas(one, plan.agents, is_design) for one in plan.scenarios), strict=True
        )
        whole = block.union(outcomes, plan.states)
        return whole, None if is_design else block.union(paths, plan.states)

    @contextmanager
    def _locked(self) -> Iterator[FolderLock]:
        lock = FolderLock(self.folder)
        try:
            lock.take()
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        with closing(lock):
            yield lock

    def _is_finished(self) -> bool:
        """Whether the folder holds the results of this very batch.

        Raises:
            ResultsError: when it holds those of another, or files that are not of it.
        """
        if UnfinishedRun.of(self.folder) or not (self.folder / MANIFEST).exists():
            return False
        manifest = read_manifest(self.folder)
        check_same(self.folder, self.folder, manifest, self.plan, self.manifest)
        check_files(self.folder, manifest)
        return True

    def _take_up(self, resume: bool, restart: bool) -> UnfinishedRun:
        """The run that the folder holds and that goes on, or a new one."""
        found = None if restart else UnfinishedRun.of(self.folder)
        if found and resume:
            found.check_sealed()
            check_same(self.folder, found.home, found.manifest, self.plan, self.manifest)
            return found
        if found and found.store.rows() and not found.is_published:
            raise ResultsError(f"{found.say()}\nor throw it away and begin anew: --restart")
        try:
            return UnfinishedRun.begin(self.folder, self.plan, self.manifest)
        except OSError as error:
            discard(self.folder)
            raise cannot_write(self.folder, error) from error

    def _run_blocks(
        self,
        run: UnfinishedRun,
        task: BlockTask,
        workers: int,
        scheduler: str | None,
        stop: StopSign,
    ) -> int:
        """Run the blocks that are missing, and count the crises of all that have been run."""
        try:
            rows = run.done(self.plan, self.on_message)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        done = sum(rows.values())
        if rows:
            self.on_message(f"{done:,} of {self.plan.crises:,} crises are there already")
            self.progress(done, self.plan.crises)
        with closing(self._results(task, workers, scheduler, stop, set(rows))) as results:
            for result in results:
                if isinstance(result, BlockFailure):
                    self.failures.append(result)
                    done += result.rows
                else:
                    receipt = task.file(result) if isinstance(result, EncodedBlock) else result
                    done += receipt.rows
                self.progress(done, self.plan.crises)
        if stop.requested and scheduler is None:
            run.store.tidy()  # a signal to all processes may have ended workers as they wrote
        return done

    def _results(
        self, task: BlockTask, workers: int, scheduler: str | None, stop: StopSign, done: set[int]
    ) -> Generator[Result, None, None]:
        if scheduler is None or len(done) == self.plan.blocks:
            return run_plan(self.plan, workers, stop, task, done)
        from crisis_sim.batch.workers import run_on_cluster

        orders = self.plan.orders(n for n in range(self.plan.blocks) if n not in done)
        return run_on_cluster(orders, scheduler, workers, stop, task, self.on_message)


@contextmanager
def _clearing_up(folder: Path, is_new: bool) -> Iterator[None]:
    """Leave no empty folder behind where there was none, and nothing came of the run."""
    try:
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()
        raise


# --- Running a batch: into memory, or block by block into a folder, where it can go on after anything


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
    on_message: OnMessage | None = None,
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
        on_message: called with messages on what goes on: damaged blocks, a cluster's address, a stop.
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
    return FolderRun(folder, plan, manifest, progress, on_message).carry_out(
        workers, scheduler, resume=resume, restart=restart
    )


def resume(
    folder: str | Path,
    workers: int = 1,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    *,
    scheduler: str | None = None,
    on_message: OnMessage | None = None,
) -> dict[str, Any]:
    """Go on with the run that a folder holds, with all that it was begun with; do what is missing.

    Blocks that have been damaged are done again, and those that failed are tried again. A run that
    is finished is left as it is.

    Args:
        folder: the folder that `run_to_folder` wrote to.
        agents: the makers of agents with which it was begun, since a folder cannot hold code.
        workers, progress, scheduler, on_message: as for `run_to_folder`.

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
    return FolderRun(folder, plan, manifest, progress, on_message).carry_out(
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
