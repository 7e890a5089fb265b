"""Files for the first generation of the model are read, or are told what replaced what."""

from __future__ import annotations

import re

import pytest

from crisis_sim.scenario import load_scenario, read_scenario
from tests.scenario.files import BASE, Write


def test_the_length_of_a_turn_is_passed_over_with_a_word(write: Write) -> None:
    path = write("old.yaml", "extends: base.yaml\nhours_per_turn: 6\ntitle: old\n")
    with pytest.warns(UserWarning, match=re.escape(f"{path}:2:1: `hours_per_turn` means nothing")):
        old = load_scenario(path)
    assert old.digest == load_scenario(write("new.yaml", "extends: base.yaml\ntitle: old\n")).digest
    with pytest.warns(UserWarning, match=r"--set:1:1: `hours_per_turn` .* can be deleted"):
        assert read_scenario(BASE, "f", ["hours_per_turn=3"]).digest == read_scenario(BASE).digest
