"""What people look at: charts, tables and the page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from crisis_sim.validation import charts, show
from crisis_sim.validation.charts import acts_followed, changes
from crisis_sim.validation.facts import read_cases, read_expectations, read_facts
from crisis_sim.validation.held_out import Prediction
from crisis_sim.validation.run import Validation
from crisis_sim.validation.show import (
    CHARTS,
    LIMITS,
    page,
    print_held_out,
    print_validation,
    write_page,
    write_validation,
)
from crisis_sim.validation.simulated import HALT, STRIKE
from tests.report.looking import legends_over_data, overlaps, svg, texts, words_in
from tests.validation.conftest import expecting

DRAW: dict[str, Callable[[Validation], Figure]] = {
    name: getattr(charts, f"draw_{name}") for name in CHARTS
}


@pytest.fixture(scope="module")
def drawn(validation: Validation) -> dict[str, Figure]:
    return {name: draw(validation) for name, draw in DRAW.items()}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_can_be_read_and_says_its_unit(name: str, drawn: dict[str, Figure]) -> None:
    figure = drawn[name]
    assert overlaps(figure) == []
    assert legends_over_data(figure) == []
    assert min(text.get_fontsize() for text in texts(figure)) >= 6.0
    assert figure.get_figwidth() == pytest.approx(175.0 / 25.4)
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels
    assert all("%" in label or "days" in label for label in labels)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_the_same_each_time(
    name: str, drawn: dict[str, Figure], validation: Validation, tmp_path: Path
) -> None:
    assert svg(drawn[name], tmp_path) == svg(DRAW[name](validation), tmp_path)


def test_the_chart_of_facts_shows_every_fact_that_has_no_chart_of_its_own(
    drawn: dict[str, Figure], validation: Validation
) -> None:
    shown = words_in(drawn["facts"])
    for one in validation.comparisons:
        if not one.fact.id.startswith("next_") and one.verdict != "not comparable":
            assert one.expectation.name in shown


def test_where_the_kind_changes_repeats_are_left_out_and_the_rest_sums_to_one(
    validation: Validation,
) -> None:
    real, _ = acts_followed(validation)
    changed = changes(real)
    np.testing.assert_allclose(np.nansum(changed, axis=1), 1.0)
    assert np.isnan(changed[np.arange(4), 1 + np.arange(4)]).all()
    assert changed[0, 2] == pytest.approx(0.38 / (0.21 + 0.38 + 0.15 + 0.0))


def test_the_page_holds_every_fact_every_case_and_its_charts(
    validation: Validation,
    drawn: dict[str, Figure],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, figure in drawn.items():  # to draw them anew takes seconds
        monkeypatch.setattr(charts, f"draw_{name}", lambda _, figure=figure: figure)
    path, *images = write_page(validation, tmp_path / "docs" / "validation.md")
    text = path.read_text(encoding="utf-8")
    assert {image.name for image in images} == {
        f"validation_{name}.{suffix}" for name in CHARTS for suffix in ("svg", "png", "csv")
    }
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert len(linked) == len(CHARTS)
    assert all((path.parent / link).is_file() for link in linked)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    names = tuple(f"| {read_expectations()[one].name}" for one in read_facts())
    assert sum(row.startswith(names) for row in rows) == len(read_facts())
    assert all(f"| {one.case.name} | {one.what} |" in text for one in validation.cases)
    assert LIMITS.read_text(encoding="utf-8").strip() in text
    assert "$" not in text


def test_the_page_says_how_it_was_made(validation: Validation) -> None:
    command = "crisis-sim validate --replicates 80 --seed 1 --population small"
    changes = "--set horizon_days=60"
    assert f"    {command} {changes} --page docs/validation.md\n" in page(validation)


def test_the_page_marks_the_facts_of_the_fit(validation: Validation) -> None:
    validation = expecting(validation, in_fit=False)
    assert "| yes |" not in page(validation)
    family, (first, *others) = next(iter(validation.facts.items()))
    fitted = replace(first, expectation=replace(first.expectation, in_fit=True))
    changed = replace(validation, facts={**validation.facts, family: [fitted, *others]})
    (marked,) = [line for line in page(changed).splitlines() if line.endswith("| yes |")]
    assert first.expectation.name in marked


def test_the_table_sets_each_fact_beside_the_simulated_value(validation: Validation) -> None:
    printed = io.StringIO()
    print_validation(validation, Console(width=100, file=printed))
    text = printed.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    (line,) = [line for line in text.splitlines() if "50% have ended after" in line]
    assert "75 (61–86)" in line
    counts = validation.counts()["facts"]
    assert f"Facts: {counts['inside']} inside" in text


def test_results_are_written_as_json_with_their_charts(
    validation: Validation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = tmp_path / "chart.svg"
    monkeypatch.setattr(show, "_write_charts", lambda *_: [chart])
    first, *others = write_validation(validation, tmp_path / "new")
    assert json.loads(first.read_text(encoding="utf-8")) == validation.plain()
    assert others == [chart]


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_of_cases_held_out_fits(width: int) -> None:
    found = [
        Prediction(case, what, real, 1.0, 0.123, (10.2, real - 9, 345.6), 12.34, 0.56, 12.34, 0.56)
        for real, case in enumerate(read_cases(), start=123)
        for what in (STRIKE, HALT)
    ]
    console = Console(width=width, file=io.StringIO())
    print_held_out(found, console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("case ") for line in lines)  # a table, not a list
