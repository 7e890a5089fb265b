from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crisis_sim.dashboard.changes import (
    MAX_QUERY,
    Asked,
    Changes,
    asked_by,
    groups_of,
    recall,
)
from crisis_sim.scenario import load_scenario
from tests.dashboard.quarrel import write_quarrel

THRESHOLD = "mediators.elder.attention_threshold"
Read = Callable[[str], tuple[Changes, list[str]]]
CLOCKS = ("from_first_strike", "from_trigger")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What comes of a query where the quarrel is open."""
    groups = groups_of(load_scenario(write_quarrel(tmp_path)))
    sliders = {one.path: one for group in groups for one in group.sliders}
    switches = {group.path for group in groups if group.switched}

    def of(query: str) -> tuple[Changes, list[str]]:
        return recall(asked_by(query), sliders, switches, CLOCKS)

    return of


def test_changes_come_back_as_they_were(read: Read) -> None:
    changes = (
        Changes()
        .move(THRESHOLD, 0.1 + 0.2)
        .move("lenders.bank.days_later", -3.0)
        .switch("mediators.elder", on=False)
    )
    asked = Asked(tuple(changes.as_set(everything=True)), "from_trigger", "late one.yaml")
    assert asked_by(asked.query) == asked
    assert read(asked.query) == (changes, [])


def test_nothing_changed_is_no_query() -> None:
    assert Asked().query == ""
    assert asked_by("") == Asked()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            "set=mediators.eldr.attention_threshold=1",
            f"which has no slider here; did you mean '{THRESHOLD}'?",
        ),
        (f"set={THRESHOLD}=9", f"sets {THRESHOLD} to '9': expected a number from 0 to 1"),
        (f"set={THRESHOLD}=nan", "to 'nan': expected a number from 0 to 1"),
        (f"set={THRESHOLD}=null", "to 'null': expected a number"),
        (f"set={THRESHOLD}", "to '': expected a number"),
        ("set=states.north=null", "'states.north', which has no slider here"),
        ("clock=sundial", "counts time 'sundial': expected from_first_strike or from_trigger"),
        ("set=" + "x" * MAX_QUERY, "too long to be one of this page"),
    ],
)
def test_what_is_wrong_is_told_and_not_done(read: Read, query: str, told: str) -> None:
    changes, (mistake,) = read(query)
    assert not changes
    assert told in mistake


def test_what_is_right_is_done_beside_what_is_wrong(read: Read) -> None:
    changes, mistakes = read(f"set={THRESHOLD}=0.25&set=nonsense&utm_source=mail")
    assert changes.moved == {THRESHOLD: 0.25}
    assert len(mistakes) == 1


def test_a_strangers_text_is_told_short_and_without_what_steers(read: Read) -> None:
    _, (mistake,) = read("set=%1b[31m" + "y" * 500)
    assert "\x1b" not in mistake
    assert len(mistake) < 150
