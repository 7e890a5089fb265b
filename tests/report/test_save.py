"""The files of a report and of a replay."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report import save
from crisis_sim.report.replay import Replay, write_replay
from crisis_sim.report.save import (
    CHARTS,
    PAGE,
    SUMMARY,
    all_charts,
    remove_report,
    write_charts,
    write_report,
)
from tests.report.made_up import make_batch, make_ensemble


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_every_chart_comes_as_svg_and_png_with_its_data(
    batch: Batch,
    summary: dict[str, Any],
    drawn: dict[str, Figure],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [name for name, _ in all_charts(batch, summary)] == list(CHARTS)
    pairs = [(name, partial(drawn.get, name)) for name in CHARTS]
    monkeypatch.setattr(save, "all_charts", lambda *_: pairs)
    written = write_charts(batch, summary, tmp_path / "new" / "charts")
    suffixes = style.Print().suffixes
    assert names(written) == [f"{name}{suffix}" for name in CHARTS for suffix in suffixes]
    assert all(path.stat().st_size > (200 if path.suffix == ".csv" else 1000) for path in written)
    assert written[0].read_text(encoding="utf-8").startswith("<?xml")
    assert written[1].read_bytes().startswith(b"\x89PNG")


def test_a_report_replaces_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "save", lambda figure, path: path.write_text("new"))
    batch = make_batch(make_ensemble("may_2025", replicates=50))
    summary, folder = summarise(batch), tmp_path / "new"
    folder.mkdir()
    for name in ("markets.svg", "differences.pdf", "mine.svg"):
        (folder / name).write_text("old")
    written = write_report(batch, summary, str(folder))
    # One scenario without paths has no differences and no markets.
    always = {"ceasefire_from_first_strike", "ceasefire_from_trigger", "endings"}
    assert {path.stem for path in written[1:]} == always
    assert names(written)[0] == SUMMARY
    assert json.loads((folder / SUMMARY).read_text(encoding="utf-8")) == summary
    assert {path.name for path in folder.iterdir()} == {*names(written), "mine.svg"}
    with pytest.raises(OSError, match=SUMMARY):
        write_report(batch, summary, folder / SUMMARY)
    (folder / PAGE).touch()
    for _ in range(2):
        remove_report(folder)
        assert names(list(folder.iterdir())) == ["mine.svg"]


def test_a_replay_is_written_as_story_and_chart_and_its_json_has_null_for_events_that_never_happened(
    crisis: Replay, tmp_path: Path
) -> None:
    journal, scenario = crisis.journal, crisis.scenario
    written = write_replay(journal, scenario, "# A story\n", tmp_path / "new" / "crisis_0.5")
    assert names(written) == [f"crisis_0.5.{kind}" for kind in ("md", "svg", "png", "csv")]
    assert written[0].read_text(encoding="utf-8") == "# A story\n"
    outcomes = {"ended_at_hours": [np.float64("nan")], "brokered_by": [""], "mediated": [np.True_]}
    model: Any = SimpleNamespace(journal=journal, outcomes=lambda: outcomes)
    data = Replay(scenario, seed=3, replicate=7, model=model).plain()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["outcome"] == {"ended_at_hours": None, "brokered_by": None, "mediated": True}
    assert (data["seed"], data["replicate"], data["digest"]) == (3, 7, scenario.digest)
    assert len(data["entries"]) == len(journal.entries)
    assert data["series"]["hours"] == journal.series["hours"]
