"""The ODD description contains every rule of the model and a meaning for every variable.

`test_figures.py` tests that its equations and tables are up to date.
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
    tables = {name for name in NAMED if "." not in name or name.endswith((".Variables", ".Facts"))}
    assert set(NAMED) - tables - {"State.facts"} == set(model_tables.rules())
    assert len(NAMED) == len(set(NAMED))


@pytest.mark.parametrize("kind", model_tables.KINDS.values(), ids=lambda kind: kind.__name__)
def test_every_declared_variable_has_a_meaning(kind: type) -> None:
    for part in ("Variables", "Facts"):
        if part in vars(kind):
            meanings = model_tables.meanings(getattr(kind, part))
            assert meanings
            assert [name for name, (_, meaning) in meanings.items() if not meaning] == []
    for line in model_tables.shown("draws").splitlines():
        assert not line.endswith("|  |"), line


def test_every_behavioural_parameter_is_in_an_equation_or_in_the_text() -> None:
    words = set(re.findall(r"\w+", ODD))
    names = [
        parameter.path.rpartition(".")[2] for parameter in parameters() if parameter.behavioural
    ]
    assert len(names) > 60
    assert [name for name in names if name not in words] == []


def test_an_equation_is_a_block_of_code() -> None:
    text = model_tables.shown("Ending.fading")
    assert "\n\n    rate = (1 - danger)^4 / fading_days" in text
    assert text.startswith("**`Ending.fading`** ")


@pytest.mark.parametrize("name", ["State.fly", "Nobody.decide", "nonsense", "State.Nothing"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the model has no"):
        model_tables.shown(name)
