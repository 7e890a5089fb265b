from __future__ import annotations

import pytest

from crisis_sim.model.journal import Entry, Journal
from crisis_sim.report.story import ENDINGS, Narrator, tell
from crisis_sim.scenario.schema import Scenario
from tests.report.made_up import ENTRIES, EntryFacts, hours, make_journal, make_scenario


@pytest.fixture(scope="module")
def story(journal: Journal, scenario: Scenario) -> str:
    return tell(journal, scenario, {"deaths": 1234.4})


def told(*entries: tuple[str, str, dict[str, object]]) -> str:
    """The sentences of one turn."""
    narrator = Narrator(make_scenario(), 0.0)
    return " ".join(
        narrator.tell([Entry(339.0, kind, agent, facts) for kind, agent, facts in entries])
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "One simulated crisis between India and Pakistan, from Tuesday 22 April 2025, 15:00.",
        "Able to mediate: the United States, Saudi Arabia and China.",
        "The International Monetary Fund lends to Pakistan.",
        "Nawaz Sharif advises Pakistan.",
        "**Tuesday 22 April, 15:00.** Gunmen kill 26 at Pahalgam. With it the crisis begins.",
        "India and Pakistan both climb to border fire, from diplomatic and economic coercion.",
        "Shelling hits a village (2 dead).",
        "Five days pass with both sides at border fire. Nawaz Sharif urges restraint on Pakistan.",
        "India climbs from border fire to limited strike: the first strike of the crisis, 14.1 "
        "days after the trigger.",
        "Pakistan climbs from border fire to air and drone exchange, skipping 1 rung.",
        "An accident: fire from Pakistan goes astray.",
        "The United States, alarmed, steps in as a mediator and carries messages between the two",
        "Pakistan opens the line between the security advisers.",
        "China, alarmed, steps in as a mediator.",
        "The United States turns to carrots and sticks.",
        "The International Monetary Fund approves “first review” (USD 1 bn to Pakistan) and “new "
        "facility” (USD 1.4 bn to Pakistan); India abstains.",
        "to full-scale war, skipping 1 rung. The crisis has become a full-scale war.",
        "The line between the security advisers breaks off.",
        "Pakistan offers a halt.",
        "The two sides agree to a halt, brokered by the United States.",
        "**Saturday 10 May, 15:24.** The halt takes effect.",
        "India and Pakistan both step down to mobilisation, the one from full-scale war, the other "
        "from air and drone exchange.",
        "Shots violate the halt; India does not answer.",
        "China withdraws.",
        "The crisis ended by agreement: the ceasefire of Saturday 10 May 2025, 15:24, brokered by "
        "the United States, held for the 14 days for which it was watched.",
        "- First strike: 14.1 days after the trigger, by India (Tuesday 6 May, 18:00).",
        "- Halt: in effect 3.9 days after the first strike, brokered by the United States; "
        "violated once; it held.",
        "- Highest rung: India “full-scale war” and Pakistan “air and drone exchange”.",
        "- Deaths: about 1,234.",
        "- First strike after the trigger: 14.4 days in fact; 14.1 days here.",
        "- Ceasefire after the first strike: 3.7 days in fact; 3.9 days here.",
        "- Highest rung: “strikes on military bases” in fact; “full-scale war” here.",
        "- Lowest KSE-100, of its level at the start: 87.4% in fact;",
    ],
)
def test_the_story_holds_the_sentence(sentence: str, story: str) -> None:
    assert sentence in story


def test_chapters_follow_the_three_durations(story: str) -> None:
    heads = [line.removeprefix("## ") for line in story.splitlines() if line.startswith("## ")]
    assert heads == [
        "Before the first strike",
        "Under fire",
        "The halt",
        "How it ended",
        "Beside the record",
    ]


def test_each_turn_has_one_paragraph(story: str) -> None:
    times = [line.split(".**")[0] for line in story.splitlines() if line.startswith("**")]
    moments = {moment for moment, kind, *_ in ENTRIES if kind != "ended"}
    assert len(times) == len(set(times)) == len(moments)


def test_a_halt_that_fails_is_followed_by_another() -> None:
    failing: list[EntryFacts] = [
        *ENTRIES[:-4],
        ("05-11 00:00", "violation", "", {}),
        ("05-11 00:00", "relapsed", "india", {}),
        ("05-12 00:00", "agreed", "", {"by": ""}),
        ("05-12 04:00", "in_effect", "", {}),
        ("05-26 04:00", "ended", "", {"ending": "agreement"}),
    ]
    story = tell(make_journal(failing), make_scenario())
    assert "## After the halt failed" in story
    assert "Shots violate the halt; India answers, and the halt is over." in story
    assert "## A new halt" in story
    assert "agree to a halt, with no one between them." in story
    assert "over after 9 hours." in story


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != "agreement"])
def test_every_other_ending_is_told(ending: str) -> None:
    journal = make_journal([ENTRIES[0], ("05-24 15:00", "ended", "", {"ending": ending})])
    story = tell(journal, make_scenario(real_path=None))
    assert "## How it ended" in story
    assert ENDINGS[ending][0] in story
    assert ("Saturday 24 May 2025, 15:00" in story) == (ending != "unresolved")
    assert "- First strike: none fell." in story
    assert "- Halt: none was agreed." in story
    assert "Beside the record" not in story


def test_beside_the_record_it_says_what_did_not_come() -> None:
    journal = make_journal([ENTRIES[0], ("05-24 15:00", "ended", "", {"ending": "faded"})])
    story = tell(journal, make_scenario())
    assert "First strike after the trigger: 14.4 days in fact; none fell here." in story
    assert "Ceasefire after the first strike: 3.7 days in fact; no strike fell here." in story


def test_a_story_of_nothing(scenario: Scenario) -> None:
    assert "The story breaks off before its end." in tell(Journal(), scenario)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (("nuclear_use", "india", {}), "India uses nuclear weapons."),
        (("yielded", "pakistan", {}), "Pakistan yields: India gets what it wanted."),
        (("collapsed", "pakistan", {}), "Pakistan is beaten."),
        (("channel_opened", "military_hotline", {"by": ""}), "The military hotline opens."),
        (("spoke", "nawaz_sharif", {"stance": "hawk"}), "Nawaz Sharif urges firmness on Pakistan."),
        (("style", "us", {"style": "formulation"}), "The United States proposes terms"),
        (
            ("decided", "imf", {"decision": "delayed", "amount_usd_bn": 1.0, "vote": "against"}),
            "The International Monetary Fund puts off USD 1 bn to Pakistan; India votes against",
        ),
        (("incident", "india", {"title": "", "deaths": 3.0}), "India is harmed (3 dead)."),
        (("first_strike", "india", {}), "India strikes first."),
    ],
)
def test_single_sentences(entry: tuple[str, str, dict[str, object]], sentence: str) -> None:
    assert told(entry).startswith(sentence)


def test_a_users_own_agent_is_told_by_its_name_and_details() -> None:
    entry = ("imposed_sanctions", "summit_host", {"target": "india", "size": 2.5})
    assert told(entry) == "Summit host: imposed sanctions (target india and size 2.5)."


def test_what_is_told_again_says_so() -> None:
    narrator = Narrator(make_scenario(), 0.0)
    offer = [Entry(1.0, "offered", "india", {})]
    assert narrator.tell(offer) == ["India offers a halt."]
    assert narrator.tell(offer) == ["India offers a halt again."]


def test_text_from_the_scenario_cannot_steer_a_terminal() -> None:
    scenario = make_scenario(title="bad\x1b[2J\x07 title")
    assert "\x1b" not in tell(make_journal(), scenario)


def test_times_are_in_the_offset_of_the_scenario() -> None:
    journal = make_journal([ENTRIES[0], ("05-07 01:05", "war", "india", {})])
    assert "**Wednesday 7 May, 01:05.**" in tell(journal, make_scenario())
    assert hours("05-07 01:05") == pytest.approx(346.0 + 5.0 / 60.0)
