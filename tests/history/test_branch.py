"""A branch has the same past to the bit, and what was changed holds from then on; its file repeats it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim import CrisisModel, branch, load_scenario
from crisis_sim.cli import run_command
from crisis_sim.history.past import (
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
from tests.model.conftest import same

#: May 2025 with one fit of the behaviour, so that its crises stay what they are.
FILE = Path(__file__).with_name("may_2025.yaml")
MAY_2025 = load_scenario(FILE)
#: A crisis with a first strike after 20 days and a ceasefire five days later, in which mediators engage and money is paid.
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
def stand(at: str | float) -> CrisisModel:
    """The crisis at a moment; a change makes a copy."""
    return run_to(begin(MAY_2025, 1, REPLICATE), moment_of(whole(), at))


def changed(at: str | float, **what: Any) -> CrisisModel:
    return change(stand(at), Change.model_validate({"at": at, **what}))


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: next(iter(what), "nothing"))
def test_up_to_the_moment_it_is_the_same_crisis_to_the_bit(what: dict[str, Any]) -> None:
    moment = moment_of(whole(), "first_strike")
    at = moment if what else np.inf
    one = changed("first_strike", **what).run()
    outcomes, theirs = one.outcomes(), whole().outcomes()
    assert same(outcomes, theirs) == (not what)
    for name in (name for name in theirs if name.endswith("_at_hours")):
        if theirs[name][0] < at * 24:
            assert outcomes[name][0] == theirs[name][0], name
        else:
            assert not outcomes[name][0] < at * 24, name
    past = whole().kept_paths()["day"] <= at
    assert past.sum() > 20
    paths = (each.kept_paths().items() for each in (one, whole()))
    assert same(*({name: values[past] for name, values in each} for each in paths))
    entries, their_entries = (
        [entry for entry in each.journal.entries if entry.hours < at * 24]
        for each in (one, whole())
    )
    assert entries == their_entries != []
    looks = sum(hours <= moment * 24 for hours in whole().journal.series["hours"])
    assert looks > 100
    for name, line in whole().journal.series.items():
        assert one.journal.series[name][:looks] == line[:looks], name


def test_many_futures_have_the_same_past_and_none_of_their_own_before_the_moment() -> None:
    at = moment_of(whole(), 15) * 24
    columns = stand(15).branch(500).run().outcomes()
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
def test_a_value_set_at_the_beginning_makes_the_crisis_of_that_scenario(text: str) -> None:
    one = change(begin(MAY_2025, 1, REPLICATE), Change(at=0, set=(text,))).run().outcomes()
    assert same(one, begin(load_scenario(FILE, [text]), 1, REPLICATE).run().outcomes())
    assert not same(one, whole().outcomes())


def test_what_is_forced_happens_and_what_is_injected_comes() -> None:
    forced = changed(15, force={"pakistan": "limited strike"})
    step = next(one for one in follow(forced) if (one.agent, one.event) == ("pakistan", "decide"))
    assert [entry.detail for entry in step.entries] == [{"rung": "limited strike"}]
    engaged = changed(15, force={"us": "engage"}).run().outcomes()
    assert engaged["us_engaged_at_hours"][0] == 15 * 24
    journal = changed(15, inject=(INCIDENT,)).run().journal
    (entry,) = (one for one in journal.entries if one.kind == "incident")
    assert MAY_2025.moment(entry.hours).isoformat().startswith("2025-05-14T12:00")
    assert entry.detail == {"title": "Attack", "deaths": 40.0}


def test_a_moment_is_a_day_a_date_or_a_milestone() -> None:
    strike = whole().outcomes()["first_strike_at_hours"][0] / 24
    assert strike < moment_of(whole(), "first_strike") < strike + 1e-8
    assert moment_of(whole(), "15") == moment_of(whole(), 15) == 15.0
    assert moment_of(whole(), "2025-05-07T15:00+05:30") == 15.0
    assert {"halt_agreed", "us_engaged", "imf_decided", "trigger"} < set(milestones(whole()))


@pytest.mark.parametrize(
    ("at", "what", "said"),
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
def test_what_cannot_be_is_refused(at: Any, what: dict[str, Any], said: str) -> None:
    with pytest.raises(HistoryError, match=said):
        changed(at, **what)


@pytest.mark.parametrize(
    ("at", "what", "said"),
    [
        (15, {"force": {"pakistan": "protest"}}, "'protest' is never open to pakistan after .* wait, mobilisation,"),
        (None, {"force": {"india": "wait"}}, "when is the crisis to be changed"),
        (15, {"futures": 0}, "expected 1 to 100,000 futures"),
    ],
)  # fmt: skip
def test_what_cannot_be_branched_is_refused(at: Any, what: dict[str, Any], said: str) -> None:
    with pytest.raises(HistoryError, match=said):
        branch(MAY_2025, REPLICATE, at, **what)


def test_an_unknown_path_and_an_unknown_key_are_told_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="did you mean 'resolve'"):
        changed(15, set=("states.india.resolv=0.1",))
    file = tmp_path / "events.yaml"
    file.write_text("- {at: 2025-05-14, struck: pakistan, deths: 4}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"events.yaml:1:38: error: unknown key 'deths'"):
        read_events(file)


def test_the_steps_of_a_crisis_are_its_journal_and_each_can_be_left_out() -> None:
    steps = list(follow(begin(MAY_2025, 1, REPLICATE)))
    entries = [entry for step in steps for entry in step.entries]
    assert entries == [entry for entry in whole().journal.entries if entry.hours > 0]
    engaged = next(one for one in steps if (one.agent, one.event) == ("us", "engage"))
    one = begin(MAY_2025, 1, REPLICATE)
    one.crises[:] = engaged.before
    assert undo(one, engaged)
    # Its next turn comes with the luck that it would have had.
    clock = engaged.before["mediators"]["clocks"][0, engaged.index]
    more = one.crises["budgets"][0, clock] - engaged.before["budgets"][0, clock]
    assert more == pytest.approx(engaged.after["budgets"][0, clock], abs=1e-12)
    assert not one.run().outcomes()["us_engaged_at_hours"][0] <= engaged.days * 24


@pytest.mark.slow
def test_two_histories_are_told_beside_one_another_from_where_they_part() -> None:
    made = branch(MAY_2025, REPLICATE, 18.38, force={"india": "wait"})
    assert made.told_parting() == (
        "Sunday 11 May, 00:27: India holds, where it begins to prepare limited strike."
    )
    assert made.beside()[0][1:] == ("India begins to prepare limited strike.", "")
    again = branch(made, at=made.days + 1, force={"india": "wait"})
    assert [one.force for one in again.changes] == [{"india": "wait"}] * 2
    assert again.was.outcome["deaths"] == made.goes.outcome["deaths"]
    with pytest.raises(HistoryError, match="is before the last change"):
        branch(made, at=2, force={"india": "wait"})


@pytest.mark.slow
def test_the_file_of_a_branch_repeats_it(tmp_path: Path) -> None:
    what = {"force": {"us": "engage"}, "inject": [INCIDENT]}
    made = branch(MAY_2025, REPLICATE, "first_strike", futures=200, **what)
    assert made.summary["differences"]["changed"]["pairs"] == 200
    made.write(tmp_path)
    file, scenario = tmp_path / "branch.yaml", tmp_path / "may_2025.yaml"
    again = branch(file)
    assert again.summary == made.summary
    assert same(again.goes.model.outcomes(), made.goes.model.outcomes())
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
def test_the_command_prints_both_histories_and_leaves_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    crisis = ["branch", str(FILE), "--replicate", str(REPLICATE)]
    asked = [*crisis, "--at", "18.38", "--force", "india=wait"]
    for width in (60, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        assert run_command([*asked, "--out", f"w{width}"]) == 0
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= width
        assert any("as it was" in line and "changed" in line for line in printed.splitlines())
    assert "India holds, where it begins to prepare limited strike." in printed
    names = {one.name for one in Path("w60").iterdir()}
    assert {"branch.yaml", "branch.md", "branch.svg", "may_2025.yaml"} <= names
    assert (
        run_command(["branch", "w60/branch.yaml", "--futures", "50", "--json", "--out", "y"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["forced"] == {"india": 50}
    assert Path("y/summary.json").exists()
    Path("z").mkdir()
    Path("z/mine.txt").touch()
    more = (["--out", "z"], ["--force", "pakistan"], ["--inject", "no.yaml"])
    for wrong in (*([*asked, *one] for one in more), [*crisis, "--at", "now"]):
        assert run_command(wrong) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert [one.name for one in Path("z").iterdir()] == ["mine.txt"]
