"""The plan of a batch, cut into blocks, and how one is run: replicates of one scenario in the arrays of one model.

A block is the unit of memory, of work handed to a worker, of what is written and of what is lost
when something goes wrong. Which block a replicate falls into never changes the replicate.
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

from crisis_sim.batch.files import BatchError, ResultsError, digest_of, inside, parquet_of
from crisis_sim.batch.rules import (
    applicable_roles,
    check_rules,
    labelled_with_classes,
    load_reference,
    to_reference,
)
from crisis_sim.scenario.checks import FIRST_COLUMNS
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import SECTIONS, Scenario
from crisis_sim.scenario.source import FILE_WORDS, is_file_name

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from crisis_sim.model import CrisisModel


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
        object.__setattr__(self, "agents", tuple(map(to_reference, self.agents)))
        roles = {name: to_reference(kind) for name, kind in self.roles.items()}
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
        agents=[load_reference(one) for one in order.agents],
        roles={name: load_reference(one) for name, one in order.roles.items()},
        keep_paths=0 if order.is_design else PATHS_KEPT,
        points=order.points,
        engine=order.engine,
    )
    try:
        model.run(watch=watch, daily=daily)
        paths, outcomes = model.kept_paths(), model.outcomes()
        if order.is_design:
            numbers = np.arange(order.first_point, order.first_point + order.points)
            outcomes[POINT] = np.repeat(numbers, order.count)
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

    model = CrisisModel(
        scenario, agents=agents, roles=applicable_roles(scenario, roles), keep_paths=1
    )
    outcomes = model.outcomes() | ({POINT: np.arange(1)} if is_design else {})
    tables = (outcomes, model.kept_paths() or {})
    first, second = (as_table(scenario.name, one, scenario.state_names).schema for one in tables)
    return first, second


# The plan of a batch: scenarios, replicates and seed, cut into blocks that fit into memory.

#: A scenario, its file, or the name of a shipped one.
OneScenario: TypeAlias = Scenario | str | Path
#: What a batch is asked to run: one or many, or each under a name of its own.
Scenarios: TypeAlias = OneScenario | Iterable[OneScenario] | Mapping[str, OneScenario]


#: Bytes of a crisis apart from its agents, of an agent, review or event, and of a rung that is drawn for
#: each crisis. They do not grow with the horizon: neither the past nor the numbers of its luck are kept.
BYTES_A_CRISIS, BYTES_AN_AGENT, BYTES_A_RUNG = 13_500, 400, 50


def bytes_per_crisis(scenario: Scenario) -> int:
    """The most bytes that a block holds for each of its crises."""
    reviews = sum(len(lender.reviews) for lender in scenario.lenders.values())
    count = sum(len(getattr(scenario, name)) for name in (*SECTIONS, "events")) + reviews
    return BYTES_A_CRISIS + BYTES_AN_AGENT * count + BYTES_A_RUNG * len(scenario.ladder)


#: The most replicates in a block, and the fewest, for small batches, so that all workers get a similar
#: share. A crisis costs the same in either (`make bench`), but each block has the cost of a file and of
#: handing it to a worker.
BLOCK_SIZE, SMALL_BLOCK_SIZE = 16_384, 2_500
#: Blocks from which on workers are done at nearly the same time.
MANY_BLOCKS = 256
#: Engines for a batch: the processor, or a graphics card.
ENGINES = ("cpu", "gpu")
#: The most replicates, or points: a run of more would not end.
MOST = 100_000_000_000
#: The largest seed.
MOST_SEED = 2**256
#: The most replicates in a block on a graphics card, which is quick where it has very many threads to go on with.
CARD_BLOCK_SIZE = 262_144
#: The most memory that a block may come to need. Blocks of crises that could need more are smaller;
#: their results are the same.
BLOCK_BYTES = 2**30


@dataclass(frozen=True)
class Plan:
    """Scenarios to run side by side on the same luck.

    Attributes:
        scenarios: each under a name of its own.
        block_size: the most replicates that a block has.
        parameters: values in place of the scenarios', by path, each of shape (replicates,); in a
            design (points * replicates,), one point after the other.
        agents: makers of agents to add to each scenario's own.
        roles: by the name of an agent, or of a role, the class in place of the scenario's own.
        without: names of scenarios that are run without these agents and roles, to compare with.
        points: for a design, at how many points each replicate is run, with the same luck at all of
            them; None for a batch that is no design.
        engine: what runs it, one of `ENGINES`.

    Raises:
        BatchError: when it cannot be run: a number too low, a name twice, a path that leads to no
            parameter of a scenario, values too few, too many or out of range.
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
            raise BatchError("there is no scenario to run")
        check_count("replicates", self.replicates, most=MOST)
        check_count("block size", self.block_size)
        check_count("points", self.points_each, most=MOST)
        check_count("seed", self.seed, least=0, most=MOST_SEED)
        self._check_engine()
        for name, count in Counter(scenario.name for scenario in self.scenarios).items():
            if count > 1:
                raise BatchError(
                    f"{count} scenarios are called {name!r}; each needs a name of its own"
                )
        for path, values in self.parameters.items():
            self._check_values(path, values)
        if self.parameters:
            for scenario in self.scenarios:
                self._check_paths(scenario)

    def _check_engine(self) -> None:
        if self.engine not in ENGINES:
            raise BatchError(f"engine {self.engine!r} is unknown; there are {', '.join(ENGINES)}")
        if self.engine == "gpu":
            from crisis_sim.model.gpu import NoCardError, check_card

            if self.agents or self.roles:
                raise BatchError("classes of your own need the engine cpu")
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
            raise BatchError(f"parameter {path!r} has values that are no numbers: {values.dtype}")

    def _check_paths(self, scenario: Scenario) -> None:
        """Make sure that a scenario has the numbers whose values are given, and in those ranges."""
        from crisis_sim.scenario.errors import did_you_mean
        from crisis_sim.scenario.introspect import numbers_of

        known = numbers_of(scenario)
        for path, values in self.parameters.items():
            if path in known:
                limits = known[path]
                if limits.whole:  # a rung
                    limits = replace(limits, high=min(limits.high, len(scenario.ladder) - 1))
                # So NaN is out of range, too.
                if not ((values >= limits.low) & (values <= limits.high)).all():
                    raise BatchError(
                        f"parameter {path!r} has values from {values.min():g} to "
                        f"{values.max():g}; expected {limits.words()}"
                    )
                if limits.whole and (values % 1 != 0).any():
                    raise BatchError(f"parameter {path!r} has fractions; expected whole numbers")
            # Custom agents may have parameters of their own, which only they know.
            elif not self.agents or path.partition(".")[0] in type(scenario).model_fields:
                near = did_you_mean(path, known)
                raise BatchError(f"no parameter {path!r} in {scenario.name}{near}")

    @property
    def points_each(self) -> int:
        """At how many points each replicate of a scenario is run."""
        return 1 if self.points is None else self.points

    @property
    def rows_each(self) -> int:
        """How many crises of each scenario there are."""
        return self.points_each * self.replicates

    @property
    def crises(self) -> int:
        """How many crises there are in all."""
        return self.rows_each * len(self.scenarios)

    @property
    def blocks(self) -> int:
        """How many blocks there are in all."""
        of_points, of_replicates = self._parts
        return of_points * of_replicates * len(self.scenarios)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all the scenarios' states, each once."""
        return tuple(dict.fromkeys(name for one in self.scenarios for name in one.state_names))

    def orders(self, numbers: Iterable[int] | None = None) -> Iterator[BlockOrder]:
        """The blocks, of nearly the same size; block after block for all scenarios in turn.

        So a batch that is cut short has the same replicates of every scenario, give or take one
        block. Only the one in hand takes memory. Where `numbers` are given, those blocks alone.
        """
        whole = range(self.blocks)
        return map(self._order, whole if numbers is None else filter(whole.__contains__, numbers))

    def _order(self, number: int) -> BlockOrder:
        """The block of that number: as many whole points as fit into one, or a part of one point."""
        of_points, of_replicates = self._parts
        cut, which = divmod(number, len(self.scenarios))
        of_point, of_replicate = divmod(cut, of_replicates)
        points = _part(self.points_each, of_points, of_point)
        replicates = _part(self.replicates, of_replicates, of_replicate)
        shape = self.points_each, self.replicates
        return BlockOrder(
            self.scenarios[which],
            first=replicates.start,
            count=replicates.stop - replicates.start,
            seed=self.seed,
            parameters={
                path: values.reshape(shape)[points, replicates].ravel()
                for path, values in self.parameters.items()
            },
            **self.rules_of(self.scenarios[which]),
            first_point=points.start,
            points=points.stop - points.start,
            is_design=self.points is not None,
            number=number,
            engine=self.engine,
        )

    def rules_of(self, scenario: Scenario) -> dict[str, Any]:
        """The agents that are added to a scenario, and the classes in place of its own, as `CrisisModel` takes them."""
        if scenario.name in self.without:
            return {"agents": (), "roles": {}}
        return {"agents": self.agents, "roles": applicable_roles(scenario, self.roles)}

    @property
    def _parts(self) -> tuple[int, int]:
        """Into how many parts the points are cut for blocks, and into how many the replicates."""
        points_a_block = max(self.block_size // self.replicates, 1)
        return -(-self.points_each // points_a_block), -(-self.replicates // self.block_size)


def _part(whole: int, parts: int, number: int) -> slice:
    """One of the parts, of nearly the same size, of a whole."""
    return slice(whole * number // parts, whole * (number + 1) // parts)


def check_count(what: str, number: int, least: int = 1, most: int | None = None) -> None:
    """Make sure that a number of something is whole, not too small and not too large, or BatchError."""
    if not is_count(number, least):
        raise BatchError(f"expected a whole number of at least {least} for {what}, got {number!r}")
    if most is not None and number > most:
        raise BatchError(f"expected at most {most:,} for {what}")


def max_block_size(scenarios: Iterable[Scenario]) -> int:
    """The most replicates of any of these scenarios that `BLOCK_BYTES` holds."""
    return max(BLOCK_BYTES // max(bytes_per_crisis(one) for one in scenarios), 1)


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
    """A plan from scenarios, files or names of shipped ones, one or many, or a mapping of names to these.

    Scenarios with classes of one's own are named after these; with `compare_without` each comes without them as well.
    ScenarioError where a scenario file has mistakes, BatchError where it cannot be run as asked.
    """
    import numpy as np

    given: Iterable[tuple[str, Any]]
    if isinstance(scenarios, Mapping):
        given = ((str(name), one) for name, one in scenarios.items())
    else:
        several = [scenarios] if isinstance(scenarios, (Scenario, str, Path)) else scenarios
        given = (("", one) for one in several)
    named = tuple(_read(one, name, number) for number, (name, one) in enumerate(given, start=1))
    agents, roles = tuple(agents), dict(roles or {})
    if agents or roles:
        check_rules(named, roles, agents)
    without = tuple(one.name for one in named) if compare_without else ()
    if without and not (agents or roles):
        raise BatchError("to compare without classes of your own, give some: agents or roles")
    labels = tuple(labelled_with_classes(one, roles, agents) for one in named)
    named = (*(named if compare_without else ()), *labels)
    points_each = 1 if points is None else points
    check_count("replicates", replicates)
    check_count("points", points_each)
    crises = len(named) * replicates * points_each
    usual = CARD_BLOCK_SIZE if engine == "gpu" else default_block_size(crises)
    size = min(usual, max_block_size(named)) if block_size is None else block_size
    try:
        values = {path: np.asarray(numbers) for path, numbers in (parameters or {}).items()}
    except ValueError as error:  # lists of lists of several lengths
        raise BatchError(f"parameters must be arrays of numbers: {error}") from error
    return Plan(named, replicates, seed, size, values, agents, points, engine, roles, without)


def default_block_size(crises: int) -> int:
    """The most replicates in a block of a batch of `crises` crises, on processors."""
    return min(max(crises // MANY_BLOCKS, SMALL_BLOCK_SIZE), BLOCK_SIZE)


def _read(given: OneScenario, name: str, number: int) -> Scenario:
    """A scenario under the name that it was given with, its own, or its place among several."""
    if isinstance(given, (str, Path)):
        from crisis_sim.scenario import load_scenario

        given = load_scenario(given)
    if not isinstance(given, Scenario):
        raise BatchError(f"expected a scenario, its file or its name, got {given!r}")
    if name and not is_file_name(name):
        raise BatchError(f"{name!r} cannot be a scenario's name; expected {FILE_WORDS}")
    name = name or given.name or f"scenario_{number}"
    return given if name == given.name else given._with(name=name)


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
    return pa.table({name: _stored(name, columns[name]) for name in order_columns(columns, states)})


def order_columns(names: Iterable[str], states: Sequence[str]) -> list[str]:
    """Column names in the fixed order, those that the order does not know at the end."""
    names = list(names)
    of_states = (f"{state}_{column}" for state in states for column in STATE_COLUMNS)
    scenario, *others = FIRST_COLUMNS
    known = dict.fromkeys([scenario, POINT, *others, *of_states])
    return [name for name in known if name in names] + [name for name in names if name not in known]


def unify_schemas(schemas: Iterable[pa.Schema], states: Sequence[str]) -> pa.Schema:
    """One schema for scenarios that differ in their mediators, lenders or states."""
    import pyarrow as pa

    whole = pa.unify_schemas(list(schemas), promote_options="permissive")
    return pa.schema([whole.field(name) for name in order_columns(whole.names, states)])


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


def encode_block(block: Block, schemas: Mapping[str, pa.Schema], identity: str) -> Block:
    """A block of the batch of an identity as the content of its files.

    ValueError where it has a column that the batch's tables have not, by their `schemas`.
    """
    files = {}
    # It is there once its outcomes are, so these are written last.
    for name, table in ((PATHS_FOLDER, block.paths), (OUTCOMES_FOLDER, block.table)):
        if table is not None and name in schemas:
            columns = with_mark(schemas[name], identity, name, block.order)
            content = parquet_of(conform(table, columns), write_page_checksum=True)
            checksum = digest_of(content)[:CHECKSUM_DIGITS]
            files[f"{name}/{block.order.number:08}-{table.num_rows}-{checksum}.parquet"] = content
    return replace(block, table=None, paths=None, files=files)


def mark(identity: str, table: str, order: BlockOrder | None = None) -> dict[str, Any]:
    """The mark of a file: of which batch and table it is, and if it is a block's, where that belongs."""
    return {"identity": identity, "table": table, **(order.place if order else {})}


def with_mark(
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


def read_mark(path: Path) -> dict[str, Any]:
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
