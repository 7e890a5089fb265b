"""Clusters: a scheduler and workers in separate processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crisis_sim.batch import BatchError, run, run_to_folder, simulate, workers
from crisis_sim.batch.block import Plan
from crisis_sim.batch.workers import BlockTask
from tests.batch.crises import SCENARIOS, Dawdler, crisis, rows

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]
#: A worker whose code differs from ours by one character of its digest.
STRANGER = """
from crisis_sim.batch import manifest
manifest.code_digest = lambda: "another"
from distributed.cli.dask_worker import main
main()
"""


class Machines:
    """A scheduler and its workers."""

    def __init__(self, home: Path) -> None:
        self.file = home / "scheduler.json"
        self.log = (home / "log").open("wb")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start(
            "-m",
            "distributed.cli.dask_scheduler",
            *("--port", "0", "--dashboard-address", "127.0.0.1:0"),
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *command, "--scheduler-file", str(self.file), "--host", "127.0.0.1"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.log,
            stderr=self.log,
        )
        self.processes.append(process)
        return process

    def start_worker(self, *python: str) -> subprocess.Popen[bytes]:
        python = python or ("-m", "distributed.cli.dask_worker")
        return self.start(*python, "--no-nanny", "--nthreads", "1", "--no-dashboard")

    @property
    def address(self) -> str:
        for _ in range(300):
            if self.file.exists():
                return str(json.loads(self.file.read_text(encoding="utf-8"))["address"])
            time.sleep(0.1)
        raise TimeoutError("the scheduler does not start")

    def wait_for_workers(self, number: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=60)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    machines = Machines(tmp_path_factory.mktemp("machines"))
    yield machines
    machines.stop()


def kill_in_a_block(victim: subprocess.Popen[bytes], notes: Path) -> None:
    """Kill a worker just after it has begun another block."""
    own = f"* in {victim.pid}"
    before, deadline = len(list(notes.glob(own))), time.monotonic() + 30
    while len(list(notes.glob(own))) == before:
        assert time.monotonic() < deadline, "the worker has nothing to do"
        time.sleep(0.01)
    victim.kill()


@pytest.mark.slow
@pytest.mark.parametrize("sees_folder", [True, False], ids=["shared folder", "nothing shared"])
def test_a_killed_worker_loses_no_block(
    tmp_path: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch, sees_folder: bool
) -> None:
    victim, _ = machines.start_worker(), machines.start_worker()
    machines.wait_for_workers(2)
    if not sees_folder:
        task_elsewhere = lambda folder, token, *others: BlockTask(folder, "elsewhere", *others)  # noqa: E731
        monkeypatch.setattr(run, "BlockTask", task_elsewhere)
    notes = tmp_path / "notes"
    notes.mkdir()
    counts: list[tuple[int, int]] = []

    def kill(done: int, crises: int) -> None:
        counts.append((done, crises))
        if len(counts) == 2:
            kill_in_a_block(victim, notes)

    messages: list[str] = []
    manifest = run_to_folder(
        SCENARIOS,
        tmp_path / "results",
        60,
        block_size=10,
        agents=[Dawdler(notes, 0.3)],
        scheduler=machines.address,
        progress=kill,
        on_message=messages.append,
    )
    (about,) = messages
    assert f"cluster at {machines.address}: 2 workers with 2 threads; dashboard: http://" in about
    assert counts == [(done, 120) for done in range(10, 130, 10)]
    assert manifest["failures"] == []
    begun = Counter(path.name.partition(" in ")[0] for path in notes.iterdir())
    assert len(begun) == 12
    assert max(begun.values()) == 2, "no block of the worker that was killed was run again"
    assert rows(tmp_path / "results") == rows(simulate(SCENARIOS, 60))


@pytest.mark.slow
def test_a_worker_with_other_code_is_refused(tmp_path: Path, machines: Machines) -> None:
    machines.start_worker("-c", STRANGER)
    machines.wait_for_workers(1)
    with pytest.raises(BatchError, match=r"has other versions[^\n]*\n  code: .* another"):
        run_to_folder(crisis(), tmp_path / "results", 20, scheduler=machines.address)
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
