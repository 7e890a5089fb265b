"""Games: pages, moves and their undoing, files that replay to the bit, debriefs, and error messages."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from crisis_sim import CrisisModel, ScenarioError, load_scenario
from crisis_sim.history.game import (
    WIDTH,
    Game,
    GameError,
    Turn,
    debrief,
    debrief_text,
    news,
    options,
    page,
)
from tests.conftest import Cli
from tests.model.conftest import same

REPLICATE = 7


def game(*seats: str, **how: object) -> Game:
    return Game.new("may_2025", seats or ["pakistan"], **{"replicate": REPLICATE, **how})  # type: ignore[arg-type]


def played(begun: Game, *choices: str) -> tuple[Game, Turn]:
    """A game after some choices; "" is the model's choice."""
    for choice in choices:
        turn = begun.turn()
        if turn.decision is None:
            break
        begun = begun.chosen(turn, choice or turn.decision.chosen)
    return begun, begun.turn()


def later(begun: Game, wanted: Callable[[Turn], bool]) -> tuple[Game, Turn]:
    """The first turn that meets a condition, if the state waits until then."""
    while not wanted(turn := begun.turn()):
        begun = begun.chosen(turn, "wait")
    return begun, turn


def test_a_player_who_follows_the_model_plays_its_crisis() -> None:
    short = ["horizon_days=20"]
    _, turn = played(game(sets=short), *[""] * 60)
    assert turn.decision is None
    assert len(turn.made) > 2
    assert all(one.choice == one.advised for one in turn.made)
    model = CrisisModel(load_scenario("may_2025", short), 1, 1, REPLICATE)
    assert same(turn.model.outcomes(), model.run().outcomes())


def test_a_game_replays_to_the_bit_and_a_move_is_undone(tmp_path: Path) -> None:
    begun, turn = played(game(against="wait"), "mobilisation", "limited strike", "", "wait", "halt")
    begun.save(tmp_path / "game.yaml")
    again = Game.load(tmp_path / "game.yaml")
    assert again.spec == begun.spec
    assert again.turn().entries == turn.entries
    assert same(again.turn().model.outcomes(), turn.model.outcomes())
    before = begun.undone(2)
    assert before.spec.moves == begun.spec.moves[:3]
    assert before.turn().entries == turn.entries[: len(before.turn().entries)]


def test_a_page_shows_the_information_of_its_state() -> None:
    begun, _ = played(game(against="halt"), "mobilisation", "limited strike")
    begun, turn = later(begun, lambda turn: "accept the halt on offer" in options(turn).values())
    shown = page(begun, turn)
    assert max(map(len, shown.splitlines())) <= WIDTH
    for words in (
        "Pakistan decides", "Your current act: mobilisation", "KSE-100: ", "Deaths so far", "Open lines: hotline",
        "In preparation: limited strike, ready ", "India offers a halt, until ", "seems to be at",
        "Events since the last decision", "What does Pakistan do?",
    ):  # fmt: skip
        assert words in " ".join(shown.split()), words


def test_a_rivals_plans_stay_hidden() -> None:
    def plans(turn: Turn) -> list[str]:
        return [one.agent for one in turn.entries if one.kind == "planned"]

    assert plans(played(game("india", replicate=0), "limited strike")[1]) == ["india"]
    begun, turn = later(game(against="limited strike"), lambda turn: "india" in plans(turn))
    assert not any("prepare" in line for line in news(begun, turn, "pakistan", -1.0))
    assert any("India begins to prepare" in line for line in news(begun, turn, "india", -1.0))


def test_people_may_decide_for_both_states() -> None:
    _, both = played(game("india", "pakistan"), *["wait"] * 4)
    assert {one.state for one in both.made} == {"india", "pakistan"}


def test_a_card_takes_effect_a_minute_later_and_leaves_the_past_unchanged() -> None:
    begun, turn = played(game(facilitator=True, against="wait"), "wait", "wait")
    dealt = begun.with_card(turn, "{struck: pakistan, deaths: 40, title: A train is blown up}")
    then = dealt.turn()
    assert then.entries == turn.entries
    assert options(then) == options(turn)
    moved = dealt.chosen(then, "wait")
    (came,) = (one for one in moved.turn().entries if one.kind == "incident")
    assert came.detail["title"] == "A train is blown up"
    assert 0 < came.hours - then.hours <= 2 / 60
    assert moved.undone(2).spec.cards == ()
    with pytest.raises(ScenarioError, match="card:1:25: error: out of range: -1"):
        dealt.with_card(then, "{struck: india, deaths: -1}")
    with pytest.raises(GameError, match="has no facilitator"):
        game().with_card(turn, "{struck: india}")


@pytest.mark.slow
def test_a_debrief_evaluates_the_choices_that_differ_from_the_models() -> None:
    begun, _ = played(game(), "mobilisation", "limited strike", *[""] * 60)
    result = debrief(begun, futures=60, comparisons=80)
    different = [made for made in result.turn.made if made.choice != made.advised]
    assert len(result.effects) == len(different) > 0
    text = debrief_text(begun, result)
    assert max(map(len, text.splitlines())) <= WIDTH
    crisis, compared = "The crisis that you played", "Compared with 80 crises"
    for words in (crisis, compared, "the model: ", "changes the probability"):
        assert words in " ".join(text.split())


def test_an_invalid_file_is_refused(tmp_path: Path) -> None:
    begun, _ = played(game(), "mobilisation")
    file = tmp_path / "game.yaml"
    begun.save(file)
    text, moved, digest = file.read_text(), "choice: mobilisation", begun.scenario.digest
    for old, new, said in (
        (moved, "choice: full-scale war", "move 1: the option 'full-scale war' is not open"),
        (moved, "choice: mobilization", "did you mean 'mobilisation'?"),
        ("state: pakistan", "state: india", "move 1 is india's"),
        (f"digest: {digest}", "digest: abc", "has changed since the game was saved"),
        ("- pakistan", "- pakistn", "no state 'pakistn'"),
        ("seats:", "seat:", "unknown key 'seat'"),
    ):
        file.write_text(text.replace(old, new))
        with pytest.raises((ScenarioError, GameError)) as error:
            Game.load(file).turn()
        assert said in str(error.value)


def test_the_command_plays_and_saves(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{one}\n" for one in lines)))

    new = ["play", "may_2025", "--as", "pakistan"]
    typed("help", "mobil", "99", "nothing", "undo 2", "3", "undo", "limited strike")
    result = cli(*new, "--replicate", "7", "--out", "game.yaml")
    assert "there is no option 99; expected 1 to" in result.out
    assert "no option 'nothing'; open are wait" in result.out
    assert "there is no move to take back" in result.out
    assert "crisis-sim play game.yaml" in result.err
    moves = [move.choice for move in Game.load("game.yaml").spec.moves]
    assert moves == ["mobilisation", "limited strike"]
    typed("wait")
    assert "In preparation: limited strike" in cli("play", "game.yaml").out
    for wrong, said in (
        (new[:2], "--as is missing"),
        ([*new[:3], "pakistn"], "did you mean 'pakistan'?"),
        (["play", "game.yaml", "--seed", "3"], "--seed is for a new game"),
    ):
        result = cli(*wrong)
        assert (result.code, said in result.err) == (2, True), result.err
