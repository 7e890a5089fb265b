"""What the objects that a person meets show of themselves at a prompt and in a notebook."""

from __future__ import annotations

import copy
import json
import pickle
import struct
from typing import Any

import pytest

from crisis_sim import (
    CrisisModel,
    Journal,
    Scenario,
    compare,
    make_experiment,
    run_experiment,
    simulate,
    summarise,
)
from crisis_sim.outcomes import Summary
from crisis_sim.report.charts import draw_endings
from crisis_sim.text import printable_lines
from tests.report.looking import Element, read
from tests.report.made_up import HARM, alone, harmful, short

REPLICATES = 40


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    return met(short())


def met(scenario: Scenario) -> dict[str, Any]:
    """Everything that a session with a scenario puts into a person's hands."""
    batch = simulate([scenario, alone(scenario)], replicates=REPLICATES)
    state = next(iter(scenario.states))
    experiment = make_experiment(
        "resolve",
        kind="sweep",
        question="Does it matter? <b>Really</b>",
        scenario=scenario,
        outcomes=["agreement"],
        replicates=5,
        vary={f"states.{state}.resolve": {"points": 2}},
    )
    journal = Journal()
    CrisisModel(scenario, 1, journal=journal).run()
    return {
        "scenario": scenario,
        "batch": batch,
        "ensemble": batch.ensembles[scenario.name],
        "summary": summarise(batch),
        "comparison": compare(batch, reference="alone"),
        "experiment": experiment,
        "findings": run_experiment(experiment),
        "journal": journal,
    }


def shown(thing: Any) -> Element:
    return read(thing._repr_html_())


def test_a_notebook_is_shown_html_that_is_whole_and_short(objects: dict[str, Any]) -> None:
    for name, thing in objects.items():
        page = shown(thing)
        assert page.all("table", "ul"), name
        for table in page.all("table"):
            assert len({len(row.all("th", "td")) for row in table.all("tr")}) == 1, name
        assert len(thing._repr_html_()) < 30_000, name


def test_text_from_a_scenario_is_never_markup() -> None:
    for name, thing in met(harmful()).items():
        html = thing._repr_html_()
        assert not [harm for harm in (HARM, "\x1b", "\u202e") if harm in html], name
        assert not read(html).all("script", "img", "a", "b"), name
        told = repr(thing)
        assert len(told) < 4_000, name
        assert told == printable_lines(told), name


def test_a_scenario_says_who_takes_part_and_what_is_uncertain(objects: dict[str, Any]) -> None:
    scenario = objects["scenario"]
    assert repr(scenario).startswith("Scenario(name='short', title='A short crisis', states=(")
    page = shown(scenario)
    rows = [[one.text for one in row.all("th", "td")] for row in page.all("table")[0].all("tr")[1:]]
    assert [row[1] for row in rows if row[0] == "state"] == list(scenario.states)
    assert [row[1] for row in rows if row[0] == "mediator"] == list(scenario.mediators)
    assert "behaviour.halt.implementation_hours" in page.text
    assert scenario.digest[:12] in page.text


def test_batch_and_ensemble_say_what_they_hold_and_lack(objects: dict[str, Any]) -> None:
    assert repr(objects["batch"]) == f"Batch(short, alone; {2 * REPLICATES} crises, seed 1)"
    assert repr(objects["ensemble"]).startswith(f"Ensemble('short', {REPLICATES} replicates, ")
    rows = shown(objects["batch"]).all("tbody")[0].all("tr")
    assert [row.all("th")[0].text for row in rows] == ["short", "alone"]
    table = shown(objects["ensemble"]).all("table")[0]
    assert [row.all("th")[0].text for row in table.all("tbody")[0].all("tr")] == list("01234")
    batch = objects["batch"]
    lacking = type(batch)(batch.ensembles, {**batch.manifest, "failures": [{}, {}]})
    assert "2 blocks failed" in shown(lacking).text
    assert "failed" not in shown(batch).text


def test_a_summary_shows_intervals_and_is_a_dictionary_still(objects: dict[str, Any]) -> None:
    summary = objects["summary"]
    assert isinstance(summary, Summary)
    assert summary == dict(summary)
    assert json.loads(json.dumps(summary)) == summary
    assert copy.deepcopy(summary) == pickle.loads(pickle.dumps(summary)) == summary  # noqa: S301 (its own)
    agreement = summary["scenarios"]["short"]["endings"]["agreement"]
    outcomes, differences = shown(summary).all("table")
    first = outcomes.all("tbody")[0].all("tr")[0].all("td")[0].text
    assert first == (
        f"{100 * agreement['estimate']:.1f}% ({100 * agreement['lower']:.1f} to {100 * agreement['upper']:.1f})"
    )
    assert [row.all("th")[0].text for row in differences.all("tbody")[0].all("tr")] == ["alone"]
    assert repr(summary).startswith("Summary of short (reference), alone\n- A short crisis: ")
    assert repr(objects["comparison"]).startswith("Summary of short, alone (reference)\n")


def test_an_experiment_shows_its_question_and_findings_the_answer(objects: dict[str, Any]) -> None:
    assert repr(objects["experiment"]) == "Experiment('resolve', sweep of 'short', 'resolve')"
    assert "Does it matter? <b>Really</b>" in shown(objects["experiment"]).text
    findings = objects["findings"]
    page = shown(findings)
    assert [one.text for one in page.all("ul")[0].all("li")] == list(findings.answer)
    for sentence in findings.answer:
        assert sentence in repr(findings)


def test_a_journal_shows_its_entries_in_order(objects: dict[str, Any]) -> None:
    journal = objects["journal"]
    rows = shown(journal).all("tbody")[0].all("tr")
    assert len(rows) == len(journal.entries) > 0
    assert [row.all("td")[0].text for row in rows] == [one.kind for one in journal.entries]


def test_a_chart_shows_itself_in_its_printed_size(objects: dict[str, Any]) -> None:
    chart = draw_endings(objects["batch"], objects["summary"])
    png, size = chart._repr_png_()
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert size["width"] == round(175.0 / 25.4 * 96)
    assert width / height == pytest.approx(size["width"] / size["height"], rel=0.01)
