"""A nowcast in the browser: what comes of the scenario as it stands, given evidence that is typed or dropped."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import solara
from solara.lab import use_task

from crisis_sim import text
from crisis_sim.batch.files import BatchError
from crisis_sim.batch.workers import cores
from crisis_sim.dashboard.changes import Changes
from crisis_sim.dashboard.drawing import archive, chart_of
from crisis_sim.dashboard.session import Session, Superseded, turns
from crisis_sim.history.evidence import read_evidence, shipped_folder
from crisis_sim.history.filtering import SHOWN, Nowcast, draw_nowcast, nowcast, write_nowcast
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import MAX_BYTES

#: Histories that may be run, and particles of the filter.
HISTORIES, PARTICLES = {"20,000 histories": 20_000, "100,000 histories": 100_000}, 10_000
#: The moments that may be asked at.
LAST, EACH = "at its last moment", "at each of its moments"
#: Evidence to begin with, where none of the scenario comes with Crisis Sim.
TEMPLATE = "title: What has been seen\ngiven:\n  - {at: 2, not_yet: first_strike}\n"


def first_evidence(name: str) -> str:
    """The evidence that comes with Crisis Sim on a scenario of this name, or a template."""
    path = shipped_folder() / f"{name}_day_by_day.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else TEMPLATE


@solara.component
def NowcastPane(session: Session, changes: Changes, name: str) -> None:  # noqa: N802
    """Asks for a nowcast in the background, and shows the last; drawn anew when the scenario changes."""
    given, set_given = solara.use_state(solara.use_memo(lambda: first_evidence(name), []))
    moment, set_moment = solara.use_state(LAST)
    histories, set_histories = solara.use_state(next(iter(HISTORIES)))

    def ask() -> tuple[Nowcast, str, Changes] | str:
        def watch(done: int, of: int) -> None:
            if not task.is_current():
                raise Superseded
            task.progress = 100.0 * done / of

        try:
            scenario = session.current()
            evidence = read_evidence(given, scenario, Columns.of(scenario))
            if moment == LAST:
                evidence = replace(evidence, days=evidence.days[-1:])
            with turns:
                cast = nowcast(
                    scenario,
                    evidence,
                    replicates=HISTORIES[histories],
                    seed=session.seed,
                    workers=cores(),
                    progress=watch,
                    particles=PARTICLES,
                )
        except (ScenarioError, BatchError) as error:
            return str(error)
        words = cast.sentence(cast.answers[-1])
        return cast, chart_of(partial(draw_nowcast, cast), "nowcast", "Nowcast", words), changes

    task = use_task(ask, dependencies=None, raise_error=False)
    solara.use_effect(lambda: lambda: task.pending and task.cancel(), [])

    with solara.v.Html(tag="section", class_="cs-crisis", attributes={"aria-label": "Nowcast"}):
        solara.v.Html(tag="h2", children=["Nowcast: the future, given what has been seen so far"])
        _quiet(
            "Histories of the scenario as it stands above are run; those that meet the evidence are kept, and their "
            "futures are the answer. The keys of evidence are in the guide on change history."
        )
        solara.FileDrop("Drop a file of evidence here, or edit the text.", on_file=_take(set_given))
        with solara.v.Html(tag="label", children=["Evidence"]):
            solara.InputTextArea("", given, set_given, rows=12, auto_grow=False)
        with solara.Div(classes=["cs-bar"]):
            solara.ToggleButtonsSingle(moment, [LAST, EACH], on_value=set_moment)
            solara.ToggleButtonsSingle(histories, [*HISTORIES], on_value=set_histories)
            solara.Button("Nowcast", on_click=task, disabled=task.pending, outlined=True)
        with solara.v.Html(tag="div", attributes={"aria-live": "polite"}):
            if task.pending:
                _quiet("Running histories …")
                solara.ProgressLinear(task.progress or True)
            elif task.error:
                _mistake(f"error: this cannot be run: {task.exception}")
            elif isinstance(task.value, str):
                _mistake(task.value)
            elif task.value:
                cast, chart, asked_of = task.value
                _show(cast, chart, asked_of != changes)


def _show(cast: Nowcast, chart: str, is_old: bool) -> None:
    if is_old:
        _quiet("The scenario has been changed since this was asked.")
    for answer in cast.answers:
        words = f"{cast.sentence(answer)} Effective number of histories: {answer.effective:,.0f}."
        solara.v.Html(tag="p", children=[words])
    for warning in cast.warnings:
        solara.v.Html(tag="p", children=[solara.v.Html(tag="strong", children=[warning])])
    solara.HTML("div", unsafe_innerHTML=chart, classes=["cs-path"])
    if cast.moved:
        shifts = [
            f"{one.path} {one.before[1]:.3g} to {one.after[1]:.3g}" for one in cast.moved[:SHOWN]
        ]
        rest = len(cast.moved) - SHOWN
        more = f"; and {rest} more, in the data" if rest > 0 else ""
        _quiet(f"The evidence moves these parameters (medians): {'; '.join(shifts)}{more}.")
    _quiet(
        f"{text.count(cast.histories)} histories, seed {cast.seed}. These are futures of the model: what it does not "
        "know moves nothing."
    )
    solara.FileDownload(
        partial(archive, partial(write_nowcast, cast)),
        f"{cast.scenario.name}_nowcast.zip",
        "Chart and data (ZIP)",
    )


def _take(set_given: Any) -> Any:
    def take(file: Any) -> None:
        held = file["file_obj"].read(MAX_BYTES + 1)
        set_given(held.decode("utf-8-sig", errors="replace"))

    return take


def _quiet(words: str) -> None:
    solara.v.Html(tag="p", class_="cs-quiet", children=[words])


def _mistake(words: str) -> None:
    with solara.v.Html(tag="div", class_="cs-mistake", attributes={"role": "alert"}):
        solara.v.Html(tag="pre", children=[words])
