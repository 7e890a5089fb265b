"""The replay of one crisis: its story, its data, and a chart of acts, economic pressure and third parties."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crisis_sim import style, text
from crisis_sim.report.charts import date_axis
from crisis_sim.report.real_path import RealRecord, real_record
from crisis_sim.report.story import (
    TurningPoints,
    gist_of,
    story_html,
    tell,
    third_parties,
    turning_points,
)

if TYPE_CHECKING:
    import pandas as pd

    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.journal import Journal
    from crisis_sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Replay:
    """One crisis, event by event.

    Attributes:
        scenario: the scenario.
        seed, replicate: the numbers that determine its random draws.
        model: the model, run to its end.
    """

    scenario: Scenario
    seed: int
    replicate: int
    model: CrisisModel = field(repr=False)

    @classmethod
    def of(cls, scenario: Scenario, replicate: int, seed: int, **classes: Any) -> Replay:
        """Run a replicate of a scenario again; `classes` are `roles` and `agents`."""
        from crisis_sim.model import CrisisModel, Journal

        model = CrisisModel(
            scenario, 1, seed, first_replicate=replicate, journal=Journal(), **classes
        )
        return cls(scenario, seed, replicate, model.run())

    @property
    def journal(self) -> Journal:
        """The crisis's events and time series."""
        return cast("Journal", self.model.journal)

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """The crisis's row of outcomes, by column."""
        return {name: values[0] for name, values in self.model.outcomes().items()}

    @cached_property
    def story(self) -> str:
        """The story of the crisis in Markdown."""
        return tell(self.journal, self.scenario, self.outcome)

    @property
    def gist(self) -> str:
        """The crisis in a few sentences."""
        return gist_of(self.journal, self.scenario, self.outcome)

    def __str__(self) -> str:
        return self.story

    def _repr_html_(self) -> str:
        return story_html(self.story)

    def plot(self) -> Figure:
        """Draw the acts of both states, the pressure on them and the third parties (see `draw_replay`)."""
        return draw_replay(self.journal, self.scenario)

    def to_pandas(self) -> pd.DataFrame:
        """The events in order, a row each: `at` (date and time), `hours` from the start, `kind`, `agent`, `detail`."""
        import pandas as pd

        rows = [
            (self.scenario.moment(entry.hours), entry.hours, entry.kind, entry.agent, entry.detail)
            for entry in self.journal.entries
        ]
        return pd.DataFrame(rows, columns=["at", "hours", "kind", "agent", "detail"])

    def series(self) -> pd.DataFrame:
        """The time series, a row every few hours, indexed by `hours` from the start (see `Journal.series`)."""
        import pandas as pd

        return pd.DataFrame(self.journal.series).set_index("hours")

    def plain(self) -> dict[str, Any]:
        """The replay as JSON-serialisable data; events that never happened are None."""
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "seed": self.seed,
            "replicate": self.replicate,
            "outcome": {name: plain_value(value) for name, value in self.outcome.items()},
            "entries": [
                vars(entry)
                | {"detail": {key: plain_value(part) for key, part in entry.detail.items()}}
                for entry in self.journal.entries
            ],
            "series": {
                name: [plain_value(value) for value in values]
                for name, values in self.journal.series.items()
            },
        }


def replay(
    scenario: Scenario | str | Path,
    replicate: int,
    seed: int = 1,
    *,
    roles: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
) -> Replay:
    """Run one replicate of `simulate` again, event by event.

    Args:
        scenario: a scenario, its file, or the name of a shipped scenario.
        replicate: the number of the crisis, from 0.
        seed: the seed of the batch.
        roles, agents: the arguments of `simulate`.

    Raises:
        ScenarioError: the scenario's file has mistakes.
        BatchError: an argument is invalid.
    """
    from crisis_sim.batch.block import check_count
    from crisis_sim.batch.own_classes import check_rules, labelled_with_classes
    from crisis_sim.scenario.load import load_scenario

    if isinstance(scenario, (str, Path)):
        scenario = load_scenario(scenario)
    check_count("replicate", replicate, least=0)
    check_count("seed", seed, least=0)
    classes: dict[str, Any] = {"roles": dict(roles or {}), "agents": tuple(agents)}
    check_rules([scenario], **classes)
    return Replay.of(labelled_with_classes(scenario, **classes), replicate, seed, **classes)


#: For each kind of third party: the series shown as a strip, its label, and its fill.
STRIPS: dict[str, tuple[str, str, style.Fill]] = {
    "mediators": ("effort", "mediator's effort", style.Fill(style.THIRD_PARTY)),
    "channels": ("open", "channel open", style.Fill(style.tint(style.THIRD_PARTY, 0.5), "////")),
    "advisers": (
        "voice",
        "adviser's voice",
        style.Fill(style.tint(style.THIRD_PARTY, 0.3), "\\\\\\\\"),
    ),
    "lenders": (
        "nearness",
        "nearness of a lender's decision",
        style.Fill(style.tint(style.THIRD_PARTY, 0.7), "...."),
    ),
}

#: Days shown before and after the fighting in the detailed view.
_MARGIN_DAYS = 1.5

#: The maximum number of rung names on the ladder's axis.
_RUNGS_NAMED = 14

#: Heights of a rung, a strip, the pressure panel and the rest, in mm.
_RUNG, _STRIP, _PRESSURE, _REST = 6.0, 5.6, 20.0, 34.0

#: The minimum height of the panel of strips, in strips, so that its label does not overlap that of the pressure.
_LEAST_STRIPS = 4

#: The minimum upper end of the pressure axis, so that small values look small.
_LEAST_PRESSURE = 0.2

#: The maximum number of characters in a line of a strip's label.
_LETTERS = 30

_PRESENT = 1e-9


@style.styled
def draw_replay(journal: Journal, scenario: Scenario) -> Figure:
    """Draw one crisis: the whole and, except in a narrow figure, a detailed view of the fighting.

    From the top: the highest current act of each state, with the real path, if any, as a broad pale line; each state's
    economic pressure; a strip for each third party whose height is its engagement. Dotted lines mark the first strike and
    the ceasefire.

    Args:
        journal: the replicate's journal, filled by `crisis_sim.model.CrisisModel`.
        scenario: the crisis that was run.
    """
    points = turning_points(journal, scenario)
    record = real_record(scenario.plain())
    views = _views(points, record)
    parties = list(third_parties(scenario))
    halt = points.ceasefire
    marks = (
        (points.strike_at_hours, "first strike", "right"),
        (None if halt is None else halt.in_effect_at_hours, "ceasefire", "left"),
    )
    rungs = _rungs_shown(points, record, scenario)
    heights = [_RUNG * (rungs + 1), _PRESSURE]
    if parties:
        heights.append(_STRIP * max(len(parties), _LEAST_STRIPS))
    figure = style.new_figure(height=_REST + sum(heights))
    if figure.narrow:
        views = views[:1]
    grid = figure.subplots(
        len(heights),
        len(views),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=heights,
        width_ratios=[1.0, 1.25][: len(views)],
    )
    for column, (low, high, heading) in enumerate(views):
        figure.data = []  # each view has all data
        panels = grid[:, column]
        draw_rungs(panels[0], journal, scenario, record, rungs)
        _draw_pressure(panels[1], journal, scenario)
        if parties:
            _draw_strips(panels[2], journal, parties)
        for axes in panels:
            for hours, name, side in marks:
                if hours is not None and low <= hours / 24.0 <= high:
                    label = name if axes is panels[0] else ""
                    style.mark_moment(axes, hours / 24.0, label, side=side)
        panels[0].set_title(heading, pad=style.TITLE_PAD_OVER_MARKS)
        date_axis(panels[-1], scenario.start, low, high, dates=5)
    figure.align_ylabels(grid[:, 0])
    figure.legend(
        handles=legend_keys(scenario, record, parties), loc="outside lower center", ncols=4
    )
    return figure


def _views(points: TurningPoints, record: RealRecord | None) -> list[tuple[float, float, str]]:
    """The first and last day and the heading of each column."""
    last = max(points.last_hours / 24.0, 1.0)
    whole = (0.0, last, "The whole crisis")
    if points.strike_at_hours is None:
        return [whole]
    strike = points.strike_at_hours / 24.0
    halt = points.ceasefire
    over = points.ended_at_hours if halt is None else halt.in_effect_at_hours
    low = max(strike - _MARGIN_DAYS, 0.0)
    high = min((last if over is None else over / 24.0) + _MARGIN_DAYS, last)
    if high - low > 0.6 * last:  # the close view would be no closer
        return [whole]
    return [whole, (low, high, "First strike to ceasefire" if halt else "The fighting")]


def _rungs_shown(points: TurningPoints, record: RealRecord | None, scenario: Scenario) -> int:
    """The highest rung to show: the top of a short ladder; of a long ladder, one above the highest reached."""
    top = len(scenario.ladder) - 1
    if top < _RUNGS_NAMED:
        return top
    names = [rung.name for rung in scenario.ladder]
    real = [
        names.index(name)
        for steps in (record.rungs if record else {}).values()
        for _, name in steps
        if name in names
    ]
    return min(max([*points.peak_rungs.values(), *real]) + 1, top)


def draw_rungs(
    axes: Axes, journal: Journal, scenario: Scenario, record: RealRecord | None, top: int
) -> None:
    """Draw each state's highest current act, up to rung `top`, over the real path if there is one."""
    names = [text.clean(rung.name) for rung in scenario.ladder]
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    days = np.array(journal.series.get("hours", ())) / 24.0
    for index, state in enumerate(scenario.state_names):
        colour, shift = style.STATE_COLOURS[index], (0.11, -0.11)[index]
        real = record.rungs.get(state, ()) if record else ()
        steps = [(hours / 24.0, numbers[rung] + shift) for hours, rung in real if rung in numbers]
        if steps:
            until = max(steps[-1][0], days[-1] if days.size else 0.0)
            real_days, rungs = zip(*steps, (until, steps[-1][1]), strict=True)
            line: dict[str, Any] = {"color": colour, "alpha": 0.28, "linewidth": 4.0}
            axes.step(real_days, rungs, where="post", zorder=1, **line)
        rung = np.array(journal.series.get(f"{state}_rung", ()))
        style.keep(
            axes, panel=axes.get_title(loc="left"), of=state, what="rung", days=days, value=rung
        )
        axes.step(
            days,
            rung + shift,
            where="post",
            color=colour,
            linestyle=style.STATE_DASHES[index],
            linewidth=1.2,
            zorder=3,
        )
    step = max(1, -(-(top + 1) // _RUNGS_NAMED))
    shown = range(0, top + 1, step)
    letters = 22 if getattr(axes.figure, "narrow", False) else 34
    axes.set_yticks(list(shown), [text.shorten(names[rung], letters) for rung in shown])
    axes.set_ylim(-0.5, top + 0.5)
    axes.grid(axis="y")
    axes.set_ylabel("highest current act (rung)")
    axes.label_outer()


def _draw_pressure(axes: Axes, journal: Journal, scenario: Scenario) -> None:
    days = np.array(journal.series.get("hours", ())) / 24.0
    top = _LEAST_PRESSURE
    for index, state in enumerate(scenario.state_names):
        pressure = np.array(journal.series.get(f"{state}_pressure", ()))
        style.keep(axes, panel="", of=state, what="pressure", days=days, value=pressure)
        top = max(top, 1.1 * pressure.max(initial=0.0))
        axes.step(
            days,
            pressure,
            where="post",
            color=style.STATE_COLOURS[index],
            linestyle=style.STATE_DASHES[index],
        )
    axes.set_ylim(-0.03 * top, min(top, 1.03))
    axes.locator_params(axis="y", nbins=3)
    axes.grid(axis="y")
    axes.set_ylabel("economic pressure\n(share, 0 to 1)")
    axes.label_outer()


def _draw_strips(axes: Axes, journal: Journal, parties: Sequence[tuple[str, str, str]]) -> None:
    days = np.array(journal.series.get("hours", ())) / 24.0
    labels = []
    for index, (kind, name, title) in enumerate(parties):
        series, _, fill = STRIPS[kind]
        base = len(parties) - 1 - index
        values = np.clip(journal.series.get(f"{name}_{series}", np.zeros_like(days)), 0, 1)
        style.keep(axes, panel="", of=name, what=series, days=days, value=values)
        axes.axhline(base, color=style.PALE_GREY, linewidth=0.5, zorder=0)
        axes.fill_between(
            days,
            base,
            base + 0.8 * values,
            where=values > _PRESENT,
            step="post",
            facecolor=fill.colour,
            hatch=fill.hatch,
            edgecolor="#00000055",
            linewidth=0.3,
        )
        labels.append(_two_lines(text.clean(title) or text.label(name)))
    middles = [base + 0.4 for base in range(len(parties))]
    axes.set_yticks(middles, labels[::-1], fontsize=6.0, linespacing=1.15)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.15, len(parties))
    axes.set_ylabel("third parties\n(each strip 0 to 1)")
    axes.label_outer()


def _two_lines(title: str) -> str:
    """Wrap a title into at most two lines, shortened in the middle if necessary."""
    lines = textwrap.wrap(title, _LETTERS)
    length = 2 * _LETTERS
    while len(lines) > 2:
        lines = textwrap.wrap(text.shorten(title, length), _LETTERS)
        length -= 1
    return "\n".join(lines)


def legend_keys(
    scenario: Scenario, record: RealRecord | None, parties: Sequence[tuple[str, str, str]]
) -> list[Any]:
    """Return the legend's entries for the states, their real paths and the third parties."""
    keys: list[Any] = []
    for index, (state, spec) in enumerate(scenario.states.items()):
        title = text.shorten(text.clean(spec.title) or text.label(state), 30)
        colour = style.STATE_COLOURS[index]
        keys.append(Line2D([], [], color=colour, linestyle=style.STATE_DASHES[index], label=title))
        if record is not None and record.rungs.get(state):
            keys.append(
                Line2D([], [], color=colour, alpha=0.28, linewidth=4.0, label=f"{title}, real path")
            )
    present = {kind for kind, _, _ in parties}
    for kind, (_, label, fill) in STRIPS.items():
        if kind in present:
            keys.append(
                Patch(facecolor=fill.colour, hatch=fill.hatch, edgecolor=style.GREY, label=label)
            )
    return keys


def write_replay(journal: Journal, scenario: Scenario, story: str, path: Path) -> list[Path]:
    """Write the story of a crisis, as Markdown, and its chart.

    Args:
        journal: the replicate's journal.
        scenario: the crisis that was run.
        story: the story from `crisis_sim.report.tell`.
        path: the files' path without a suffix; the folder is created if missing.

    Raises:
        OSError: a file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f"{path.name}.md")
    file.write_text(story, encoding="utf-8")
    return [file, *style.write(draw_replay(journal, scenario), path)]


def plain_value(value: Any) -> Any:
    """Convert a NumPy value to Python's type, and NaN or an empty string to None."""
    value = value.item() if hasattr(value, "item") else value
    missing = value == "" or (isinstance(value, float) and value != value)  # NaN
    return None if missing else value
