from __future__ import annotations

import threading

from crisis_sim.dashboard.session import AT_ONCE, Job, LatestJob


def test_the_newest_request_wins_and_the_one_before_is_ended() -> None:
    latest, begun, taken, ended = LatestJob(), threading.Event(), [], threading.Event()

    def endless(ticket: Job) -> None:
        begun.set()
        try:
            while True:
                ticket.still_wanted()
        finally:
            ended.set()

    first = latest.ask(endless)
    assert begun.wait(5)
    second = latest.ask(lambda ticket: ticket.deliver(lambda: taken.append("new")))
    first.join(5)
    second.join(5)
    assert ended.is_set()
    assert taken == ["new"]


def test_what_comes_too_late_is_not_taken() -> None:
    latest, go, taken = LatestJob(), threading.Event(), []

    def late(ticket: Job) -> None:
        go.wait(5)
        ticket.deliver(lambda: taken.append("old"))

    thread = latest.ask(late)
    latest.end()
    go.set()
    thread.join(5)
    assert not thread.is_alive()
    assert taken == []


def test_a_request_that_waits_for_its_turn_gives_up_when_a_newer_one_comes() -> None:
    go, busy = threading.Event(), [LatestJob() for _ in range(AT_ONCE)]
    threads = [one.ask(lambda ticket: go.wait(5) and None) for one in busy]
    waiting, taken = LatestJob(), []
    first = waiting.ask(lambda ticket: taken.append("first"))
    second = waiting.ask(lambda ticket: taken.append("second"))
    first.join(5)
    assert not first.is_alive()
    go.set()
    for thread in (*threads, second):
        thread.join(5)
    assert taken == ["second"]
