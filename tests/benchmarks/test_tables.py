from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.charts import draw_all
from benchmarks.tables import speed_table, table, tables, target_table
from benchmarks.targets import Target, targets
from tests.benchmarks.made_up import results_of, scenario_of

RESULTS = results_of(scenario_of("may_2025"), scenario_of("since_1945", large=90e6))


def cells(words):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in words.splitlines()]


def test_a_table_is_markdown_with_its_numbers_to_the_right():
    assert table(("", "crises"), [("ours", "5")]) == "|  | crises |\n| --- | --: |\n| ours | 5 |"


def test_a_target_stands_beside_what_was_measured():
    aims = [Target("this", "a", 40, 41.26, True), Target("that", "b", 3, None, False)]
    assert cells(target_table(aims))[2:] == [
        ["this", "a", "at least 40", "41.3", "met"],
        ["that", "b", "at most 3", "", "not measured"],
    ]


def test_each_speed_stands_beside_mesa_and_the_floor():
    rows = {
        tuple(row[:3]): row for row in cells(speed_table(RESULTS.scenarios[0]).split("\n\n")[0])
    }
    assert rows["may_2025", "1,000,000", "1"][7:] == ["50", "300", "50.0%"]
    assert rows["empty Mesa, do", "200", "1"][7] == "1"
    assert rows["plain Mesa", "30", "1"][8] == "1"
    assert rows["floor", "10,000", "1"][9] == "100.0%"


def test_all_tables_have_rows_as_wide_as_their_heads():
    words = tables(RESULTS, targets(RESULTS))
    blocks = [part for part in words.split("\n\n") if part.startswith("|")]
    assert len(blocks) == 8
    for block in blocks:
        assert len({len(row) for row in cells(block)}) == 1


def test_results_are_plain_data():
    again = json.loads(json.dumps(RESULTS.as_data()))
    assert [one["name"] for one in again["scenarios"]] == ["may_2025", "since_1945"]
    assert again["scenarios"][0]["two_cores"][0]["workers"] == 2
    assert again["cold_start"]["phases"]["imports"] == 1.2


@pytest.mark.slow
def test_charts_show_what_was_measured_and_say_where_nothing_was():
    drawn = draw_all(RESULTS)
    assert set(drawn) == {"speed", "growth", "cold_start"}
    panel = drawn["speed"].axes[0]
    (two,) = (line for line in panel.lines if line.get_label() == "Crisis Sim, two cores")
    assert list(two.get_xdata()) == [100_000, 1_000_000]
    bars = drawn["cold_start"].axes[0].patches
    assert sum(bar.get_width() for bar in bars) == RESULTS.cold_start.seconds

    few = [replace(one, batches=[], two_cores=[]) for one in RESULTS.scenarios]
    bare = draw_all(replace(RESULTS, scenarios=few, whole_runs=[]))
    assert "not measured" in [text.get_text() for text in bare["growth"].axes[1].texts]
