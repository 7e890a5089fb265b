"""From blocks, or from memory, to the results in a folder.

Tables grow under names that end in `.partial`. Once they are on disk the manifest of older results
is taken away, then the tables take their names, and the new manifest comes last: at no moment is
there a manifest beside what it does not describe.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crisis_sim.batch import columns
from crisis_sim.batch.durable import PARTIAL, rename_durably, sha256_of, sync_folder, write_durably
from crisis_sim.batch.ensemble import Batch
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.folder import (
    MANIFEST,
    OUTCOMES,
    OUTCOMES_FOLDER,
    PARAMETERS,
    PATHS,
    cannot_write,
    check_folder,
)
from crisis_sim.batch.lock import FolderLock
from crisis_sim.batch.manifest import as_json, identity_of, seal
from crisis_sim.batch.store import PARQUET, blocks_in, marked, names_digest
from crisis_sim.batch.unfinished import UnfinishedRun, check_parameters, discard

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    schemas = {OUTCOMES: columns.union((one.table.schema for one in ensembles), states)}
    of_paths = [one.paths.schema for one in ensembles if one.paths is not None]
    if of_paths:
        schemas[PATHS] = columns.union(of_paths, states)
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
        self._writer.write_table(columns.conform(table, self._schema))

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
