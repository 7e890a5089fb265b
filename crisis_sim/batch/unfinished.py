"""A run that is not finished: the folder in which it is made, its blocks, and the task that makes them.

A run into `OUT` is made in `OUT.running`, which holds all that is needed to go on: the manifest that
the run began with, the values of a design in parameters.parquet, and the blocks that are done. The
manifest is written last, so a folder without one never became a run. At the end the folder becomes
that of the results (`crisis_sim.batch.folder`).
"""

from __future__ import annotations

import errno
import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import block as blocks
from crisis_sim.batch import manifest as differences
from crisis_sim.batch.block import Block, BlockOrder, Watch, conform
from crisis_sim.batch.files import (
    LOCK,
    PARTIAL,
    ResultsError,
    as_json,
    cannot_write,
    digest_of,
    inside,
    parquet_of,
    read_bytes,
    remove,
    sync,
    table_of,
    token_in,
    write_durably,
)
from crisis_sim.batch.manifest import (
    check_versions,
    decisive,
    identity_of,
    is_finished,
    is_sealed,
    read_sound,
    seal,
    versions,
)
from crisis_sim.batch.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

#: How the name of a folder ends as long as its run is not finished.
RUNNING = ".running"
#: Where earlier versions kept such a run, inside the folder of its results.
UNFINISHED = "unfinished"
MANIFEST, PARAMETERS = "manifest.json", "parameters.parquet"
OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
#: The blocks of the two tables. Those of the outcomes are the results themselves in a batch of more
#: crises than one file should hold.
OUTCOMES_FOLDER, PATHS_FOLDER = "outcomes", "paths"
#: What a folder of results may hold, the manifest first; all else in it is somebody else's.
OURS = (MANIFEST, OUTCOMES, PATHS, PARAMETERS, OUTCOMES_FOLDER, PATHS_FOLDER, UNFINISHED, LOCK)
_ANEW = "throw the run away and begin anew with --restart"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say of what cannot be written to a folder that it cannot: the disk is full, most likely."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise ResultsError(
                f"{folder} lies on another disk than the folder that it is in; "
                "give a folder inside it"
            ) from error
        raise cannot_write(folder, error) from error


def running(folder: Path) -> Path:
    """Where a run into a folder is made until it is finished."""
    if folder.is_symlink() or folder.name in ("", ".."):
        folder = folder.resolve()
    home = folder.parent / (folder.name + RUNNING)
    if home.is_symlink():
        raise ResultsError(f"{home} is a link; expected a folder")
    return home


def results_of(folder: Path) -> Path:
    """The folder of the results of a run; where that is made may be given, as a shell completes it."""
    return folder.with_suffix("") if folder.suffix == RUNNING else folder


# Blocks on disk: each whole or absent, and each says what it is. A block is one Parquet file in
# `outcomes/`, and for the first replicates one more in `paths/`. Its name holds its number in the
# plan, its rows and the beginning of the SHA-256 of its content:
#
#     outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet
#
# Whatever is found under such a name was written to its end, and content that is not what the name
# says has been damaged since. What is intact and does not bear the mark of the block that belongs
# there has come from elsewhere.

#: Hexadecimal digits of a checksum in a name: one damaged block in 18 billion billion goes unseen.
CHECKSUM_DIGITS = 16
#: Where Parquet files say which batch they belong to, and which part of it they are.
MARK = b"crisis_sim"
_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)\.parquet")


def encoded(block: Block, schemas: Mapping[str, pa.Schema]) -> Block:
    """A block as the content of its files.

    ValueError where it has a column that the batch's tables have not, whose `schemas` are `marked`.
    """
    files = {}
    # It is there once its outcomes are, so these are written last.
    for name, table in ((PATHS_FOLDER, block.paths), (OUTCOMES_FOLDER, block.table)):
        if table is not None and name in schemas:
            identity = mark_of(schemas[name])["identity"]
            mark = json.dumps(_mark(block, name, identity))
            columns = schemas[name].with_metadata({MARK: mark})
            content = parquet_of(conform(table, columns), write_page_checksum=True)
            checksum = digest_of(content)[:CHECKSUM_DIGITS]
            files[f"{name}/{block.number:08}-{table.num_rows}-{checksum}.parquet"] = content
    return replace(block, table=None, paths=None, files=files)


def write_block(home: Path, block: Block) -> Block:
    """Write the files of a block to where its run is made."""
    for name, content in block.files.items():
        write_durably(home / name, content)
    return replace(block, files={})


def marked(schemas: Mapping[str, pa.Schema], identity: str) -> dict[str, pa.Schema]:
    """The columns of tables that say of which batch they are, by its identity."""
    return {
        name: schema.with_metadata({MARK: json.dumps({"identity": identity, "table": name})})
        for name, schema in schemas.items()
    }


def _mark(of: Block | BlockOrder, table: str, identity: str) -> dict[str, Any]:
    """The mark of the file of a block in one of the two tables."""
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


def mark_of(schema: pa.Schema) -> dict[str, Any]:
    """The mark of a Parquet file: of which batch, and which part of it; empty where it has none."""
    try:
        mark = json.loads((schema.metadata or {}).get(MARK, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return mark if isinstance(mark, dict) else {}


def mark_in(path: Path) -> dict[str, Any]:
    """The mark of a Parquet file on disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return mark_of(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


def _block_content(path: Path) -> bytes:
    """The content of a block's file."""
    named = _NAME.fullmatch(path.name)
    try:
        content = inside(path.parent, path.name).read_bytes()
    except OSError as error:
        raise ResultsError(f"it cannot be read: {error.strerror or error}") from error
    if named is None or digest_of(content)[:CHECKSUM_DIGITS] != named[3]:
        raise ResultsError("its content is not what its checksum says")
    return content


def check_block(path: Path) -> None:
    """Make sure that a block's file is what its name says."""
    try:
        _block_content(path)
    except ResultsError as error:
        raise ResultsError(f"{path}: {error}") from error


def _rows_in(path: Path) -> int:
    named = _NAME.fullmatch(path.name)
    return int(named[2]) if named else 0


def _listed(folder: Path) -> dict[int, list[Path]]:
    """The files of blocks in a folder, by the blocks' numbers, in their order."""
    files: dict[int, list[Path]] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if named := _NAME.fullmatch(path.name):
                files.setdefault(int(named[1]), []).append(path)
    return dict(sorted(files.items()))


def blocks_in(folder: Path) -> list[Path]:
    """The files of blocks in a folder, in the order of the plan."""
    return [path for of_block in _listed(folder).values() for path in of_block]


def names_digest(files: Iterable[Path]) -> str:
    """The SHA-256 of the names of blocks, one a line: of all their content, since each name is of its own."""
    return digest_of("".join(f"{path.name}\n" for path in files).encode())


def read_parquet(path: Path | list[str], **how: Any) -> pa.Table:
    """A table from disk; damaged pages are noticed."""
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


# A run that is not finished.


@dataclass(frozen=True)
class UnfinishedRun:
    """A run of which some blocks are on disk.

    Attributes:
        folder: the folder of its results.
        manifest: that with which it was begun, or with which an earlier attempt at it ended.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def home(self) -> Path:
        """The folder in which it is made."""
        return running(self.folder)

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
    def is_complete(self) -> bool:
        """Whether it has only to take its place."""
        return is_finished(self.manifest) and not self.manifest["failures"]

    @property
    def crises_done(self) -> int:
        """How many crises are on disk."""
        return self.crises if self.is_complete else sum(self.rows().values())

    @classmethod
    def begin(cls, folder: Path, plan: Plan, manifest: dict[str, Any]) -> UnfinishedRun:
        """Write down what is to be run, in place of any run that was begun before."""
        home = running(folder)
        discard(home)
        (home / OUTCOMES_FOLDER).mkdir()
        (home / PATHS_FOLDER).mkdir()
        if plan.parameters:
            import pyarrow as pa

            content = parquet_of(pa.table(dict(plan.parameters)))
            write_durably(home / PARAMETERS, content)
            manifest = {**manifest, "parameters_sha256": digest_of(content)}
        manifest = seal(manifest)
        write_durably(home / MANIFEST, as_json(manifest))
        sync(home.parent)
        return cls(folder, manifest)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun | None:
        """The unfinished run into a folder of results; None where there is none."""
        folder = results_of(folder)
        home = running(folder)
        if inside(home, MANIFEST).exists():
            try:
                return cls(folder, read_sound(home / MANIFEST))
            except ResultsError as error:
                raise ResultsError(f"{error}; {_ANEW}") from error
        earlier = inside(folder, UNFINISHED, is_folder=True) / MANIFEST
        if earlier.exists() and _run_of(earlier) != _run_of(folder / MANIFEST):
            results = folder / MANIFEST
            raise ResultsError(
                f"{earlier.parent} holds a run that is not finished, begun by an earlier version of "
                f"Crisis Sim: this one cannot go on with it; {_ANEW}"
                + (EARLIER.format(earlier.parent) if results.exists() else "")
            )
        return None

    def rows(self) -> dict[int, int]:
        """For each block that is there, by its name alone, how many crises it holds."""
        files = _listed(self.home / OUTCOMES_FOLDER)
        return {number: _rows_in(paths[0]) for number, paths in files.items()}

    def rows_by_scenario(self) -> dict[str, int]:
        """How many crises of each scenario are on disk."""
        names = list(self.manifest["scenarios"])
        rows = Counter(dict.fromkeys(names, 0))
        for number, count in self.rows().items():
            rows[names[number % len(names)]] += count  # block after block for all scenarios in turn
        return dict(rows)

    def done(self, plan: Plan, on_message: Callable[[str], None]) -> dict[int, int]:
        """The blocks that are on disk and sound, by number, with the crises in each."""
        for name in (OUTCOMES_FOLDER, PATHS_FOLDER):
            inside(self.home, name, is_folder=True).mkdir(exist_ok=True)
        self.tidy()
        orders = plan.orders(self.rows())
        for number, wrong in self.check(orders, has_paths=plan.points is None):
            on_message(f"block {number} is done again: {wrong}")
        return self.rows()

    def tidy(self) -> None:
        """Clear away what was never whole; nobody may be writing meanwhile."""
        for folder in (self.home, self.home / OUTCOMES_FOLDER, self.home / PATHS_FOLDER):
            remove(*folder.glob(f"*{PARTIAL}"))

    def check(self, orders: Iterable[BlockOrder], has_paths: bool) -> Iterator[tuple[int, str]]:
        """The blocks that are there and have something wrong, each with what it is.

        They are taken away, so that they are done again, and so is what is none of the `orders`.
        """
        outcomes, paths = (_listed(self.home / name) for name in (OUTCOMES_FOLDER, PATHS_FOLDER))
        for number in paths.keys() - outcomes.keys():
            remove(*paths[number])  # of a block that was not finished
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
                remove(*files)
                yield order.number, wrong
        for number, files in outcomes.items():
            remove(*files, *paths.get(number, []))
            yield number, "there is no such block in what was to be run"

    def _wrong(self, path: Path, order: BlockOrder) -> str | None:
        """What is wrong with a file that should be of a block, None where nothing is."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(_block_content(path)))
        except (ResultsError, OSError, pa.ArrowException) as error:
            return str(error)
        mark = mark_of(file.schema_arrow)
        if mark.get("identity", "") != self.identity:
            return "it is of another run"
        expected = _mark(order, path.parent.name, self.identity)
        if mark != expected or file.metadata.num_rows != _rows_in(path):
            return "it is another block"
        return None

    def tables(self, name: str) -> Iterator[pa.Table]:
        """The blocks of one of the tables, in the order of the plan; one at a time in memory."""
        whole = self.rows()  # market paths alone are of a block that was not finished
        for number, (path, *_) in _listed(self.home / name).items():
            if number in whole:
                check_block(path)
                yield read_parquet(path)

    def say(self) -> str:
        """That it is not finished, how far it is, and how to go on."""
        go_on = f"go on with: crisis-sim run --resume {shlex.quote(str(self.folder))}"
        if self.manifest["agents_added"]:  # no command line can give these
            go_on = f"go on with: crisis_sim.batch.resume({str(self.folder)!r}, agents=...)"
        return (
            f"{self.home} holds a run that is not finished: "
            f"{self.crises_done:,} of {self.crises:,} crises; {go_on}"
        )


EARLIER = " (the results of an earlier run are there still: remove {} to have them back)"


def _run_of(path: Path) -> object:
    """Of which run a manifest is; None where it cannot be told."""
    try:
        return json.loads(path.read_bytes())["run"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def plan_of(home: Path, manifest: Mapping[str, Any], agents: Sequence[Any]) -> Plan:
    """What a run is to run, as its manifest in a folder says.

    The makers of agents that were added must be given, since a folder cannot hold code.
    """
    from crisis_sim.scenario.schema import Scenario

    differences.refuse(home, differences.of_versions(manifest, versions()))
    check_sealed(home, manifest)
    try:
        scenarios = tuple(
            Scenario.model_validate(one["scenario"]) for one in manifest["scenarios"].values()
        )
    except ValueError as error:
        raise ResultsError(f"{home / MANIFEST}: {error}; {_ANEW}") from error
    return Plan(
        scenarios,
        manifest["replicates"],
        manifest["seed"],
        manifest["block_size"],
        parameters_in(home, manifest),
        tuple(agents),
        manifest["points"],
        manifest.get("engine", "cpu"),
    )


def check_sealed(home: Path, manifest: Mapping[str, Any]) -> None:
    """Make sure that changes to a manifest would have been found."""
    if not is_sealed(manifest):
        raise ResultsError(
            f"{home / MANIFEST} has no checksum, so nobody can tell whether it is as it was "
            f"written; {_ANEW}"
        )


def discard(home: Path) -> None:
    """Take an unfinished run away, its manifest first: no half of it looks like a run."""
    remove(*(home / name for name in OURS))


def check_same(
    home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any]
) -> None:
    """Make sure that a batch, which would begin with a manifest now, is the one that was `begun`."""
    found = differences.of_versions(begun, manifest["versions"])
    values = parameters_in(home, begun)
    differences.refuse(home, found + differences.of_plans(begun, values, plan, manifest))


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The values with which a batch was begun, by path."""
    content = check_parameters(home, manifest)
    if content is None:
        return {}
    table = table_of(home / PARAMETERS, content)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def check_parameters(home: Path, manifest: Mapping[str, Any]) -> bytes | None:
    """The content of the file of the values with which a batch was begun; None where it had none."""
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return None
    content = read_bytes(home, PARAMETERS)
    if digest_of(content) != digest:
        raise ResultsError(
            f"{home / PARAMETERS} has been damaged: it is not what its checksum says"
        )
    return content


@dataclass(frozen=True)
class BlockTask:
    """Runs a block and writes it where it belongs.

    A worker that sees the `home` of the run, where the `token` of `hold` is, writes its block
    itself; one on another machine that does not sends it as bytes, for the sender to write.

    Attributes:
        schemas: all columns of the batch's tables, marked.
        versions: what must compute the block.
    """

    home: Path
    token: str
    schemas: Mapping[str, pa.Schema]
    versions: Mapping[str, str | None]

    def __call__(self, order: BlockOrder, watch: Watch | None = None) -> Block:
        """Carry out an order, as `attempt` does; BatchError where this process has other code."""
        check_versions(self.versions, decisive(versions()), "a worker")
        block = blocks.attempt(order, watch)
        if block.error:
            return block
        try:
            block = encoded(block, self.schemas)
        except ValueError as error:  # columns that only this block has
            return order.block(error=f"{type(error).__name__}: {error}", seconds=block.seconds)
        return self.write(block) if token_in(self.home) == self.token else block

    def write(self, block: Block) -> Block:
        """Write a block to the folder."""
        with writing(results_of(self.home)):
            return write_block(self.home, block)
