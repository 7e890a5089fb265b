"""Disks that are full, folders that cannot be written, blocks that rot: each made to happen."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crisis_sim.batch import ResultsError, read_batch, resume, run_to_folder, simulate, workers
from crisis_sim.batch.files import PARTIAL, WRITER, token_in
from crisis_sim.batch.folder import MANIFEST, OUTCOMES, PATHS, running
from tests.batch.crises import RESULTS, crisis, cut_short, names, rows

resource = pytest.importorskip("resource")


@pytest.fixture
def disk() -> Iterator[Callable[[int], None]]:
    """Says how far a file may grow, as on a disk that fills up; -1 for as far as ever."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def hold(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size < 0 else size, before[1]))

    yield hold
    hold(-1)


def test_a_disk_that_is_full_from_the_start_is_said_and_leaves_the_old_results(
    tmp_path: Path, disk: Callable[[int], None]
) -> None:
    run_to_folder(crisis("old"), tmp_path, 10)
    disk(2_000)
    with pytest.raises(ResultsError, match=r"cannot write results to .*: File too large$"):
        run_to_folder(crisis(), tmp_path, 200)
    assert names(tmp_path) == RESULTS
    assert rows(tmp_path).keys() == {"old"}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_disk_that_fills_up_as_blocks_are_written_keeps_those_that_are_there(
    tmp_path: Path, disk: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(workers, "POOL_START_SECONDS", 0.0)
    cut_short(tmp_path, 2, crisis())
    disk(5_000)
    with pytest.raises(ResultsError) as told:
        resume(tmp_path, processes)
    said = str(told.value)
    assert f"cannot write results to {tmp_path}: File too large\n" in said
    assert "not finished: 20 of 60 crises; go on with: crisis-sim run --resume" in said
    # A worker that is ended because another's disk is full may leave a scrap, until somebody goes on.
    assert processes > 1 or not list(running(tmp_path).rglob("*" + PARTIAL))
    disk(-1)
    resume(tmp_path)
    assert not list(running(tmp_path).rglob("*" + PARTIAL))
    assert rows(tmp_path) == rows(simulate(crisis(), 60))


def test_a_disk_that_fills_up_as_results_are_published_loses_no_block(
    tmp_path: Path, disk: Callable[[int], None]
) -> None:
    run_to_folder(crisis("old"), tmp_path, 10)
    disk(60_000)
    with pytest.raises(ResultsError, match=r"File too large\n.* 600 of 600 crises"):
        run_to_folder(crisis(), tmp_path, 600, block_size=50)
    assert names(tmp_path) == RESULTS
    assert OUTCOMES not in names(running(tmp_path))
    disk(-1)
    told: list[int] = []
    resume(tmp_path, progress=lambda done, crises: told.append(done))
    assert told == [600], "blocks were run again that were there"
    assert len(rows(tmp_path)["quarrel"][0]) == 600


def test_a_disk_that_says_only_in_the_end_that_it_is_full_is_believed(
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
    """A folder that this process may read and not write, even if it is root's."""
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
def test_a_folder_that_may_not_be_written_is_said(nobodys_folder: Path) -> None:
    before = names(nobodys_folder)
    for folder in (nobodys_folder, nobodys_folder / "new"):
        with pytest.raises(ResultsError, match=r"cannot write results to .*: Permission denied"):
            run_to_folder(crisis(), folder, 10)
    assert names(nobodys_folder) == before
    assert read_batch(nobodys_folder).ensembles["quarrel"].replicates == 10


def test_values_of_a_design_that_are_damaged_are_not_gone_on_with(tmp_path: Path) -> None:
    values = {"states.north.resolve": [0.5] * 60}
    cut_short(tmp_path, 2, crisis(), parameters=values)
    os.truncate(running(tmp_path) / "parameters.parquet", 100)
    with pytest.raises(ResultsError, match=r"parameters\.parquet has been damaged"):
        resume(tmp_path)


def test_a_lock_that_a_killed_run_left_behind_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    running(folder).mkdir()
    (running(folder) / WRITER).write_text('{"process": 1, "token": "old"}', encoding="utf-8")
    (tmp_path / "results.running.lock").touch()
    assert token_in(running(folder)) == "old"
    run_to_folder(crisis(), folder, 10)
    assert names(folder) == [MANIFEST, OUTCOMES, PATHS]
    assert names(tmp_path) == ["results"]
