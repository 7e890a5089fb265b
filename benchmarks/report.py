"""Targets, tables and the chart, made from the measurements of `make bench`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmarks.histories import LIMITS
from benchmarks.mesa_models import ALONE, EMPTY
from benchmarks.timing import BATCH
from crisis_sim.style import BLACK, BLUE, DOUBLE_COLUMN, GREY, VERMILLION, new_figure, styled

FOLDER = Path(__file__).parent / "results"
#: The smallest number of replicates to which the targets apply.
FROM = 10_000
#: Target for costs that should not grow with the batch.
FLAT = 1.2
#: Targets for the microseconds per crisis on one core.
MICROSECONDS = {"may_2025": 25.0, "since_1945": 90.0}
#: Commands and the seconds in which they should be done: at once, or within a short wait.
SECONDS = {
    "crisis-sim --help": 1 / 3,
    "crisis-sim check may_2025": 1 / 3,
    f"crisis-sim run may_2025 --replicates {FROM}": 10.0,
}

Measurements = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A target: the least or the largest value of a measure, which is a ratio unless it has a unit, " s" or " µs".

    `measured` is None if a run did not measure it.
    """

    what: str
    scenario: str
    limit: float
    measured: float | None
    at_least: bool = False
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.measured is None:
            return "not measured"
        above = self.measured >= self.limit
        return "met" if above == self.at_least or self.measured == self.limit else "not met"


def targets(measurements: Measurements) -> Iterator[Target]:
    """All targets, in the order of the table. For a cost, the batch size with the worst result counts."""
    speed = _speed_of(measurements)
    for scenario, own in speed.groupby("scenario", sort=False):
        large = own[(own["what"] == BATCH) & (own["crises"] >= FROM)].sort_values("crises")
        one, two = (large[large["workers"] == workers] for workers in (1, 2))
        cost = one["per_crisis"].max() * 1e6 if len(one) else None
        gain = one["seconds"].iloc[-1] / two["seconds"].iloc[-1] if len(two) else None
        limit = MICROSECONDS[str(scenario)]
        yield Target("time per crisis with one worker", scenario, limit, cost, unit=" µs")
        what = "crises per second with two workers, relative to one, in the largest batch"
        yield Target(what, scenario, 1.8, gain, at_least=True)
        yield _growth("time per crisis", scenario, one["per_crisis"])
        yield _growth("peak memory of a batch", scenario, one["memory_mb"])
    commands = pd.DataFrame(measurements["commands"])
    memory = commands.loc[commands["crises"] > 0, "memory_mb"]
    yield _growth("peak memory of the largest process of `crisis-sim run`", "may_2025", memory)
    seconds = commands.set_index("what")["seconds"]
    for what, limit in SECONDS.items():
        yield Target(f"`{what}` from a cold start", "", limit, seconds.get(what), unit=" s")
    seconds = pd.DataFrame(measurements["histories"]).set_index("what")["seconds"]
    for what, (reference, limit) in LIMITS.items():
        ratio = seconds[what] / seconds[reference] if what in seconds else None
        yield Target(f"time of {what}, relative to {reference}", "may_2025", limit, ratio)


def _speed_of(measurements: Measurements) -> pd.DataFrame:
    """The timings of both scenarios, with the seconds per crisis."""
    speed = pd.DataFrame(measurements["speed"])
    return speed.assign(per_crisis=speed["seconds"] / speed["crises"])


def _growth(cost: str, scenario: Any, costs: pd.Series) -> Target:
    """The target for a cost: that of the largest batch relative to that of the smallest."""
    known = costs.dropna()
    ratio = known.iloc[-1] / known.iloc[0] if len(known) > 1 else None
    return Target(f"{cost}, largest batch relative to smallest", scenario, FLAT, ratio)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table in Markdown; the first columns contain text, the others numbers."""
    rule = ["---"] * texts + ["--:"] * (len(heads) - texts)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def _number(value: float) -> str:
    """A number with three significant digits; empty if it is unknown."""
    if pd.isna(value):
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def tables(measurements: Measurements) -> str:
    """All tables, under headings."""
    rows = [
        (
            target.what,
            target.scenario,
            f"at {'least' if target.at_least else 'most'} {target.limit:.3g}{target.unit}",
            "" if target.measured is None else _number(target.measured) + target.unit,
            target.verdict,
        )
        for target in targets(measurements)
    ]
    parts = [f"Measured on {measurements['machine']}, at {measurements['measured']}."]
    heads = ("measure", "scenario", "target", "measured", "met?")
    parts += ["## Targets", table(heads, rows, texts=2)]
    for scenario, own in _speed_of(measurements).groupby("scenario", sort=False):
        parts += [f"## Speed of {scenario}", _speed_table(own)]
    for part in ("histories", "commands"):
        timings = pd.DataFrame(measurements[part]).itertuples()
        cells = [(row.what, f"{row.seconds:.3g}", _number(row.memory_mb)) for row in timings]
        parts += [f"## {part.capitalize()}", table(("command", "seconds", "peak MB"), cells)]
    return "\n\n".join(parts)


def _speed_table(own: pd.DataFrame) -> str:
    empty = own.loc[own["what"] == EMPTY, "per_crisis"].min()
    rows = [
        (
            row.what,
            f"{row.crises:,}",
            str(row.workers),
            f"{row.seconds:.3g}",
            _number(1 / row.per_crisis),
            _number(empty / row.per_crisis),
            _number(row.memory_mb),
        )
        for row in own.itertuples()
    ]
    heads = ("run as", "crises", "workers", "seconds", "crises per second")
    return table((*heads, "relative to an empty Mesa model", "peak MB"), rows)


def save(folder: Path, name: str, figures: Measurements, text: str) -> None:
    """Print tables, and write them and their figures into a folder, which is created if necessary."""
    print(text)
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".json", json.dumps(figures, indent=2)), (".md", text)):
        (folder / name).with_suffix(suffix).write_text(f"{content}\n", encoding="utf-8")


@styled
def draw_speed(measurements: Measurements) -> Figure:
    """Crises per second by replicates, with one worker and with two, and lines for crises run one at a time."""
    figure, speed = new_figure(DOUBLE_COLUMN, 75.0), _speed_of(measurements)
    titles: Mapping[str, str] = measurements["scenarios"]
    panels = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
    for axes, (scenario, title) in zip(panels, titles.items(), strict=True):
        own = speed[speed["scenario"] == scenario].sort_values("crises")
        for workers, label, colour, marker in (
            (1, "a batch, one worker", BLUE, "o"),
            (2, "a batch, two workers", VERMILLION, "s"),
        ):
            line = own[(own["what"] == BATCH) & (own["workers"] == workers)]
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 3}
            axes.loglog(line["crises"], 1 / line["per_crisis"], label=label, **look)
        for what, colour in ((EMPTY, GREY), (ALONE, BLACK)):
            rate = float(1 / own.loc[own["what"] == what, "per_crisis"].min())
            axes.axhline(rate, label=what, color=colour, linewidth=0.9, linestyle=(0, (4, 1)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(numticks=12))
            axis.set_major_formatter(EngFormatter(sep=""))
            axis.set_minor_formatter(NullFormatter())
        axes.set_title(title)
        axes.set_xlabel("replicates in the batch")
        axes.grid(visible=True, axis="y")
    panels[0].set_ylabel("crises per second")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
