"""A small population scenario and its validation, shared by the tests of this package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crisis_sim.validation.run import Validation, validate

#: Crises between two states, with and without a violent trigger or a mediator.
POPULATION = """
title: a small population
start: 2000-01-01T00:00+00:00
horizon_days: 120
states:
  one:
    resolve: {uniform: [0.2, 1.0]}
    audience: {uniform: [0.1, 0.9]}
    nuclear: true
  other: {resolve: {uniform: [0.2, 1.0]}, audience: 0.5, nuclear: true}
mediators:
  friend:
    style: manipulation
    attention_threshold: {uniform: [0.1, 0.9]}
    attention_days: 10
    trust: {one: 0.5, other: 0.5}
    leverage: {one: 0.5, other: 0.5}
events:
  - at: 2000-01-01T00:00+00:00
    kind: trigger
    struck: one
    deaths: {choice: [0, 5, 50, 500]}
"""
#: A shorter horizon than that of the shipped cases.
QUICK = ("horizon_days=60",)


@pytest.fixture(scope="session")
def population_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("population") / "small.yaml"
    path.write_text(POPULATION, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def validation(population_file: Path) -> Validation:
    return validate(population_file, replicates=80, overrides=QUICK)


def expecting(validation: Validation, **changes: bool) -> Validation:
    """Return the same results with changed expectations for all facts and cases."""

    def changed(rows):
        return [replace(row, expectation=replace(row.expectation, **changes)) for row in rows]

    facts = {family: changed(rows) for family, rows in validation.facts.items()}
    return replace(validation, facts=facts, cases=changed(validation.cases))
