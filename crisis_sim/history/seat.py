"""What a person sees from a state's seat, fog included, as a page of text; and what is said once the game is over."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np

from crisis_sim import text
from crisis_sim.history.game import Debrief, Game, Turn
from crisis_sim.model.journal import Entry
from crisis_sim.report.story import Narrator, gist_of
from crisis_sim.scenario.schema import STYLES, Scenario

#: Columns of a page, and moments of news that it shows at most.
WIDTH, NEWS = 80, 8
#: Entries that only the state itself knows of.
_SECRET = ("planned", "plan_dropped")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>&|~$#])")


def title_of(scenario: Scenario, name: str) -> str:
    """A state's or a third party's name to print."""
    for section in ("states", "mediators", "lenders", "channels", "advisers"):
        if name in getattr(scenario, section):
            return text.clean(getattr(scenario, section)[name].title) or text.label(name)
    return text.label(name)


def page(game: Game, turn: Turn) -> str:
    """What the state that decides perceives, and its options.

    Raises:
        ValueError: when nobody decides: the crisis is over.
    """
    if turn.decision is None:
        raise ValueError("the crisis is over: nobody decides")
    scenario, name = game.scenario, turn.decision.state.name
    rule = "─" * WIDTH
    own = title_of(scenario, name)
    when = text.moment(scenario.moment(turn.hours), year=True)
    before = turn.made[-1].hours if turn.made else -1.0
    lines = [rule, f" {when} · day {turn.hours / 24:.1f} · {own} decides", rule]
    lines += _block(
        "What has happened" + (" since the last decision" if turn.made else ""),
        news(game, turn, name, before),
    )
    lines += _block("How you stand", _standing(game, turn))
    lines += _block("What you know of others", _others(game, turn))
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
    rival = c["states"][1 - decision.state.index]
    offered = rival["offer_until"] >= c["now"]
    means = {
        "wait": "do nothing now",
        "halt": "accept the halt on offer" if offered else "offer a halt",
    }
    for rung in turn.model.scenario.ladder:
        if rung.violence != "none":
            means[rung.name] = f"prepare it: {rung.violence}"
    return {name: means.get(name, "") for name in decision.options}


def news(game: Game, turn: Turn, name: str, before: float) -> list[str]:
    """What happened after a moment, as far as a state knows of it, a sentence or two a moment."""
    seen = [
        one
        for one in turn.entries
        if one.hours > before + 1e-9 and _is_known(one, name, game.scenario)
    ]
    narrator = Narrator(game.scenario, game.scenario.trigger_hours)
    told = []
    for minute, at_once in groupby(seen, key=lambda one: round(one.hours * 60.0)):
        when = game.scenario.moment(minute / 60.0)
        sentences = _ESCAPED.sub(r"\1", " ".join(narrator.tell(list(at_once))))
        if sentences:
            told.append(f"{text.day_and_month(when)}, {when:%H:%M}. {sentences}")
    if len(told) > NEWS:
        told = [f"({len(told) - NEWS} earlier moments)", *told[-NEWS:]]
    return told or ["Nothing that you know of."]


def _is_known(entry: Entry, name: str, scenario: Scenario) -> bool:
    if entry.kind == "spoke":
        return bool(scenario.advisers[entry.agent].state == name)
    return entry.kind not in _SECRET or entry.agent == name


def _standing(game: Game, turn: Turn) -> Iterator[str]:
    assert turn.decision is not None  # noqa: S101 - `page` has made sure
    scenario, c = turn.model.scenario, turn.model.crises[0]
    own = c["states"][turn.decision.state.index]
    ladder = [rung.name for rung in scenario.ladder]
    yield f"Your current act: {ladder[own['rung']]}" + (", under way" if own["operation"] else "")
    for plan, at in (("plan", "act_at"), ("opening", "open_at")):
        if own[plan]:
            yield f"In preparation: {ladder[own[plan]]}, ready {_when(game, own[at] * 24)}"
    yield f"{_market(game.scenario, turn.decision.state.name, own)}; economic pressure {text.percent(own['pressure'])}%"
    if own["offer_until"] >= c["now"]:
        yield f"Your offer of a halt stands until {_when(game, own['offer_until'] * 24)}"


def _others(game: Game, turn: Turn) -> Iterator[str]:
    assert turn.decision is not None  # noqa: S101 - likewise
    model, scenario, c = turn.model, turn.model.scenario, turn.model.crises[0]
    name = turn.decision.state.name
    own, rival = c["states"][turn.decision.state.index], c["states"][1 - turn.decision.state.index]
    other = title_of(scenario, model.rival_of(name))
    rungs = np.array([float(np.ravel(rung.intensity)[0]) for rung in model.rungs])
    like = scenario.ladder[int(np.argmin(np.abs(rungs - own["seen"])))].name
    lifted = (
        f"; third parties reduce your error by {text.percent(own['information'])}%"
        if own["information"] > 0
        else ""
    )
    yield f"{other} seems to be at: {like}{lifted}"
    if rival["offer_until"] >= c["now"]:
        yield f"{other} offers a halt, until {_when(game, rival['offer_until'] * 24)}"
    yield _market(scenario, model.rival_of(name), rival)
    yield f"Deaths so far: about {text.count(float(c['deaths']))}"
    engaged = [
        f"{title_of(scenario, one.name)} ({STYLES[int(c['mediators'][one.index]['style']) - 1]})"
        for one in model.cast["mediators"]
        if c["mediators"][one.index]["engaged"]
    ]
    if engaged:
        yield f"Mediators: {text.listed(engaged)}"
    lines = [
        title_of(scenario, one.name)
        for one in model.cast["channels"]
        if c["channels"][one.index]["open"]
    ]
    if lines:
        yield f"Open lines: {text.listed(lines)}"
    for one in model.cast["reviews"]:
        due = float(c["reviews"][one.index]["due"]) * 24
        if (
            scenario.lenders[one.lender].borrower == name
            and c["now"] * 24 <= due < scenario.horizon_hours
        ):
            yield f"{title_of(scenario, one.lender)} on {text.clean(one.spec.title) or 'its loan'}: {_when(game, due)}"
    for one in model.cast["advisers"]:
        if one.spec.state == name and c["advisers"][one.index]["voice"] > 0.1:
            yield f"{title_of(scenario, one.name)} urges {'restraint' if one.spec.stance == 'dove' else 'firmness'}"


def _market(scenario: Scenario, name: str, own: Any) -> str:
    change = text.number(100 * (own["market"] - 1), 1, sign=True)
    return f"{text.clean(scenario.states[name].market.index)}: {change}% since the start"


def _when(game: Game, hours: float) -> str:
    return text.moment(game.scenario.moment(hours))


def _block(heading: str, lines: Iterable[str]) -> list[str]:
    said = [f" {heading}"]
    for line in lines:
        said += textwrap.wrap(line, WIDTH, initial_indent="   ", subsequent_indent="     ")
    return [*said, ""]


def tell_debrief(game: Game, found: Debrief) -> str:
    """A debrief in words: how it ended, beside crises that began alike; choices and the advisers'; those that mattered."""
    scenario, outcome = game.scenario, found.turn.outcome
    journal = found.turn.journal
    lines = [
        "─" * WIDTH,
        " The crisis is over" if found.turn.decision is None else " So far",
        "─" * WIDTH,
    ]
    lines += _block("The crisis that you played", [gist_of(journal, scenario, outcome)])
    alone = found.alone
    lines += _block(
        "The same crisis, on the same luck, if the model had decided for both states",
        [gist_of(alone.journal, scenario, alone.outcome)],
    )
    lines += _block(
        f"Compared with {text.count(found.beside['deaths'].size)} crises that began alike, decided by the model",
        _beside(found, outcome),
    )
    lines += _block(
        "Your choices, and those of the model in your place",
        _choices(game, found),
    )
    lines += _block("Which choices mattered", _mattered(game, found))
    if game.spec.cards:
        lines += _block(
            "Cards that were played",
            [
                f"{text.moment(one.at)}: {text.clean(one.title) or one.kind}"
                for one in game.spec.cards
            ],
        )
    return "\n".join(lines)


def _beside(found: Debrief, outcome: Any) -> Iterator[str]:
    beside = found.beside
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


def _choices(game: Game, found: Debrief) -> Iterator[str]:
    for one in found.turn.made:
        same = "the model too" if one.choice == one.advised else f"the model: {one.advised}"
        odds = f"it chooses yours in {text.percent(one.odds.get(one.choice, 0.0))}%"
        yield f"{_when(game, one.hours)}, {title_of(game.scenario, one.state)}: {one.choice} ({same}; {odds})"
    if not found.turn.made:
        yield "None: there was no decision."


def _mattered(game: Game, found: Debrief, most: int = 3) -> Iterator[str]:
    if not found.mattered:
        yield "None differed from the model's, so there is nothing to compare."
    for one in found.mattered[:most]:
        point = one.point
        yield (
            f"{_when(game, point.hours)}: {point.choice} in place of {point.advised} changes the chance "
            f"of a ceasefire by {_apart(one.ceasefire)} points, and of war by {_apart(one.war)}"
        )
    if found.mattered:
        yield "(paired futures of each choice, on fresh luck, with the model deciding afterwards; 95% intervals)"


def _apart(one: Any) -> str:
    low, high = text.points(float(one.lower), 0), text.points(float(one.upper), 0)
    return f"{text.points(float(one.estimate), 0)} ({low} to {high})"
