"""Blocks on disk: each whole or absent, and each under a name that tells whether it is intact.

A block is one Parquet file in `outcomes/`, and for the first replicates one more in `paths/`. Its
name holds its number in the plan, its rows and the beginning of the SHA-256 of what is in it:

    outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet

The name is given last, in one step, by a rename. So whatever is found under such a name was written
to its end, and content that is not what the name says has been damaged since.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import columns
from crisis_sim.batch.block import Block, BlockOrder
from crisis_sim.batch.durable import PARTIAL, sync_folder, write_durably
from crisis_sim.batch.errors import ResultsError

if TYPE_CHECKING:
    import pyarrow as pa

#: Hexadecimal digits of a checksum in a name: one damaged block in 18 billion billion goes unseen.
CHECKSUM_DIGITS = 16
#: How every Parquet file is written; readers that ask for it then find damaged pages, too.
PARQUET = {"compression": "zstd", "write_page_checksum": True}

_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)\.parquet")


@dataclass(frozen=True)
class Receipt:
    """What is known of a block that is on disk; see `Block` for the fields that they share.

    Attributes:
        number: its place in the plan.
        rows: how many crises it holds.
    """

    number: int
    scenario: str
    rows: int
    seconds: float
    agent_turns: int


@dataclass(frozen=True)
class Parcel:
    """A block as the bytes of its files, on their way to where they can be kept."""

    receipt: Receipt
    outcomes: bytes
    paths: bytes | None
    path_rows: int = 0


def pack(block: Block, outcomes: pa.Schema, paths: pa.Schema | None) -> Parcel:
    """The files of a block, with all columns that the batch has.

    Raises:
        ValueError: when it has a column that the batch has not.
    """
    receipt = Receipt(block.number, block.scenario, block.rows, block.seconds, block.agent_turns)
    table = columns.conform(block.table, outcomes)
    if paths is None or block.paths is None:
        return Parcel(receipt, _as_parquet(table), None)
    kept = columns.conform(block.paths, paths)
    return Parcel(receipt, _as_parquet(table), _as_parquet(kept), kept.num_rows)


@dataclass(frozen=True)
class BlockStore:
    """The blocks of a run that is not finished, in two folders.

    Attributes:
        home: the folder that they lie in.
    """

    home: Path

    @property
    def outcomes(self) -> Path:
        """Where blocks of outcomes.parquet are."""
        return self.home / "outcomes"

    @property
    def paths(self) -> Path:
        """Where blocks of paths.parquet are."""
        return self.home / "paths"

    def make(self) -> None:
        """Make the folders where they are missing, and clear away what was never whole.

        Raises:
            OSError: when they cannot be made.
        """
        for folder in (self.outcomes, self.paths):
            folder.mkdir(parents=True, exist_ok=True)
        self.tidy()
        sync_folder(self.home)

    def tidy(self) -> None:
        """Clear away what was never whole; nobody may be writing meanwhile."""
        for folder in (self.outcomes, self.paths):
            for scrap in folder.glob(f"*{PARTIAL}"):
                scrap.unlink(missing_ok=True)

    def keep(self, parcel: Parcel) -> Receipt:
        """Write a block; it is there once its outcomes are, so these come last.

        Raises:
            OSError: when it cannot be written; then it is not there.
        """
        number, rows = parcel.receipt.number, parcel.receipt.rows
        if parcel.paths is not None:
            write_durably(self.paths / _name(number, parcel.path_rows, parcel.paths), parcel.paths)
        write_durably(self.outcomes / _name(number, rows, parcel.outcomes), parcel.outcomes)
        return parcel.receipt

    def rows(self) -> dict[int, int]:
        """For each block that is there, by its name alone, how many crises it holds."""
        return {number: _rows_in(paths[0]) for number, paths in _listed(self.outcomes).items()}

    def check(self, orders: Iterable[BlockOrder], has_paths: bool) -> Iterator[tuple[int, str]]:
        """The blocks that are there and have something wrong, each with what it is.

        They are taken away, so that they are done again.

        Args:
            orders: what the blocks must be.
            has_paths: whether the batch has market paths.
        """
        outcomes, paths = _listed(self.outcomes), _listed(self.paths)
        for order in orders:
            number = order.number
            files = outcomes.get(number, []) + paths.get(number, [])
            if number not in outcomes:
                continue  # market paths alone are of a block that was not finished
            needed = 2 if has_paths and order.keeps_paths else 1
            wrong = next(filter(None, map(_damage, files)), None)
            if len(files) < needed:
                wrong = "its market paths are missing"
            if len(files) > needed or _rows_in(files[0]) != order.rows:
                wrong = "it is not what was to be run"
            if wrong:
                for path in files:
                    path.unlink(missing_ok=True)
                yield number, wrong

    def tables(self, folder: Path) -> Iterator[pa.Table]:
        """The blocks in one of its folders, in the order of the plan; one at a time in memory.

        Raises:
            ResultsError: when one has been damaged since it was written.
        """
        whole = _listed(self.outcomes)  # market paths alone are of a block that was not finished
        for number, (path, *_) in sorted(_listed(folder).items()):
            if number not in whole:
                continue
            damage = _damage(path)
            if damage:
                raise ResultsError(f"{path}: {damage}")
            yield read_parquet(path)


def read_parquet(path: Path | list[str], **how: Any) -> pa.Table:
    """A table from disk; damaged pages are noticed.

    Raises:
        ResultsError: when it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(
            path,
            partitioning=None,
            page_checksum_verification=True,
            pre_buffer=False,  # of use far off; here it costs memory, as threads do
            use_threads=False,
            **how,
        )
    except (OSError, pa.ArrowException) as error:
        where = path if isinstance(path, Path) else Path(path[0]).parent
        raise ResultsError(f"{where} cannot be read: {error}") from error


def _as_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, **PARQUET)
    return buffer.getvalue()


def _name(number: int, rows: int, content: bytes) -> str:
    return f"{number:08}-{rows}-{_checksum(content)}.parquet"


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:CHECKSUM_DIGITS]


def _damage(path: Path) -> str | None:
    named = _NAME.fullmatch(path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    if named is None or _checksum(content) != named[3]:
        return "its content is not what its checksum says"
    return None


def _rows_in(path: Path) -> int:
    named = _NAME.fullmatch(path.name)
    return int(named[2]) if named else 0


def _listed(folder: Path) -> dict[int, list[Path]]:
    """The files of blocks in a folder, by the blocks' numbers."""
    files: dict[int, list[Path]] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            named = _NAME.fullmatch(path.name)
            if named:
                files.setdefault(int(named[1]), []).append(path)
    return files
