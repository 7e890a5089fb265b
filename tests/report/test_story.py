"""The story of a replay: milestones, the sentence for each kind of entry, and the text around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.model.journal import CODES, Entry, Journal
from crisis_sim.report.story import (
    ENDINGS,
    SENTENCES,
    Narrator,
    gist_of,
    story_html,
    tell,
    turning_points,
)
from tests.report.looking import read
from tests.report.made_up import MAY_2025, hours, make_scenario

#: An entry's moment (month, day and time), kind, agent and detail.
EntryFacts = tuple[str, str, str, dict[str, Any]]

CLAIMS = "diplomatic and economic coercion"
FIRE = "border fire"
STRIKE = "limited strike"
DRONES = "air and drone exchange"
WAR = "full-scale war"
REVIEW = {"decision": "approved", "vote": "abstain"}


def act(moment: str, state: str, rung: str) -> EntryFacts:
    return moment, "act", state, {"to_rung": rung}


#: A crisis much like the real one, with nearly every kind of entry that a journal knows.
ENTRIES: tuple[EntryFacts, ...] = (
    ("04-22 15:00", "trigger", "india", {"title": "Gunmen kill 26 at Pahalgam", "deaths": 26.0}),
    act("04-23 18:00", "india", CLAIMS),
    act("04-24 15:00", "pakistan", CLAIMS),
    act("04-26 21:00", "india", FIRE),
    act("04-26 21:00", "pakistan", FIRE),
    ("04-27 09:00", "operation_ended", "india", {"rung": FIRE}),
    ("04-28 06:00", "planned", "india", {"rung": STRIKE}),
    ("04-29 06:00", "planned", "pakistan", {"rung": DRONES}),
    ("04-29 18:00", "plan_dropped", "pakistan", {"rung": DRONES}),
    ("04-30 03:00", "incident", "pakistan", {"title": "Shelling hits a village", "deaths": 2.0}),
    ("05-05 09:00", "spoke", "nawaz_sharif", {"stance": "dove"}),
    act("05-06 18:00", "india", STRIKE),
    ("05-06 18:00", "first_strike", "india", {}),
    act("05-07 21:00", "pakistan", DRONES),
    act("05-08 00:00", "india", DRONES),
    ("05-08 03:00", "accident", "pakistan", {}),
    ("05-08 12:00", "engaged", "us", {}),
    ("05-08 12:00", "channel_opened", "nsa_line", {}),
    ("05-08 21:00", "engaged", "china", {}),
    ("05-08 21:00", "refused", "china", {"by": "india"}),
    ("05-09 20:00", "decided", "imf", {**REVIEW, "amount_usd_bn": 1.0, "title": "first review"}),
    ("05-09 20:00", "decided", "imf", {**REVIEW, "amount_usd_bn": 1.4, "title": "new facility"}),
    act("05-10 00:00", "india", WAR),
    ("05-10 00:00", "war", "india", {}),
    ("05-10 06:00", "channel_broke", "nsa_line", {}),
    ("05-10 09:00", "offered", "pakistan", {}),
    ("05-10 12:00", "agreed", "", {"by": "us"}),
    ("05-10 15:24", "in_effect", "", {}),
    ("05-10 21:00", "violation", "pakistan", {}),
    ("05-10 21:00", "absorbed", "india", {}),
    ("05-24 15:00", "ended", "", {"ending": "agreement"}),
)


def make_journal(entries: Sequence[EntryFacts] = ENTRIES) -> Journal:
    """A journal of these entries, with the rungs and markets that they imply."""
    journal = Journal(entries=[Entry(hours(moment), *facts) for moment, *facts in entries])
    times = np.arange(0.0, journal.entries[-1].hours + 3.0, 3.0)
    journal.series["hours"] = times.tolist()
    names = [rung.name for rung in MAY_2025.ladder]
    for state, fall in (("india", 0.02), ("pakistan", 0.15)):
        rungs = np.zeros_like(times)
        for entry in journal.entries:
            if (entry.kind, entry.agent) == ("act", state):
                rungs[times >= entry.hours] = names.index(entry.detail["to_rung"])
        journal.series[f"{state}_rung"] = rungs.tolist()
        journal.series[f"{state}_market"] = (1.0 - fall * rungs / 9.0).tolist()
    return journal


STRUCK_AT_ONCE: list[EntryFacts] = [
    ENTRIES[0],
    ("04-24 15:00", *ENTRIES[0][1:]),  # a second trigger does not begin the crisis again
    act("05-06 18:00", "india", "limited strike"),
    ("05-06 18:00", "first_strike", "india", {}),
    act("05-06 18:00", "pakistan", "air and drone exchange"),
    ("05-24 15:00", "ended", "", {"ending": "faded"}),
]
FAILING: list[EntryFacts] = [
    *ENTRIES[:-3],
    ("05-11 00:00", "violation", "pakistan", {}),
    ("05-11 00:00", "relapsed", "india", {}),
    ("05-12 00:00", "agreed", "", {"by": ""}),
    ("05-12 04:00", "in_effect", "", {}),
    ("05-26 04:00", "ended", "", {"ending": "agreement"}),
]
STORIES: dict[str, list[EntryFacts]] = {
    "much like the real one": list(ENTRIES),
    "a halt that fails is followed by another": FAILING,
    "an answer within the minute": STRUCK_AT_ONCE,
    "no strike": [ENTRIES[0], ("05-24 15:00", "ended", "", {"ending": "faded"})],
    "cut off": list(ENTRIES[:1]),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story(name: str, snapshot: SnapshotAssertion) -> None:
    journal = make_journal(STORIES[name])
    struck = any(kind == "first_strike" for _, kind, *_ in STORIES[name])
    paused = hours("05-10 15:24") if struck else float("nan")
    outcome = {"deaths": 1234.4, "strikes_paused_at_hours": paused}
    assert tell(journal, MAY_2025, outcome) == snapshot
    assert gist_of(journal, MAY_2025, outcome) == snapshot(name="in short")


@pytest.mark.parametrize("ending", [one for one in ENDINGS if one != "agreement"])
def test_every_other_ending_has_a_sentence(ending: str, snapshot: SnapshotAssertion) -> None:
    journal = make_journal([ENTRIES[0], ("05-24 15:00", "ended", "", {"ending": ending})])
    story = tell(journal, make_scenario(real_path=None))
    assert story.partition("## How it ended")[2] == snapshot


def narrated(*entries: tuple[str, str, dict[str, object]]) -> str:
    """The sentences of one moment."""
    return " ".join(Narrator(MAY_2025, 0.0).tell([Entry(339.0, *one) for one in entries]))


def test_the_trigger_comes_before_mediators_that_engage_at_once() -> None:
    trigger = ("trigger", "india", {"title": "An attack", "deaths": 3.0})
    sentences = narrated(("engaged", "us", {}), trigger)
    assert sentences.index("An attack") < sentences.index(
        "The United States steps in as a mediator."
    )


def test_sentences(snapshot: SnapshotAssertion) -> None:
    agents = {"spoke": "nawaz_sharif", "decided": "imf", "engaged": "us", "refused": "china"}
    words = ("dove", "hawk", "approved")
    planned = ("planned", "plan_dropped", "operation_ended")
    found = {}
    for key in SENTENCES:
        kind, _, word = key.partition(":")
        agent = agents.get(kind, "india")
        agent = "dgmo_hotline" if kind.startswith("channel") else agent
        detail: dict[str, object] = {"by": "us"} if word == "by" else {}
        if word in words:
            detail = dict.fromkeys(("stance", "decision"), word)
        if kind == "refused":
            detail = {"by": "india"}
        if kind in ("act", *planned):
            detail = {"to_rung" if kind == "act" else "rung": "limited strike"}
        if kind == "decided":
            detail |= {"amount_usd_bn": 1.0, "vote": "for" if word else "against"}
        found[key] = narrated((kind, agent, detail))
    kinds = {key.partition(":")[0] for key in SENTENCES}
    assert kinds == {"trigger", "incident", *CODES} - {"event"}  # all that the model notes
    found["harmed"] = narrated(("incident", "india", {"title": "", "deaths": 3.0}))
    found["strike"] = narrated(("first_strike", "india", {}))
    found["own"] = narrated(("imposed_sanctions", "summit_host", {"target": "india", "size": 2.5}))
    assert found == snapshot
    narrator = Narrator(MAY_2025, 0.0)
    offer = [Entry(1.0, "offered", "india", {})]
    assert [narrator.tell(offer) for _ in range(2)] == [
        ["India offers a halt."],
        ["India offers a halt again."],
    ]


def test_the_story_and_the_milestones_of_an_empty_journal() -> None:
    assert "The story breaks off before its end." in tell(Journal(), MAY_2025)
    # Text from the scenario cannot steer a terminal.
    assert "\x1b" not in tell(Journal(), make_scenario(title="bad\x1b[2J\x07 title"))
    points = turning_points(Journal(), MAY_2025)
    assert points.ending == ""
    assert points.peak_rungs == {"india": 0, "pakistan": 0}
    ended = ("06-20 15:00", "ended", "", {"ending": "unresolved"})
    points = turning_points(make_journal([ENTRIES[0], ended]), MAY_2025)
    assert (points.ended_at_hours, points.first_strike, points.ceasefire) == (None, None, None)


def test_the_milestones_of_a_crisis() -> None:
    points = turning_points(make_journal(), MAY_2025)
    assert points.first_strike == (pytest.approx(hours("05-06 18:00")), "india")
    assert points.ceasefire is points.halts[0]
    assert (points.halts[0].brokered_by, points.halts[0].violations) == ("us", 1)
    assert points.ending == "agreement"
    assert points.ended_at_hours == pytest.approx(hours("05-10 15:24"))
    assert points.peak_rungs == {"india": 8, "pakistan": 6}


def test_a_halt_before_the_first_strike_is_not_its_ceasefire() -> None:
    halts = [
        ("04-23 15:00", "agreed", "", {"by": ""}),
        ("04-23 16:00", "in_effect", "", {}),
        ("04-25 16:00", "relapsed", "india", {}),
        act("04-26 16:00", "india", "limited strike"),
        ("04-27 16:00", "agreed", "", {"by": ""}),
        ("04-27 20:00", "in_effect", "", {}),
    ]
    points = turning_points(make_journal([ENTRIES[0], *halts]), MAY_2025)
    assert points.ceasefire is points.halts[1]
    assert points.halts[0].relapsed_at_hours == pytest.approx(hours("04-25 16:00"))


def test_a_story_as_html_has_deeper_headings_no_title_and_no_other_markdown() -> None:
    page = read(story_html("# A title\n\nWho.\n\n## Under fire\n\n**Monday.** Strikes.\n\n- one\n"))
    assert [one.text for one in page.all("h4", "strong", "li")] == ["Under fire", "Monday.", "one"]
    assert "A title" not in page.text
    hostile = "# t\n\n[a](javascript:b) ![c](http://d) <img src=x> <http://e>\n\n```\nf\n```\n"
    page = read(story_html(hostile))
    assert not page.all("a", "img", "code", "pre")
    assert "[a](javascript:b)" in page.text
