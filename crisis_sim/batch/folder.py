"""A folder of results: its blocks while it is unfinished, its tables and manifest when it is done."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import block as blocks
from crisis_sim.batch import block as columns
from crisis_sim.batch import manifest as differences
from crisis_sim.batch.block import Block, BlockFailure, BlockOrder, Watch, failure
from crisis_sim.batch.ensemble import Batch, Ensemble, coded
from crisis_sim.batch.files import (
    LOCK,
    PARTIAL,
    BatchError,
    ResultsError,
    inside,
    sha256_of,
    sync_folder,
    token_in,
    write_durably,
)
from crisis_sim.batch.manifest import (
    as_json,
    check_manifest,
    decisive,
    identity_of,
    is_sealed,
    load_manifest,
    seal,
    versions,
)
from crisis_sim.batch.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


# --- Blocks on disk: each whole or absent, its name tells whether it is intact, and it says what it is
#
# A block is one Parquet file in `outcomes/`, and for the first replicates one more in `paths/`. Its
# name holds its number in the plan, its rows and the beginning of the SHA-256 of what is in it:
#
#     outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet
#
# The name is given last, in one step, by a rename. So whatever is found under such a name was written
# to its end, and content that is not what the name says has been damaged since. What is intact and does
# not bear the mark of the block that belongs there has come from elsewhere.

#: Hexadecimal digits of a checksum in a name: one damaged block in 18 billion billion goes unseen.
CHECKSUM_DIGITS = 16
#: How every Parquet file is written; readers that ask for it then find damaged pages, too.
PARQUET = {"compression": "zstd", "write_page_checksum": True}

#: Where Parquet files say which batch they belong to, and which part of it they are.
MARK = b"crisis_sim"

_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)\.parquet")


@dataclass(frozen=True)
class BlockInfo:
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
class EncodedBlock:
    """A block as the bytes of its files, on their way to where they can be kept."""

    receipt: BlockInfo
    outcomes: bytes
    paths: bytes | None
    path_rows: int = 0


def pack(block: Block, outcomes: pa.Schema, paths: pa.Schema | None) -> EncodedBlock:
    """The files of a block, with all columns that the batch has.

    Args:
        block: the block.
        outcomes, paths: the columns, marked with the batch's identity (`marked`).

    Raises:
        ValueError: when it has a column that the batch has not.
    """
    receipt = BlockInfo(block.number, block.scenario, block.rows, block.seconds, block.agent_turns)
    content = _as_parquet(columns.conform(block.table, _marked_as(block, "outcomes", outcomes)))
    if paths is None or block.paths is None:
        return EncodedBlock(receipt, content, None)
    kept = columns.conform(block.paths, _marked_as(block, "paths", paths))
    return EncodedBlock(receipt, content, _as_parquet(kept), kept.num_rows)


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

    def keep(self, parcel: EncodedBlock) -> BlockInfo:
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


# --- A run that is not finished: the folder `unfinished/` inside the folder of its results
#
# It holds all that is needed to go on: the manifest that the run began with, the values of a design
# in parameters.parquet, and the blocks that are done. The manifest is written last, so a folder
# without one never became a run. Once the results are on disk the folder is taken away, unless blocks
# have failed: then it stays, so that they can be tried again.

UNFINISHED, MANIFEST, PARAMETERS = "unfinished", "manifest.json", "parameters.parquet"
_ANEW = "throw the run away and begin anew with --restart"


@dataclass(frozen=True)
class UnfinishedRun:
    """A run of which some blocks are on disk.

    Attributes:
        folder: the folder of its results.
        manifest: what it was begun with.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def home(self) -> Path:
        """The folder of all that is not a result yet."""
        return self.folder / UNFINISHED

    @property
    def store(self) -> BlockStore:
        """Its blocks."""
        return BlockStore(self.home, self.identity)

    @property
    def identity(self) -> str:
        """What its blocks bear, and no others."""
        return identity_of(self.manifest)

    @property
    def crises(self) -> int:
        """How many crises it will have."""
        each = self.manifest["replicates"] * (self.manifest["points"] or 1)
        return int(each * len(self.manifest["scenarios"]))

    @property
    def crises_done(self) -> int:
        """How many crises are on disk."""
        return sum(self.store.rows().values())

    @property
    def is_published(self) -> bool:
        """Whether the folder's results are those of this run, but for blocks that failed."""
        try:
            results = load_manifest(self.folder / MANIFEST)
        except (OSError, ValueError, ResultsError):
            return False
        return isinstance(results, dict) and results.get("run") == self.manifest["run"]

    @classmethod
    def begin(cls, folder: Path, plan: Plan, manifest: dict[str, Any]) -> UnfinishedRun:
        """Write down what is to be run.

        Raises:
            OSError: when it cannot be written.
        """
        home = folder / UNFINISHED
        discard(folder)
        BlockStore(home).make()
        if plan.parameters:
            content = _parameters_as_parquet(plan.parameters)
            write_durably(home / PARAMETERS, content)
            manifest = {**manifest, "parameters_sha256": hashlib.sha256(content).hexdigest()}
        manifest = seal(manifest)
        write_durably(home / MANIFEST, as_json(manifest))
        sync_folder(folder)
        return cls(folder, manifest)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun | None:
        """The unfinished run in a folder of results; None where there is none.

        Raises:
            ResultsError: when its manifest cannot be read, or has been changed.
        """
        path = inside(folder, UNFINISHED, is_folder=True) / MANIFEST
        try:
            manifest = check_manifest(load_manifest(path), path, is_finished=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise ResultsError(f"{path} cannot be read: {error}; {_ANEW}") from error
        except ResultsError as error:
            raise ResultsError(f"{error}; {_ANEW}") from error
        return cls(folder, manifest)

    def plan(self, agents: Sequence[Any] = ()) -> Plan:
        """What it is to run, as it was begun.

        Args:
            agents: the makers of agents that were added, since a folder cannot hold code.

        Raises:
            ResultsError: when other code or libraries would compute the rest, or its values have
                been damaged.
        """
        differences.refuse(self.folder, differences.of_versions(self.manifest, versions()))
        self.check_sealed()
        from crisis_sim.scenario.schema import Scenario

        about = self.manifest
        try:
            scenarios = tuple(
                Scenario.model_validate(one["scenario"]) for one in about["scenarios"].values()
            )
        except ValueError as error:
            raise ResultsError(f"{self.home / MANIFEST}: {error}; {_ANEW}") from error
        return Plan(
            scenarios,
            about["replicates"],
            about["seed"],
            about["block_size"],
            parameters_in(self.home, self.manifest),
            tuple(agents),
            about["points"],
            about.get("engine", "cpu"),
        )

    def check_sealed(self) -> None:
        """Make sure that changes to its manifest would have been found.

        Raises:
            ResultsError: when they would not: it has no checksum.
        """
        if not is_sealed(self.manifest):
            raise ResultsError(
                f"{self.home / MANIFEST} has no checksum, so nobody can tell whether it is as it "
                f"was written; {_ANEW}"
            )

    def done(self, plan: Plan, on_message: Callable[[str], None]) -> dict[int, int]:
        """The blocks that are on disk and sound, by number, with the crises in each.

        Args:
            plan: what it is to run.
            on_message: called of each block that has been damaged, and is to be done again.
        """
        published = self.folder / self.store.outcomes.name
        if published.is_dir() and not self.store.outcomes.exists():
            # They were the results, but for those that failed; see `crisis_sim.batch.run`.
            (self.folder / MANIFEST).unlink(missing_ok=True)
            published.replace(self.store.outcomes)
        self.store.make()
        for number, wrong in self.store.check(
            plan.orders(self.store.rows()), has_paths=plan.points is None
        ):
            on_message(f"block {number} is done again: {wrong}")
        return self.store.rows()

    def rows_by_scenario(self) -> dict[str, int]:
        """How many crises of each scenario are on disk."""
        names = list(self.manifest["scenarios"])
        rows = Counter(dict.fromkeys(names, 0))
        for number, count in self.store.rows().items():
            rows[names[number % len(names)]] += count  # block after block for all scenarios in turn
        return dict(rows)

    def say(self) -> str:
        """That it is not finished, how far it is, and how to go on."""
        go_on = f"go on with: crisis-sim run --resume {shlex.quote(str(self.folder))}"
        if self.manifest["agents_added"]:  # no command line can give these
            go_on = f"go on with: crisis_sim.batch.resume({str(self.folder)!r}, agents=...)"
        return (
            f"{self.folder} holds a run that is not finished: "
            f"{self.crises_done:,} of {self.crises:,} crises; {go_on}"
        )


def discard(folder: Path) -> None:
    """Take an unfinished run away; first its manifest, so that no half of it looks like a run.

    Raises:
        OSError: when it cannot be taken away.
        ResultsError: when it is a link to somewhere else.
    """
    home = inside(folder, UNFINISHED, is_folder=True)
    if home.is_dir():
        (home / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(home)


def check_same(
    folder: Path, home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any]
) -> None:
    """Make sure that a batch is the one that a folder holds.

    Args:
        folder: the folder.
        home: where in it that batch is described.
        begun: the manifest that it was begun with.
        plan: what is to be run now.
        manifest: what it would begin with now.

    Raises:
        ResultsError: when it is another; shows every difference.
    """
    found = differences.of_versions(begun, manifest["versions"])
    values = parameters_in(home, begun)
    differences.refuse(folder, found + differences.of_plans(begun, values, plan, manifest))


def check_given(folder: Path, begun: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Make sure that what was given, if anything, is what a run was begun with.

    Args:
        folder: the folder that holds the run.
        begun: the manifest that it was begun with.
        given: values by their names in the manifest; None for what was not given.

    Raises:
        ResultsError: when something is not; shows every difference.
    """
    others = [
        differences.Difference("batch", name, begun.get(name), value)
        for name, value in given.items()
        if value is not None and value != begun.get(name)
    ]
    differences.refuse(folder, others)


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The values with which a batch was begun, by path.

    Raises:
        ResultsError: when they have been damaged.
    """
    if check_parameters(home, manifest) is None:
        return {}
    table = read_parquet(home / PARAMETERS)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def check_parameters(home: Path, manifest: Mapping[str, Any]) -> bytes | None:
    """The content of the file of the values with which a batch was begun; None where it had none.

    Raises:
        ResultsError: when it has been damaged.
    """
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return None
    path = inside(home, PARAMETERS)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ResultsError(f"{path} has been damaged: it is not what its checksum says")
    return content


def _parameters_as_parquet(parameters: Mapping[str, NDArray[Any]]) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(parameters)), buffer, compression="zstd")
    return buffer.getvalue()


# --- A batch on disk: manifest.json, outcomes.parquet and paths.parquet in one folder
#
# A folder with a manifest is a result: of the files that it names, whose checksums it holds. A run
# that is not finished has a folder of its own inside (`crisis_sim.batch.folder`); as long as it is
# not, nothing is taken for its results.

OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
#: Where the outcomes are in a batch of more crises than one file should hold.
OUTCOMES_FOLDER = "outcomes"
#: The column that says which scenario a row is of.
_SCENARIO = "scenario"


def read_batch(folder: str | Path, columns: Sequence[str] | None = None) -> Batch:
    """Bring back a batch from its folder.

    Args:
        folder: the folder.
        columns: the columns of outcomes to bring back; all where left out.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, a run
            that is not finished, or files that are not those that the run wrote.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    files = check_files(folder, manifest)
    outcomes = _by_scenario(files.get(OUTCOMES) or files[OUTCOMES_FOLDER], columns)
    paths = _by_scenario(files[PATHS]) if PATHS in files else None
    ensembles = {}
    for name, about in manifest["scenarios"].items():
        ensembles[name] = one = Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=outcomes(name),
            paths=None if paths is None else paths(name),
            scenario=about["scenario"],
        )
        if one.replicates != about["replicates_done"]:
            raise ResultsError(
                f"{folder} holds {one.replicates:,} crises of {name}; "
                f"its {MANIFEST} speaks of {about['replicates_done']:,}"
            )
    return Batch(ensembles, manifest)


def check_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Make sure that the files of results are those for which their manifest was written.

    Folders of earlier versions hold no checksums but those in the names of blocks.

    Returns:
        By name what there is, each with the files that it consists of, in the order of their rows.

    Raises:
        ResultsError: when one is missing, has been damaged or changed, or is of another run.
    """
    if is_sealed(manifest):
        return {name: _checked(folder, name, of) for name, of in manifest["files"].items()}
    there = [name for name in (OUTCOMES, OUTCOMES_FOLDER, PATHS) if (folder / name).exists()]
    if not {OUTCOMES, OUTCOMES_FOLDER} & set(there):
        raise _missing(folder / OUTCOMES)
    files = {name: _checked(folder, name) for name in there}
    for path in (of[0] for of in files.values()):
        if mark_in(path):
            raise ResultsError(
                f"{folder / MANIFEST} has no checksum, though {path.name} is of a run that had"
            )
    return files


def _checked(folder: Path, name: str, checksum: str | None = None) -> list[Path]:
    """The files that a part of the results consists of, once they are found to be the right ones."""
    if name == OUTCOMES_FOLDER:
        files = blocks_in(folder / name)
        for path in files:
            check_block(path)
    else:
        files = [path for path in [inside(folder, name)] if path.exists()]
    if not files:
        raise _missing(folder / name)
    try:
        found = names_digest(files) if name == OUTCOMES_FOLDER else sha256_of(files[0])
    except OSError as error:
        raise ResultsError(f"{files[0]} cannot be read: {error.strerror or error}") from error
    if checksum is not None and found != checksum:
        raise ResultsError(
            f"{folder / name} cannot be read: it is not what the checksum in {MANIFEST} says; "
            "it has been damaged or changed, or is of another run"
        )
    return files


def _missing(path: Path) -> ResultsError:
    return ResultsError(f"{path} is missing, though there is a {MANIFEST}")


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """What a results folder says of how it came about.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, or a run
            that is not finished.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is no folder; expected one that `crisis-sim run --out` wrote")
    unfinished = UnfinishedRun.of(folder)
    manifest = _manifest_in(folder)
    if unfinished and (manifest is None or manifest.get("run") != unfinished.manifest["run"]):
        earlier = "" if manifest is None else _EARLIER.format(folder / UNFINISHED)
        raise ResultsError(unfinished.say() + earlier)
    if manifest is None:
        raise ResultsError(_no_results(folder))
    return manifest


_EARLIER = " (the results of an earlier run are there still: remove {} to have them back)"


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
        raise cannot_write(folder, error) from error
    ours = MANIFEST in inside or (folder / UNFINISHED / MANIFEST).exists()
    foreign = [
        name for name in inside if not name.endswith(PARTIAL) and name not in (LOCK, UNFINISHED)
    ]
    if foreign and not ours:
        raise ResultsError(
            f"{folder} holds other things than results ({sorted(foreign)[0]}); "
            "give a new folder, or one that holds results"
        )
    return MANIFEST in inside


def cannot_write(folder: Path, error: OSError) -> ResultsError:
    """The error to raise where results cannot be written."""
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")


def _manifest_in(folder: Path) -> dict[str, Any] | None:
    """The manifest of the results in a folder, None where there is none."""
    path = folder / MANIFEST
    try:
        manifest = load_manifest(path)
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}"
        ) from error
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error
    if isinstance(manifest, dict) and "experiment_format" in manifest:
        raise ResultsError(f"{folder} holds an experiment; its crises are in {folder / 'design'}")
    return check_manifest(manifest, path, is_finished=True)


def _by_scenario(
    files: list[Path], columns: Sequence[str] | None = None
) -> Callable[[str], pa.Table]:
    """Read a table, once however many scenarios there are; what it gives tells each one's rows."""
    import numpy as np

    path = files[0] if len(files) == 1 else list(map(str, files))
    only = None if columns is None else list(dict.fromkeys((*columns, _SCENARIO)))
    table = read_parquet(path, columns=only)
    if _SCENARIO not in table.column_names:
        raise ResultsError(f"{files[0]} cannot be read: it has no column {_SCENARIO}")
    whose, names = coded(table.column(_SCENARIO))
    table = table.replace_schema_metadata()  # rows that go on elsewhere are no longer that file
    if columns is not None and _SCENARIO not in columns:
        table = table.drop_columns([_SCENARIO])
    order = np.argsort(whose, kind="stable")
    ends = np.cumsum(np.bincount(whose, minlength=len(names)))

    def rows_of(scenario: str) -> pa.Table:
        place = names.index(scenario) if scenario in names else 0
        rows = order[ends[place - 1] : ends[place]] if place else order[:0]
        first = int(rows[0]) if len(rows) else 0
        if len(rows) == 0 or rows[-1] - first + 1 == len(
            rows
        ):  # all in one place: no copy is needed
            return table.slice(first, len(rows))
        return table.take(rows)

    return rows_of


def _no_results(folder: Path) -> str:
    if list(folder.glob("*" + PARTIAL)):
        return f"{folder} holds results that were not written to their end: it has no {MANIFEST}"
    return f"{folder} holds no results: it has no {MANIFEST}"


# --- The task that a worker is given when blocks go to disk: run one, and file it where it belongs
#
# A worker that sees the results folder writes its block itself, and only a receipt travels back. One
# on another machine that does not see the folder sends the block as bytes, for the sender to file.


@dataclass(frozen=True)
class BlockTask:
    """Runs a block and files what comes of it.

    Attributes:
        folder: the folder of the batch's results, from the root on.
        token: what the lock in that folder says while the batch runs; a worker that reads it there
            sees the same folder.
        outcomes, paths: all columns of the batch's tables.
        versions: what must compute the block.
    """

    folder: Path
    token: str
    outcomes: pa.Schema
    paths: pa.Schema | None
    versions: Mapping[str, str | None]

    def __call__(
        self, order: BlockOrder, watch: Watch | None = None
    ) -> BlockInfo | EncodedBlock | BlockFailure:
        """Carry out an order; `watch` is that of `crisis_sim.batch.block.attempt`.

        Raises:
            BatchError: when this process has other code or libraries than the sender.
            ResultsError: when the block cannot be written.
        """
        check_versions(self.versions)
        result = blocks.attempt(order, watch)
        if isinstance(result, BlockFailure):
            return result
        try:
            parcel = pack(result, self.outcomes, self.paths)
        except ValueError as error:  # columns that only this block has
            return failure(order, f"{type(error).__name__}: {error}", seconds=result.seconds)
        return self.file(parcel) if token_in(self.folder) == self.token else parcel

    def file(self, parcel: EncodedBlock) -> BlockInfo:
        """Write a block to the folder.

        Raises:
            ResultsError: when it cannot be written.
        """
        try:
            return BlockStore(self.folder / UNFINISHED).keep(parcel)
        except OSError as error:
            raise cannot_write(self.folder, error) from error


def check_versions(wanted: Mapping[str, str | None], where: str = "a worker") -> None:
    """Make sure that this process computes with certain versions.

    Args:
        wanted: what `decisive` says elsewhere.
        where: what this process is to the person who reads the error.

    Raises:
        BatchError: when it does not; shows every difference.
    """
    found = decisive(versions())
    say_versions(wanted, found, where)


def say_versions(
    wanted: Mapping[str, str | None], found: Mapping[str, str | None], where: str
) -> None:
    """Make sure that two sets of versions are the same.

    Raises:
        BatchError: when they are not; shows every difference.
    """
    others = [
        f"\n  {name}: {wanted[name]} here, {found.get(name)} there"
        for name in wanted
        if wanted[name] != found.get(name)
    ]
    if others:
        raise BatchError(
            f"{where} computes with other versions, and might give other results:{''.join(others)}"
        )
