"""Values, distributions, sources and stories as a page puts them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crisis_sim.report.assumptions import source, value
from crisis_sim.report.captions import median
from crisis_sim.report.story import environment
from crisis_sim.scenario.behaviour import DecisionBehaviour
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.text import points
from tests.report.page.reading import read


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Distribution("uniform", (0.2, 0.7)), "0.2 to 0.7, evenly spread"),
        (Distribution("triangular", (0.6, 0.8, 1.0)), "0.6 to 1, most likely 0.8"),
        (Distribution("normal", (5.0, 1.5)), "about 5, standard deviation 1.5"),
        (Distribution("lognormal", (9.0, 0.5)), "median 9, spread 0.5 in logarithms"),
        (Distribution("choice", (1.3, 1.4), (0.5, 0.5)), "1.3 or 1.4, equally likely"),
        (Distribution("choice", (1.0, 2.0), (0.25, 0.75)), "1 (25.0%) or 2 (75.0%)"),
        (True, "yes"),
        ((), "none"),
        (("india", "us"), "india, us"),
        ("", "none"),
        (datetime(2025, 5, 9, 20, 0, tzinfo=UTC), "Friday 9 May 2025, 20:00 (UTC)"),
    ],
)
def test_a_value_is_said_as_a_person_would(held: Any, said: str) -> None:
    assert value(held) == said


def test_a_source_is_the_defaults_or_the_scenario() -> None:
    path = ("behaviour", "decision", "cost_power")
    usual = DecisionBehaviour().cost_power
    assert source(path, usual).startswith("default: Schelling 1966")
    assert source(path, 9.0) == f"the scenario; usually {usual:g}"
    assert source(("states", "india", "resolve"), 0.5) == "the scenario"
    assert source(("states", "india", "capability"), 1.0) == "default: assumed"
    assert source(("mediators", "us", "style"), "facilitation") == "default"


def figure(estimate: float | None, lower: float | None, upper: float | None) -> dict[str, Any]:
    return {"estimate": estimate, "lower": lower, "upper": upper}


def test_figures_have_their_limits_and_say_what_is_not_known() -> None:
    cells = environment().get_template("parts.html.jinja").module

    def cell(kind: str, *told: Any) -> str:
        return read(getattr(cells, kind)(*told)).text

    assert cell("share", figure(0.861, 0.845, 0.875)) == "86.1 84.5 to 87.5"
    assert cell("share", figure(0.0005, 0.0001, 0.0028)).startswith("0.050 ")
    assert cell("share", figure(None, None, None)) == "not known"
    assert cell("median", {"median_hours": None, "of": 9}) == "never half"
    assert cell("median", {"median_hours": None, "of": 0}) == "none struck"
    assert cell("median", {"median_hours": figure(116.0, 112.0, None)}) == "116 at least 112"
    assert cell("difference", None, points) == "not known"
    for low, strong in ((0.05, 1), (-0.05, 0)):
        html = cells.difference(figure(0.1, low, 0.25), points)
        assert len(read(html).all("strong")) == strong


def test_a_median_is_in_the_unit_that_people_say() -> None:
    assert median(figure(116.2, 112.0, 119.9)) == "4.8 days (4.7 to 5.0)"
    assert median(figure(43.0, 40.0, 46.0)) == "43 hours (40 to 46)"
    assert median(figure(43.0, 40.0, None)) == "43 hours (at least 40)"
