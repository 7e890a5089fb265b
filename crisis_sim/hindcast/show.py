"""A hindcast in tables, charts and files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from crisis_sim import style
from crisis_sim.batch.files import as_json, write_durably
from crisis_sim.hindcast.run import Hindcast
from crisis_sim.hindcast.scores import DECILES, Against, Bin, Score
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.text import UNKNOWN, excludes_zero, label, listed, number

#: The file of forecasts.
PREDICTIONS = "predictions.csv"
KINDS = {"log": "log", "brier": "Brier", "rps": "RPS", "crps_log10": "CRPS"}
#: What is predicted: in words, the score by which it is judged where there is room for one, and its colour.
TARGETS = {
    "ending": ("kind of ending", "log", style.ESTIMATE),
    "violence": ("worst violence", "log", style.LESS),
    "mediated": ("mediation", "log", style.MORE),
    "duration": ("duration", "crps_log10", style.THIRD_PARTY),
}
#: Millimetres for each row of a chart, and around the rows.
ROW, FRAME = 5.0, 22.0


def print_hindcast(found: Hindcast, console: Console | None = None) -> None:
    """Print what was wrong in the files, and the scores: of all crises, and skill by class."""
    console = console or Console()
    width = min(console.width, WIDTH)
    for line in found.crises.remarks.told():
        console.print(Text(line, style="yellow"), width=width)
    if not found.scores:
        told = "No outcomes are known of enough of these crises: nothing is scored."
        console.print(Text(told), width=width)
        return
    everybody = found.scores[0].group
    beside = {"clima-\ntology": "climatology", "base-\nline": "baseline"}
    title, told = f"Scores of {everybody}", "Skill in %, and its 95% interval."
    if found.leave_out:
        beside["in\nsample"] = "in_sample"
        title += f", left out by {found.leave_out}"
        told += " In sample: the same fit with nothing left out."
    over = [one for head in beside for one in (head, "skill\nover it")]
    headings = ["score", "n", "model", *over]
    rows: list[list[Any]] = []
    for one in found.scores:
        if one.group == everybody:
            rows.append([f"{one.what}, {KINDS[one.kind]}", f"{one.crises}", number(one.model, 3)])
            for who in beside.values():
                against: Against = getattr(one, who)
                rows[-1] += [number(against.score, 3), _skill(against)]
    title += ": the lower, the better"
    console.print(fitted(title, headings, rows, width, told), width=width)
    console.print()
    for fold in found.folds:
        weights = listed([f"{weight:g} of {what}" for what, weight in fold.weights.items()])
        told = (
            f"{label(fold.name)}: {fold.crises} crises predicted; {fold.figures} figures of the others moved parameters by "
            f"{number(100 * fold.moved, 1)}% of their ranges; the model's weight: {weights}."
        )
        console.print(Text(told), width=width)
    classes = []
    for group, scores in _groups(found).items():
        most = max(one.crises for one in scores.values())
        cells = [_skill(scores[one].climatology) if one in scores else UNKNOWN for one in TARGETS]
        classes.append((group, f"{most}", *cells))
    title = "Skill over climatology by class, % (log score; of duration, CRPS)"
    console.print(fitted(title, ("class", "n", *TARGETS), classes, width), width=width)


def _groups(found: Hindcast) -> dict[str, dict[str, Score]]:
    """The main score of each target, by class."""
    groups: dict[str, dict[str, Score]] = {}
    for one in found.scores:
        if TARGETS[one.what][1] == one.kind:
            groups.setdefault(one.group, {})[one.what] = one
    return groups


def _skill(one: Against) -> Text:
    if math.isnan(one.skill):
        return Text(UNKNOWN, style="dim")
    low, high = one.skill_limits
    told = "{}\n{}, {}".format(*(number(100 * each, 0) for each in (one.skill, low, high)))
    return Text(told, style="" if excludes_zero(low, high) else "dim")


@style.styled
def draw_skill(found: Hindcast) -> Figure:
    """Skill over climatology and over the baseline, class by class, with intervals."""
    groups = _groups(found)
    rows = (len(TARGETS) + 1) * len(groups)
    figure = style.new_figure(height=FRAME + ROW * rows * 0.7)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, who in zip(panels, ("climatology", "baseline"), strict=True):
        labels: list[str] = []
        for group, scores in groups.items():
            labels.append(f"{label(group)} ({max(one.crises for one in scores.values())})")
            for what, one in scores.items():
                skill, (low, high) = getattr(one, who).skill, getattr(one, who).skill_limits
                words, _, colour = TARGETS[what]
                limits = {"skill": skill, "lower": low, "upper": high}
                style.keep(axes, over=who, crises=group, target=what, **limits)
                if not math.isnan(skill):
                    row = [len(labels)] * 2
                    axes.plot([100 * low, 100 * high], row, color=colour, linewidth=1.2)
                    axes.plot([100 * skill], row[:1], color=colour, marker="o", markersize=3.6)
                labels.append(words)
        axes.axvline(0.0, color=style.GREY, linewidth=0.8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_xlabel("% of the reference's score saved")
        axes.set_title(f"Skill over {'the statistical baseline' if who == 'baseline' else who}")
    for tick, text in zip(panels[0].get_yticklabels(), labels, strict=True):
        is_target = any(text == words for words, *_ in TARGETS.values())
        tick.set_fontweight("normal" if is_target else "bold")
    return figure


@style.styled
def draw_reliability(found: Hindcast) -> Figure:
    """How often events came, by how likely they were held: on the diagonal, as often as predicted."""
    figure = style.new_figure(height=118.0)
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for axes, (name, bins) in zip(panels, found.bins.items(), strict=True):
        _draw_bins(axes, bins)
        for one in bins:
            style.keep(axes, event=name, **vars(one))
        axes.set_title(f"{label(name)} ({sum(one.crises for one in bins)} crises)")
    figure.supxlabel("predicted, % of crises", fontsize=7.0)
    figure.supylabel("came, % (how many of how many; 95% intervals)", fontsize=7.0)
    return figure


def _draw_bins(axes: Axes, bins: list[Bin]) -> None:
    axes.plot([0, 100], [0, 100], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    for one in bins:
        limits = [100 * one.lower, 100 * one.upper]
        axes.plot([100 * one.forecast] * 2, limits, color=style.ESTIMATE, linewidth=0.9)
        is_high = one.upper > 0.85  # then it is told below
        at = (100 * one.forecast, limits[0] if is_high else limits[1])
        look: Any = {"ha": "center", "va": "top" if is_high else "bottom", "rotation": 90}
        look |= {"xytext": (0, -2 if is_high else 2), "textcoords": "offset points"}
        axes.annotate(f"{one.came}/{one.crises}", at, fontsize=5.5, **look)
    came = [100 * one.came / one.crises for one in bins]
    held = [100 * one.forecast for one in bins]
    line: dict[str, Any] = {"color": style.ESTIMATE, "marker": "o", "markersize": 3.4}
    axes.plot(held, came, linewidth=0.7, clip_on=False, **line)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_aspect("equal")
    axes.grid()


@style.styled
def draw_duration(found: Hindcast) -> Figure:
    """Where real durations fall among those predicted: flat where the forecasts are calibrated."""
    figure = style.new_figure(width=style.SINGLE_COLUMN, height=62.0)
    axes = figure.subplots()
    crises, share = sum(found.tenths), 1 / DECILES
    expected = crises * share
    reach = 1.96 * math.sqrt(crises * share * (1 - share))
    axes.axhspan(expected - reach, expected + reach, color=style.PALE_GREY, linewidth=0)
    axes.axhline(expected, color=style.GREY, linewidth=0.8)
    places = np.arange(DECILES) * 100 * share
    axes.bar(places, found.tenths, 92 * share, align="edge", color=style.ESTIMATE, alpha=0.8)
    style.keep(axes, from_percentile=places, crises=found.tenths)
    axes.set_xlim(0, 100)
    axes.set_xlabel("percentile of the real duration among those predicted")
    axes.set_ylabel("crises (grey: 95% by chance)")
    axes.set_title(f"Durations of {crises} crises")
    return figure


CHARTS = {"skill": draw_skill, "reliability": draw_reliability, "duration": draw_duration}


def write_hindcast(found: Hindcast, folder: Path) -> list[Path]:
    """Write forecasts, scores and charts into a folder, in place of earlier ones.

    Returns:
        The files written.

    Raises:
        OSError: when one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"hindcast_{found.leave_out}" if found.leave_out else "hindcast"
    files = {
        PREDICTIONS: found.predictions.to_csv(index=False, float_format="%.5g").encode(),
        f"{name}.json": as_json(found.plain()),
    }
    for file, content in files.items():
        write_durably(folder / file, content)
    written = [folder / file for file in files]
    for chart, draw in CHARTS.items() if found.scores else ():
        written += style.write(draw(found), folder / f"{name}_{chart}")
    return written
