"""The pages that Solara serves: the dashboard with a nowcast, and the game.

Vue components show a visitor's session. Browsers send the commands in `ORDERS`, whose arguments are checked.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import solara
from solara.lab import use_task

from crisis_sim import style
from crisis_sim import text as words
from crisis_sim.batch.safe_files import BatchError
from crisis_sim.batch.workers import cores
from crisis_sim.dashboard.changes import (
    HIDDEN_UNITS,
    Changes,
    Group,
    Slider,
    describe_changes,
    is_plain_name,
    number_in_words,
)
from crisis_sim.dashboard.server import initial_settings
from crisis_sim.dashboard.session import MAX_FILES, Runs, Session, Superseded, job_slots
from crisis_sim.dashboard.view_data import archive, chart_of
from crisis_sim.history import game as games
from crisis_sim.history.evidence import read_evidence, shipped_folder
from crisis_sim.history.nowcast import SHOWN, Nowcast, draw_nowcast, nowcast, write_nowcast
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.load import on_disk
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import MAX_BYTES

#: Content in place of a file that is too big, which will be refused.
OVERSIZED = b" " * (MAX_BYTES + 1)
#: Shared by all visitors.
RUNS = Runs()
LOOK = on_disk(Path(__file__).parent) / "look.css"

Order = Callable[[dict[str, Any]], None]


# Components that a browser draws. Large data are passed as JSON, because Solara compares all other arguments at each
# rendering, which is slow for curves. Small data are in `state`.


@solara.component_vue("controls.vue")
def Controls(groups_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802 - components are named like classes
    """Sliders, switches, opening and saving of scenarios."""


@solara.component_vue("progress.vue")
def Progress(progress: float | None) -> None:  # noqa: N802
    """The progress bar of the current run."""


@solara.component_vue("results.vue")
def Results(view_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802
    """Results of the replicates: answer, incidence curves, differences and endings."""


@solara.component_vue("crisis.vue")
def Crisis(crisis_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802
    """A single crisis, and changes to it."""


@solara.component_vue("frame.vue")
def Frame() -> None:  # noqa: N802
    """Settings of the document: language, zoom and dark mode."""


def html(tag: str, *children: Any, css: str = "", look: str = "", **attributes: str) -> Any:
    """Return an HTML element; underscores in names of attributes become hyphens."""
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return solara.v.Html(tag=tag, class_=css, style_=look, attributes=named, children=[*children])


def note(text: str) -> None:
    """Add a paragraph in small grey letters."""
    html("p", text, css="cs-quiet")


def as_json(data: Any, plain: Callable[[Any], Any] = lambda data: data) -> str:
    """Return `plain(data)` as JSON, cached while the data are the same."""
    encoded: str = solara.use_memo(lambda: json.dumps(plain(data), allow_nan=False), [data])
    return encoded


@solara.component
def Page() -> None:  # noqa: N802
    """The dashboard; or the game, for addresses with a seat such as `?play=pakistan`."""
    query = solara.use_router().search or ""
    seats = parse_qs(query.removeprefix("?")).get("play")
    solara.Style(LOOK)
    Frame()
    if seats:
        settings = initial_settings()
        Play(settings.opened.scenario, seats[0], settings.seed)
    else:
        Explore(query)


@solara.component
def Layout(children: list[Any]) -> None:  # noqa: N802
    """The page without Solara's bars."""
    solara.Div(children=children)


@solara.component
def Explore(query: str) -> None:  # noqa: N802
    """The dashboard of a scenario."""
    _, set_version = solara.use_state(0)
    session: Session = solara.use_memo(lambda: _new_session(query), [])

    def begin() -> Callable[[], None]:
        session.on_change = lambda: set_version(lambda number: number + 1)
        session.start()
        return session.end

    solara.use_effect(begin, [])
    shown, opened, order = session.shown, session.opened, partial(obey, session)
    title = words.clean(opened.scenario.title)
    description = words.clean(opened.scenario.description)
    solara.Title(f"{title} – Crisis Sim")
    with html("main", css="cs-page"):
        with solara.Div(classes=["cs-head"]):
            html("h1", title)
            if description:
                note(description)
            with html("nav", aria_label="Play"):
                for name in opened.scenario.state_names:
                    label = f"Play as {games.title_of(initial_settings().opened.scenario, name)}"
                    html("a", label, look="margin-right: 1.5em", href=f"?play={name}")
        with solara.Div(classes=["cs-columns"]):
            with solara.Div(classes=["cs-side"]):
                groups = as_json(session.groups, _groups)
                Controls(groups_text=groups, state=_controls(session), event_order=order)
            with solara.Div(classes=["cs-main-column"]):
                Running(session)
                state = {"replicates": session.replicates, "seed": session.seed, "fills": FILLS}
                state |= {"seconds": shown.seconds, "preview": shown.preview}
                state["picked"] = shown.crisis and shown.crisis["replicate"]
                Results(view_text=as_json(shown.view), state=state, event_order=order)
                if shown.view:
                    with solara.Div(classes=["cs-advice"]):
                        archived = f"{opened.scenario.name}_results.zip"
                        solara.FileDownload(session.results, archived, "Charts and data (ZIP)")
                state = {"ready": shown.view is not None, "last": session.replicates - 1}
                state |= {"crises": shown.crises, "past": shown.past}
                Crisis(crisis_text=as_json(shown.crisis), state=state, event_order=order)
                if shown.view:
                    NowcastPane(session, session.changes, opened.scenario.name)


@solara.component
def Running(session: Session) -> None:  # noqa: N802
    """The progress bar, which is rendered separately because it changes often."""
    _, set_version = solara.use_state(0)

    def begin() -> None:
        session.on_progress = lambda: set_version(lambda number: number + 1)

    solara.use_effect(begin, [])
    Progress(progress=session.shown.progress)


FILLS = {
    ending: {"colour": fill.colour, "text": fill.text, "hatched": bool(fill.hatch)}
    for ending, fill in style.ENDING_FILLS.items()
}


def _new_session(query: str) -> Session:
    settings = initial_settings()
    session = Session(settings.opened, RUNS, settings.replicates, settings.seed)
    session.restore(query)
    return session


def _controls(session: Session) -> dict[str, Any]:
    """Return the state of sliders and switches, and the file of the changed scenario."""
    opened, (name, text) = session.opened, session.file()
    files = [
        {"name": file, "text": content.decode("utf-8-sig")}
        for file, content in opened.needed.items()
    ]
    return {
        "moved": dict(session.changes.moved),
        "off": sorted(session.changes.off),
        "told": describe_changes(session.changes, session.groups),
        "kept": describe_changes(session.kept, session.groups),
        "epoch": session.epoch,
        "mistake": session.shown.mistake,
        "saving": {"name": name, "text": text, "extends": opened.reference, "files": files},
        "query": session.address,
        "awaited": session.awaited,
        "fits": session.fits,
        "limit": MAX_BYTES,
    }


def _groups(groups: tuple[Group, ...]) -> list[dict[str, Any]]:
    return [{**vars(group), "sliders": [*map(_slider, group.sliders)]} for group in groups]


def _slider(slider: Slider) -> dict[str, Any]:
    meaning = words.sentence(slider.meaning.replace("`", "")).removesuffix(".")
    ends = f"{slider.low:g} to {slider.high:g}".replace("-", words.MINUS)
    return {
        **vars(slider),
        "help": f"{meaning} ({slider.unit}, {ends}).",
        "unit": "" if slider.unit in HIDDEN_UNITS else f" {slider.unit}",
        "given": number_in_words(slider.given, slider.unit),
    }


# A browser sends a command and its arguments by name. Invalid arguments become harmless values.


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")


def _is_on(value: Any) -> bool:
    return value is True


def _content(value: Any) -> bytes:
    """Decode a file's content from base64; of a file that is too big, only the size is sent."""
    if isinstance(value, int):
        return OVERSIZED
    try:
        return base64.b64decode(_text(value), validate=True)[: len(OVERSIZED)]
    except (binascii.Error, ValueError):
        return b""


def _files(value: Any) -> dict[str, bytes]:
    """Return the content of the files that the browser's tab has stored, by name."""
    stored = value[-MAX_FILES:] if isinstance(value, list) else []
    files = [
        (_text(file.get("name")), file.get("content")) for file in stored if isinstance(file, dict)
    ]
    return {name: _content(content) for name, content in files if is_plain_name(name)}


#: Commands of a browser: a method of the session, and its arguments with their readers.
ORDERS: dict[str, tuple[Callable[..., None], dict[str, Callable[[Any], Any]]]] = {
    "move": (Session.move, {"path": _text, "value": _number}),
    "back": (Session.back, {"path": _text}),
    "switch": (Session.switch, {"path": _text, "on": _is_on}),
    "keep": (Session.keep, {"on": _is_on}),
    "fit": (Session.fit, {"on": _is_on}),
    "open": (Session.open, {"name": _text, "content": _content}),
    "reopen": (Session.reopen, {"files": _files}),
    "dismiss": (Session.dismiss_error, {}),
    "name": (Session.name, {"name": _text}),
    "count": (Session.count, {"clock": _text}),
    "pick": (Session.pick, {"replicate": _number, "which": _text}),
    "pick_at": (Session.pick_at, {"day": _number}),
    "branch": (Session.branch, {"at": _text, "forced": _text}),
    "why": (Session.why, {"outcome": _text}),
}


def obey(session: Session, order: Any) -> None:
    """Execute a browser's command; unknown commands are ignored."""
    sent = order if isinstance(order, dict) else {}
    if known := ORDERS.get(_text(sent.get("do"))):
        method, arguments = known
        method(session, *(read(sent.get(key)) for key, read in arguments.items()))


# A nowcast of the current scenario, given evidence that is typed or dropped.

#: Choices of the number of histories; particles of the filter.
HISTORIES, PARTICLES = {"20,000 histories": 20_000, "100,000 histories": 100_000}, 10_000
#: Choices of the dates of the nowcast.
LAST, EACH = "at the last date", "at each date"
#: Initial evidence for scenarios without shipped evidence.
TEMPLATE = "title: Evidence so far\ngiven:\n  - {at: 2, not_yet: first_strike}\n"


def initial_evidence(name: str) -> str:
    """Return the shipped evidence on a scenario, or a template."""
    path = shipped_folder() / f"{name}_day_by_day.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else TEMPLATE


@solara.component
def NowcastPane(session: Session, changes: Changes, name: str) -> None:  # noqa: N802
    """Makes nowcasts of the current scenario in the background, and shows the last."""
    text, set_text = solara.use_state(solara.use_memo(lambda: initial_evidence(name), []))
    dates, set_dates = solara.use_state(LAST)
    histories, set_histories = solara.use_state(next(iter(HISTORIES)))

    def run() -> tuple[Nowcast, str, Changes] | str:
        def watch(done: int, total: int) -> None:
            if not task.is_current():
                raise Superseded
            task.progress = 100.0 * done / total

        try:
            scenario = session.current()
            evidence = read_evidence(text, scenario, Columns.of(scenario))
            if dates == LAST:
                evidence = replace(evidence, days=evidence.days[-1:])
            options: dict[str, Any] = {"replicates": HISTORIES[histories], "particles": PARTICLES}
            options |= {"seed": session.seed, "workers": cores(), "progress": watch}
            with job_slots:
                cast = nowcast(scenario, evidence, **options)
        except (ScenarioError, BatchError) as error:
            return str(error)
        finding = cast.sentence(cast.answers[-1])
        return cast, chart_of(partial(draw_nowcast, cast), "nowcast", "Nowcast", finding), changes

    def read(file: Any) -> None:
        content = file["file_obj"].read(MAX_BYTES + 1)
        set_text(content.decode("utf-8-sig", errors="replace"))

    task = use_task(run, dependencies=None, raise_error=False)
    solara.use_effect(lambda: lambda: task.pending and task.cancel(), [])

    with html("section", css="cs-crisis", aria_label="Nowcast"):
        html("h2", "Nowcast: the future, given the evidence so far")
        note(
            "The scenario above is simulated many times. Histories that match the evidence are kept, and their futures "
            "are the answer. The guide describes the format of evidence under “Change history”."
        )
        solara.FileDrop("Drop a file of evidence here, or edit the text.", on_file=read)
        with html("label", "Evidence"):
            solara.InputTextArea("", text, set_text, rows=12, auto_grow=False)
        with solara.Div(classes=["cs-bar"]):
            solara.ToggleButtonsSingle(dates, [LAST, EACH], on_value=set_dates)
            solara.ToggleButtonsSingle(histories, [*HISTORIES], on_value=set_histories)
            solara.Button("Run the nowcast", on_click=task, disabled=task.pending, outlined=True)
        with html("div", aria_live="polite"):
            if task.pending:
                note("Running histories …")
                solara.ProgressLinear(task.progress or True)
            elif task.error or isinstance(task.value, str):
                failed = f"error: this cannot be run: {task.exception}"
                with html("div", css="cs-mistake", role="alert"):
                    html("pre", failed if task.error else task.value)
            elif task.value:
                cast, chart, used = task.value
                _show(cast, chart, used != changes)


def _show(cast: Nowcast, chart: str, is_old: bool) -> None:
    if is_old:
        note("The scenario has changed since this nowcast.")
    for answer in cast.answers:
        size = f"Effective number of histories: {answer.effective:,.0f}."
        html("p", f"{cast.sentence(answer)} {size}")
    for warning in cast.warnings:
        html("p", html("strong", warning))
    solara.HTML("div", unsafe_innerHTML=chart, classes=["cs-path"])
    if cast.moved:
        shifts = [
            f"{shift.path} from {shift.before[1]:.3g} to {shift.after[1]:.3g}"
            for shift in cast.moved[:SHOWN]
        ]
        rest = len(cast.moved) - SHOWN
        more = f"; and {rest} more, in the data" if rest > 0 else ""
        note(f"The evidence shifts the medians of these parameters: {'; '.join(shifts)}{more}.")
    note(
        f"{words.count(cast.histories)} histories, seed {cast.seed}. These are futures of the model, which ignores "
        "influences that are not part of it."
    )
    solara.FileDownload(
        partial(archive, partial(write_nowcast, cast)),
        f"{cast.scenario.name}_nowcast.zip",
        "Chart and data (ZIP)",
    )


# The game: the page of a seat, a button for each option, and a debrief after the crisis.


@solara.component
def Play(scenario: Scenario, seat: str, seed: int) -> None:  # noqa: N802
    """The game, which is not stored on this machine; its file can be downloaded."""
    try:
        new: games.Game | None = games.Game.new(scenario, [seat], seed=seed)
        mistake = ""
    except games.GameError as error:
        new, mistake = None, str(error)
    game, set_game = solara.use_state(new)
    turn = solara.use_memo(lambda: game.turn() if game else None, [game])

    def debrief() -> str:
        is_over = game and turn and not turn.decision
        return games.debrief_text(game, games.debrief(game)) if is_over else ""

    over = solara.use_memo(debrief, [game])
    title = games.title_of(scenario, seat)
    solara.Title(f"{title} – Crisis Sim")
    with html("main", css="cs-page"):
        html("h1", f"You decide for {title}")
        html("a", "Back to the dashboard", href="?")
        if game is None or turn is None:
            html("p", mistake, role="alert")
            return
        situation = over or games.page(game, turn).partition(" What does ")[0]
        html("pre", situation, look="white-space: pre-wrap", role="status", tabindex="0")
        with solara.Div(style="display: flex; flex-wrap: wrap; gap: 0.5em; margin: 1em 0"):
            for name, meaning in games.options(turn).items():
                solara.Button(
                    f"{name} ({meaning})" if meaning else name,
                    on_click=lambda name=name: set_game(game.chosen(turn, name)),
                    outlined=True,
                )
            if game.spec.moves:
                solara.Button("undo", on_click=lambda: set_game(game.undone()), outlined=True)
        html("p", "To continue later, save the game, and run: crisis-sim play FILE")
        solara.FileDownload(game.text(), f"{seat}.game.yaml", "Save the game")
