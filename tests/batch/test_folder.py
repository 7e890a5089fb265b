"""Results folders: reading, names of files, the manifest, and failing disks."""

from __future__ import annotations

import errno
import itertools
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.batch import ResultsError, read_batch, resume, run_to_folder, simulate, workers
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.block import Plan
from crisis_sim.batch.folder import (
    MANIFEST,
    OUTCOMES,
    PATHS,
    read_by_scenario,
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


def test_interleaved_rows_are_separated_by_scenario(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    whose = ["a", "b", "a", None, "c", "b", "b"]
    pq.write_table(pa.table({"scenario": whose, "row": range(7)}), path)
    found = {
        name: rows.to_pydict() for name, rows in read_by_scenario([path], "abcd", ["row"]).items()
    }
    whole = {"a": [0, 2], "b": [1, 5, 6], "c": [4], "d": []}
    assert found == {name: {"row": numbers} for name, numbers in whole.items()}


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


def test_a_plain_name_is_a_path_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("folder")  # the folder itself may be one
    for name in ("file", "none"):
        assert inside(tmp_path / "link", name) == tmp_path / "link" / name
    assert inside(tmp_path / "no folder", "a").name == "a"
    assert inside(tmp_path, "folder", is_folder=True) == tmp_path / "folder"


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


@given(st.text(min_size=1, max_size=30))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("results")
    try:
        path = inside(folder, name)
    except ResultsError:
        return
    assert Path(os.path.normpath(path)).parent == folder


def test_links_pipes_and_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "folder", "nowhere"):
        (tmp_path / f"{name}.link").symlink_to(tmp_path / name)
    for name, is_folder in itertools.product(
        (one.name for one in tmp_path.iterdir()), (False, True)
    ):
        if (name, is_folder) not in (("file", False), ("folder", True)):
            message = "is a link" if name.endswith(".link") else "is something else"
            with pytest.raises(ResultsError, match=message):
                inside(tmp_path, name, is_folder)


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


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that appears to contain the package."""
    inside = tmp_path / "crisis_sim" / "batch" / "manifest.py"
    inside.parent.mkdir(parents=True)
    inside.write_text("# code\n", encoding="utf-8")
    monkeypatch.setattr(manifests, "__file__", str(inside))
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_in_a_checkout_the_commit_and_modifications_are_recorded(checkout: Path) -> None:
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "all")
    head = git(checkout, "rev-parse", "HEAD")
    assert git_revision() == (head, False)
    (checkout / "crisis_sim" / "batch" / "manifest.py").write_text("# other\n", encoding="utf-8")
    assert git_revision() == (head, True)


def denied(path: Path) -> bool:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("why", ["installed in a checkout", "no git", "may not be looked at"])
def test_without_a_readable_checkout_there_is_no_revision(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    assert git_revision() == (None, None)
    git(checkout, "init", "--quiet")
    if why == "no git":
        monkeypatch.setenv("PATH", "")
    elif why == "may not be looked at":
        monkeypatch.setattr(Path, "exists", denied)
    else:
        site = checkout / "site-packages" / "crisis_sim" / "batch" / "manifest.py"
        monkeypatch.setattr(manifests, "__file__", str(site))
    assert git_revision() == (None, None)


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


def test_a_full_disk_that_is_noticed_on_flushing_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(tmp_path, 6, crisis())

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("crisis_sim.batch.folder.sync", full)
        with pytest.raises(ResultsError, match=r"No space left on device\n.* 60 of 60 crises"):
            resume(tmp_path)
    resume(tmp_path)
    assert names(tmp_path) == RESULTS


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that this process may read but not write, even as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_to_folder(crisis(), folder, 10)
        me, nobody = os.geteuid(), 65_534
        folder.chmod(0o555)
        if me == 0:
            os.seteuid(nobody)
        yield folder
        if me == 0:
            os.seteuid(me)
        folder.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the rights of a POSIX system")
def test_a_folder_without_write_permission_is_reported(nobodys_folder: Path) -> None:
    before = names(nobodys_folder)
    for folder in (nobodys_folder, nobodys_folder / "new"):
        with pytest.raises(ResultsError, match=r"cannot write results to .*: Permission denied"):
            run_to_folder(crisis(), folder, 10)
    assert names(nobodys_folder) == before
    assert read_batch(nobodys_folder).ensembles["quarrel"].replicates == 10


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
