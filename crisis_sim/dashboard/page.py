"""The pages that Solara serves: a scenario to explore, a nowcast below it, and a game.

Three components that a browser draws show a visitor's session. All that a browser sends is one of `ORDERS`, and nothing of
it is believed before its kind is checked.
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
from crisis_sim.batch.files import BatchError
from crisis_sim.batch.workers import cores
from crisis_sim.dashboard.changes import (
    UNSAID,
    Changes,
    Group,
    Slider,
    describe_changes,
    is_plain,
    number_in_words,
)
from crisis_sim.dashboard.drawing import archive, chart_of
from crisis_sim.dashboard.server import given
from crisis_sim.dashboard.session import MAX_FILES, Runs, Session, Superseded, turns
from crisis_sim.history import game as games
from crisis_sim.history.evidence import read_evidence, shipped_folder
from crisis_sim.history.filtering import SHOWN, Nowcast, draw_nowcast, nowcast, write_nowcast
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.load import on_disk
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import MAX_BYTES

#: Content in place of a file that is too big: just enough to be refused as such.
TOO_MUCH = b" " * (MAX_BYTES + 1)
#: Shared by all visitors: the same request gives the same replicates.
RUNS = Runs()
LOOK = on_disk(Path(__file__).parent) / "look.css"

Order = Callable[[dict[str, Any]], None]


# What a browser draws. A component takes large data as JSON: Solara looks through all else at every drawing of the page,
# which for a curve takes longer than the run of a crisis. All that is small is in `state`.


@solara.component_vue("controls.vue")
def Controls(groups_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802 - Solara's components are written like classes
    """Sliders, switches, opening and saving."""


@solara.component_vue("progress.vue")
def Progress(progress: float | None) -> None:  # noqa: N802
    """How far the run in hand is."""


@solara.component_vue("results.vue")
def Results(view_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802
    """The results of the replicates: answer, incidence curves and endings."""


@solara.component_vue("crisis.vue")
def Crisis(crisis_text: str, state: dict[str, Any], event_order: Order) -> None:  # noqa: N802
    """One crisis, and what would have come of it."""


@solara.component_vue("frame.vue")
def Frame() -> None:  # noqa: N802
    """The document's language, and its right to zoom."""


def html(tag: str, *children: Any, css: str = "", look: str = "", **attributes: str) -> Any:
    """An element; in the names of its attributes a low line is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return solara.v.Html(tag=tag, class_=css, style_=look, attributes=named, children=[*children])


def quiet(said: str) -> None:
    """A paragraph in small grey letters."""
    html("p", said, css="cs-quiet")


def as_json(data: Any, plain: Callable[[Any], Any] = lambda data: data) -> str:
    """The JSON of some data, made anew when the data are new; `plain` makes of them what JSON can hold."""
    made: str = solara.use_memo(lambda: json.dumps(plain(data), allow_nan=False), [data])
    return made


@solara.component
def Page() -> None:  # noqa: N802
    """The dashboard; or a game, where the address asks for a seat: `?play=pakistan`."""
    query = solara.use_router().search or ""
    seats = parse_qs(query.removeprefix("?")).get("play")
    solara.Style(LOOK)
    Frame()
    if seats:
        Play(given().opened.scenario, seats[0], given().seed)
    else:
        Explore(query)


@solara.component
def Layout(children: list[Any]) -> None:  # noqa: N802
    """The page alone, without Solara's own bars."""
    solara.Div(children=children)


@solara.component
def Explore(query: str) -> None:  # noqa: N802
    """A scenario, explored."""
    _, set_news = solara.use_state(0)
    session: Session = solara.use_memo(lambda: _new_session(query), [])

    def begin() -> Callable[[], None]:
        session.on_change = lambda: set_news(lambda number: number + 1)
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
                quiet(description)
            with html("nav", aria_label="Play"):
                for name in opened.scenario.state_names:
                    said = f"Play as {games.title_of(given().opened.scenario, name)}"
                    html("a", said, look="margin-right: 1.5em", href=f"?play={name}")
        with solara.Div(classes=["cs-columns"]):
            with solara.Div(classes=["cs-side"]):
                groups = as_json(session.groups, _groups)
                Controls(groups_text=groups, state=_controls(session), event_order=order)
            with solara.Div(classes=["cs-main-column"]):
                Running(session)
                state = {"replicates": session.replicates, "seed": session.seed, "fills": FILLS}
                state |= {"seconds": shown.seconds, "first_look": shown.first_look}
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
    """The progress of the current run, drawn apart from the rest whenever it changes."""
    _, set_news = solara.use_state(0)

    def begin() -> None:
        session.on_progress = lambda: set_news(lambda number: number + 1)

    solara.use_effect(begin, [])
    Progress(progress=session.shown.progress)


FILLS = {
    ending: {"colour": fill.colour, "text": fill.text, "hatched": bool(fill.hatch)}
    for ending, fill in style.ENDING_FILLS.items()
}


def _new_session(query: str) -> Session:
    settings = given()
    session = Session(settings.opened, RUNS, settings.replicates, settings.seed)
    session.recall(query)
    return session


def _controls(session: Session) -> dict[str, Any]:
    """How sliders and switches stand, and the file that keeps them so."""
    opened, (name, text) = session.opened, session.file()
    files = [
        {"name": one, "text": content.decode("utf-8-sig")} for one, content in opened.needed.items()
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


#: What a browser is told of a slider as it is.
SENT = ("path", "label", "limits", "low", "high", "step", "log", "middle", "spread")


def _groups(groups: tuple[Group, ...]) -> list[dict[str, Any]]:
    return [
        {
            "path": group.path,
            "kind": group.kind if "." in group.path else "",
            "title": group.title,
            "switched": group.switched,
            "sliders": [_slider(one) for one in group.sliders],
        }
        for group in groups
    ]


def _slider(slider: Slider) -> dict[str, Any]:
    meaning = words.sentence(slider.meaning.replace("`", ""))
    ends = f"{slider.low:g} to {slider.high:g}".replace("-", words.MINUS)
    return {
        **{key: getattr(slider, key) for key in SENT},
        "help": f"{meaning} {words.label(slider.unit)}, {ends}.",
        "unit": "" if slider.unit in UNSAID else f" {slider.unit}",
        "given": number_in_words(slider.given, slider.unit),
    }


# What a browser sends: an order of the session, and what goes with it by name. What it cannot have sent is let be.


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known else float("nan")


def _is_on(value: Any) -> bool:
    return value is True


def _content(value: Any) -> bytes:
    """A file's content, sent in base64; of one that is too big only its size is sent."""
    if isinstance(value, int):
        return TOO_MUCH
    try:
        return base64.b64decode(_text(value), validate=True)[: len(TOO_MUCH)]
    except (binascii.Error, ValueError):
        return b""


def _files(value: Any) -> dict[str, bytes]:
    """The files that the visitor's tab has kept, by their names."""
    kept = value[-MAX_FILES:] if isinstance(value, list) else []
    files = [(_text(one.get("name")), one.get("content")) for one in kept if isinstance(one, dict)]
    return {name: _content(content) for name, content in files if is_plain(name)}


#: What may be ordered, and what goes with it.
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
    """Do what a browser has ordered."""
    sent = order if isinstance(order, dict) else {}
    if known := ORDERS.get(_text(sent.get("do"))):
        do, kinds = known
        do(session, *(read(sent.get(key)) for key, read in kinds.items()))


# A nowcast: what comes of the scenario as it stands, given evidence that is typed or dropped.

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
            how: dict[str, Any] = {"replicates": HISTORIES[histories], "particles": PARTICLES}
            how |= {"seed": session.seed, "workers": cores(), "progress": watch}
            with turns:
                cast = nowcast(scenario, evidence, **how)
        except (ScenarioError, BatchError) as error:
            return str(error)
        said = cast.sentence(cast.answers[-1])
        return cast, chart_of(partial(draw_nowcast, cast), "nowcast", "Nowcast", said), changes

    def take(file: Any) -> None:
        held = file["file_obj"].read(MAX_BYTES + 1)
        set_given(held.decode("utf-8-sig", errors="replace"))

    task = use_task(ask, dependencies=None, raise_error=False)
    solara.use_effect(lambda: lambda: task.pending and task.cancel(), [])

    with html("section", css="cs-crisis", aria_label="Nowcast"):
        html("h2", "Nowcast: the future, given what has been seen so far")
        quiet(
            "Histories of the scenario as it stands above are run; those that meet the evidence are kept, and their "
            "futures are the answer. The keys of evidence are in the guide on change history."
        )
        solara.FileDrop("Drop a file of evidence here, or edit the text.", on_file=take)
        with html("label", "Evidence"):
            solara.InputTextArea("", given, set_given, rows=12, auto_grow=False)
        with solara.Div(classes=["cs-bar"]):
            solara.ToggleButtonsSingle(moment, [LAST, EACH], on_value=set_moment)
            solara.ToggleButtonsSingle(histories, [*HISTORIES], on_value=set_histories)
            solara.Button("Nowcast", on_click=task, disabled=task.pending, outlined=True)
        with html("div", aria_live="polite"):
            if task.pending:
                quiet("Running histories …")
                solara.ProgressLinear(task.progress or True)
            elif task.error or isinstance(task.value, str):
                failed = f"error: this cannot be run: {task.exception}"
                with html("div", css="cs-mistake", role="alert"):
                    html("pre", failed if task.error else task.value)
            elif task.value:
                cast, chart, asked_of = task.value
                _show(cast, chart, asked_of != changes)


def _show(cast: Nowcast, chart: str, is_old: bool) -> None:
    if is_old:
        quiet("The scenario has been changed since this was asked.")
    for answer in cast.answers:
        sure = f"Effective number of histories: {answer.effective:,.0f}."
        html("p", f"{cast.sentence(answer)} {sure}")
    for warning in cast.warnings:
        html("p", html("strong", warning))
    solara.HTML("div", unsafe_innerHTML=chart, classes=["cs-path"])
    if cast.moved:
        shifts = [
            f"{one.path} {one.before[1]:.3g} to {one.after[1]:.3g}" for one in cast.moved[:SHOWN]
        ]
        rest = len(cast.moved) - SHOWN
        more = f"; and {rest} more, in the data" if rest > 0 else ""
        quiet(f"The evidence moves these parameters (medians): {'; '.join(shifts)}{more}.")
    quiet(
        f"{words.count(cast.histories)} histories, seed {cast.seed}. These are futures of the model: what it does not "
        "know moves nothing."
    )
    solara.FileDownload(
        partial(archive, partial(write_nowcast, cast)),
        f"{cast.scenario.name}_nowcast.zip",
        "Chart and data (ZIP)",
    )


# A game: the page of a seat, a button for each option, and the debrief once the crisis is over.


@solara.component
def Play(scenario: Scenario, seat: str, seed: int) -> None:  # noqa: N802
    """A game, of which nothing stays on this machine: its file can be downloaded."""
    try:
        begun: games.Game | None = games.Game.new(scenario, [seat], seed=seed)
        mistake = ""
    except games.GameError as error:
        begun, mistake = None, str(error)
    game, set_game = solara.use_state(begun)
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
        told = over or games.page(game, turn).partition(" What does ")[0]
        html("pre", told, look="white-space: pre-wrap", role="status", tabindex="0")
        with solara.Div(style="display: flex; flex-wrap: wrap; gap: 0.5em; margin: 1em 0"):
            for name, said in games.options(turn).items():
                solara.Button(
                    f"{name} ({said})" if said else name,
                    on_click=lambda name=name: set_game(game.chosen(turn, name)),
                    outlined=True,
                )
            if game.spec.moves:
                solara.Button("undo", on_click=lambda: set_game(game.undone()), outlined=True)
        html("p", "The game as a file, to go on with: crisis-sim play FILE")
        solara.FileDownload(game.text(), f"{seat}.game.yaml", "Save the game")
