"""`Batch`, the result of a run: for each scenario an `Ensemble` of replicates, one row each."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisis_sim import show
from crisis_sim.text import clean

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Ensemble:
    """One scenario's replicates: the same crisis, many times over.

    Attributes:
        name, title: the scenario's.
        horizon_hours: hours from the start for which each crisis was followed at most.
        states: short names of the two states.
        table: one row a replicate, in order of `replicate`; columns as in
            `crisis_sim.batch.block`.
        paths: one row a replicate and day for the first replicates (markets, pressure, rungs), or
            None.
        scenario: the resolved scenario as plain data, the real path included.
    """

    name: str
    title: str
    horizon_hours: float
    states: tuple[str, ...]
    table: pa.Table = field(repr=False)
    paths: pa.Table | None = field(default=None, repr=False)
    scenario: dict[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"Ensemble({self.name!r}, {self.replicates:,} replicates, {len(self.table.column_names)} columns)"

    def _repr_html_(self) -> str:
        """HTML for a notebook."""
        names = [name for name in COLUMNS if name in self.table.column_names]
        rows = self.table.select(names).slice(0, ROWS).to_pylist()
        others = [name for name in self.table.column_names if name not in names]
        return show.page(
            show.heading(self.title, f"{self.name}: {self.replicates:,} replicates"),
            show.paragraph(_endings(self)),
            show.table(
                names,
                [[_shown(row[name]) for name in names] for row in rows],
                f"The first {len(rows)} of them; times are hours from the start",
                figures=True,
            ),
            show.folded(f"{len(others)} more columns", show.bullets(others)),
        )

    @property
    def replicates(self) -> int:
        """Number of replicates, which is the number of rows."""
        return int(self.table.num_rows)

    def column(self, name: str) -> NDArray[Any]:
        """One outcome of every replicate, as an array of shape (replicates,).

        Numbers come as float64 with NaN where the thing never came, texts as strings with "" there,
        yes-or-no columns as bool and whole numbers as integers. KeyError names the nearest column.
        """
        if name not in self.table.column_names:
            near = difflib.get_close_matches(name, self.table.column_names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise KeyError(f"ensemble {self.name!r} has no column {name!r}{hint}")
        return as_array(self.table.column(name))


@dataclass(frozen=True)
class Batch:
    """Scenarios run side by side with the same luck, in the order in which they were asked for.

    Attributes:
        ensembles: scenario name to its replicates; the first is the one that others are compared
            with.
        manifest: how the batch came about: seed, replicates, versions, git revision, command,
            failures (`crisis_sim.batch.manifest`).
    """

    ensembles: dict[str, Ensemble]
    manifest: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        crises = sum(one.replicates for one in self.ensembles.values())
        return f"Batch({clean(', '.join(self.ensembles))}; {crises:,} crises, seed {self.manifest.get('seed')})"

    def _repr_html_(self) -> str:
        """HTML for a notebook."""
        crises = sum(one.replicates for one in self.ensembles.values())
        failures = self.manifest.get("failures") or ()
        rows = [
            (name, one.title, f"{one.replicates:,}", _endings(one))
            for name, one in self.ensembles.items()
        ]
        return show.page(
            show.heading(f"{crises:,} crises", f"seed {self.manifest.get('seed')}"),
            show.table(("scenario", "title", "replicates", "ended"), rows),
            show.paragraph(
                f"{len(failures):,} blocks failed: what they held is missing." if failures else ""
            ),
            show.paragraph("summarise(batch) says what came of them, with intervals."),
        )

    @property
    def seed(self) -> int:
        """The seed that, with a replicate's number, fixes its luck."""
        return int(self.manifest["seed"])


def as_array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of a table as a NumPy array, with NaN or "" for what is missing."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    types = pa.types
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
        places, words = coded(column)
        return np.array(words)[places]
    values: NDArray[Any] = column.to_numpy()
    if types.is_floating(kind):
        return values.astype(np.float64, copy=False)
    return values


def coded(column: pa.ChunkedArray) -> tuple[NDArray[np.intp], list[str]]:
    """A column of texts as indices into a list of its distinct texts; the first, "", means missing."""
    import numpy as np
    import pyarrow as pa

    if column.num_chunks == 0:
        return np.empty(0, dtype=np.intp), [""]
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    places = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    return places + 1, ["", *whole.dictionary.to_pylist()]


# Display in a notebook: the content alone; a summary interprets it.

#: Rows of outcomes, and the columns of them, that are shown.
ROWS = 5
COLUMNS = (
    "replicate",
    "ending",
    "first_strike_at_hours",
    "ceasefire_in_effect_at_hours",
    "ended_at_hours",
    "brokered_by",
    "worst_violence",
    "deaths",
)


def _endings(ensemble: Ensemble) -> str:
    """How many replicates ended in which way, the commonest first."""
    if "ending" not in ensemble.table.column_names:
        return ""
    counted = Counter(ensemble.column("ending").tolist())
    return ", ".join(f"{ending} {count:,}" for ending, count in counted.most_common())


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
