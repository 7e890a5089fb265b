"""The columns of outcomes.parquet and paths.parquet: their order, and how each is stored.

Times are hours from the scenario's start, null where the thing never came. Which columns there are
is the model's business (an agent of your own may add some); this module only puts the known ones
first, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

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
