"""Files of an experiment's folder that are read back: by plain names only, and each under a checksum.

What is JSON holds its own; of other files the checksum stands in such a one. A folder may be a
stranger's, and disks forget: what a folder says is looked at before it is believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.durable import inside
from crisis_sim.batch.errors import ResultsError

if TYPE_CHECKING:
    import pyarrow as pa

#: The key under which a file holds the checksum of all else that it says.
CHECKSUM = "checksum"
#: What is said of a file that is not what its checksum says.
DAMAGED = "it has been damaged, or changed since it was written"


def canonical_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, in whatever order its keys stand."""
    return digest_of(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def digest_of(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data with the checksum of it."""
    return {**content, CHECKSUM: canonical_digest(content)}


def as_json(content: Mapping[str, Any]) -> bytes:
    """Plain data as the content of its file."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def read_bytes(folder: Path, name: str) -> bytes:
    """What is in a file of a folder.

    Raises:
        ResultsError: when it cannot be read, or is no file of the folder's own.
    """
    path = inside(folder, name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error


def read_json(folder: Path, name: str, content: bytes | None = None) -> dict[str, Any]:
    """Plain data from a file of a folder.

    Args:
        folder: the folder.
        name: the file's name.
        content: what is in it, where that has been read.

    Raises:
        ResultsError: when it cannot be read, is no mapping, or is not what its checksum says.
    """
    try:
        found = json.loads(
            read_bytes(folder, name) if content is None else content, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{folder / name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ResultsError(f"{folder / name} is not what it should be: a mapping")
    if CHECKSUM in found:
        said = {key: value for key, value in found.items() if key != CHECKSUM}
        check(folder / name, found[CHECKSUM] == canonical_digest(said))
    return found


def table_of(path: Path, content: bytes) -> pa.Table:
    """The table in the content of a Parquet file.

    Raises:
        ResultsError: when it is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except (OSError, MemoryError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def parquet_of(table: pa.Table) -> bytes:
    """A table as the content of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def check(path: Path, intact: bool) -> None:
    """Refuse a file that is not what its checksum says.

    Raises:
        ResultsError: when it is not intact.
    """
    if not intact:
        raise ResultsError(f"{path} is not what its checksum says: {DAMAGED}")


@contextmanager
def believed(folder: Path) -> Iterator[None]:
    """Say of what was read from a folder, and makes no sense, that it makes none.

    Raises:
        ResultsError: in place of what Python raises where something is missing, or of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ResultsError(
            f"{folder} does not hold what Crisis Sim writes there ({what})"
        ) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
