"""Experiments and what they found, as a notebook shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crisis_sim.scenario import notebook

if TYPE_CHECKING:
    from crisis_sim.experiments.experiment import Experiment
    from crisis_sim.experiments.findings import Findings
#: Keys that are told above the table.
_ABOVE = ("title", "question", "kind")


def html_of_experiment(experiment: Experiment) -> str:
    """An experiment as HTML."""
    spec = experiment.spec
    plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    said = [(key, _shown(value)) for key, value in plain.items() if key not in _ABOVE]
    return notebook.page(
        notebook.heading(spec.title, f"experiment {experiment.name}: {experiment.kind}"),
        notebook.paragraph(spec.question),
        notebook.table(("key", "value"), said),
        notebook.paragraph("run_experiment(experiment) runs it."),
    )


def html_of_findings(findings: Findings) -> str:
    """What an experiment found, as HTML."""
    spec = findings.experiment.spec
    tables = [
        (name, f"{table.num_rows:,}", ", ".join(table.column_names))
        for name, table in findings.tables.items()
    ]
    return notebook.page(
        notebook.heading(
            spec.question or spec.title, f"{findings.experiment.kind}, {findings.crises:,} crises"
        ),
        notebook.bullets(findings.answer),
        notebook.folded(
            f"{len(tables)} tables: findings.tables[name].to_pandas()",
            notebook.table(("table", "rows", "columns"), tables),
        ),
    )


def _shown(value: Any) -> str:
    """A value of an experiment's file on one line, without the brackets of Python."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
