"""One crisis for keeping: its story and chart as files, and all that is known of it as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.model.journal import Journal
    from crisis_sim.scenario.schema import Scenario


def write_replay(journal: Journal, scenario: Scenario, story: str, path: Path) -> list[Path]:
    """Write the story and the chart of one crisis.

    Args:
        journal: of the replicate.
        scenario: the crisis that was run.
        story: as `crisis_sim.report.tell` tells it.
        path: what to call the files, without a suffix; their folder is made where it is missing.

    Returns:
        The files written: the story as Markdown, the chart as SVG and as PNG.

    Raises:
        OSError: when a file cannot be written.
    """
    from crisis_sim.report import style
    from crisis_sim.report.charts.replay import draw_replay
    from crisis_sim.report.save import SUFFIXES

    path.parent.mkdir(parents=True, exist_ok=True)
    files = [path.with_name(f"{path.name}{suffix}") for suffix in (".md", *SUFFIXES)]
    files[0].write_text(story, encoding="utf-8")
    figure = draw_replay(journal, scenario)
    for file in files[1:]:
        style.save(figure, file)
    return files


def replay_data(
    journal: Journal, scenario: Scenario, outcome: Mapping[str, Any], seed: int, replicate: int
) -> dict[str, Any]:
    """All that is known of one crisis, as JSON can hold it; what never came is None.

    Args:
        journal: of the replicate; its entries and series are told turn by turn.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column.
        seed: the seed of its luck.
        replicate: its number.
    """
    return {
        "scenario": scenario.name,
        "digest": scenario.digest,
        "seed": seed,
        "replicate": replicate,
        "outcome": {name: _plain(value) for name, value in outcome.items()},
        "entries": [
            {**vars(entry), "detail": {key: _plain(one) for key, one in entry.detail.items()}}
            for entry in journal.entries
        ],
        "series": {name: [_plain(one) for one in line] for name, line in journal.series.items()},
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's become Python's, and what never came becomes None."""
    value = value.item() if hasattr(value, "item") else value
    missing = value == "" or (isinstance(value, float) and value != value)  # NaN
    return None if missing else value
