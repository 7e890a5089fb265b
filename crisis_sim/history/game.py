"""A crisis in which persons decide: a game is a list of moves, and every turn is that game replayed to where it stands.

A game is a scenario, a replicate's luck and the choices made so far; it replays to the bit. To undo is to leave off the last
move, and to branch a game is to go on from fewer of them otherwise.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from ruamel.yaml import YAML

from crisis_sim import text
from crisis_sim.batch.files import write_durably
from crisis_sim.history.past import History, salts_of
from crisis_sim.model import CrisisModel, Decision, Journal
from crisis_sim.model.choice import option_numbers
from crisis_sim.model.record import Entry, entry_of
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.intervals import Contrast, difference
from crisis_sim.outcomes.measures import CAME, Reading
from crisis_sim.outcomes.names import NAMES, measure
from crisis_sim.report.story import titles
from crisis_sim.scenario.errors import RequestError, did_you_mean, one_of
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.load import load_over_fits
from crisis_sim.scenario.numbers import Moment, Part
from crisis_sim.scenario.schema import STYLES, EventSpec, Scenario
from crisis_sim.scenario.source import Node, Source, parse, parse_value, read_text

#: The rival decides as the model has it.
MODEL = "model"
#: Futures of each choice, and of the crisis as a whole, in a debrief.
FUTURES, BESIDE = 300, 1_000


class GameError(RequestError, ValueError):
    """A game that cannot be played so; the message says why, and what could be."""


class MoveSpec(Part):
    """A choice, as a file of a game holds it."""

    at: Moment = Field(description="when it was made, to the minute")
    state: str = Field(description="by which state")
    choice: str = Field(description="the option that was chosen")


class GameSpec(Part):
    """A file of a game."""

    scenario: str = Field(description="the scenario, a file or the name of a shipped one")
    set: tuple[str, ...] = Field((), description="changes to it")
    over_fits: bool = Field(
        False, description="whether its parameters are those of one of the sets that fit"
    )
    digest: str = Field(description="the scenario's digest when the game was begun")
    seed: int = Field(strict=True, ge=0, description="the seed of its luck")
    replicate: int = Field(strict=True, ge=0, description="the replicate whose luck it has")
    seats: tuple[str, ...] = Field(
        min_length=1, max_length=2, description="the states for which persons decide"
    )
    against: str = Field(
        MODEL,
        description="how the other state decides: model, or the option that it takes whenever it can",
    )
    facilitator: bool = Field(False, description="whether a facilitator may inject events")
    cards: tuple[EventSpec, ...] = Field((), description="events that the facilitator has injected")
    moves: tuple[MoveSpec, ...] = Field((), description="the choices so far, in order")


@dataclass(frozen=True)
class Point:
    """A decision that was made: the choice, and what the state's advisers, the model itself, would have chosen."""

    hours: float
    state: str
    choice: str
    advised: str
    odds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Turn(History):
    """Where a game stands.

    Attributes:
        model: the crisis; at a decision, or over.
        decision: the decision that is asked for; None when the crisis is over.
        made: the decisions so far.
        entries: what has happened so far, in order.
    """

    decision: Decision | None = None
    made: tuple[Point, ...] = ()
    entries: tuple[Entry, ...] = ()

    @cached_property
    def hours(self) -> float:
        """Hours from the start."""
        return float(self.model.crises["now"][0] * 24)


class _Asked(Exception):  # noqa: N818 - no error: a decision that no move answers yet
    def __init__(self, decision: Decision) -> None:
        self.decision = decision


@dataclass(frozen=True)
class Game:
    """A game, and the moves made in it. `scenario` is the one that `spec` names, as it is now."""

    spec: GameSpec
    scenario: Scenario
    classes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def new(
        cls,
        reference: str | Path | Scenario,
        seats: Sequence[str],
        against: str = MODEL,
        facilitator: bool = False,
        replicate: int = 0,
        seed: int = 1,
        sets: Sequence[str] = (),
        over_fits: bool = False,
        **classes: Any,
    ) -> Game:
        """A game as it begins.

        Args:
            reference: a scenario, its file, or the name of a shipped one.
            seats: the states for which persons decide, one or both.
            against: how the other state decides: as the `model` has it, or an option that it takes whenever that is open.
            facilitator: whether events may be injected.
            replicate, seed: whose luck it has.
            sets: changes to the scenario, as of `--set`.
            over_fits: whether its parameters are those of one of the sets that fit about as well.
            classes: `roles` and `agents`, as `CrisisModel` takes them.

        Raises:
            ScenarioError: when the scenario has mistakes.
            GameError: when there is no such state or option.
        """
        if isinstance(reference, Scenario):
            scenario, reference = reference, reference.name
        else:
            scenario = load_over_fits(str(reference), sets, over_fits)
        if len(set(seats)) < len(seats):
            raise GameError("a state has one seat: give each state once")
        spec = GameSpec(
            scenario=str(reference), set=tuple(sets), over_fits=over_fits, digest=scenario.digest,
            seed=seed, replicate=replicate, seats=tuple(seats), against=against, facilitator=facilitator,
        )  # fmt: skip
        return cls(spec, scenario, classes)._checked()

    @classmethod
    def load(cls, path: str | Path, **classes: Any) -> Game:
        """A saved game.

        Raises:
            ScenarioError: when the file has mistakes.
            GameError: when the scenario has changed since the game was saved.
        """
        content = read_text(Path(path), str(path))
        top, mistakes = parse(str(path), content, "game", "scenario and moves")
        spec = read_part(GameSpec, top, mistakes)
        scenario = load_over_fits(spec.scenario, spec.set, spec.over_fits)
        if scenario.digest != spec.digest:
            raise GameError(
                f"{path}: the scenario {spec.scenario} has changed since the game was saved (digest "
                f"{scenario.digest[:12]}, then {spec.digest[:12]}): take back the change, or begin a new game"
            )
        return cls(spec, scenario, classes)._checked()

    def _checked(self) -> Game:
        _check_one_of(self.spec.seats, self.scenario.state_names, "state")
        ways = [MODEL, *option_numbers(self.scenario)]
        _check_one_of([self.spec.against], ways, "way to decide")
        return self

    def text(self) -> str:
        """The game as a file."""
        file, yaml = StringIO(), YAML()
        file.write("# A game of Crisis Sim: crisis-sim play with this file goes on with it.\n")
        yaml.width = 120
        yaml.dump(self.spec.model_dump(mode="json", exclude_defaults=True), file)
        return file.getvalue()

    def save(self, path: Path) -> None:
        """Write the game to a file.

        Raises:
            OSError: when it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, self.text().encode())

    def _with(self, **changes: Any) -> Game:
        return replace(self, spec=self.spec.model_copy(update=changes))

    def chosen(self, turn: Turn, choice: str) -> Game:
        """The game with one more move.

        Raises:
            GameError: when nothing is asked for, or the option is not open now.
        """
        if turn.decision is None:
            raise GameError("the crisis is over")
        _check_open(choice, turn.decision)
        move = MoveSpec(at=self._minute(turn.hours), state=turn.decision.state.name, choice=choice)
        return self._with(moves=(*self.spec.moves, move))

    def undone(self, moves: int = 1) -> Game:
        """The game without its last moves, and without the cards that came after them.

        Raises:
            GameError: when there are not so many.
        """
        if moves > len(self.spec.moves):
            raise GameError("there is no move to take back")
        kept = self.spec.moves[: len(self.spec.moves) - moves]
        until = self.spec.moves[len(kept)].at
        cards = tuple(card for card in self.spec.cards if card.at <= until)
        return self._with(moves=kept, cards=cards)

    def with_card(self, turn: Turn, text: str) -> Game:
        """The game with an event that comes a minute after the decision at which it stands.

        Args:
            text: what a scenario's event says, without its date: `{struck: india, deaths: 12, title: A bomb in a market}`.

        Raises:
            GameError: when the game has no facilitator.
            ScenarioError: when it is no event.
        """
        if not self.spec.facilitator:
            raise GameError("this game has no facilitator: begin one with --facilitator")
        source = Source.of("card", text)
        node = parse_value(source, text)
        at = (self._minute(turn.hours) + timedelta(minutes=1)).isoformat()
        held = Node(node.place, {**node.entries(), "at": Node(node.place, at, node.place)})
        card = read_part(EventSpec, held)
        _check_one_of([card.struck], self.scenario.state_names, "state")
        return self._with(cards=(*self.spec.cards, card))

    def _minute(self, hours: float) -> Any:
        """The minute of a moment, rounded up."""
        return self.scenario.moment(math.ceil(hours * 60.0 - 1e-6) / 60.0)

    def model(self, **more: Any) -> CrisisModel:
        """The crisis as it begins, with the cards that were injected."""
        events = (*self.scenario.events, *self.spec.cards)
        scenario = self.scenario.model_copy(update={"events": events})
        return CrisisModel(scenario, 1, self.spec.seed, self.spec.replicate, **self.classes, **more)

    def turn(self, moves: int | None = None) -> Turn:
        """Where the game stands, or stood after its first moves.

        Raises:
            GameError: when a move is not what was asked for then, or its option was not open.
        """
        made: list[Point] = []
        left = self.spec.moves[:moves]

        def decide(decision: Decision) -> str:
            if len(made) == len(left):
                raise _Asked(decision)
            move, hours = left[len(made)], float(decision.model.crises["now"][decision.row] * 24)
            asked = decision.state.name, self._minute(hours)
            if (move.state, move.at) != asked:
                raise GameError(
                    f"move {len(made) + 1} is {move.state}'s of {text.moment(move.at)}, but it is {asked[0]} that "
                    f"is asked then, on {text.moment(asked[1])}: the file was changed, or made by another version"
                )
            _check_open(move.choice, decision, f"move {len(made) + 1}: ")
            odds = {name: share for name, (_, share) in decision.options.items()}
            made.append(Point(hours, move.state, move.choice, decision.chosen, odds))
            return move.choice

        def against(decision: Decision) -> str | None:
            return self.spec.against if self.spec.against in decision.options else None

        policies: dict[str, Any] = dict.fromkeys(self.spec.seats, decide)
        if self.spec.against != MODEL:
            policies = dict.fromkeys(self.scenario.state_names, against) | policies
        journal, decision = Journal(), None
        model = self.model(policies=policies, journal=journal)
        try:
            model.run()
        except _Asked as asked:
            decision = asked.decision
        noted = model.luck.notes[: model.luck.noted[0]]
        entries = (*journal.entries, *(entry_of(model, note) for note in noted))
        ordered = tuple(sorted(entries, key=lambda one: one.hours))
        return Turn.at(model, decision=decision, made=tuple(made), entries=ordered)


def _check_one_of(given: Sequence[str], known: Sequence[str], noun: str) -> None:
    for one in given:
        if one not in known:
            there = one_of(known, "and")
            raise GameError(f"no {noun} '{one}'; there are {there}{did_you_mean(one, known)}")


def _check_open(choice: str, decision: Decision, where: str = "") -> None:
    if choice in decision.options:
        return
    closed = choice in option_numbers(decision.model.scenario)
    said = f"the option '{choice}' is not open then" if closed else f"no option '{choice}'"
    there = text.listed(list(decision.options))
    raise GameError(f"{where}{said}; open are {there}{did_you_mean(choice, decision.options)}")


# --- The debrief


@dataclass(frozen=True)
class Mattered:
    """A choice, and how much oftener something comes with it than with what the advisers would have chosen."""

    point: Point
    ceasefire: Contrast
    war: Contrast


@dataclass(frozen=True, eq=False)
class Debrief:
    """A game looked back upon.

    Attributes:
        turn: where it ended.
        alone: the same crisis with the same luck, in which the model decides for everybody.
        beside: outcomes of `BESIDE` crises that began alike, decided by the model, with fresh luck.
        mattered: choices that were not the advisers', those that mattered most first.
    """

    turn: Turn
    alone: History
    beside: Mapping[str, NDArray[Any]]
    mattered: tuple[Mattered, ...]


#: What the choices are compared by.
_CEASEFIRE = measure({"share": {"ceasefire_in_effect_at_hours": CAME}})
_WAR = NAMES["war"]


def debrief(game: Game, futures: int = FUTURES, beside: int = BESIDE) -> Debrief:
    """Look back upon a game: beside what the model would have done, and choice by choice."""
    turn = game.turn()
    alone = replace(game, spec=game.spec.model_copy(update={"against": MODEL}))
    model = alone.model(journal=Journal())
    start = model.branch(beside, salt=0).run(daily=False)
    model.run()
    mattered = []
    for k, point in enumerate(turn.made):
        if point.choice != point.advised:
            at = game.turn(k)
            ours, theirs = (
                Reading(Rows(_futures(at, choice, futures, k + 1), game.scenario.horizon_hours))
                for choice in (point.choice, point.advised)
            )
            less = (difference(one.read(ours), one.read(theirs)) for one in (_CEASEFIRE, _WAR))
            mattered.append(Mattered(point, *less))

    def weight(one: Mattered) -> float:
        return max(abs(float(one.ceasefire.estimate)), abs(float(one.war.estimate)))

    mattered.sort(key=weight, reverse=True)
    return Debrief(turn, History.at(model), start.outcomes(), tuple(mattered))


def _futures(turn: Turn, choice: str, number: int, salt: int) -> Mapping[str, NDArray[Any]]:
    """Outcomes of a choice at the decision where a game stands, and of fresh luck and the model's own choices after it."""
    other = turn.model.copied(number)
    other.policies = {}
    other.crises["choice"] = option_numbers(turn.model.scenario)[choice]
    other.crises["states"]["asked"] = False
    other.redraw(salts_of(salt, number))
    other.go_on(turn.model.scenario.horizon_days)
    return other.outcomes()


# --- What a seat perceives, and the debrief, as text

#: Columns of a page, and moments of news that it shows at most.
WIDTH, NEWS = 80, 8
#: Entries that only the state itself knows of.
_SECRET = ("planned", "plan_dropped")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>&|~$#])")


def title_of(scenario: Scenario, name: str) -> str:
    """A state's or a third party's name to print."""
    return text.clean(titles(scenario).get(name, "")) or text.label(name)


def page(game: Game, turn: Turn) -> str:
    """What the state that decides perceives, and its options.

    Raises:
        ValueError: when nobody decides: the crisis is over.
    """
    if turn.decision is None:
        raise ValueError("the crisis is over: nobody decides")
    name = turn.decision.state.name
    own, rule = title_of(game.scenario, name), "─" * WIDTH
    when = text.moment(game.scenario.moment(turn.hours), year=True)
    before = turn.made[-1].hours if turn.made else -1.0
    since = " since the last decision" if turn.made else ""
    lines = [rule, f" {when} · day {turn.hours / 24:.1f} · {own} decides", rule]
    lines += _block(f"What has happened{since}", news(game, turn, name, before))
    lines += _block("How you stand", _standing(turn, turn.decision))
    lines += _block("What you know of others", _others(turn, turn.decision))
    lines.append(f" What does {text.with_article(own)} do?")
    for number, (option, words) in enumerate(options(turn).items(), 1):
        lines.append(f" {number:3}  {option}{f' ({words})' if words else ''}")
    return "\n".join(lines)


def options(turn: Turn) -> dict[str, str]:
    """The options that are open, by name, and what choosing each of them means where its name does not say so."""
    decision = turn.decision
    if decision is None:
        return {}
    c = turn.model.crises[0]
    offered = c["states"][1 - decision.state.index]["offer_until"] >= c["now"]
    means = {
        rung.name: f"prepare it: {rung.violence}"
        for rung in turn.model.scenario.ladder
        if rung.violence != "none"
    }
    halt = "accept the halt on offer" if offered else "offer a halt"
    means |= {"wait": "do nothing now", "halt": halt}
    return {name: means.get(name, "") for name in decision.options}


def news(game: Game, turn: Turn, name: str, before: float) -> list[str]:
    """What happened after a moment, as far as a state knows of it, a sentence or two a moment."""
    later = (one for one in turn.entries if one.hours > before + 1e-9)
    seen = [one for one in later if _is_known(one, name, game.scenario)]
    told = []
    for minute, sentences in turn.sentences(seen).items():
        when = game.scenario.moment(minute / 60.0)
        if sentences:
            plain = _ESCAPED.sub(r"\1", sentences)
            told.append(f"{text.day_and_month(when)}, {when:%H:%M}. {plain}")
    if len(told) > NEWS:
        told = [f"({len(told) - NEWS} earlier moments)", *told[-NEWS:]]
    return told or ["Nothing that you know of."]


def _is_known(entry: Entry, name: str, scenario: Scenario) -> bool:
    if entry.kind == "spoke":
        return bool(scenario.advisers[entry.agent].state == name)
    return entry.kind not in _SECRET or entry.agent == name


def _standing(turn: Turn, decision: Decision) -> Iterator[str]:
    scenario, c = turn.model.scenario, turn.model.crises[0]
    own = c["states"][decision.state.index]
    ladder = [rung.name for rung in scenario.ladder]
    yield f"Your current act: {ladder[own['rung']]}" + (", under way" if own["operation"] else "")
    for plan, at in (("plan", "act_at"), ("opening", "open_at")):
        if own[plan]:
            ready = _when(scenario, own[at] * 24)
            yield f"In preparation: {ladder[own[plan]]}, ready {ready}"
    market = _market(scenario, decision.state.name, own)
    yield f"{market}; economic pressure {text.percent(own['pressure'])}%"
    if own["offer_until"] >= c["now"]:
        yield f"Your offer of a halt stands until {_when(scenario, own['offer_until'] * 24)}"


def _others(turn: Turn, decision: Decision) -> Iterator[str]:
    model, scenario, c = turn.model, turn.model.scenario, turn.model.crises[0]
    name = model.rival_of(decision.state.name)
    own, rival = (c["states"][k] for k in (decision.state.index, 1 - decision.state.index))
    rungs = np.array([float(np.ravel(rung.intensity)[0]) for rung in model.rungs])
    like = scenario.ladder[int(np.argmin(np.abs(rungs - own["seen"])))].name
    error = f"; third parties reduce your error by {text.percent(own['information'])}%"
    yield f"{title_of(scenario, name)} seems to be at: {like}{error if own['information'] > 0 else ''}"
    if rival["offer_until"] >= c["now"]:
        until = _when(scenario, rival["offer_until"] * 24)
        yield f"{title_of(scenario, name)} offers a halt, until {until}"
    yield _market(scenario, name, rival)
    yield f"Deaths so far: about {text.count(float(c['deaths']))}"
    yield from _third_parties(turn, decision.state.name)


def _third_parties(turn: Turn, state: str) -> Iterator[str]:
    model, scenario, c = turn.model, turn.model.scenario, turn.model.crises[0]

    def all_of(role: str) -> list[tuple[Any, Any, str]]:
        """Third parties of a role: each, its record and its name."""
        return [(one, c[role][one.index], title_of(scenario, one.name)) for one in model.cast[role]]

    mediators = [(its, title) for _, its, title in all_of("mediators") if its["engaged"]]
    engaged = [f"{title} ({STYLES[int(its['style']) - 1]})" for its, title in mediators]
    if engaged:
        yield f"Mediators: {text.listed(engaged)}"
    if lines := [title for _, its, title in all_of("channels") if its["open"]]:
        yield f"Open lines: {text.listed(lines)}"
    for one in model.cast["reviews"]:
        due, lender = float(c["reviews"][one.index]["due"]) * 24, scenario.lenders[one.lender]
        if lender.borrower == state and c["now"] * 24 <= due < scenario.horizon_hours:
            loan = text.clean(one.spec.title) or "its loan"
            yield f"{title_of(scenario, one.lender)} on {loan}: {_when(scenario, due)}"
    for one, its, title in all_of("advisers"):
        if one.spec.state == state and its["voice"] > 0.1:
            yield f"{title} urges {'restraint' if one.spec.stance == 'dove' else 'firmness'}"


def _market(scenario: Scenario, name: str, own: Any) -> str:
    change = text.number(100 * (own["market"] - 1), 1, sign=True)
    return f"{text.clean(scenario.states[name].market.index)}: {change}% since the start"


def _when(scenario: Scenario, hours: float) -> str:
    return text.moment(scenario.moment(hours))


def _block(heading: str, lines: Iterable[str]) -> list[str]:
    said = [f" {heading}"]
    for line in lines:
        said += textwrap.wrap(line, WIDTH, initial_indent="   ", subsequent_indent="     ")
    return [*said, ""]


def tell_debrief(game: Game, found: Debrief) -> str:
    """A debrief in words: how it ended, beside crises that began alike; choices and the advisers'; those that mattered."""
    scenario, rule = game.scenario, "─" * WIDTH
    lines = [rule, " The crisis is over" if found.turn.decision is None else " So far", rule]
    alone = "The same crisis, on the same luck, if the model had decided for both states"
    beside = f"Compared with {text.count(found.beside['deaths'].size)} crises that began alike, decided by the model"
    cards = [f"{text.moment(x.at)}: {text.clean(x.title) or x.kind}" for x in game.spec.cards]
    for heading, told in (
        ("The crisis that you played", [found.turn.gist]),
        (alone, [found.alone.gist]),
        (beside, _beside(found)),
        ("Your choices, and those of the model in your place", _choices(scenario, found)),
        ("Which choices mattered", _mattered(scenario, found)),
        *([("Cards that were played", cards)] if cards else ()),
    ):
        lines += _block(heading, told)
    return "\n".join(lines)


def _beside(found: Debrief) -> Iterator[str]:
    beside, outcome = found.beside, found.turn.outcome
    for column, words in (
        ("first_strike_at_hours", "A first strike"),
        ("ceasefire_in_effect_at_hours", "A ceasefire"),
        ("war_at_hours", "Full-scale war"),
    ):
        share = np.isfinite(beside[column]).mean()
        yours = "yours too" if np.isfinite(outcome[column]) else "not in yours"
        yield f"{words} came in {text.percent(share)}% of them, {yours}"
    more, median = (beside["deaths"] > outcome["deaths"]).mean(), float(np.median(beside["deaths"]))
    yours = f"{text.count(outcome['deaths'])}; their median is {text.count(median)}"
    yield f"Deaths were higher in {text.percent(more)}% of them than in yours ({yours})"


def _choices(scenario: Scenario, found: Debrief) -> Iterator[str]:
    for one in found.turn.made:
        same = "the model too" if one.choice == one.advised else f"the model: {one.advised}"
        odds = f"it chooses yours in {text.percent(one.odds.get(one.choice, 0.0))}%"
        who = f"{_when(scenario, one.hours)}, {title_of(scenario, one.state)}"
        yield f"{who}: {one.choice} ({same}; {odds})"
    if not found.turn.made:
        yield "None: there was no decision."


def _mattered(scenario: Scenario, found: Debrief, most: int = 3) -> Iterator[str]:
    for one in found.mattered[:most]:
        point = one.point
        yield (
            f"{_when(scenario, point.hours)}: {point.choice} in place of {point.advised} changes the chance "
            f"of a ceasefire by {_apart(one.ceasefire)} points, and of war by {_apart(one.war)}"
        )
    if found.mattered:
        yield "(paired futures of each choice, on fresh luck, with the model deciding afterwards; 95% intervals)"
    else:
        yield "None differed from the model's, so there is nothing to compare."


def _apart(one: Any) -> str:
    low, high = text.points(float(one.lower), 0), text.points(float(one.upper), 0)
    return f"{text.points(float(one.estimate), 0)} ({low} to {high})"
