from __future__ import annotations

import signal
import threading

import pytest

from crisis_sim.batch.workers import stop_on_interrupt

pytestmark = pytest.mark.usefixtures("usual_signals")


def test_afterwards_ctrl_c_is_as_it_was_and_a_handler_of_somebody_else_is_left_alone() -> None:
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
    signs: list[bool] = []

    def run() -> None:
        with stop_on_interrupt() as sign:
            signs.append(sign.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert signs == [False]
