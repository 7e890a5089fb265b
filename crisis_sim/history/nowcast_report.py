"""A nowcast on a terminal, as a chart and in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from crisis_sim import style, text
from crisis_sim.batch.files import write_durably
from crisis_sim.history.filtering import Answer, Nowcast
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.report.curves import date_axis
from crisis_sim.version import __version__

#: Parameters that are printed; the folder holds all.
SHOWN = 6
#: Days of the curve that are drawn.
SHOWN_DAYS = 21


def print_nowcast(cast: Nowcast, console: Console) -> None:
    """Print a nowcast for a person: answers by moment, the last one in words, what the evidence has moved."""
    width = min(console.width, WIDTH)

    def say(words: str, **how: Any) -> None:
        console.print(Text(words, **how), width=width)

    last = cast.answers[-1]
    say(cast.evidence.title, style="bold")
    say(cast.sentence(last))
    console.print()
    war = next(k for k, one in enumerate(last.figures) if one.name == "war")
    shares = [k for k in (0, 2, war) if k < len(last.figures)]
    rows = []
    for one in cast.answers:
        at = cast.scenario.moment(one.at)
        asked = f"{text.day_and_month(at)}, {at:%H:%M}"
        counts = Text(f"{text.count(one.met)}\n{text.count(one.effective)}")
        rows.append((asked, counts, *(_share(one, k) for k in shares)))
    heads = [
        fill(last.figures[k].words.removeprefix("a "), 10) if k != war else "war" for k in shares
    ]
    title = "What comes after each moment, in % of futures"
    headings = ("asked on", "histories,\neffective", *heads)
    console.print(
        fitted(title, headings, rows, width, "Below each, its 95% interval."), width=width
    )
    for figure in last.figures[war + 1 :]:
        scale, digits = (100, 1) if figure.unit == "share" else (1, 2)
        low, high = text.limits(scale * figure.lower, scale * figure.upper, digits).split(" to ")
        unit = "%" if figure.unit == "share" else f" {figure.unit}".rstrip()
        say(
            f"{figure.words}: {text.number(scale * figure.estimate, digits)}{unit} ({low} to {high})"
        )
    if len(cast.answers) > 1 and (came := [one.real for one in cast.answers if one.real]):
        falls = [f"{text.percent(share)}%" for _, share in came]
        say(
            f"\nBy the time of the real one, it had come in these shares of futures, row by row: {text.listed(falls)}."
        )
    if cast.moved:
        say("\nParameters whose distribution the evidence has moved (median before and after):")
        for moved in cast.moved[:SHOWN]:
            say(f"  {moved.path}: {moved.before[1]:.3g} to {moved.after[1]:.3g}")
        if len(cast.moved) > SHOWN:
            say(f"  and {len(cast.moved) - SHOWN} more, in nowcast.json")
    for warning in cast.warnings:
        say(f"\n{text.sentence(warning)}", style="bold")
    say(
        f"\n{text.count(cast.histories)} histories of {cast.scenario.name} (digest {cast.scenario.digest[:12]}), seed "
        f"{cast.seed}, Crisis Sim {__version__}. These are futures of the model, not a forecast.",
        style="dim",
    )


def _share(answer: Answer, number: int) -> Text:
    if number >= len(answer.figures):
        return Text(text.UNKNOWN)
    one = answer.figures[number]
    limits = f"{text.percent(one.lower)}–{text.percent(one.upper)}"
    return Text(f"{text.percent(one.estimate)}\n{limits}")


@style.styled
def draw_nowcast(cast: Nowcast) -> Figure:
    """The curve from the last moment on; beside it, of several, the answers as the days went by, with 95% intervals."""
    figure = style.new_figure(height=72.0)
    last = cast.answers[-1]
    if len(cast.answers) > 1:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        _draw_days(figure, left, cast)
    else:
        right = figure.subplots()
    shown = last.hours <= 24 * SHOWN_DAYS
    days, curve = (last.at + last.hours[shown]) / 24, 100 * last.curve[shown]
    right.fill_between(
        days, curve[:, 1], curve[:, 2], color=style.tint(style.BLACK, 0.15), step="post"
    )
    right.step(days, curve[:, 0], where="post", **style.scenario_line(0))
    limits = dict(zip(("share", "lower", "upper"), curve.T / 100, strict=True))
    style.keep(right, what=f"{last.awaited}, from the last moment on", days=days, **limits)
    right.set_ylim(0.0, 100.0)
    date_axis(right, cast.scenario.start, days[0], days[-1], dates=6)
    day = text.day_and_month(cast.scenario.moment(last.at))
    right.set_title(f"A {last.awaited} from {day} on", pad=style.TITLE_PAD_OVER_MARKS)
    right.set_ylabel("% of futures")
    if last.real:
        style.mark_moment(right, (last.at + last.real[0]) / 24, "it really came", "left")
    return figure


def _draw_days(figure: style.Chart, axes: Axes, cast: Nowcast) -> None:
    days, ends = [one.at / 24 for one in cast.answers], []
    for place, number in enumerate((3, 2, 1, -1)):
        line = style.scenario_line(place)
        shown = [_figure(one, number) for one in cast.answers]
        limits = np.array([(one.lower, one.estimate, one.upper) for one in shown]).T * 100
        reach = np.maximum(np.diff(limits, axis=0), 0.0)
        axes.errorbar(days, limits[1], reach, marker="o", markersize=2.5, elinewidth=0.7, **line)
        name = "war" if number < 0 else shown[-1].words.split("within ")[-1]
        found = dict(zip(("lower", "share", "upper"), limits / 100, strict=True))
        style.keep(axes, what=shown[-1].words, days=days, **found)
        ends.append((float(limits[1, -1]), name, line))
    room = 0.04 * (days[-1] - days[0])
    axes.set_ylim(0.0, 100.0)
    date_axis(axes, cast.scenario.start, days[0] - room, days[-1] + room, dates=6)
    style.label_ends(figure, axes, ends)
    axes.set_title(f"A {cast.answers[-1].awaited} within so many days, or war, by when asked")
    axes.set_ylabel("% of futures")


def _figure(answer: Answer, number: int) -> Any:
    war = next(k for k, one in enumerate(answer.figures) if one.name == "war")
    return answer.figures[war if number < 0 else min(number, war - 1)]


def write_nowcast(cast: Nowcast, folder: Path) -> list[Path]:
    """Write a nowcast to a folder: its numbers, its evidence and its chart.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("nowcast.json", "evidence.yaml")]
    write_durably(files[0], f"{json.dumps(cast.plain(), indent=1, ensure_ascii=False)}\n".encode())
    write_durably(files[1], cast.evidence.text.encode())
    return [*files, *style.write(draw_nowcast(cast), folder / "nowcast")]
