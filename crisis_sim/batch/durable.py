"""Files that are there whole or not at all, whenever the process is killed or the machine stops.

And what to make sure of before a file is read from a folder that somebody else may have made.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from crisis_sim.batch.errors import ResultsError

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
