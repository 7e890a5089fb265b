"""The validation as a whole: its results, charts, page, tables, files and command."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from crisis_sim import style
from crisis_sim.cli import CHECK_FAILED, DONE, MISTAKE, run_command
from crisis_sim.experiments.load import load_experiment
from crisis_sim.validation import charts, facts, held_out, run, show
from crisis_sim.validation.charts import acts_followed, changes
from crisis_sim.validation.facts import read_cases, read_expectations, read_facts
from crisis_sim.validation.held_out import Prediction
from crisis_sim.validation.run import HALT, STRIKE, Validation
from crisis_sim.validation.show import (
    CHARTS,
    LIMITS,
    page,
    print_held_out,
    print_validation,
    write_page,
)
from tests.report.looking import legends_over_data, overlaps, texts, words_in
from tests.validation.conftest import QUICK, expecting


def draw(name: str, validation: Validation) -> Figure:
    return getattr(charts, f"draw_{name}")(validation)


@pytest.fixture(scope="module")
def drawn(validation: Validation) -> dict[str, Figure]:
    return {name: draw(name, validation) for name in CHARTS}


def test_all_scenarios_are_run_and_verdicts_are_counted(validation: Validation) -> None:
    first, *others = validation.batch.ensembles
    assert first == validation.population == "small"
    assert others == [case.scenario for case in read_cases()]
    counts = validation.counts()
    assert sum(counts["facts"].values()) == 54
    assert sum(counts["cases"].values()) == 2 * 8 + 1
    assert counts["cases"]["not comparable"] == 2
    plain = json.loads(json.dumps(validation.plain(), allow_nan=False))
    assert plain["overrides"] == list(QUICK)
    by_id = {one["id"]: one for one in plain["facts"]}
    assert by_id["duration_p50"]["unit"] == "days"
    assert by_id["duration_p50"]["fact"] == {"value": 75, "lower": 61, "upper": 86, "n": 399}
    agreement, other = (by_id[f"ending_{one}"] for one in ("agreement", "other"))
    assert agreement["recorded"]["value"] == agreement["fact"]["value"] == 0.362
    expected = 0.12 * (1 - agreement["simulated"]["value"])
    assert other["simulated"]["value"] == pytest.approx(expected)
    assert other["verdict"] == "not comparable"


def test_an_unmet_claim_is_a_failure(validation: Validation) -> None:
    compared = [*validation.comparisons, *validation.cases]
    missed = [one.expectation.id for one in compared if one.verdict != "inside"]
    assert 0 < len(missed) < len(compared)
    assert expecting(validation, met=True).failures == missed
    assert expecting(validation, met=False).failures == []


# --- Charts


@pytest.mark.parametrize("name", CHARTS)
def test_charts_are_legible_and_have_units(name: str, drawn: dict[str, Figure]) -> None:
    figure = drawn[name]
    assert overlaps(figure) == []
    assert legends_over_data(figure) == []
    assert min(text.get_fontsize() for text in texts(figure)) >= 6.0
    assert figure.get_figwidth() == pytest.approx(175.0 / 25.4)
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels
    assert all("%" in label or "days" in label for label in labels)


def test_charts_show_every_fact_and_changes_sum_to_one(
    drawn: dict[str, Figure], validation: Validation
) -> None:
    shown = words_in(drawn["facts"])
    for one in validation.comparisons:
        if not one.fact.id.startswith("next_") and one.verdict != "not comparable":
            assert one.expectation.name in shown
    changed = changes(acts_followed(validation)[0])
    np.testing.assert_allclose(np.nansum(changed, axis=1), 1.0)
    assert np.isnan(changed[np.arange(4), 1 + np.arange(4)]).all()
    assert changed[0, 2] == pytest.approx(0.38 / (0.21 + 0.38 + 0.15 + 0.0))


# --- The page, tables and files


def test_the_page_contains_all_facts_cases_and_charts(
    validation: Validation, drawn: dict[str, Figure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for name, figure in drawn.items():  # drawing takes seconds
        monkeypatch.setattr(charts, f"draw_{name}", lambda _, figure=figure: figure)
    path, *images = write_page(validation, tmp_path / "docs" / "validation.md")
    text = path.read_text(encoding="utf-8")
    files = {f"validation_{name}.{suffix}" for name in CHARTS for suffix in ("svg", "png", "csv")}
    assert {image.name for image in images} == files
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert len(linked) == len(CHARTS)
    assert all((path.parent / link).is_file() for link in linked)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    names = tuple(f"| {read_expectations()[one].name}" for one in read_facts())
    assert sum(row.startswith(names) for row in rows) == len(read_facts())
    assert all(f"| {one.case.name} | {one.what} |" in text for one in validation.cases)
    assert LIMITS.read_text(encoding="utf-8").strip() in text
    assert "$" not in text
    command = "crisis-sim validate --replicates 80 --seed 1 --population small"
    assert f"    {command} --set horizon_days=60 --page docs/validation.md\n" in text


def test_the_page_marks_facts_of_the_fit(validation: Validation) -> None:
    validation = expecting(validation, in_fit=False)
    assert "| yes |" not in page(validation)
    family, (first, *others) = next(iter(validation.facts.items()))
    fitted = replace(first, expectation=replace(first.expectation, in_fit=True))
    changed = replace(validation, facts={**validation.facts, family: [fitted, *others]})
    (marked,) = [line for line in page(changed).splitlines() if line.endswith("| yes |")]
    assert first.expectation.name in marked


def test_the_printed_table_compares_facts_and_explains_verdicts(validation: Validation) -> None:
    printed = io.StringIO()
    print_validation(validation, Console(width=100, file=printed))
    text = printed.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    (line,) = [line for line in text.splitlines() if "50% have ended after" in line]
    assert "75 (61–86)" in line
    for verdict in ("Inside", "Near", "Outside"):
        assert text.count(f"{verdict}: ") == 2
    assert f"Facts: {validation.counts()['facts']['inside']} inside" in text


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


# --- The command


def test_the_command_prints_tables_and_strict_fails_if_a_claim_is_unmet(
    tmp_path: Path, population_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    # The only claim is one that a horizon of 60 days cannot meet.
    text = re.sub(r"(,(?:yes|no)),yes,", r"\1,no,", facts.EXPECTATIONS.read_text(encoding="utf-8"))
    text, claims = re.subn(r"^(duration_p90,.*),(yes|no),no,", r"\1,yes,yes,", text, flags=re.M)
    assert claims == 1
    path, out = tmp_path / "expectations.csv", tmp_path / "out"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(run, "read_expectations", lambda: read_expectations(path))
    made: list[tuple[str, ...]] = []  # charts have tests of their own
    monkeypatch.setattr(
        show, "_write_charts", lambda *_: made.append(style.PRINT.get().suffixes) or []
    )
    words = ["validate", "--population", str(population_file), "--replicates", "20"]
    words += ["--workers", "1", "--set", *QUICK]
    assert run_command(words) == DONE
    told = capsys.readouterr()
    assert "Worst violence" in told.out
    assert "Cases: " in told.out
    assert "180 crises in " in told.err
    assert "listed as met, but not met: duration_p90" in told.err
    words += ["--format", "svg", "--out", str(out)]
    assert run_command([*words, "--strict", "--json"]) == CHECK_FAILED
    assert made == [(".svg", ".csv")]
    told = json.loads(capsys.readouterr().out)
    assert told["failures"] == ["duration_p90"]
    assert told == json.loads((out / "validation.json").read_text(encoding="utf-8"))


def test_invalid_paths_are_reported_before_anything_is_run(
    tmp_path: Path, population_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (("--page", str(tmp_path)), "is a folder; give the page's file"),
        (("--out", str(population_file)), "is not a folder"),
        (("--population", "nowhere"), "no such file, nor a shipped scenario"),
    ):
        assert run_command(["validate", *words]) == MISTAKE
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_case_is_predicted_by_a_fit_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, cases = load_experiment(held_out.FIT), read_cases()[:3]
    targets = [x for x in experiment.spec.targets if x.scenario in [one.scenario for one in cases]]
    small = {"replicates": 100, "fewer": {}, "targets": tuple(targets)}
    experiment = replace(experiment, spec=experiment.spec.model_copy(update=small))
    problem = held_out.without(experiment, cases[0].scenario)
    left = len(experiment.spec.targets) - len(problem.spec.targets)
    assert left == sum(one.scenario == cases[0].scenario for one in experiment.spec.targets) > 0
    assert cases[0].scenario not in {one.name for one in problem.scenarios}
    monkeypatch.setattr(held_out, "load_experiment", lambda _: experiment)
    monkeypatch.setattr(held_out, "read_cases", lambda: cases)
    found = held_out.held_out(replicates=200)
    assert [one.case for one in found] == [
        case for case in cases for _ in range(2) if case.strike_days > 0
    ]
    for one in found:
        assert 0 <= one.percentile <= 1
        assert np.isfinite([one.log_score, one.crps, one.log_score_others, one.crps_others]).all()
    told = held_out.summary(found)
    assert told[STRIKE]["cases"] + told[HALT]["cases"] == len(found)
