"""A branch has the same past to the bit, a change applies from its moment on, and a branch's file repeats it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim import CrisisModel, branch, load_scenario
from crisis_sim.history.one_crisis import (
    Change,
    HistoryError,
    begin,
    change,
    follow,
    milestones,
    moment_of,
    read_events,
    run_to,
    undo,
)
from crisis_sim.scenario.errors import ScenarioError
from tests.conftest import Cli
from tests.model.conftest import same

#: May 2025 with the parameters of one fit, so that its crises do not change.
FILE = Path(__file__).with_name("may_2025.yaml")
MAY_2025 = load_scenario(FILE)
#: A crisis with a first strike after 20 days, a ceasefire five days later, mediators, and a loan that is paid.
REPLICATE = 937
INCIDENT = {"at": "2025-05-14T12:00+05:30", "struck": "pakistan", "deaths": 40, "title": "Attack"}
CHANGES: list[dict[str, Any]] = [
    {},
    {"set": ("mediators.us.leverage.india=0.9", "states.india.resolve=0.1")},
    {"force": {"pakistan": "strikes on military bases"}},
    {"force": {"us": "engage"}},
    {"inject": (INCIDENT,)},
]


@cache
def whole() -> CrisisModel:
    return begin(MAY_2025, 1, REPLICATE).run()


@cache
def at_moment(at: str | float) -> CrisisModel:
    """The crisis at a moment."""
    return run_to(begin(MAY_2025, 1, REPLICATE), moment_of(whole(), at))


def changed(at: str | float, **what: Any) -> CrisisModel:
    return change(at_moment(at), Change.model_validate({"at": at, **what}))


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: next(iter(what), "nothing"))
def test_up_to_the_moment_it_is_the_same_crisis_to_the_bit(what: dict[str, Any]) -> None:
    moment = moment_of(whole(), "first_strike")
    at = moment if what else np.inf
    model = changed("first_strike", **what).run()
    outcomes, original = model.outcomes(), whole().outcomes()
    assert same(outcomes, original) == (not what)
    for name in (name for name in original if name.endswith("_at_hours")):
        if original[name][0] < at * 24:
            assert outcomes[name][0] == original[name][0], name
        else:
            assert not outcomes[name][0] < at * 24, name
    past = whole().kept_paths()["day"] <= at
    assert past.sum() > 20
    paths = (x.kept_paths().items() for x in (model, whole()))
    assert same(*({name: values[past] for name, values in x} for x in paths))
    entries, original_entries = (
        [entry for entry in x.journal.entries if entry.hours < at * 24] for x in (model, whole())
    )
    assert entries == original_entries != []
    count = sum(hours <= moment * 24 for hours in whole().journal.series["hours"])
    assert count > 100
    for name, values in whole().journal.series.items():
        assert model.journal.series[name][:count] == values[:count], name


def test_futures_have_the_same_past_and_differ_after_the_moment() -> None:
    at = moment_of(whole(), 15) * 24
    columns = at_moment(15).branch(500).run().outcomes()
    for name, values in whole().outcomes().items():
        if name.endswith("_at_hours") and values[0] <= at:
            assert (columns[name] == values[0]).all(), name
        elif name.endswith("_at_hours") and name != "followed_until_hours":
            assert not (columns[name] < at).any(), name
    assert np.unique(columns["first_strike_at_hours"]).size > 50


@pytest.mark.parametrize(
    "text",
    ["states.india.resolve=0.3", "mediators.us.attention_days=2", "behaviour.decision.cost=9",
     "behaviour.decision.deliberations_per_day=1", "lenders.imf.days_later=-8", "ladder.5.intensity=0.5"],
)  # fmt: skip
def test_a_value_set_at_the_beginning_gives_the_crisis_of_that_scenario(text: str) -> None:
    outcomes = change(begin(MAY_2025, 1, REPLICATE), Change(at=0, set=(text,))).run().outcomes()
    assert same(outcomes, begin(load_scenario(FILE, [text]), 1, REPLICATE).run().outcomes())
    assert not same(outcomes, whole().outcomes())


def test_forced_choices_and_injected_events_happen() -> None:
    forced = changed(15, force={"pakistan": "limited strike"})
    step = next(x for x in follow(forced) if (x.agent, x.event) == ("pakistan", "decide"))
    assert [entry.detail for entry in step.entries] == [{"rung": "limited strike"}]
    engaged = changed(15, force={"us": "engage"}).run().outcomes()
    assert engaged["us_engaged_at_hours"][0] == 15 * 24
    journal = changed(15, inject=(INCIDENT,)).run().journal
    (entry,) = (entry for entry in journal.entries if entry.kind == "incident")
    assert MAY_2025.moment(entry.hours).isoformat().startswith("2025-05-14T12:00")
    assert entry.detail == {"title": "Attack", "deaths": 40.0}


def test_a_moment_is_a_day_a_date_or_a_milestone() -> None:
    strike = whole().outcomes()["first_strike_at_hours"][0] / 24
    assert strike < moment_of(whole(), "first_strike") < strike + 1e-8
    assert moment_of(whole(), "15") == moment_of(whole(), 15) == 15.0
    assert moment_of(whole(), "2025-05-07T15:00+05:30") == 15.0
    assert {"halt_agreed", "us_engaged", "imf_decided", "trigger"} < set(milestones(whole()))


@pytest.mark.parametrize(
    ("at", "what", "message"),
    [
        ("frist_strike", {}, "did you mean 'first_strike'"),
        ("war", {}, "'war' did not occur in this crisis; expected first_strike"),
        ("2026-01-01", {}, "is not in this crisis, which ran from Tuesday 22 April, 15:00 to"),
        ("2025-02-30", {}, "not a date"),
        (15, {"force": {"inda": "wait"}}, "did you mean 'india'"),
        (15, {"force": {"india": "strike"}}, "india has no option 'strike'"),
        (15, {"force": {"iran": "engage"}}, "iran cannot engage on .*: it has done so"),
        (15, {"force": {"us": "engag"}}, "did you mean 'engage'"),
        (15, {"set": ("mediators.us=null",)}, "mediators cannot be changed .* agents cannot be added or removed"),
        (15, {"set": ("states.india.rung_at_start=protest",)}, "it matters only at the beginning"),
        (15, {"set": ("behaviour.mediation.first_day=0.5",)}, "it matters only at the beginning"),
        (15, {"set": ("horizon_days=90",)}, "horizon_days cannot be changed"),
        (15, {"set": ("events.0.deaths=90",)}, "it has happened"),
        (18, {"set": ("lenders.imf.days_later=2",)}, "this board meeting is past"),
        (15, {"set": ("states.india.capability=1.5",)}, "changes nothing"),
        (15, {"set": ("capability",)}, "expected PATH=VALUE"),
        (15, {"inject": ({**INCIDENT, "struck": "indai"},)}, "did you mean 'india'"),
        (15, {"inject": ({**INCIDENT, "at": "2025-05-01"},)}, "cannot come on Thursday 1 May"),
        (15, {"inject": ({**INCIDENT, "kind": "trigger"},)}, "the trigger is past"),
    ],
)  # fmt: skip
def test_impossible_changes_are_refused(at: Any, what: dict[str, Any], message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        changed(at, **what)


@pytest.mark.parametrize(
    ("at", "what", "message"),
    [
        (15, {"force": {"pakistan": "protest"}}, "'protest' is never open to pakistan after .* wait, mobilisation,"),
        (None, {"force": {"india": "wait"}}, "the moment of the change .* is missing"),
        (15, {"futures": 0}, "expected 1 to 100,000 futures"),
    ],
)  # fmt: skip
def test_impossible_branches_are_refused(at: Any, what: dict[str, Any], message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        branch(MAY_2025, REPLICATE, at, **what)


def test_unknown_paths_and_keys_are_reported_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="did you mean 'resolve'"):
        changed(15, set=("states.india.resolv=0.1",))
    file = tmp_path / "events.yaml"
    file.write_text("- {at: 2025-05-14, struck: pakistan, deths: 4}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"events.yaml:1:38: error: unknown key 'deths'"):
        read_events(file)


def test_the_steps_of_a_crisis_are_its_journal_and_each_can_be_undone() -> None:
    steps = list(follow(begin(MAY_2025, 1, REPLICATE)))
    entries = [entry for step in steps for entry in step.entries]
    assert entries == [entry for entry in whole().journal.entries if entry.hours > 0]
    engaged = next(step for step in steps if (step.agent, step.event) == ("us", "engage"))
    model = begin(MAY_2025, 1, REPLICATE)
    model.crises[:] = engaged.before
    assert undo(model, engaged)
    # The clock gets the budget that it would have had after the event.
    clock = engaged.before["mediators"]["clocks"][0, engaged.index]
    added = model.crises["budgets"][0, clock] - engaged.before["budgets"][0, clock]
    assert added == pytest.approx(engaged.after["budgets"][0, clock], abs=1e-12)
    assert not model.run().outcomes()["us_engaged_at_hours"][0] <= engaged.days * 24


@pytest.mark.slow
def test_two_histories_are_shown_side_by_side_from_their_first_difference_on() -> None:
    made = branch(MAY_2025, REPLICATE, 18.38, force={"india": "wait"})
    assert made.divergence_text() == (
        "Sunday 11 May, 00:27: India waits; in the original, it begins to prepare “limited strike”."
    )
    assert made.side_by_side()[0][1:] == ("India begins to prepare “limited strike”.", "")
    again = branch(made, at=made.days + 1, force={"india": "wait"})
    assert [change.force for change in again.changes] == [{"india": "wait"}] * 2
    assert again.original.outcome["deaths"] == made.changed.outcome["deaths"]
    with pytest.raises(HistoryError, match="is before the last change"):
        branch(made, at=2, force={"india": "wait"})


def test_changes_are_described_in_sentences_with_titles() -> None:
    what = {
        "force": {"us": "engage"},
        "set": ("mediators.us.trust.india=0.9",),
        "inject": [INCIDENT],
    }
    made = branch(MAY_2025, REPLICATE, 15, **what)
    assert made.head()[1] == (
        "The change: on day 15, the United States engages, trust.india of the United States is set to 0.9 and an event "
        "is added on Wednesday 14 May, 12:00 (“Attack”)."
    )
    again = branch(made, at="us_engaged", force={"pakistan": "wait"})
    assert again.head()[2] == "The change: just after the milestone us_engaged, Pakistan waits."


@pytest.mark.slow
def test_the_file_of_a_branch_repeats_it(tmp_path: Path) -> None:
    what = {"force": {"us": "engage"}, "inject": [INCIDENT]}
    made = branch(MAY_2025, REPLICATE, "first_strike", futures=200, **what)
    assert made.summary["differences"]["changed"]["pairs"] == 200
    made.write(tmp_path)
    file, scenario = tmp_path / "branch.yaml", tmp_path / "may_2025.yaml"
    again = branch(file)
    assert again.summary == made.summary
    assert same(again.changed.model.outcomes(), made.changed.model.outcomes())
    assert again.head() == made.head()
    longer = branch(file, at=20.3, force={"india": "halt"})
    assert (longer.luck, len(longer.changes), longer.replicate) == ("same", 2, REPLICATE)
    text = scenario.read_text("utf-8").replace('"capability": 1.5', '"capability": 1.6')
    scenario.write_text(text, "utf-8")
    with pytest.raises(HistoryError, match=r"may_2025\.yaml has changed since"):
        branch(file)
    wrong = f"scenario: may_2025\nreplicate: {REPLICATE}\nchanges: []\nluk: same\n"
    file.write_text(wrong, "utf-8")
    with pytest.raises(ScenarioError, match=r"branch.yaml:4:1: error: unknown key 'luk'"):
        branch(file)


@pytest.mark.slow
def test_a_command_tells_both_and_leaves_files(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    crisis = ["branch", str(FILE), "--replicate", str(REPLICATE)]
    asked = [*crisis, "--at", "18.38", "--force", "india=wait"]
    for width in (60, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        printed = cli(*asked, "--out", f"w{width}").out
        assert max(map(len, printed.splitlines())) <= width
        assert any("original" in line and "changed" in line for line in printed.splitlines())
    divergence = "India waits; in the original, it begins to prepare “limited strike”."
    assert divergence in " ".join(printed.split())
    names = {one.name for one in Path("w60").iterdir()}
    assert {"branch.yaml", "branch.md", "branch.svg", "may_2025.yaml"} <= names
    again = cli("branch", "w60/branch.yaml", "--futures", "50", "--json", "--out", "y")
    assert again.data["forced"] == {"india": 50}
    assert Path("y/summary.json").exists()
    Path("z").mkdir()
    Path("z/mine.txt").touch()
    more = (["--out", "z"], ["--force", "pakistan"], ["--inject", "no.yaml"])
    for wrong in (*([*asked, *one] for one in more), [*crisis, "--at", "now"]):
        result = cli(*wrong)
        assert result.code == 2
        assert "Traceback" not in result.err
    assert [one.name for one in Path("z").iterdir()] == ["mine.txt"]
