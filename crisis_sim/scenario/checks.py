"""Rules that a scenario must keep beyond the type and range of each value: sizes, and rules between fields.

The checks look at values as they were written, whether or not the schema accepts them, so that a person learns of all
mistakes at once. A value that the schema refuses is passed over: it is reported already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, nearest, one_of
from crisis_sim.scenario.numbers import Distribution, Within, range_of, read_moment, read_number
from crisis_sim.scenario.schema import MAX_RUNGS, VIOLENCE, EventSpec, Label, Scenario
from crisis_sim.scenario.source import (
    AGENT_WORDS,
    Node,
    Place,
    is_agent_name,
    is_distribution,
    suggest_agent_name,
    without_joiners,
)
from crisis_sim.text import clean

# Limits on size: beyond what anyone means, and within what a machine can hold. A block of a batch holds up to 16,384
# crises (`crisis_sim.batch.block.BLOCK_SIZE`), and what is counted here of one crisis is there for each of them.
# docs/limits.md lists them.
MAX_AGENTS = 200
#: Reviews of all lenders together, each with a date and a burden of its own in each crisis.
MAX_REVIEWS = 200
#: Scheduled events.
MAX_EVENTS = 1_000
#: Distributions: each is drawn for each crisis.
MAX_UNCERTAIN = 1_000
#: Letters of a title, a name, a source or an event of the record, which stand in charts and tables.
MAX_TEXT = 300
MAX_DESCRIPTION = 20_000
#: Days beyond which dates overflow; the schema's own bound on the horizon lies far below.
MOST_DAYS = 100_000

#: Columns of outcomes.parquet that every scenario has, in their order, and those of paths.parquet.
FIRST_COLUMNS = (
    *("scenario", "replicate", "ending", "ended_at_hours", "first_strike_at_hours", "mediated"),
    *("mediation_started_at_hours", "mediation_style", "channel_opened_at_hours"),
    *("ceasefire_agreed_at_hours", "ceasefire_in_effect_at_hours", "brokered_by"),
    *("first_fire_at_hours", "fire_paused_at_hours", "strikes_paused_at_hours", "over_at_hours"),
    *("first_violation_at_hours", "relapsed_at_hours", "war_at_hours", "nuclear_use_at_hours"),
    *("worst_violence", "peak_rung", "nuclear_pair", "deaths", "acts", "operations"),
)
FIRST_PATH_COLUMNS = ("scenario", "replicate", "day")
#: All columns of results that every scenario has, of agents' series among them.
COLUMNS = (
    *(*FIRST_COLUMNS, "trigger_at_hours", "followed_until_hours"),
    *(*FIRST_PATH_COLUMNS, "hours", "danger"),
)
#: Columns that results have for each agent, after its name, by the section in which the agent stands.
AGENT_COLUMNS = {
    "states": (
        *("lowest_market", "highest_pressure", "market_rebound", "first_act_at_hours", "market"),
        *("pressure", "rung", "grievance", "demand", "halt_propensity"),
    ),
    "mediators": ("engaged_at_hours", "effort"),
    "lenders": ("decided_at_hours", "decision", "nearness"),
    "channels": ("opened_at_hours", "open"),
    "advisers": ("spoke_at_hours", "voice"),
}

Rule = Callable[[Node], Iterator[Mistake]]
#: Every rule that no single value can break. docs/reference/scenario_files.md lists their docstrings.
CHECKS: list[Rule] = []


def check(top: Node) -> list[Mistake]:
    """The mistakes that these checks find in a scenario's values, `MAX_MISTAKES` at most.

    A scenario that is too big is checked no further: other checks compare everything with everything. The rungs of a ladder
    that is named are written out in `top`.
    """
    found = list(_sizes(top)) or (mistake for rule in CHECKS for mistake in rule(top))
    return list(islice(found, MAX_MISTAKES))


_REVIEWS = "reviews of all lenders together"


def _sizes(top: Node) -> Iterator[Mistake]:
    """As many agents, events, reviews and distributions as a person can mean, and a block of crises can hold."""
    sections = [node for name in AGENT_COLUMNS if (node := top.get(name))]
    largest = max(sections, key=lambda node: len(node.entries()), default=None)
    uncertain = sum(map(is_distribution, top.walk()))
    for node, count, noun, most in (
        (largest, len(_agents(top)), "agents", MAX_AGENTS),
        (top.get("events"), len(top.items("events")), "events", MAX_EVENTS),
        (top.get("lenders"), len(top.all("lenders.*.reviews.#")), _REVIEWS, MAX_REVIEWS),
        (top, uncertain, "distributions", MAX_UNCERTAIN),
    ):
        if node and count > most:
            yield node.label.mistake(f"{count:,} {noun}", f"at most {most:,}")


def _rule(rule: Rule) -> Rule:
    CHECKS.append(rule)
    return rule


@_rule
def names_are_plain_and_unique(top: Node) -> Iterator[Mistake]:
    """Names are short, lower-case words: they become columns, paths of parameters, keys of luck.

    No two agents share a name, or a column of the results.
    """
    owners, seen = dict.fromkeys(COLUMNS, ""), dict[str, str]()
    for section, name, agent in _agents(top):
        if not is_agent_name(name):
            message = f"'{name}' cannot be a name here"
            yield agent.label.mistake(message, AGENT_WORDS, suggest_agent_name(name))
        if without_joiners(name) in seen:
            message = f"'{name}' is already one of the {seen[without_joiners(name)]}"
            yield agent.label.mistake(message, "a name of its own")
            continue
        seen[without_joiners(name)] = section
        columns = [f"{name}_{ending}" for ending in AGENT_COLUMNS[section]]
        if column := next((one for one in columns if one in owners), ""):
            owner = f" of '{owners[column]}'" if owners[column] else ""
            message = f"the name '{name}' makes a column {column}, which is one{owner} already"
            yield agent.label.mistake(message, "another name")
        owners |= dict.fromkeys(columns, name)


@_rule
def titles_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents of one kind have one title, by which tables and charts could not tell them apart."""
    seen: set[tuple[str, str]] = set()
    for section, name, agent in _agents(top):
        title = agent.get("title")
        shown = clean(without_joiners(title.text if title else "")) or name
        if (section, shown) in seen:
            where = title.place if title else agent.label
            yield where.mistake(f"a second agent called '{shown}'", "another title")
        seen.add((section, shown))


@_rule
def states_are_known(top: Node) -> Iterator[Mistake]:
    """Who is trusted, borrows, is advised, is struck: always one of the two states."""
    states = top.entries("states")
    per_state = ("mediators.*.trust", "mediators.*.leverage", "mediators.*.interest")
    for path in (*per_state, "real_path.rungs", "real_path.markets"):
        for state, entry in (pair for node in top.all(path) for pair in node.entries().items()):
            if state not in states:
                message = f"unknown state '{state}'"
                yield entry.label.mistake(message, one_of(states), nearest(state, states))
    for path in ("lenders.*.borrower", "advisers.*.state", "events.#.struck"):
        yield from _unknown(top.all(path), states, "state")


@_rule
def openers_are_known(top: Node) -> Iterator[Mistake]:
    """A channel is opened by states and mediators, each named once."""
    known = [*top.entries("states"), *top.entries("mediators")]
    for openers in (channel.items() for channel in top.all("channels.*.opened_by")):
        yield from _unknown(openers, known, "state or mediator")
        for index, opener in enumerate(openers):
            if opener.content in [earlier.content for earlier in openers[:index]]:
                yield opener.place.mistake(f"{opener.content!r} a second time", "each name once")


@_rule
def rungs_have_names(top: Node) -> Iterator[Mistake]:
    """Each rung of the ladder has a name of its own."""
    names: set[str] = set()
    for name in top.all("ladder.#.name"):
        if not isinstance(name.content, str):
            continue
        shown = clean(without_joiners(name.content))
        if not shown:
            yield name.place.mistake("a rung without a name", "what a state does on it")
        elif shown in names:
            yield name.place.mistake(f"a second rung called '{name.content}'", "another name")
        names.add(shown)


@_rule
def ladder_rises(top: Node) -> Iterator[Mistake]:
    """The intensity of each rung is always above that of the rung before it."""
    above = -math.inf
    for intensity in top.all("ladder.#.intensity"):
        low, high = _bounds(intensity) or (math.inf, above)
        if low <= above:
            expected = f"an intensity that is always above {above:g}"
            yield intensity.place.mistake("not above the rung before it", expected)
        above = high


@_rule
def violence_rises(top: Node) -> Iterator[Mistake]:
    """The lowest rung is one of peace, and violence never falls from a rung to the one above it.

    What stands above a strike is a strike, and what stands above a nuclear rung is nuclear.
    """
    rungs = _rungs(top)
    for key, order, words in (
        ("violence", VIOLENCE, "violent"),
        ("strike", (False, True), "a strike"),
        ("nuclear", (False, True), "nuclear"),
    ):
        before: Any = order[0]
        for index, rung in enumerate(rungs):
            value = getattr(rung, key)
            if value is None:
                continue
            if index == 0 and value != before:
                message = f"the lowest rung cannot be {words}"
                yield rung.place(key).mistake(message, "a rung of peace below it")
            elif order.index(value) < order.index(before):
                falls, to = str(before).lower(), str(value).lower()
                expected = f"{key}: {falls}, or this rung further down"
                yield rung.place(key).mistake(f"`{key}` falls from {falls} to {to}", expected)
            before = value


@_rule
def strikes_are_violent(top: Node) -> Iterator[Mistake]:
    """A strike is violent, and nuclear use is a strike and full-scale war."""
    for rung in _rungs(top)[1:]:  # the lowest must be one of peace
        if rung.nuclear:
            key, least, message = "nuclear", VIOLENCE[-1:], "nuclear use that is no full-scale war"
            if rung.strike is False:
                place = rung.place("strike", "nuclear")
                yield place.mistake("nuclear use that is no strike", "strike: true")
        elif rung.strike:
            key, least, message = "strike", VIOLENCE[1:], "a strike without violence"
        else:
            continue
        if rung.violence not in (None, *least):
            yield rung.place("violence", key).mistake(message, f"violence: {one_of(least)}")


@_rule
def rungs_are_known(top: Node) -> Iterator[Mistake]:
    """Where a state starts, how far an event takes one, where states really went: a rung of the ladder."""
    rungs = [rung.name for rung in _rungs(top)]
    starts = [start for start in top.all("states.*.rung_at_start") if start.content != ""]
    named = [*starts, *(step for _, _, step in _real_rungs(top))]
    yield from _unknown(named, filter(None, rungs), "rung")
    for rung in top.all("events.#.rival_rung"):
        highest = _highest_rung(rung)
        if rungs and highest is not None and highest >= len(rungs):
            expected = f"a rung from 0 ('{rungs[0]}') to {len(rungs) - 1} ('{rungs[-1]}')"
            yield rung.place.mistake(f"no rung {highest} on this ladder", expected)


@_rule
def nuclear_rungs_need_weapons(top: Node) -> Iterator[Mistake]:
    """Only a state that surely has nuclear weapons starts on a nuclear rung, or is taken to one by an event.

    Only one that may have them really came to one.
    """
    rungs, states = _rungs(top), top.entries("states")
    nuclear = {rung.name for rung in rungs if rung.nuclear}
    has = {name: _bounds(state.get("nuclear")) or (0.0, 0.0) for name, state in states.items()}
    steps = [(state.get("rung_at_start"), name) for name, state in states.items()]
    found = [(step, name) for step, name in steps if step and step.text in nuclear]
    for event in top.items("events"):
        rung, struck = event.get("rival_rung"), event.get("struck")
        highest = _highest_rung(rung)
        if not (rung and struck and struck.text in states) or highest is None:
            continue
        if highest < len(rungs) and rungs[highest].nuclear:
            found += [(rung, name) for name in states if name != struck.text]
    told = [(node, name, "does not surely have") for node, name in found if has[name][0] < 1.0]
    for name, _, step in _real_rungs(top):
        if step.text in nuclear and has.get(name, (1.0, 1.0))[1] <= 0.0:
            told.append((step, name, "has no"))
    for node, name, how in told:
        message = f"a nuclear rung, and '{name}' {how} nuclear weapons"
        yield node.place.mistake(message, f"another rung, or states.{name}.nuclear: true")


@_rule
def dates_fit(top: Node) -> Iterator[Mistake]:
    """The start has an offset from UTC; events and reviews lie between it and the horizon."""
    node, days = top.get("start"), top.get("horizon_days")
    start = _value(node, read_moment)
    if node is None or start is None:
        return
    if start.tzinfo is None:
        message = f"'{node.content}' has no offset from UTC"
        yield node.place.mistake(message, f"such as {start.isoformat()}+05:30")
        return
    horizon: Any = days.content if days else Scenario.model_fields["horizon_days"].default
    if type(horizon) not in (int, float) or not 0 < horizon <= MOST_DAYS:
        return
    end = start + timedelta(days=horizon)
    for at in (*top.all("events.#.at"), *top.all("lenders.*.reviews.#.at")):
        moment = _moment(at, start)
        if moment and not start <= moment <= end:
            side = "before the start" if moment < start else "after the horizon"
            expected = " to ".join(one.isoformat(timespec="minutes") for one in (start, end))
            yield at.place.mistake(f"'{at.content}' is {side}", f"a date from {expected}")


#: Moments of the real path, in the order in which they come.
MILESTONES = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect")


@_rule
def record_is_in_order(top: Node) -> Iterator[Mistake]:
    """The record is in order: of each state the rungs and closes, each after the one before it; events; and milestones.

    The milestones are the trigger, the real first strike, agreement and ceasefire.
    """
    start = _start(top)
    for series in (*top.all("real_path.rungs.*"), *top.all("real_path.markets.*.closes")):
        dated = [(step.items()[0], "the date before it") for step in series.items() if step.items()]
        yield from _in_order(dated, start, may_repeat=False)
    events = top.all("real_path.events.#.at")
    yield from _in_order([(at, "the event above it") for at in events], start)
    triggers = [
        (moment, at)
        for event in top.items("events")
        if (kind := event.get("kind")) and kind.text == "trigger"
        if (moment := _moment(at := event.get("at"), start))
    ]
    first = min(triggers, key=lambda one: one[0])[1] if triggers else top.get("start")
    milestones = [(top.get("real_path", key), f"`{key}`") for key in MILESTONES]
    yield from _in_order([(first, f"the {'trigger' if triggers else 'start'}"), *milestones], start)


@_rule
def real_strikes_follow_the_first(top: Node) -> Iterator[Mistake]:
    """No state really came to a rung that is a strike before the real first strike."""
    start = _start(top)
    first = _moment(top.get("real_path", "first_strike"), start)
    strikes = {rung.name for rung in _rungs(top) if rung.strike}
    for _, at, rung in _real_rungs(top):
        moment = _moment(at, start)
        if first and moment and moment < first and rung.text in strikes:
            message = f"'{at.content}' is before `first_strike`, and '{rung.content}' is a strike"
            yield at.place.mistake(message, f"{first.isoformat(timespec='minutes')} or later")


@_rule
def texts_are_short_enough(top: Node) -> Iterator[Mistake]:
    """Titles and names fit a chart or a table when they are cut, and are laid out at once."""
    for node in top.walk():
        most = MAX_DESCRIPTION if node is top.get("description") else MAX_TEXT
        if (length := len(node.text)) > most:
            yield node.place.mistake(f"a text of {length:,} letters", f"at most {most:,} here")


@_rule
def tables_fit(top: Node) -> Iterator[Mistake]:
    """Choices drawn together, and labels, are columns of one table: of one length and weight, under a name that is free."""
    agents = {f"{name}_{end}" for of, name, _ in _agents(top) for end in AGENT_COLUMNS[of]}
    taken, tables = {*COLUMNS, *agents}, dict[str, Distribution | None]()
    yield from _choices_fit(top, taken, tables)
    yield from _labels_fit(top, taken, tables)


def _choices_fit(
    top: Node, taken: Container[str], tables: dict[str, Distribution | None]
) -> Iterator[Mistake]:
    """As `tables_fit`, of choices; `tables` gets the first of each name, None where the schema refuses it."""
    for node in top.walk():
        entry = node.get("choice", "together") if is_distribution(node) else None
        if entry is None or not (name := entry.text):
            continue
        number = cast("Distribution | None", _value(node, read_number))
        table = tables.setdefault(name, number) or number
        if number is None or table is None:
            continue
        if name in taken or not is_agent_name(name):
            yield entry.place.mistake(_TAKEN.format(name), _FREE)
        elif len(number.values) != len(table.values):
            message = f"{len(number.values)} values to be drawn together as '{name}'"
            expected = f"{len(table.values)}, as in the first choice of that name"
            yield node.place.mistake(message, expected)
        elif number.weights != table.weights:
            message = f"other weights than the first choice that is drawn together as '{name}'"
            yield node.place.mistake(message, "the same weights in each of them")


def _labels_fit(
    top: Node, taken: Container[str], tables: Mapping[str, Distribution | None]
) -> Iterator[Mistake]:
    for name, node in top.entries("labels").items():
        label = _value(node, Label.model_validate)
        if label is None:
            continue
        table, weights = tables.get(label.together), label.weights
        if name in taken or not is_agent_name(name):
            yield node.label.mistake(_TAKEN.format(name), _FREE)
        elif len(label.values) != len(weights):
            message = f"{len(label.values)} texts with {len(weights)} weights"
            yield node.place.mistake(message, "a weight for each text")
        elif min(weights) < 0:
            yield node.place.mistake("a weight below 0", "0 or more")
        elif label.together not in tables:
            message = f"no choice is drawn together as '{label.together}'"
            expected = one_of(tables) or "a choice with `together`"
            yield node.place.mistake(message, expected)
        elif table and not _are_shares(weights, table.weights):
            message = "other weights than the choices that these texts go with"
            yield node.place.mistake(message, "the same weights")


_TAKEN = "'{}' cannot be the name of a column of the results"
_FREE = f"{AGENT_WORDS}, and no other column's name"


def _are_shares(weights: Sequence[float], shares: Sequence[float]) -> bool:
    """Whether weights give these shares, but for rounding."""
    total, pairs = sum(weights), zip(weights, shares, strict=False)
    alike = (math.isclose(one, share * total, rel_tol=1e-9) for one, share in pairs)
    return len(weights) == len(shares) and all(alike)


def _agents(top: Node) -> list[tuple[str, str, Node]]:
    """Section, name and values of each agent."""
    return [(section, *item) for section in AGENT_COLUMNS for item in top.entries(section).items()]


def _unknown(nodes: Iterable[Node], known: Iterable[str], noun: str) -> Iterator[Mistake]:
    """The texts that are none of the known names."""
    known = list(known)
    for node in nodes:
        if isinstance(node.content, str) and node.content not in known:
            near = nearest(node.content, known)
            yield node.place.mistake(f"unknown {noun} '{node.content}'", one_of(known), near)


def _in_order(
    dated: Iterable[tuple[Node | None, str]], start: datetime, *, may_repeat: bool = True
) -> Iterator[Mistake]:
    """The dates that come before the one above them; with each, what to call it where the next one comes before it."""
    last, called = None, ""
    for at, words in dated:
        moment = _moment(at, start)
        if at is None or moment is None:
            continue
        if last is not None and (moment < last or (moment == last and not may_repeat)):
            side = "before" if may_repeat else "not after"
            yield at.place.mistake(f"'{at.content}' is {side} {called}", "dates in rising order")
        last, called = moment, words


class _Rung(NamedTuple):
    """A rung of the ladder as the schema reads it: None for what it refuses."""

    node: Node
    name: str
    violence: str | None
    strike: bool | None
    nuclear: bool | None

    def place(self, *keys: str) -> Place:
        """Where the first of some keys that is written has its value; else the rung."""
        written = filter(None, map(self.node.get, keys))
        return next(written, self.node).place


def _rungs(top: Node) -> list[_Rung]:
    def flag(rung: Node, key: str) -> bool | None:
        return _value(rung.get(key), _TRUTH.validate_python) if rung.get(key) else False

    found = []
    for rung in top.items("ladder")[:MAX_RUNGS]:  # the schema reports a longer ladder
        name, violence = rung.get("name"), rung.get("violence")
        kind = violence.content if violence else VIOLENCE[0]
        known = kind if kind in VIOLENCE else None
        called = str(name.content) if name else ""
        found.append(_Rung(rung, called, known, flag(rung, "strike"), flag(rung, "nuclear")))
    return found


_TRUTH = TypeAdapter(bool)


def _real_rungs(top: Node) -> Iterator[tuple[str, Node, Node]]:
    """The rungs to which states really came: the state, and where the date and the rung's name are written."""
    for state, path in top.entries("real_path", "rungs").items():
        for step in path.items():
            if len(step.items()) == 2:
                at, rung = step.items()
                yield state, at, rung


Read = TypeVar("Read")


def _value(node: Node | None, read: Callable[[Any], Read]) -> Read | None:
    """What is written, read; None where nothing is, or nothing that can be read so, which the schema reports."""
    with suppress(PydanticCustomError, ValidationError):
        return read(node.plain()) if node else None
    return None


def _highest_rung(node: Node | None) -> int | None:
    """The highest rung that an event may take a state to; None where the schema does not accept it."""
    limits = cast(Within, range_of(EventSpec, "rival_rung"))
    number = _value(node, limits.read)
    most = max(number.values) if isinstance(number, Distribution) else number
    return None if most is None else int(most)


def _bounds(node: Node | None) -> tuple[float, float] | None:
    """The lowest and highest value, from 0 to 1, that a number or a chance can take; None where it is neither."""
    number = _value(
        node, lambda value: read_number(int(value) if value in (True, False) else value)
    )
    if isinstance(number, Distribution):
        low, high = number.support
        return max(low, 0.0), min(high, 1.0)
    return None if number is None else (number, number)


def _start(top: Node) -> datetime:
    """When a scenario starts; the earliest date in UTC where that is amiss, which other checks report."""
    start = _value(top.get("start"), read_moment)
    return start if start and start.tzinfo else datetime.min.replace(tzinfo=UTC)


def _moment(node: Node | None, start: datetime) -> datetime | None:
    """The date that is written, in the offset of the start where it has none of its own."""
    moment = _value(node, read_moment)
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=start.tzinfo)
