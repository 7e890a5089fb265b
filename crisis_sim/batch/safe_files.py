"""Errors of a batch, atomic writes, checksums, and the lock of a folder.

Any fault of a file that is read raises ResultsError with the path and the reason.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.scenario.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa


class BatchError(RequestError):
    """The batch cannot be run as requested, or one of its blocks failed."""


class ResultsError(BatchError):
    """The folder contains no readable results, or results cannot be written to it."""


def cannot_write(folder: Path, error: OSError) -> ResultsError:
    """Return the error to raise when writing fails, for example because the disk is full."""
    if error.errno == errno.EXDEV:
        return ResultsError(
            f"{folder} is on a different disk than its parent folder; give a folder inside it"
        )
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn write errors into a ResultsError that names the folder."""
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


# Atomic writes: a file is complete or absent, even if the process is killed or the machine stops.

#: Suffix of incomplete files.
PARTIAL = ".partial"


def write_durably(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, and then rename it."""
    # The random part keeps apart machines that share the folder.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to disk."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # Windows cannot open folders, and flushes names by itself
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(*paths: Path) -> None:
    """Delete files, and folders with their content. A link is deleted, but not its target."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# One run at a time writes to a folder. The operating system releases the lock when the process ends,
# even if it is killed.

#: The name of a lock file inside the folder that it locks.
LOCK = "run.lock"
#: The file that identifies the process that writes to a folder.
WRITER = "writer.json"


@contextmanager
def lock_folder(folder: Path, lock: Path) -> Iterator[str]:
    """Create a folder if it is missing, and lock it for one run; ResultsError if another run has locked it.

    Yields a token that is new for each run. A process that reads the same token (`token_in`) sees the same folder.
    """
    from filelock import FileLock, Timeout

    writer = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": secrets.token_hex(8),
    }
    lock.parent.mkdir(parents=True, exist_ok=True)
    folder_lock = FileLock(lock)
    try:
        folder_lock.acquire(timeout=0)
    except Timeout:
        other = _writer(folder)
        process = f"process {other.get('process')} on {other.get('host')}"
        since = f"has been writing a run to it since {other.get('started')}"
        reason = f"{process} {since}" if other else "another run is writing to it"
        raise ResultsError(f"{folder} is in use: {reason}") from None
    try:
        folder.mkdir(exist_ok=True)
        write_durably(folder / WRITER, as_json(writer))
        yield str(writer["token"])
    finally:
        with suppress(OSError):
            (folder / WRITER).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            folder.rmdir()  # fails, as it should, unless the folder is empty
        folder_lock.release()


def token_in(folder: Path) -> str | None:
    """Return the token of the run that has locked a folder, or None if this process cannot see one."""
    return _writer(folder).get("token")


def _writer(folder: Path) -> dict[str, Any]:
    try:
        writer = json.loads((folder / WRITER).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # deleted, or not yet written
        return {}
    return writer if isinstance(writer, dict) else {}


# Reading files back. A folder may come from somebody else, and disks fail: names must be plain, and every
# file is checked. A JSON file contains its own checksum, and the checksums of files of other kinds.

#: The key of a JSON file's checksum, which covers all its other keys.
CHECKSUM = "checksum"
#: Not allowed in a plain file name: folders, drives and streams of Windows, control characters.
_NOT_PLAIN = re.compile(r"[/\\:\x00-\x1f\x7f]")


def inside(folder: Path, name: object, is_folder: bool = False) -> Path:
    """Return the path of a file (or folder) in a folder, given a name from an untrusted source.

    ResultsError unless the name is plain. The path need not exist, but it must not be a link or of another kind.
    """
    if not isinstance(name, str) or _NOT_PLAIN.search(name) or name in ("", ".", ".."):
        raise ResultsError(f"{folder}: expected the plain name of a file in it, got {name!r}")
    path = folder / name
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:  # the name is too long, or not valid on this system
        raise ResultsError(f"{folder}: {name!r} cannot be read: {error}") from error
    expected, is_expected = ("a folder", stat.S_ISDIR) if is_folder else ("a file", stat.S_ISREG)
    if not is_expected(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "something else"
        raise ResultsError(f"{path} is {kind}; expected {expected}")
    return path


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_digest(content: Mapping[str, Any], in_order: bool = False) -> str:
    """Return the SHA-256 of plain data; the order of keys matters only with `in_order`."""
    text = json.dumps(content, sort_keys=not in_order, separators=(",", ":"))
    return digest_of(text.encode())


def with_checksum(content: Mapping[str, Any], in_order: bool = False) -> dict[str, Any]:
    """Return plain data with its checksum added."""
    return {**content, CHECKSUM: canonical_digest(content, in_order)}


def as_json(content: Mapping[str, Any]) -> bytes:
    """Return plain data as the content of a JSON file."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    # A command line may contain bytes that are not text; JSON can represent them with backslashes.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def finite_or_none(data: Any) -> Any:
    """Return plain data with None in place of infinities and NaN, which JSON lacks."""
    if isinstance(data, Mapping):
        return {name: finite_or_none(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite_or_none(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def read_bytes(folder: Path, name: str) -> bytes:
    """Return the content of a file in a folder."""
    path = inside(folder, name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error


def parse_json(path: Path, content: bytes) -> Any:
    """Parse the content of a JSON file; the path is for messages."""
    try:
        return json.loads(content, parse_constant=_reject)
    except json.JSONDecodeError as error:
        position = f"{path}:{error.lineno}:{error.colno}"
        raise ResultsError(f"{position}: not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise ResultsError(f"{path} cannot be read: it is nested too deeply") from error
    except ValueError as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def read_json(folder: Path, name: str, content: bytes | None = None) -> dict[str, Any]:
    """Return the data of a JSON file in a folder, or of its `content` if given, and verify the checksum, if any."""
    path = folder / name
    data = parse_json(path, read_bytes(folder, name) if content is None else content)
    if not isinstance(data, dict):
        raise ResultsError(f"{path}: expected a JSON object")
    if CHECKSUM in data:
        others = {key: value for key, value in data.items() if key != CHECKSUM}
        check(path, data[CHECKSUM] == canonical_digest(others))
    return data


def check(path: Path, intact: bool) -> None:
    """Raise ResultsError unless a file is intact, that is, matches its checksum."""
    if not intact:
        raise ResultsError(
            f"{path} does not match its checksum: it has been damaged or changed, or belongs to another run"
        )


def table_of(path: Path, content: bytes) -> pa.Table:
    """Parse the content of a Parquet file; the path is for messages."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except (OSError, MemoryError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    """Return a table as the content of a Parquet file; `options` are those of `pyarrow.parquet.write_table`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", **options)
    return bytes(sink.getvalue())


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn errors caused by unexpected content of a folder into a ResultsError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ResultsError(
            f"{folder} does not contain what Crisis Sim writes there ({reason})"
        ) from error


def _reject(constant: str) -> None:
    raise ValueError(f"JSON has no number {constant}")
