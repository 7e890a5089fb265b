"""Files for the first generation of the model are read, or are told what replaced what."""

from __future__ import annotations

import re

import pytest

from crisis_sim.experiments.load import load_experiment
from crisis_sim.scenario import ScenarioError, load_scenario, read_scenario
from crisis_sim.scenario.errors import GONE, gone
from crisis_sim.scenario.introspect import slot_at
from tests.scenario.files import BASE, Write, mistakes_of


def test_the_length_of_a_turn_is_passed_over_with_a_word(write: Write) -> None:
    path = write("old.yaml", "extends: base.yaml\nhours_per_turn: 6\ntitle: old\n")
    with pytest.warns(UserWarning, match=re.escape(f"{path}:2:1: `hours_per_turn` means nothing")):
        old = load_scenario(path)
    assert old.digest == load_scenario(write("new.yaml", "extends: base.yaml\ntitle: old\n")).digest
    with pytest.warns(UserWarning, match=r"--set:1:1: `hours_per_turn` .* can be deleted"):
        assert read_scenario(BASE, "f", ["hours_per_turn=3"]).digest == read_scenario(BASE).digest


@pytest.mark.parametrize("path", [path for path in GONE if path.startswith("behaviour.")])
def test_a_parameter_that_is_gone_is_told_with_its_successor(path: str, write: Write) -> None:
    section, name = path.removeprefix("behaviour.").split(".")
    (mistake,) = mistakes_of(
        write("a.yaml", f"extends: base.yaml\nbehaviour:\n  {section}:\n    {name}: 1\n")
    )
    assert (mistake.line, mistake.column) == (4, 5)
    assert mistake.message.startswith(f"{path} is gone: ")
    assert "docs/model_versions.md" in mistake.expected
    now, _ = GONE[path]
    assert now in mistake.expected
    assert slot_at(path.split(".")) is None
    assert not now or slot_at(now.split("."))
    (said,) = mistakes_of(write("b.yaml", BASE), f"{path}=1")
    assert (said.file, said.message, said.expected) == ("--set", mistake.message, mistake.expected)


def test_a_section_that_is_gone_and_a_number_of_a_distribution_are_told_too(write: Write) -> None:
    (mistake,) = mistakes_of(write("a.yaml", BASE), "behaviour.quiet=null")
    assert mistake.message == "behaviour.quiet is gone"
    assert "behaviour.ends.fading_days in its place" in mistake.expected
    inner = gone("behaviour.halt.settling_cost.normal.0")
    assert inner == gone("behaviour.halt.settling_cost")
    assert gone("behaviour.decision.cost") is None
    assert gone("behaviour") is None


def test_an_experiment_that_varies_what_is_gone_is_told(write: Write) -> None:
    text = "kind: {kind}\ntitle: t\nquestion: q\nscenario: base.yaml\n{vary}\nreplicates: 100\n"
    vary = "vary:\n  behaviour.decision.retaliation: {low: 1, high: 2}"
    rest = {
        "sweep": "outcomes: [war]",
        "sensitivity": "outcomes: [war]\nmethod: morris\nsamples: 4",
        "tune": "objective: {minimise: war}\ntrials: 4",
    }
    for kind, more in rest.items():
        path = write(f"{kind}.yaml", text.format(kind=kind, vary=f"{vary}\n{more}"))
        with pytest.raises(ScenarioError) as caught:
            load_experiment(path)
        (mistake,) = caught.value.mistakes
        assert mistake.message.startswith("behaviour.decision.retaliation is gone")
        assert "behaviour.decision.answering" in mistake.expected
        assert mistake.line == 6
