"""A branch has the same past to the bit, and what was changed holds from then on; its file repeats it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim import CrisisModel, Journal, branch, load_scenario
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
INCIDENT = {
    "at": "2025-05-14T12:00+05:30",
    "struck": "pakistan",
    "deaths": 40,
    "title": "An attack",
}
CHANGES: list[dict[str, Any]] = [
    {"set": ("mediators.us.leverage.india=0.9", "states.india.resolve=0.1")},
    {"force": {"pakistan": "strikes on military bases"}},
    {"force": {"us": "engage"}},
    {"inject": (INCIDENT,)},
]


@cache
def whole() -> CrisisModel:
    return begin(MAY_2025, 1, REPLICATE).run()


def stand(at: str | float) -> CrisisModel:
    return run_to(begin(MAY_2025, 1, REPLICATE), moment_of(whole(), at))


def test_a_branch_in_which_nothing_is_changed_is_the_crisis_itself() -> None:
    one = change(stand("first_strike"), Change(at="first_strike")).run()
    assert same(one.outcomes(), whole().outcomes())
    assert same(one.kept_paths() or {}, whole().kept_paths() or {})
    assert (one.journal or Journal()).entries == (whole().journal or Journal()).entries
    assert (one.journal or Journal()).entries


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: next(iter(what)))
def test_up_to_the_moment_it_is_the_same_crisis_to_the_bit(what: dict[str, Any]) -> None:
    at = moment_of(whole(), "first_strike")
    one = change(stand(at), Change(at=at, **what)).run()
    assert not same(one.outcomes(), whole().outcomes())
    for name, values in whole().outcomes().items():
        if name.endswith("_at_hours") and values[0] < at * 24:
            assert one.outcomes()[name][0] == values[0], name
        elif name.endswith("_at_hours"):
            assert not one.outcomes()[name][0] < at * 24, name
    paths, theirs = one.kept_paths() or {}, whole().kept_paths() or {}
    past = paths["day"] <= at
    assert past.sum() > 20
    assert same(
        *({name: values[past] for name, values in each.items()} for each in (paths, theirs))
    )
    journals = [each.journal or Journal() for each in (one, whole())]
    entries = [[entry for entry in each.entries if entry.hours < at * 24] for each in journals]
    assert entries[0] == entries[1]
    looks = sum(hours <= at * 24 for hours in journals[1].series["hours"])
    assert looks > 100
    for name, line in journals[1].series.items():
        assert journals[0].series[name][:looks] == line[:looks], name


def test_many_futures_have_the_same_past_and_none_of_their_own_before_the_moment() -> None:
    at = moment_of(whole(), 15)
    columns = stand(15).branch(500).run().outcomes()
    for name, values in whole().outcomes().items():
        if name.endswith("_at_hours") and values[0] <= at * 24:
            assert (columns[name] == values[0]).all(), name
        elif name.endswith("_at_hours") and name != "followed_until_hours":
            assert not (columns[name] < at * 24).any(), name
    assert np.unique(columns["first_strike_at_hours"]).size > 50


@pytest.mark.parametrize(
    "text",
    ["states.india.resolve=0.3", "mediators.us.attention_days=2", "behaviour.decision.cost=9",
     "behaviour.decision.deliberations_per_day=1", "lenders.imf.days_later=-8", "ladder.5.intensity=0.5"],
)  # fmt: skip
def test_a_value_set_at_the_beginning_makes_the_crisis_of_that_scenario(text: str) -> None:
    one = change(begin(MAY_2025, 1, REPLICATE), Change(at=0, set=(text,))).run().outcomes()
    other = begin(load_scenario(FILE, [text]), 1, REPLICATE).run().outcomes()
    assert same(one, other)
    assert not same(one, whole().outcomes())


def test_what_is_forced_happens_and_what_is_injected_comes() -> None:
    at = moment_of(whole(), 15)
    forced = change(stand(15), Change(at=15, force={"pakistan": "limited strike"}))
    step = next(one for one in follow(forced) if one.event == "decide" and one.agent == "pakistan")
    assert [entry.detail for entry in step.entries] == [{"rung": "limited strike"}]
    engaged = change(stand(15), Change(at=15, force={"us": "engage"})).run().outcomes()
    assert engaged["us_engaged_at_hours"][0] == at * 24
    (event,) = Change.model_validate({"at": 15, "inject": (INCIDENT,)}).inject
    journal = change(stand(15), Change(at=15, inject=(event,))).run().journal
    assert journal is not None
    (entry,) = (one for one in journal.entries if one.kind == "incident")
    assert entry.hours == MAY_2025.hours_from_start(event.at)
    assert entry.detail == {"title": "An attack", "deaths": 40.0}


def test_a_moment_is_a_day_a_date_or_a_milestone() -> None:
    strike = whole().outcomes()["first_strike_at_hours"][0] / 24
    assert moment_of(whole(), "first_strike") == pytest.approx(strike, abs=1e-8)
    assert moment_of(whole(), "first_strike") > strike
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
        (99, {}, "is not in this crisis"),
        (15, {"force": {"inda": "wait"}}, "did you mean 'india'"),
        (15, {"force": {"india": "strike"}}, "india has no option 'strike'"),
        (15, {"force": {"iran": "engage"}}, "iran cannot engage on .*: it has done so"),
        (15, {"force": {"us": "engag"}}, "did you mean 'engage'"),
        (15, {"force": {"india": "calm"}}, "india has no option 'calm'; expected wait, protest"),
        (15, {"force": {"pakistan": "protest"}}, "'protest' is never open to pakistan after .* wait, mobilisation,"),
        (15, {"set": ("mediators.us=null",)}, "mediators cannot be changed .* agents cannot be added or removed"),
        (15, {"set": ("states.india.rung_at_start=calm",)}, "it matters only at the beginning|changes nothing"),
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
        (None, {"force": {"india": "wait"}}, "when is the crisis to be changed"),
        (15, {"futures": 0}, "expected 1 to 100,000 futures"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(at: Any, what: dict[str, Any], said: str) -> None:
    with pytest.raises(HistoryError, match=said):
        branch(MAY_2025, REPLICATE, at, **what)


def test_an_unknown_path_and_an_unknown_key_are_told_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="did you mean 'resolve'"):
        branch(MAY_2025, REPLICATE, 15, set=["states.india.resolv=0.1"])
    file = tmp_path / "events.yaml"
    file.write_text("- {at: 2025-05-14, struck: pakistan, deths: 4}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"events.yaml:1:38: error: unknown key 'deths'"):
        read_events(file)


@pytest.mark.slow
def test_two_histories_are_told_beside_one_another_from_where_they_part() -> None:
    made = branch(MAY_2025, REPLICATE, 18.38, force={"india": "wait"})
    planned = [
        one for one in follow(stand(18.38)) if one.event == "decide" and one.agent == "india"
    ]
    assert any(entry.kind == "planned" for entry in planned[0].entries)
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
    made = branch(
        MAY_2025, REPLICATE, "first_strike", force={"us": "engage"}, inject=[INCIDENT], futures=200
    )
    assert made.summary is not None
    assert made.summary["differences"]["changed"]["pairs"] == 200
    made.write(tmp_path)
    again = branch(tmp_path / "branch.yaml")
    assert again.summary == made.summary
    assert same(again.goes.model.outcomes(), made.goes.model.outcomes())
    assert again.head() == made.head()
    longer = branch(tmp_path / "branch.yaml", at=20.3, force={"india": "halt"})
    assert (longer.luck, len(longer.changes), longer.replicate) == ("same", 2, REPLICATE)
    scenario = tmp_path / "may_2025.yaml"
    scenario.write_text(
        scenario.read_text("utf-8").replace('"capability": 1.5', '"capability": 1.6'), "utf-8"
    )
    with pytest.raises(HistoryError, match=r"may_2025\.yaml has changed since"):
        branch(tmp_path / "branch.yaml")
    (tmp_path / "branch.yaml").write_text(
        f"scenario: may_2025\nreplicate: {REPLICATE}\nchanges: []\nluk: same\n", "utf-8"
    )
    with pytest.raises(ScenarioError, match=r"branch.yaml:4:1: error: unknown key 'luk'"):
        branch(tmp_path / "branch.yaml")


def test_the_steps_of_a_crisis_are_its_journal_and_each_can_be_left_out() -> None:
    steps = list(follow(begin(MAY_2025, 1, REPLICATE)))
    journal = whole().journal
    assert journal is not None
    entries = [entry for step in steps for entry in step.entries]
    assert entries == [entry for entry in journal.entries if entry.hours > 0]
    engaged = next(one for one in steps if (one.agent, one.event) == ("us", "engage"))
    one = begin(MAY_2025, 1, REPLICATE)
    one.crises[:] = engaged.before
    assert undo(one, engaged)
    later = one.run().outcomes()["us_engaged_at_hours"][0]
    assert not later <= engaged.days * 24
    # Its next turn comes with the luck that it would have had.
    clock = engaged.before["mediators"]["clocks"][0, engaged.index]
    one.crises[:] = engaged.before
    undo(one, engaged)
    more = one.crises["budgets"][0, clock] - engaged.before["budgets"][0, clock]
    assert more == pytest.approx(engaged.after["budgets"][0, clock], abs=1e-12)


@pytest.mark.slow
def test_the_command_prints_both_histories_and_leaves_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    asked = [
        "branch",
        str(FILE),
        "--replicate",
        str(REPLICATE),
        "--at",
        "18.38",
        "--force",
        "india=wait",
        "--out",
        "x",
    ]
    assert run_command(asked) == 0
    printed = capsys.readouterr()
    assert "India holds, where it begins to prepare limited strike." in printed.out
    for width in (60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert run_command([*asked[:-1], f"w{width}"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        assert any("as it was" in line and "changed" in line for line in lines)
    assert {"branch.yaml", "branch.md", "branch.svg", "may_2025.yaml"} <= {
        one.name for one in Path("x").iterdir()
    }
    assert run_command(["branch", "x/branch.yaml", "--futures", "50", "--json", "--out", "y"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["forced"] == {"india": 50}
    assert (Path("y") / "summary.json").exists()
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "mine.txt").touch()
    for wrong in (
        ["--out", "z"],
        ["--force", "pakistan"],
        ["--at", "now"],
        ["--inject", "no.yaml"],
    ):
        assert (
            run_command(
                [*asked, *wrong] if wrong[0] != "--at" else [*asked[:3], str(REPLICATE), *wrong]
            )
            == 2
        )
        assert "Traceback" not in capsys.readouterr().err
    assert [one.name for one in (tmp_path / "z").iterdir()] == ["mine.txt"]
