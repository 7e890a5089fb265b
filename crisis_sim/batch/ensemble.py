"""`Batch`, the result of a run: an `Ensemble` for each scenario, with a row for each replicate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisis_sim import notebook
from crisis_sim.batch.safe_files import ResultsError
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


class MissingColumnError(ResultsError, KeyError):
    """Results lack a column, for example because an earlier version of Crisis Sim wrote them."""

    __str__ = Exception.__str__


@dataclass(frozen=True)
class Ensemble:
    """The replicates of one scenario.

    Attributes:
        name, title: the scenario's.
        horizon_hours: maximum length of a crisis, in hours from the start.
        states: short names of the two states.
        table: one row per replicate, in order of `replicate`; the columns are described in docs/outcomes.md.
        paths: markets, pressure and rungs, one row per replicate and day, for the first replicates; or None.
        scenario: the resolved scenario as plain data, including its real path.
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
        names = [name for name in SHOWN_COLUMNS if name in self.table.column_names]
        rows = self.table.select(names).slice(0, SHOWN_ROWS).to_pylist()
        others = [name for name in self.table.column_names if name not in names]
        return notebook.page(
            notebook.heading(self.title, f"{self.name}: {self.replicates:,} replicates"),
            notebook.paragraph(_endings(self)),
            notebook.table(
                names,
                [[_cell(row[name]) for name in names] for row in rows],
                f"The first {len(rows)} replicates; times are hours from the start",
                figures=True,
            ),
            notebook.folded(f"{len(others)} more columns", notebook.bullets(others)),
        )

    @property
    def replicates(self) -> int:
        """The number of replicates, which is the number of rows."""
        return int(self.table.num_rows)

    def column(self, name: str) -> NDArray[Any]:
        """Return an outcome of all replicates, as an array of shape (replicates,).

        Floats are float64 with NaN for missing values, texts are strings with "" for missing values; other
        columns are bool or integers.

        Raises:
            MissingColumnError: when there is no such column; the message suggests the nearest one.
        """
        if name not in self.table.column_names:
            hint = did_you_mean(name, self.table.column_names)
            raise MissingColumnError(f"ensemble {self.name!r} has no column {name!r}{hint}")
        return as_array(self.table.column(name))

    def __len__(self) -> int:
        return self.replicates

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the columns."""
        return iter(self.table.column_names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.column(name)

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with one row per replicate; docs/outcomes.md describes the columns.

        The categories of a categorical column are all possible values, including those that do not occur.
        Missing values are NaN.
        """
        return _frame([self])


def _frame(ensembles: Iterable[Ensemble]) -> pd.DataFrame:
    """Return the rows of all ensembles as one data frame."""
    import pandas as pd

    frames, categories = [], dict[str, dict[str, None]]()
    for ensemble in ensembles:
        table = ensemble.table.unify_dictionaries()
        frames.append(table.to_pandas())
        possible = {
            "scenario": [ensemble.name],
            "ending": ENDINGS,
            "worst_violence": VIOLENCE,
            "mediation_style": STYLES,
            "brokered_by": sorted(ensemble.scenario.get("mediators", ())),
            **{f"{lender}_decision": DECISIONS for lender in ensemble.scenario.get("lenders", ())},
        }
        for name, column in frames[-1].items():
            if isinstance(column.dtype, pd.CategoricalDtype):
                values = [*possible.get(str(name), ()), *column.cat.categories]
                categories.setdefault(str(name), {}).update(dict.fromkeys(filter(None, values)))
    for frame in frames:
        for name in categories.keys() & set(frame.columns):
            ordered = name == "worst_violence"
            frame[name] = frame[name].astype(pd.CategoricalDtype([*categories[name]], ordered))
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


#: Decisions of a lender's board, as they appear in results.
DECISIONS = ("approved", "delayed")


@dataclass(frozen=True)
class Batch(Mapping[str, Ensemble]):
    """The results of scenarios that were run with the same random numbers, as a mapping from names to ensembles.

    `batch["may_2025"]` is an `Ensemble`; `len(batch)` is the number of scenarios; iteration gives their names.

    Attributes:
        ensembles: the ensembles by scenario name; the first is the reference in comparisons.
        manifest: the origin of the batch: seed, replicates, versions, git revision, command, failures
            (`crisis_sim.batch.manifest`).
    """

    ensembles: dict[str, Ensemble]
    manifest: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        names = clean(", ".join(self.ensembles))
        return f"Batch({names}; {self.crises:,} crises, seed {self.manifest.get('seed')})"

    def _repr_html_(self) -> str:
        """HTML for a notebook."""
        failures = self.manifest.get("failures") or ()
        rows = [
            (name, ensemble.title, f"{ensemble.replicates:,}", _endings(ensemble))
            for name, ensemble in self.ensembles.items()
        ]
        return notebook.page(
            notebook.heading(f"{self.crises:,} crises", f"seed {self.manifest.get('seed')}"),
            notebook.table(("scenario", "title", "replicates", "ended"), rows),
            notebook.paragraph(
                f"{len(failures):,} blocks failed; their crises are missing." if failures else ""
            ),
            notebook.paragraph("summarise(batch) gives a summary with intervals."),
        )

    def __getitem__(self, name: str) -> Ensemble:
        """Return a scenario's ensemble; the message of a KeyError suggests the nearest scenario."""
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
        """Return a data frame with one row per scenario and replicate; docs/outcomes.md describes the columns.

        The categories of a categorical column are all possible values in any of the scenarios.
        """
        return _frame(self.ensembles.values())

    def plot(self, chart: str = "ceasefire", ax: Axes | None = None) -> Figure:
        """Draw a chart of the batch, with 95% intervals; the first scenario is the reference.

        Args:
            chart: `ceasefire` (by the time since the first strike), `endings`, `differences` or `markets`.
            ax: axes for the main panel of the chart; by default those of a new figure.

        Raises:
            ValueError: when there is no such chart.
        """
        from crisis_sim.report.save import plot

        return plot(self, chart, ax)

    @property
    def crises(self) -> int:
        """The total number of crises."""
        return sum(ensemble.replicates for ensemble in self.ensembles.values())

    @property
    def seed(self) -> int:
        """The seed, which together with a replicate's number determines its random numbers."""
        return int(self.manifest["seed"])


def as_array(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of a table as a NumPy array, with NaN or "" for missing values."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    types = pa.types
    if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
        codes, texts = encode_texts(column)
        return np.array(texts)[codes]
    values: NDArray[Any] = column.to_numpy()
    if types.is_floating(kind):
        return values.astype(np.float64, copy=False)
    return values


def encode_texts(column: pa.ChunkedArray) -> tuple[NDArray[np.intp], list[str]]:
    """Return a column of texts as indices into a list of distinct texts, the first of which is "" for missing."""
    import numpy as np
    import pyarrow as pa

    if column.num_chunks == 0:
        return np.empty(0, dtype=np.intp), [""]
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    combined = column.unify_dictionaries().combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = combined.chunk(0)
    codes = combined.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    return codes + 1, ["", *combined.dictionary.to_pylist()]


# Display in a notebook.

#: The number of rows and the columns of outcomes that are shown.
SHOWN_ROWS = 5
SHOWN_COLUMNS = (
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
    """Return the number of replicates with each ending, the most frequent first."""
    if "ending" not in ensemble.table.column_names:
        return ""
    counts = Counter(ensemble.column("ending").tolist())
    return ", ".join(f"{ending} {count:,}" for ending, count in counts.most_common())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
