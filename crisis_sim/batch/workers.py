"""Where blocks are run: in this process, in threads, in processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from crisis_sim.batch import block as blocks
from crisis_sim.batch.block import Block, BlockOrder, Plan, Watch, attempt, encode_block
from crisis_sim.batch.files import BatchError, token_in, write_durably, writing
from crisis_sim.batch.folder import results_folder
from crisis_sim.batch.manifest import check_versions, decisive, versions
from crisis_sim.batch.rules import load_reference

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client

    from crisis_sim.model import CrisisModel

#: Carries out an order; may be given a `watch`, as `crisis_sim.batch.block.attempt` takes it.
Task: TypeAlias = Callable[..., Block]
Blocks: TypeAlias = Generator[Block, None, None]


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Ctrl-C, or a request to terminate, while a batch is being written: it stops after the blocks in hand.

#: Exit code of a process that was asked to terminate: 128 plus the signal's number, as in shells.
TERMINATED = 128 + signal.SIGTERM


@dataclass
class StopSign:
    """Whether the batch has been asked to stop, and by which signal."""

    requested: bool = False
    number: int = signal.SIGINT

    def obey(self) -> NoReturn:
        """Stop with KeyboardInterrupt, or with SystemExit after a request to terminate."""
        if self.number == signal.SIGTERM:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def stop_on_interrupt(on_message: Callable[[str], None] = lambda words: None) -> Iterator[StopSign]:
    """Turn the first Ctrl-C, or SIGTERM, into a request to stop; a second one interrupts at once.

    Only the main thread hears signals, and a handler that somebody else has set is left alone.
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
        on_message("stopping after the current blocks; stop again to end at once")

    for number in ours:
        signal.signal(number, request)
    try:
        yield sign
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class BlockTask:
    """Runs a block and writes it where it belongs.

    A worker that sees the `home` of the run, where the `token` of `hold` is, writes its block
    itself; one on another machine that does not sends it as bytes, for the sender to write.

    Attributes:
        schemas: all columns of the batch's tables.
        identity: the batch's.
        versions: what must compute the block.
    """

    home: Path
    token: str
    schemas: Mapping[str, pa.Schema]
    identity: str
    versions: Mapping[str, str | None]

    def __call__(self, order: BlockOrder, watch: Watch | None = None) -> Block:
        """Carry out an order, as `attempt` does; BatchError where this process has other code."""
        check_versions(self.versions, decisive(versions()), "a worker")
        block = blocks.attempt(order, watch)
        if block.error:
            return block
        try:
            block = encode_block(block, self.schemas, self.identity)
        except ValueError as error:  # columns that only this block has
            return Block(order, block.seconds, error=f"{type(error).__name__}: {error}")
        return self.write(block) if token_in(self.home) == self.token else block

    def write(self, block: Block) -> Block:
        """Write a block to the folder."""
        with writing(results_folder(self.home)):
            for name, content in block.files.items():
                write_durably(self.home / name, content)
        return replace(block, files={})


# This thread, several threads of this process, or a pool of processes, whichever is quickest. Compiled
# rules let other threads run, so threads share a batch at no cost but for the little that is Python's
# own. Agents of a user's own are Python, and many threads would wait for each other: these get
# processes. Results are the same to the bit; they come as they are done.

#: Seconds until a pool has given back its first blocks: new Python processes import the model.
POOL_START_SECONDS = 1.5
#: The most threads: of a block up to a tenth is Python's own, which one thread runs at a time.
MOST_THREADS = 8
#: Crises that one worker runs in a second, give or take; a first guess until a batch's own
#: blocks tell. `make bench` measures both.
CRISES_PER_SECOND = 15_000.0
#: Blocks handed out for each worker: one being run, one waiting, so that memory stays bounded.
BLOCKS_AHEAD = 2
#: Seconds after which whoever waits for a block looks whether it was asked to stop.
LOOK_UP_SECONDS = 0.2


class ExecutorPlan(NamedTuple):
    """How many workers, whether they are processes (else threads), and how many seconds they need."""

    size: int
    apart: bool
    seconds: float


def run_plan(
    plan: Plan,
    workers: int,
    stop: StopSign,
    task: Task = attempt,
    done: Collection[int] = (),
    scheduler: str | None = None,
    on_message: Callable[[str], None] = lambda words: None,
) -> Blocks:
    """Carry out the orders of a plan and yield the result of each, as it is done.

    Processes are started as soon as the time that is left is long enough for them to pay: at once
    for a large batch, never for a small one. BatchError where they cannot start.

    Args:
        workers: the most threads, or processes, to use.
        stop: when it is set, no further block is begun.
        task: what to do with an order.
        done: numbers of blocks that need not be run.
        scheduler: in place of this machine, the address of a Dask scheduler, or `local`.
        on_message: called where the dashboard of a cluster is.
    """
    orders = plan.orders(number for number in range(plan.blocks) if number not in done)
    if scheduler is not None and len(done) < plan.blocks:
        yield from _on_cluster(orders, scheduler, workers, stop, task, on_message)
        return
    if plan.engine == "gpu":
        workers = 1  # one card
    seconds = 0.0
    blocks = plan.blocks - len(done)
    seconds_left = estimate_seconds(plan) * blocks / plan.blocks
    for blocks_left in range(blocks, 0, -1):
        crew = choose_executor(seconds_left, blocks_left, workers, steps_in_python(plan.agents))
        if crew.size > 1:
            run = _in_pools if crew.apart else _in_threads
            yield from run(orders, crew.size, crew.size * BLOCKS_AHEAD, stop, task)
            return
        if stop.requested:
            return
        block = task(next(orders))
        seconds += block.seconds
        # Blocks are of nearly the same size.
        seconds_left = seconds / (blocks - blocks_left + 1) * (blocks_left - 1)
        yield block


def estimate_seconds(plan: Plan) -> float:
    """Seconds that one worker will need for a plan, as far as can be said before it runs."""
    return plan.crises / CRISES_PER_SECOND


def steps_in_python(agents: Sequence[Any]) -> bool:
    """Whether any of a user's own agents may take steps in plain Python, which threads do not help; rules are compiled."""
    from crisis_sim.model import Agent

    kinds = [load_reference(one) for one in agents]
    return not all(
        isinstance(one, type) and getattr(one, "step", None) is Agent.step for one in kinds
    )


def choose_executor(
    seconds: float, blocks: int, workers: int, own_agents: bool = False
) -> ExecutorPlan:
    """Who finishes work soonest that one worker needs `seconds` for.

    Args:
        blocks: of how many blocks it is; more workers than these would idle.
        workers: the most threads, or processes, to use.
        own_agents: whether agents take part whom threads do not help (`steps_in_python`).
    """
    useful = min(workers, blocks)
    threads = 1 if own_agents else min(useful, MOST_THREADS)
    in_threads = ExecutorPlan(threads, False, seconds / threads)
    in_pool = ExecutorPlan(useful, True, POOL_START_SECONDS + seconds / useful)
    return in_pool if useful > 1 and in_pool.seconds < in_threads.seconds else in_threads


def _in_threads(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Blocks:
    """Threads of this process; whoever waits for them no longer makes them give up their blocks."""
    given_up = threading.Event()

    def watch(model: CrisisModel) -> None:
        if given_up.is_set():
            raise KeyboardInterrupt

    pool = ThreadPoolExecutor(workers, "block")
    try:
        yield from run_in_executor(
            pool, orders, lambda: ahead, stop, partial(task, watch=watch), lost=[]
        )
    finally:
        given_up.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_pools(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Blocks:
    """One pool after another: a worker that dies takes its pool with it, but not the batch.

    Any of the blocks that were in the pool may have killed its worker, so they are run again one
    at a time: what dies alone has failed, and the others are not lost with it.
    """
    while not stop.requested:
        lost: list[BlockOrder] = []
        pool = open_pool(workers)
        try:
            yield from run_in_executor(pool, orders, lambda: ahead, stop, task, lost)
        except BaseException:
            # Nobody waits for the blocks in hand any more; Python has no public way before 3.14.
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if not lost:
            return
        if ahead > 1:
            yield from _in_pools(iter(lost), 1, 1, stop, task)
        elif not stop.requested:
            yield Block(lost[0], error="the worker process died (killed, or out of memory)")


def run_in_executor(
    pool: Executor,
    orders: Iterator[BlockOrder],
    ahead: Callable[[], int],
    stop: StopSign,
    task: Task,
    lost: list[BlockOrder],
    failing: tuple[type[Exception], ...] = (),
) -> Blocks:
    """Carry out orders by a pool and yield the result of each, as it is done.

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
                try:
                    running[pool.submit(task, order)] = order
                except BrokenProcessPool:  # it is lost as the others are
                    running[Future()] = order
                    raise
            if stop.requested:
                running = {one: order for one, order in running.items() if not one.cancel()}
            if not running:
                return
            for future in wait(running, LOOK_UP_SECONDS, FIRST_COMPLETED).done:
                try:
                    block = future.result()
                except failing as error:
                    block = Block(running[future], error=f"{type(error).__name__}: {error}")
                del running[future]
                yield block
    except BrokenProcessPool:
        lost.extend(sorted(running.values(), key=lambda order: order.number))


def open_pool(workers: int) -> ProcessPoolExecutor:
    """A pool whose processes have all been started; BatchError when they die as they start."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_prepare_worker)
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
def _interrupts_held_back() -> Iterator[None]:
    """Shield processes that are started within from Ctrl-C, until they can ignore it themselves.

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


# More than one machine: the blocks of a batch on the workers of a Dask cluster. Its scheduler hands out
# blocks, and hands them out again when it loses a worker. Results are the same as on one machine: a
# worker with other versions of the code or of a library is refused.

#: In place of a scheduler's address: start a cluster on this machine.
LOCAL = "local"
#: Perhaps a protocol, then a host, by name or number, and a port.
_ADDRESS = re.compile(r"([a-z]+://)?(\[[^\]]+\]|[^\s:/\[\]]+):\d{1,5}")
#: Seconds to wait for a scheduler's first answer.
CONNECT_SECONDS = 10
#: The fewest blocks handed out at once; a cluster that grows with its work sees only these.
LEAST_AHEAD = 16
#: Seconds after which the workers are counted anew: they come and go.
COUNT_SECONDS = 2.0


def _on_cluster(
    orders: Iterator[BlockOrder],
    scheduler: str,
    workers: int,
    stop: StopSign,
    task: Task,
    on_message: Callable[[str], None],
) -> Blocks:
    """Carry out orders on a cluster; when the sign is set, blocks that are not done are given up.

    Raises:
        BatchError: when there is no such scheduler, it is lost, its workers compute with other
            versions, or Dask is missing.
    """
    try:
        import distributed
    except ImportError as error:
        raise BatchError(
            f"a cluster needs Dask, of which {error.name} is missing; "
            "to install it: pip install 'crisis-sim[cluster]'"
        ) from error
    with ExitStack() as stack:
        address = _address(distributed, scheduler, workers, stack)
        try:
            opened = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BatchError(f"no scheduler answers at {address}: {error}") from error
        client: Client = stack.enter_context(opened)
        on_message(_about(client, address))
        _check_workers(client)
        pool = client.get_executor(pure=False)
        stack.callback(lambda: client.status == "running" and pool.shutdown(wait=False))
        work = partial(run_block_on_worker, task)
        killed = (distributed.scheduler.KilledWorker,)
        try:
            yield from run_in_executor(
                pool, orders, _ahead(client), stop, work, lost=[], failing=killed
            )
        except CancelledError as error:
            raise BatchError(f"the scheduler at {address} is gone") from error


def run_block_on_worker(task: Task, order: BlockOrder) -> Block:
    """Run a block on a worker; Dask shows the name of this function."""
    return task(order)


def _ahead(client: Client) -> Callable[[], int]:
    """How many blocks to have handed out, whenever it is asked: enough that no worker idles."""
    ahead, counted = LEAST_AHEAD, 0.0

    def count() -> int:
        nonlocal ahead, counted
        if time.monotonic() - counted > COUNT_SECONDS:
            ahead = max(sum(client.nthreads().values()) * BLOCKS_AHEAD, LEAST_AHEAD)
            counted = time.monotonic()
        return ahead

    return count


def _address(distributed: Any, scheduler: str, workers: int, stack: ExitStack) -> str:
    """The address of the scheduler; a cluster of our own is started, and ends with the stack."""
    if scheduler == LOCAL:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        )
        return str(stack.enter_context(cluster).scheduler_address)
    if not _ADDRESS.fullmatch(scheduler):
        raise BatchError(
            f"{scheduler!r} is no address of a scheduler; "
            "expected one such as tcp://10.0.0.1:8786, or local"
        )
    return scheduler


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
    """Make sure that the workers compute as this process does; later ones are asked with each block."""
    here = decisive(versions())
    for address, found in client.run(_versions_there, on_error="return").items():
        if isinstance(found, BaseException):
            raise BatchError(
                f"the worker at {address} cannot run crises: {type(found).__name__}: {found}; "
                "it needs the same crisis_sim and libraries as this process"
            )
        check_versions(here, found, f"the worker at {address}")


def _versions_there() -> dict[str, str | None]:
    return decisive(versions())
