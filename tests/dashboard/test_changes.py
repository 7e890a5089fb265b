"""What can be changed in a scenario, what was, the address that keeps it, and the files that come in and go out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crisis_sim.cli import DONE
from crisis_sim.dashboard.changes import (
    MAX_NAME,
    MAX_QUERY,
    Changes,
    Group,
    Opened,
    Query,
    Slider,
    as_scenario_file,
    file_name,
    groups_of,
    number_in_words,
    open_reference,
    open_upload,
    parse_query,
    restore,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.scenario import Scenario, load_scenario
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.introspect import numbers_of, slot_at
from crisis_sim.scenario.load import shipped_names
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.yaml_text import MAX_BYTES
from tests.conftest import Cli
from tests.dashboard.conftest import QUARREL, write_quarrel

THRESHOLD = "mediators.elder.attention_threshold"


def sliders(scenario: Scenario) -> dict[str, Slider]:
    return {one.path: one for group in groups_of(scenario) for one in group.sliders}


@pytest.fixture(scope="module")
def groups(quarrel: Scenario) -> dict[str, Group]:
    return {group.path: group for group in groups_of(quarrel)}


def recalled(quarrel: Scenario, query: str) -> tuple[Changes, list[str]]:
    """What comes of a query where the quarrel is open."""
    asked = parse_query(query)
    switches = {group.path for group in groups_of(quarrel) if group.switched}
    changes, mistakes = restore(asked.sets, sliders(quarrel), switches)
    return changes, [*asked.mistakes, *mistakes]


def test_changes_equal_overrides_and_can_be_undone(quarrel: Scenario) -> None:
    changes = Changes().move(THRESHOLD, 0.2).switch("mediators.envoy", on=False)
    assert changes.overrides() == [f"{THRESHOLD}=0.2", "mediators.envoy=null"]
    same = Scenario.from_text(QUARREL, "quarrel", changes.overrides())
    assert changes.apply(ScenarioEditor(quarrel)).digest == same.digest
    assert changes
    assert not changes.back(THRESHOLD).switch("mediators.envoy", on=True)


def test_numbers_of_a_removed_agent_have_no_effect_until_it_returns(quarrel: Scenario) -> None:
    out = Changes().move(THRESHOLD, 0.2).switch("mediators.elder", on=False)
    assert out.overrides() == ["mediators.elder=null"]
    made = out.apply(ScenarioEditor(quarrel))
    assert "elder" not in made.mediators
    assert made.channels["line"].opened_by == ("north",)
    assert out.switch("mediators.elder", on=True).effective == {THRESHOLD: 0.2}
    longer = Changes().move("mediators.uk.attention_days", 2.0).switch("mediators.u", on=False)
    assert longer.effective == {"mediators.uk.attention_days": 2.0}  # another's name begins alike


# The address.


def test_changes_are_restored_from_a_query(quarrel: Scenario) -> None:
    changes = (
        Changes()
        .move(THRESHOLD, 0.1 + 0.2)
        .move("lenders.bank.days_later", -3.0)
        .switch("mediators.elder", on=False)
    )
    sets = tuple(changes.overrides(everything=True))
    asked = Query(sets, sets[:1], "from_trigger", "late one.yaml")
    assert parse_query(asked.encoded) == asked
    assert recalled(quarrel, asked.encoded) == (changes, [])
    assert (Query().encoded, parse_query("")) == ("", Query())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            "set=mediators.eldr.attention_threshold=1",
            f"which has no slider here; did you mean '{THRESHOLD}'?",
        ),
        (f"set={THRESHOLD}=9", f"sets {THRESHOLD} to '9': expected a number from 0 to 1"),
        (f"set={THRESHOLD}=nan", "to 'nan': expected a number from 0 to 1"),
        (f"set={THRESHOLD}", "to '': expected a number"),
        ("set=states.north=null", "'states.north', which has no slider here"),
        (
            "clock=sundial",
            "unknown clock 'sundial' in the address: expected from_first_strike or from_trigger",
        ),
        ("set=" + "x" * MAX_QUERY, "the address is too long"),
        ("set=%1b[31m" + "y" * 500, "'[31myyy"),
    ],
)
def test_mistakes_in_a_query_are_reported(quarrel: Scenario, query: str, told: str) -> None:
    changes, (mistake,) = recalled(quarrel, query)
    assert not changes
    assert told in mistake
    assert len(mistake) < 150
    changes, mistakes = recalled(quarrel, f"set={THRESHOLD}=0.25&{query[:500]}&utm_source=mail")
    assert len(mistakes) == 1
    assert changes.moved == {THRESHOLD: 0.25}


# Sliders and switches.


@pytest.mark.parametrize("name", shipped_names())
def test_every_number_that_the_schema_marks_has_a_slider_with_round_ends(name: str) -> None:
    scenario = load_scenario(name)
    marked = {
        path
        for path in numbers_of(scenario)
        for slot in [slot_at([int(w) if w.isdigit() else w for w in path.split(".")])]
        if slot is not None and slot.slider
    }
    found = sliders(scenario)
    assert set(found) == marked
    for one in found.values():
        assert [float(f"{end:.2g}") for end in (one.low, one.high)] == [one.low, one.high]
        assert one.spread is None or one.low <= one.spread[0] <= one.spread[1] <= one.high


def test_sliders_have_the_attributes_of_schema_and_scenario(quarrel: Scenario) -> None:
    found = sliders(quarrel)
    one = found[THRESHOLD]
    assert (one.label, one.unit) == ("Attention threshold", "intensity")
    assert one.meaning == "danger above it makes the mediator engage sooner, danger below it later"
    assert (one.low, one.high, one.step) == (0.0, 1.0, 0.01)
    assert one.given == Distribution("uniform", (0.4, 0.6))
    assert (one.middle, one.spread) == (pytest.approx(0.5), (0.4, 0.6))
    one = found["lenders.bank.days_later"]
    assert (one.low, one.high, one.spread) == (-20, 30, None)
    far = Scenario.from_text(QUARREL, "quarrel", ["behaviour.halt.economic_relief=35"])
    one = sliders(far)["behaviour.halt.economic_relief"]  # it reaches what the scenario says
    assert (one.middle, one.high) == (35, 35)


def test_wide_sliders_are_logarithmic_and_accept_numbers_beyond_their_ends() -> None:
    found = sliders(load_scenario("may_2025"))
    days = found["mediators.us.attention_days"]
    assert (days.log, days.limits) == (True, (0.01, 10_000))
    changes, mistakes = restore(["mediators.us.attention_days=0.123456789"], found, ())
    assert (changes.moved, mistakes) == ({"mediators.us.attention_days": 0.123456789}, [])
    assert not found["mediators.us.attention_threshold"].log
    assert not found["behaviour.lending.money"].log  # from 0


def test_each_state_has_a_slider_and_only_agents_can_be_removed(groups: dict[str, Group]) -> None:
    labels = [one.label for one in groups["mediators.elder"].sliders]
    assert labels[-2:] == ["Leverage: Northland", "Leverage: South"]
    switched = {path for path, group in groups.items() if group.switched}
    agents = "lenders.bank mediators.elder mediators.envoy channels.line advisers.brother"
    assert switched == set(agents.split())


@pytest.mark.parametrize(
    ("number", "unit", "told"),
    [
        (0.25, "share", "0.25"),
        (3.0, "days", "3 days"),
        (0.1 + 0.2, "", "0.3"),
        (0.123456789, "", "0.123456789"),
        (Distribution("uniform", (0.2, 0.6)), "share", "0.2 to 0.6"),
        (Distribution("triangular", (1, 2, 4)), "days", "1 to 4 days, most likely 2"),
        (Distribution("lognormal", (9, 0.5)), "days", "lognormal, median 9 days"),
        (Distribution("choice", (0, 1), (0.5, 0.5)), "share", "one of 0 or 1"),
        (Distribution("beta", (2, 3)), "share", "beta(2, 3)"),
    ],
)
def test_numbers_are_described_in_words(number: float | Distribution, unit: str, told: str) -> None:
    assert number_in_words(number, unit) == told


# Files that come in, from a person or a stranger.


def test_a_scenario_is_opened_with_the_files_that_it_extends(tmp_path: Path) -> None:
    write_quarrel(tmp_path)
    (tmp_path / "over.yaml").write_text("extends: quarrel.yaml\ntitle: Otherwise\n")
    opened = open_reference(tmp_path / "over.yaml")
    assert (opened.file, list(opened.files)) == ("over.yaml", ["over.yaml", "quarrel.yaml"])
    assert opened.files["quarrel.yaml"].decode() == QUARREL
    sent = open_upload("b.yaml", b"extends: quarrel.yaml\ntitle: B\n", opened.files)
    assert list(sent.files) == ["b.yaml", "quarrel.yaml"]
    assert open_upload("a.yaml", b"extends: may_2025.yaml\ntitle: A\n", {}).scenario.title == "A"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"title: A", "a.txt: error: this is not a scenario file"),
        ("a\x1b[2J.yaml", b"", "the file's name cannot be a scenario's name"),
        ("a" * MAX_NAME + ".yaml", b"", "the file's name cannot be a scenario's name"),
        ("", b"", "this is not a scenario file"),
        ("a.yaml", b" " * (MAX_BYTES + 1), "too big for a scenario"),
        ("a.yaml", b"title: \xff\n", "a.yaml:1:8: error: byte 0xff is not UTF-8"),
        ("a.yaml", b"extends: ../../etc/passwd\n", "can only extend files of its folder"),
        ("a.yaml", b"extends: /etc/passwd\n", "can only extend files of its folder"),
        ("a.yaml", b"extends: nowhere.yaml\n", "a.yaml:1:10: error: no file 'nowhere.yaml' here"),
        ("a.yaml", b"x: !!python/object:os.system {}\n", "error: "),
        ("a.yaml", b"[" * 5000, "error: "),
        (
            "mine.yaml",
            b"extends: may_2025.yaml\nmediators:\n  us: {leverge: 2}\n",
            "mine.yaml:3:8: error: unknown key 'leverge'",
        ),
    ],
)
def test_hostile_files_are_refused_with_a_report(name: str, content: bytes, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        open_upload(name, content, {})
    assert told in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "crisis-sim-" not in str(caught.value)  # the folder in which it was read


@pytest.mark.parametrize("name", ["../../up.yaml", "C:\\down\\up.yaml", "/etc/up.yaml"])
def test_paths_in_names_of_uploads_are_ignored(name: str) -> None:
    assert open_upload(name, QUARREL.encode(), {}).file == "up.yaml"


# Files that go out.


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The quarrel, in a file of the working directory."""
    monkeypatch.chdir(tmp_path)
    return open_reference(write_quarrel(tmp_path))


def saved(opened: Opened, changes: Changes, name: str = "mine.yaml") -> str:
    text = as_scenario_file(opened, changes, groups_of(opened.scenario), name)
    Path(name).write_text(text, encoding="utf-8")
    return text


def without_words(scenario: Scenario) -> dict[str, Any]:
    told = {"name", "title", "description"}
    return {key: value for key, value in scenario.plain().items() if key not in told}


def test_the_saved_file_contains_the_changes_only(opened: Opened) -> None:
    changes = (
        Changes()
        .move("mediators.elder.leverage.south", 0.75)
        .move("behaviour.decision.preparation_days", 1.25)
        .switch("mediators.envoy", on=False)
        .switch("lenders.bank", on=False)
    )
    saved(opened, changes)
    found = load_scenario("mine.yaml")
    made = changes.apply(ScenarioEditor(opened.scenario))
    assert without_words(found) == without_words(made)
    assert found.title == "A quarrel: four changes"
    assert "leverage: South of the elder 0.75 instead of 0.2 to 0.4" in found.description
    assert "without Envoy" in found.description
    saved(opened, Changes(), "same.yaml")
    assert load_scenario("same.yaml").title == "A quarrel: unchanged"


@pytest.mark.parametrize("name", ["quarrel.yaml", "may_2025"])
def test_check_and_run_accept_the_saved_file(cli: Cli, opened: Opened, name: str) -> None:
    opened = open_reference(name)
    path = "channels.line.trust" if name == "quarrel.yaml" else "mediators.us.leverage.india"
    text = saved(opened, Changes().move(path, 0.9))
    assert f"crisis-sim run {name} mine.yaml" in text
    assert cli("check", "mine.yaml").code == DONE
    assert cli("run", name, "mine.yaml", "--dry-run").code == DONE
    sent = open_upload("mine.yaml", text.encode(), opened.needed)
    assert (sent.reference, list(sent.needed)) == ("mine.yaml", ["mine.yaml", *opened.needed])


@pytest.mark.parametrize(
    ("wished", "name"),
    [
        ("", "quarrel_changed.yaml"),
        ("gulf", "gulf.yaml"),
        ("gulf.yml", "gulf.yaml"),
        ("quarrel.yaml", "quarrel_changed.yaml"),
        ("../up", "quarrel_changed.yaml"),
        ("a\nb", "a b.yaml"),
    ],
)
def test_the_saved_file_has_a_valid_name(opened: Opened, wished: str, name: str) -> None:
    assert file_name(wished, opened) == name


def test_overrides_are_part_of_the_saved_file(opened: Opened) -> None:
    given = ["mediators.elder.leverage.north=0.9", "events.0.deaths=7"]
    opened = open_reference("quarrel.yaml", given)
    assert opened.file == "quarrel_set.yaml"
    for name, content in opened.files.items():
        Path(name).write_bytes(content)
    assert given[0] in Path(opened.file).read_text(encoding="utf-8").splitlines()[0]
    saved(opened, Changes().move("channels.line.trust", 0.25))
    plain = load_scenario("quarrel.yaml", [*given, "channels.line.trust=0.25"])
    assert without_words(load_scenario("mine.yaml")) == without_words(plain)
