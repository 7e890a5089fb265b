"""Show a hindcast: tables, charts and files."""

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
from crisis_sim.batch.safe_files import as_json, write_durably
from crisis_sim.experiments import plots
from crisis_sim.hindcast.run import Hindcast
from crisis_sim.hindcast.scores import DECILES, Against, Bin, Score
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.text import UNKNOWN, excludes_zero, label, listed, number

#: The file of forecasts.
PREDICTIONS = "predictions.csv"
KINDS = {"log": "log", "brier": "Brier", "rps": "RPS", "crps_log10": "CRPS"}
#: Name, main score and colour of each target.
TARGETS = {
    "ending": ("kind of ending", "log", style.ESTIMATE),
    "violence": ("worst violence", "log", style.LESS),
    "mediated": ("mediation", "log", style.MORE),
    "duration": ("duration", "crps_log10", style.THIRD_PARTY),
}
#: Height of a row of a chart and of everything else, millimetres.
ROW, FRAME = 5.0, 22.0


def print_hindcast(hindcast: Hindcast, console: Console | None = None) -> None:
    """Print the problems in the files, the scores of all crises, and skill by class."""
    console = console or Console()
    width = min(console.width, WIDTH)
    for line in hindcast.crises.remarks.lines():
        console.print(Text(line, style="yellow"), width=width)
    if not hindcast.scores:
        message = "Too few of these crises have known outcomes, so nothing is scored."
        console.print(Text(message), width=width)
        return
    everybody = hindcast.scores[0].group
    references = {"clima-\ntology": "climatology", "base-\nline": "baseline"}
    title, caption = f"Scores of {everybody}", "Skill in %, with its 95% interval."
    if hindcast.leave_out:
        references["in\nsample"] = "in_sample"
        title += f", left out by {hindcast.leave_out}"
        caption += " In sample: the same fit with nothing left out."
    title += " (lower scores are better)"
    headings = ["score", "n", "model"]
    for reference in references:
        headings += [reference, "skill\nover it"]
    rows: list[list[Any]] = []
    for score in hindcast.scores:
        if score.group == everybody:
            name = f"{score.what}, {KINDS[score.kind]}"
            rows.append([name, f"{score.crises}", number(score.model, 3)])
            for who in references.values():
                against: Against = getattr(score, who)
                rows[-1] += [number(against.score, 3), _skill(against)]
    console.print(fitted(title, headings, rows, width, caption), width=width)
    console.print()
    for fold in hindcast.folds:
        weights = listed([f"{weight:g} for {what}" for what, weight in fold.weights.items()])
        line = (
            f"{label(fold.name)}: {fold.crises} crises predicted. The fit to {fold.figures} figures of the other crises "
            f"changed parameters by {number(100 * fold.moved, 1)}% of their ranges. Weight of the model: {weights}."
        )
        console.print(Text(line), width=width)
    classes = []
    for group, scores in _main_scores(hindcast).items():
        crises = max(score.crises for score in scores.values())
        cells = [
            _skill(scores[target].climatology) if target in scores else UNKNOWN
            for target in TARGETS
        ]
        classes.append((group, f"{crises}", *cells))
    title = "Skill over climatology by class, % (log score; for duration, CRPS)"
    console.print(fitted(title, ("class", "n", *TARGETS), classes, width), width=width)


def _main_scores(hindcast: Hindcast) -> dict[str, dict[str, Score]]:
    """Return the main score of each target by class."""
    scores: dict[str, dict[str, Score]] = {}
    for score in hindcast.scores:
        if TARGETS[score.what][1] == score.kind:
            scores.setdefault(score.group, {})[score.what] = score
    return scores


def _skill(against: Against) -> Text:
    if math.isnan(against.skill):
        return Text(UNKNOWN, style="dim")
    low, high = against.skill_limits
    figures = (number(100 * value, 0) for value in (against.skill, low, high))
    return Text("{}\n{}, {}".format(*figures), style="" if excludes_zero(low, high) else "dim")


@style.styled
def draw_skill(hindcast: Hindcast) -> Figure:
    """Draw skill over climatology and over the baseline by class, with intervals."""
    classes = _main_scores(hindcast)
    rows = (len(TARGETS) + 1) * len(classes)
    figure = style.new_figure(height=FRAME + ROW * rows * 0.7)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, who in zip(panels, ("climatology", "baseline"), strict=True):
        labels: list[str] = []
        for group, scores in classes.items():
            crises = max(score.crises for score in scores.values())
            labels.append(f"{label(group)} ({crises})")
            for what, score in scores.items():
                against: Against = getattr(score, who)
                low, high = against.skill_limits
                name, _, colour = TARGETS[what]
                figures = {"skill": against.skill, "lower": low, "upper": high}
                style.keep(axes, over=who, crises=group, target=what, **figures)
                if not math.isnan(against.skill):
                    plots.span(axes, [100 * low, 100 * high], len(labels), colour, 1.2)
                    plots.dot(axes, 100 * against.skill, len(labels), colour, markersize=3.6)
                labels.append(name)
        axes.axvline(0.0, color=style.GREY, linewidth=0.8)
        plots.name_rows(axes, labels)
        axes.set_xlabel("reduction of the reference's score, %")
        axes.set_title(f"Skill over {'the statistical baseline' if who == 'baseline' else who}")
    targets = [name for name, *_ in TARGETS.values()]
    for tick, text in zip(panels[0].get_yticklabels(), labels, strict=True):
        tick.set_fontweight("normal" if text in targets else "bold")
    return figure


@style.styled
def draw_reliability(hindcast: Hindcast) -> Figure:
    """Draw observed frequencies of events by predicted probability; calibrated forecasts lie on the diagonal."""
    figure = style.new_figure(height=118.0)
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for axes, (event, bins) in zip(panels, hindcast.bins.items(), strict=True):
        _draw_bins(axes, bins)
        for group in bins:
            style.keep(axes, event=event, **vars(group))
        axes.set_title(f"{label(event)} ({sum(group.crises for group in bins)} crises)")
    figure.supxlabel("predicted, % of crises", fontsize=7.0)
    figure.supylabel("occurred, % (numbers of crises; 95% intervals)", fontsize=7.0)
    return figure


def _draw_bins(axes: Axes, bins: list[Bin]) -> None:
    axes.plot([0, 100], [0, 100], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    for group in bins:
        limits = [100 * group.lower, 100 * group.upper]
        axes.plot([100 * group.forecast] * 2, limits, color=style.ESTIMATE, linewidth=0.9)
        is_high = group.upper > 0.85  # then there is room only below
        end = (100 * group.forecast, limits[0] if is_high else limits[1])
        place: Any = {"ha": "center", "va": "top" if is_high else "bottom", "rotation": 90}
        place |= {"xytext": (0, -2 if is_high else 2), "textcoords": "offset points"}
        axes.annotate(f"{group.came}/{group.crises}", end, fontsize=5.5, **place)
    predicted = [100 * group.forecast for group in bins]
    occurred = [100 * group.came / group.crises for group in bins]
    line: dict[str, Any] = {"color": style.ESTIMATE, "marker": "o", "markersize": 3.4}
    axes.plot(predicted, occurred, linewidth=0.7, clip_on=False, **line)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_aspect("equal")
    axes.grid()


@style.styled
def draw_duration(hindcast: Hindcast) -> Figure:
    """Draw a histogram of the real durations' predictive percentiles; it is flat if the forecasts are calibrated."""
    figure = style.new_figure(width=style.SINGLE_COLUMN, height=62.0)
    axes = figure.subplots()
    crises, share = sum(hindcast.tenths), 1 / DECILES
    expected = crises * share
    margin = 1.96 * math.sqrt(crises * share * (1 - share))
    axes.axhspan(expected - margin, expected + margin, color=style.PALE_GREY, linewidth=0)
    axes.axhline(expected, color=style.GREY, linewidth=0.8)
    starts = np.arange(DECILES) * 100 * share
    axes.bar(starts, hindcast.tenths, 92 * share, align="edge", color=style.ESTIMATE, alpha=0.8)
    style.keep(axes, from_percentile=starts, crises=hindcast.tenths)
    axes.set_xlim(0, 100)
    axes.set_xlabel("predictive percentile of the real duration")
    axes.set_ylabel("crises (grey: 95% by chance)")
    axes.set_title(f"Durations of {crises} crises")
    return figure


CHARTS = {"skill": draw_skill, "reliability": draw_reliability, "duration": draw_duration}


def write_hindcast(hindcast: Hindcast, folder: Path) -> list[Path]:
    """Write forecasts, scores and charts into a folder; existing files are replaced.

    Returns:
        The files written.

    Raises:
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"hindcast_{hindcast.leave_out}" if hindcast.leave_out else "hindcast"
    files = {
        PREDICTIONS: hindcast.predictions.to_csv(index=False, float_format="%.5g").encode(),
        f"{name}.json": as_json(hindcast.plain()),
    }
    for file, content in files.items():
        write_durably(folder / file, content)
    written = [folder / file for file in files]
    for chart, draw in CHARTS.items() if hindcast.scores else ():
        written += style.write(draw(hindcast), folder / f"{name}_{chart}")
    return written
