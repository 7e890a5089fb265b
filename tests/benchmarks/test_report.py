"""Targets, tables and the chart, from the figures of the last `make bench`; tests/guide tests the stored tables."""

from __future__ import annotations

import json

import pytest

from benchmarks.report import draw_speed, table, tables, target_table, targets
from benchmarks.timing import ROOT

KEPT = json.loads((ROOT / "benchmarks" / "results" / "speed.json").read_text(encoding="utf-8"))
OWN = [one for one in KEPT["timings"] if one["scenario"] == "may_2025"]


def rate(kind):
    """The highest rate of agent-steps per second on one core."""
    timings = [timing for timing in OWN if timing["kind"] == kind and timing["workers"] == 1]
    return max(timing["agent_steps"] / timing["seconds"] for timing in timings)


def aim(what, change=lambda one: one, **results):
    """The measured ratio of a target, and whether it is met, after timings of May 2025 are changed or left out (None)."""
    timings = [change(one) if one in OWN else one for one in KEPT["timings"]]
    found = {**KEPT, "timings": [one for one in timings if one is not None], **results}
    aims = [one for one in targets(found) if one["scenario"] == "may_2025"]
    (one,) = (one for one in aims if one["what"].startswith(what))
    return one["measured"], one["met"]


def running_at(rate, crises=None):
    """A change after which batches of Crisis Sim with one worker (of all sizes, or of some) run at this rate."""

    def change(one):
        ours = (
            one["kind"] == "ours"
            and one["workers"] == 1
            and one["crises"] in (crises or [one["crises"]])
        )
        return {**one, "seconds": one["agent_steps"] / rate} if ours else one

    return change


EMPTY = "agent-steps per second, relative to the fastest empty"


@pytest.mark.parametrize(
    ("what", "change", "expected"),
    [
        (EMPTY, running_at(39 * rate("empty Mesa")), (39, False)),
        (EMPTY, running_at(41 * rate("empty Mesa")), (41, True)),
        # The floor is a limit from below.
        ("time, relative to the least", running_at(rate("floor") / 2), (2, True)),
        ("time, relative to the least", running_at(rate("floor") / 4), (4, False)),
        # The least favourable size decides, and small batches do not count.
        (EMPTY, running_at(rate("empty Mesa"), [100_000]), (1, False)),
        (EMPTY, running_at(rate("empty Mesa"), [1_000]), aim(EMPTY)),
        (
            "crises per second with two workers",
            lambda one: {**one, "seconds": 1.9 if one["workers"] == 1 else 1.0} if one["kind"] == "in turns" else one,
            (1.9, True),
        ),
    ],
)  # fmt: skip
def test_a_target_is_a_ratio_of_measurements(what, change, expected):
    measured, met = aim(what, change)
    assert measured == pytest.approx(expected[0])
    assert met == expected[1]


def test_the_faster_of_two_timings_of_a_batch_counts_with_the_larger_memory():
    ours = next(one for one in OWN if one["kind"] == "ours" and one["crises"] == 10_000)
    again = {**ours, "seconds": ours["seconds"] / 2, "memory_mb": None}
    twice = {"timings": [*KEPT["timings"], again]}
    cost, _ = aim("time per crisis", **twice)
    assert cost == pytest.approx(2 * aim("time per crisis")[0])
    assert aim("peak memory of a batch", **twice) == aim("peak memory of a batch")


def test_imports_are_compared_with_all_work_except_the_start_of_python():
    cold = {**KEPT["cold_start"], "phases": {"python": 9.0, "imports": 2.0, "work": 1.0}}
    assert aim("time of imports", cold_start=cold) == (2.0, True)


def test_commands_on_histories_are_compared_with_a_batch_and_moves_with_a_single_crisis():
    new = [("batch", "may_2025", 0.5), ("alone", "may_2025", 0.01), ("history", "why", 4.0)]
    new += [("history", "a move in play", 0.2)]
    blank = {**KEPT["timings"][0], "scenario": ""}
    timings = [{**blank, "kind": kind, "what": what, "seconds": took} for kind, what, took in new]
    timings += [x for x in KEPT["timings"] if x["kind"] not in ("batch", "alone", "history")]
    assert aim("time of why", timings=timings) == (pytest.approx(8), True)
    assert aim("time of a move", timings=timings) == (pytest.approx(20), False)
    assert aim("time of nowcast", timings=timings) == (None, None)
    assert "| a crisis alone | 0.01 |" in tables({**KEPT, "timings": timings})


def test_a_target_that_was_not_measured_is_neither_met_nor_missed():
    left = [
        one
        for one in KEPT["timings"]
        if one["kind"] not in ("in turns", "history")
        and not (one["kind"] == "ours" and one["crises"] >= 10_000)
        and not one["what"].startswith("crisis-sim run")
    ]
    few = {**KEPT, "timings": left}
    measured = [one["what"].split(",")[0] for one in targets(few) if one["measured"]]
    assert measured == ["time of imports in a cold run of 10"]
    assert {one["met"] for one in targets(few)} == {None, False}
    assert "not measured" in tables(few)


def test_tables_have_targets_and_measured_values_and_rows_as_wide_as_their_headings():
    one = {"what": "this", "scenario": "a", "asked": 40, "measured": 41.26, "at_least": True}
    told = target_table([{**one, "met": True}])
    assert told.splitlines()[-1] == "| this | a | at least 40 | 41.3 | met |"
    blocks = [part for part in tables(KEPT).split("\n\n") if part.startswith("|")]
    assert len(blocks) >= 4
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert table(("", "crises"), [("ours", "5")]) == "|  | crises |\n| --- | --: |\n| ours | 5 |"


def test_the_chart_shows_what_was_measured():
    panel = draw_speed(KEPT).axes[0]
    (two,) = (line for line in panel.lines if line.get_label() == "Crisis Sim, two cores")
    batches = {one["crises"] for one in OWN if (one["kind"], one["workers"]) == ("ours", 2)}
    assert list(two.get_xdata()) == sorted(batches) >= [10_000, 100_000]
