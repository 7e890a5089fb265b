"""Blocks on disk: each whole or absent, its name tells whether it is intact, and it says what it is.

A block is one Parquet file in `outcomes/`, and for the first replicates one more in `paths/`. Its
name holds its number in the plan, its rows and the beginning of the SHA-256 of what is in it:

    outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet

The name is given last, in one step, by a rename. So whatever is found under such a name was written
to its end, and content that is not what the name says has been damaged since. What is intact and does
not bear the mark of the block that belongs there has come from elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import columns
from crisis_sim.batch.block import Block, BlockOrder
from crisis_sim.batch.durable import PARTIAL, inside, sync_folder, write_durably
from crisis_sim.batch.errors import ResultsError

if TYPE_CHECKING:
    import pyarrow as pa

#: Hexadecimal digits of a checksum in a name: one damaged block in 18 billion billion goes unseen.
CHECKSUM_DIGITS = 16
#: How every Parquet file is written; readers that ask for it then find damaged pages, too.
PARQUET = {"compression": "zstd", "write_page_checksum": True}

#: Where Parquet files say which batch they belong to, and which part of it they are.
MARK = b"crisis_sim"

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

    Args:
        block: the block.
        outcomes, paths: the columns, marked with the batch's identity (`marked`).

    Raises:
        ValueError: when it has a column that the batch has not.
    """
    receipt = Receipt(block.number, block.scenario, block.rows, block.seconds, block.agent_turns)
    content = _as_parquet(columns.conform(block.table, _marked_as(block, "outcomes", outcomes)))
    if paths is None or block.paths is None:
        return Parcel(receipt, content, None)
    kept = columns.conform(block.paths, _marked_as(block, "paths", paths))
    return Parcel(receipt, content, _as_parquet(kept), kept.num_rows)


def marked(schema: pa.Schema, identity: str, **part: Any) -> pa.Schema:
    """Columns that say of which batch they are, by its identity, and which part of it, if not all."""
    return schema.with_metadata({MARK: json.dumps({"identity": identity, **part})})


def mark_of(schema: pa.Schema) -> dict[str, Any]:
    """What `marked` wrote; nothing where it did not."""
    try:
        mark = json.loads((schema.metadata or {}).get(MARK, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return mark if isinstance(mark, dict) else {}


def mark_in(path: Path) -> dict[str, Any]:
    """What a Parquet file says of which batch and which part of it it is; nothing where it does not.

    Raises:
        ResultsError: when it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return mark_of(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


@dataclass(frozen=True)
class BlockStore:
    """The blocks of a run that is not finished, in two folders.

    Attributes:
        home: the folder that they lie in.
        identity: that of their batch.
    """

    home: Path
    identity: str = ""

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
            ResultsError: when one of them is a link to somewhere else.
        """
        for folder in (self.outcomes, self.paths):
            inside(self.home, folder.name, is_folder=True).mkdir(parents=True, exist_ok=True)
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

        They are taken away, so that they are done again, and so is what is no block of the batch.

        Args:
            orders: what the blocks must be.
            has_paths: whether the batch has market paths.
        """
        outcomes, paths = _listed(self.outcomes), _listed(self.paths)
        for number in paths.keys() - outcomes.keys():
            _remove(paths[number])  # of a block that was not finished
        left = iter(orders)
        while outcomes and (order := next(left, None)):
            files = outcomes.pop(order.number, [])
            if not files:
                continue
            files += paths.get(order.number, [])
            needed = 2 if has_paths and order.keeps_paths else 1
            wrong = next(filter(None, (self._wrong(path, order) for path in files)), None)
            if len(files) < needed:
                wrong = "its market paths are missing"
            if len(files) > needed or _rows_in(files[0]) != order.rows:
                wrong = "it is not what was to be run"
            if wrong:
                _remove(files)
                yield order.number, wrong
        for number, files in outcomes.items():
            _remove(files + paths.get(number, []))
            yield number, "there is no such block in what was to be run"

    def tables(self, folder: Path) -> Iterator[pa.Table]:
        """The blocks in one of its folders, in the order of the plan; one at a time in memory.

        Raises:
            ResultsError: when one has been damaged since it was written.
        """
        whole = _listed(self.outcomes)  # market paths alone are of a block that was not finished
        for number, (path, *_) in sorted(_listed(folder).items()):
            if number not in whole:
                continue
            check_block(path)
            yield read_parquet(path)

    def _wrong(self, path: Path, order: BlockOrder) -> str | None:
        """What is wrong with a file that should be of a block, None where nothing is."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            content = _content(path)
            file = pq.ParquetFile(pa.BufferReader(content))
        except (ResultsError, OSError, pa.ArrowException) as error:
            return str(error)
        mark = mark_of(file.schema_arrow)
        if mark.get("identity", "") != self.identity:
            return "it is of another run"
        if mark != _mark(
            order, path.parent.name, self.identity
        ) or file.metadata.num_rows != _rows_in(path):
            return "it is another block"
        return None


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


def blocks_in(folder: Path) -> list[Path]:
    """The files of blocks in a folder, in the order of the plan.

    Raises:
        ResultsError: when it is a link to somewhere else.
    """
    files = _listed(inside(folder.parent, folder.name, is_folder=True))
    return [path for _, of_block in sorted(files.items()) for path in of_block]


def names_digest(files: Iterable[Path]) -> str:
    """The SHA-256 of the names of blocks, one a line: of all that is in them, since each name is of its content."""
    return hashlib.sha256("".join(f"{path.name}\n" for path in files).encode()).hexdigest()


def check_block(path: Path) -> None:
    """Make sure that a block's file is what its name says.

    Raises:
        ResultsError: when it has been damaged since it was written.
    """
    try:
        _content(path)
    except ResultsError as error:
        raise ResultsError(f"{path}: {error}") from error


def _content(path: Path) -> bytes:
    """What is in a block's file.

    Raises:
        ResultsError: when it is not what the name of the file says; does not name the file.
    """
    named = _NAME.fullmatch(path.name)
    try:
        content = inside(path.parent, path.name).read_bytes()
    except OSError as error:
        raise ResultsError(f"it cannot be read: {error.strerror or error}") from error
    if named is None or _checksum(content) != named[3]:
        raise ResultsError("its content is not what its checksum says")
    return content


def _mark(of: Block | BlockOrder, table: str, identity: str) -> dict[str, Any]:
    """What the file of a block in one of the two tables says of itself."""
    return {
        "identity": identity,
        "table": table,
        "block": of.number,
        "scenario": of.scenario if isinstance(of.scenario, str) else of.scenario.name,
        "first_replicate": of.first,
        "replicates": of.count,
        "first_point": of.first_point,
        "points": of.points,
    }


def _marked_as(block: Block, table: str, schema: pa.Schema) -> pa.Schema:
    return marked(schema, **_mark(block, table, mark_of(schema).get("identity", "")))


def _remove(files: Iterable[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


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
