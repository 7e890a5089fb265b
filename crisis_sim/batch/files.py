"""Errors of a batch, files that are whole or absent, checksums, and the lock of a folder.

Whatever is wrong with a file that is read raises ResultsError, which says what and where.
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
    """A batch cannot be run as it was asked for, or a block of it failed."""


class ResultsError(BatchError):
    """A folder does not hold results that can be read, or cannot take the results of a run."""


def cannot_write(folder: Path, error: OSError) -> ResultsError:
    """The error to raise where results cannot be written; most likely the disk is full."""
    if error.errno == errno.EXDEV:
        told = "lies on another disk than the folder that it is in; give a folder inside it"
        return ResultsError(f"{folder} {told}")
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an error on writing into a ResultsError that names the folder."""
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


# Files are there whole or not at all, whenever the process is killed or the machine stops.

#: Suffix of files that are not yet written to their end.
PARTIAL = ".partial"


def write_durably(path: Path, content: bytes) -> None:
    """Write a file aside, wait until the disk has it, and only then give it its name."""
    # Nobody else writes under this name, be it another machine that shares the folder.
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
    """Wait until the disk has the content of a file, or the names in a folder."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # Windows opens no folders, and has names on disk by itself
        return
    opened = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove(*paths: Path) -> None:
    """Take away files, and folders with all that they hold; of a link the link alone."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


# A folder is written by one run at a time. Its lock goes with the process that held it, however that
# ended, so a run that was killed holds nobody up.

#: The lock of a folder whose lock lies in it.
LOCK = "run.lock"
#: Which process writes to a folder, in that folder.
WRITER = "writer.json"


@contextmanager
def lock_folder(folder: Path, lock: Path) -> Iterator[str]:
    """Hold a folder, made where it is missing, for one run, by a file that is its lock.

    Gives a token, made up anew for each run: whoever reads it there (`token_in`) sees the same
    folder, at the same time. ResultsError says which other run holds it.
    """
    from filelock import FileLock, Timeout

    about = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": secrets.token_hex(8),
    }
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        other = _about(folder)
        who = f"process {other.get('process')} on {other.get('host')}"
        since = f"has been writing a run to it since {other.get('started')}"
        wrong = f"{who} {since}" if other else "another run writes to it"
        raise ResultsError(f"{folder} is in use: {wrong}") from None
    try:
        folder.mkdir(exist_ok=True)
        write_durably(folder / WRITER, as_json(about))
        yield str(about["token"])
    finally:
        with suppress(OSError):
            (folder / WRITER).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            folder.rmdir()  # unless something is in it
        held.release()


def token_in(folder: Path) -> str | None:
    """The token of the run that holds a folder, as far as it can be seen by this process."""
    return _about(folder).get("token")


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / WRITER).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or not there yet
        return {}
    return about if isinstance(about, dict) else {}


# Files that are read back: by plain names only, and each under a checksum. What is JSON holds its own;
# of other files the checksum stands in such a one. A folder may be a stranger's, and disks forget.

#: The key under which a file holds the checksum of all else that it says.
CHECKSUM = "checksum"
#: Not allowed in a plain file name: folders, drives and streams of Windows, control characters.
_NOT_PLAIN = re.compile(r"[/\\:\x00-\x1f\x7f]")


def inside(folder: Path, name: object, is_folder: bool = False) -> Path:
    """The path of a file, or a folder, in a folder, by a name that somebody else may have written.

    Whether it is there is for its reader to find out. The folder itself may be a link.
    """
    if not isinstance(name, str) or _NOT_PLAIN.search(name) or name in ("", ".", ".."):
        raise ResultsError(f"{folder}: expected the plain name of a file in it, got {name!r}")
    path = folder / name
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:  # the name is too long, or no text of this system
        raise ResultsError(f"{folder}: {name!r} cannot be read: {error}") from error
    expected, found = ("a folder", stat.S_ISDIR) if is_folder else ("a file", stat.S_ISREG)
    if not found(mode):
        is_what = "a link" if stat.S_ISLNK(mode) else "something else"
        raise ResultsError(f"{path} is {is_what}; expected {expected}")
    return path


def digest_of(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_digest(content: Mapping[str, Any], in_order: bool = False) -> str:
    """SHA-256 of plain data; the order of its keys counts only with `in_order`."""
    text = json.dumps(content, sort_keys=not in_order, separators=(",", ":"))
    return digest_of(text.encode())


def with_checksum(content: Mapping[str, Any], in_order: bool = False) -> dict[str, Any]:
    """Plain data with its checksum."""
    return {**content, CHECKSUM: canonical_digest(content, in_order)}


def as_json(content: Mapping[str, Any]) -> bytes:
    """Plain data as the content of its file."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    # A command line may hold bytes that are no text; as backslashes JSON can hold them.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def finite_or_none(data: Any) -> Any:
    """Plain data with null for numbers that are not finite, which JSON has not."""
    if isinstance(data, Mapping):
        return {name: finite_or_none(one) for name, one in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite_or_none(one) for one in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def read_bytes(folder: Path, name: str) -> bytes:
    """The content of a file of a folder."""
    path = inside(folder, name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error


def parse_json(path: Path, content: bytes) -> Any:
    """Plain data from the content of a file."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ResultsError(f"{place}: not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise ResultsError(f"{path} cannot be read: it is nested too deeply") from error
    except ValueError as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def read_json(folder: Path, name: str, content: bytes | None = None) -> dict[str, Any]:
    """Plain data from a file of a folder, or from its content where that has been read."""
    path = folder / name
    found = parse_json(path, read_bytes(folder, name) if content is None else content)
    if not isinstance(found, dict):
        raise ResultsError(f"{path} is not what it should be: a mapping")
    if CHECKSUM in found:
        said = {key: value for key, value in found.items() if key != CHECKSUM}
        check(path, found[CHECKSUM] == canonical_digest(said))
    return found


def check(path: Path, intact: bool) -> None:
    """Raise ResultsError for a file that does not match its checksum."""
    if not intact:
        raise ResultsError(
            f"{path} is not what its checksum says: "
            "it has been damaged, or changed since it was written"
        )


def table_of(path: Path, content: bytes) -> pa.Table:
    """The table in the content of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except (OSError, MemoryError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def parquet_of(table: pa.Table, **how: Any) -> bytes:
    """A table as the content of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", **how)
    return bytes(sink.getvalue())


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn errors from reading a folder's unexpected content into a ResultsError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ResultsError(
            f"{folder} does not hold what Crisis Sim writes there ({what})"
        ) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
