"""Batches and ensembles as a notebook shows them: what they hold, not what it means (that is a summary's business)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crisis_sim.scenario import notebook

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble

#: Rows of outcomes that are shown.
ROWS = 5
#: The columns of them that are shown.
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


def html_of_ensemble(ensemble: Ensemble) -> str:
    """An ensemble as HTML."""
    names = [name for name in COLUMNS if name in ensemble.table.column_names]
    rows = ensemble.table.select(names).slice(0, ROWS).to_pylist()
    others = [name for name in ensemble.table.column_names if name not in names]
    return notebook.page(
        notebook.heading(ensemble.title, f"{ensemble.name}: {ensemble.replicates:,} replicates"),
        notebook.paragraph(_endings(ensemble)),
        notebook.table(
            names,
            [[_shown(row[name]) for name in names] for row in rows],
            f"The first {len(rows)} of them; times are hours from the start",
            figures=True,
        ),
        notebook.folded(f"{len(others)} more columns", notebook.bullets(others)),
    )


def html_of_batch(batch: Batch) -> str:
    """A batch as HTML."""
    crises = sum(one.replicates for one in batch.ensembles.values())
    failures = batch.manifest.get("failures") or ()
    return notebook.page(
        notebook.heading(f"{crises:,} crises", f"seed {batch.manifest.get('seed')}"),
        notebook.table(("scenario", "title", "replicates", "ended"), _rows(batch)),
        notebook.paragraph(
            f"{len(failures):,} blocks failed: what they held is missing." if failures else ""
        ),
        notebook.paragraph("summarise(batch) says what came of them, with intervals."),
    )


def _rows(batch: Batch) -> Iterator[tuple[Any, ...]]:
    for name, one in batch.ensembles.items():
        yield name, one.title, f"{one.replicates:,}", _endings(one)


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
