"""Checks of a scenario beyond the type and range of each value: limits on size, and rules between fields.

The checks read the values of the file, even if the schema refuses some of them, so that all mistakes are reported at once.
They skip values that the schema refuses, which are reported already.
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
from crisis_sim.scenario.yaml_text import (
    AGENT_WORDS,
    Node,
    Place,
    is_agent_name,
    is_distribution,
    suggest_agent_name,
    without_joiners,
)
from crisis_sim.text import clean

# Limits on size, larger than any scenario needs, for memory: a block contains up to 16,384 crises
# (`crisis_sim.batch.block.BLOCK_SIZE`), each with all of these. docs/limits.md lists the limits.
MAX_AGENTS = 200
#: Reviews of all lenders.
MAX_REVIEWS = 200
#: Scheduled events.
MAX_EVENTS = 1_000
#: Distributions.
MAX_UNCERTAIN = 1_000
#: Characters of a title, a name, a source or an event of the record; charts and tables show them.
MAX_TEXT = 300
MAX_DESCRIPTION = 20_000
#: Horizon in days above which dates overflow; the schema allows far fewer.
MOST_DAYS = 100_000

#: Columns of outcomes.parquet in every scenario, in their order, and those of paths.parquet.
FIRST_COLUMNS = (
    *("scenario", "replicate", "ending", "ended_at_hours", "first_strike_at_hours", "mediated"),
    *("mediation_started_at_hours", "mediation_style", "channel_opened_at_hours"),
    *("ceasefire_agreed_at_hours", "ceasefire_in_effect_at_hours", "brokered_by"),
    *("first_fire_at_hours", "fire_paused_at_hours", "strikes_paused_at_hours", "over_at_hours"),
    *("first_violation_at_hours", "relapsed_at_hours", "war_at_hours", "nuclear_use_at_hours"),
    *("worst_violence", "peak_rung", "nuclear_pair", "deaths", "acts", "operations"),
)
FIRST_PATH_COLUMNS = ("scenario", "replicate", "day")
#: All columns of results in every scenario, including those of agents' series.
COLUMNS = (
    *(*FIRST_COLUMNS, "trigger_at_hours", "followed_until_hours"),
    *(*FIRST_PATH_COLUMNS, "hours", "danger"),
)
#: Columns of results for each agent, without its name, by section of the scenario.
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
#: All rules between values. docs/reference/scenario_files.md lists their docstrings.
CHECKS: list[Rule] = []


def check(top: Node) -> list[Mistake]:
    """Return at most `MAX_MISTAKES` mistakes of a scenario, whose named ladder was replaced by its rungs.

    If the scenario is too large, only that is reported: other checks take time quadratic in its size.
    """
    found = list(_sizes(top)) or (mistake for rule in CHECKS for mistake in rule(top))
    return list(islice(found, MAX_MISTAKES))


def _sizes(top: Node) -> Iterator[Mistake]:
    """Check the numbers of agents, events, reviews and distributions."""
    sections = [node for name in AGENT_COLUMNS if (node := top.get(name))]
    largest = max(sections, key=lambda node: len(node.entries()), default=None)
    reviews = len(top.all("lenders.*.reviews.#"))
    uncertain = sum(map(is_distribution, top.walk()))
    for node, count, noun, most in (
        (largest, len(_agents(top)), "agents", MAX_AGENTS),
        (top.get("events"), len(top.items("events")), "events", MAX_EVENTS),
        (top.get("lenders"), reviews, "reviews of all lenders together", MAX_REVIEWS),
        (top, uncertain, "distributions", MAX_UNCERTAIN),
    ):
        if node and count > most:
            yield node.label.mistake(f"{count:,} {noun}", f"at most {most:,}")


def _rule(rule: Rule) -> Rule:
    CHECKS.append(rule)
    return rule


@_rule
def names_are_plain_and_unique(top: Node) -> Iterator[Mistake]:
    """Names are short, lower-case words, because they become columns, paths of parameters and keys of random streams.

    No two agents share a name, or a column of the results.
    """
    owners, seen = dict.fromkeys(COLUMNS, ""), dict[str, str]()
    for section, name, agent in _agents(top):
        if not is_agent_name(name):
            message = f"'{name}' is not a valid name"
            yield agent.label.mistake(message, AGENT_WORDS, suggest_agent_name(name))
        if without_joiners(name) in seen:
            message = f"'{name}' is already one of the {seen[without_joiners(name)]}"
            yield agent.label.mistake(message, "another name")
            continue
        seen[without_joiners(name)] = section
        columns = [f"{name}_{suffix}" for suffix in AGENT_COLUMNS[section]]
        if column := next((column for column in columns if column in owners), ""):
            owner = f" for '{owners[column]}'" if owners[column] else ""
            message = f"'{name}' would have a column {column}, which results already have{owner}"
            yield agent.label.mistake(message, "another name")
        owners |= dict.fromkeys(columns, name)


@_rule
def titles_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents of the same kind have the same title, so that tables and charts distinguish them."""
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
    """A borrower, an advised or struck state, and the states of trust, leverage, interest and record are the scenario's."""
    states = top.entries("states")
    per_state = ("mediators.*.trust", "mediators.*.leverage", "mediators.*.interest")
    for path in (*per_state, "real_path.rungs", "real_path.markets"):
        for node in top.all(path):
            for state, entry in node.entries().items():
                if state not in states:
                    message = f"unknown state '{state}'"
                    yield entry.label.mistake(message, one_of(states), nearest(state, states))
    for path in ("lenders.*.borrower", "advisers.*.state", "events.#.struck"):
        yield from _unknown(top.all(path), states, "state")


@_rule
def openers_are_known(top: Node) -> Iterator[Mistake]:
    """A channel is opened by states and mediators, each named once."""
    known = [*top.entries("states"), *top.entries("mediators")]
    for openers in top.all("channels.*.opened_by"):
        yield from _unknown(openers.items(), known, "state or mediator")
        seen: list[Any] = []
        for opener in openers.items():
            if opener.content in seen:
                yield opener.place.mistake(f"{opener.content!r} a second time", "each name once")
            seen.append(opener.content)


@_rule
def rungs_have_names(top: Node) -> Iterator[Mistake]:
    """Each rung of the ladder has a name, different from the others."""
    names: set[str] = set()
    for name in top.all("ladder.#.name"):
        if not isinstance(name.content, str):
            continue
        shown = clean(without_joiners(name.content))
        if not shown:
            yield name.place.mistake("a rung without a name", "a name, such as limited strike")
        elif shown in names:
            yield name.place.mistake(f"a second rung called '{name.content}'", "another name")
        names.add(shown)


@_rule
def ladder_rises(top: Node) -> Iterator[Mistake]:
    """The intensity of each rung, even if uncertain, is above that of the rung before it."""
    previous = -math.inf
    for intensity in top.all("ladder.#.intensity"):
        low, high = _bounds(intensity) or (math.inf, previous)
        if low <= previous:
            expected = f"an intensity that is always above {previous:g}"
            yield intensity.place.mistake("not above the rung before it", expected)
        previous = high


@_rule
def violence_rises(top: Node) -> Iterator[Mistake]:
    """The lowest rung is peaceful, and each rung is at least as violent as the rung below it.

    All rungs above a strike are strikes, and all rungs above a nuclear rung are nuclear.
    """
    rungs = _rungs(top)
    for key, order, adjective in (
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
                message = f"the lowest rung cannot be {adjective}"
                yield rung.place(key).mistake(message, "a peaceful rung below it")
            elif order.index(value) < order.index(before):
                old, new = str(before).lower(), str(value).lower()
                expected = f"{key}: {old}, or this rung further down"
                yield rung.place(key).mistake(f"`{key}` falls from {old} to {new}", expected)
            before = value


@_rule
def strikes_are_violent(top: Node) -> Iterator[Mistake]:
    """A strike is violent, and nuclear use is a strike and full-scale war."""
    for rung in _rungs(top)[1:]:  # the lowest rung must be peaceful
        if rung.nuclear:
            key, allowed = "nuclear", VIOLENCE[-1:]
            message = "nuclear use that is not full-scale war"
            if rung.strike is False:
                place = rung.place("strike", "nuclear")
                yield place.mistake("nuclear use that is not a strike", "strike: true")
        elif rung.strike:
            key, allowed, message = "strike", VIOLENCE[1:], "a strike without violence"
        else:
            continue
        if rung.violence not in (None, *allowed):
            yield rung.place("violence", key).mistake(message, f"violence: {one_of(allowed)}")


@_rule
def rungs_are_known(top: Node) -> Iterator[Mistake]:
    """The rungs of states at the start, of events and of the record are rungs of the ladder."""
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
    """Only a state that certainly has nuclear weapons is on a nuclear rung at the start or through an event.

    In the record, only a state that may have nuclear weapons is on a nuclear rung.
    """
    rungs, states = _rungs(top), top.entries("states")
    nuclear = {rung.name for rung in rungs if rung.nuclear}
    chances = {name: _bounds(state.get("nuclear")) or (0.0, 0.0) for name, state in states.items()}
    starts = [(state.get("rung_at_start"), name) for name, state in states.items()]
    used = [(rung, name) for rung, name in starts if rung and rung.text in nuclear]
    for event in top.items("events"):
        rung, struck = event.get("rival_rung"), event.get("struck")
        highest = _highest_rung(rung)
        if not (rung and struck and struck.text in states) or highest is None:
            continue
        if highest < len(rungs) and rungs[highest].nuclear:
            used += [(rung, name) for name in states if name != struck.text]
    wrong = [(node, name, "may have no") for node, name in used if chances[name][0] < 1.0]
    for name, _, rung in _real_rungs(top):
        if rung.text in nuclear and chances.get(name, (1.0, 1.0))[1] <= 0.0:
            wrong.append((rung, name, "has no"))
    for node, name, verb in wrong:
        message = f"a nuclear rung, but '{name}' {verb} nuclear weapons"
        yield node.place.mistake(message, f"another rung, or states.{name}.nuclear: true")


@_rule
def dates_fit(top: Node) -> Iterator[Mistake]:
    """The start has an offset from UTC; events and reviews are between the start and the horizon."""
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
    for date in (*top.all("events.#.at"), *top.all("lenders.*.reviews.#.at")):
        moment = _moment(date, start)
        if moment and not start <= moment <= end:
            side = "before the start" if moment < start else "after the horizon"
            expected = " to ".join(limit.isoformat(timespec="minutes") for limit in (start, end))
            yield date.place.mistake(f"'{date.content}' is {side}", f"a date from {expected}")


#: Milestones of the real path, in order.
MILESTONES = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect")


@_rule
def record_is_in_order(top: Node) -> Iterator[Mistake]:
    """Events of the record, and the rungs and closes of each state, are in order of time.

    So are the milestones: the trigger, the real first strike, agreement and ceasefire.
    """
    start = _start(top)
    for series in (*top.all("real_path.rungs.*"), *top.all("real_path.markets.*.closes")):
        dated = [(step.items()[0], "the date before it") for step in series.items() if step.items()]
        yield from _in_order(dated, start, may_repeat=False)
    events = top.all("real_path.events.#.at")
    yield from _in_order([(date, "the event above it") for date in events], start)
    triggers = [
        (moment, date)
        for event in top.items("events")
        if (kind := event.get("kind")) and kind.text == "trigger"
        if (moment := _moment(date := event.get("at"), start))
    ]
    first = (top.get("start"), "the start")
    if triggers:
        first = (min(triggers, key=lambda trigger: trigger[0])[1], "the trigger")
    milestones = [(top.get("real_path", key), f"`{key}`") for key in MILESTONES]
    yield from _in_order([first, *milestones], start)


@_rule
def real_strikes_follow_the_first(top: Node) -> Iterator[Mistake]:
    """In the record, no state is on a strike's rung before the real first strike."""
    start = _start(top)
    first = _moment(top.get("real_path", "first_strike"), start)
    strikes = {rung.name for rung in _rungs(top) if rung.strike}
    for _, date, rung in _real_rungs(top):
        moment = _moment(date, start)
        if first and moment and moment < first and rung.text in strikes:
            message = f"'{date.content}' is before `first_strike`, but '{rung.content}' is a strike"
            yield date.place.mistake(message, f"{first.isoformat(timespec='minutes')} or later")


@_rule
def texts_are_short_enough(top: Node) -> Iterator[Mistake]:
    """Texts are short enough for charts and tables, which shorten them further where necessary."""
    for node in top.walk():
        most = MAX_DESCRIPTION if node is top.get("description") else MAX_TEXT
        if (length := len(node.text)) > most:
            yield node.place.mistake(f"a text of {length:,} characters", f"at most {most:,} here")


@_rule
def tables_fit(top: Node) -> Iterator[Mistake]:
    """Choices drawn together, and their labels, have the same length and weights, and a name that no other column has."""
    used = {*COLUMNS}
    for section, name, _ in _agents(top):
        used |= {f"{name}_{suffix}" for suffix in AGENT_COLUMNS[section]}
    tables = dict[str, Distribution | None]()
    yield from _choices_fit(top, used, tables)
    yield from _labels_fit(top, used, tables)


def _choices_fit(
    top: Node, used: Container[str], tables: dict[str, Distribution | None]
) -> Iterator[Mistake]:
    """Check choices; add the first choice of each name to `tables`, or None if the schema refuses it."""
    for node in top.walk():
        entry = node.get("choice", "together") if is_distribution(node) else None
        if entry is None or not (name := entry.text):
            continue
        number = cast("Distribution | None", _value(node, read_number))
        table = tables.setdefault(name, number) or number
        if number is None or table is None:
            continue
        if name in used or not is_agent_name(name):
            yield entry.place.mistake(_INVALID.format(name), _VALID)
        elif len(number.values) != len(table.values):
            message = f"{len(number.values)} values to be drawn together as '{name}'"
            expected = f"{len(table.values)}, as in the first choice of that name"
            yield node.place.mistake(message, expected)
        elif number.weights != table.weights:
            message = f"weights differ from those of the first choice named '{name}'"
            yield node.place.mistake(message, "the same weights in both")


def _labels_fit(
    top: Node, used: Container[str], tables: Mapping[str, Distribution | None]
) -> Iterator[Mistake]:
    for name, node in top.entries("labels").items():
        label = _value(node, Label.model_validate)
        if label is None:
            continue
        table, weights = tables.get(label.together), label.weights
        if name in used or not is_agent_name(name):
            yield node.label.mistake(_INVALID.format(name), _VALID)
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
            message = f"weights differ from those of the choices named '{label.together}'"
            yield node.place.mistake(message, "the same weights")


_INVALID = "'{}' cannot be the name of a column of the results"
_VALID = f"{AGENT_WORDS}, and not the name of another column"


def _are_shares(weights: Sequence[float], shares: Sequence[float]) -> bool:
    """Return True if the weights are proportional to the shares, apart from rounding."""
    total = sum(weights)
    return len(weights) == len(shares) and all(
        math.isclose(weight, share * total, rel_tol=1e-9)
        for weight, share in zip(weights, shares, strict=True)
    )


def _agents(top: Node) -> list[tuple[str, str, Node]]:
    """Return section, name and node of each agent."""
    return [(section, *item) for section in AGENT_COLUMNS for item in top.entries(section).items()]


def _unknown(nodes: Iterable[Node], known: Iterable[str], noun: str) -> Iterator[Mistake]:
    """Report texts that are not known names."""
    known = list(known)
    for node in nodes:
        if isinstance(node.content, str) and node.content not in known:
            near = nearest(node.content, known)
            yield node.place.mistake(f"unknown {noun} '{node.content}'", one_of(known), near)


def _in_order(
    dated: Iterable[tuple[Node | None, str]], start: datetime, *, may_repeat: bool = True
) -> Iterator[Mistake]:
    """Report dates that are not in order; each date comes with its name in messages about the next date."""
    last, last_name = None, ""
    for date, name in dated:
        moment = _moment(date, start)
        if date is None or moment is None:
            continue
        if last is not None and (moment < last or (moment == last and not may_repeat)):
            message = f"'{date.content}' is {'before' if may_repeat else 'not after'} {last_name}"
            yield date.place.mistake(message, "dates in rising order")
        last, last_name = moment, name


class _Rung(NamedTuple):
    """A rung of the ladder, with None for values that the schema refuses."""

    node: Node
    name: str
    violence: str | None
    strike: bool | None
    nuclear: bool | None

    def place(self, *keys: str) -> Place:
        """Return the place of the first of these keys that the rung has, or of the rung."""
        return next(filter(None, map(self.node.get, keys)), self.node).place


def _rungs(top: Node) -> list[_Rung]:
    def flag(rung: Node, key: str) -> bool | None:
        return _value(rung.get(key), _TRUTH.validate_python) if rung.get(key) else False

    rungs = []
    for rung in top.items("ladder")[:MAX_RUNGS]:  # the schema reports a longer ladder
        name, violence = rung.get("name"), rung.get("violence")
        title = str(name.content) if name else ""
        level = violence.content if violence else VIOLENCE[0]
        level = level if level in VIOLENCE else None
        rungs.append(_Rung(rung, title, level, flag(rung, "strike"), flag(rung, "nuclear")))
    return rungs


_TRUTH = TypeAdapter(bool)


def _real_rungs(top: Node) -> Iterator[tuple[str, Node, Node]]:
    """Yield the rungs of the record: state, date and name of the rung."""
    for state, path in top.entries("real_path", "rungs").items():
        for step in path.items():
            if len(step.items()) == 2:
                date, rung = step.items()
                yield state, date, rung


Value = TypeVar("Value")


def _value(node: Node | None, read: Callable[[Any], Value]) -> Value | None:
    """Read a node's value; None if there is none, or if it is invalid, which the schema reports."""
    with suppress(PydanticCustomError, ValidationError):
        return read(node.plain()) if node else None
    return None


def _highest_rung(node: Node | None) -> int | None:
    """Return the highest rung of an event's `rival_rung`; None if the schema refuses it."""
    limits = cast(Within, range_of(EventSpec, "rival_rung"))
    number = _value(node, limits.read)
    most = max(number.values) if isinstance(number, Distribution) else number
    return None if most is None else int(most)


def _bounds(node: Node | None) -> tuple[float, float] | None:
    """Return the lowest and highest value of a number or chance, cut to 0 and 1 if uncertain; None if invalid."""
    number = _value(
        node, lambda value: read_number(int(value) if value in (True, False) else value)
    )
    if isinstance(number, Distribution):
        low, high = number.support
        return max(low, 0.0), min(high, 1.0)
    return None if number is None else (number, number)


def _start(top: Node) -> datetime:
    """Return the scenario's start, or the earliest date if it is invalid, which other checks report."""
    start = _value(top.get("start"), read_moment)
    return start if start and start.tzinfo else datetime.min.replace(tzinfo=UTC)


def _moment(node: Node | None, start: datetime) -> datetime | None:
    """Return a node's date, with the offset of the start if it has none; None if invalid."""
    moment = _value(node, read_moment)
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=start.tzinfo)
