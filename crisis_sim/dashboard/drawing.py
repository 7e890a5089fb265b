"""What there is to draw and to say: replicates become plain data that a page can show.

Everything is computed by `crisis_sim.outcomes` and put into words by `crisis_sim.report`; here it is
only brought into the shape of a page.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markdown_it import MarkdownIt

from crisis_sim import text
from crisis_sim.dashboard.changes import MOVED, UNMOVED
from crisis_sim.model import CrisisModel, Journal
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.durations import AMONG, CLOCKS
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.report import answer, draw_replay, tell
from crisis_sim.report.curves import ORIGINS, nothing_on, shown_days
from crisis_sim.report.real_path import real_record
from crisis_sim.report.shares import MEASURES
from crisis_sim.report.story import gist_of
from crisis_sim.report.svg import inline

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.outcomes.measures import Reading
    from crisis_sim.scenario.schema import Scenario


# --- What there is to draw and to say: replicates become plain data that a page can show

#: Points in time at which a curve is drawn.
GRID_POINTS = 160
#: Single crises that stand as dots on a curve.
DOTS = 24
#: Digits of a number that is sent to the page: what a screen can show.
DIGITS = 4


def view(batch: Batch, clock: str, readings: Mapping[str, Reading] | None = None) -> dict[str, Any]:
    """All that the page shows of a batch of one scenario, unmoved, or of two, unmoved and moved.

    Args:
        batch: the replicates, `unmoved` first.
        clock: `from_first_strike` or `from_trigger`.
        readings: see `summarise`.

    Returns:
        Plain data: `incidence`, `endings`, `differences` and `words`, and of how many `crises` of each.
    """
    summary = summarise(batch, readings=readings)
    return {
        "crises": batch.ensembles[UNMOVED].replicates,
        "words": in_words(summary),
        "advice": list(summary["advice"]),
        "incidence": incidence(batch, clock),
        "endings": endings(summary),
        "differences": differences(summary),
    }


def in_words(summary: Mapping[str, Any]) -> list[str]:
    """The answer, sentence by sentence: what the changes did, if any were made, and how crises end."""
    alone = {
        name: answer({**summary, "reference": name, "differences": {}})
        for name in reversed(summary["scenarios"])
    }
    changed = answer(summary).removeprefix(alone[UNMOVED]).strip()
    return [one for one in (changed, *alone.values()) if one]


def incidence(batch: Batch, clock: str) -> dict[str, Any]:
    """The cumulative incidence of a ceasefire with its 95% band, unmoved and moved, and crises to pick."""
    curves = {name: CLOCKS[clock].read(one).incidence() for name, one in batch.ensembles.items()}
    record = real_record(batch.ensembles[UNMOVED].scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(curves.values(), real)
    last = list(batch.ensembles)[-1]
    return {
        "clock": clock,
        "origin": ORIGINS[clock],
        "of": AMONG[clock],
        "days": days,
        "real": None
        if real is None
        else {
            "day": round(real / 24.0, DIGITS),
            "label": f"real ceasefire, {text.duration(real)}",
        },
        "curves": [_curve(name, curve, days, clock) for name, curve in curves.items()],
        "dots": dots(batch.ensembles[last], curves[last], clock),
    }


def dots(ensemble: Ensemble, curve: CumulativeIncidence, clock: str) -> list[dict[str, Any]]:
    """Single crises on their curve, evenly spread over those that came to a ceasefire."""
    replicate, hours = halted(ensemble, clock)
    chosen = (
        np.unique(np.linspace(0, len(hours) - 1, DOTS).round().astype(int)) if len(hours) else ()
    )
    height = curve.at(hours).estimate if len(hours) else hours
    return [
        {
            "replicate": int(replicate[place]),
            "day": _rounded(hours[place] / 24.0),
            "share": _rounded(height[place]),
        }
        for place in chosen
    ]


def halted(ensemble: Ensemble, clock: str) -> tuple[Any, Any]:
    """Numbers of the replicates that came to a ceasefire, and after how many hours; the first first."""
    durations = CLOCKS[clock].read(ensemble)
    rows = np.flatnonzero((durations.cause == 1) & ~np.isnan(durations.hours))
    rows = rows[np.argsort(durations.hours[rows], kind="stable")]
    return ensemble.column("replicate")[rows], durations.hours[rows]


def endings(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How crises ended, a row for each scenario, in the order in which charts stack them."""
    return [
        {
            "name": name,
            "label": text.label(name),
            "shares": [
                {
                    "ending": ending,
                    "label": text.ENDINGS[ending],
                    "share": share["estimate"],
                    "told": _told_share(share),
                }
                for ending, share in scenario["endings"].items()
            ],
            "war": _told_share(scenario["shares"]["war"]),
            "nuclear_use": _told_share(scenario["shares"]["nuclear_use"]),
        }
        for name, scenario in summary["scenarios"].items()
    ]


def differences(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Moved less unmoved, measure by measure, with 95% intervals; none where nothing is moved."""
    if MOVED not in summary["differences"]:
        return []
    rows = []
    for measure in MEASURES:
        figure = measure.find(summary["differences"][MOVED])
        label = f"{measure.heading.replace(chr(10), ' ')}, of {measure.among}"
        row: dict[str, Any] = {"label": label, "unit": measure.unit}
        if figure is None or figure["estimate"] is None:
            why = ": half is never reached" if measure.scale == 1.0 else ""
            rows.append({**row, "estimate": None, "text": f"not known{why}"})
            continue
        low, high = (
            figure["lower"],
            figure["upper"],
        )  # as they are: a limit near zero may round to it
        sure = (low is not None and low > 0) or (high is not None and high < 0)
        low, middle, high = (
            None if one is None else _rounded(measure.scale * one)
            for one in (low, figure["estimate"], high)
        )
        rows.append(
            {
                **row,
                "estimate": middle,
                "lower": low,
                "upper": high,
                "sure": sure,
                "text": _told_difference(figure, measure.scale, measure.unit, sure),
            }
        )
    return rows


def _told_difference(figure: Mapping[str, Any], scale: float, unit: str, sure: bool) -> str:
    write = text.points if scale == 100.0 else text.signed_hours
    low, high = (
        "no limit known" if figure[key] is None else write(figure[key])
        for key in ("lower", "upper")
    )
    told = f"{write(figure['estimate'])} {unit} (95% interval {low} to {high})"
    return told if sure else f"{told}: no more than chance explains"


def _told_share(share: Mapping[str, Any]) -> tuple[str, str]:
    """A share and its interval."""
    low, middle, high = (text.percent(share[key]) for key in ("lower", "estimate", "upper"))
    return f"{middle}%", f"{low} to {high}"


def _curve(name: str, curve: CumulativeIncidence, days: float, clock: str) -> dict[str, Any]:
    grid = np.linspace(0.0, 24.0 * days, GRID_POINTS)
    share = curve.at(grid)
    known = [
        [_rounded(hours / 24.0), *(_rounded(value) for value in values)]
        for hours, *values in zip(grid, share.estimate, share.lower, share.upper, strict=True)
        if not math.isnan(values[0])
    ]
    last = known[-1] if known else None
    return {
        "name": name,
        "label": text.label(name),
        "points": known,
        "told": nothing_on(clock)
        if last is None
        else f"{text.label(name)}: {text.percent(last[1])}% of {AMONG[clock]} after "
        f"{text.plural(round(last[0], 1), 'day')}"
        f" (95% interval {text.percent(last[2])} to {text.percent(last[3])})",
    }


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


# --- Single crises: which are worth reading, which one is meant, and one told as a story with its path

#: Heads of a story stand this many levels further down in the page.
LEVELS_DOWN = 2
#: What ids in the chart of a crisis begin with.
CHART = "path"
#: Matplotlib's settings are the whole process's, so one chart is drawn at a time.
_drawing = threading.Lock()


def worth_reading(batch: Batch, clock: str) -> list[dict[str, Any]]:
    """A few crises of the last scenario that say most, each with why: for a list to pick from."""
    last = list(batch.ensembles.values())[-1]
    replicate, hours = halted(last, clock)
    found: list[tuple[str, int]] = []
    if len(hours):
        for word, place in (
            ("typical", len(hours) // 2),
            ("quickest", 0),
            ("slowest", len(hours) - 1),
        ):
            after = text.duration(hours[place])
            told = f"{word}: a ceasefire {after} after {ORIGINS[clock]}"
            found.append((told, int(replicate[place])))
    war = np.flatnonzero(~np.isnan(last.column("war_at_hours")))
    if war.size:
        found.append(("full-scale war", int(last.column("replicate")[war[0]])))
    going_on = np.flatnonzero(last.column("ending") == "unresolved")
    if going_on.size:
        found.append(
            ("still going when its time ran out", int(last.column("replicate")[going_on[0]]))
        )
    if MOVED in batch.ensembles:
        found += _changed(batch.ensembles[UNMOVED], last, clock)
    return [{"replicate": number, "label": text.label(told)} for told, number in found]


def _changed(unmoved: Ensemble, moved: Ensemble, clock: str) -> list[tuple[str, int]]:
    """Crises that the changes decided: with the same luck, a ceasefire in one and none in the other."""
    before, after = CLOCKS[clock].read(unmoved), CLOCKS[clock].read(moved)
    had, has = before.cause == 1, after.cause == 1
    replicate = moved.column("replicate")
    found = []
    for told, rows in (
        ("a ceasefire only because of the changes", has & ~had),
        ("no ceasefire because of the changes", had & ~has),
    ):
        if rows.any():
            found.append((told, int(replicate[np.argmax(rows)])))
    both = had & has
    if both.any():
        shift = np.where(both, after.hours - before.hours, 0.0)
        for word, place in (("sooner", int(np.argmin(shift))), ("later", int(np.argmax(shift)))):
            if shift[place]:
                by = text.duration(abs(shift[place]))
                found.append((f"most moved: {by} {word}", int(replicate[place])))
    return found


def nearest(ensemble: Ensemble, clock: str, day: float) -> int | None:
    """The replicate whose ceasefire came nearest to a moment on a clock; None if none came."""
    replicate, hours = halted(ensemble, clock)
    if not len(hours):
        return None
    return int(replicate[np.argmin(np.abs(hours - 24.0 * day))])


def tell_crisis(scenario: Scenario, replicate: int, seed: int) -> dict[str, Any]:
    """One crisis: the same as that replicate of `crisis-sim run` with that seed.

    Args:
        scenario: the crisis that is run.
        replicate: its number.
        seed: of its luck.

    Returns:
        `story`, as HTML without scripts or links, and `chart`, its path as SVG with colours for light and dark.
    """
    journal = Journal()
    model = CrisisModel(scenario, 1, seed, first_replicate=replicate, journal=journal)
    model.run()
    outcome = {name: values[0] for name, values in model.outcomes().items()}
    gist = gist_of(journal, scenario, outcome)
    with _drawing:
        chart = inline(draw_replay(journal, scenario), CHART, f"Path of crisis {replicate}", gist)
    return {"story": _html(tell(journal, scenario, outcome)), "chart": chart}


def _html(story: str) -> str:
    """A story in Markdown as HTML; what would be HTML in it is letters and no more."""
    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(story)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1:]) + LEVELS_DOWN}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))
