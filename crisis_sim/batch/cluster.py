"""More than one machine: the blocks of a batch on the workers of a Dask cluster.

Dask's scheduler hands out blocks, and hands them out again when it loses a worker. Results are the
same as on one machine: a worker with other versions of the code or of a library is refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.block import BlockOrder
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.filing import Filing, say_versions
from crisis_sim.batch.interrupt import StopSign
from crisis_sim.batch.versions import decisive, versions
from crisis_sim.batch.workers import BLOCKS_AHEAD, Result, through

if TYPE_CHECKING:
    from distributed import Client

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
    task: Filing,
    tell: Callable[[str], None],
) -> Generator[Result, None, None]:
    """Carry out orders on a cluster and give back what came of each, as it is done.

    Args:
        orders: what to run.
        scheduler: the address of a Dask scheduler, or `local` for a cluster on this machine.
        workers: processes of such a local cluster.
        stop: when it is set, blocks that are not done are given up.
        task: what to do with an order.
        tell: told where the dashboard is.

    Raises:
        BatchError: when there is no such scheduler, it is lost, its workers compute with other
            versions, or Dask is missing.
    """
    distributed = _distributed()
    with ExitStack() as stack:
        address = _address(distributed, scheduler, workers, stack)
        client: Client = stack.enter_context(_connect(distributed, address))
        tell(_about(client, address))
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


def run_block_on_worker(task: Filing, order: BlockOrder) -> Result:
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
        say_versions(here, found, f"the worker at {address}")


def _versions_here() -> dict[str, str | None]:
    return decisive(versions())
