"""What a visitor does and sees, without a browser; background jobs, and runs that are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crisis_sim import branch, why
from crisis_sim.batch import Ensemble, simulate
from crisis_sim.batch.block import BlockOrder
from crisis_sim.dashboard import session as sessions
from crisis_sim.dashboard.changes import open_reference
from crisis_sim.dashboard.session import MAX_JOBS, Job, LatestJob, Runs, Session
from crisis_sim.outcomes.measures import Reading
from crisis_sim.scenario import Scenario
from crisis_sim.text import percent
from tests.dashboard.conftest import QUARREL, write_quarrel

THRESHOLD = "mediators.elder.attention_threshold"
REPLICATES = 60
#: Futures of each history: enough for these tests, which compare words with words.
FUTURES = 20
#: Seconds that an answer may take on a busy machine.
PATIENCE = 120


@pytest.fixture(autouse=True)
def _few_futures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FUTURES", FUTURES)


@pytest.fixture
def made(tmp_path: Path) -> Session:
    """A session that has not been started."""
    return Session(open_reference(write_quarrel(tmp_path)), Runs(), REPLICATES, seed=3)


@pytest.fixture
def session(made: Session) -> Session:
    made.start()
    rest(made)
    return made


def wait_until(came: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := came()):
        assert time.monotonic() < until
        time.sleep(0.005)
    return found


def rest(session: Session) -> Any:
    """What is shown when nothing is going on."""
    wait_until(lambda: session.shown.progress is None)
    return session.shown.view


def told(session: Session) -> dict[str, Any]:
    return wait_until(lambda: session.shown.crisis)


def looked_back(session: Session) -> dict[str, Any]:
    wait_until(lambda: not (session.shown.past or {"going": True}).get("going"))
    return session.shown.past


def again(session: Session, query: str) -> Session:
    """Another session with the same runs, begun from an address."""
    other = Session(session.opened, session.runs, REPLICATES, seed=3)
    other.restore(query)
    other.start()
    rest(other)
    return other


def test_the_scenario_is_shown_unchanged_and_compared_with_the_changes(session: Session) -> None:
    view = rest(session)
    assert [one["name"] for one in view["incidence"]["curves"]] == ["unchanged"]
    assert (view["differences"], len(view["words"])) == ([], 1)
    session.move(THRESHOLD, 0.1)
    view = rest(session)
    assert [one["name"] for one in view["incidence"]["curves"]] == ["unchanged", "changed"]
    assert (len(view["differences"]), len(view["words"])) == (5, 3)
    assert all("interval" in one["text"] or one["estimate"] is None for one in view["differences"])
    batch = simulate(session.opened.scenario, REPLICATES, seed=3)
    ended = batch.ensembles["quarrel"].column("ending")
    shares = {one["ending"]: one["share"] for one in view["endings"][0]["shares"]}
    assert shares == {name: pytest.approx((ended == name).mean()) for name in shares}
    session.count("from_trigger")
    assert rest(session)["incidence"]["origin"] == "the trigger"
    session.count("from_nowhere")
    assert session.clock == "from_trigger"


def test_two_variants_are_compared_and_a_link_takes_both_along(session: Session) -> None:
    session.move(THRESHOLD, 0.1)
    changed = rest(session)
    session.keep(on=True)
    kept = rest(session)
    assert [one["name"] for one in kept["endings"]] == ["kept"]
    assert kept["endings"][0]["shares"] == changed["endings"][1]["shares"]
    session.switch("mediators.envoy", on=False)
    both = rest(session)
    assert [one["name"] for one in both["incidence"]["curves"]] == ["kept", "changed"]
    assert len(both["differences"]) == 5
    assert again(session, session.address).shown.view == both
    session.pick(4, "kept")
    assert (told(session)["which"], session.shown.crisis["other"]) == ("kept", "changed")
    session.back()
    assert [one["name"] for one in rest(session)["endings"]] == ["kept", "unchanged"]
    session.keep(on=False)
    assert rest(session)["differences"] == []


def test_a_session_is_restored_from_its_address(session: Session) -> None:
    plain = rest(session)
    session.fit(on=True)
    session.move(THRESHOLD, 0.1)
    session.switch("mediators.envoy", on=False)
    session.count("from_trigger")
    view = rest(session)
    assert any(one.startswith("Over fits: each replicate drew one of") for one in view["advice"])
    other = again(session, session.address)
    assert (other.changes, other.clock, other.fits) == (session.changes, "from_trigger", True)
    assert (other.shown.view, other.shown.mistake) == (view, "")
    other.back()
    other.fit(on=False)
    other.count("from_first_strike")
    assert rest(other) == plain
    assert other.address == ""


def test_a_file_that_the_tab_has_not_stored_is_reported(made: Session) -> None:
    made.restore(f"file=late.yaml&set={THRESHOLD}=0.1")
    made.reopen({})
    assert rest(made) is not None
    assert "the file late.yaml, which this tab has not stored" in made.shown.mistake
    assert made.opened.scenario.title == "A quarrel"
    assert not made.changes


def test_values_are_limited_and_unknown_paths_ignored(session: Session) -> None:
    session.move(THRESHOLD, 7.0)
    for path, value in (("behaviour.halt.mistrust", 1.0), ("", 1.0), (THRESHOLD, float("nan"))):
        session.move(path, value)
    session.switch("states.north", on=False)
    assert session.changes.moved == {THRESHOLD: 1.0}
    assert not session.changes.off
    rest(session)


def test_only_the_latest_of_many_changes_is_shown(session: Session) -> None:
    for step in range(12):
        session.move(THRESHOLD, 0.9 - 0.05 * step)
    view = rest(session)
    alone = Session(session.opened, Runs(), REPLICATES, seed=3)
    alone.move(THRESHOLD, session.changes.moved[THRESHOLD])
    assert view == rest(alone)


def test_nothing_is_run_or_read_twice(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    run: list[object] = []
    honest, runs = Reading.of, sessions.run
    monkeypatch.setattr(Reading, "of", lambda one: read.append(one) or honest(one))
    monkeypatch.setattr(sessions, "run", lambda *given: run.append(given) or runs(*given))
    for value in (0.1, 0.2, 0.1):
        session.move(THRESHOLD, value)
        rest(session)
    assert (len(read), len(run)) == (3, 2)  # each move's own; the first again is not run again


def test_a_saved_file_can_be_opened_again(session: Session) -> None:
    session.move(THRESHOLD, 0.1)
    session.name("mine")
    name, text = session.file()
    session.open(name, text.encode())
    assert session.opened.scenario.name == "mine"
    assert session.opened.scenario.mediators["elder"].attention_threshold == 0.1
    rest(session)
    assert not session.changes


def test_the_picked_crisis_is_branched_and_its_outcome_explained(session: Session) -> None:
    session.branch("1", "elder=engage")  # of no crisis yet
    assert session.shown.past is None
    session.pick(4)
    assert {"value": "elder=engage", "label": "the elder: engage"} in told(session)["choices"]
    session.branch("1", "elder=engage")
    past = looked_back(session)
    how: dict[str, Any] = {"futures": FUTURES, "seed": 3}
    made = branch(session.scenario, 4, "1", force={"elder": "engage"}, **how)
    assert past["told"][: len(made.head())] == made.head()
    assert made.divergence_text() in past["told"]
    agreement = made.summary["scenarios"]["changed"]["endings"]["agreement"]["estimate"]
    assert past["shares"][0]["goes"][0] == f"{percent(agreement)}%"
    session.branch("someday", "elder=engage")
    assert looked_back(session)["mistake"].startswith("error: 'someday' is not a moment")
    session.why("ceasefire within 96 hours")
    answer = why(session.scenario, 4, "ceasefire within 96 hours", **how).answer()
    assert looked_back(session) == {"told": answer, "shares": []}
    session.why("peace")
    assert looked_back(session)["mistake"].startswith("error: no outcome 'peace'")
    session.pick(5)
    wait_until(lambda: session.shown.past is None)


def test_html_in_a_title_is_escaped(tmp_path: Path) -> None:
    path = write_quarrel(tmp_path)
    path.write_text(QUARREL.replace("A quarrel", "A <script>alert(1)</script> *quarrel*"))
    session = Session(open_reference(path), Runs(), REPLICATES, seed=3)
    session.pick(0)
    story = told(session)["story"]
    assert "<script" not in story
    assert "&lt;script&gt;" in story


def test_errors_are_shown_and_end_a_run(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as small:
        small.setattr(sessions, "max_block_size", lambda scenarios: 10)
        session.move(THRESHOLD, 0.1)
        rest(session)
    assert session.shown.mistake == (
        "error: 60 crises of this scenario might not fit into memory: expected at most 10 (--replicates)"
    )

    def fail(*_: object) -> None:
        raise FloatingPointError("too far")

    monkeypatch.setattr(sessions, "view", fail)
    session.move(THRESHOLD, 0.2)
    rest(session)
    assert session.shown.mistake == "error: this cannot be run: FloatingPointError: too far"


def test_callbacks_may_start_another_run(session: Session) -> None:
    asked: list[float] = []

    def tell() -> None:
        if session.shown.progress is None and not asked:
            asked.append(0.2)
            session.move(THRESHOLD, 0.2)

    session.on_change = tell
    session.move(THRESHOLD, 0.1)
    wait_until(lambda: asked)
    rest(session)
    assert session.changes.moved == {THRESHOLD: 0.2}


def test_a_preview_comes_before_all_results(made: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PREVIEW", 15)
    seen: list[tuple[int, bool]] = []

    def tell() -> None:
        if made.shown.view is not None:
            seen.append((made.shown.view["crises"], made.shown.preview))

    made.on_change = tell
    made.start()
    rest(made)
    assert list(dict.fromkeys(seen)) == [(15, True), (REPLICATES, False)]


def test_a_cancelled_run_ends_soon(made: Session) -> None:
    turns: list[float] = []

    class Slow(Runs):
        def ensemble(self, scenario: Scenario, *others: Any) -> Ensemble:
            *before, watch = others

            def slowly(share: float) -> None:
                turns.append(share)
                time.sleep(0.02)
                watch(share)

            return super().ensemble(scenario, *before, slowly)

    made.runs = Slow()
    made.start()
    wait_until(lambda: len(turns) >= 3)
    made.end()
    after = len(turns)
    time.sleep(0.2)
    assert len(turns) <= after + 2
    assert max(turns) < 0.5


# Runs that are kept.


def quiet(share: float) -> None:
    """Watches and says nothing."""


def plain(ensemble: Ensemble, name: str) -> list[str]:
    return list(map(str, ensemble.column(name).tolist()))


def test_the_progress_of_a_batch_goes_from_0_to_1(quarrel: Scenario) -> None:
    seen: list[float] = []
    other = quarrel.changed({"states.north.resolve": 0.5})
    assert Runs().batch({"unchanged": quarrel, "changed": other}, 40, 5, seen.append).seed == 5
    assert seen == sorted(seen)
    assert 0.0 < seen[0] < 0.1
    assert 0.9 < seen[-1] <= 1.0


def test_the_cache_drops_the_least_recently_used_ensembles(quarrel: Scenario) -> None:
    runs = Runs(size=2)
    one, two = (runs.ensemble(quarrel, 20, seed, quiet) for seed in (1, 2))
    renamed = quarrel.model_copy(update={"name": "other"})  # a name makes no difference
    assert runs.ensemble(renamed, 20, 1, quiet) is one
    runs.ensemble(quarrel, 20, 3, quiet)
    assert runs.ensemble(quarrel, 20, 1, quiet) is one
    assert runs.ensemble(quarrel, 20, 2, quiet) is not two


def test_slow_runs_begin_with_a_preview(quarrel: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PREVIEW", 10)
    asked: list[tuple[int, int]] = []
    honest = sessions.run_block

    def noted(order: BlockOrder, *others: Any) -> Any:
        asked.append((order.first, order.count))
        return honest(order, *others)

    monkeypatch.setattr(sessions, "run_block", noted)
    runs = Runs()
    assert runs.preview([quarrel], 39, 5) is None  # not worth its while
    assert runs.preview([quarrel], 40, 5) == 10
    few, whole = (runs.ensemble(quarrel, count, 5, quiet) for count in (10, 40))
    assert asked == [(0, 10), (10, 30)]  # nothing is run twice
    alone = simulate(quarrel, 40, seed=5).ensembles["quarrel"]
    for name in whole.table.column_names:
        assert plain(whole, name) == plain(alone, name), name
        assert plain(few, name) == plain(whole, name)[:10], name
    assert runs.preview([quarrel], 40, 5) is None  # they are here
    monkeypatch.setattr(sessions, "SKIP_PREVIEW", 0.0)
    assert runs.preview([quarrel], 40, 6) == 10
    monkeypatch.setattr(sessions, "SKIP_PREVIEW", 1e9)
    assert runs.preview([quarrel], 40, 6) is None  # as quick as those before


# Background jobs.


def test_results_of_cancelled_jobs_are_dropped() -> None:
    latest, go, taken = LatestJob(), threading.Event(), []

    def late(job: Job) -> None:
        go.wait(5)
        job.deliver(lambda: taken.append("old"))

    thread = latest.start(late)
    latest.cancel()
    go.set()
    thread.join(5)
    assert not thread.is_alive()
    assert taken == []


def test_waiting_jobs_end_when_a_newer_one_starts() -> None:
    go, busy = threading.Event(), [LatestJob() for _ in range(MAX_JOBS)]
    threads = [one.start(lambda job: go.wait(5) and None) for one in busy]
    waiting, taken = LatestJob(), []
    first = waiting.start(lambda job: taken.append("first"))
    second = waiting.start(lambda job: taken.append("second"))
    first.join(5)
    assert not first.is_alive()
    go.set()
    for thread in (*threads, second):
        thread.join(5)
    assert taken == ["second"]
