"""Files that are there whole or not at all, whenever the process is killed or the machine stops."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

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
