from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ruamel.yaml import YAML

from crisis_sim.experiments import load_experiment
from crisis_sim.experiments.load import find_experiment, shipped_experiments
from crisis_sim.experiments.spec import KINDS, kind_of
from crisis_sim.scenario.errors import ScenarioError
from tests.batch.crises import crisis
from tests.experiments.examples import made

DAYS = "mediators.us.attention_days"
GOOD = """\
kind: sweep
title: Delay
scenario: may_2025
vary:
  mediators.us.attention_days: {low: 0.1, high: 5}
outcomes: [agreement]
replicates: 10
"""


def told(tmp_path: Path, old: str = "", new: str = "") -> str:
    """What is said of a file in which something has been replaced."""
    assert old in GOOD
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new) if old else new)
    with pytest.raises(ScenarioError) as caught:
        load_experiment(path)
    return str(caught.value).replace(str(path), "mine.yaml")


def test_a_sound_file_is_read_with_its_name_measures_and_scenario(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    experiment = load_experiment(path)
    assert (experiment.name, experiment.kind, experiment.text) == ("mine", "sweep", GOOD)
    assert [one.name for one in experiment.measures] == ["agreement"]
    assert experiment.scenario.name == "may_2025"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: sweep", "kind: sweeep", ["mine.yaml:1:7: error: unknown kind", "'sweep'?"]),
        ("kind: sweep", "kind: {a: b}", ["mine.yaml:1:7: error: unknown kind {'a': 'b'}"]),
        ("kind: sweep", "kind: [sweep]", ["mine.yaml:1:7: error: unknown kind ['sweep']"]),
        ("kind: sweep", "kind: null", ["mine.yaml:1:7: error: unknown kind None"]),
        ("kind: sweep\n", "", ["mine.yaml:1:1: error: 'kind' is missing"]),
        ("title: Delay", "titel: Delay", ["mine.yaml:2:1", "did you mean 'title'?"]),
        ("replicates: 10", "replicates: 0", ["mine.yaml:7:13: error: out of range: 0"]),
        ("replicates: 10", "replicates: ten", ["mine.yaml:7:13: error: not a whole number"]),
        ("replicates: 10", "seed: 3", ["'replicates' is missing", "a whole number"]),
        ("may_2025", "may_2052", ["mine.yaml:3:11", "did you mean 'may_2025'?"]),
        ("scenario: may_2025", "scenario: gone.yaml", ["mine.yaml:3:11", "no such file"]),
        ("outcomes: [agreement]", "outcomes: []", ["mine.yaml:6:11", "at least 1"]),
        ("[agreement]", "[agrement]", ["mine.yaml:6:12: error: unknown measure", "'agreement'?"]),
        ("[agreement]", "[agreement, agreement]", ["mine.yaml:6:23: error: a second measure"]),
        ("[agreement]", "[{mean: deths}]", ["mine.yaml:6:19", "did you mean 'deaths'?"]),
        (DAYS, "mediators.us.atention_days", ["mine.yaml:5:3: error: no parameter", f"did you mean '{DAYS}'?"]),
        ("low: 0.1, high: 5", "low: 5, high: 5", ["mine.yaml:5:", "an empty range: from 5 to 5"]),
        ("low: 0.1, high: 5", "low: 0.1, high: 50000", ["mine.yaml:5:49: error: out of range: 50000"]),
        ("low: 0.1, high: 5", "lo: 0.1", ["mine.yaml:5:33: error: unknown key 'lo'"]),
        ("low: 0.1, high: 5", "points: 1", ["out of range: 1", "a whole number from 2"]),
        ("low: 0.1, high: 5", "values: [1]", ["an empty range: fewer than two values"]),
        ("low: 0.1, high: 5", "values: [1, 90000]", ["mine.yaml:5:45: error: out of range: 90000"]),
        ("kind", "set: [lenders.imff=null]\nkind", ["mine.yaml:1:7: error: unknown 'imff'", "did you mean 'imf'?"]),
        ("kind", f"reference: {{{DAYS[:-1]}: 1}}\nkind", ["is not varied", f"did you mean '{DAYS}'?"]),
        (f"{DAYS}: {{low: 0.1, high: 5}}", "states.india.resolve: {low: 0, high: 1, scale: log}", ["5:", "has no ratios"]),
        (f"{DAYS}: {{low: 0.1, high: 5}}", "events.0.deaths: {}", ["too wide a range"]),
        ("title: Delay", "title: [", ["mine.yaml:"]),
        ("", "", ["the file is empty: no experiment"]),
        (GOOD, GOOD.replace("us.att", "us.at").replace("[ag", "[a"), ["no parameter", "unknown measure", "2 mistakes"]),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_where_it_stands_with_the_nearest_name(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    report = told(tmp_path, old, new)
    for part in said:
        assert part in report


def test_a_change_from_the_command_line_is_checked_and_named_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert load_experiment(path, {"replicates": 77}).spec.replicates == 77
    with pytest.raises(ScenarioError, match="--replicates:1:1: error: out of range: 0"):
        load_experiment(path, {"replicates": 0})


def test_a_scenario_file_lies_beside_the_experiment(tmp_path: Path) -> None:
    shipped = load_experiment("mediation_delay").scenario
    assert shipped.name == "may_2025"
    (tmp_path / "mine.yaml").write_text(GOOD.replace("may_2025", "other.yaml"))
    source = Path(__file__).parents[2] / "scenarios" / "may_2025.yaml"
    (tmp_path / "other.yaml").write_text(source.read_text())
    assert load_experiment(tmp_path / "mine.yaml").scenario.name == "other"


def test_an_experiment_can_be_made_in_python_and_has_the_digest_of_what_changes_results() -> None:
    experiment = made("sweep")
    assert experiment.scenario == crisis()
    assert experiment.digest == made("sweep").digest
    for change in ({"seed": 2}, {"replicates": 6}, {"outcomes": ["war"]}):
        assert experiment.digest != made("sweep", **change).digest


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_what_a_kind_needs(name: str) -> None:
    kind = kind_of(name)
    assert kind.SPEC.model_fields["kind"].annotation.__args__ == (name,)
    assert kind.ANSWERS
    assert all(map(callable, (kind.check, kind.crises, kind.run, kind.charts)))


ODD = (None, True, -1, 10**400, 1.5, "", "x", [], [[]], {}, {"a": {"b": []}}, [None, {"a": 1}])


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in a file."""
    entries = value.items() if isinstance(value, dict) else ()
    entries = enumerate(value) if isinstance(value, list) else entries
    for key, below in entries:
        yield (*path, key)
        yield from places(below, *path, key)


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in shipped_experiments()])
def test_odd_values_anywhere_in_a_file_are_mistakes_and_no_traceback(
    tmp_path: Path, name: str
) -> None:
    text = find_experiment(name).read_text("utf-8")
    whole = YAML(typ="safe").load(text)
    random = Random(name)
    path = tmp_path / "mine.yaml"
    for where in random.sample(sorted(places(whole), key=str), 12):
        content = deepcopy(whole)
        holder = content
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = random.choice(ODD)
        path.write_text(json.dumps(content, default=str), encoding="utf-8")
        with suppress(ScenarioError):
            load_experiment(path)
