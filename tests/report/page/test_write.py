"""The file of a page: what travels in it, and what happens where something is amiss."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import crisis_sim
from crisis_sim.batch import ResultsError, read_batch
from crisis_sim.batch.files import as_json
from crisis_sim.batch.manifest import seal
from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes import UnknownReferenceError
from crisis_sim.report.page import page_of, write_page
from crisis_sim.scenario import Scenario
from tests.report.page.conftest import REPLICATES, SEED


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A folder of results to do harm to."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_the_same_results_make_the_same_page_to_the_byte(copy: Path, html: str) -> None:
    again = crisis_sim.write_page(copy, copy / "deep" / "page.html")
    assert again == copy / "deep" / "page.html"
    assert again.read_bytes() == html.encode()
    assert [path.name for path in again.parent.iterdir()] == ["page.html"]


def test_the_scenarios_in_a_page_are_files_that_run_takes(
    html: str, folder: Path, tmp_path: Path
) -> None:
    attached = dict(
        re.findall(r'href="data:text/plain;charset=utf-8;base64,([^"]+)" download="([^"]+)"', html)
    )
    files = {name: base64.b64decode(content).decode() for content, name in attached.items()}
    assert set(files) == {"short.yaml", "alone.yaml"}
    manifest = read_batch(folder).manifest
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        read = Scenario.load(tmp_path / name)
        assert read.digest == manifest["scenarios"][read.name]["digest"]


def test_a_report_shows_how_far_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crisis_sim.cli import run

    seen: list[tuple[int, int]] = []

    @contextmanager
    def bar(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((done, total))

    monkeypatch.setattr(run, "progress_bar", bar)
    assert run_command(["report", str(folder), "--out", str(tmp_path / "page.html")]) == DONE
    done = [one for one, _ in seen]
    assert done == sorted(set(done))
    assert done[:2] == [1, 2]  # the scenarios, one by one
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.usefixtures("no_charts")
def test_another_reference_may_be_compared_with(folder: Path) -> None:
    assert page_of(folder, "alone").plain["title"] == "Nobody mediates"
    with pytest.raises(UnknownReferenceError, match="did you mean 'alone'"):
        page_of(folder, "alon")


@pytest.mark.usefixtures("no_charts")
def test_a_crisis_that_comes_out_otherwise_is_left_out_and_the_page_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = CrisisModel.outcomes

    def changed(model: CrisisModel) -> dict[str, Any]:
        outcomes = honest(model)
        return {**outcomes, "deaths": outcomes["deaths"] + (model.first_replicate in odd)}

    odd = {one["replicate"] for one in page_of(folder).plain["stories"][:1]}
    monkeypatch.setattr(CrisisModel, "outcomes", changed)
    page = page_of(folder)
    assert odd
    assert not odd & {one["replicate"] for one in page.plain["stories"]}
    assert "Left out: " in page.html
    assert "which another version made" in page.html


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a folder, and its checksum with it."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_bytes(as_json(seal(manifest)))


@pytest.mark.usefixtures("no_charts")
def test_results_of_a_version_whose_scenarios_cannot_be_read_still_make_a_page(copy: Path) -> None:
    def later(manifest: dict[str, Any]) -> None:
        for one in manifest["scenarios"].values():
            one["scenario"]["of_the_future"] = 1

    change_manifest(copy, later)
    text = write_page(copy).read_text(encoding="utf-8")
    assert "another version of Crisis Sim made them" in text
    assert "of_the_future" in base64.b64decode(re.findall(r'base64,([^"]+)"', text)[0]).decode()


@pytest.mark.usefixtures("no_charts")
def test_missing_crises_are_told_before_anything_else(copy: Path) -> None:
    block = {"block": 0, "scenario": "short", "first_replicate": 0, "replicates": 1200}
    why = {"first_point": 0, "points": 1, "seed": SEED, "error": "x", "trace": ""}
    change_manifest(copy, lambda manifest: manifest.update(failures=[block | why]))
    (notice,) = page_of(copy).plain["notices"]
    assert "1,200 crises could not be run and are missing here (1 block of them failed)" in notice


@pytest.mark.usefixtures("no_charts")
def test_a_page_that_cannot_be_written_leaves_the_one_that_was_there(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "report.html").write_text("earlier")

    def full(self: Path, to: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_page(copy)
    assert (copy / "report.html").read_text() == "earlier"
    assert not list(copy.glob("*.partial"))


@pytest.mark.parametrize("name", ["outcomes.parquet", "manifest.json", "page", "."])
def test_a_page_overwrites_no_results(copy: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    with pytest.raises(ResultsError, match=r"ends in \.html|is a folder"):
        write_page(copy, copy / name)
    assert {path: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before


def spoil(folder: Path, what: str) -> Path:
    if what == "no folder":
        return folder / "nowhere"
    if what == "lacking manifest":
        (folder / "manifest.json").write_text('{"format": 1, "scenarios": {"short": {}}}')
    if what == "design":
        change_manifest(folder, lambda manifest: manifest.update(points=3))
    return folder


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no folder", "is no folder; expected one that `crisis-sim run --out` wrote"),
        ("lacking manifest", "manifest.json: failures is missing"),
        ("design", "holds the crises of a design; give the folder of the experiment"),
    ],
)
def test_a_mistake_is_told_kindly_with_code_2(
    copy: Path, what: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["report", str(spoil(copy, what))]) == MISTAKE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert not list(copy.rglob("report.html.*"))


@pytest.mark.usefixtures("no_charts")
def test_the_command_prints_the_file_or_the_answer(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["report", str(copy)]) == DONE
    out, err = capsys.readouterr()
    assert out == f"{copy / 'report.html'}\n"
    assert "open it in a browser" in err
    assert run_command(["report", str(copy), "--out", str(copy / "b.html"), "--json"]) == DONE
    data = json.loads(capsys.readouterr().out)
    assert data["file"] == str(copy / "b.html")
    assert data["answer"].startswith("In this model")
    assert all(0 <= one["replicate"] < REPLICATES for one in data["stories"])
    assert read_batch(copy).seed == SEED
