"""A batch on disk: manifest.json, outcomes.parquet and paths.parquet in one folder.

While a batch runs its tables grow under names that end in `.partial`; they take their own names
once they are whole, and the manifest comes last. So a folder with a manifest is a result, and one
without is none.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crisis_sim.batch import columns
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.manifest import FORMAT
from crisis_sim.version import __version__

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MANIFEST, OUTCOMES, PATHS = "manifest.json", "outcomes.parquet", "paths.parquet"
PARTIAL = ".partial"


class FolderWriter:
    """Writes a batch block by block; only the block in hand is in memory.

    Args:
        folder: where to write; made if there is none. Results that it holds are replaced once new
            ones are whole.
        outcomes: all columns of outcomes.parquet.
        paths: all columns of paths.parquet; None for a batch that has no paths.

    Attributes:
        rows: scenario name to the replicates written so far.

    Raises:
        ResultsError: when the folder holds other things than results, or cannot be written.
    """

    def __init__(self, folder: Path, outcomes: pa.Schema, paths: pa.Schema | None) -> None:
        self.folder = folder
        self.rows: Counter[str] = Counter()
        _take_over(folder)
        self._outcomes = _PartialTable(folder / OUTCOMES, outcomes)
        self._paths = _PartialTable(folder / PATHS, paths) if paths is not None else None

    def add(self, scenario: str, table: pa.Table, paths: pa.Table | None) -> None:
        """Write replicates of a scenario, as one row group."""
        self._outcomes.add(table)
        if self._paths is not None and paths is not None:
            self._paths.add(paths)
        self.rows[scenario] += table.num_rows

    def publish(self, manifest: dict[str, Any]) -> None:
        """Make what was written the folder's results."""
        for table in self._tables():
            table.close()
        (self.folder / MANIFEST).unlink(missing_ok=True)
        (self.folder / PATHS).unlink(missing_ok=True)
        for table in self._tables():
            table.publish()
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        partial = self.folder / (MANIFEST + PARTIAL)
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.folder / MANIFEST)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        """After a mishap throw away what was written, and leave what the folder held before."""
        if kind is not None:
            for table in self._tables():
                table.discard()

    def _tables(self) -> list[_PartialTable]:
        return [self._outcomes] + ([self._paths] if self._paths else [])


class _PartialTable:
    """A Parquet file that grows under another name until it is whole."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._path, self._schema = path, schema
        self._partial = path.with_name(path.name + PARTIAL)
        try:
            self._writer: pq.ParquetWriter = pq.ParquetWriter(
                self._partial, schema, compression="zstd"
            )
        except OSError as error:
            self._partial.unlink(missing_ok=True)
            raise _cannot_write(path.parent, error) from error

    def add(self, table: pa.Table) -> None:
        whole = columns.conform(table, self._schema)
        try:
            self._writer.write_table(whole)
        except OSError as error:  # a full disk, most likely
            raise _cannot_write(self._path.parent, error) from error

    def close(self) -> None:
        try:
            self._writer.close()
        except OSError as error:
            raise _cannot_write(self._path.parent, error) from error

    def publish(self) -> None:
        self._partial.replace(self._path)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.close()
        self._partial.unlink(missing_ok=True)


def read_batch(folder: str | Path) -> Batch:
    """Bring back a batch from its folder.

    Raises:
        ResultsError: when the folder is none, holds no results, or results of another layout.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not (folder / OUTCOMES).is_file():
        raise ResultsError(f"{folder / OUTCOMES} is missing, though there is a {MANIFEST}")
    has_paths = (folder / PATHS).is_file()
    ensembles = {
        name: Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=_rows_of(name, folder / OUTCOMES),
            paths=_rows_of(name, folder / PATHS) if has_paths else None,
            scenario=about["scenario"],
        )
        for name, about in manifest["scenarios"].items()
    }
    return Batch(ensembles, manifest)


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """What a results folder says of how it came about.

    Raises:
        ResultsError: when the folder is none, holds no results, or results of another layout.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is no folder; expected one that `crisis-sim run --out` wrote")
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(_no_results(folder)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{folder / MANIFEST} cannot be read: {error}") from error
    try:
        manifest = json.loads(text)
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{folder / MANIFEST}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}"
        ) from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ResultsError(f"{folder / MANIFEST} is not the manifest of a results folder")
    if manifest["format"] != FORMAT:
        raise ResultsError(
            f"{folder} holds results in layout {manifest['format']}; "
            f"Crisis Sim {__version__} reads layout {FORMAT}"
        )
    return manifest


def write_batch(batch: Batch, folder: str | Path) -> None:
    """Write a batch that is in memory.

    Raises:
        ResultsError: when the folder holds other things than results, or cannot be written.
    """
    ensembles = list(batch.ensembles.values())
    states = [state for one in ensembles for state in one.states]
    outcomes = columns.union((one.table.schema for one in ensembles), states)
    path_schemas = [one.paths.schema for one in ensembles if one.paths is not None]
    paths = columns.union(path_schemas, states) if path_schemas else None
    with FolderWriter(Path(folder), outcomes, paths) as writer:
        for one in ensembles:
            writer.add(one.name, one.table, one.paths)
        writer.publish(batch.manifest)


def _rows_of(scenario: str, path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, filters=[("scenario", "==", scenario)], partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def _no_results(folder: Path) -> str:
    if list(folder.glob("*" + PARTIAL)):
        return f"{folder} holds a run that has not finished (or was killed): it has no {MANIFEST}"
    return f"{folder} holds no results: it has no {MANIFEST}"


def check_folder(folder: str | Path) -> bool:
    """Whether a folder holds results that a new batch would replace.

    Raises:
        ResultsError: when it may not be used for results: it holds other things.
    """
    folder = Path(folder)
    try:
        inside = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot_write(folder, error) from error
    foreign = [name for name in inside if not name.endswith(PARTIAL)]
    if foreign and MANIFEST not in inside:
        raise ResultsError(
            f"{folder} holds other things than results ({sorted(foreign)[0]}); "
            "give a new folder, or one that holds results"
        )
    return MANIFEST in inside


def _take_over(folder: Path) -> None:
    """Make a folder ready for results, if it may be used for them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    check_folder(folder)


def _cannot_write(folder: Path, error: OSError) -> ResultsError:
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")
