"""Games: crises in which people decide. A game is a scenario, a replicate and a list of moves, and each turn replays it.

A game replays to the bit. To undo a move is to replay without it; to branch a game is to continue after fewer moves.
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
from crisis_sim.batch.safe_files import write_durably
from crisis_sim.history.one_crisis import History
from crisis_sim.model import CrisisModel, Decision, Journal
from crisis_sim.model.choice import option_numbers
from crisis_sim.model.journal import Entry, entry_of
from crisis_sim.model.luck import future_salts
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.intervals import Contrast, difference
from crisis_sim.outcomes.measures import CAME, Reading
from crisis_sim.outcomes.named_measures import NAMES, measure
from crisis_sim.report.story import titles
from crisis_sim.scenario.errors import RequestError, did_you_mean, one_of
from crisis_sim.scenario.fits import load_over_fits
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.numbers import Moment, Part
from crisis_sim.scenario.schema import STYLES, EventSpec, Scenario
from crisis_sim.scenario.yaml_text import Node, Source, parse, parse_value, read_text

#: Value of `against` for a rival whose decisions are the model's.
MODEL = "model"
#: Number of futures of each choice, and of comparable crises, in a debrief.
FUTURES, COMPARISONS = 300, 1_000


class GameError(RequestError, ValueError):
    """An invalid game or move; the message gives the reason and what is possible."""


class MoveSpec(Part):
    """A move in a game's file."""

    at: Moment = Field(description="time of the decision, to the minute")
    state: str = Field(description="the state")
    choice: str = Field(description="the chosen option")


class GameSpec(Part):
    """A file of a game."""

    scenario: str = Field(description="the scenario, a file or the name of a shipped one")
    set: tuple[str, ...] = Field((), description="changes to the scenario")
    over_fits: bool = Field(
        False, description="true if its parameters are one of the sets that fit"
    )
    digest: str = Field(description="the scenario's digest at the beginning of the game")
    seed: int = Field(strict=True, ge=0, description="seed of the crisis")
    replicate: int = Field(strict=True, ge=0, description="number of the crisis")
    seats: tuple[str, ...] = Field(
        min_length=1, max_length=2, description="the states for which people decide"
    )
    against: str = Field(
        MODEL,
        description="decisions of the other state: model, or an option that it takes whenever it can",
    )
    facilitator: bool = Field(False, description="true if a facilitator may inject events")
    cards: tuple[EventSpec, ...] = Field((), description="events injected by the facilitator")
    moves: tuple[MoveSpec, ...] = Field((), description="the moves so far, in order")


@dataclass(frozen=True)
class MadeDecision:
    """A decision that was made: the choice, the option that the model would have chosen (`advised`), and its odds."""

    hours: float
    state: str
    choice: str
    advised: str
    odds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Turn(History):
    """A game at a decision, or at the end of the crisis.

    Attributes:
        model: the crisis.
        decision: the pending decision; None at the end of the crisis.
        made: the decisions so far.
        entries: entries of the journal so far, in order.
    """

    decision: Decision | None = None
    made: tuple[MadeDecision, ...] = ()
    entries: tuple[Entry, ...] = ()

    @cached_property
    def hours(self) -> float:
        """Hours from the start."""
        return float(self.model.crises["now"][0] * 24)


class _Pending(Exception):  # noqa: N818 - not an error: a decision without a move
    def __init__(self, decision: Decision) -> None:
        self.decision = decision


@dataclass(frozen=True)
class Game:
    """A game with its moves. `scenario` is the current version of the scenario that `spec` names."""

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
        """Begin a game.

        Args:
            reference: a scenario, its file, or the name of a shipped one.
            seats: the states for which people decide, one or both.
            against: decisions of the other state: `model`, or an option that it takes whenever it can.
            facilitator: allow events to be injected.
            replicate, seed: number and seed of the crisis.
            sets: changes to the scenario, as for `--set`.
            over_fits: use one of the sets of parameters that fit about equally well.
            classes: `roles` and `agents`, as `CrisisModel` takes them.

        Raises:
            ScenarioError: if the scenario has mistakes.
            GameError: if there is no such state or option.
        """
        if isinstance(reference, Scenario):
            scenario, reference = reference, reference.name
        else:
            scenario = load_over_fits(str(reference), sets, over_fits)
        if len(set(seats)) < len(seats):
            raise GameError("each state has one seat: give it once")
        spec = GameSpec(
            scenario=str(reference), set=tuple(sets), over_fits=over_fits, digest=scenario.digest,
            seed=seed, replicate=replicate, seats=tuple(seats), against=against, facilitator=facilitator,
        )  # fmt: skip
        return cls(spec, scenario, classes)._checked()

    @classmethod
    def load(cls, path: str | Path, **classes: Any) -> Game:
        """Load a saved game.

        Raises:
            ScenarioError: if the file has mistakes.
            GameError: if the scenario has changed since the game was saved.
        """
        content = read_text(Path(path), str(path))
        top, mistakes = parse(str(path), content, "game", "scenario and moves")
        spec = read_part(GameSpec, top, mistakes)
        scenario = load_over_fits(spec.scenario, spec.set, spec.over_fits)
        if scenario.digest != spec.digest:
            raise GameError(
                f"{path}: the scenario {spec.scenario} has changed since the game was saved (digest "
                f"{scenario.digest[:12]}, then {spec.digest[:12]}): undo the change, or begin a new game"
            )
        return cls(spec, scenario, classes)._checked()

    def _checked(self) -> Game:
        _check_known(self.spec.seats, self.scenario.state_names, "state")
        _check_known([self.spec.against], [MODEL, *option_numbers(self.scenario)], "way to decide")
        return self

    def text(self) -> str:
        """Return the content of the game's file."""
        file, yaml = StringIO(), YAML()
        file.write("# A game of Crisis Sim: crisis-sim play with this file continues it.\n")
        yaml.width = 120
        yaml.dump(self.spec.model_dump(mode="json", exclude_defaults=True), file)
        return file.getvalue()

    def save(self, path: Path) -> None:
        """Write the game to a file.

        Raises:
            OSError: if it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, self.text().encode())

    def _with(self, **changes: Any) -> Game:
        return replace(self, spec=self.spec.model_copy(update=changes))

    def chosen(self, turn: Turn, choice: str) -> Game:
        """Return the game with an additional move.

        Raises:
            GameError: if no decision is pending, or the option is not possible.
        """
        if turn.decision is None:
            raise GameError("the crisis is over")
        _check_open(choice, turn.decision)
        move = MoveSpec(at=self._minute(turn.hours), state=turn.decision.state.name, choice=choice)
        return self._with(moves=(*self.spec.moves, move))

    def undone(self, moves: int = 1) -> Game:
        """Return the game without its last moves, and without later cards.

        Raises:
            GameError: if there are fewer moves.
        """
        if moves > len(self.spec.moves):
            raise GameError("there is no move to take back")
        kept = self.spec.moves[: len(self.spec.moves) - moves]
        until = self.spec.moves[len(kept)].at
        cards = tuple(card for card in self.spec.cards if card.at <= until)
        return self._with(moves=kept, cards=cards)

    def with_card(self, turn: Turn, text: str) -> Game:
        """Return the game with an additional event, a minute after the pending decision.

        Args:
            turn: the current turn.
            text: an event as in a scenario, without its date: `{struck: india, deaths: 12, title: A bomb in a market}`.

        Raises:
            GameError: if the game has no facilitator.
            ScenarioError: if the event has mistakes.
        """
        if not self.spec.facilitator:
            raise GameError("this game has no facilitator: begin one with --facilitator")
        source = Source.of("card", text)
        node = parse_value(source, text)
        at = (self._minute(turn.hours) + timedelta(minutes=1)).isoformat()
        dated = Node(node.place, {**node.entries(), "at": Node(node.place, at, node.place)})
        card = read_part(EventSpec, dated)
        _check_known([card.struck], self.scenario.state_names, "state")
        return self._with(cards=(*self.spec.cards, card))

    def _minute(self, hours: float) -> Any:
        """Return the date and time of a moment, rounded up to the minute."""
        return self.scenario.moment(math.ceil(hours * 60.0 - 1e-6) / 60.0)

    def model(self, **options: Any) -> CrisisModel:
        """Return the crisis at its beginning, with the injected cards."""
        events = (*self.scenario.events, *self.spec.cards)
        scenario = self.scenario.model_copy(update={"events": events})
        options = {"first_replicate": self.spec.replicate, **self.classes, **options}
        return CrisisModel(scenario, 1, self.spec.seed, **options)

    def turn(self, moves: int | None = None) -> Turn:
        """Return the current turn, or the turn after a number of moves.

        Raises:
            GameError: if a move does not fit the pending decision.
        """
        made: list[MadeDecision] = []
        played = self.spec.moves[:moves]

        def decide(decision: Decision) -> str:
            if len(made) == len(played):
                raise _Pending(decision)
            move, hours = played[len(made)], float(decision.model.crises["now"][decision.row] * 24)
            state, at = decision.state.name, self._minute(hours)
            if (move.state, move.at) != (state, at):
                raise GameError(
                    f"move {len(made) + 1} is {move.state}'s on {text.moment(move.at)}, but the next decision is "
                    f"{state}'s on {text.moment(at)}: the file was edited, or made by another version"
                )
            _check_open(move.choice, decision, f"move {len(made) + 1}: ")
            odds = {name: share for name, (_, share) in decision.options.items()}
            made.append(MadeDecision(hours, move.state, move.choice, decision.chosen, odds))
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
        except _Pending as pending:
            decision = pending.decision
        noted = model.luck.notes[: model.luck.noted[0]]
        entries = (*journal.entries, *(entry_of(model, note) for note in noted))
        ordered = tuple(sorted(entries, key=lambda entry: entry.hours))
        return Turn.at(model, decision=decision, made=tuple(made), entries=ordered)


def _check_known(words: Sequence[str], known: Sequence[str], noun: str) -> None:
    for word in words:
        if word not in known:
            expected = f"{one_of(known, 'and')}{did_you_mean(word, known)}"
            raise GameError(f"no {noun} '{word}'; there are {expected}")


def _check_open(choice: str, decision: Decision, where: str = "") -> None:
    if choice in decision.options:
        return
    exists = choice in option_numbers(decision.model.scenario)
    message = f"the option '{choice}' is not open then" if exists else f"no option '{choice}'"
    expected = f"{text.listed(list(decision.options))}{did_you_mean(choice, decision.options)}"
    raise GameError(f"{where}{message}; open are {expected}")


# --- The debrief


@dataclass(frozen=True)
class Effect:
    """The effect of a choice compared with the model's, on the probabilities of a ceasefire and of war."""

    made: MadeDecision
    ceasefire: Contrast
    war: Contrast


@dataclass(frozen=True, eq=False)
class Debrief:
    """An evaluation of a game.

    Attributes:
        turn: the last turn.
        by_model: the same crisis with the same random numbers, decided by the model.
        comparisons: outcomes of crises with the same beginning and new random numbers, decided by the model.
        effects: effects of the choices that differ from the model's, the largest first.
    """

    turn: Turn
    by_model: History
    comparisons: Mapping[str, NDArray[Any]]
    effects: tuple[Effect, ...]


#: Outcomes by which choices are compared.
_CEASEFIRE = measure({"share": {"ceasefire_in_effect_at_hours": CAME}})
_WAR = NAMES["war"]


def debrief(game: Game, futures: int = FUTURES, comparisons: int = COMPARISONS) -> Debrief:
    """Evaluate a game and each of its choices against the model's decisions."""
    turn = game.turn()
    by_model = replace(game, spec=game.spec.model_copy(update={"against": MODEL}))
    model = by_model.model(journal=Journal())
    others = model.branch(comparisons, salt=0).run(daily=False)
    model.run()
    effects = []
    for k, made in enumerate(turn.made):
        if made.choice != made.advised:
            before = game.turn(k)
            chosen, advised = (
                Reading(Rows(_futures(before, choice, futures, k + 1), game.scenario.horizon_hours))
                for choice in (made.choice, made.advised)
            )
            contrasts = (difference(x.read(chosen), x.read(advised)) for x in (_CEASEFIRE, _WAR))
            effects.append(Effect(made, *contrasts))

    def size(effect: Effect) -> float:
        return max(abs(float(effect.ceasefire.estimate)), abs(float(effect.war.estimate)))

    effects.sort(key=size, reverse=True)
    return Debrief(turn, History.at(model), others.outcomes(), tuple(effects))


def _futures(turn: Turn, choice: str, number: int, salt: int) -> Mapping[str, NDArray[Any]]:
    """Return outcomes after a choice at the pending decision, with new random numbers and the model deciding."""
    other = turn.model.copied(number)
    other.policies = {}
    other.crises["choice"] = option_numbers(turn.model.scenario)[choice]
    other.crises["states"]["asked"] = False
    other.redraw(future_salts(salt, number))
    other.go_on(turn.model.scenario.horizon_days)
    return other.outcomes()


# --- The page of a turn, and the debrief, as text

#: Columns of a page, and maximum number of moments in its news.
WIDTH, MOST_NEWS = 80, 8
#: Kinds of entries that only the state itself knows.
_SECRET = ("planned", "plan_dropped")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>&|~$#])")


def title_of(scenario: Scenario, name: str) -> str:
    """Return the printed name of a state or third party."""
    return text.clean(titles(scenario).get(name, "")) or text.label(name)


def page(game: Game, turn: Turn) -> str:
    """Return the page of a turn: the information of the state that decides, and its options.

    Raises:
        ValueError: if the crisis is over.
    """
    if turn.decision is None:
        raise ValueError("the crisis is over: there is no decision")
    name = turn.decision.state.name
    own, rule = title_of(game.scenario, name), "─" * WIDTH
    when = text.moment(game.scenario.moment(turn.hours), year=True)
    before = turn.made[-1].hours if turn.made else -1.0
    since = " since the last decision" if turn.made else ""
    lines = [rule, f" {when} · day {turn.hours / 24:.1f} · {own} decides", rule]
    lines += _block(f"Events{since}", news(game, turn, name, before))
    lines += _block("Your situation", _situation(turn, turn.decision))
    lines += _block("Other actors", _others(turn, turn.decision))
    lines.append(f" What does {text.with_article(own)} do?")
    for number, (option, meaning) in enumerate(options(turn).items(), 1):
        lines.append(f" {number:3}  {option}{f' ({meaning})' if meaning else ''}")
    return "\n".join(lines)


def options(turn: Turn) -> dict[str, str]:
    """Return the possible options by name, with a meaning or ""."""
    decision = turn.decision
    if decision is None:
        return {}
    c = turn.model.crises[0]
    offered = c["states"][1 - decision.state.index]["offer_until"] >= c["now"]
    meanings = {
        rung.name: f"prepare it: {rung.violence}"
        for rung in turn.model.scenario.ladder
        if rung.violence != "none"
    }
    halt = "accept the halt on offer" if offered else "offer a halt"
    meanings |= {"wait": "do nothing now", "halt": halt}
    return {name: meanings.get(name, "") for name in decision.options}


def news(game: Game, turn: Turn, name: str, before: float) -> list[str]:
    """Return the events after a moment that a state knows of, in a line per minute."""
    later = (entry for entry in turn.entries if entry.hours > before + 1e-9)
    known = [entry for entry in later if _is_known(entry, name, game.scenario)]
    lines = []
    for minute, sentences in turn.sentences(known).items():
        when = game.scenario.moment(minute / 60.0)
        if sentences:
            plain = _ESCAPED.sub(r"\1", sentences)
            lines.append(f"{text.day_and_month(when)}, {when:%H:%M}. {plain}")
    if len(lines) > MOST_NEWS:
        lines = [f"({len(lines) - MOST_NEWS} earlier moments)", *lines[-MOST_NEWS:]]
    return lines or ["Nothing that you know of."]


def _is_known(entry: Entry, name: str, scenario: Scenario) -> bool:
    if entry.kind == "spoke":
        return bool(scenario.advisers[entry.agent].state == name)
    return entry.kind not in _SECRET or entry.agent == name


def _situation(turn: Turn, decision: Decision) -> Iterator[str]:
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
    nearest = scenario.ladder[int(np.argmin(np.abs(rungs - own["seen"])))].name
    error = f"; information from third parties makes the error {text.percent(own['information'])}% smaller"
    yield f"{title_of(scenario, name)} seems to be at: {nearest}{error if own['information'] > 0 else ''}"
    if rival["offer_until"] >= c["now"]:
        until = _when(scenario, rival["offer_until"] * 24)
        yield f"{title_of(scenario, name)} offers a halt, until {until}"
    yield _market(scenario, name, rival)
    yield f"Deaths so far: about {text.count(float(c['deaths']))}"
    yield from _third_parties(turn, decision.state.name)


def _third_parties(turn: Turn, state: str) -> Iterator[str]:
    model, scenario, c = turn.model, turn.model.scenario, turn.model.crises[0]

    def agents(role: str) -> list[tuple[Any, Any, str]]:
        """Return the agents of a role with their records and printed names."""
        return [(x, c[role][x.index], title_of(scenario, x.name)) for x in model.cast[role]]

    engaged = [
        f"{title} ({STYLES[int(own['style']) - 1]})"
        for _, own, title in agents("mediators")
        if own["engaged"]
    ]
    if engaged:
        yield f"Mediators: {text.listed(engaged)}"
    if lines := [title for _, own, title in agents("channels") if own["open"]]:
        yield f"Open lines: {text.listed(lines)}"
    for review in model.cast["reviews"]:
        due = float(c["reviews"][review.index]["due"]) * 24
        is_borrower = scenario.lenders[review.lender].borrower == state
        if is_borrower and c["now"] * 24 <= due < scenario.horizon_hours:
            loan = text.clean(review.spec.title) or "its loan"
            yield f"{title_of(scenario, review.lender)} on {loan}: {_when(scenario, due)}"
    for adviser, own, title in agents("advisers"):
        if adviser.spec.state == state and own["voice"] > 0.1:
            yield f"{title} urges {'restraint' if adviser.spec.stance == 'dove' else 'firmness'}"


def _market(scenario: Scenario, name: str, own: Any) -> str:
    change = text.number(100 * (own["market"] - 1), 1, sign=True)
    return f"{text.clean(scenario.states[name].market.index)}: {change}% since the start"


def _when(scenario: Scenario, hours: float) -> str:
    return text.moment(scenario.moment(hours))


def _block(heading: str, lines: Iterable[str]) -> list[str]:
    wrapped = [f" {heading}"]
    for line in lines:
        wrapped += textwrap.wrap(line, WIDTH, initial_indent="   ", subsequent_indent="     ")
    return [*wrapped, ""]


def debrief_text(game: Game, result: Debrief) -> str:
    """Return a debrief as text: the ending, comparable crises, all choices, and the effects of choices."""
    scenario, rule = game.scenario, "─" * WIDTH
    lines = [rule, " The crisis is over" if result.turn.decision is None else " So far", rule]
    count = text.count(result.comparisons["deaths"].size)
    by_model = "The same crisis with the same random numbers, decided by the model"
    compared = f"Compared with {count} crises with the same beginning, decided by the model"
    cards = [f"{text.moment(x.at)}: {text.clean(x.title) or x.kind}" for x in game.spec.cards]
    for heading, content in (
        ("The crisis that you played", [result.turn.gist]),
        (by_model, [result.by_model.gist]),
        (compared, _comparisons(result)),
        ("Your choices, and those of the model in your place", _choices(scenario, result)),
        ("Effects of your choices", _effects(scenario, result)),
        *([("Cards that were played", cards)] if cards else ()),
    ):
        lines += _block(heading, content)
    return "\n".join(lines)


def _comparisons(result: Debrief) -> Iterator[str]:
    others, outcome = result.comparisons, result.turn.outcome
    for column, event in (
        ("first_strike_at_hours", "A first strike"),
        ("ceasefire_in_effect_at_hours", "A ceasefire"),
        ("war_at_hours", "Full-scale war"),
    ):
        share = np.isfinite(others[column]).mean()
        yours = "yours too" if np.isfinite(outcome[column]) else "not in yours"
        yield f"{event} came in {text.percent(share)}% of them, {yours}"
    deadlier = (others["deaths"] > outcome["deaths"]).mean()
    median = text.count(float(np.median(others["deaths"])))
    yours = f"{text.count(outcome['deaths'])}; their median is {median}"
    yield f"Deaths were higher in {text.percent(deadlier)}% of them than in yours ({yours})"


def _choices(scenario: Scenario, result: Debrief) -> Iterator[str]:
    for made in result.turn.made:
        same = "the model too" if made.choice == made.advised else f"the model: {made.advised}"
        odds = f"it chooses yours with probability {text.percent(made.odds.get(made.choice, 0.0))}%"
        decision = f"{_when(scenario, made.hours)}, {title_of(scenario, made.state)}"
        yield f"{decision}: {made.choice} ({same}; {odds})"
    if not result.turn.made:
        yield "None: there was no decision."


def _effects(scenario: Scenario, result: Debrief, most: int = 3) -> Iterator[str]:
    for effect in result.effects[:most]:
        made = effect.made
        yield (
            f"{_when(scenario, made.hours)}: {made.choice} in place of {made.advised} changes the probability "
            f"of a ceasefire by {_points(effect.ceasefire)} points, and of war by {_points(effect.war)}"
        )
    if result.effects:
        yield "(paired futures of each choice, with new random numbers and the model deciding afterwards; 95% intervals)"
    else:
        yield "None differed from the model's, so there is nothing to compare."


def _points(contrast: Contrast) -> str:
    low, high = text.points(float(contrast.lower), 0), text.points(float(contrast.upper), 0)
    return f"{text.points(float(contrast.estimate), 0)} ({low} to {high})"
