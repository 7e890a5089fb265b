"""Who runs the blocks: this process, or a pool of worker processes where that is quicker.

Whoever runs them, results come in the order of the plan and are the same to the bit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeAlias

from crisis_sim.batch.block import Block, BlockFailure, BlockOrder, attempt, failure
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.interrupt import StopSign
from crisis_sim.batch.plan import Plan

Result: TypeAlias = Block | BlockFailure

#: Seconds until a pool has given back its first blocks: new Python processes import the model.
POOL_START_SECONDS = 1.5
#: Agent-turns that one process runs in a second, give or take; a first guess at how long a batch
#: will take, until its own blocks tell. `make bench` measures both.
AGENT_TURNS_PER_SECOND = 2e7
#: Blocks handed out for each worker: one being run, one waiting, so that no worker idles and memory
#: stays bounded.
BLOCKS_AHEAD = 2


def run_plan(plan: Plan, workers: int, stop: StopSign) -> Generator[Result, None, None]:
    """Carry out the orders of a plan and give back what came of each, in order.

    A pool is started as soon as the time that is left is long enough for it to pay: at once for a
    large batch, never for a small one.

    Args:
        plan: what to run.
        workers: the most processes to use.
        stop: when it is set, no further block is begun.

    Raises:
        BatchError: when worker processes cannot start.
    """
    orders = plan.orders()
    seconds, done = 0.0, 0
    seconds_left = first_guess(plan)
    for blocks_left in range(plan.blocks, 0, -1):
        useful, _ = share_out(seconds_left, blocks_left, workers)
        if useful > 1:
            yield from _in_pools(orders, useful, useful * BLOCKS_AHEAD, stop)
            return
        if stop.requested:
            return
        order = next(orders)
        result = attempt(order)
        seconds, done = seconds + result.seconds, done + order.rows
        seconds_left = seconds / done * (plan.crises - done)
        yield result


def first_guess(plan: Plan) -> float:
    """Seconds that one process will need for a plan, as far as can be said before it runs."""
    return plan.agent_turns / AGENT_TURNS_PER_SECOND


def share_out(seconds: float, blocks: int, workers: int) -> tuple[int, float]:
    """How many processes finish work soonest, and in how many seconds.

    Args:
        seconds: what one process needs for the work.
        blocks: of how many blocks it is; more processes than these would idle.
        workers: the most processes to use.

    Returns:
        the processes, 1 where a pool would not have started before the work is done; and seconds.
    """
    useful = min(workers, blocks)
    in_pool = POOL_START_SECONDS + seconds / useful
    return (useful, in_pool) if useful > 1 and in_pool < seconds else (1, seconds)


def _in_pools(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign
) -> Generator[Result, None, None]:
    """One pool after another: a worker that dies takes its pool with it, but not the batch.

    Any of the blocks that were in the pool may have killed its worker, so they are run again one
    at a time: what dies alone has failed, and the others are not lost with it.
    """
    while not stop.requested:
        lost: list[BlockOrder] = []
        pool = open_pool(workers)
        try:
            yield from _through(pool, orders, ahead, stop, lost)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if not lost:
            return
        if ahead == 1:
            yield failure(lost[0], "the worker process died (killed, or out of memory)")
        else:
            yield from _in_pools(iter(lost), 1, 1, stop)


def _through(
    pool: Executor,
    orders: Iterator[BlockOrder],
    ahead: int,
    stop: StopSign,
    lost: list[BlockOrder],
) -> Generator[Result, None, None]:
    """Results of orders sent through a pool, in order; should it break, its orders go to `lost`."""
    waiting: deque[tuple[BlockOrder, Future[Result]]] = deque()
    try:
        while True:
            while len(waiting) < ahead and not stop.requested:
                order = next(orders, None)
                if order is None:
                    break
                # It waits before it is handed over: a pool that breaks just then loses it too.
                waiting.append((order, Future()))
                waiting[-1] = (order, pool.submit(attempt, order))
            if stop.requested:
                waiting = deque(pair for pair in waiting if not pair[1].cancel())
            if not waiting:
                return
            result = waiting[0][1].result()
            waiting.popleft()
            yield result
    except BrokenProcessPool:
        lost.extend(order for order, _ in waiting)


def open_pool(workers: int) -> ProcessPoolExecutor:
    """A pool whose processes have all been started.

    Raises:
        BatchError: when they die as they start.
    """
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_prepare_worker
    )
    with _interrupts_held_back():
        started = [pool.submit(os.getpid) for _ in range(workers)]
    try:
        for worker in started:
            worker.result()
    except BrokenProcessPool as error:
        raise BatchError(
            "worker processes die as they start; a script that asks for workers must do so under "
            "`if __name__ == '__main__':`, since each worker imports it"
        ) from error
    return pool


@contextmanager
def _interrupts_held_back() -> Generator[None, None, None]:
    """Let processes that are started meanwhile be deaf to Ctrl-C before they can say so."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent, which ends its workers; end at once if the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
