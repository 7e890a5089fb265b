"""One block: consecutive replicates of one scenario, run together in the arrays of one model.

A block is the unit of everything in a batch: of memory, of work handed to a worker, of what is
written and of what is lost when something goes wrong. Which block a replicate falls into never
changes the replicate.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario


# --- One block: consecutive replicates of one scenario, run together in the arrays of one model

#: Called with a model as it goes on.
Watch: TypeAlias = "Callable[[CrisisModel], None]"

#: Replicates of each scenario whose market paths are kept: enough for bands, few enough to draw.
PATHS_KEPT = 1000


@dataclass(frozen=True)
class BlockOrder:
    """What to run: replicates `first` to `first + count - 1` of a scenario, at one point of a design or several.

    Attributes:
        scenario: the scenario.
        first: number of the first replicate.
        count: how many replicates.
        seed: the batch's seed.
        parameters: values in place of the scenario's, by path, each of shape (points * count,), one point after the
            other.
        agents: makers of agents to add to the scenario's own, as `CrisisModel` takes them.
        first_point: number of the first point of the design.
        points: how many points; 1 for a batch that is no design.
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

    @property
    def rows(self) -> int:
        """How many crises that is."""
        return self.points * self.count

    @property
    def keeps_paths(self) -> bool:
        """Whether market paths of some of its replicates are kept."""
        return not self.is_design and self.first < PATHS_KEPT


@dataclass(frozen=True)
class Block:
    """What came of an order.

    Attributes:
        scenario: the scenario's name.
        first, count: which replicates.
        table: one row a replicate (of each point), in order (`crisis_sim.batch.block`).
        paths: market paths of those replicates whose number is below `PATHS_KEPT`, or None.
        seconds: time it took.
        agent_turns: turns that its agents went through, summed over replicates, each until its
            crisis was over.
        number: its place in the plan.
    """

    scenario: str
    first: int
    count: int
    table: pa.Table
    paths: pa.Table | None
    seconds: float
    agent_turns: int
    first_point: int = 0
    points: int = 1
    number: int = 0

    @property
    def rows(self) -> int:
        """How many crises that is."""
        return self.points * self.count


@dataclass(frozen=True)
class BlockFailure:
    """What is known of an order that failed; see `Block` for the fields that they share.

    Attributes:
        seed: the batch's seed, with which the failure can be had again.
        error: type and message of the exception.
        trace: where it was raised, as Python prints it.
    """

    scenario: str
    first: int
    count: int
    seconds: float
    seed: int
    error: str
    trace: str
    first_point: int = 0
    points: int = 1
    is_design: bool = False
    number: int = 0

    @property
    def rows(self) -> int:
        """How many crises that is."""
        return self.points * self.count

    @property
    def replicates(self) -> str:
        """Which replicates, in words."""
        words = f"replicates {self.first} to {self.first + self.count - 1} of {self.scenario}"
        if self.is_design:
            words += f" at points {self.first_point} to {self.first_point + self.points - 1}"
        return words


def run_block(
    scenario: Scenario,
    first: int,
    count: int,
    seed: int,
    parameters: Mapping[str, NDArray[Any]] | None = None,
    agents: Sequence[Any] = (),
    first_point: int = 0,
    points: int = 1,
    is_design: bool = False,
    engine: str = "cpu",
    watch: Watch | None = None,
    daily: bool = True,
) -> Block:
    """Run replicates `first` to `first + count - 1` of a scenario.

    Args:
        watch, daily: as of `CrisisModel.run`.
        scenario, first, count, seed, parameters, agents, first_point, points, is_design: as of
            `BlockOrder`.
        engine: likewise.
    """
    import numpy as np

    from crisis_sim.model import CrisisModel

    started = time.perf_counter()
    model = CrisisModel(
        scenario,
        replicates=count,
        seed=seed,
        first_replicate=first,
        parameters=parameters,
        agents=agents,
        keep_paths=0 if is_design else PATHS_KEPT,
        points=points,
        engine=engine,
    )
    try:
        model.run(watch=watch, daily=daily)
    finally:
        _forget(model)
    paths = model.kept_paths()
    outcomes = model.outcomes()
    if is_design:
        outcomes["point"] = np.repeat(np.arange(first_point, first_point + points), count)
    block = Block(
        scenario=scenario.name,
        first=first,
        count=count,
        table=outcome_table(scenario.name, outcomes, scenario.state_names),
        paths=path_table(scenario.name, paths) if paths else None,
        seconds=time.perf_counter() - started,
        agent_turns=len(model.agents) * model.turns_run,
        first_point=first_point,
        points=points,
    )
    _release(model)
    return block


def _release(model: CrisisModel) -> None:
    """Free a model's arrays at once; its agents know each other, so they would wait for Python's next look for circles."""
    for agent in model.cast:
        agent.__dict__.clear()
    model.__dict__.clear()


def _forget(model: CrisisModel) -> None:
    """Let Mesa let go of a model: 3.3 numbers agents by model, and so keeps every model alive."""
    import mesa

    getattr(mesa.Agent, "_ids", {}).pop(model, None)


def attempt(order: BlockOrder, watch: Watch | None = None) -> Block | BlockFailure:
    """Carry out an order; what its model or agents raise becomes a failure to record.

    Args:
        watch: called with the model now and then; a `KeyboardInterrupt` that it raises ends the run.
    """
    started = time.perf_counter()
    try:
        block = run_block(
            order.scenario,
            order.first,
            order.count,
            order.seed,
            order.parameters,
            order.agents,
            order.first_point,
            order.points,
            order.is_design,
            order.engine,
            watch,
            daily=False,
        )
        return replace(block, number=order.number)
    except Exception as error:  # noqa: BLE001 - an agent may be anybody's code
        return failure(
            order,
            f"{type(error).__name__}: {error}",
            traceback.format_exc(),
            time.perf_counter() - started,
        )


def failure(order: BlockOrder, error: str, trace: str = "", seconds: float = 0.0) -> BlockFailure:
    """The failure of an order."""
    return BlockFailure(
        order.scenario.name,
        order.first,
        order.count,
        seconds,
        order.seed,
        error,
        trace,
        order.first_point,
        order.points,
        order.is_design,
        order.number,
    )


def schemas(
    scenario: Scenario, agents: Sequence[Any] = (), is_design: bool = False
) -> tuple[pa.Schema, pa.Schema]:
    """The columns of outcomes and of paths, asked of a model that has not taken a turn."""
    import numpy as np

    from crisis_sim.model import CrisisModel

    model = CrisisModel(scenario, agents=agents, keep_paths=1)
    outcomes = model.outcomes()
    if is_design:
        outcomes["point"] = np.arange(1)
    table = outcome_table(scenario.name, outcomes, scenario.state_names)
    return table.schema, path_table(scenario.name, model.kept_paths() or {}).schema


# --- The columns of outcomes.parquet and paths.parquet: their order, and how each is stored
#
# Times are hours from the scenario's start, null where the thing never came. Which columns there are
# is the model's business (an agent of your own may add some); this module only puts the known ones
# first, in a fixed order.

#: The columns that every scenario has, in their order.
FIRST_COLUMNS = (
    "scenario",
    "replicate",
    "ending",
    "ended_at_hours",
    "first_strike_at_hours",
    "mediated",
    "mediation_started_at_hours",
    "mediation_style",
    "channel_opened_at_hours",
    "ceasefire_agreed_at_hours",
    "ceasefire_in_effect_at_hours",
    "brokered_by",
    "first_violation_at_hours",
    "relapsed_at_hours",
    "war_at_hours",
    "nuclear_use_at_hours",
    "worst_violence",
    "peak_rung",
    "nuclear_pair",
    "deaths",
)
#: Where a batch is a design: which of its points a row belongs to, from 0.
POINT = "point"
#: Then these for each state, after `<state>_`; all further columns follow in the model's order.
STATE_COLUMNS = ("lowest_market", "highest_pressure")
#: The columns of paths.parquet before those of the states.
FIRST_PATH_COLUMNS = ("scenario", "replicate", "day")


def outcome_table(
    scenario: str, outcomes: Mapping[str, NDArray[Any]], states: Sequence[str]
) -> pa.Table:
    """The outcomes of one block as a table in the fixed order of columns.

    Args:
        scenario: the scenario's name.
        outcomes: column name to an array of shape (rows,), as `CrisisModel.outcomes` gives them.
        states: the two states' names.
    """
    import numpy as np

    count = len(next(iter(outcomes.values())))
    columns = {**outcomes, "scenario": np.full(count, scenario)}
    return _table({name: columns[name] for name in arrange(columns, states)})


def path_table(scenario: str, paths: Mapping[str, NDArray[Any]]) -> pa.Table:
    """The market paths of one block as a table; each array has shape (replicates * days,)."""
    import numpy as np

    rows = len(paths["replicate"])
    names = [name for name in paths if name not in FIRST_PATH_COLUMNS]
    columns = {**paths, "scenario": np.full(rows, scenario)}
    return _table({name: columns[name] for name in (*FIRST_PATH_COLUMNS, *names)})


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
    """A table with all columns of a schema, null where it has none of its own.

    Raises:
        ValueError: when it has a column that the schema has not.
    """
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


def _table(columns: Mapping[str, NDArray[Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: _stored(name, values) for name, values in columns.items()})


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
