"""Single crises: which are worth reading, which one is meant, and one told as a story with its path."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from markdown_it import MarkdownIt

from crisis_sim.dashboard.changes import MOVED, UNMOVED
from crisis_sim.dashboard.drawing import halted
from crisis_sim.model import CrisisModel, Journal
from crisis_sim.outcomes.durations import CLOCKS
from crisis_sim.report import draw_replay, tell, words
from crisis_sim.report.charts.incidence import ORIGINS
from crisis_sim.report.page.gist import gist_of
from crisis_sim.report.page.svg import inline

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.scenario.schema import Scenario

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
            after = words.duration(hours[place])
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
    return [{"replicate": number, "label": words.label(told)} for told, number in found]


def _changed(unmoved: Ensemble, moved: Ensemble, clock: str) -> list[tuple[str, int]]:
    """Crises that the changes decided: with the same luck, a ceasefire in one and none in the other."""
    before, after = CLOCKS[clock](unmoved), CLOCKS[clock](moved)
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
                by = words.duration(abs(shift[place]))
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
