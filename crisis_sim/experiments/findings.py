"""What an experiment has found: tables, a summary, and sentences that answer its question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crisis_sim.experiments.experiment import Experiment
from crisis_sim.scenario.printable import clean

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Findings:
    """What an experiment has found.

    Attributes:
        experiment: the experiment.
        answer: sentences: first what it found, with how sure that is, then what would make it surer.
        tables: tidy tables by name; each becomes a Parquet file of that name.
        summary: the figures that matter, as plain data fit for JSON; charts and reports read it.
        crises: how many crises it took.
        files: further files by name, such as a tuned scenario.
        manifest: how it came about (`crisis_sim.experiments.folder`).
    """

    experiment: Experiment
    answer: tuple[str, ...]
    tables: Mapping[str, pa.Table] = field(repr=False)
    summary: Mapping[str, Any] = field(repr=False)
    crises: int = 0
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        told = "\n".join(f"- {clean(sentence)}" for sentence in self.answer)
        return f"Findings of {self.experiment!r}, {self.crises:,} crises\n{told}"

    def _repr_html_(self) -> str:
        """What was found, for a notebook."""
        from crisis_sim.experiments.shown import html_of_findings

        return html_of_findings(self)
