"""Clusters: a scheduler, and workers in separate processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from crisis_sim.batch import BatchError, run, run_to_folder, simulate, workers
from crisis_sim.batch.block import Plan
from crisis_sim.batch.workers import BlockTask
from tests.batch.crises import SCENARIOS, Dawdler, crisis, rows

pytest.importorskip("distributed")


def kill_in_a_block(victim: int, notes: Path) -> None:
    """Kill a worker process just after it has begun another block."""
    own = f"* in {victim}"
    before, deadline = len(list(notes.glob(own))), time.monotonic() + 30
    while len(list(notes.glob(own))) == before:
        assert time.monotonic() < deadline, "the worker has nothing to do"
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("sees_folder", [True, False], ids=["shared folder", "nothing shared"])
def test_a_killed_worker_loses_no_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sees_folder: bool
) -> None:
    if not sees_folder:
        task_elsewhere = lambda folder, token, *others: BlockTask(folder, "elsewhere", *others)  # noqa: E731
        monkeypatch.setattr(run, "BlockTask", task_elsewhere)
    notes = tmp_path / "notes"
    notes.mkdir()
    counts: list[tuple[int, int]] = []

    def kill(done: int, crises: int) -> None:
        counts.append((done, crises))
        if len(counts) == 2:
            kill_in_a_block(victims[0], notes)

    messages: list[str] = []
    with LocalCluster(2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        with Client(cluster, set_as_default=False) as client:
            victims = [*client.run(os.getpid).values()]
        address = cluster.scheduler_address
        manifest = run_to_folder(
            SCENARIOS,
            tmp_path / "results",
            60,
            block_size=10,
            agents=[Dawdler(notes, 0.3)],
            scheduler=address,
            progress=kill,
            on_message=messages.append,
        )
    (about,) = messages
    assert f"cluster at {address}: 2 workers with 2 threads; dashboard: http://" in about
    assert counts == [(done, 120) for done in range(10, 130, 10)]
    assert manifest["failures"] == []
    begun = Counter(path.name.partition(" in ")[0] for path in notes.iterdir())
    assert len(begun) == 12
    assert max(begun.values()) == 2, "no block of the worker that was killed was run again"
    assert rows(tmp_path / "results") == rows(simulate(SCENARIOS, 60))


def test_a_worker_with_other_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**workers.versions(), "code": "another"}
    monkeypatch.setattr(workers, "versions", lambda: other)
    with pytest.raises(BatchError, match=r"has other versions[^\n]*\n  code: another here"):
        run_to_folder(crisis(), tmp_path / "results", 20, scheduler="local", workers=1)
    assert not (tmp_path / "results").exists()


def test_a_local_cluster_gives_the_same_rows(tmp_path: Path) -> None:
    messages: list[str] = []
    run_to_folder(
        crisis(),
        tmp_path,
        30,
        block_size=10,
        scheduler="local",
        workers=1,
        on_message=messages.append,
    )
    assert "1 workers with 1 threads; dashboard: http://127.0.0.1:" in messages[0]
    assert rows(tmp_path) == rows(simulate(crisis(), 30))


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("tcp://127.0.0.1:1", r"no scheduler answers at tcp://127\.0\.0\.1:1: "),
        *(
            (at, "is not the address of a scheduler")
            for at in ("nonsense", "tcp://", "tcp://host", "tcp://a:1/b", "tcp://a b:1")
        ),
    ],
)
def test_a_missing_scheduler_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, message: str
) -> None:
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.5)
    with pytest.raises(BatchError, match=message):
        run_to_folder(crisis(), tmp_path / "results", 20, scheduler=at)
    assert not (tmp_path / "results").exists()
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BatchError, match=r"pip install 'crisis-sim\[cluster\]'"):
        run_to_folder(crisis(), tmp_path, 20, scheduler=at)


def test_a_worker_that_joins_late_with_other_code_is_refused_too(tmp_path: Path) -> None:
    (order,) = Plan((crisis(),), 5, seed=1).orders()
    task = BlockTask(tmp_path, "token", {}, "", {"code": "another"})
    with pytest.raises(BatchError, match=r"a worker has other versions.*\n  code: another"):
        task(order)
