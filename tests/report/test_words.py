"""Numbers, answers and sentences: well formed and true for any table of outcomes, unusual ones included."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from crisis_sim import text
from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes import summarise
from crisis_sim.report import page, story
from crisis_sim.report.answers import (
    answer,
    caption,
    ceasefire_change,
    key_figures,
    median,
    paragraphs,
)
from crisis_sim.report.example_crises import choose
from crisis_sim.report.page import source, value
from crisis_sim.report.story import environment
from crisis_sim.scenario.behaviour import DecisionBehaviour
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.schema import ENDINGS
from tests.report.looking import printed, read
from tests.report.made_up import CASES, MAY_2025, make_batch, make_ensemble, make_scenario

# Numbers and names.

NIGHT = datetime.fromisoformat("2025-05-07T01:05+05:30")


def figure(estimate: float | None, lower: float | None, upper: float | None) -> dict[str, Any]:
    return {"estimate": estimate, "lower": lower, "upper": upper}


@pytest.mark.parametrize(
    ("write", "given", "written"),
    [
        (text.percent, 0.7123, "71.2"),
        (text.percent, 1.0, "100.0"),
        (text.percent, 0.0, "0.0"),
        (text.percent, 0.0015, "0.15"),
        (text.percent, 0.00004, "0.0040"),
        (text.percent, 0.99999, "99.9990"),
        (text.percent, None, text.UNKNOWN),
        (text.points, 0.089, "+8.9"),
        (text.points, -0.089, "−8.9"),
        (text.points, 0.0, "0.0"),
        (text.points, 1e-9, "0.0"),
        (text.exact, 50_000.0, "50,000"),
        (text.exact, 0.125, "0.125"),
        (text.exact, -3, "−3"),
        (text.exact, 1e-7, "1e-07"),
        (text.exact, 1e20, "1e+20"),
        (text.exact, 0.0, "0"),
        (text.duration, 0.5, "30 minutes"),
        (text.duration, 1.0, "1 hour"),
        (text.duration, 47.6, "48 hours"),
        (text.duration, 87.92, "3.7 days"),
        (text.duration, 24.0 * 45.2, "45 days"),
        (text.duration, -240.0, "−10 days"),
        (text.duration, math.inf, text.UNKNOWN),
        (text.listed, [], ""),
        (text.listed, ["a"], "a"),
        (text.listed, ["a", "b", "c"], "a, b and c"),
        (text.label, "no_back_channel", "No back channel"),
        (text.with_article, "United States", "the United States"),
        (text.with_article, "International Monetary Fund", "the International Monetary Fund"),
        (text.with_article, "China", "China"),
        (text.with_article, "military hotline", "the military hotline"),
        (text.with_article, "The Quad", "The Quad"),
        (text.with_article, "a quiet word", "a quiet word"),
        (text.clean, "a\x1b[31mred\x07\r\nb\u202ec\u200fd", "a[31mred bcd"),
        (text.clean, "क्\u200dष", "क्\u200dष"),
        (lambda name: text.shorten(name, 12), "a_long_name_that_ends_in_7", "a_long_n…n_7"),
        (lambda name: text.shorten(name, 10), "short", "short"),
        (lambda hours: text.after(hours, "the trigger"), -240.0, "10 days before the trigger"),
        (value, Distribution("uniform", (0.2, 0.7)), "0.2 to 0.7, evenly spread"),
        (value, Distribution("triangular", (0.6, 0.8, 1.0)), "0.6 to 1, most likely 0.8"),
        (value, Distribution("normal", (5.0, 1.5)), "about 5, standard deviation 1.5"),
        (value, Distribution("lognormal", (9.0, 0.5)), "median 9, spread 0.5 in logarithms"),
        (value, Distribution("choice", (1.3, 1.4), (0.5, 0.5)), "1.3 or 1.4, equally likely"),
        (value, Distribution("choice", (1.0, 2.0), (0.25, 0.75)), "1 (25.0%) or 2 (75.0%)"),
        (value, True, "yes"),
        (value, (), "none"),
        (value, ("india", "us"), "india, us"),
        (value, "", "none"),
        (value, datetime(2025, 5, 9, 20, tzinfo=UTC), "Friday 9 May 2025, 20:00 (UTC)"),
        (text.moment, NIGHT, "Wednesday 7 May, 01:05"),
        (lambda at: text.moment(at, year=True), NIGHT, "Wednesday 7 May 2025, 01:05"),
        (text.offset, NIGHT, "UTC+5:30"),
        (text.offset, datetime.fromisoformat("2025-05-07T01:05-04:00"), "UTC−4"),
        (median, figure(116.2, 112.0, 119.9), "4.8 days (4.7 to 5.0)"),
        (median, figure(43.0, 40.0, 46.0), "43 hours (40 to 46)"),
        (median, figure(43.0, 40.0, None), "43 hours (at least 40)"),
    ],
)
def test_in_words(write: Callable[[Any], str], given: Any, written: str) -> None:
    assert write(given) == written


@pytest.mark.parametrize("write", [text.percent, text.points, text.signed_hours, text.count])
def test_unknown_numbers_are_dashes(write: Callable[[float], str]) -> None:
    assert {write(odd) for odd in (math.nan, math.inf, -math.inf)} == {text.UNKNOWN}


@given(
    size=st.floats(1e-4, 1e3),
    less=st.booleans(),
    write=st.sampled_from([text.points, text.signed_hours]),
)
def test_a_nonzero_difference_is_not_shown_as_zero(
    size: float, less: bool, write: Callable[[float], str]
) -> None:
    written = write(-size if less else size)
    assert written[0] == (text.MINUS if less else "+")
    assert float(written[1:]) > 0.0


def test_every_ending_has_a_name_and_a_sentence() -> None:
    assert tuple(text.ENDINGS) == ENDINGS
    assert set(story.ENDINGS) == set(ENDINGS)


def test_the_source_of_a_value_is_the_default_or_the_scenario() -> None:
    path = ("behaviour", "decision", "cost_power")
    usual = DecisionBehaviour().cost_power
    assert source(path, usual).startswith("default: Schelling 1966")
    assert source(path, 9.0) == f"the scenario; default {usual:g}"
    assert source(("states", "india", "resolve"), 0.5) == "the scenario"
    assert source(("states", "india", "capability"), 1.0) == "default: assumed"
    assert source(("mediators", "us", "style"), "facilitation") == "default"


# Figures of a page.


@pytest.mark.parametrize(
    ("kind", "arguments", "cell"),
    [
        ("share", [figure(0.861, 0.845, 0.875)], "86.1 84.5 to 87.5"),
        ("share", [figure(0.0005, 0.0001, 0.0028)], "0.050 0.010 to 0.28"),
        ("share", [figure(None, None, None)], "not known"),
        ("median", [{"median_hours": None, "of": 9}], "never half"),
        ("median", [{"median_hours": None, "of": 0}], "none struck"),
        ("median", [{"median_hours": figure(116.0, 112.0, None)}], "116 at least 112"),
        ("difference", [None, text.points], "not known"),
        ("difference", [figure(0.1, 0.05, 0.25), text.points], "+10.0 +5.0 to +25.0"),
    ],
)
def test_cells_have_limits_or_are_unknown(kind: str, arguments: list[Any], cell: str) -> None:
    cells = environment().get_template("parts.html.jinja").module
    assert read(getattr(cells, kind)(*arguments)).text == cell


@pytest.mark.parametrize(("low", "strong"), [(0.05, 1), (-0.05, 0)])
def test_a_difference_is_bold_if_its_interval_excludes_zero(low: float, strong: int) -> None:
    cells = environment().get_template("parts.html.jinja").module
    html = cells.difference(figure(0.1, low, 0.25), text.points)
    assert len(read(html).all("strong")) == strong


# The output of `run`: the answer, outcomes, differences and advice.


def test_a_printed_summary(summary: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert printed(summary, width=80) == snapshot


@pytest.mark.parametrize("width", [60, 80, 200])
def test_tables_fit_a_terminal_without_truncation(width: int, summary: dict[str, Any]) -> None:
    output = printed(summary, width)
    assert max(map(len, output.splitlines())) <= width
    assert "…" not in output.replace(", …", "").replace("–…", "")  # an unknown limit
    assert output.count("\n") < 2.5 * printed(summary, 100).count("\n")


def test_the_answer_leaves_out_what_is_not_clear(summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    for difference in changed["differences"].values():
        shares = [part["share"] for part in difference["courses"].values()]
        for one in (*shares, ceasefire_change(difference)[0]):
            one |= {"lower": -0.5, "upper": 0.5}
    unclear = "how far crises go or how soon they have a ceasefire."
    assert answer(changed).endswith(f"No other scenario clearly changes {unclear}")
    changed["differences"] = {"no_mediators": changed["differences"]["no_mediators"]}
    assert answer(changed).endswith(f"“No mediators” does not clearly change {unclear}")


def test_one_scenario_has_no_table_of_differences(batch: Batch) -> None:
    alone = summarise(make_batch(batch.ensembles["may_2025"]))
    assert "Difference from “" not in printed(alone)
    assert "strike in both" not in answer(alone)
    assert "none" in printed(summarise(batch_of(["none struck"], 50)))


def test_names_are_printed_literally() -> None:
    names = ["[bold]x[/bold]", "a[link=http://x]b", "esc\x1b[31m"]
    ensembles = (
        make_ensemble(name, CASES["may_2025"], replicates=50, scenario=make_scenario(name))
        for name in names
    )
    output = printed(summarise(make_batch(*ensembles)))
    assert "[bold]x[/bold]" in output
    assert "[link=http://x]" in output
    assert "\x1b" not in output


# Sentences are valid for any table of outcomes.

#: Changes to the columns of a batch that the usual sentences do not fit.
ODD = ("usual", "none struck", "all struck", "none agreed", "all alike", "nothing ended")
INVALID = re.compile(r"nan|inf\b|None|\+-|[+−-]0(\.0+)?\b|-\d+ minutes|  ")


def reshaped(case: str) -> Any:
    def change(columns: dict[str, Any]) -> None:
        strike, ending = columns["first_strike_at_hours"], columns["ending"]
        if case == "none struck":
            strike[:] = np.nan
        elif case == "all struck":
            strike[:] = np.where(np.isnan(strike), 1.0, strike)
        elif case == "none agreed":
            ending[ending == "agreement"] = "tacit"
        elif case == "all alike":
            for values in columns.values():
                values[:] = values[0]
        elif case == "nothing ended":
            ending[:] = "unresolved"
            columns["ended_at_hours"][:] = np.nan
        if case in ("none agreed", "nothing ended"):
            columns["ceasefire_in_effect_at_hours"][:] = np.nan
        columns["replicate"][:] = np.arange(len(columns["replicate"]))

    return change


def batch_of(cases: list[str], replicates: int) -> Batch:
    shares = (0.4, 0.1, 0.1, 0.1, 0.2, 0.1)
    usual: dict[str, Any] = {"replicates": replicates, "scenario": MAY_2025}
    ensembles = (
        make_ensemble(f"case_{k}", (shares, 80.0 + 10.0 * k, 0.1), change=reshaped(case), **usual)
        for k, case in enumerate(cases)
    )
    return make_batch(*ensembles)


def sentences(batch: Batch, summary: dict[str, Any]) -> Iterator[str]:
    """All sentences about a run."""
    yield from summary["advice"]
    yield answer(summary)
    yield from paragraphs(summary)
    for name in ("ceasefire_from_first_strike", "ceasefire_from_trigger", "endings", "differences"):
        yield caption(name, batch, summary)
    yield from ("{value} {label}: {limits}".format(**one) for one in key_figures(summary))
    for ensemble in batch.ensembles.values():
        yield from (choice.why for choice in choose(ensemble))


runs = st.tuples(
    st.lists(st.sampled_from(ODD), min_size=1, max_size=3), st.sampled_from((1, 2, 9, 60))
)


@settings(max_examples=10, deadline=None)
@given(runs)
def test_sentences_have_valid_numbers_and_shares_denominators(run: tuple[list[str], int]) -> None:
    batch = batch_of(*run)
    for sentence in sentences(batch, summarise(batch)):
        assert not INVALID.search(sentence.strip()), sentence
        if re.search(r"\d%", re.sub(r"\([^)]*\)", "", sentence)):
            assert re.search(r"(all|crises with a|only crisis|below)", sentence), sentence
        assert not re.search(r"% of (these )?(simulated )?crises\b(?! with)", sentence), sentence


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(runs)
def test_tables_have_valid_numbers(run: tuple[list[str], int]) -> None:
    batch = batch_of(*run)
    with patch.multiple(
        page, all_charts=lambda *_: (), reference_of=lambda *_: "x", _read=lambda _: None
    ):
        html = page._of_run(batch, None, lambda done, total: None).html
    cells = [one.text for one in read(html).all("td")]
    assert len(cells) > 10
    for cell in cells:
        assert not INVALID.search(cell.strip()), cell
    assert not re.search(r"\bnan\b|None", printed(summarise(batch)))


@pytest.mark.parametrize("case", ODD)
def test_equal_scenarios_are_not_called_different(case: str) -> None:
    one, other = batch_of([case, case], 9).ensembles.values()
    twins = make_batch(one, type(other)(**{**vars(one), "name": "case_1"}))
    words = " ".join(sentences(twins, summarise(twins)))
    wrong = r"ranges from|most so in|is clearly|points (more|less) (likely|frequent)"
    assert not re.search(wrong, words), words
    if case != "none struck":
        assert "do not tell the two apart" in words or "one replicate does not tell" in words
