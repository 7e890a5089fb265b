"""Targets, tables and the chart, from the figures of the last `make bench`; tests/guide holds what is kept of them."""

from __future__ import annotations

import json

import pytest

from benchmarks.chart import draw_speed
from benchmarks.report import table, tables, target_table, targets
from benchmarks.timing import ROOT

KEPT = json.loads((ROOT / "benchmarks" / "results" / "speed.json").read_text(encoding="utf-8"))


def found(change):
    """The kept figures, with some of the first scenario's timings left out (None) or changed."""
    timings = [change(one) if one["scenario"] == "may_2025" else one for one in KEPT["timings"]]
    return {**KEPT, "timings": [one for one in timings if one is not None]}


def aim(results, what):
    (one,) = (
        x for x in targets(results) if x["what"].startswith(what) and x["scenario"] == "may_2025"
    )
    return one["measured"], one["met"]


def with_rate(rate):
    """As if all of our batches by one worker ran at this rate."""

    def change(one):
        ours = one["kind"] == "ours" and one["workers"] == 1
        return {**one, "seconds": one["agent_steps"] / rate} if ours else one

    return found(change)


EMPTY = max(
    one["agent_steps"] / one["seconds"]
    for one in KEPT["timings"]
    if one["kind"] == "empty Mesa" and one["scenario"] == "may_2025" and one["workers"] == 1
)


@pytest.mark.parametrize(("times", "met"), [(39, False), (41, True)])
def test_ratios_are_those_of_agent_steps_a_second_on_one_core(times, met):
    what = "agent-steps a second, beside the quickest empty"
    assert aim(with_rate(times * EMPTY), what) == (pytest.approx(times), met)


def test_the_floor_is_a_limit_from_below():
    floor = next(x for x in KEPT["timings"] if x["kind"] == "floor" and x["scenario"] == "may_2025")
    rate = floor["agent_steps"] / floor["seconds"]
    assert aim(with_rate(rate / 2), "time, beside the floor") == (pytest.approx(2), True)
    assert aim(with_rate(rate / 4), "time, beside the floor") == (pytest.approx(4), False)


def test_the_least_favourable_size_decides_and_small_batches_do_not_count():
    def slow(crises):
        def change(one):
            hit = one["kind"] == "ours" and one["workers"] == 1 and one["crises"] == crises
            return {**one, "seconds": one["agent_steps"] / EMPTY} if hit else one

        return aim(found(change), "agent-steps a second, beside the quickest")[0]

    assert slow(100_000) == pytest.approx(1)
    assert slow(1_000) > 5


def test_two_workers_are_beside_one_where_they_were_timed_in_turns():
    def change(one):
        seconds = 1.9 if one["workers"] == 1 else 1.0
        return {**one, "seconds": seconds} if one["kind"] == "in turns" else one

    assert aim(found(change), "crises a second of two workers") == (pytest.approx(1.9), True)


def test_of_the_same_batch_timed_twice_the_quicker_counts_with_its_memory():
    ours = next(x for x in KEPT["timings"] if x["kind"] == "ours" and x["crises"] == 10_000)
    again = {**ours, "seconds": ours["seconds"] / 2, "memory_mb": None}
    twice = {**KEPT, "timings": [*KEPT["timings"], again]}
    cost, _ = aim(twice, "cost of a crisis")
    assert cost == pytest.approx(2 * aim(KEPT, "cost of a crisis")[0])
    assert aim(twice, "peak memory of a batch") == aim(KEPT, "peak memory of a batch")


def test_imports_are_beside_all_other_work_than_the_start_of_python():
    cold = {**KEPT["cold_start"], "phases": {"python": 9.0, "imports": 2.0, "work": 1.0}}
    assert aim({**KEPT, "cold_start": cold}, "imports beside all work") == (2.0, True)


def test_answers_about_histories_are_beside_a_batch_and_a_move_is_beside_a_crisis_alone():
    new = [("batch", "may_2025", 0.5), ("alone", "may_2025", 0.01), ("history", "why", 4.0)]
    new += [("history", "a move in play", 0.2)]
    blank = {**KEPT["timings"][0], "scenario": ""}
    timings = [{**blank, "kind": k, "what": what, "seconds": t} for k, what, t in new]
    others = [one for one in KEPT["timings"] if one["kind"] not in ("batch", "alone", "history")]
    results = {**KEPT, "timings": [*others, *timings]}
    assert aim(results, "time of why") == (pytest.approx(8), True)
    assert aim(results, "time of a move") == (pytest.approx(20), False)
    assert aim(results, "time of nowcast") == (None, None)
    assert "| a crisis alone | 0.01 |" in tables(results)


def test_what_was_not_measured_is_neither_met_nor_missed():
    few = found(
        lambda x: (
            x if x["kind"] != "in turns" and (x["kind"] != "ours" or x["crises"] < 10_000) else None
        )
    )
    few["timings"] = [
        one
        for one in few["timings"]
        if not one["what"].startswith("crisis-sim run") and one["kind"] != "history"
    ]
    own = [one for one in targets(few) if one["scenario"] == "may_2025"]
    assert [one["what"].split(",")[0] for one in own if one["measured"]] == [
        "imports beside all work"
    ]
    assert {one["met"] for one in own} == {None, False}
    assert "not measured" in tables(few)


def test_a_target_stands_beside_what_was_measured():
    one = {
        "what": "this",
        "scenario": "a",
        "asked": 40,
        "measured": 41.26,
        "at_least": True,
        "met": True,
    }
    assert target_table([one]).splitlines()[-1] == "| this | a | at least 40 | 41.3 | met |"


def test_all_tables_have_rows_as_wide_as_their_heads():
    blocks = [part for part in tables(KEPT).split("\n\n") if part.startswith("|")]
    assert len(blocks) >= 4
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert table(("", "crises"), [("ours", "5")]) == "|  | crises |\n| --- | --: |\n| ours | 5 |"


def test_the_chart_shows_what_was_measured():
    panel = draw_speed(KEPT).axes[0]
    (two,) = (line for line in panel.lines if line.get_label() == "Crisis Sim, two cores")
    batches = {
        one["crises"]
        for one in KEPT["timings"]
        if (one["kind"], one["scenario"], one["workers"]) == ("ours", "may_2025", 2)
    }
    assert list(two.get_xdata()) == sorted(batches) >= [10_000, 100_000]
