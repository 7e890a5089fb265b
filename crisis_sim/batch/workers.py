"""Who runs the blocks: this thread, several threads of this process, or a pool of worker processes, whichever is quickest.

Compiled rules let other threads run, so threads share a batch at no cost but for the little that is Python's own. Agents of
one's own are Python, and many threads would wait for each other: these get processes. Whoever runs them, results are the
same to the bit; they come as they are done.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from crisis_sim.batch.block import BlockOrder, attempt, failure
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.interrupt import StopSign
from crisis_sim.batch.plan import Plan

if TYPE_CHECKING:
    from crisis_sim.model import CrisisModel

#: What comes of a block: what the task makes of it, or a failure. All of them know `number`, `rows` and `seconds`.
Result: TypeAlias = Any
#: Carries out an order; may be given what `crisis_sim.batch.block.attempt` takes as `watch`.
Task: TypeAlias = Callable[..., Result]

#: Seconds until a pool has given back its first blocks: new Python processes import the model.
POOL_START_SECONDS = 1.5
#: The most threads: what a block has of Python's own, up to a tenth of its time, is run by one thread at a time.
MOST_THREADS = 8
#: Agent-turns that one worker runs in a second, give or take; a first guess at how long a batch
#: will take, until its own blocks tell. `make bench` measures both.
AGENT_TURNS_PER_SECOND = 5e7
#: Blocks handed out for each worker: one being run, one waiting, so that no worker idles and memory
#: stays bounded.
BLOCKS_AHEAD = 2
#: Seconds after which whoever waits for a block looks whether it was asked to stop.
LOOK_UP_SECONDS = 0.2


class Crew(NamedTuple):
    """Who carries out a plan.

    Attributes:
        size: how many workers.
        apart: whether they are processes of their own; else they are threads of this one.
        seconds: how long it will take them, as far as can be said.
    """

    size: int
    apart: bool
    seconds: float


def run_plan(
    plan: Plan,
    workers: int,
    stop: StopSign,
    task: Task = attempt,
    done: Collection[int] = (),
) -> Generator[Result, None, None]:
    """Carry out the orders of a plan and give back what came of each, as it is done.

    Processes are started as soon as the time that is left is long enough for them to pay: at once for a
    large batch, never for a small one.

    Args:
        plan: what to run.
        workers: the most threads, or processes, to use.
        stop: when it is set, no further block is begun.
        task: what to do with an order.
        done: numbers of blocks that need not be run.

    Raises:
        BatchError: when worker processes cannot start.
    """
    orders = plan.orders(number for number in range(plan.blocks) if number not in done)
    if plan.engine == "gpu":
        workers = 1  # one card
    seconds = 0.0
    blocks = plan.blocks - len(done)
    seconds_left = first_guess(plan) * blocks / plan.blocks
    for blocks_left in range(blocks, 0, -1):
        crew = share_out(seconds_left, blocks_left, workers, bool(plan.agents))
        if crew.size > 1:
            run = _in_pools if crew.apart else _in_threads
            yield from run(orders, crew.size, crew.size * BLOCKS_AHEAD, stop, task)
            return
        if stop.requested:
            return
        result = task(next(orders))
        seconds += result.seconds
        # Blocks are of nearly the same size.
        seconds_left = seconds / (blocks - blocks_left + 1) * (blocks_left - 1)
        yield result


def first_guess(plan: Plan) -> float:
    """Seconds that one worker will need for a plan, as far as can be said before it runs."""
    return plan.agent_turns / AGENT_TURNS_PER_SECOND


def share_out(seconds: float, blocks: int, workers: int, own_agents: bool = False) -> Crew:
    """Who finishes work soonest.

    Args:
        seconds: what one worker needs for the work.
        blocks: of how many blocks it is; more workers than these would idle.
        workers: the most threads, or processes, to use.
        own_agents: whether agents of one's own take part, whom threads do not help.
    """
    useful = min(workers, blocks)
    threads = 1 if own_agents else min(useful, MOST_THREADS)
    in_threads = Crew(threads, False, seconds / threads)
    in_pool = Crew(useful, True, POOL_START_SECONDS + seconds / useful)
    return in_pool if useful > 1 and in_pool.seconds < in_threads.seconds else in_threads


def _in_threads(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Generator[Result, None, None]:
    """Threads of this process; whoever waits for them no longer makes them give up their blocks."""
    given_up = threading.Event()

    def watch(model: CrisisModel) -> None:
        if given_up.is_set():
            raise KeyboardInterrupt

    pool = ThreadPoolExecutor(workers, "block")
    try:
        yield from through(pool, orders, lambda: ahead, stop, partial(task, watch=watch), lost=[])
    finally:
        given_up.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_pools(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Generator[Result, None, None]:
    """One pool after another: a worker that dies takes its pool with it, but not the batch.

    Any of the blocks that were in the pool may have killed its worker, so they are run again one
    at a time: what dies alone has failed, and the others are not lost with it.
    """
    while not stop.requested:
        lost: list[BlockOrder] = []
        pool = open_pool(workers)
        try:
            yield from through(pool, orders, lambda: ahead, stop, task, lost)
        except BaseException:
            _end(pool)  # nobody waits for the blocks in hand any more
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if not lost:
            return
        if ahead > 1:
            yield from _in_pools(iter(lost), 1, 1, stop, task)
        elif not stop.requested:
            yield failure(lost[0], "the worker process died (killed, or out of memory)")


def through(
    pool: Executor,
    orders: Iterator[BlockOrder],
    ahead: Callable[[], int],
    stop: StopSign,
    task: Task,
    lost: list[BlockOrder],
    failing: tuple[type[Exception], ...] = (),
) -> Generator[Result, None, None]:
    """Carry out orders by a pool and give back what came of each, as it is done.

    Args:
        pool: what runs the blocks.
        orders: what to run.
        ahead: how many orders to have handed out, asked time and again.
        stop: when it is set, no order is handed out, and what can be taken back is.
        task: what to do with an order.
        lost: takes the orders that a pool had which broke.
        failing: errors of a pool that one block has brought upon itself.
    """
    running: dict[Future[Result], BlockOrder] = {}
    try:
        while True:
            while not stop.requested and len(running) < ahead():
                order = next(orders, None)
                if order is None:
                    break
                _hand_over(pool, order, task, running)
            if stop.requested:
                running = {one: order for one, order in running.items() if not one.cancel()}
            if not running:
                return
            for future in wait(running, LOOK_UP_SECONDS, FIRST_COMPLETED).done:
                try:
                    result = future.result()
                except failing as error:
                    result = failure(running[future], f"{type(error).__name__}: {error}")
                del running[future]
                yield result
    except BrokenProcessPool:
        lost.extend(sorted(running.values(), key=lambda order: order.number))


def _hand_over(
    pool: Executor, order: BlockOrder, task: Task, running: dict[Future[Result], BlockOrder]
) -> None:
    """Give an order to a pool; one that breaks just then loses it as it loses the others."""
    try:
        running[pool.submit(task, order)] = order
    except BrokenProcessPool:
        running[Future()] = order
        raise


def _end(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a pool; Python has no public way to do so before 3.14."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()


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
    """Let processes that are started meanwhile be deaf to Ctrl-C before they can say so.

    A request to terminate waits meanwhile, too; what is started inherits that, and hears it again
    once it is at work.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent, which ends its workers; end at once if the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
