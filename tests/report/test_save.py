from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report import style, write_charts
from crisis_sim.report.save import CHARTS, SUFFIXES, remove_charts
from tests.report.made_up import make_batch, make_ensemble

ALWAYS = ["ceasefire_from_first_strike", "ceasefire_from_trigger", "endings"]


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_every_chart_comes_as_svg_and_png(batch: Batch, tmp_path: Path) -> None:
    pair = make_batch(batch.ensembles["may_2025"], batch.ensembles["no_mediators"])
    written = write_charts(pair, summarise(pair), tmp_path / "new" / "charts")
    expected = [f"{name}{suffix}" for name in CHARTS for suffix in SUFFIXES]
    assert names(written) == expected
    assert all(path.stat().st_size > 1000 for path in written)
    svg = (tmp_path / "new" / "charts" / "endings.svg").read_text(encoding="utf-8")
    assert svg.startswith("<?xml")
    assert written[1].read_bytes().startswith(b"\x89PNG")


def test_one_scenario_without_paths_has_no_differences_and_no_markets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "save", lambda figure, path: None)
    batch = make_batch(make_ensemble("may_2025", replicates=50, paths=False))
    written = write_charts(batch, summarise(batch), tmp_path)
    assert sorted({path.stem for path in written}) == sorted(ALWAYS)


def test_a_folder_that_cannot_be_made_is_an_os_error(
    batch: Batch, summary: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here is a file already")
    with pytest.raises(OSError, match="file"):
        write_charts(batch, summary, tmp_path / "file")


def test_removing_charts_leaves_other_files_alone(tmp_path: Path) -> None:
    ours = [tmp_path / f"{name}{suffix}" for name in CHARTS for suffix in SUFFIXES]
    for path in (*ours, tmp_path / "mine.svg"):
        path.write_text("a chart")
    remove_charts(tmp_path)
    remove_charts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.svg"]
