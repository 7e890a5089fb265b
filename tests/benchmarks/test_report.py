"""Targets, tables and the chart of `make bench`; tests/guide compares the stored tables with the stored figures."""

from __future__ import annotations

import pytest

from benchmarks.report import Target, draw_speed, table, tables, targets


def timing(what, seconds, scenario="", crises=0, workers=1, memory_mb=None):
    return {
        "what": what,
        "seconds": seconds,
        "scenario": scenario,
        "crises": crises,
        "workers": workers,
        "memory_mb": memory_mb,
    }


def batch(crises, seconds, workers=1, memory_mb=None):
    return timing("a batch", seconds, "may_2025", crises, workers, memory_mb)


SPEED = [
    batch(100, 0.5),
    batch(10_000, 1.0, memory_mb=300),
    batch(10_000, 0.9, 2, memory_mb=320),
    batch(100_000, 8.0, memory_mb=330),
    batch(100_000, 5.0, 2, memory_mb=350),
    timing("an empty Mesa model", 0.02, "may_2025", 200),
    timing("one crisis at a time", 0.5, "may_2025", 50),
]
FIGURES = {
    "machine": "a machine",
    "measured": "2026-11-30T03:12:08+00:00",
    "scenarios": {"may_2025": "May 2025"},
    "speed": SPEED,
    "histories": [
        timing("a batch of 10,000", 0.5),
        timing("a crisis alone", 0.01),
        timing("why", 4.0),
        timing("a move in play", 0.2),
    ],
    "commands": [
        timing("crisis-sim --help", 0.4, memory_mb=30),
        timing("crisis-sim run may_2025 --replicates 10000", 11.0, crises=10_000, memory_mb=400),
        timing("crisis-sim run may_2025 --replicates 100000", 15.0, crises=100_000, memory_mb=500),
    ],
}


def target(what, **figures):
    (one,) = (one for one in targets(FIGURES | figures) if one.what.startswith(what))
    return one.measured and pytest.approx(one.measured), one.verdict


@pytest.mark.parametrize(
    ("what", "measured", "verdict"),
    [
        # The batch size with the worst result counts, and small batches do not.
        ("time per crisis with one worker", 100.0, "not met"),
        ("crises per second with two workers", 1.6, "not met"),
        ("time per crisis, largest batch", 0.8, "met"),
        ("peak memory of a batch", 1.1, "met"),
        ("peak memory of the largest process", 1.25, "not met"),
        ("`crisis-sim --help`", 0.4, "not met"),
        ("`crisis-sim check may_2025`", None, "not measured"),
        ("`crisis-sim run may_2025", 11.0, "not met"),
        ("time of why", 8.0, "met"),
        ("time of a move in play", 20.0, "not met"),
        ("time of nowcast", None, "not measured"),
    ],
)
def test_a_target_compares_measurements(what, measured, verdict):
    assert target(what) == (measured, verdict)


def test_a_target_without_large_batches_is_not_measured():
    small = [one for one in SPEED if one["crises"] < 10_000]
    for what in ("time per crisis with one", "crises per second", "peak memory of a batch"):
        assert target(what, speed=small) == (None, "not measured")


def test_a_target_is_met_at_its_limit():
    assert Target("", "", 2.0, 2.0).verdict == Target("", "", 2.0, 2.0, at_least=True).verdict


def test_tables_have_rows_as_wide_as_their_headings():
    text = tables(FIGURES)
    assert (
        "| `crisis-sim --help` from a cold start |  | at most 0.333 s | 0.4 s | not met |" in text
    )
    assert "| an empty Mesa model | 200 | 1 | 0.02 | 10,000 | 1 |  |" in text
    blocks = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(blocks) == 4
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert table(("", "crises"), [("ours", "5")]) == "|  | crises |\n| --- | --: |\n| ours | 5 |"


def test_the_chart_shows_batches_by_their_size_and_other_ways_as_lines():
    (panel,) = draw_speed(FIGURES).axes
    lines = {line.get_label(): line for line in panel.lines}
    assert lines["a batch, two workers"].get_xdata().tolist() == [10_000, 100_000]
    assert set(lines["an empty Mesa model"].get_ydata()) == {10_000.0}
