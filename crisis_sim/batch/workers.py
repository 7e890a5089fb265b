"""Executors of blocks: this process, threads, processes, or a Dask cluster."""

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
from crisis_sim.batch.folder import results_folder
from crisis_sim.batch.manifest import check_versions, decisive, versions
from crisis_sim.batch.own_classes import load_reference
from crisis_sim.batch.safe_files import BatchError, token_in, write_durably, writing

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client

    from crisis_sim.model import CrisisModel

#: A function that runs an order, with an optional argument `watch`, like `crisis_sim.batch.block.attempt`.
Task: TypeAlias = Callable[..., Block]
Blocks: TypeAlias = Generator[Block, None, None]


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Ctrl-C or SIGTERM while a batch is written: the run stops after the current blocks.

#: Exit code after SIGTERM: 128 plus the signal's number, as in shells.
TERMINATED = 128 + signal.SIGTERM


@dataclass
class StopSign:
    """A request to stop the batch, if there is one, and the number of its signal."""

    requested: bool = False
    number: int = signal.SIGINT

    def obey(self) -> NoReturn:
        """Raise KeyboardInterrupt, or SystemExit after SIGTERM."""
        if self.number == signal.SIGTERM:
            raise SystemExit(TERMINATED)
        raise KeyboardInterrupt


@contextmanager
def stop_on_interrupt(
    on_message: Callable[[str], None] = lambda message: None,
) -> Iterator[StopSign]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop; the second interrupts at once.

    This works in the main thread only. Signal handlers that are not Python's default are left alone.
    """
    sign = StopSign()
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    is_main = threading.current_thread() is threading.main_thread()
    replaced = {
        number: handler
        for number, handler in defaults.items()
        if is_main and signal.getsignal(number) is handler
    }

    def request(number: int, frame: FrameType | None) -> None:
        sign.number = number
        if sign.requested:
            sign.obey()
        sign.requested = True
        on_message("stopping after the current blocks; interrupt again to stop at once")

    for number in replaced:
        signal.signal(number, request)
    try:
        yield sign
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class BlockTask:
    """A task that runs a block and writes it to the folder of the run.

    A worker that can read the `token` of `lock_folder` in the folder `home` writes the block itself. A worker on
    another machine without access to the folder returns the content of the files.

    Attributes:
        home: the folder of the unfinished run.
        token: the token of `lock_folder`.
        schemas: the columns of the batch's tables.
        identity: the batch's identity.
        versions: the versions that the worker must have.
    """

    home: Path
    token: str
    schemas: Mapping[str, pa.Schema]
    identity: str
    versions: Mapping[str, str | None]

    def __call__(self, order: BlockOrder, watch: Watch | None = None) -> Block:
        """Run a block as `attempt` does; BatchError if this process has other versions."""
        check_versions(self.versions, _decisive_versions(), "a worker")
        block = blocks.attempt(order, watch)
        if block.error:
            return block
        try:
            block = encode_block(block, self.schemas, self.identity)
        except ValueError as error:  # the block has columns that others lack
            return Block(order, block.seconds, error=f"{type(error).__name__}: {error}")
        return self.write(block) if token_in(self.home) == self.token else block

    def write(self, block: Block) -> Block:
        """Write the files of a block to the folder."""
        with writing(results_folder(self.home)):
            for name, content in block.files.items():
                write_durably(self.home / name, content)
        return replace(block, files={})


# On one machine, blocks are run in this thread, in several threads, or in a pool of processes, whichever is
# fastest. Compiled rules release the global interpreter lock, so threads are efficient. Custom agents with
# steps in Python would make threads wait for each other, so they run in processes. The executor does not
# affect results, but blocks are returned as they finish.

#: Seconds until a pool returns its first blocks: new Python processes have to import the model.
POOL_START_SECONDS = 1.5
#: Maximum number of threads: up to a tenth of a block's time holds the global interpreter lock.
MOST_THREADS = 8
#: Crises per second and worker: an estimate for the time before the first block is finished. `make bench`
#: measures this and `POOL_START_SECONDS`.
CRISES_PER_SECOND = 15_000.0
#: Blocks submitted per worker: one that runs and one that waits. The limit bounds memory.
BLOCKS_AHEAD = 2
#: Seconds between checks for a request to stop while waiting for a block.
LOOK_UP_SECONDS = 0.2


class ExecutorPlan(NamedTuple):
    """The number of workers, whether they are processes or threads, and the seconds that they need."""

    size: int
    in_processes: bool
    seconds: float


def run_plan(
    plan: Plan,
    workers: int,
    stop: StopSign,
    task: Task = attempt,
    done: Collection[int] = (),
    scheduler: str | None = None,
    on_message: Callable[[str], None] = lambda message: None,
) -> Blocks:
    """Run the blocks of a plan, and yield each result when it is finished.

    Threads or processes are started once the estimated remaining time is long enough to justify them.

    Args:
        plan: the plan.
        workers: maximum number of threads or processes.
        stop: once set, no further block is started.
        task: the function that runs a block.
        done: numbers of blocks to skip.
        scheduler: the address of a Dask scheduler to use instead of this machine, or `local`.
        on_message: called with the address of a cluster and of its dashboard.

    Raises:
        BatchError: when processes or the cluster cannot be started.
    """
    orders = plan.orders(number for number in range(plan.blocks) if number not in done)
    if scheduler is not None and len(done) < plan.blocks:
        yield from _on_cluster(orders, scheduler, workers, stop, task, on_message)
        return
    if plan.engine == "gpu":
        workers = 1  # only one graphics card is used
    seconds = 0.0
    blocks = plan.blocks - len(done)
    seconds_left = estimate_seconds(plan) * blocks / plan.blocks
    for blocks_left in range(blocks, 0, -1):
        executor = choose_executor(seconds_left, blocks_left, workers, steps_in_python(plan.agents))
        if executor.size > 1:
            run = _in_pools if executor.in_processes else _in_threads
            yield from run(orders, executor.size, executor.size * BLOCKS_AHEAD, stop, task)
            return
        if stop.requested:
            return
        block = task(next(orders))
        seconds += block.seconds
        # Blocks are of nearly the same size.
        seconds_left = seconds / (blocks - blocks_left + 1) * (blocks_left - 1)
        yield block


def estimate_seconds(plan: Plan) -> float:
    """Estimate the seconds that one worker needs for a plan."""
    return plan.crises / CRISES_PER_SECOND


def steps_in_python(agents: Sequence[Any]) -> bool:
    """Return whether any custom agent may take steps in Python, which threads do not speed up."""
    from crisis_sim.model import Agent

    kinds = [load_reference(agent) for agent in agents]
    return not all(
        isinstance(kind, type) and getattr(kind, "step", None) is Agent.step for kind in kinds
    )


def choose_executor(
    seconds: float, blocks: int, workers: int, in_python: bool = False
) -> ExecutorPlan:
    """Choose the fastest executor.

    Args:
        seconds: the time that one worker needs.
        blocks: the number of blocks, which limits the number of useful workers.
        workers: maximum number of threads or processes.
        in_python: whether agents take steps in Python (`steps_in_python`).
    """
    useful = min(workers, blocks)
    threads = 1 if in_python else min(useful, MOST_THREADS)
    with_threads = ExecutorPlan(threads, False, seconds / threads)
    with_pool = ExecutorPlan(useful, True, POOL_START_SECONDS + seconds / useful)
    return with_pool if useful > 1 and with_pool.seconds < with_threads.seconds else with_threads


def _in_threads(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Blocks:
    """Run blocks in threads of this process, which abandon their blocks when the generator is closed."""
    abandoned = threading.Event()

    def watch(model: CrisisModel) -> None:
        if abandoned.is_set():
            raise KeyboardInterrupt

    pool = ThreadPoolExecutor(workers, "block")
    try:
        yield from run_in_executor(
            pool, orders, lambda: ahead, stop, partial(task, watch=watch), lost=[]
        )
    finally:
        abandoned.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_pools(
    orders: Iterator[BlockOrder], workers: int, ahead: int, stop: StopSign, task: Task
) -> Blocks:
    """Run blocks in a pool of processes, and open a new pool whenever a worker dies.

    Any of the blocks in a broken pool may have killed its worker, so they are run again one at a time. A
    block that kills its worker then has failed.
    """
    while not stop.requested:
        lost: list[BlockOrder] = []
        pool = open_pool(workers)
        try:
            yield from run_in_executor(pool, orders, lambda: ahead, stop, task, lost)
        except BaseException:
            # The current blocks are not needed any more. Python has no public function for this before 3.14.
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
    """Run blocks in an executor, and yield each result when it is finished.

    Args:
        pool: the executor.
        orders: the blocks to run.
        ahead: returns the number of blocks to have submitted, which may change.
        stop: once set, no block is submitted, and waiting ones are cancelled.
        task: the function that runs a block.
        lost: a list to which the blocks of a broken pool are added.
        failing: exceptions from the executor that mean that a block has failed.
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
                except BrokenProcessPool:  # the order is lost like the others
                    running[Future()] = order
                    raise
            if stop.requested:
                running = {
                    future: order for future, order in running.items() if not future.cancel()
                }
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
    """Open a pool and start all of its processes; BatchError if they die."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_prepare_worker)
    with _signals_blocked():
        started = [pool.submit(os.getpid) for _ in range(workers)]
    try:
        for worker in started:
            worker.result()
    except BrokenProcessPool as error:
        raise BatchError(
            "worker processes die when they start; a script with several workers must start them under "
            "`if __name__ == '__main__':`, since each worker imports it"
        ) from error
    return pool


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block SIGINT and SIGTERM for processes that are started in this context; `_prepare_worker` unblocks them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    """Ignore Ctrl-C, which the parent process handles, and exit if the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# Several machines: a Dask scheduler distributes the blocks to its workers, and repeats those of a worker that is lost.
# Results are the same as on one machine: workers with other versions of the code or of a library are refused.

#: In place of a scheduler's address: start a cluster on this machine.
LOCAL = "local"
#: An optional protocol, a host, and a port.
_ADDRESS = re.compile(r"([a-z]+://)?(\[[^\]]+\]|[^\s:/\[\]]+):\d{1,5}")
#: Seconds to wait for a scheduler's first answer.
CONNECT_SECONDS = 10
#: Minimum number of submitted blocks, by which an adaptive cluster decides its size.
LEAST_AHEAD = 16
#: Seconds between counts of the workers, whose number may change.
COUNT_SECONDS = 2.0


def _on_cluster(
    orders: Iterator[BlockOrder],
    scheduler: str,
    workers: int,
    stop: StopSign,
    task: Task,
    on_message: Callable[[str], None],
) -> Blocks:
    """Run blocks on a cluster; once `stop` is set, unfinished blocks are cancelled.

    Raises:
        BatchError: when the scheduler does not answer or is lost, its workers have other versions, or Dask is missing.
    """
    try:
        import distributed
    except ImportError as error:
        raise BatchError(
            f"a cluster needs Dask, but {error.name} is missing; "
            "to install it: pip install 'crisis-sim[cluster]'"
        ) from error
    with ExitStack() as stack:
        address = _address(distributed, scheduler, workers, stack)
        try:
            connection = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BatchError(f"no scheduler answers at {address}: {error}") from error
        client: Client = stack.enter_context(connection)
        on_message(_description(client, address))
        _check_workers(client)
        pool = client.get_executor(pure=False)
        stack.callback(lambda: client.status == "running" and pool.shutdown(wait=False))
        killed = (distributed.scheduler.KilledWorker,)
        try:
            yield from run_in_executor(
                pool, orders, _ahead(client), stop, task, lost=[], failing=killed
            )
        except CancelledError as error:
            raise BatchError(f"the connection to the scheduler at {address} was lost") from error


def _ahead(client: Client) -> Callable[[], int]:
    """Return a function for the number of blocks to have submitted, which keeps all workers busy."""
    ahead, counted = LEAST_AHEAD, 0.0

    def count() -> int:
        nonlocal ahead, counted
        if time.monotonic() - counted > COUNT_SECONDS:
            ahead = max(sum(client.nthreads().values()) * BLOCKS_AHEAD, LEAST_AHEAD)
            counted = time.monotonic()
        return ahead

    return count


def _address(distributed: Any, scheduler: str, workers: int, stack: ExitStack) -> str:
    """Return the address of the scheduler; a local cluster is started, and closed with the stack."""
    if scheduler == LOCAL:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        )
        return str(stack.enter_context(cluster).scheduler_address)
    if not _ADDRESS.fullmatch(scheduler):
        raise BatchError(
            f"{scheduler!r} is not the address of a scheduler; "
            "expected one such as tcp://10.0.0.1:8786, or local"
        )
    return scheduler


def _description(client: Client, address: str) -> str:
    threads = client.nthreads()
    try:
        link = client.dashboard_link
    except KeyError:  # the scheduler has no dashboard
        link = "none"
    workers = f"{len(threads)} workers with {sum(threads.values())} threads"
    if not threads:
        workers = "no workers yet; blocks wait for the first"
    return f"cluster at {address}: {workers}; dashboard: {link}"


def _check_workers(client: Client) -> None:
    """Check that the workers have the versions of this process; each block checks later workers."""
    for address, answer in client.run(_decisive_versions, on_error="return").items():
        if isinstance(answer, BaseException):
            raise BatchError(
                f"the worker at {address} cannot run crises: {type(answer).__name__}: {answer}; "
                "it needs the same crisis_sim and libraries as this process"
            )
        check_versions(_decisive_versions(), answer, f"the worker at {address}")


def _decisive_versions() -> dict[str, str | None]:
    return decisive(versions())
