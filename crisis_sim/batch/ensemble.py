"""`Batch`, the result of a run: for each scenario an `Ensemble` of replicates, one row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisis_sim import show
from crisis_sim.scenario.errors import did_you_mean
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE
from crisis_sim.text import clean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
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
            hint = did_you_mean(name, self.table.column_names)
            raise KeyError(f"ensemble {self.name!r} has no column {name!r}{hint}")
        return as_array(self.table.column(name))

    def __len__(self) -> int:
        return self.replicates

    def __iter__(self) -> Iterator[str]:
        """The names of its columns."""
        return iter(self.table.column_names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One outcome of every replicate, as `column` gives it."""
        return self.column(name)

    def to_pandas(self) -> pd.DataFrame:
        """One row a replicate; see docs/outcomes.md for the columns.

        The categories of a column of words are all that can occur, whether or not they did; NaN stands for none.
        """
        return _frame([self])


def _frame(ensembles: Iterable[Ensemble]) -> pd.DataFrame:
    """The rows of ensembles, one below the other, with the categories of all of them."""
    import pandas as pd

    frames, known = [], dict[str, dict[str, None]]()
    for one in ensembles:
        table = one.table.unify_dictionaries()
        frames.append(table.to_pandas())
        words = {
            "scenario": [one.name],
            "ending": ENDINGS,
            "worst_violence": VIOLENCE,
            "mediation_style": STYLES,
            "brokered_by": sorted(one.scenario.get("mediators", ())),
            **{f"{lender}_decision": DECISIONS for lender in one.scenario.get("lenders", ())},
        }
        for name, column in frames[-1].items():
            if isinstance(column.dtype, pd.CategoricalDtype):
                every = [*words.get(str(name), ()), *column.cat.categories]
                known.setdefault(str(name), {}).update(dict.fromkeys(filter(None, every)))
    for frame in frames:
        for name in known.keys() & set(frame.columns):
            ordered = name == "worst_violence"
            frame[name] = frame[name].astype(pd.CategoricalDtype([*known[name]], ordered))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


#: Decisions of a lender's board, as results name them.
DECISIONS = ("approved", "delayed")


@dataclass(frozen=True)
class Batch(Mapping[str, Ensemble]):
    """Scenarios run side by side with the same luck, in the order in which they were asked for.

    It is a mapping: `batch["may_2025"]` is an `Ensemble`, `len(batch)` the number of scenarios, and to iterate over it
    gives their names.

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

    def __getitem__(self, name: str) -> Ensemble:
        """A scenario's replicates; KeyError names the nearest scenario."""
        if name not in self.ensembles:
            others = ", ".join(self.ensembles)
            raise KeyError(
                f"no scenario {name!r}{did_you_mean(name, self.ensembles)}; there are {others}"
            )
        return self.ensembles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ensembles)

    def __len__(self) -> int:
        return len(self.ensembles)

    def to_pandas(self) -> pd.DataFrame:
        """One row a replicate of each scenario, with a column `scenario`; see docs/outcomes.md for the others.

        The categories of a column of words are all that can occur in these scenarios, whether or not they did.
        """
        return _frame(self.ensembles.values())

    def plot(self, chart: str = "ceasefire", ax: Axes | None = None) -> Figure:
        """A chart of the batch, with 95% intervals; the first scenario is the reference.

        Args:
            chart: `ceasefire` (by the time since the first strike), `endings`, `differences` or `markets`.
            ax: axes to draw the main panel of the chart into; a figure of its own where left out.

        Raises:
            ValueError: when there is no such chart.
        """
        from crisis_sim.report.save import plot

        return plot(self, chart, ax)

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
        places, words = encode_texts(column)
        return np.array(words)[places]
    values: NDArray[Any] = column.to_numpy()
    if types.is_floating(kind):
        return values.astype(np.float64, copy=False)
    return values


def encode_texts(column: pa.ChunkedArray) -> tuple[NDArray[np.intp], list[str]]:
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
