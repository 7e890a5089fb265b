"""Where blocks are run: in this process, in threads, in processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from crisis_sim.batch.block import Block, BlockOrder, attempt
from crisis_sim.batch.files import BatchError
from crisis_sim.batch.manifest import check_versions, decisive, versions
from crisis_sim.batch.plan import Plan
from crisis_sim.batch.unfinished import BlockTask

if TYPE_CHECKING:
    from distributed import Client

    from crisis_sim.model import CrisisModel


# --- How many processes or threads are worth having


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- Ctrl-C, or a request to terminate, while a batch is being written: it stops after the blocks in hand

#: What a process exits with that was asked to terminate: 128 and the signal's number, as in shells.
TERMINATED = 128 + signal.SIGTERM


@dataclass
class StopSign:
    """Whether the batch has been asked to stop.

    Attributes:
        requested: whether it has.
        number: by which signal.
    """

    requested: bool = False
    number: int = signal.SIGINT

    def obey(self) -> NoReturn:
        """Stop, as the signal would have it.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after a request to terminate.
        """
        if self.number == signal.SIGTERM:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def stop_on_interrupt(on_message: Callable[[str], None] = lambda words: None) -> Iterator[StopSign]:
    """Turn the first Ctrl-C into a request to stop; a second one interrupts at once, as usual.

    A request to terminate (SIGTERM) is treated likewise. Only the main thread hears signals, and a
    handler that somebody else has set is left alone.

    Args:
        on_message: called that the first one has been heard.
    """
    sign = StopSign()
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    main = threading.current_thread() is threading.main_thread()
    ours = {
        number: handler
        for number, handler in usual.items()
        if main and signal.getsignal(number) is handler
    }

    def request(number: int, frame: FrameType | None) -> None:
        sign.number = number
        if sign.requested:
            sign.obey()
        sign.requested = True
        on_message("stopping after the blocks in hand; once more to stop at once")

    for number in ours:
        signal.signal(number, request)
    try:
        yield sign
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


# --- Who runs the blocks: this thread, several threads of this process, or a pool of worker processes, whichever is quickest
#
# Compiled rules let other threads run, so threads share a batch at no cost but for the little that is Python's own.
# Agents of
# one's own are Python, and many threads would wait for each other: these get processes. Whoever runs them, results are
# the
# same to the bit; they come as they are done.

#: Carries out an order; may be given what `crisis_sim.batch.block.attempt` takes as `watch`.
Task: TypeAlias = Callable[..., Block]

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


class ExecutorPlan(NamedTuple):
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
) -> Generator[Block, None, None]:
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
        crew = choose_executor(seconds_left, blocks_left, workers, bool(plan.agents))
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


def choose_executor(
    seconds: float, blocks: int, workers: int, own_agents: bool = False
) -> ExecutorPlan:
    """Who finishes work soonest.

    Args:
        seconds: what one worker needs for the work.
        blocks: of how many blocks it is; more workers than these would idle.
        workers: the most threads, or processes, to use.
        own_agents: whether agents of one's own take part, whom threads do not help.
    """
    useful = min(workers, blocks)
    threads = 1 if own_agents else min(useful, MOST_THREADS)
    in_threads = ExecutorPlan(threads, False, seconds / threads)
    in_pool = ExecutorPlan(useful, True, POOL_START_SECONDS + seconds / useful)
    return in_pool if useful > 1 and in_pool.seconds < in_threads.seconds else in_threads


def _in_threads(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Generator[Block, None, None]:
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
) -> Generator[Block, None, None]:
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
            yield lost[0].block(error="the worker process died (killed, or out of memory)")


def through(
    pool: Executor,
    orders: Iterator[BlockOrder],
    ahead: Callable[[], int],
    stop: StopSign,
    task: Task,
    lost: list[BlockOrder],
    failing: tuple[type[Exception], ...] = (),
) -> Generator[Block, None, None]:
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
    running: dict[Future[Block], BlockOrder] = {}
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
                    result = running[future].block(error=f"{type(error).__name__}: {error}")
                del running[future]
                yield result
    except BrokenProcessPool:
        lost.extend(sorted(running.values(), key=lambda order: order.number))


def _hand_over(
    pool: Executor, order: BlockOrder, task: Task, running: dict[Future[Block], BlockOrder]
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


# --- More than one machine: the blocks of a batch on the workers of a Dask cluster
#
# Dask's scheduler hands out blocks, and hands them out again when it loses a worker. Results are the
# same as on one machine: a worker with other versions of the code or of a library is refused.

#: The scheduler's address that stands for a cluster of one's own on this machine.
LOCAL = "local"
#: Perhaps a protocol, then a host, by name or number, and a port.
_ADDRESS = re.compile(r"([a-z]+://)?(\[[^\]]+\]|[^\s:/\[\]]+):\d{1,5}")
#: Seconds to wait for a scheduler's first answer.
CONNECT_SECONDS = 10
#: Blocks handed out at least: what a cluster that grows with its work sees of the work there is.
LEAST_AHEAD = 16
#: Seconds after which the workers are counted anew: they come and go.
COUNT_SECONDS = 2.0


def run_on_cluster(
    orders: Iterator[BlockOrder],
    scheduler: str,
    workers: int,
    stop: StopSign,
    task: BlockTask,
    on_message: Callable[[str], None],
) -> Generator[Block, None, None]:
    """Carry out orders on a cluster and give back what came of each, as it is done.

    Args:
        orders: what to run.
        scheduler: the address of a Dask scheduler, or `local` for a cluster on this machine.
        workers: processes of such a local cluster.
        stop: when it is set, blocks that are not done are given up.
        task: what to do with an order.
        on_message: called where the dashboard is.

    Raises:
        BatchError: when there is no such scheduler, it is lost, its workers compute with other
            versions, or Dask is missing.
    """
    distributed = _distributed()
    with ExitStack() as stack:
        address = _address(distributed, scheduler, workers, stack)
        client: Client = stack.enter_context(_connect(distributed, address))
        on_message(_about(client, address))
        _check_workers(client)
        pool = stack.enter_context(closing(_Pool(client)))
        results = through(
            pool.executor,
            orders,
            pool.ahead,
            stop,
            partial(run_block_on_worker, task),
            lost=[],
            failing=(distributed.scheduler.KilledWorker,),
        )
        try:
            yield from results
        except CancelledError as error:
            raise BatchError(f"the scheduler at {address} is gone") from error


def run_block_on_worker(task: BlockTask, order: BlockOrder) -> Block:
    """What a worker does; Dask shows the name of this function."""
    return task(order)


class _Pool:
    """The workers of a cluster, as a pool of processes."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.executor = client.get_executor(pure=False)
        self._ahead, self._counted = LEAST_AHEAD, 0.0

    def ahead(self) -> int:
        """How many blocks to have handed out: enough that no worker idles."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            threads = sum(self.client.nthreads().values())
            self._ahead = max(threads * BLOCKS_AHEAD, LEAST_AHEAD)
            self._counted = time.monotonic()
        return self._ahead

    def close(self) -> None:
        """Give up whatever is not done."""
        if self.client.status == "running":
            self.executor.shutdown(wait=False)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise BatchError(
            f"a cluster needs Dask, of which {error.name} is missing; "
            "to install it: pip install 'crisis-sim[cluster]'"
        ) from error
    return distributed


def _address(distributed: Any, scheduler: str, workers: int, stack: ExitStack) -> str:
    """The address of the scheduler; a cluster of our own is started, and ends with the stack."""
    if scheduler == LOCAL:
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
            )
        )
        return str(cluster.scheduler_address)
    if not _ADDRESS.fullmatch(scheduler):
        raise BatchError(
            f"{scheduler!r} is no address of a scheduler; "
            "expected one such as tcp://10.0.0.1:8786, or local"
        )
    return scheduler


def _connect(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BatchError(f"no scheduler answers at {address}: {error}") from error


def _about(client: Client, address: str) -> str:
    threads = client.nthreads()
    try:
        link = client.dashboard_link
    except KeyError:  # the scheduler has none
        link = "none"
    there = f"{len(threads)} workers with {sum(threads.values())} threads"
    if not threads:
        there = "no workers yet; blocks wait for the first"
    return f"cluster at {address}: {there}; dashboard: {link}"


def _check_workers(client: Client) -> None:
    """Make sure that the workers that are there compute as this process does.

    Workers that join later are asked the same with each block.

    Raises:
        BatchError: when one does not.
    """
    here = decisive(versions())
    for address, found in client.run(_versions_here, on_error="return").items():
        if isinstance(found, BaseException):
            raise BatchError(
                f"the worker at {address} cannot run crises: {type(found).__name__}: {found}; "
                "it needs the same crisis_sim and libraries as this process"
            )
        check_versions(here, found, f"the worker at {address}")


def _versions_here() -> dict[str, str | None]:
    return decisive(versions())
