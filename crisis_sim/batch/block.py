"""The plan of a batch and its blocks. A block consists of replicates of one scenario that run together in one model.

A block is the unit of memory, of work for a worker, of writing, and of loss when something fails. The
division into blocks does not affect the replicates.
"""

from __future__ import annotations

import json
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from crisis_sim.batch.own_classes import (
    applicable_roles,
    check_rules,
    labelled_with_classes,
    load_reference,
    to_reference,
)
from crisis_sim.batch.safe_files import BatchError, ResultsError, digest_of, parquet_of, read_bytes
from crisis_sim.scenario.checks import FIRST_COLUMNS
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import SECTIONS, Scenario
from crisis_sim.scenario.yaml_text import FILE_WORDS, is_file_name

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from crisis_sim.model import CrisisModel


#: Callback that receives the model while it runs.
Watch: TypeAlias = "Callable[[CrisisModel], None]"

#: The number of replicates of each scenario whose market paths are kept, for the bands in charts.
PATHS_KEPT = 1000


@dataclass(frozen=True)
class BlockOrder:
    """A request to run replicates `first` to `first + count - 1` of a scenario, at one or more points of a design.

    Attributes:
        seed: the batch's seed.
        parameters: values that replace the scenario's, by path, each of shape (points * count,), one
            point after the other.
        agents: agents to add to the scenario, as for `CrisisModel`; classes from files are `ClassReference`s.
        roles: classes that replace the scenario's, likewise.
        first_point, points: the first point of the design and the number of points; (0, 1) without a design.
        is_design: whether rows have a column with their point.
        number: the number of the block in the plan, from 0.
        engine: `cpu` or `gpu`.
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
        object.__setattr__(self, "agents", tuple(map(to_reference, self.agents)))
        roles = {name: to_reference(kind) for name, kind in self.roles.items()}
        object.__setattr__(self, "roles", roles)

    def __str__(self) -> str:
        points = f" at points {self.first_point} to {self.first_point + self.points - 1}"
        replicates = f"replicates {self.first} to {self.first + self.count - 1}"
        return f"{replicates} of {self.scenario.name}{points if self.is_design else ''}"

    @property
    def rows(self) -> int:
        """The number of crises."""
        return self.points * self.count

    @property
    def keeps_paths(self) -> bool:
        """Whether the block includes replicates whose market paths are kept."""
        return not self.is_design and self.first < PATHS_KEPT

    @property
    def place(self) -> dict[str, Any]:
        """The position of the block in the batch, as plain data."""
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
        seconds: the running time.
        events: the number of events in all its crises.
        table: one row per replicate and point, in order; None once written to disk.
        paths: daily values of the replicates below `PATHS_KEPT`, or None.
        files: the content of files that are still to be written, by their path in the folder of the run.
        error: type and message of the exception that made the block fail; "" on success.
        trace: its traceback, as Python prints it.
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
    """Run a block; `watch` and `daily` are those of `CrisisModel.run`."""
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
        agents=[load_reference(agent) for agent in order.agents],
        roles={name: load_reference(kind) for name, kind in order.roles.items()},
        keep_paths=0 if order.is_design else PATHS_KEPT,
        points=order.points,
        engine=order.engine,
    )
    try:
        model.run(watch=watch, daily=daily)
        paths, outcomes = model.kept_paths(), model.outcomes()
        if order.is_design:
            points = np.arange(order.first_point, order.first_point + order.points)
            outcomes[POINT] = np.repeat(points, order.count)
        return Block(
            order,
            table=as_table(scenario.name, outcomes, scenario.state_names),
            paths=as_table(scenario.name, paths, scenario.state_names) if paths else None,
            seconds=time.perf_counter() - started,
            events=model.events_run,
        )
    finally:
        free_model(model)


def free_model(model: CrisisModel) -> None:
    """Free a model's arrays at once; its circular references would otherwise wait for the garbage collector."""
    import mesa

    getattr(mesa.Agent, "_ids", {}).pop(
        model, None
    )  # Mesa 3.3 keeps a reference to every model here
    for agent in model.agents:
        agent.__dict__.clear()
    model.__dict__.clear()


def attempt(order: BlockOrder, watch: Watch | None = None) -> Block:
    """Run a block; an exception from its model or agents becomes the block's error.

    Args:
        watch: called with the model from time to time; a `KeyboardInterrupt` that it raises ends the run.
    """
    started = time.perf_counter()
    try:
        return run_block(order, watch, daily=False)
    except Exception as error:  # noqa: BLE001 - a user's agent may raise anything
        seconds, message = time.perf_counter() - started, f"{type(error).__name__}: {error}"
        return Block(order, seconds, error=message, trace=traceback.format_exc())


def schemas(
    scenario: Scenario,
    agents: Sequence[Any] = (),
    is_design: bool = False,
    roles: Mapping[str, Any] | None = None,
) -> tuple[pa.Schema, pa.Schema]:
    """Return the columns of outcomes and of paths, taken from a model that has not started."""
    import numpy as np

    from crisis_sim.model import CrisisModel

    model = CrisisModel(
        scenario, agents=agents, roles=applicable_roles(scenario, roles), keep_paths=1
    )
    outcomes = model.outcomes() | ({POINT: np.arange(1)} if is_design else {})
    tables = (outcomes, model.kept_paths() or {})
    first, second = (
        as_table(scenario.name, table, scenario.state_names).schema for table in tables
    )
    return first, second


# The plan of a batch: scenarios, replicates and seed, divided into blocks that fit into memory.

#: A scenario, the path of its file, or the name of a shipped one.
ScenarioLike: TypeAlias = Scenario | str | Path
#: The scenarios of a batch: one, several, or a mapping from names to them.
Scenarios: TypeAlias = ScenarioLike | Iterable[ScenarioLike] | Mapping[str, ScenarioLike]


#: Memory in bytes: of a crisis without its agents; of each agent, review or event; of each rung of the ladder.
#: It does not depend on the horizon, since neither the past nor random numbers are kept.
CRISIS_BYTES, AGENT_BYTES, RUNG_BYTES = 13_500, 400, 50


def bytes_per_crisis(scenario: Scenario) -> int:
    """Return an upper bound of the memory that a block needs for each crisis, in bytes."""
    reviews = sum(len(lender.reviews) for lender in scenario.lenders.values())
    count = sum(len(getattr(scenario, name)) for name in (*SECTIONS, "events")) + reviews
    return CRISIS_BYTES + AGENT_BYTES * count + RUNG_BYTES * len(scenario.ladder)


#: Maximum number of replicates in a block; the second applies to small batches, so that all workers get a
#: similar share. The cost of a crisis is the same for both (`make bench`), but each block adds the cost of
#: a file and of handing it to a worker.
BLOCK_SIZE, SMALL_BLOCK_SIZE = 16_384, 2_500
#: With at least this many blocks, all workers finish at nearly the same time.
MANY_BLOCKS = 256
#: Engines for a batch: the processor, or a graphics card.
ENGINES = ("cpu", "gpu")
#: Upper limit of replicates and of points; a larger run would take years.
MOST = 100_000_000_000
#: The largest seed.
MOST_SEED = 2**256
#: Maximum number of replicates in a block on a graphics card, which needs very many threads to be fast.
CARD_BLOCK_SIZE = 262_144
#: Upper limit of the memory of a block in bytes. Blocks of crises that need more memory contain fewer
#: replicates, with the same results.
BLOCK_BYTES = 2**30


@dataclass(frozen=True)
class Plan:
    """Scenarios to run with the same random numbers.

    Attributes:
        scenarios: scenarios with distinct names.
        block_size: maximum number of replicates in a block.
        parameters: values that replace the scenarios', by path, each of shape (replicates,); in a
            design (points * replicates,), one point after the other.
        agents: agents to add to each scenario, as for `CrisisModel`.
        roles: classes that replace the scenarios', by the name of an agent or a role.
        without: names of scenarios to run without these agents and roles, for comparison.
        points: the number of points of a design. Each replicate is run at all of them with the same random
            numbers. None for a batch without a design.
        engine: one of `ENGINES`.

    Raises:
        BatchError: when the plan is not valid, for example because a number is out of range, two scenarios
            have the same name, or a path is not that of a parameter.
    """

    scenarios: tuple[Scenario, ...]
    replicates: int
    seed: int
    block_size: int = BLOCK_SIZE
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    agents: Sequence[Any] = ()
    points: int | None = None
    engine: str = "cpu"
    roles: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise BatchError("no scenario to run")
        check_count("replicates", self.replicates, most=MOST)
        check_count("block size", self.block_size)
        check_count("points", self.points_each, most=MOST)
        check_count("seed", self.seed, least=0, most=MOST_SEED)
        self._check_engine()
        for name, count in Counter(scenario.name for scenario in self.scenarios).items():
            if count > 1:
                raise BatchError(f"{count} scenarios are called {name!r}; names must be distinct")
        for path, values in self.parameters.items():
            self._check_values(path, values)
        if self.parameters:
            for scenario in self.scenarios:
                self._check_paths(scenario)

    def _check_engine(self) -> None:
        if self.engine not in ENGINES:
            raise BatchError(f"unknown engine {self.engine!r}; expected {' or '.join(ENGINES)}")
        if self.engine == "gpu":
            from crisis_sim.model.gpu import NoCardError, check_card

            if self.agents or self.roles:
                raise BatchError("classes of your own run on the engine cpu only")
            try:
                check_card()
            except NoCardError as error:
                raise BatchError(str(error)) from error

    def _check_values(self, path: str, values: NDArray[Any]) -> None:
        if values.shape != (self.rows_each,):
            at_points = f" at {self.points} points" if self.points else ""
            raise BatchError(
                f"parameter {path!r} has values of shape {values.shape}; "
                f"expected one for each of the {self.replicates} replicates{at_points}"
            )
        if values.dtype.kind not in "biuf":
            raise BatchError(f"parameter {path!r} has values that are not numbers: {values.dtype}")

    def _check_paths(self, scenario: Scenario) -> None:
        """Check that a scenario has these parameters, and that the values are in range."""
        from crisis_sim.scenario.errors import did_you_mean
        from crisis_sim.scenario.introspect import numbers_of

        known = numbers_of(scenario)
        for path, values in self.parameters.items():
            if path in known:
                limits = known[path]
                if limits.whole:  # a rung
                    limits = replace(limits, high=min(limits.high, len(scenario.ladder) - 1))
                # Written so that NaN is out of range, too.
                if not ((values >= limits.low) & (values <= limits.high)).all():
                    raise BatchError(
                        f"parameter {path!r} has values from {values.min():g} to "
                        f"{values.max():g}; expected {limits.words()}"
                    )
                if limits.whole and (values % 1 != 0).any():
                    raise BatchError(f"parameter {path!r} has fractions; expected whole numbers")
            # Custom agents may have parameters that only they can check.
            elif not self.agents or path.partition(".")[0] in type(scenario).model_fields:
                near = did_you_mean(path, known)
                raise BatchError(f"no parameter {path!r} in {scenario.name}{near}")

    @property
    def points_each(self) -> int:
        """The number of points at which each replicate is run."""
        return 1 if self.points is None else self.points

    @property
    def rows_each(self) -> int:
        """The number of crises of each scenario."""
        return self.points_each * self.replicates

    @property
    def crises(self) -> int:
        """The total number of crises."""
        return self.rows_each * len(self.scenarios)

    @property
    def blocks(self) -> int:
        """The total number of blocks."""
        point_parts, replicate_parts = self._parts
        return point_parts * replicate_parts * len(self.scenarios)

    @property
    def states(self) -> tuple[str, ...]:
        """The names of all states, without repetition."""
        return tuple(
            dict.fromkeys(name for scenario in self.scenarios for name in scenario.state_names)
        )

    def orders(self, numbers: Iterable[int] | None = None) -> Iterator[BlockOrder]:
        """Iterate over the blocks, which are of nearly the same size, taking the scenarios in turn.

        An interrupted batch therefore has the same replicates of every scenario, except for one block.

        Args:
            numbers: the numbers of the blocks, by default all; numbers outside the plan are skipped.
        """
        known = range(self.blocks)
        return map(self._order, known if numbers is None else filter(known.__contains__, numbers))

    def _order(self, number: int) -> BlockOrder:
        """Return a block by its number: as many whole points as fit into one, or a part of one point."""
        point_parts, replicate_parts = self._parts
        part, scenario_index = divmod(number, len(self.scenarios))
        point_part, replicate_part = divmod(part, replicate_parts)
        points = _part(self.points_each, point_parts, point_part)
        replicates = _part(self.replicates, replicate_parts, replicate_part)
        shape = self.points_each, self.replicates
        scenario = self.scenarios[scenario_index]
        return BlockOrder(
            scenario,
            first=replicates.start,
            count=replicates.stop - replicates.start,
            seed=self.seed,
            parameters={
                path: values.reshape(shape)[points, replicates].ravel()
                for path, values in self.parameters.items()
            },
            **self.rules_of(scenario),
            first_point=points.start,
            points=points.stop - points.start,
            is_design=self.points is not None,
            number=number,
            engine=self.engine,
        )

    def rules_of(self, scenario: Scenario) -> dict[str, Any]:
        """Return the `agents` and `roles` of a scenario, as for `CrisisModel`."""
        if scenario.name in self.without:
            return {"agents": (), "roles": {}}
        return {"agents": self.agents, "roles": applicable_roles(scenario, self.roles)}

    @property
    def _parts(self) -> tuple[int, int]:
        """The number of parts into which the points are divided, and into which the replicates are."""
        points_per_block = max(self.block_size // self.replicates, 1)
        return -(-self.points_each // points_per_block), -(-self.replicates // self.block_size)


def _part(length: int, parts: int, number: int) -> slice:
    """Return one of several parts, of nearly the same size, of a range that begins at 0."""
    return slice(length * number // parts, length * (number + 1) // parts)


def check_count(name: str, number: int, least: int = 1, most: int | None = None) -> None:
    """Raise BatchError unless a number is whole and within limits."""
    if not is_count(number, least):
        raise BatchError(f"expected a whole number of at least {least} for {name}, got {number!r}")
    if most is not None and number > most:
        raise BatchError(f"expected at most {most:,} for {name}")


def max_block_size(scenarios: Iterable[Scenario]) -> int:
    """Return the maximum number of replicates in a block that needs at most `BLOCK_BYTES`."""
    return max(BLOCK_BYTES // max(map(bytes_per_crisis, scenarios), default=1), 1)


def make_plan(
    scenarios: Scenarios,
    replicates: int,
    seed: int,
    block_size: int | None,
    parameters: Mapping[str, Any] | None,
    agents: Sequence[Any] = (),
    points: int | None = None,
    engine: str = "cpu",
    roles: Mapping[str, Any] | None = None,
    compare_without: bool = False,
) -> Plan:
    """Make a plan; the arguments and errors are those of `simulate`."""
    import numpy as np

    pairs: Iterable[tuple[str, Any]]
    if isinstance(scenarios, Mapping):
        pairs = ((str(name), scenario) for name, scenario in scenarios.items())
    else:
        several = [scenarios] if isinstance(scenarios, (Scenario, str, Path)) else scenarios
        pairs = (("", scenario) for scenario in several)
    named = tuple(_read(like, name, number) for number, (name, like) in enumerate(pairs, start=1))
    agents, roles = tuple(agents), dict(roles or {})
    if agents or roles:
        check_rules(named, roles, agents)
    elif compare_without:
        raise BatchError("compare_without leaves out agents and roles, but none are given")
    without = named if compare_without else ()
    named = (*without, *(labelled_with_classes(scenario, roles, agents) for scenario in named))
    points_each = 1 if points is None else points
    check_count("replicates", replicates)
    check_count("points", points_each)
    if block_size is None:
        crises = len(named) * replicates * points_each
        default = CARD_BLOCK_SIZE if engine == "gpu" else default_block_size(crises)
        block_size = min(default, max_block_size(named))
    try:
        values = {path: np.asarray(numbers) for path, numbers in (parameters or {}).items()}
    except ValueError as error:  # nested lists of different lengths
        raise BatchError(f"parameters must be arrays of numbers: {error}") from error
    names = tuple(scenario.name for scenario in without)
    return Plan(named, replicates, seed, block_size, values, agents, points, engine, roles, names)


def default_block_size(crises: int) -> int:
    """Return the maximum number of replicates in a block, for a batch of `crises` crises on processors."""
    return min(max(crises // MANY_BLOCKS, SMALL_BLOCK_SIZE), BLOCK_SIZE)


def _read(scenario: ScenarioLike, name: str, number: int) -> Scenario:
    """Return a scenario under `name`, or else under its existing name, or else numbered."""
    if isinstance(scenario, (str, Path)):
        from crisis_sim.scenario import load_scenario

        scenario = load_scenario(scenario)
    if not isinstance(scenario, Scenario):
        raise BatchError(f"expected a scenario, its file or its name, got {scenario!r}")
    if name and not is_file_name(name):
        raise BatchError(f"{name!r} cannot be a scenario's name; expected {FILE_WORDS}")
    name = name or scenario.name or f"scenario_{number}"
    return scenario if name == scenario.name else scenario._with(name=name)


# The columns of outcomes.parquet and paths.parquet. Times are hours from the scenario's start, null if the event did
# not occur. The model determines the columns (custom agents may add some); known columns come first, in a fixed order.

#: In a design, the column with a row's point, from 0.
POINT = "point"
#: Columns of each state, prefixed with `<state>_`. Further columns follow in the model's order.
STATE_COLUMNS = ("first_act_at_hours", "lowest_market", "highest_pressure")


def as_table(scenario: str, columns: Mapping[str, NDArray[Any]], states: Sequence[str]) -> pa.Table:
    """Return outcomes or market paths as a table; `columns` are arrays of shape (rows,) by name."""
    import numpy as np
    import pyarrow as pa

    columns = {**columns, "scenario": np.full(len(columns["replicate"]), scenario)}
    return pa.table({name: _stored(name, columns[name]) for name in order_columns(columns, states)})


def order_columns(names: Iterable[str], states: Sequence[str]) -> list[str]:
    """Return column names in the fixed order, followed by unknown ones."""
    names = list(names)
    of_states = (f"{state}_{column}" for state in states for column in STATE_COLUMNS)
    scenario, *others = FIRST_COLUMNS
    known = dict.fromkeys([scenario, POINT, *others, *of_states])
    return [name for name in known if name in names] + [name for name in names if name not in known]


def unify_schemas(schemas: Iterable[pa.Schema], states: Sequence[str]) -> pa.Schema:
    """Merge the schemas of scenarios, which may have different agents."""
    import pyarrow as pa

    merged = pa.unify_schemas(list(schemas), promote_options="permissive")
    return pa.schema([merged.field(name) for name in order_columns(merged.names, states)])


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with all columns of a schema; missing ones are null. ValueError if it has others."""
    import pyarrow as pa

    unknown = sorted(set(table.column_names) - set(schema.names))
    if unknown:
        raise ValueError(f"columns that are not in the batch's schema: {', '.join(unknown)}")
    columns = [
        table.column(field.name)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _stored(name: str, values: NDArray[Any]) -> pa.Array:
    """Return a column as it is stored: texts with a dictionary, "" and NaN as null, times as float64."""
    import numpy as np
    import pyarrow as pa

    if values.dtype.kind in "OUT":
        texts, codes = np.unique(values.astype(str), return_inverse=True)
        indices = pa.array(codes.astype(np.int32), mask=texts[codes] == "")
        return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))
    if values.dtype.kind == "f" and name.endswith("_hours"):
        values = values.astype(np.float64, copy=False)
    return pa.array(values, from_pandas=True)


# Blocks on disk. A block is a Parquet file in `outcomes/`; if it includes the first replicates, there is a
# second file in `paths/`. The name consists of the block's number, the number of rows and the first digits
# of the SHA-256 of the content:
#
#     outcomes/00000012-16384-5b1f0e9a8c7d6e5f.parquet
#
# Writes are atomic, so a file that does not match its checksum has been damaged. The metadata of each file
# contains a mark, which reveals files of other runs.

#: The folders of the blocks of the two tables.
OUTCOMES_FOLDER, PATHS_FOLDER = "outcomes", "paths"
#: Hexadecimal digits of the checksum in a name: one in 18 billion billion damaged blocks goes undetected.
CHECKSUM_DIGITS = 16
#: The key of a file's mark in Parquet metadata: its batch, and its position in the batch.
MARK = b"crisis_sim"
_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]+)\.parquet")


def encode_block(block: Block, schemas: Mapping[str, pa.Schema], identity: str) -> Block:
    """Return a block with the content of its files in place of its tables, which must fit the batch's `schemas`."""
    files = {}
    # A block counts as finished once its outcomes exist, so these are written last.
    for name, table in ((PATHS_FOLDER, block.paths), (OUTCOMES_FOLDER, block.table)):
        if table is not None and name in schemas:
            columns = with_mark(schemas[name], identity, name, block.order)
            content = parquet_of(conform(table, columns), write_page_checksum=True)
            checksum = digest_of(content)[:CHECKSUM_DIGITS]
            files[f"{name}/{block.order.number:08}-{table.num_rows}-{checksum}.parquet"] = content
    return replace(block, table=None, paths=None, files=files)


def mark(identity: str, table: str, order: BlockOrder | None = None) -> dict[str, Any]:
    """Return the mark of a file: its batch, its table and, for a block, its position."""
    return {"identity": identity, "table": table, **(order.place if order else {})}


def with_mark(
    schema: pa.Schema, identity: str, table: str, order: BlockOrder | None = None
) -> pa.Schema:
    """Return a schema with the mark of a file in its metadata."""
    return schema.with_metadata({MARK: json.dumps(mark(identity, table, order))})


def mark_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the mark in a Parquet file's schema, or {} if it has none."""
    try:
        data = json.loads((schema.metadata or {}).get(MARK, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def read_mark(path: Path) -> dict[str, Any]:
    """Return the mark of a Parquet file on disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return mark_of(pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error


class BlockFile(NamedTuple):
    """A file of a block, and the parts of its name."""

    number: int
    rows: int
    checksum: str
    path: Path

    def content(self) -> bytes:
        """Return the content; ResultsError if it cannot be read or does not match the checksum."""
        content = read_bytes(self.path.parent, self.path.name)
        if digest_of(content)[:CHECKSUM_DIGITS] != self.checksum:
            raise ResultsError(f"{self.path}: its content does not match its checksum")
        return content


def block_files(folder: Path) -> list[BlockFile]:
    """Return the block files in a folder, in the order of the plan."""
    paths = folder.iterdir() if folder.is_dir() else ()
    matches = ((_NAME.fullmatch(path.name), path) for path in paths)
    return sorted(BlockFile(int(m[1]), int(m[2]), m[3], path) for m, path in matches if m)


def names_digest(files: Iterable[BlockFile]) -> str:
    """Return the SHA-256 of the names of block files, one per line; the names contain checksums of the content."""
    return digest_of("".join(f"{file.path.name}\n" for file in files).encode())
