"""Results folders: reading, names of files, the manifest, and failing disks."""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from unittest.mock import Mock

import pytest

from crisis_sim.batch import ResultsError, read_batch, resume, run_to_folder, simulate, workers
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.block import Plan
from crisis_sim.batch.folder import (
    MANIFEST,
    OUTCOMES,
    PATHS,
    read_parquet,
    running_folder,
)
from crisis_sim.batch.manifest import close_manifest, git_revision, open_manifest
from crisis_sim.batch.safe_files import PARTIAL, WRITER, inside, token_in, write_durably
from crisis_sim.version import __version__
from tests.batch.crises import RESULTS, Counter, crisis, cut_short, names, rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    run_to_folder([crisis("one"), crisis("two", mediators={})], folder, replicates=30)
    return folder


def test_a_batch_is_read_from_its_folder_unchanged(results: Path) -> None:
    batch = simulate([crisis("one"), crisis("two", mediators={})], replicates=30)
    back = read_batch(results)
    assert list(back.ensembles) == ["one", "two"]
    assert back.seed == batch.seed
    assert rows(back) == rows(batch)
    for name, one in batch.ensembles.items():
        again = back.ensembles[name]
        assert again.table.schema.types == one.table.schema.types
        for kept in ("title", "horizon_hours", "states", "scenario"):
            assert getattr(again, kept) == getattr(one, kept)
    engaged = [back[name].table.column("elder_engaged_at_hours").null_count for name in back]
    assert engaged[0] < engaged[1] == 30, "a column that only one scenario has is null in the other"


def test_each_table_is_read_once_for_all_scenarios(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Mock(wraps=read_parquet)
    monkeypatch.setattr("crisis_sim.batch.folder.read_parquet", reading)
    batch = read_batch(results)
    read = [path.name for call in reading.call_args_list for path in call.args[0]]
    assert sorted(read) == sorted([OUTCOMES, PATHS])
    assert read_batch(results, ["deaths"]).ensembles["two"].table.column_names == ["deaths"]
    assert batch.ensembles["two"].column("scenario").tolist() == ["two"] * 30


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(ResultsError, match=r"cannot write results to .*results: Not a directory"):
        run_to_folder(crisis(), tmp_path / "results", replicates=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n  "format": 1,,\n}', r"manifest\.json:2:15: not valid JSON"),
        (b"\xff\xfe\x00", r"manifest\.json cannot be read"),
        (b'["a list"]', r"manifest\.json is not the manifest of a results folder"),
        (b'{"format": 99}', r"contains results in layout 99; Crisis Sim .* reads layout 1"),
        (b'{"format": ' + b"9" * 5000 + b"}", r"manifest\.json"),
        (b"[" * 100_000, r"manifest\.json"),
        (b"NaN", r"manifest\.json"),
        (None, "contains no results: it has no manifest.json"),
    ],
)
def test_an_unreadable_folder_is_reported_with_the_reason(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    with pytest.raises(ResultsError, match="results is not a folder"):
        read_batch(tmp_path / "results")
    if content is not None:
        (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(ResultsError, match=message):
        read_batch(tmp_path)


# Files and their names


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../manifest.json", "a/b", "a\\b", "C:secret", "", ".", "..",
        "a\0b", "a\nb", "a" * 300, "\udcff\ud800", None, 7, True, ["a"], {"a": 1}, b"a",
    ],
)  # fmt: skip
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(ResultsError):
        inside(tmp_path, name)


def test_a_plain_name_is_a_path_unless_a_link_or_another_kind_of_file_is_there(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "link"  # the folder itself may be one
    folder.symlink_to("real")
    (tmp_path / "real" / "folder").mkdir(parents=True)
    (folder / "file").write_bytes(b"x")
    os.mkfifo(folder / "pipe")
    for name in ("file", "folder", "nowhere"):
        (folder / f"{name}.link").symlink_to(folder / name)
    for name, is_folder in itertools.product([*names(folder), "new"], (False, True)):
        if name == "new" or (is_folder == (name == "folder") and name in ("file", "folder")):
            assert inside(folder, name, is_folder) == folder / name
        else:
            message = "is a link" if name.endswith(".link") else "is something else"
            with pytest.raises(ResultsError, match=message):
                inside(folder, name, is_folder)


def test_content_name_and_folder_are_flushed_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    sync, rename = os.fsync, Path.replace

    def note_sync(opened: int) -> None:
        happened.append("folder" if Path(f"/proc/self/fd/{opened}").is_dir() else "file")
        sync(opened)

    def note_rename(path: Path, to: Path) -> Path:
        happened.append("name")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    write_durably(tmp_path / "one", b"content")
    if Path("/proc/self/fd").exists():
        assert happened == ["file", "name", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


# The manifest


def test_a_manifest_contains_what_is_needed_to_repeat_the_batch() -> None:
    scenario, before = crisis(), datetime.now(UTC).replace(microsecond=0)
    plan = Plan((scenario,), 10, seed=0, block_size=4, agents=[Counter])
    begun = open_manifest(plan, ["crisis-sim", "run", "my crisis"])
    manifest = close_manifest(begun, {"quarrel": 3})
    assert json.loads(json.dumps(manifest)) == manifest
    assert manifest["command"] == "crisis-sim run 'my crisis'"
    assert (manifest["seed"], manifest["replicates"], manifest["block_size"]) == (0, 10, 4)
    found = [manifest["versions"][name] for name in ("crisis_sim", "python", "mesa")]
    assert found == [__version__, platform.python_version(), metadata.version("mesa")]
    assert manifest["agents_added"] == ["tests.batch.crises.Counter"]
    about = manifest["scenarios"]["quarrel"]
    again = type(scenario).model_validate(about["scenario"])
    assert about["digest"] == scenario.digest == again.digest
    started, finished = (datetime.fromisoformat(manifest[key]) for key in ("started", "finished"))
    assert before <= started <= finished <= datetime.now(UTC)
    assert manifest["failures"] == []


def test_the_commit_and_modifications_of_a_checkout_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "crisis_sim" / "batch" / "manifest.py"
    module.parent.mkdir(parents=True)
    module.write_text("# code\n", encoding="utf-8")
    monkeypatch.setattr(manifests, "__file__", str(module))

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert git_revision() == (None, None)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "all")
    head = git("rev-parse", "HEAD")
    assert git_revision() == (head, False)
    module.write_text("# other\n", encoding="utf-8")
    assert git_revision() == (head, True)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "")
        assert git_revision() == (None, None), "there is no git"
    site = tmp_path / "site-packages" / "crisis_sim" / "batch" / "manifest.py"
    monkeypatch.setattr(manifests, "__file__", str(site))
    assert git_revision() == (None, None), "it is installed in a checkout"


# Disks that are full, folders that cannot be written


@pytest.fixture
def disk() -> Iterator[Callable[[int], None]]:
    """Limits the size of files, as if the disk were full; -1 removes the limit."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def hold(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size < 0 else size, before[1]))

    yield hold
    hold(-1)


def test_a_full_disk_at_the_start_is_reported_and_older_results_are_kept(
    tmp_path: Path, disk: Callable[[int], None]
) -> None:
    run_to_folder(crisis("old"), tmp_path, 10)
    disk(2_000)
    with pytest.raises(ResultsError, match=r"cannot write results to .*: File too large$"):
        run_to_folder(crisis(), tmp_path, 200)
    assert names(tmp_path) == RESULTS
    assert rows(tmp_path).keys() == {"old"}


@pytest.mark.parametrize("processes", [1, 2])
def test_finished_blocks_survive_a_disk_that_fills_up(
    tmp_path: Path, disk: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(workers, "POOL_START_SECONDS", 0.0)
    cut_short(tmp_path, 2, crisis())
    disk(5_000)
    with pytest.raises(ResultsError) as error:
        resume(tmp_path, processes)
    message = str(error.value)
    assert f"cannot write results to {tmp_path}: File too large\n" in message
    assert "an unfinished run: 20 of 60 crises; to continue it: crisis-sim run --resume" in message
    # A worker that is ended because another's disk is full may leave a partial file until the run is resumed.
    assert processes > 1 or not list(running_folder(tmp_path).rglob("*" + PARTIAL))
    disk(-1)
    resume(tmp_path)
    assert not list(running_folder(tmp_path).rglob("*" + PARTIAL))
    assert rows(tmp_path) == rows(simulate(crisis(), 60))


def test_no_block_is_lost_if_the_disk_fills_up_while_results_are_published(
    tmp_path: Path, disk: Callable[[int], None]
) -> None:
    run_to_folder(crisis("old"), tmp_path, 10)
    disk(60_000)
    with pytest.raises(ResultsError, match=r"File too large\n.* 600 of 600 crises"):
        run_to_folder(crisis(), tmp_path, 600, block_size=50)
    assert names(tmp_path) == RESULTS
    assert OUTCOMES not in names(running_folder(tmp_path))
    disk(-1)
    counts: list[int] = []
    resume(tmp_path, progress=lambda done, crises: counts.append(done))
    assert counts == [600], "blocks were run again that were there"
    assert len(rows(tmp_path)["quarrel"][0]) == 600


def test_a_run_with_damaged_parameter_values_is_not_resumed(tmp_path: Path) -> None:
    values = {"states.north.resolve": [0.5] * 60}
    cut_short(tmp_path, 2, crisis(), parameters=values)
    os.truncate(running_folder(tmp_path) / "parameters.parquet", 100)
    with pytest.raises(ResultsError, match=r"parameters\.parquet does not match its checksum"):
        resume(tmp_path)


def test_the_lock_of_a_killed_run_does_not_block_others(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    running_folder(folder).mkdir()
    (running_folder(folder) / WRITER).write_text('{"process": 1, "token": "old"}', encoding="utf-8")
    (tmp_path / "results.running.lock").touch()
    assert token_in(running_folder(folder)) == "old"
    run_to_folder(crisis(), folder, 10)
    assert names(folder) == [MANIFEST, OUTCOMES, PATHS]
    assert names(tmp_path) == ["results"]
