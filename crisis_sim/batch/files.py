"""Errors of a batch, files written whole or not at all, the lock of a folder, and checksums."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


# --- What can go wrong with a batch, said to the person who asked for it
#
# BatchError            a batch cannot be run as asked, or a block of it failed
# └── ResultsError      a folder cannot be read or written as results


class BatchError(Exception):
    """A batch cannot be run as it was asked for, or a block of it failed."""


class ResultsError(BatchError):
    """A folder does not hold results that can be read, or cannot take the results of a run."""


# --- Files that are there whole or not at all, whenever the process is killed or the machine stops
#
# And what to make sure of before a file is read from a folder that somebody else may have made.

#: How names end while what they name is not whole.
PARTIAL = ".partial"


def write_durably(path: Path, content: bytes) -> None:
    """Write a file aside, wait until the disk has it, and only then give it its name.

    Raises:
        OSError: when it cannot be written; then nothing of it is left.
    """
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
    sync_folder(path.parent)


def rename_durably(path: Path, to: Path) -> None:
    """Give a file whose writer has closed it its own name, once the disk has it.

    Raises:
        OSError: when the disk does not take it.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    path.replace(to)
    sync_folder(to.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, too."""
    if os.name == "nt":  # Windows opens no folders, and has names on disk by itself
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


#: What a plain name of a file has none of: folders, drives and streams of Windows, control characters.
_NOT_PLAIN = re.compile(r"[/\\:\x00-\x1f\x7f]")


def inside(folder: Path, name: object, is_folder: bool = False) -> Path:
    """The path of a file in a folder, by a name that somebody else may have written.

    Whether it is there is for its reader to find out.

    Args:
        folder: the folder; a link to one will do.
        name: the name of the file: a plain name, without folders.
        is_folder: whether it is to be a folder instead.

    Raises:
        ResultsError: when the name is no plain name, or there is something else under it than a
            file of its own: a link, a folder, a pipe, a device.
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


def sha256_of(path: Path) -> str:
    """The SHA-256 of what is in a file, in hexadecimal digits.

    Raises:
        OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- A folder is written by one run at a time
#
# The lock is the kernel's (`flock`): it is gone with the process that held it, however that ended, so
# no lock is ever left behind by a run that was killed.

try:
    import fcntl
except ImportError:  # Windows: runs there must not be started twice
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"


class FolderLock:
    """Holds a folder for one run, from `take` to `close`.

    Args:
        folder: the folder, which must be there.

    Attributes:
        token: made up anew for each run; who reads it in the lock's file sees the same folder, at
            the same time.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self.token = secrets.token_hex(8)
        self._file: int | None = None

    def take(self) -> None:
        """Take hold of the folder.

        Raises:
            ResultsError: when another run holds it; says which.
            OSError: when the lock's file cannot be written.
        """
        self._file = self._take()
        about = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": self.token,
        }
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, json.dumps(about).encode())
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the folder."""
        if self._file is not None:
            # First the name, then the lock: who waits for neither finds no lock of nobody's.
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _take(self) -> int:
        while True:
            # Never through a link, which may lead out of a folder that somebody else has made.
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
            try:
                _lock(file)
                if _is(self.path, file):
                    return file
            except BlockingIOError:
                os.close(file)
                raise ResultsError(f"{self.path.parent} is in use: {_holder(self.path)}") from None
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # the run that held it has just ended, and took the name away


def token_in(folder: Path) -> str | None:
    """The token of the run that holds a folder, as far as can be seen from here."""
    return _read(folder / LOCK).get("token")


def _lock(file: int) -> None:
    if fcntl is None:
        return  # type: ignore[unreachable]  # on Windows it is reached
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks, as some clusters have: better than no results
        return


def _is(path: Path, file: int) -> bool:
    """Whether a name still stands for an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    about = _read(path)
    if not about:
        return "another run writes to it"
    return (
        f"process {about.get('process')} on {about.get('host')} "
        f"has been writing a run to it since {about.get('started')}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or being written just now
        return {}
    return about if isinstance(about, dict) else {}


# --- Files of an experiment's folder that are read back: by plain names only, and each under a checksum
#
# What is JSON holds its own; of other files the checksum stands in such a one. A folder may be a
# stranger's, and disks forget: what a folder says is looked at before it is believed.

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
