from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import BatchError, simulate, workers
from crisis_sim.batch.block import Block, BlockOrder, Plan, attempt
from crisis_sim.batch.workers import (
    ExecutorPlan,
    StopSign,
    choose_executor,
    run_plan,
    stop_on_interrupt,
)
from crisis_sim.model import Agent
from tests.batch.crises import Counter, Saboteur, crisis, die, die_once, fail, rows


@pytest.fixture
def eager_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool is opened even for little work."""
    monkeypatch.setattr(workers, "POOL_START_SECONDS", 0.0)


@pytest.fixture
def no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(workers: int) -> None:
        raise AssertionError("a pool was opened")

    monkeypatch.setattr(workers, "open_pool", refuse)


def plan_of(replicates: int, *agents: Any) -> Plan:
    return Plan((crisis(),), replicates, seed=1, block_size=10, agents=agents)


def carry_out(plan: Plan, workers: int, stop: StopSign | None = None) -> list[Block]:
    return sorted(
        run_plan(plan, workers, stop or StopSign()), key=lambda result: result.order.number
    )


START, MOST = workers.POOL_START_SECONDS, workers.MOST_THREADS


EXECUTORS: dict[str, tuple[Any, tuple[int, bool, float]]] = {
    "threads share work at once": ((0.1, 9, 2), (2, False, 0.05)),
    "one worker is one thread": ((1e9, 9, 1), (1, False, 1e9)),
    "no more workers than blocks": ((60.0, 3, 8), (3, False, 20.0)),
    "nor with agents of one's own": ((60.0, 1, 8, True), (1, False, 60.0)),
    "no time for a pool": ((1.9 * START, 9, 2, True), (1, False, 1.9 * START)),
    "agents: a pool": ((2.2 * START, 9, 2, True), (2, True, 2.1 * START)),
    "more processes": ((1.6 * START, 9, 4, True), (4, True, 1.4 * START)),
    "threads do": ((MOST * START, 999, 4 * MOST), (MOST, False, START)),
    "long work": ((2 * MOST * START, 999, 4 * MOST), (4 * MOST, True, 1.5 * START)),
}


@pytest.mark.parametrize(("work", "expected"), EXECUTORS.values(), ids=EXECUTORS)
def test_the_fastest_executor_is_chosen(work: Any, expected: tuple[int, bool, float]) -> None:
    size, apart, seconds = expected
    assert choose_executor(*work) == ExecutorPlan(size, apart, pytest.approx(seconds))


@pytest.mark.usefixtures("no_pool")
def test_a_small_batch_and_a_single_block_open_no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    results = carry_out(plan_of(40), workers=8)
    assert [result.order.first for result in results] == [0, 10, 20, 30]
    assert [
        result.order.number for result in run_plan(plan_of(40), 1, StopSign(), done={0, 2})
    ] == [1, 3]
    assert not list(run_plan(plan_of(40), 2, StopSign(), done={0, 1, 2, 3}))
    monkeypatch.setattr(workers, "POOL_START_SECONDS", 0.0)
    assert len(carry_out(Plan((crisis(),), 40, seed=1), workers=2)) == 1


@pytest.mark.slow
def test_a_pool_is_opened_when_blocks_turn_out_to_be_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "CRISES_PER_SECOND", math.inf)
    monkeypatch.setattr(workers, "POOL_START_SECONDS", 1e-6)
    plan = plan_of(60, NoteProcess)
    processes = [
        set(result.table.column("process").to_pylist())
        for result in run_plan(plan, 2, StopSign())
        if not result.error
    ]
    assert processes[0] == {os.getpid()}
    assert all(os.getpid() not in later for later in processes[1:])


@pytest.mark.usefixtures("eager_pool")
@pytest.mark.parametrize("agents", [[], [Counter]], ids=["alone", "with an agent"])
def test_the_same_rows_for_any_number_of_workers_and_block_size(agents: list[Any]) -> None:
    scenarios = [crisis("one"), crisis("two", channels={})]
    alone = simulate(scenarios, 90, block_size=90, agents=agents)
    pooled = simulate(scenarios, 90, workers=2, block_size=20, agents=agents)
    assert rows(pooled) == rows(alone)


class NoteProcess(Agent):
    """Adds the id of the process to the outcomes."""

    role = "notes"

    def step(self) -> None:
        """Do nothing; agents with steps in Python run in processes."""

    def outcomes(self) -> dict[str, Any]:
        return {"process": np.full(self.model.rows, os.getpid())}


@pytest.mark.slow
@pytest.mark.usefixtures("eager_pool")
def test_a_block_that_raises_or_whose_worker_dies_fails_alone(tmp_path: Path) -> None:
    deeds = {5: partial(die_once, tmp_path / "killed"), 25: fail, 45: die}  # once may be by chance
    agents = [
        Saboteur(replicate, deed, f"saboteur_{replicate}") for replicate, deed in deeds.items()
    ]
    results = carry_out(plan_of(60, *agents), workers=2)
    assert [result.order.first for result in results] == [0, 10, 20, 30, 40, 50]
    failed = {result.order.first: result.error for result in results if result.error}
    assert failed == {20: "ZeroDivisionError: no leverage to divide by", 40: failed[40]}
    assert "worker process died" in failed[40]


@pytest.mark.usefixtures("eager_pool")
def test_a_request_to_stop_ends_a_pool_after_the_current_blocks() -> None:
    plan = plan_of(2000)
    stop, firsts = StopSign(), []
    for result in run_plan(plan, 2, stop):
        firsts.append(result.order.first)
        stop.requested = len(firsts) >= 3
    assert sorted(firsts) == list(range(0, 10 * len(firsts), 10))
    assert 3 <= len(firsts) < 12


def test_threads_abandon_blocks_that_are_not_needed() -> None:
    begun, given_up = threading.Semaphore(0), threading.Semaphore(0)

    def task(order: BlockOrder, watch: Callable[[None], None]) -> Block:
        if order.number == 0:
            return attempt(order)
        begun.release()
        try:
            for _ in range(30_000):
                watch(None)
                time.sleep(0.001)
        except KeyboardInterrupt:
            given_up.release()
            raise

    results = run_plan(plan_of(40), 2, StopSign(), task)
    assert next(results).order.number == 0
    assert begun.acquire(timeout=30)
    assert begun.acquire(timeout=30)
    results.close()
    assert given_up.acquire(blocking=False)
    assert given_up.acquire(blocking=False)
    assert not given_up.acquire(blocking=False), "a block was begun that nobody waited for"


def test_workers_that_cannot_start_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_prepare_worker", os.abort)
    with pytest.raises(BatchError, match="if __name__ == '__main__'"):
        workers.open_pool(1)


@pytest.mark.usefixtures("usual_signals")
def test_signal_handlers_are_restored_and_others_are_left_alone() -> None:
    with stop_on_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    with stop_on_interrupt() as sign:
        signal.raise_signal(signal.SIGINT)
        assert not sign.requested
    assert heard == [signal.SIGINT]


def test_other_threads_may_run_batches_too() -> None:
    with ThreadPoolExecutor(1) as pool, stop_on_interrupt():
        assert rows(pool.submit(simulate, crisis(), 10).result()) == rows(simulate(crisis(), 10))
        assert pool.submit(stop_on_interrupt().__enter__).result().requested is False
