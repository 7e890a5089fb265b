"""Every sentence on a run is true of any table of outcomes, the unusual ones too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim import text
from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes import summarise
from crisis_sim.report import captions, page
from crisis_sim.report.answers import answer
from crisis_sim.report.example_crises import choose
from tests.report.made_up import make_batch, make_ensemble, make_scenario
from tests.report.page.reading import read
from tests.report.test_answers import printed

SHARES = (0.4, 0.1, 0.1, 0.1, 0.2, 0.1)
#: What is done to the columns of a batch: each leaves a case that the usual sentences do not fit.
CASES = ("usual", "none struck", "all struck", "none agreed", "all alike", "nothing ended")
SENSELESS = re.compile(r"nan|inf\b|None|\+-|[+−-]0(\.0+)?\b|-\d+ minutes|  ")


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
    usual: dict[str, Any] = {"replicates": replicates, "paths": False}
    usual["scenario"] = make_scenario("may_2025")
    return make_batch(
        *(
            make_ensemble(
                f"case_{k}", (SHARES, 80.0 + 10.0 * k, 0.1), change=reshaped(case), **usual
            )
            for k, case in enumerate(cases)
        )
    )


def sentences(batch: Batch) -> Iterator[str]:
    """All that is said of a run, but for tables."""
    summary = summarise(batch)
    yield from summary["advice"]
    yield answer(summary)
    yield captions.answer(summary)
    yield from captions.more(summary)
    for name in ("ceasefire_from_first_strike", "ceasefire_from_trigger", "endings", "differences"):
        yield captions.caption(name, batch, summary)
    yield from ("{value} {label}: {limits}".format(**one) for one in captions.key_figures(summary))
    for ensemble in batch.ensembles.values():
        yield from (choice.why for choice in choose(ensemble))


runs = st.tuples(
    st.lists(st.sampled_from(CASES), min_size=1, max_size=3), st.sampled_from((1, 2, 9, 60))
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(runs)
def test_no_sentence_or_table_prints_what_is_no_number(run: tuple[list[str], int]) -> None:
    batch = batch_of(*run)
    summary = summarise(batch)
    with patch.multiple(
        page, all_charts=lambda *_: (), reference_of=lambda *_: "x", _read=lambda _: None
    ):
        html = page._of_run(batch, None, lambda done, total: None).html
    cells = [one.text for one in read(html).all("td")]
    assert len(cells) > 10
    for said in (*sentences(batch), *cells):
        assert not SENSELESS.search(said.strip()), said
    assert not re.search(r"\bnan\b|None", printed(summary))


@settings(max_examples=25, deadline=None)
@given(runs)
def test_every_share_in_a_sentence_names_its_denominator(run: tuple[list[str], int]) -> None:
    for said in sentences(batch_of(*run)):
        shares = re.search(r"\d%", re.sub(r"\([^)]*\)", "", said))
        if shares:
            assert re.search(r"(all|crises with a|only crisis|below)", said), said
        assert not re.search(r"% of (these )?(simulated )?crises\b(?! with)", said), said


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from((1, 9, 60)))
def test_nothing_is_called_the_most_or_clearly_other_where_scenarios_are_alike(
    case: str, replicates: int
) -> None:
    one, other = batch_of([case, case], replicates).ensembles.values()
    twins = make_batch(one, type(other)(**{**vars(one), "name": "case_1"}))
    told = " ".join(sentences(twins))
    assert not re.search(
        r"estimates go from|the most,|is clearly|points (more|less) likely", told
    ), told
    if one.column("first_strike_at_hours").size and case != "none struck":
        assert "do not tell the two apart" in told or "one replicate does not tell" in told


def test_the_shares_in_the_summary_say_of_how_many_crises() -> None:
    def shares(part: Any, path: str) -> Iterator[tuple[str, Any]]:
        if isinstance(part, dict) and "estimate" in part:
            if "median" not in path and "quantiles" not in path:
                yield path, part
        elif isinstance(part, dict):
            for key, inner in part.items():
                yield from shares(inner, f"{path}.{key}")

    summary = summarise(batch_of(["usual", "all struck"], 60))
    found = list(shares({key: summary[key] for key in ("scenarios", "differences")}, ""))
    assert len(found) >= 90
    for path, figure in found:
        assert "of" in figure, path
        assert ("reference_of" in figure) == path.startswith(".differences"), path
    struck = summary["scenarios"]["case_0"]["ceasefire"]["from_first_strike"]
    assert struck["by"]["96_hours"]["of"] == struck["of"] < 60
    assert struck["among"] == "crises with a first strike"


@pytest.mark.parametrize("share", [0.0, 1.0, 0.99999, 0.00001, 0.9996, 0.997])
def test_none_and_all_are_said_of_none_and_all_alone(share: float) -> None:
    assert (float(text.percent(share)) in (0.0, 100.0)) == (share in (0.0, 1.0))


def test_a_moment_before_another_is_told_as_before_it() -> None:
    assert text.after(-240.0, "the trigger") == "10 days before the trigger"
    assert text.duration(float("inf")) == text.count(float("nan")) == text.UNKNOWN
