"""Every chart of a run can be read, however many scenarios and third parties there are."""

from __future__ import annotations

from typing import Any

import pytest

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.curves import MOST_CURVES, MOST_ROWS, draw_incidence, shown
from crisis_sim.report.replay import draw_replay
from crisis_sim.report.shares import draw_differences, draw_endings
from tests.report.looking import legends_over_data, overlaps, texts, words_in
from tests.report.made_up import CASES, make_batch, make_ensemble, make_journal, make_scenario

#: About where a chart begins to leave scenarios out, and far beyond.
SIZES = (2, 12, 13, 25, 80)

LONG = "Ministère des affaires étrangères et de la coopération internationale"


def named(place: int) -> str:
    return f"a_scenario_with_quite_a_long_name_number_{place}"


@pytest.fixture(scope="module")
def many() -> tuple[Batch, dict[str, Any]]:
    cases = list(CASES.values())
    batch = make_batch(
        *(
            make_ensemble(named(k), cases[k % len(cases)], replicates=40, paths=k == 0)
            for k in range(max(SIZES))
        )
    )
    return batch, summarise(batch)


def first(many: tuple[Batch, dict[str, Any]], size: int) -> tuple[Batch, dict[str, Any]]:
    batch, summary = many
    names = list(batch.ensembles)[:size]
    cut = {
        part: {name: one for name, one in summary[part].items() if name in names}
        for part in ("scenarios", "differences")
    }
    return make_batch(*(batch.ensembles[name] for name in names)), {**summary, **cut}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (draw_incidence, MOST_CURVES),
        (draw_endings, MOST_ROWS),
        (draw_differences, MOST_ROWS),
    ],
)
def test_any_number_of_scenarios_can_be_read_and_it_is_said_how_many_are_left_out(
    draw: Any, most: int, size: int, many: tuple[Batch, dict[str, Any]]
) -> None:
    figure = draw(*first(many, size))
    assert overlaps(figure) == []
    assert legends_over_data(figure) == []
    drawn = [one for one in texts(figure) if one.get_text().startswith("A scenario")]
    assert len(drawn) <= most + 1  # the title of the incidence names the reference once more
    ends = {one.get_text().split(":")[0][-2:] for one in drawn}
    assert len(ends) == min(size, most) - (draw is draw_differences)  # they are told apart
    said = words_in(figure)
    assert ("in the tables alone" in said) is (size > most)
    if size > most:
        assert f"{size - most} " in said


def test_those_that_differ_most_are_shown_in_the_order_of_the_batch(
    many: tuple[Batch, dict[str, Any]],
) -> None:
    batch, summary = many
    share = {
        name: one["endings"]["agreement"]["estimate"] for name, one in summary["scenarios"].items()
    }
    reference = summary["reference"]
    kept = shown(batch, summary, 12)
    assert reference in kept
    assert kept == [name for name in batch.ensembles if name in kept]
    apart = {name: abs(share[name] - share[reference]) for name in share}
    least = min(apart[name] for name in kept if name != reference)
    assert all(apart[name] <= least for name in share if name not in kept)
    assert shown(batch, summary, 80) == list(batch.ensembles)


def test_a_scenario_whose_share_is_not_known_gives_way() -> None:
    batch = make_batch(*(make_ensemble(name, replicates=40, paths=False) for name in CASES))
    summary = summarise(batch)
    summary["scenarios"]["no_mediators"]["endings"]["agreement"]["estimate"] = None
    assert shown(batch, summary, 6) == [name for name in CASES if name != "no_mediators"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mediators", "lenders", "channels", "advisers"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 13])
def test_a_replay_of_any_number_of_third_parties_can_be_read(kind: str, size: int) -> None:
    own = {"lenders": {"borrower": "india"}, "advisers": {"state": "india"}}.get(kind, {})
    standing = {"standing": True} if kind == "channels" else {}
    parts = {f"p{k}": {"title": f"{LONG} {k}", **own, **standing} for k in range(size)}
    parties = dict.fromkeys(("mediators", "lenders", "channels", "advisers"))
    scenario = make_scenario(**{**parties, kind: parts})
    figure = draw_replay(make_journal(), scenario)
    assert overlaps(figure) == []
    assert legends_over_data(figure) == []
    labels = [one.get_text() for one in texts(figure) if one.get_text().startswith("Ministère")]
    assert len(set(labels)) == size  # titles that begin alike are told apart by their ends
