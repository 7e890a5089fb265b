from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crisis_sim.batch import ResultsError, read_batch, run_to_folder, simulate, write_batch
from crisis_sim.batch.folder import MANIFEST, OUTCOMES, PATHS, read_parquet
from tests.batch.crises import crisis


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
        for name, ensemble in batch.ensembles.items():
            again = back.ensembles[name]
            assert again.table.to_pylist() == ensemble.table.to_pylist()
            assert again.table.schema.types == ensemble.table.schema.types
            assert again.paths is not None
            assert ensemble.paths is not None
            assert again.paths.to_pylist() == ensemble.paths.to_pylist()
            assert (again.title, again.horizon_hours) == (ensemble.title, ensemble.horizon_hours)
            assert (again.states, again.scenario) == (ensemble.states, ensemble.scenario)


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

    def counting(path: Path, **how: Any) -> Any:
        read.append(path.name)
        return read_parquet(path, **how)

    monkeypatch.setattr(folder, "read_parquet", counting)
    batch = read_batch(results)
    assert sorted(read) == sorted([OUTCOMES, PATHS])
    assert read_batch(results, ["deaths"]).ensembles["two"].table.column_names == ["deaths"]
    assert batch.ensembles["two"].column("scenario").tolist() == ["two"] * 30


def test_rows_that_lie_among_those_of_others_are_told_apart(tmp_path: Path) -> None:
    from crisis_sim.batch.folder import _by_scenario

    path = tmp_path / "rows.parquet"
    whose = ["a", "b", "a", None, "c", "b", "b"]
    pq.write_table(pa.table({"scenario": whose, "row": range(7)}), path)
    rows_of = _by_scenario([path], ["row"])
    found = {name: rows_of(name).to_pydict() for name in "abcd"}
    assert found == {
        "a": {"row": [0, 2]},
        "b": {"row": [1, 5, 6]},
        "c": {"row": [4]},
        "d": {"row": []},
    }


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"other things than results \(thesis.tex\)"):
        run_to_folder(crisis(), tmp_path, replicates=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(ResultsError, match=r"cannot write results to .*results: Not a directory"):
        run_to_folder(crisis(), tmp_path / "results", replicates=1)


def _no_folder(results: Path) -> None:
    results.rename(results.with_name("elsewhere"))


def _no_manifest(results: Path) -> None:
    (results / MANIFEST).unlink()


def _not_json(results: Path) -> None:
    (results / MANIFEST).write_text('{\n  "format": 1,,\n}', encoding="utf-8")


def _binary(results: Path) -> None:
    (results / MANIFEST).write_bytes(b"\xff\xfe\x00")


def _foreign(results: Path) -> None:
    (results / MANIFEST).write_text('["a list"]', encoding="utf-8")


def _newer(results: Path) -> None:
    manifest = json.loads((results / MANIFEST).read_text(encoding="utf-8"))
    (results / MANIFEST).write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_folder, "results is no folder"),
        (_no_manifest, "holds no results: it has no manifest.json"),
        (_not_json, r"manifest\.json:2:15: not valid JSON"),
        (_binary, r"manifest\.json cannot be read"),
        (_foreign, r"manifest\.json is not the manifest of a results folder"),
        (_newer, r"results in layout 99; Crisis Sim .* reads layout 1"),
    ],
)
def test_a_folder_that_cannot_be_read_says_what_is_wrong(
    results: Path, spoil: object, said: str
) -> None:
    assert callable(spoil)
    spoil(results)
    with pytest.raises(ResultsError, match=said):
        read_batch(results)
