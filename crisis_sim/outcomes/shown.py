"""A summary as a notebook and a prompt show it: its headline, and its figures with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crisis_sim.outcomes.text import UNKNOWN, number
from crisis_sim.scenario import notebook
from crisis_sim.scenario.printable import clean

_MOMENTS = ("24_hours", "72_hours", "96_hours")


class Summary(dict[str, Any]):
    """What `summarise` gives: a dictionary, which shows itself in short."""

    def __repr__(self) -> str:
        names = [
            f"{name} (reference)" if name == self.get("reference") else name
            for name in self.get("scenarios", ())
        ]
        lines = [f"Summary of {', '.join(names)}", *(f"- {one}" for one in self.get("advice", ()))]
        return "\n".join(map(clean, lines))

    def _repr_html_(self) -> str:
        """Its figures, for a notebook."""
        return html_of(self)


def html_of(summary: Mapping[str, Any]) -> str:
    """A summary as HTML."""
    scenarios = [(name, *_outcomes(one)) for name, one in summary["scenarios"].items()]
    moments = [f"ceasefire in {moment.replace('_', ' ')}" for moment in _MOMENTS]
    parts = [
        notebook.table(
            ("scenario", "agreement", *moments, "median", "war", "nuclear use"),
            scenarios,
            "Outcomes in % of all crises, with 95% intervals; ceasefires and their median from the first strike, in % of "
            "crises with one",
            figures=True,
        )
    ]
    if summary["differences"]:
        parts.append(
            notebook.table(
                ("scenario", "agreement", "ceasefire in 96 hours", "median", "war"),
                [(name, *_differences(one)) for name, one in summary["differences"].items()],
                f"Differences from {summary['reference']} with 95% intervals, in percentage points of all crises, for "
                "ceasefires of those with a first strike; the median in hours",
                figures=True,
            )
        )
    return notebook.page(
        *parts, notebook.folded("How sure this is", notebook.bullets(summary["advice"]))
    )


def _outcomes(scenario: Mapping[str, Any]) -> list[str]:
    clock = scenario["ceasefire"]["from_first_strike"]
    return [
        _figure(scenario["endings"]["agreement"], 100.0, "%"),
        *(_figure(clock["by"][moment], 100.0, "%") for moment in _MOMENTS),
        _figure(clock["median_hours"], 1.0, " h"),
        _figure(scenario["shares"]["war"], 100.0, "%"),
        _figure(scenario["shares"]["nuclear_use"], 100.0, "%"),
    ]


def _differences(difference: Mapping[str, Any]) -> list[str]:
    clock = difference["ceasefire"]["from_first_strike"]
    return [
        _figure(difference["endings"]["agreement"], 100.0, sign=True),
        _figure(clock["by"]["96_hours"], 100.0, sign=True),
        _figure(clock["median_hours"], 1.0, " h", sign=True),
        _figure(difference["shares"]["war"], 100.0, sign=True),
    ]


def _figure(
    figure: Mapping[str, float | None] | None, scale: float, unit: str = "", sign: bool = False
) -> str:
    """An estimate with its limits, such as "86.1% (84.5 to 87.5)"; an open limit is a dash."""
    if figure is None or figure["estimate"] is None:
        return UNKNOWN
    digits = 0 if unit == " h" else 1
    low, middle, high = (
        UNKNOWN if (value := figure[key]) is None else number(scale * value, digits, sign)
        for key in ("lower", "estimate", "upper")
    )
    return f"{middle}{unit} ({low} to {high})"
