from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import BatchError, read_batch, run_to_folder, simulate
from crisis_sim.batch.folder import MANIFEST, PARTIAL
from tests.batch.crises import Raise, Saboteur, crisis

ROOT = Path(__file__).parents[2]


def test_scenarios_keep_the_order_in_which_they_were_asked_for() -> None:
    batch = simulate([crisis("late"), crisis("early")], replicates=5)
    assert list(batch.ensembles) == ["late", "early"]
    assert [one.replicates for one in batch.ensembles.values()] == [5, 5]
    assert batch.manifest["replicates"] == 5


def test_a_scenario_is_the_same_alone_and_beside_others() -> None:
    alone = simulate(crisis("one"), replicates=40).ensembles["one"]
    beside = simulate([crisis("two", lenders={}), crisis("one")], replicates=40).ensembles["one"]
    own = [name for name in beside.table.column_names if name in alone.table.column_names]
    assert beside.table.select(own).to_pylist() == alone.table.select(own).to_pylist()


@pytest.mark.parametrize("block_size", [None, 7, 25])
def test_a_design_runs_every_replicate_at_every_point_and_says_at_which(
    tmp_path: Path, block_size: int | None
) -> None:
    resolve = np.repeat([0.1, 0.5, 0.9], 10)
    design = {"parameters": {"states.north.resolve": resolve}, "points": 3, "replicates": 10}
    batch = simulate([crisis("one"), crisis("two")], block_size=block_size, **design)
    run_to_folder([crisis("one"), crisis("two")], tmp_path, block_size=block_size, **design)
    one = batch.ensembles["one"]
    np.testing.assert_array_equal(one.column("point"), np.repeat([0, 1, 2], 10))
    np.testing.assert_array_equal(one.column("replicate"), np.tile(np.arange(10), 3))
    assert one.paths is None
    written = read_batch(tmp_path)
    assert written.manifest["points"] == 3
    for name, ensemble in batch.ensembles.items():
        assert written.ensembles[name].table.to_pylist() == ensemble.table.to_pylist()
    alone = simulate(
        crisis("one"), 10, parameters={"states.north.resolve": np.full(10, 0.5)}
    ).ensembles["one"]
    rows = one.table.slice(10, 10).drop_columns("point").to_pylist()
    assert rows == alone.table.to_pylist()


def test_progress_is_told_after_each_block_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    simulate(
        [crisis("one"), crisis("two")],
        replicates=20,
        block_size=10,
        progress=lambda done, crises: told.append((done, crises)),
    )
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]


def test_in_memory_a_failing_block_ends_the_batch_and_says_which(tmp_path: Path) -> None:
    with pytest.raises(
        BatchError, match="replicates 10 to 19 of quarrel, seed 4: ZeroDivisionError"
    ):
        simulate(crisis(), 30, seed=4, block_size=10, agents=[Saboteur(12, Raise())])


def test_on_disk_a_failing_block_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    manifest = run_to_folder(
        crisis(), tmp_path, 30, seed=4, block_size=10, agents=[Saboteur(12, Raise())]
    )
    (failure,) = manifest["failures"]
    assert failure["scenario"] == "quarrel"
    assert (failure["first_replicate"], failure["replicates"], failure["seed"]) == (10, 10, 4)
    assert failure["error"] == "ZeroDivisionError: no leverage to divide by"
    batch = read_batch(tmp_path)
    assert batch.manifest == manifest
    assert batch.ensembles["quarrel"].column("replicate").tolist() == [*range(10), *range(20, 30)]
    assert manifest["scenarios"]["quarrel"]["replicates_done"] == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"workers": 0},
        {"parameters": {"states.north.resolv": np.zeros(5)}},
        {"parameters": {"states.north.resolve": np.zeros(4)}},
    ],
    ids=str,
)
def test_a_mistake_is_told_in_a_line_and_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    for run in (partial(run_to_folder, folder=tmp_path / "new"), simulate):
        with pytest.raises(BatchError) as told:
            run(crisis(), replicates=5, **wrong)
        assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [0, -1])
def test_a_batch_needs_a_worker(workers: int) -> None:
    with pytest.raises(BatchError, match=f"at least 1 for workers, got {workers}"):
        simulate(crisis(), 1, workers=workers)


@pytest.fixture
def usual_interrupts() -> object:
    """Ctrl-C as an interactive Python has it; test runners may have set it otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(done: int, crises: int) -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("usual_interrupts")
def test_an_interrupted_run_keeps_the_blocks_that_were_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_to_folder(
            [crisis("one"), crisis("two")],
            tmp_path,
            100,
            block_size=10,
            progress=lambda done, crises: interrupt(done, crises) if done == 40 else None,
        )
    batch = read_batch(tmp_path)
    assert batch.manifest["interrupted"] is True
    assert [one.replicates for one in batch.ensembles.values()] == [20, 20]
    whole = simulate([crisis("one"), crisis("two")], 20)
    for name, ensemble in whole.ensembles.items():
        assert batch.ensembles[name].table.to_pylist() == ensemble.table.to_pylist()


@pytest.mark.usefixtures("usual_interrupts")
def test_a_second_interruption_stops_at_once_and_leaves_the_old_results(tmp_path: Path) -> None:
    run_to_folder(crisis("old"), tmp_path, 5)

    def impatient(done: int, crises: int) -> None:
        interrupt(done, crises)
        interrupt(done, crises)

    with pytest.raises(KeyboardInterrupt):
        run_to_folder(crisis("new"), tmp_path, 100, block_size=10, progress=impatient)
    assert list(read_batch(tmp_path).ensembles) == ["old"]
    assert not list(tmp_path.glob("*" + PARTIAL))


SCRIPT = """
import sys
from pathlib import Path
from crisis_sim.batch import run_to_folder, workers
from tests.batch.crises import crisis

workers.POOL_START_SECONDS = 0.0

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    run_to_folder(
        crisis(), folder, 10_000_000, block_size=200, workers=int(sys.argv[2]),
        progress=lambda done, crises: print(done, flush=True),
    )
"""


@pytest.mark.skipif(os.name == "nt", reason="sends signals to a process group")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_in_a_terminal_leaves_results_and_no_worker(tmp_path: Path, workers: int) -> None:
    script = tmp_path / "long_run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    folder = tmp_path / "results"
    run = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(workers)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    for _ in range(5):  # by the fifth block the workers, if any, are at work
        run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)  # a terminal sends Ctrl-C to all of them
    _, talk = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT, talk
    assert "KeyboardInterrupt" in talk.splitlines()[-1]
    assert "crises.py" not in talk, "a worker was interrupted in the middle of a block"
    batch = read_batch(folder)
    assert batch.manifest["interrupted"]
    done = batch.ensembles["quarrel"].column("replicate")
    assert done.tolist() == list(range(len(done)))
    assert len(done) >= 1000
    assert _gone(run.pid)


@pytest.mark.skipif(os.name == "nt", reason="sends signals to a process group")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "long_run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "results"), "2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    for _ in range(5):
        run.stdout.readline()
    run.kill()
    run.communicate(timeout=60)
    assert _gone(run.pid)
    assert not (tmp_path / "results" / MANIFEST).exists()


def _gone(group: int) -> bool:
    """Whether every process of a group has ended, within a few seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
