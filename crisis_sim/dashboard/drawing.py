"""Replicates as plain data that the page's components draw: figures from `outcomes`, words from `report`."""

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
from crisis_sim.history.past import choices, milestones
from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.durations import AMONG, CLOCKS, PAUSE
from crisis_sim.outcomes.incidence import CumulativeIncidence
from crisis_sim.report.answers import ORIGINS, answer
from crisis_sim.report.charts import MEASURES, Measure, nothing_on, shown_days
from crisis_sim.report.real_path import real_record
from crisis_sim.report.replay import Replay
from crisis_sim.report.save import write_report
from crisis_sim.report.story import story_html
from crisis_sim.report.svg import inline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.outcomes.measures import Reading
    from crisis_sim.scenario.schema import Scenario

#: Points in time at which a curve is drawn.
GRID_POINTS = 160
#: Single crises drawn as dots on a curve.
DOTS = 24
#: Digits of a number that is sent to the page: as many as a screen can show.
DIGITS = 4
#: Matplotlib's settings are the whole process's, so one chart is drawn at a time.
_drawing = threading.Lock()


def view(batch: Batch, clock: str, readings: Mapping[str, Reading] | None = None) -> dict[str, Any]:
    """All that the page shows of a batch of one scenario, or of two, as plain data.

    Args:
        batch: the replicates, those that are compared with first.
        clock: `from_first_strike` or `from_trigger`.
        readings: see `summarise`.
    """
    summary = _summary(batch, readings)
    (changed,) = summary["differences"].values() or (None,)
    return {
        "crises": batch.ensembles[summary["reference"]].replicates,
        "words": in_words(summary),
        "advice": list(summary["advice"]),
        "incidence": incidence(batch, clock),
        "endings": [_endings(name, one) for name, one in summary["scenarios"].items()],
        "differences": [difference(one, changed) for one in MEASURES] if changed else [],
    }


def _summary(batch: Batch, readings: Mapping[str, Reading] | None = None) -> dict[str, Any]:
    summary = summarise(batch, readings=readings)
    for name, one in summary["scenarios"].items():
        one["label"] = text.label(name)  # not their common title, which stands above
    return summary


def write_results(batch: Batch, folder: Path) -> None:
    """Write the summary, all charts with their data, and the replicates into a folder."""
    write_report(batch, _summary(batch), folder)
    batch.to_pandas().to_csv(folder / "replicates.csv", index=False)


def archive(write: Callable[[Path], object]) -> bytes:
    """The files that a function writes into a folder, as a ZIP archive."""
    with _drawing, TemporaryDirectory(prefix="crisis-sim-") as made:
        folder = Path(made, "results")
        write(folder)
        return Path(make_archive(f"{folder}", "zip", folder)).read_bytes()


def chart_of(draw: Callable[[], Figure], name: str, title: str, finding: str) -> str:
    """A chart as SVG with colours for light and dark."""
    with _drawing:
        return inline(draw(), name, title, finding)


def in_words(summary: Mapping[str, Any]) -> list[str]:
    """The answer, sentence by sentence: what the changes did, if any were made, and how crises end."""
    alone = {
        name: answer({**summary, "reference": name, "differences": {}})
        for name in reversed(summary["scenarios"])
    }
    changed = answer(summary).removeprefix(alone[summary["reference"]]).strip()
    return [one for one in (changed, *alone.values()) if one]


def incidence(batch: Batch, clock: str) -> dict[str, Any]:
    """The cumulative incidence of a ceasefire with its 95% band, that of pauses, and crises to pick."""
    curves = {name: CLOCKS[clock].read(one).incidence() for name, one in batch.ensembles.items()}
    record = real_record(next(iter(batch.ensembles.values())).scenario)
    real = None if record is None else record.ceasefire_after_hours(clock)
    days = shown_days(curves.values(), real)
    shown: dict[str, Any] = {
        "clock": clock,
        "origin": ORIGINS[clock],
        "of": AMONG[clock],
        "days": days,
    }
    shown["real"] = real and {
        "day": round(real / 24.0, DIGITS),
        "label": f"real ceasefire, {text.duration(real)}",
    }
    shown["curves"] = [_curve(name, curve, days, clock) for name, curve in curves.items()]
    if clock == "from_first_strike":  # how soon strikes pause, agreed or not
        for curve, one in zip(shown["curves"], batch.ensembles.values(), strict=True):
            paused = PAUSE.read(one).incidence(first_only=True)
            curve["paused"] = _curve(curve["name"], paused, days, clock)["points"]
    last = list(batch.ensembles)[-1]
    replicate, hours = halted(batch.ensembles[last], clock)
    # Evenly spread over those that came to a ceasefire.
    dots = np.unique(np.linspace(0, len(hours) - 1, DOTS).round().astype(int)) if len(hours) else ()
    height = curves[last].at(hours).estimate
    shown["dots"] = [
        {
            "replicate": int(replicate[i]),
            "day": _rounded(hours[i] / 24),
            "share": _rounded(height[i]),
        }
        for i in dots
    ]
    return shown


def _curve(name: str, curve: CumulativeIncidence, days: float, clock: str) -> dict[str, Any]:
    grid = np.linspace(0.0, 24.0 * days, GRID_POINTS)
    share = curve.at(grid)
    rows = np.column_stack((grid / 24.0, share.estimate, share.lower, share.upper)).round(DIGITS)
    points: list[list[float]] = rows[~np.isnan(rows[:, 1])].tolist()
    told = nothing_on(clock)
    if points:
        day, last, low, high = points[-1]
        told = (
            f"{text.label(name)}: {text.percent(last)}% of {AMONG[clock]} after {text.plural(round(day, 1), 'day')} "
            f"(95% interval {text.percent(low)} to {text.percent(high)})"
        )
    return {"name": name, "label": text.label(name), "points": points, "told": told}


#: The unit of differences of shares.
POINTS = "percentage points"


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def halted(ensemble: Ensemble, clock: str) -> tuple[Any, Any]:
    """Numbers of the replicates that came to a ceasefire, and after how many hours; the first first."""
    durations = CLOCKS[clock].read(ensemble)
    rows = np.flatnonzero((durations.cause == 1) & ~np.isnan(durations.hours))
    rows = rows[np.argsort(durations.hours[rows], kind="stable")]
    return ensemble.column("replicate")[rows], durations.hours[rows]


def _endings(name: str, scenario: Mapping[str, Any]) -> dict[str, Any]:
    """How crises of a scenario ended, in the order in which charts stack endings."""

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
    rare = {one: told(scenario["shares"][one]) for one in ("war", "nuclear_use")}
    return {"name": name, "label": text.label(name), "shares": shares, **rare}


def difference(measure: Measure, changed: dict[str, Any]) -> dict[str, Any]:
    """A difference between two scenarios in one measure, with its 95% interval."""
    figure = measure.find(changed)
    label = f"{measure.heading.replace(chr(10), ' ')}, of {measure.among}"
    row: dict[str, Any] = {"label": label, "unit": POINTS, "estimate": None}
    if figure is None or figure["estimate"] is None:
        return {**row, "text": "not known"}
    middle, low, high = (figure[key] for key in ("estimate", "lower", "upper"))
    limits = " to ".join(
        "no limit known" if one is None else text.points(one) for one in (low, high)
    )
    row["text"] = f"{text.points(middle)} {POINTS} (95% interval {limits})"
    row["sure"] = text.excludes_zero(low, high)  # as they are: a limit near zero may round to it
    if not row["sure"]:
        row["text"] += ": no more than chance explains"
    if over := figure.get("over_fits"):
        row["text"] += f"; {text.over_fits(figure, 100.0, sign=True)}"
        row["fits"] = [_rounded(100.0 * over[key]) for key in ("lower", "upper")]
    for key, value in (("estimate", middle), ("lower", low), ("upper", high)):
        row[key] = None if value is None else _rounded(100.0 * value)
    return row


def worth_reading(batch: Batch, clock: str) -> list[dict[str, Any]]:
    """A few crises of the last scenario that say most, each with why: for a list to pick from."""
    last = list(batch.ensembles.values())[-1]
    number = last.column("replicate")
    replicate, hours = halted(last, clock)
    found: list[tuple[str, int]] = []
    if len(hours):
        middle = len(hours) // 2
        for word, place in (("typical", middle), ("quickest", 0), ("slowest", -1)):
            after = text.duration(hours[place])
            found.append((f"{word}: a ceasefire {after} after {ORIGINS[clock]}", replicate[place]))
    firsts = {
        "full-scale war": ~np.isnan(last.column("war_at_hours")),
        "still going when its time ran out": last.column("ending") == "unresolved",
    }
    if len(batch.ensembles) > 1:  # crises that the changes decided, with the same luck
        theirs, ours = (CLOCKS[clock].read(one) for one in batch.ensembles.values())
        had, has = theirs.cause == 1, ours.cause == 1
        firsts["a ceasefire only because of the changes"] = has & ~had
        firsts["no ceasefire because of the changes"] = had & ~has
        shift = np.where(had & has, ours.hours - theirs.hours, 0.0)
    found += [(told, number[np.argmax(rows)]) for told, rows in firsts.items() if rows.any()]
    if len(batch.ensembles) > 1:
        for word, place in (("sooner", int(np.argmin(shift))), ("later", int(np.argmax(shift)))):
            if shift[place]:
                by = text.duration(abs(shift[place]))
                found.append((f"most changed: {by} {word}", number[place]))
    return [{"replicate": int(one), "label": text.label(told)} for told, one in found]


def nearest(ensemble: Ensemble, clock: str, day: float) -> int | None:
    """The replicate whose ceasefire came nearest to a moment on a clock; None if none came."""
    replicate, hours = halted(ensemble, clock)
    return int(replicate[np.argmin(np.abs(hours - 24.0 * day))]) if len(hours) else None


def tell_crisis(scenario: Scenario, replicate: int, seed: int) -> dict[str, Any]:
    """One crisis: the same as that replicate of `crisis-sim run` with that seed.

    Returns:
        `story`, as HTML without scripts or links, and `chart`, its path as SVG with colours for light and dark; `moments`
        and `choices`, at which and to which somebody may be forced.
    """
    crisis = Replay.of(scenario, replicate, seed)
    model, path = crisis.model, f"Path of crisis {replicate}"
    came = [(days, name) for name, days in milestones(model).items() if days < model.days]
    return {
        "story": story_html(f"\n{crisis.story}"),  # with its title
        "chart": chart_of(crisis.plot, "path", path, crisis.gist),
        "moments": [name for _, name in sorted(came)],
        "choices": [
            {"value": f"{who}={choice}", "label": f"{title_of(scenario, who)}: {choice}"}
            for who, known in choices(model).items()
            for choice in known
        ],
    }


def tell_branch(made: Branch) -> dict[str, Any]:
    """A branch with many futures: paragraphs, and how the futures end, without the change and with it."""
    summary: Any = made.summary
    was, goes = (_endings(one, summary["scenarios"][one])["shares"] for one in (ORIGINAL, CHANGED))
    apart = (difference(one, summary["differences"][CHANGED]) for one in MEASURES)
    return {
        "told": [*made.head(), *(f"{one['label']}: {one['text']}." for one in apart)],
        "shares": [
            {"label": one["label"], "was": one["told"], "goes": other["told"]}
            for one, other in zip(was, goes, strict=True)
        ],
    }
