"""Results as plain data for the page's components: figures from `outcomes`, sentences from `report`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import make_archive
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import text
from crisis_sim.history.branch import CHANGED, ORIGINAL, Branch
from crisis_sim.history.game import title_of
from crisis_sim.history.one_crisis import choices, milestones
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.durations import AMONG, CLOCKS, PAUSE
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.report.answers import ORIGINS, answer
from crisis_sim.report.charts import MEASURES, Measure, nothing_on, shown_days
from crisis_sim.report.inline_svg import inline
from crisis_sim.report.real_path import real_record
from crisis_sim.report.replay import Replay
from crisis_sim.report.save import write_report
from crisis_sim.report.story import story_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.outcomes.measures import Reading
    from crisis_sim.scenario.schema import Scenario

#: Number of points of a curve.
GRID_POINTS = 160
#: Maximum number of crises drawn as dots on a curve.
DOTS = 24
#: Decimals of numbers that are sent to the page; a screen shows no more.
DIGITS = 4
#: Matplotlib's settings are global: charts are drawn one at a time.
_drawing = threading.Lock()


def view(batch: Batch, clock: str, readings: Mapping[str, Reading] | None = None) -> dict[str, Any]:
    """Return the page's results of a batch of one or two scenarios, as plain data.

    Args:
        batch: the replicates, those of the reference first.
        clock: `from_first_strike` or `from_trigger`.
        readings: see `summarise`.
    """
    summary = _summary(batch, readings)
    (changed,) = summary["differences"].values() or (None,)
    return {
        "crises": batch.ensembles[summary["reference"]].replicates,
        "words": answer_sentences(summary),
        "advice": list(summary["advice"]),
        "incidence": incidence(batch, clock),
        "endings": [_endings(name, results) for name, results in summary["scenarios"].items()],
        "differences": [difference(measure, changed) for measure in MEASURES] if changed else [],
    }


def _summary(batch: Batch, readings: Mapping[str, Reading] | None = None) -> dict[str, Any]:
    summary = summarise(batch, readings=readings)
    for name, results in summary["scenarios"].items():
        results["label"] = text.label(name)  # not the title, which is that of both and above
    return summary


def write_results(batch: Batch, folder: Path) -> None:
    """Write the summary, all charts with their data, and the replicates into a folder."""
    write_report(batch, _summary(batch), folder)
    batch.to_pandas().to_csv(folder / "replicates.csv", index=False)


def archive(write: Callable[[Path], object]) -> bytes:
    """Return the files that a function writes into a folder as a ZIP archive."""
    with _drawing, TemporaryDirectory(prefix="crisis-sim-") as temporary:
        folder = Path(temporary, "results")
        write(folder)
        return Path(make_archive(f"{folder}", "zip", folder)).read_bytes()


def chart_of(draw: Callable[[], Figure], name: str, title: str, finding: str) -> str:
    """Return a chart as SVG, with colours for light and dark pages."""
    with _drawing:
        return inline(draw(), name, title, finding)


def answer_sentences(summary: Mapping[str, Any]) -> list[str]:
    """Return the answer in sentences: the effect of the changes, if there are any, and how crises end."""
    alone = {
        name: answer({**summary, "reference": name, "differences": {}})
        for name in reversed(summary["scenarios"])
    }
    effect = answer(summary).removeprefix(alone[summary["reference"]]).strip()
    return [*filter(None, (effect, *alone.values()))]


def incidence(batch: Batch, clock: str) -> dict[str, Any]:
    """Return the cumulative incidence of ceasefires with 95% bands, that of pauses, and dots for single crises."""
    ensembles = batch.ensembles
    curves = {name: CLOCKS[clock].read(one).incidence() for name, one in ensembles.items()}
    record = real_record(next(iter(ensembles.values())).scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(curves.values(), real)
    drawn = [_curve(name, curve, days, clock) for name, curve in curves.items()]
    if clock == "from_first_strike":
        for curve, ensemble in zip(drawn, ensembles.values(), strict=True):
            paused = PAUSE.read(ensemble).incidence(first_only=True)
            curve["paused"] = _curve(curve["name"], paused, days, clock)["points"]
    last = list(ensembles)[-1]
    replicate, hours = ceasefires(ensembles[last], clock)
    # Evenly spread over the crises with a ceasefire.
    dots = np.unique(np.linspace(0, len(hours) - 1, DOTS).round().astype(int)) if len(hours) else ()
    height = curves[last].at(hours).estimate
    return {
        "clock": clock,
        "origin": ORIGINS[clock],
        "of": AMONG[clock],
        "days": days,
        "real": real
        and {
            "day": round(real / 24.0, DIGITS),
            "label": f"real ceasefire, {text.duration(real)}",
        },
        "curves": drawn,
        "dots": [
            {
                "replicate": int(replicate[i]),
                "day": _rounded(hours[i] / 24),
                "share": _rounded(height[i]),
            }
            for i in dots
        ],
    }


def _curve(name: str, curve: CumulativeIncidence, days: float, clock: str) -> dict[str, Any]:
    grid = np.linspace(0.0, 24.0 * days, GRID_POINTS)
    share = curve.at(grid)
    rows = np.column_stack((grid / 24.0, share.estimate, share.lower, share.upper)).round(DIGITS)
    points: list[list[float]] = rows[~np.isnan(rows[:, 1])].tolist()
    description = nothing_on(clock)
    if points:
        day, last, low, high = points[-1]
        description = (
            f"{text.label(name)}: {text.percent(last)}% of {AMONG[clock]} after {text.plural(round(day, 1), 'day')} "
            f"(95% interval {text.percent(low)} to {text.percent(high)})"
        )
    return {"name": name, "label": text.label(name), "points": points, "told": description}


#: The unit of differences of shares.
POINTS = "percentage points"


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def ceasefires(ensemble: Ensemble, clock: str) -> tuple[Any, Any]:
    """Return the numbers of the replicates with a ceasefire and its time in hours, in order of time."""
    durations = CLOCKS[clock].read(ensemble)
    rows = np.flatnonzero((durations.cause == 1) & ~np.isnan(durations.hours))
    rows = rows[np.argsort(durations.hours[rows], kind="stable")]
    return ensemble.column("replicate")[rows], durations.hours[rows]


def _endings(name: str, scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shares of the endings of a scenario, in the order of charts."""

    def told(share: Mapping[str, Any]) -> tuple[str, str]:
        low, middle, high = (text.percent(share[key]) for key in ("lower", "estimate", "upper"))
        return f"{middle}%", f"{low} to {high}"

    shares = [
        {
            "ending": ending,
            "label": text.ENDINGS[ending],
            "share": share["estimate"],
            "told": told(share),
        }
        for ending, share in scenario["endings"].items()
    ]
    rare = {event: told(scenario["shares"][event]) for event in ("war", "nuclear_use")}
    return {"name": name, "label": text.label(name), "shares": shares, **rare}


def difference(measure: Measure, changed: dict[str, Any]) -> dict[str, Any]:
    """Return the difference between two scenarios in a measure, with its 95% interval."""
    figure = measure.find(changed)
    label = f"{measure.heading.replace(chr(10), ' ')}, of {measure.among}"
    row: dict[str, Any] = {"label": label, "unit": POINTS, "estimate": None}
    if figure is None or figure["estimate"] is None:
        return {**row, "text": "not known"}
    middle, low, high = (figure[key] for key in ("estimate", "lower", "upper"))
    limits = " to ".join(
        "no limit known" if limit is None else text.points(limit) for limit in (low, high)
    )
    row["text"] = f"{text.points(middle)} {POINTS} (95% interval {limits})"
    row["sure"] = text.excludes_zero(low, high)  # before rounding
    if not row["sure"]:
        row["text"] += ": no more than chance explains"
    if over := figure.get("over_fits"):
        row["text"] += f"; {text.over_fits(figure, 100.0, sign=True)}"
        row["fits"] = [_rounded(100.0 * over[key]) for key in ("lower", "upper")]
    for key, value in (("estimate", middle), ("lower", low), ("upper", high)):
        row[key] = None if value is None else _rounded(100.0 * value)
    return row


def example_crises(batch: Batch, clock: str) -> list[dict[str, Any]]:
    """Return example crises of the last scenario for a list to pick from, each with a label."""
    last = list(batch.ensembles.values())[-1]
    number = last.column("replicate")
    replicate, hours = ceasefires(last, clock)
    examples: list[tuple[str, int]] = []
    if len(hours):
        middle = len(hours) // 2
        for word, row in (("typical", middle), ("quickest", 0), ("slowest", -1)):
            delay = text.duration(hours[row])
            examples.append((f"{word}: a ceasefire {delay} after {ORIGINS[clock]}", replicate[row]))
    first_of = {
        "full-scale war": ~np.isnan(last.column("war_at_hours")),
        "unresolved at the end of the simulation": last.column("ending") == "unresolved",
    }
    longest = dict[str, int]()
    if len(batch.ensembles) > 1:  # replicates are paired: differences are effects of the changes
        before, after = (CLOCKS[clock].read(one) for one in batch.ensembles.values())
        had, has = before.cause == 1, after.cause == 1
        first_of["a ceasefire only because of the changes"] = has & ~had
        first_of["no ceasefire because of the changes"] = had & ~has
        shift = np.where(had & has, after.hours - before.hours, 0.0)
        for word, row in (("sooner", int(np.argmin(shift))), ("later", int(np.argmax(shift)))):
            if shift[row]:
                by = text.duration(abs(shift[row]))
                longest[f"largest change: a ceasefire {by} {word}"] = number[row]
    examples += [(label, number[np.argmax(rows)]) for label, rows in first_of.items() if rows.any()]
    return [
        {"replicate": int(replicate), "label": text.label(label)}
        for label, replicate in (*examples, *longest.items())
    ]


def nearest(ensemble: Ensemble, clock: str, day: float) -> int | None:
    """Return the replicate with the ceasefire nearest to a day on a clock, or None if there is no ceasefire."""
    replicate, hours = ceasefires(ensemble, clock)
    return int(replicate[np.argmin(np.abs(hours - 24.0 * day))]) if len(hours) else None


def crisis_view(scenario: Scenario, replicate: int, seed: int) -> dict[str, Any]:
    """Return a crisis, the same as that replicate of `crisis-sim run` with that seed.

    Returns:
        `story` as HTML without scripts or links; `chart`, its path as SVG; `moments` and `choices` for a branch.
    """
    crisis = Replay.of(scenario, replicate, seed)
    model, title = crisis.model, f"Path of crisis {replicate}"
    reached = [(days, name) for name, days in milestones(model).items() if days < model.days]
    return {
        "story": story_html(f"\n{crisis.story}"),  # with its title
        "chart": chart_of(crisis.plot, "path", title, crisis.gist),
        "moments": [name for _, name in sorted(reached)],
        "choices": [
            {"value": f"{agent}={choice}", "label": f"{title_of(scenario, agent)}: {choice}"}
            for agent, options in choices(model).items()
            for choice in options
        ],
    }


def branch_view(branch: Branch) -> dict[str, Any]:
    """Return a branch with many futures: paragraphs, and the shares of endings without and with the change."""
    summary: Any = branch.summary
    was, goes = (
        _endings(name, summary["scenarios"][name])["shares"] for name in (ORIGINAL, CHANGED)
    )
    rows = (difference(measure, summary["differences"][CHANGED]) for measure in MEASURES)
    return {
        "told": [*branch.head(), *(f"{row['label']}: {row['text']}." for row in rows)],
        "shares": [
            {"label": before["label"], "was": before["told"], "goes": after["told"]}
            for before, after in zip(was, goes, strict=True)
        ],
    }
