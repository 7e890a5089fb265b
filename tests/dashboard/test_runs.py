"""Background jobs, and runs that are kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from crisis_sim.batch import simulate
from crisis_sim.batch.block import BlockOrder
from crisis_sim.dashboard import session as runs_module
from crisis_sim.dashboard.session import AT_ONCE, Job, LatestJob, Runs
from crisis_sim.scenario import Scenario
from tests.dashboard.quarrel import QUARREL


@pytest.fixture
def quarrel() -> Scenario:
    return Scenario.from_text(QUARREL, "quarrel")


def rest(share: float) -> None:
    """Watches and says nothing."""


def test_replicates_are_those_of_any_other_batch(quarrel: Scenario) -> None:
    batch = Runs().batch({"unchanged": quarrel}, 40, 5, rest)
    same = simulate(quarrel, 40, seed=5).ensembles["quarrel"]
    assert batch.seed == 5
    for name in ("ending", "first_strike_at_hours", "deaths", "replicate"):
        own, other = (one.column(name).tolist() for one in (batch.ensembles["unchanged"], same))
        assert list(map(str, own)) == list(map(str, other))


def test_how_far_it_is_rises_to_the_whole_over_all_scenarios(quarrel: Scenario) -> None:
    seen: list[float] = []
    other = quarrel.changed({"states.north.resolve": 0.5})
    Runs().batch({"unchanged": quarrel, "changed": other}, 40, 5, seen.append)
    assert seen == sorted(seen)
    assert 0.0 < seen[0] < 0.1
    assert 0.9 < seen[-1] <= 1.0


def test_what_the_watch_raises_ends_the_run_and_nothing_of_it_is_kept(quarrel: Scenario) -> None:
    runs = Runs()

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        runs.ensemble(quarrel, 40, 5, stop)
    assert runs.ensemble(quarrel, 40, 5, rest).replicates == 40


def test_as_many_are_kept_as_there_is_room_for_the_least_used_go_first(quarrel: Scenario) -> None:
    runs = Runs(kept=2)
    one, two = (runs.ensemble(quarrel, 20, seed, rest) for seed in (1, 2))
    assert runs.ensemble(quarrel, 20, 1, rest) is one
    runs.ensemble(quarrel, 20, 3, rest)
    assert runs.ensemble(quarrel, 20, 1, rest) is one
    assert runs.ensemble(quarrel, 20, 2, rest) is not two


def test_a_title_is_a_difference_too_but_a_name_is_none(quarrel: Scenario) -> None:
    runs = Runs()
    first = runs.ensemble(quarrel, 20, 1, rest)
    renamed = quarrel.model_copy(update={"name": "other"})
    assert runs.ensemble(renamed, 20, 1, rest) is first


def test_a_first_look_is_the_first_of_all_and_nothing_is_run_twice(
    quarrel: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "LOOK", 10)
    asked: list[tuple[int, int]] = []
    honest = runs_module.run_block

    def noted(order: BlockOrder, *others: Any) -> Any:
        asked.append((order.first, order.count))
        return honest(order, *others)

    monkeypatch.setattr(runs_module, "run_block", noted)
    runs = Runs()
    few = runs.ensemble(quarrel, 10, 5, rest)
    whole = runs.ensemble(quarrel, 40, 5, rest)
    assert asked == [(0, 10), (10, 30)]
    alone = Runs().ensemble(quarrel, 40, 5, rest)
    for name in whole.table.column_names:
        assert list(map(str, whole.column(name))) == list(map(str, alone.column(name))), name
        assert list(map(str, few.column(name))) == list(map(str, whole.column(name)[:10])), name


def test_a_first_look_is_taken_where_all_would_be_long_in_coming(
    quarrel: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "LOOK", 10)
    runs = Runs()
    assert runs.first_look([quarrel], 39, 5) is None  # not worth its while
    assert runs.first_look([quarrel], 40, 5) == 10
    runs.ensemble(quarrel, 40, 5, rest)
    assert runs.first_look([quarrel], 40, 5) is None  # they are here
    monkeypatch.setattr(runs_module, "SOON", 0.0)
    assert runs.first_look([quarrel], 40, 6) == 10
    monkeypatch.setattr(runs_module, "SOON", 1e9)
    assert runs.first_look([quarrel], 40, 6) is None  # as quick as those before


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
