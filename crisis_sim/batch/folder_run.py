"""One attempt at running a batch into a folder: take up what is there, do what is missing, publish."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import columns
from crisis_sim.batch.block import BlockFailure, schemas
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.filing import Filing
from crisis_sim.batch.folder import MANIFEST, cannot_write, check_files, read_manifest
from crisis_sim.batch.interrupt import StopSign, stop_on_interrupt
from crisis_sim.batch.lock import FolderLock
from crisis_sim.batch.manifest import close_manifest
from crisis_sim.batch.plan import Plan
from crisis_sim.batch.publish import make_folder, publish
from crisis_sim.batch.store import Parcel, marked
from crisis_sim.batch.unfinished import UnfinishedRun, check_same, discard
from crisis_sim.batch.versions import decisive
from crisis_sim.batch.workers import Result, run_plan

if TYPE_CHECKING:
    import pyarrow as pa

#: Told after each block how many crises are done, and how many there are in all.
Progress = Callable[[int, int], None]
#: Told in words what goes on that a person may want to know.
Tell = Callable[[str], None]


class FolderRun:
    """One attempt at running a plan into a folder.

    Args:
        folder: the folder.
        plan: what to run.
        manifest: what is known of it before it runs.
        progress, tell: as `crisis_sim.batch.run.run_to_folder` takes them.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        manifest: dict[str, Any],
        progress: Progress | None,
        tell: Tell | None,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.manifest = manifest
        self.progress = progress or (lambda done, crises: None)
        self.tell = tell or (lambda words: None)
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
            stop_on_interrupt(self.tell) as stop,
            self._locked() as lock,
        ):
            if resume and self._is_finished():
                discard(self.folder)  # it may have been killed as it cleared away
                return read_manifest(self.folder)
            run = self._take_up(resume, restart)
            outcomes = marked(outcomes, run.identity, table="outcomes")
            paths = paths and marked(paths, run.identity, table="paths")
            needed = decisive(self.manifest["versions"])
            task = Filing(self.folder.resolve(), lock.token, outcomes, paths, needed)
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
        whole = columns.union(outcomes, plan.states)
        return whole, None if is_design else columns.union(paths, plan.states)

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
        task: Filing,
        workers: int,
        scheduler: str | None,
        stop: StopSign,
    ) -> int:
        """Run the blocks that are missing, and count the crises of all that have been run."""
        try:
            rows = run.done(self.plan, self.tell)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        done = sum(rows.values())
        if rows:
            self.tell(f"{done:,} of {self.plan.crises:,} crises are there already")
            self.progress(done, self.plan.crises)
        with closing(self._results(task, workers, scheduler, stop, set(rows))) as results:
            for result in results:
                if isinstance(result, BlockFailure):
                    self.failures.append(result)
                    done += result.rows
                else:
                    receipt = task.file(result) if isinstance(result, Parcel) else result
                    done += receipt.rows
                self.progress(done, self.plan.crises)
        if stop.requested and scheduler is None:
            run.store.tidy()  # a signal to all processes may have ended workers as they wrote
        return done

    def _results(
        self, task: Filing, workers: int, scheduler: str | None, stop: StopSign, done: set[int]
    ) -> Generator[Result, None, None]:
        if scheduler is None or len(done) == self.plan.blocks:
            return run_plan(self.plan, workers, stop, task, done)
        from crisis_sim.batch.cluster import run_on_cluster

        orders = self.plan.orders(n for n in range(self.plan.blocks) if n not in done)
        return run_on_cluster(orders, scheduler, workers, stop, task, self.tell)


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
