"""Charts of pairs can be read, however many parts, factors and outcomes there are."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from crisis_sim import style
from crisis_sim.experiments.attribute import draw_interactions
from crisis_sim.experiments.sensitivity import draw_pairs
from tests.report.looking import overlaps, words_in

WORDS = "among crises with a first strike, the share with a ceasefire within ninety-six hours of it"


def measures(number: int) -> list[dict[str, Any]]:
    return [
        {"name": f"m{k}", "unit": ("share", "hours")[k % 2], "words": WORDS} for k in range(number)
    ]


def size_of(one: str, other: str) -> dict[str, float]:
    value = 0.001 * (len(one + other) % 7 - 3) - 0.05
    return {"estimate": value, "lower": value - 0.02, "upper": value + 0.02}


@pytest.mark.parametrize(("parts", "outcomes"), [(2, 1), (2, 3), (3, 2), (6, 3), (7, 2), (16, 1)])
def test_interactions_of_any_number_of_parts_can_be_read(parts: int, outcomes: int) -> None:
    names = [f"the part of the crisis with a long name {k}" for k in range(parts)]
    pairs = [{"parts": list(pair), **size_of(*pair)} for pair in combinations(names, 2)]
    one = {"combinations_unknown": 0, "order": names[::-1], "interactions": pairs}
    summary = {
        "measures": measures(outcomes),
        "parts": [{"name": name} for name in names],
        "attributions": {f"m{k}": one for k in range(outcomes)},
        "combinations": 2**parts,
    }
    findings: Any = SimpleNamespace(summary=summary)
    figure = style.styled(draw_interactions)(findings)
    assert overlaps(figure) == []
    assert ("all in the tables" in words_in(figure)) is (parts > 12)


@pytest.mark.parametrize(("factors", "outcomes"), [(2, 1), (2, 2), (6, 2), (7, 2), (20, 1)])
def test_pairs_of_any_number_of_factors_can_be_read(factors: int, outcomes: int) -> None:
    paths = [f"mediators.elder_{k}.attention_threshold" for k in range(factors)]
    rows = [
        {"measure": f"m{k}", "factor": one, "with": other, **size_of(one, other)}
        for k in range(outcomes)
        for one, other in combinations(paths, 2)
    ]
    study = {"order": paths[::-1], "deviation": 1.0, "why_not": None}
    summary = {
        "measures": measures(outcomes),
        "factors": [{"path": path} for path in paths],
        "studies": {f"m{k}": study for k in range(outcomes)},
    }
    findings: Any = SimpleNamespace(summary=summary, tables={"pairs": pa.Table.from_pylist(rows)})
    figure = style.styled(draw_pairs)(findings)
    assert overlaps(figure) == []
    said = words_in(figure).replace("\n", " ")
    assert ("all stand in the tables" in said) is (factors > 12)
