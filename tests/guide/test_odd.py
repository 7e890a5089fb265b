"""The description of the model by the ODD protocol leaves no rule of the code out, and no variable without a meaning.

That its equations and tables are those of the code as it is, `test_figures.py` tests.
"""

from __future__ import annotations

import re

import model_tables
import pytest
from console import DOCS

from crisis_sim.scenario.introspect import parameters

ODD = (DOCS / "ODD.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^<!-- from crisis_sim/model#(.+) -->$", ODD, re.MULTILINE)
NAMED = [name.strip() for block in BLOCKS for name in block.split(",")]


def test_every_rule_is_on_the_page_once() -> None:
    tables = {one for one in NAMED if "." not in one or one.endswith((".Variables", ".Facts"))}
    assert set(NAMED) - tables - {"State.facts"} == set(model_tables.rules())
    assert len(NAMED) == len(set(NAMED))


@pytest.mark.parametrize("kind", model_tables.KINDS.values(), ids=lambda kind: kind.__name__)
def test_whatever_a_class_declares_has_a_meaning(kind: type) -> None:
    for part in ("Variables", "Facts"):
        if part in vars(kind):
            declared = model_tables.meanings(getattr(kind, part))
            assert declared
            assert [name for name, (_, meaning) in declared.items() if not meaning] == []
    for line in model_tables.shown("draws").splitlines():
        assert not line.endswith("|  |"), line


def test_every_behavioural_parameter_is_in_an_equation_or_in_words() -> None:
    told = set(re.findall(r"\w+", ODD))
    named = [
        one.path.rpartition(".")[2] for one in parameters() if one.path.startswith("behaviour.")
    ]
    assert len(named) > 60
    assert [name for name in named if name not in told] == []


def test_an_equation_stands_in_a_block_of_its_own() -> None:
    told = model_tables.shown("Ending.fading")
    assert "\n\n    rate = (1 - danger)^4 / fading_days" in told
    assert told.startswith("**`Ending.fading`** ")


@pytest.mark.parametrize("name", ["State.fly", "Nobody.decide", "nonsense", "State.Nothing"])
def test_what_the_model_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the model has no"):
        model_tables.shown(name)
