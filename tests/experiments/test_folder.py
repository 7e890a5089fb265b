"""Folders of experiments: written, resumed, from elsewhere, damaged, or in use."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crisis_sim.batch import read_batch
from crisis_sim.batch.safe_files import (
    CHECKSUM,
    BatchError,
    ResultsError,
    as_json,
    canonical_digest,
    digest_of,
    lock_folder,
    with_checksum,
)
from crisis_sim.experiments import read_experiment, read_points, run, run_experiment
from crisis_sim.experiments.run import read_resolved
from crisis_sim.experiments.spec import ExperimentError
from crisis_sim.outcomes import compare
from crisis_sim.report.page import write_page
from tests.conftest import Cli
from tests.experiments import examples
from tests.experiments.examples import CONTENT, found, same

CANARY = "the secret of a canary"
Copied = Callable[[str], Path]


def made(kind: str = "sweep", **changes: Any) -> Any:
    small = {"trials": 8, "replicates": 10} if kind == "tune" else {}
    return examples.made(kind, **{**small, **changes})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Copied:
    """The folder of a finished experiment of a kind, written once."""
    home = tmp_path_factory.mktemp("written")

    def folder(kind: str) -> Path:
        if not (home / kind).exists():
            run_experiment(made(kind), home / kind)
        return home / kind

    return folder


@pytest.fixture
def copied(written: Copied, tmp_path: Path) -> Copied:
    return lambda kind: Path(shutil.copytree(written(kind), tmp_path / kind))


@pytest.fixture
def done(copied: Copied) -> Path:
    return copied("sweep")


def unfinished(folder: Path) -> Path:
    (folder / "manifest.json").unlink()
    return folder


def stop_halfway(done: int, total: int) -> None:
    if 2 * done > total:
        raise InterruptedError


def test_findings_are_read_from_their_folder_with_the_experiment_and_its_batch(done: Path) -> None:
    read, experiment = read_experiment(done), made()
    assert same(read, found("sweep"))
    assert read.crises == 20
    assert read.experiment.digest == experiment.digest
    assert read.experiment.measures == experiment.measures
    assert (done / "experiment.yaml").read_text() == experiment.text
    manifest = json.loads((done / "manifest.json").read_text())
    assert (manifest["experiment"], manifest["crises"]) == ("sweep", 20)
    assert manifest["digest"] == experiment.digest
    assert read_batch(done / "design").ensembles["quarrel"].replicates == 20
    with pytest.raises(BatchError, match=r"contains an experiment; its crises are in .*design"):
        read_batch(done)


def test_finished_findings_are_kept_on_resume_and_replaced_by_another_run(done: Path) -> None:
    assert same(run_experiment(made(), done, resume=True, progress=stop_halfway), found("sweep"))
    with pytest.raises(ExperimentError, match="another experiment"):
        run_experiment(made(seed=9), done, resume=True)
    (done / "old.svg").touch()  # a chart of the earlier run
    run_experiment(made(replicates=5), done)
    assert read_experiment(done).crises == 10
    assert not (done / "old.svg").exists()


@pytest.mark.parametrize("kind", CONTENT)
def test_findings_are_identical_after_an_interruption_with_any_processes_and_from_the_folder(
    kind: str, tmp_path: Path
) -> None:
    experiment, whole = examples.made(kind), found(kind)
    with pytest.raises(InterruptedError):
        run_experiment(experiment, tmp_path, progress=stop_halfway)
    with pytest.raises(ResultsError, match="unfinished"):
        read_experiment(tmp_path)
    with pytest.raises(ExperimentError, match="unfinished experiment; resume it with"):
        run_experiment(experiment, tmp_path)
    generations = [*tmp_path.glob("design/generation_*")]
    written = [path.stat().st_mtime_ns for path in generations]
    assert same(whole, run_experiment(read_resolved(tmp_path), tmp_path, resume=True, workers=2))
    assert same(whole, read_experiment(tmp_path))
    assert [path.stat().st_mtime_ns for path in generations] == written  # not run again
    if kind == "sweep":
        assert not same(whole, run_experiment(examples.made(kind, seed=9)))
        # A restart discards the unfinished experiment.
        findings = run_experiment(made(replicates=4), unfinished(tmp_path), restart=True)
        assert read_experiment(tmp_path).crises == findings.crises == 8


def test_a_folder_with_other_files_is_not_changed_or_read(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no experiment"):
        read_experiment(tmp_path)
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(ResultsError, match=r"contains other files .*thesis\.txt"):
        run_experiment(made(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_points_are_compared_by_their_values_with_the_same_results(
    cli: Cli, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = compare(read_points(done))
    assert list(summary["scenarios"]) == ["resolve 0.2", "resolve 0.8"]
    shares = [one["endings"]["agreement"]["estimate"] for one in summary["scenarios"].values()]
    measured = found("sweep").tables["measures"].to_pandas().query("measure == 'agreement'")
    assert shares == pytest.approx(measured["estimate"].tolist())
    assert summary["differences"]["resolve 0.8"]["paired"] is True
    assert "resolve 0.8" in cli("compare", done).out
    monkeypatch.setattr(run, "MOST_POINTS", 1)
    with pytest.raises(ResultsError, match="2 points, too many"):
        read_points(done)


# --- Folders from elsewhere, or damaged


def edit(path: Path, **changes: Any) -> None:
    """Change a JSON file and its checksum, as a forger would."""
    content = {**json.loads(path.read_text()), **changes}
    content.pop(CHECKSUM, None)
    path.write_bytes(as_json(with_checksum(content)))


@pytest.mark.parametrize("name", ["/etc/hostname", "../canary.yaml", "canary.txt", "link.yaml"])
def test_no_file_outside_the_folder_gets_into_the_page(done: Path, name: str) -> None:
    for path in (done.parent / "canary.yaml", done / "canary.txt"):
        path.write_text(CANARY)
    (done / "link.yaml").symlink_to(done.parent / "canary.yaml")
    manifest = json.loads((done / "manifest.json").read_text())
    sha256 = {**manifest["sha256"], name: digest_of(CANARY.encode())}
    edit(done / "manifest.json", files=[*manifest["files"], name], sha256=sha256)
    with pytest.raises(ResultsError):
        write_page(done)
    assert not (done / "report.html").exists()


OWN = ["experiment.yaml", "resolved.json", "summary.json", "manifest.json", "measures.parquet"]


@pytest.mark.parametrize("name", [*OWN, "design"])
@pytest.mark.parametrize("how", ["link", "pipe"])
def test_links_and_other_special_files_are_not_read(done: Path, name: str, how: str) -> None:
    path, elsewhere = done / name, done.parent / "elsewhere"
    path.rename(elsewhere)
    os.mkfifo(path) if how == "pipe" else path.symlink_to(elsewhere)
    if name == "design":  # the page shows a few of its crises, or none
        write_page(done)
        assert "expected a folder" in (done / "report.html").read_text()
        return
    with pytest.raises(ResultsError):
        read_experiment(done)


def test_a_lock_is_never_written_through_a_link_and_stops_a_second_process(done: Path) -> None:
    with (
        lock_folder(done, done / "run.lock"),
        pytest.raises(ResultsError, match="is in use: process"),
    ):
        run_experiment(made(), done)
    precious = done.parent / "precious"
    precious.write_text("ten years of work")
    (done / "run.lock").unlink(missing_ok=True)
    (done / "run.lock").symlink_to(precious)
    with pytest.raises(ResultsError, match="cannot write"):
        run_experiment(made(), done, resume=True)
    assert precious.read_text() == "ten years of work"


@pytest.mark.parametrize("name", OWN)
def test_a_flipped_bit_in_a_finished_folder_is_found_or_harmless(done: Path, name: str) -> None:
    before, content = read_experiment(done), (done / name).read_bytes()
    for bit in range(0, len(content) * 8, max(len(content) * 8 // 30, 1)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (done / name).write_bytes(flipped)
        with suppress(ResultsError):
            after = read_experiment(done)
            assert same(after, before)
            assert after.manifest == before.manifest
            assert after.experiment.digest == before.experiment.digest


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just([{}]),
    st.just({}), st.just({"a": [None]}),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_in_a_folder_is_read_or_raises_a_results_error(
    written: Copied, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    folder = Path(shutil.copytree(written("sweep"), tmp_path_factory.mktemp("edited") / "a"))
    name = data.draw(st.sampled_from(["manifest.json", "resolved.json", "summary.json"]))
    content = json.loads((folder / name).read_text())
    key = data.draw(st.sampled_from(sorted(content)))
    if data.draw(st.booleans()):
        content[key] = data.draw(JUNK)
    else:
        del content[key]
    content.pop(CHECKSUM, None)
    if name == "resolved.json":
        own = {k: v for k, v in content.items() if k not in ("digest", "begun")}
        content["digest"] = canonical_digest(own)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = digest_of(as_json(with_checksum(content)))
    edit(folder / "manifest.json", **manifest)
    (folder / name).write_bytes(as_json(with_checksum(content)))
    with suppress(ResultsError):
        read_experiment(folder)
        if name == "summary.json":  # a page takes a second, so only for the file it uses most
            write_page(folder)


@pytest.mark.parametrize("kind", ["sweep", "tune"])
def test_an_experiment_is_not_resumed_with_other_code(
    copied: Copied, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = copied(kind)
    later = {**run._versions(kind), run.CODE: "another", "numpy": "99"}
    monkeypatch.setattr(run, "_versions", lambda _: later)
    words = r"begun differently.*(\n.*)*numpy: .* there, 99 now\n.*code_of_experiments: .* now"
    for one in (folder, unfinished(folder)):
        with pytest.raises(ResultsError, match=words):
            run_experiment(made(kind), one, resume=True)


@pytest.mark.parametrize(
    ("kind", "file"), [("tune", "journal.log"), ("posterior", "design/generation_001.parquet")]
)
def test_damage_is_reported_and_a_rerun_is_the_same(copied: Copied, kind: str, file: str) -> None:
    folder = copied(kind)
    before = read_experiment(folder)
    path = unfinished(folder) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    told: list[str] = []
    after = run_experiment(made(kind), folder, resume=True, on_message=told.append)
    assert "run again" in " ".join(told)
    assert same(after, before)
