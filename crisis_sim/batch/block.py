"""One block: consecutive replicates of one scenario, run together in the arrays of one model.

A block is the unit of memory, of work handed to a worker, of what is written and of what is lost
when something goes wrong. Which block a replicate falls into never changes the replicate.
"""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from crisis_sim.batch.files import ResultsError, digest_of, inside, parquet_of
from crisis_sim.batch.rules import by_reference, loaded, roles_in
from crisis_sim.scenario.checks import FIRST_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario


#: Called with a model as it goes on.
Watch: TypeAlias = "Callable[[CrisisModel], None]"

#: Replicates of each scenario whose market paths are kept: enough for bands, few enough to draw.
PATHS_KEPT = 1000


@dataclass(frozen=True)
class BlockOrder:
    """Replicates `first` to `first + count - 1` of a scenario, at one point of a design or several.

    Attributes:
        seed: the batch's seed.
        parameters: values in place of the scenario's, by path, each of shape (points * count,), one
            point after the other.
        agents: makers of agents to add to the scenario's own, as `CrisisModel` takes them; classes from files by reference.
        roles: classes in place of the scenario's own, likewise.
        first_point, points: which points of the design; 0 and 1 for a batch that is none.
        is_design: whether rows say to which point they belong.
        number: its place in the plan, from 0.
        engine: what runs it, as `CrisisModel` takes it.
    """

    scenario: Scenario
    first: int
    count: int
    seed: int
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    agents: Sequence[Any] = ()
    first_point: int = 0
    points: int = 1
    is_design: bool = False
    number: int = 0
    engine: str = "cpu"
    roles: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "agents", tuple(map(by_reference, self.agents)))
        roles = {name: by_reference(kind) for name, kind in self.roles.items()}
        object.__setattr__(self, "roles", roles)

    def __str__(self) -> str:
        points = f" at points {self.first_point} to {self.first_point + self.points - 1}"
        replicates = f"replicates {self.first} to {self.first + self.count - 1}"
        return f"{replicates} of {self.scenario.name}{points if self.is_design else ''}"

    @property
    def rows(self) -> int:
        """How many crises that is."""
        return self.points * self.count

    @property
    def keeps_paths(self) -> bool:
        """Whether market paths of some of its replicates are kept."""
        return not self.is_design and self.first < PATHS_KEPT

    @property
    def place(self) -> dict[str, Any]:
        """Its place in the batch, as plain data."""
        return {
            "block": self.number,
            "scenario": self.scenario.name,
            "first_replicate": self.first,
            "replicates": self.count,
            "first_point": self.first_point,
            "points": self.points,
        }


@dataclass(frozen=True)
class Block:
    """The result of an order.

    Attributes:
        seconds: time it took.
        events: events in all its crises.
        table: one row a replicate of each point, in order; None once it is on disk.
        paths: daily values of the replicates below `PATHS_KEPT`, or None.
        files: the content of its files by their place in the folder of the run, while they are on
            their way there.
        error: type and message of the exception with which it failed; empty where it did not.
        trace: where that was raised, as Python prints it.
    """

    order: BlockOrder
    seconds: float = 0.0
    events: int = 0
    table: pa.Table = None
    paths: pa.Table = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    error: str = ""
    trace: str = ""


def run_block(order: BlockOrder, watch: Watch | None = None, daily: bool = True) -> Block:
    """Carry out an order; `watch` and `daily` are those of `CrisisModel.run`."""
    import mesa
    import numpy as np

    from crisis_sim.model import CrisisModel

    started = time.perf_counter()
    scenario = order.scenario
    model = CrisisModel(
        scenario,
        replicates=order.count,
        seed=order.seed,
        first_replicate=order.first,
        parameters=order.parameters,
        agents=[loaded(one) for one in order.agents],
        roles={name: loaded(one) for name, one in order.roles.items()},
        keep_paths=0 if order.is_design else PATHS_KEPT,
        points=order.points,
        engine=order.engine,
    )
    try:
        model.run(watch=watch, daily=daily)
    finally:  # Mesa 3.3 numbers agents by model, and so keeps every model alive
        getattr(mesa.Agent, "_ids", {}).pop(model, None)
    paths, outcomes = model.kept_paths(), model.outcomes()
    if order.is_design:
        numbers = np.arange(order.first_point, order.first_point + order.points)
        outcomes[POINT] = np.repeat(numbers, order.count)
    block = Block(
        order,
        table=as_table(scenario.name, outcomes, scenario.state_names),
        paths=as_table(scenario.name, paths, scenario.state_names) if paths else None,
        seconds=time.perf_counter() - started,
        events=model.events_run,
    )
    let_go(model)
    return block


def let_go(model: CrisisModel) -> None:
    """Free a model's arrays at once: agents know each other, and would wait for Python to look for circles."""
    import mesa

    getattr(mesa.Agent, "_ids", {}).pop(model, None)  # by which Mesa 3.3 keeps every model alive
    for agent in model.agents:
        agent.__dict__.clear()
    model.__dict__.clear()


def attempt(order: BlockOrder, watch: Watch | None = None) -> Block:
    """Carry out an order; what its model or agents raise becomes the error of the block.

    Args:
        watch: called with the model now and then; a `KeyboardInterrupt` that it raises ends the run.
    """
    started = time.perf_counter()
    try:
        return run_block(order, watch, daily=False)
    except Exception as error:  # noqa: BLE001 - an agent may be anybody's code
        seconds, said = time.perf_counter() - started, f"{type(error).__name__}: {error}"
        return Block(order, seconds, error=said, trace=traceback.format_exc())


def schemas(
    scenario: Scenario,
    agents: Sequence[Any] = (),
    is_design: bool = False,
    roles: Mapping[str, Any] | None = None,
) -> tuple[pa.Schema, pa.Schema]:
    """The columns of outcomes and of paths, asked of a model that has not begun."""
    import numpy as np

    from crisis_sim.model import CrisisModel

    model = CrisisModel(scenario, agents=agents, roles=roles_in(scenario, roles), keep_paths=1)
    outcomes = model.outcomes() | ({POINT: np.arange(1)} if is_design else {})
    tables = (outcomes, model.kept_paths() or {})
    first, second = (as_table(scenario.name, one, scenario.state_names).schema for one in tables)
    return first, second


# The columns of outcomes.parquet and paths.parquet. Times are hours from the scenario's start, null
# where the event never came. The model says which columns there are (an agent of your own may add
# some); known ones come first, in a fixed order.

#: Where a batch is a design: which of its points a row belongs to, from 0.
POINT = "point"
#: Then these for each state, after `<state>_`; all further columns follow in the model's order.
STATE_COLUMNS = ("first_act_at_hours", "lowest_market", "highest_pressure")


def as_table(scenario: str, columns: Mapping[str, NDArray[Any]], states: Sequence[str]) -> pa.Table:
    """Outcomes or market paths, by column of shape (rows,), as a table in the fixed order."""
    import numpy as np
    import pyarrow as pa

    columns = {**columns, "scenario": np.full(len(columns["replicate"]), scenario)}
    return pa.table({name: _stored(name, columns[name]) for name in arrange(columns, states)})


def arrange(names: Iterable[str], states: Sequence[str]) -> list[str]:
    """Column names in the fixed order, those that the order does not know at the end."""
    names = list(names)
    of_states = (f"{state}_{column}" for state in states for column in STATE_COLUMNS)
    scenario, *others = FIRST_COLUMNS
    known = dict.fromkeys([scenario, POINT, *others, *of_states])
    return [name for name in known if name in names] + [name for name in names if name not in known]


def union(schemas: Iterable[pa.Schema], states: Sequence[str]) -> pa.Schema:
    """One schema for scenarios that differ in their mediators, lenders or states."""
    import pyarrow as pa

    whole = pa.unify_schemas(list(schemas), promote_options="permissive")
    return pa.schema([whole.field(name) for name in arrange(whole.names, states)])


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with all columns of a schema; ValueError where it has others."""
    import pyarrow as pa

    unknown = sorted(set(table.column_names) - set(schema.names))
    if unknown:
        raise ValueError(f"columns that this batch did not announce: {', '.join(unknown)}")
    columns = [
        table.column(field.name)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _stored(name: str, values: NDArray[Any]) -> pa.Array:
    """Texts with a dictionary, "" and NaN as null, times in full precision, the rest as it is."""
    import numpy as np
    import pyarrow as pa

    if values.dtype.kind in "OUT":
        words, places = np.unique(values.astype(str), return_inverse=True)
        indices = pa.array(places.astype(np.int32), mask=words[places] == "")
        return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))
    if values.dtype.kind == "f" and name.endswith("_hours"):
        values = values.astype(np.float64, copy=False)
    return pa.array(values, from_pandas=True)


# Blocks on disk: each whole or absent, and each says what it is. A block is one Parquet file in
# `outcomes/`, and for the first replicates one more in `paths/`. Its name holds its number in the
# plan, its rows and the beginning of the SHA-256 of its content:
#
#     outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet
#
# A file under such a name was written to its end; content that does not match the name's checksum has
# been damaged since. An intact file without the mark of the block that belongs there comes from another
# run.

#: The folders of the blocks of the two tables.
OUTCOMES_FOLDER, PATHS_FOLDER = "outcomes", "paths"
#: Hexadecimal digits of a checksum in a name: one damaged block in 18 billion billion goes unseen.
CHECKSUM_DIGITS = 16
#: Where Parquet files say which batch they belong to, and which part of it they are.
MARK = b"crisis_sim"
_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)\.parquet")


def encoded(block: Block, schemas: Mapping[str, pa.Schema], identity: str) -> Block:
    """A block of the batch of an identity as the content of its files.

    ValueError where it has a column that the batch's tables have not, by their `schemas`.
    """
    files = {}
    # It is there once its outcomes are, so these are written last.
    for name, table in ((PATHS_FOLDER, block.paths), (OUTCOMES_FOLDER, block.table)):
        if table is not None and name in schemas:
            columns = marked(schemas[name], identity, name, block.order)
            content = parquet_of(conform(table, columns), write_page_checksum=True)
            checksum = digest_of(content)[:CHECKSUM_DIGITS]
            files[f"{name}/{block.order.number:08}-{table.num_rows}-{checksum}.parquet"] = content
    return replace(block, table=None, paths=None, files=files)


def mark(identity: str, table: str, order: BlockOrder | None = None) -> dict[str, Any]:
    """The mark of a file: of which batch and table it is, and if it is a block's, where that belongs."""
    return {"identity": identity, "table": table, **(order.place if order else {})}


def marked(
    schema: pa.Schema, identity: str, table: str, order: BlockOrder | None = None
) -> pa.Schema:
    """A schema with the mark of a file in its metadata."""
    return schema.with_metadata({MARK: json.dumps(mark(identity, table, order))})


def mark_of(schema: pa.Schema) -> dict[str, Any]:
    """The mark in a Parquet file's schema; empty where it has none."""
    try:
        found = json.loads((schema.metadata or {}).get(MARK, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def mark_in(path: Path) -> dict[str, Any]:
    """The mark of a Parquet file on disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return mark_of(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


class BlockFile(NamedTuple):
    """A file of a block, and what its name says: the block's number, its rows and the checksum."""

    number: int
    rows: int
    checksum: str
    path: Path

    def content(self) -> bytes:
        """Its content; ResultsError where that cannot be read, or is not what the checksum says."""
        try:
            content = inside(self.path.parent, self.path.name).read_bytes()
        except OSError as error:
            raise ResultsError(
                f"{self.path}: it cannot be read: {error.strerror or error}"
            ) from error
        if digest_of(content)[:CHECKSUM_DIGITS] != self.checksum:
            raise ResultsError(f"{self.path}: its content is not what its checksum says")
        return content


def block_files(folder: Path) -> list[BlockFile]:
    """The files of blocks in a folder, in the order of the plan."""
    paths = folder.iterdir() if folder.is_dir() else ()
    named = ((_NAME.fullmatch(path.name), path) for path in paths)
    return sorted(BlockFile(int(of[1]), int(of[2]), of[3], path) for of, path in named if of)


def names_digest(files: Iterable[BlockFile]) -> str:
    """The SHA-256 of the names of blocks, one a line: of all their content, since each name is of its own."""
    return digest_of("".join(f"{one.path.name}\n" for one in files).encode())
