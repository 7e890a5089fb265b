"""A game in the browser: the page of a seat, a button for each option, and the debrief once the crisis is over."""

from __future__ import annotations

from typing import Any

import solara

from crisis_sim.history.game import Game, GameError, debrief, options, page, tell_debrief, title_of
from crisis_sim.scenario.schema import Scenario


def link_to(scenario: Scenario) -> Any:
    """Links to a game in either state's seat, for the head of the dashboard."""
    links = [
        solara.v.Html(
            tag="a",
            attributes={"href": f"?play={name}"},
            children=[f"Play as {title_of(scenario, name)}"],
            style_="margin-right: 1.5em",
        )
        for name in scenario.state_names
    ]
    return solara.v.Html(tag="nav", attributes={"aria-label": "Play"}, children=links)


@solara.component
def Play(scenario: Scenario, seat: str, seed: int) -> None:  # noqa: N802
    """A game, of which nothing stays on this machine: its file can be downloaded."""
    try:
        begun: Game | None = Game.new(scenario, [seat], seed=seed)
        mistake = ""
    except GameError as error:
        begun, mistake = None, str(error)
    game, set_game = solara.use_state(begun)
    turn = solara.use_memo(lambda: game.turn() if game else None, [game])
    over = solara.use_memo(
        lambda: tell_debrief(game, debrief(game)) if game and turn and not turn.decision else "",
        [game],
    )
    solara.Title(f"{title_of(scenario, seat)} – Crisis Sim")
    with solara.v.Html(tag="main", class_="cs-page"):
        solara.v.Html(tag="h1", children=[f"You decide for {title_of(scenario, seat)}"])
        solara.v.Html(tag="a", attributes={"href": "?"}, children=["Back to the dashboard"])
        if game is None or turn is None:
            solara.v.Html(tag="p", attributes={"role": "alert"}, children=[mistake])
            return
        shown = over or page(game, turn).partition(" What does ")[0]
        solara.v.Html(
            tag="pre",
            attributes={"role": "status", "tabindex": "0"},
            style_="white-space: pre-wrap",
            children=[shown],
        )
        with solara.Div(style="display: flex; flex-wrap: wrap; gap: 0.5em; margin: 1em 0"):
            for name, words in options(turn).items():
                solara.Button(
                    f"{name} ({words})" if words else name,
                    on_click=lambda name=name: set_game(game.chosen(turn, name)),
                    outlined=True,
                )
            if game.spec.moves:
                solara.Button("undo", on_click=lambda: set_game(game.undone()), outlined=True)
        solara.v.Html(tag="p", children=["The game as a file, to go on with: crisis-sim play FILE"])
        solara.FileDownload(game.text(), f"{seat}.game.yaml", "Save the game")
