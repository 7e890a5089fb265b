from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crisis_sim.batch import ResultsError, read_batch, run_to_folder, simulate, write_batch
from crisis_sim.batch.folder import MANIFEST, OUTCOMES, PATHS, by_scenario, read_parquet
from tests.batch.crises import crisis, rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    run_to_folder([crisis("one"), crisis("two", mediators={})], folder, replicates=30)
    return folder


def test_a_batch_comes_back_from_its_folder_as_it_was(tmp_path: Path, results: Path) -> None:
    batch = simulate([crisis("one"), crisis("two", mediators={})], replicates=30)
    write_batch(batch, tmp_path / "written")
    for folder in (results, tmp_path / "written"):
        back = read_batch(folder)
        assert list(back.ensembles) == ["one", "two"]
        assert back.seed == batch.seed
        assert rows(back) == rows(batch)
        for name, one in batch.ensembles.items():
            again = back.ensembles[name]
            assert again.table.schema.types == one.table.schema.types
            for kept in ("title", "horizon_hours", "states", "scenario"):
                assert getattr(again, kept) == getattr(one, kept)


def test_columns_that_only_one_scenario_has_are_null_in_the_other(results: Path) -> None:
    batch = read_batch(results)
    assert "elder_engaged_at_hours" in batch.ensembles["two"].table.column_names
    assert batch.ensembles["two"].table.column("elder_engaged_at_hours").null_count == 30
    assert batch.ensembles["one"].table.column("elder_engaged_at_hours").null_count < 30


def test_each_table_is_read_once_however_many_scenarios_there_are(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crisis_sim.batch import folder

    read = []

    def counting(files: list[Path], *columns: Any) -> Any:
        read.extend(path.name for path in files)
        return read_parquet(files, *columns)

    monkeypatch.setattr(folder, "read_parquet", counting)
    batch = read_batch(results)
    assert sorted(read) == sorted([OUTCOMES, PATHS])
    assert read_batch(results, ["deaths"]).ensembles["two"].table.column_names == ["deaths"]
    assert batch.ensembles["two"].column("scenario").tolist() == ["two"] * 30


def test_rows_that_lie_among_those_of_others_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    whose = ["a", "b", "a", None, "c", "b", "b"]
    pq.write_table(pa.table({"scenario": whose, "row": range(7)}), path)
    found = {name: rows.to_pydict() for name, rows in by_scenario([path], "abcd", ["row"]).items()}
    whole = {"a": [0, 2], "b": [1, 5, 6], "c": [4], "d": []}
    assert found == {name: {"row": numbers} for name, numbers in whole.items()}


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(ResultsError, match=r"cannot write results to .*results: Not a directory"):
        run_to_folder(crisis(), tmp_path / "results", replicates=1)


def write_anew(content: str | bytes) -> Callable[[Path], object]:
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda results: (results / MANIFEST).write_bytes(raw)


def _newer(results: Path) -> None:
    manifest = json.loads((results / MANIFEST).read_text(encoding="utf-8"))
    (results / MANIFEST).write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda results: results.rename(results.with_name("elsewhere")), "results is no folder"),
        (
            lambda results: (results / MANIFEST).unlink(),
            "holds no results: it has no manifest.json",
        ),
        (write_anew('{\n  "format": 1,,\n}'), r"manifest\.json:2:15: not valid JSON"),
        (write_anew(b"\xff\xfe\x00"), r"manifest\.json cannot be read"),
        (write_anew('["a list"]'), r"manifest\.json is not the manifest of a results folder"),
        (_newer, r"results in layout 99; Crisis Sim .* reads layout 1"),
    ],
)
def test_a_folder_that_cannot_be_read_says_what_is_wrong(
    results: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(results)
    with pytest.raises(ResultsError, match=said):
        read_batch(results)
