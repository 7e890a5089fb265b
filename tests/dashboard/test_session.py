from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from crisis_sim import branch, why
from crisis_sim.batch import Ensemble, simulate
from crisis_sim.dashboard.scenario_files import open_reference
from crisis_sim.dashboard.session import Runs, Session
from crisis_sim.outcomes.measures import Reading
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import percent
from tests.dashboard.quarrel import QUARREL, write_quarrel

THRESHOLD = "mediators.elder.attention_threshold"
REPLICATES = 120
#: Futures of each history: enough for these tests, which compare words with words.
FUTURES = 20
#: Seconds that an answer may take on a busy machine.
PATIENCE = 120


@pytest.fixture(autouse=True)
def _few_futures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crisis_sim.dashboard.session.FUTURES", FUTURES)


class Counting(Runs):
    """Runs that note what was run."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def ensemble(self, scenario: Scenario, *others: object) -> object:  # type: ignore[override]
        self.asked.append(scenario.digest)
        return super().ensemble(scenario, *others)  # type: ignore[arg-type]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    made = Session(open_reference(write_quarrel(tmp_path)), Runs(), REPLICATES, seed=3)
    made.start()
    return rest(made)


def rest(session: Session) -> Session:
    """Wait until nothing is going on."""
    until = time.monotonic() + PATIENCE
    while session.shown.progress is not None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return session


def told(session: Session) -> dict[str, object]:
    until = time.monotonic() + PATIENCE
    while session.shown.crisis is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return dict(session.shown.crisis)


def looked_back(session: Session) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while (session.shown.past or {"going": True}).get("going"):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert session.shown.past is not None
    return dict(session.shown.past)


def test_at_first_the_scenario_is_shown_as_it_is(session: Session) -> None:
    view = session.shown.view
    assert view is not None
    assert [one["name"] for one in view["incidence"]["curves"]] == ["unchanged"]
    assert view["differences"] == []
    assert len(view["words"]) == 1


def test_moving_a_slider_shows_the_difference_on_the_same_luck(session: Session) -> None:
    session.move(THRESHOLD, 0.1)
    view = rest(session).shown.view
    assert view is not None
    assert [one["name"] for one in view["incidence"]["curves"]] == ["unchanged", "changed"]
    assert len(view["words"]) == 3
    assert len(view["differences"]) == 5
    assert all("interval" in one["text"] or one["estimate"] is None for one in view["differences"])


def test_two_variants_are_compared_and_a_link_takes_both_along(session: Session) -> None:
    session.move(THRESHOLD, 0.1)
    changed = rest(session).shown.view
    session.keep(on=True)
    kept = rest(session).shown.view
    assert changed is not None
    assert kept is not None
    assert [one["name"] for one in kept["endings"]] == ["kept"]
    assert kept["endings"][0]["shares"] == changed["endings"][1]["shares"]
    session.switch("mediators.envoy", on=False)
    both = rest(session).shown.view
    assert both is not None
    assert [one["name"] for one in both["incidence"]["curves"]] == ["kept", "changed"]
    assert len(both["differences"]) == 5
    again = Session(session.opened, Runs(), REPLICATES, seed=3)
    again.recall(session.address)
    again.start()
    assert rest(again).shown.view == both
    session.pick(4, "kept")
    assert (told(session)["which"], session.shown.crisis["other"]) == ("kept", "changed")  # type: ignore[index]
    session.back()
    names = [one["name"] for one in rest(session).shown.view["endings"]]  # type: ignore[index]
    assert names == ["kept", "unchanged"]
    session.keep(on=False)
    assert rest(session).shown.view["differences"] == []  # type: ignore[index]


def test_behaviour_is_drawn_over_fits_until_the_switch_is_put_back(session: Session) -> None:
    plain = session.shown.view
    session.fit(on=True)
    session.move(THRESHOLD, 0.1)
    view = rest(session).shown.view
    assert view is not None
    assert any(one.startswith("Over fits: each replicate drew one of") for one in view["advice"])
    session.back()
    session.fit(on=False)
    assert rest(session).shown.view == plain


def test_what_is_shown_is_what_run_would_say(session: Session, tmp_path: Path) -> None:
    session.move(THRESHOLD, 0.1)
    shown = rest(session).shown.view
    assert shown is not None
    scenario = open_reference(tmp_path / "quarrel.yaml").scenario
    batch = simulate(scenario, REPLICATES, seed=3)
    ended = batch.ensembles["quarrel"].column("ending")
    shares = {one["ending"]: one["share"] for one in shown["endings"][0]["shares"]}
    assert shares == {name: pytest.approx((ended == name).mean()) for name in shares}


def test_a_value_beyond_the_ends_stays_at_them_and_what_is_no_slider_is_let_be(
    session: Session,
) -> None:
    session.move(THRESHOLD, 7.0)
    assert session.changes.moved == {THRESHOLD: 1.0}
    for path, value in (("behaviour.halt.mistrust", 1.0), ("", 1.0), (THRESHOLD, float("nan"))):
        session.move(path, value)
    session.switch("states.north", on=False)
    assert session.changes.moved == {THRESHOLD: 1.0}
    assert not session.changes.off
    rest(session)


def test_the_same_scenario_is_run_once(tmp_path: Path) -> None:
    runs = Counting()
    opened = open_reference(write_quarrel(tmp_path))
    session = Session(opened, runs, REPLICATES, seed=3)
    session.start()
    rest(session).move(THRESHOLD, 0.1)
    rest(session).back(THRESHOLD)
    first = runs.ensemble(opened.scenario, REPLICATES, 3, lambda share: None)
    assert first is runs.ensemble(opened.scenario, REPLICATES, 3, lambda share: None)
    assert len(set(runs.asked)) == 2
    rest(session)


def test_only_the_newest_of_many_moves_is_shown(session: Session) -> None:
    for step in range(12):
        session.move(THRESHOLD, 0.9 - 0.05 * step)
    view = rest(session).shown.view
    alone = Session(session.opened, Runs(), REPLICATES, seed=3)
    alone.move(THRESHOLD, session.changes.moved[THRESHOLD])
    assert view == rest(alone).shown.view


def test_a_saved_file_can_be_opened_again(session: Session) -> None:
    session.move(THRESHOLD, 0.1)
    session.name("mine")
    name, text = session.file()
    session.open(name, text.encode())
    assert session.opened.scenario.name == "mine"
    assert session.opened.scenario.mediators["elder"].attention_threshold == 0.1
    assert not rest(session).changes


def test_the_picked_crisis_is_changed_from_a_moment_on_and_its_futures_are_told(
    session: Session,
) -> None:
    session.branch("1", "elder=engage")  # of no crisis yet
    assert session.shown.past is None
    session.pick(4)
    assert {"value": "elder=engage", "label": "the elder: engage"} in told(session)["choices"]  # type: ignore[operator]
    session.branch("1", "elder=engage")
    past = looked_back(session)
    made = branch(
        session.scenario, 4, "1", force={"elder": "engage"}, futures=FUTURES, seed=session.seed
    )
    assert past["told"][: len(made.head())] == made.head()
    assert made.told_parting() in past["told"]
    agreement = made.summary["scenarios"]["changed"]["endings"]["agreement"]["estimate"]  # type: ignore[index]
    assert past["shares"][0]["goes"][0] == f"{percent(agreement)}%"
    session.branch("someday", "elder=engage")
    assert looked_back(session)["mistake"].startswith("error: 'someday' is no moment")
    session.pick(5)
    until = time.monotonic() + PATIENCE
    while session.shown.past is not None:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_why_the_picked_crisis_went_as_it_went_is_told(session: Session) -> None:
    session.pick(4)
    told(session)
    session.why("ceasefire within 96 hours")
    answer = why(session.scenario, 4, "ceasefire within 96 hours", futures=FUTURES, seed=3).answer()
    assert looked_back(session) == {"told": answer, "shares": []}
    session.why("peace")
    assert looked_back(session)["mistake"].startswith("error: no outcome 'peace'")


def test_html_in_a_title_is_letters(tmp_path: Path) -> None:
    path = write_quarrel(tmp_path)
    path.write_text(QUARREL.replace("A quarrel", "A <script>alert(1)</script> *quarrel*"))
    session = Session(open_reference(path), Runs(), REPLICATES, seed=3)
    session.pick(0)
    story = str(told(session)["story"])
    assert "<script" not in story
    assert "&lt;script&gt;" in story


def test_days_are_counted_from_either_origin(session: Session) -> None:
    session.count("from_trigger")
    view = rest(session).shown.view
    assert view is not None
    assert view["incidence"]["origin"] == "the trigger"
    session.count("from_nowhere")
    assert session.clock == "from_trigger"


def test_a_scenario_too_big_for_memory_is_refused_kindly(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.dashboard.session.most_at_once", lambda scenarios: 100)
    session.move(THRESHOLD, 0.1)
    assert rest(session).shown.mistake == (
        "error: this scenario is so big that memory may not hold 120 crises of it at once: "
        "at most 100 (--replicates)"
    )


def test_whatever_goes_wrong_nobody_waits_for_ever(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("too far")

    monkeypatch.setattr("crisis_sim.dashboard.session.view", fail)
    session.move(THRESHOLD, 0.1)
    told = "error: this cannot be run: FloatingPointError: too far"
    assert rest(session).shown.mistake == told


def test_who_is_told_may_ask_for_more_at_once(session: Session) -> None:
    asked: list[float] = []

    def tell() -> None:
        if session.shown.progress is None and not asked:
            asked.append(0.2)
            session.move(THRESHOLD, 0.2)

    session.on_change = tell
    session.move(THRESHOLD, 0.1)
    until = time.monotonic() + PATIENCE
    while not asked and time.monotonic() < until:
        time.sleep(0.01)
    rest(session)
    assert session.changes.moved == {THRESHOLD: 0.2}


def test_a_first_look_is_shown_and_said_to_be_one_before_all_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.dashboard.session.LOOK", 30)
    seen: list[tuple[int, bool]] = []
    session = Session(open_reference(write_quarrel(tmp_path)), Runs(), REPLICATES, seed=3)

    def tell() -> None:
        if session.shown.view is not None:
            seen.append((session.shown.view["crises"], session.shown.first_look))

    session.on_change = tell
    session.start()
    rest(session)
    assert list(dict.fromkeys(seen)) == [(30, True), (REPLICATES, False)]


def test_a_newer_move_ends_the_run_before_it_within_a_turn(tmp_path: Path) -> None:
    turns: list[float] = []

    class Slow(Runs):
        def ensemble(self, scenario: Scenario, *others: Any) -> Ensemble:
            *before, watch = others

            def slowly(share: float) -> None:
                turns.append(share)
                time.sleep(0.02)
                watch(share)

            return super().ensemble(scenario, *before, slowly)

    session = Session(open_reference(write_quarrel(tmp_path)), Slow(), REPLICATES, seed=3)
    session.start()
    until = time.monotonic() + PATIENCE
    while len(turns) < 3:
        assert time.monotonic() < until
        time.sleep(0.005)
    session.end()
    after = len(turns)
    time.sleep(0.3)
    assert len(turns) <= after + 2
    assert max(turns) < 0.5


def test_what_was_read_of_the_unmoved_scenario_is_read_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    honest = Reading.of

    def noted(ensemble: Ensemble) -> Reading:
        read.append(ensemble)
        return honest(ensemble)

    monkeypatch.setattr(Reading, "of", noted)
    for value in (0.1, 0.2, 0.3):
        session.move(THRESHOLD, value)
        rest(session)
    assert len(read) == 3  # each move's own


def test_a_session_begins_with_what_its_address_asks_for(tmp_path: Path) -> None:
    opened, runs = open_reference(write_quarrel(tmp_path)), Runs()
    first = Session(opened, runs, REPLICATES, seed=3)
    first.move(THRESHOLD, 0.1)
    first.switch("mediators.envoy", on=False)
    first.count("from_trigger")
    first.fit(on=True)
    again = Session(opened, runs, REPLICATES, seed=3)
    again.recall(rest(first).address)
    again.start()
    assert (again.changes, again.clock, again.fits) == (first.changes, "from_trigger", True)
    assert rest(again).shown.view == first.shown.view
    assert again.shown.mistake == ""
    other = Session(opened, runs, REPLICATES, seed=3)
    other.recall("")
    assert not other.changes
    assert other.address == ""


def test_a_file_that_the_tab_has_not_kept_is_asked_for(tmp_path: Path) -> None:
    session = Session(open_reference(write_quarrel(tmp_path)), Runs(), REPLICATES, seed=3)
    session.recall(f"file=late.yaml&set={THRESHOLD}=0.1")
    session.reopen({})
    assert "the file late.yaml, which is not kept in this tab" in rest(session).shown.mistake
    assert session.opened.scenario.title == "A quarrel"
    assert not session.changes
    assert session.shown.view is not None
