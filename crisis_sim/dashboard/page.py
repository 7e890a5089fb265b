"""The page: each visitor's session, shown by three components that a browser draws.

`Page` is what Solara serves. All that a browser sends comes in here, and nothing of it is believed
before its type is checked.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import solara

from crisis_sim import style
from crisis_sim import text as words
from crisis_sim.dashboard.changes import UNSAID, Group, Slider, number_in_words
from crisis_sim.dashboard.nowcast import NowcastPane
from crisis_sim.dashboard.play import Play, link_to
from crisis_sim.dashboard.scenario_files import describe_changes, is_plain
from crisis_sim.dashboard.server import given
from crisis_sim.dashboard.session import MAX_FILES, Runs, Session
from crisis_sim.scenario.load import on_disk
from crisis_sim.scenario.source import MAX_BYTES

#: Content in place of a file that is too big: just enough to be refused as such.
TOO_MUCH = b" " * (MAX_BYTES + 1)
#: Shared by all visitors: the same request gives the same replicates.
RUNS = Runs()
LOOK = on_disk(Path(__file__).parent) / "look.css"

#: What a browser is told of a slider as it is.
SENT = ("path", "label", "limits", "low", "high", "step", "log", "middle", "spread")

Event = Callable[[dict[str, Any]], None]


@solara.component_vue("controls.vue")
def Controls(  # noqa: N802 - Solara's components are written like classes
    groups_text: str,
    moved: dict[str, float],
    off: list[str],
    told: list[str],
    kept: list[str],
    epoch: int,
    mistake: str,
    saving: dict[str, Any],
    query: str,
    awaited: str,
    fits: bool,
    limit: int,
    event_slid: Event,
    event_returned: Event,
    event_switched: Event,
    event_keeping: Event,
    event_fitted: Event,
    event_sent: Event,
    event_reopened: Event,
    event_forgive: Callable[[], None],
    event_named: Event,
) -> None:
    """Sliders, switches, opening and saving."""


@solara.component_vue("progress.vue")
def Progress(progress: float | None) -> None:  # noqa: N802
    """How far the run in hand is."""


@solara.component_vue("results.vue")
def Results(  # noqa: N802
    view_text: str,
    picked: int | None,
    replicates: str,
    seed: int,
    seconds: float | None,
    total: int,
    first_look: bool,
    fills_text: str,
    event_clicked: Event,
    event_counted: Event,
) -> None:
    """The results of the replicates: answer, incidence curves and endings."""


@solara.component_vue("crisis.vue")
def Crisis(  # noqa: N802
    ready: bool,
    crises_text: str,
    crisis_text: str,
    past_text: str,
    last: int,
    event_picked: Event,
    event_branched: Event,
    event_wondered: Event,
) -> None:
    """One crisis, and what would have come of it."""


@solara.component_vue("frame.vue")
def Frame() -> None:  # noqa: N802
    """The document's language, and its right to zoom."""


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
def Explore(query: str) -> None:  # noqa: N802
    """A scenario, explored."""
    _, set_news = solara.use_state(0)
    session: Session = solara.use_memo(lambda: _new_session(query), [])
    name, set_name = solara.use_state("")
    texts = solara.use_memo(Texts, [])

    def begin() -> Callable[[], None]:
        session.on_change = lambda: set_news(lambda number: number + 1)
        session.start()
        return session.end

    solara.use_effect(begin, [])
    shown, opened = session.shown, session.opened
    title = words.clean(opened.scenario.title)
    description = words.clean(opened.scenario.description)
    file, text = session.file(name)
    files = [
        {"name": name, "text": content.decode("utf-8-sig")}
        for name, content in opened.needed.items()
    ]
    solara.Title(f"{title} – Crisis Sim")
    with solara.v.Html(tag="main", class_="cs-page"):
        with solara.Div(classes=["cs-head"]):
            solara.v.Html(tag="h1", children=[title])
            if description:
                solara.v.Html(tag="p", class_="cs-quiet", children=[description])
            link_to(given().opened.scenario)
        with solara.Div(classes=["cs-columns"]):
            with solara.Div(classes=["cs-side"]):
                Controls(
                    groups_text=texts.of("groups", session.groups, _groups),
                    moved=dict(session.changes.moved),
                    off=sorted(session.changes.off),
                    told=describe_changes(session.changes, session.groups),
                    kept=describe_changes(session.kept, session.groups),
                    epoch=session.epoch,
                    mistake=shown.mistake,
                    saving={
                        "name": file,
                        "text": text,
                        "extends": opened.reference,
                        "files": files,
                    },
                    query=session.address,
                    awaited=session.awaited,
                    fits=session.fits,
                    limit=MAX_BYTES,
                    event_slid=lambda event: session.move(
                        _text(event, "path"), _number(event, "value")
                    ),
                    event_returned=lambda event: session.back(_text(event, "path") or None),
                    event_switched=lambda event: session.switch(
                        _text(event, "path"), _is_on(event)
                    ),
                    event_keeping=lambda event: session.keep(_is_on(event)),
                    event_fitted=lambda event: session.fit(_is_on(event)),
                    event_sent=lambda event: _sent(session, event),
                    event_reopened=lambda event: session.reopen(_kept(event)),
                    event_forgive=lambda *_: session.dismiss_error(),
                    event_named=lambda event: set_name(_text(event, "name")),
                )
            with solara.Div(classes=["cs-main-column"]):
                Running(session)
                Results(
                    view_text=texts.of("view", shown.view),
                    picked=shown.crisis["replicate"] if shown.crisis else None,
                    replicates=f"{session.replicates:,}",
                    seed=session.seed,
                    seconds=shown.seconds,
                    total=session.replicates,
                    first_look=shown.first_look,
                    fills_text=FILLS,
                    event_clicked=lambda event: session.pick_at(_number(event, "day")),
                    event_counted=lambda event: session.count(_text(event, "clock")),
                )
                if shown.view:
                    with solara.Div(classes=["cs-advice"]):
                        solara.FileDownload(
                            session.results,
                            f"{opened.scenario.name}_results.zip",
                            "Charts and data (ZIP)",
                        )
                Crisis(
                    ready=shown.view is not None,
                    crises_text=texts.of("crises", shown.crises),
                    crisis_text=texts.of("crisis", shown.crisis),
                    past_text=texts.of("past", shown.past),
                    last=session.replicates - 1,
                    event_picked=lambda event: _picked(session, event),
                    event_branched=lambda event: session.branch(
                        _text(event, "at"), _text(event, "forced")
                    ),
                    event_wondered=lambda event: session.why(_text(event, "outcome")),
                )
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


@solara.component
def Layout(children: list[Any]) -> None:  # noqa: N802
    """The page alone, without Solara's own bars."""
    solara.Div(children=children)


class Texts:
    """Data for a component as JSON, made once for as long as it stays the same object.

    Solara looks through all data that a component is given at every drawing of the page, which for a curve takes longer
    than the run of a crisis; a text is one piece.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, str]] = {}

    def of(self, name: str, data: Any, plain: Callable[[Any], Any] = lambda data: data) -> str:
        """The JSON of some data; `plain` makes of it what JSON can hold."""
        if name not in self._made or self._made[name][0] is not data:
            self._made[name] = data, json.dumps(plain(data), allow_nan=False)
        return self._made[name][1]


FILLS = json.dumps(
    {
        ending: {"colour": fill.colour, "text": fill.text, "hatched": bool(fill.hatch)}
        for ending, fill in style.ENDING_FILLS.items()
    }
)


def _new_session(query: str) -> Session:
    settings = given()
    session = Session(settings.opened, RUNS, settings.replicates, settings.seed)
    session.recall(query)
    return session


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


# Values that a browser sends, checked


def _text(event: Any, key: str) -> str:
    value = event.get(key) if isinstance(event, dict) else None
    return value if isinstance(value, str) else ""


def _number(event: Any, key: str) -> float:
    value = event.get(key) if isinstance(event, dict) else None
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known else float("nan")  # type: ignore[arg-type]


def _is_on(event: Any) -> bool:
    return isinstance(event, dict) and event.get("on") is True


def _picked(session: Session, event: Any) -> None:
    number = _number(event, "replicate")
    if number.is_integer():
        session.pick(int(number), _text(event, "which"))


def _sent(session: Session, event: Any) -> None:
    """Open a file that a browser sent: its name and its content; of one that is too big only its size."""
    sized = isinstance(event, dict) and "size" in event
    session.open(_text(event, "name"), TOO_MUCH if sized else _content(event))


def _kept(event: Any) -> dict[str, bytes]:
    """The files that the visitor's tab has kept."""
    files = event.get("files") if isinstance(event, dict) else None
    kept = files[-MAX_FILES:] if isinstance(files, list) else []
    return {_text(one, "name"): _content(one) for one in kept if is_plain(_text(one, "name"))}


def _content(event: Any) -> bytes:
    try:
        return base64.b64decode(_text(event, "content"), validate=True)[: len(TOO_MUCH)]
    except (binascii.Error, ValueError):
        return b""
