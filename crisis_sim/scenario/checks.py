"""Rules that a scenario must keep beyond the type and range of each value: sizes, and rules between fields.

The checks look at values as they were written, whether or not the schema accepts them, so that a person learns of all
mistakes at once. A value of the wrong type is passed over: the schema reports it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, nearest, one_of
from crisis_sim.scenario.numbers import Distribution, range_of, read_moment, read_number
from crisis_sim.scenario.schema import LADDERS, MAX_RUNGS, VIOLENCE, EventSpec, Scenario
from crisis_sim.scenario.source import (
    AGENT_WORDS,
    Node,
    is_agent_name,
    is_distribution,
    looks,
    near_agent_name,
)
from crisis_sim.text import clean

# Limits on size: beyond what anyone means, and within what a machine can hold. A block of a batch holds up to 16,384
# crises (`crisis_sim.batch.plan.BLOCK_SIZE`), and what is counted here of one crisis is there for each of them.
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


def check(top: Node) -> list[Mistake]:
    """The mistakes that these checks find in a scenario's values, `MAX_MISTAKES` at most.

    A scenario that is too big is checked no further: other checks compare everything with everything.
    """
    found = list(sizes(top)) or (mistake for rule in CHECKS for mistake in rule(top))
    return list(islice(found, MAX_MISTAKES))


def sizes(top: Node) -> Iterator[Mistake]:
    """As many agents, events, reviews and distributions as a person can mean, and a block of crises can hold."""
    sections = [node for name in AGENT_COLUMNS if (node := top.get(name))]
    for count, most, noun, node in (
        (
            len(_agents(top)),
            MAX_AGENTS,
            "agents",
            max(sections, key=lambda node: len(node.entries()), default=None),
        ),
        (len(top.items("events")), MAX_EVENTS, "events", top.get("events")),
        (
            len(top.all("lenders.*.reviews.#")),
            MAX_REVIEWS,
            "reviews of all lenders together",
            top.get("lenders"),
        ),
        (sum(map(is_distribution, top.walk())), MAX_UNCERTAIN, "distributions", top),
    ):
        if node and count > most:
            yield node.label.mistake(f"{count:,} {noun}", f"at most {most:,}")


def texts_are_short_enough(top: Node) -> Iterator[Mistake]:
    """Titles and names fit a chart or a table when they are cut, and are laid out at once."""
    description = top.get("description")
    for node in top.walk():
        most = MAX_DESCRIPTION if node is description else MAX_TEXT
        if len(node.text) > most:
            yield node.place.mistake(
                f"a text of {len(node.text):,} letters", f"at most {most:,} here"
            )


def rows_fit(top: Node) -> Iterator[Mistake]:
    """Choices drawn together are columns of one table: of one length, with one set of weights, under a name that is free."""
    first: dict[str, Distribution] = {}
    agents = {f"{name}_{end}" for of, name, _ in _agents(top) for end in AGENT_COLUMNS[of]}
    for node in top.walk():
        entry = node.get("choice", "together") if is_distribution(node) else None
        if entry is None:
            continue
        try:
            number = read_number(node.plain())
        except PydanticCustomError:  # the schema reports it
            continue
        name = entry.text
        if not isinstance(number, Distribution) or not name:
            continue
        table = first.setdefault(name, number)
        if not is_agent_name(name) or name in {*COLUMNS, *agents}:
            message = f"'{name}' cannot be the name of a column of the results"
            yield entry.place.mistake(message, f"{AGENT_WORDS}, and no other column's name")
        elif len(number.values) != len(table.values):
            message = f"{len(number.values)} values to be drawn together as '{name}'"
            expected = f"{len(table.values)}, as in the first choice of that name"
            yield node.place.mistake(message, expected)
        elif number.weights != table.weights:
            message = f"other weights than the first choice that is drawn together as '{name}'"
            yield node.place.mistake(message, "the same weights in each of them")


def labels_fit(top: Node) -> Iterator[Mistake]:
    """Labels are columns of a table that choices are drawn from, under names that are free."""
    agents = {f"{name}_{end}" for of, name, _ in _agents(top) for end in AGENT_COLUMNS[of]}
    rows = {
        entry.text: node.plain()["choice"]
        for node in top.walk()
        if is_distribution(node) and (entry := node.get("choice", "together"))
    }
    for name, node in top.entries("labels").items():
        written = node.plain()
        if not isinstance(written, dict):
            continue
        values, weights = written.get("values"), written.get("weights")
        if not (isinstance(values, list) and isinstance(weights, list)):
            continue
        table = rows.get(str(written.get("together")))
        if not is_agent_name(name) or name in {*COLUMNS, *agents}:
            message = f"'{name}' cannot be the name of a column of the results"
            yield node.label.mistake(message, f"{AGENT_WORDS}, and no other column's name")
        elif len(values) != len(weights):
            message = f"{len(values)} texts with {len(weights)} weights"
            yield node.place.mistake(message, "a weight for each text")
        elif any(isinstance(one, (int, float)) and one < 0 for one in weights):
            yield node.place.mistake("a weight below 0", "0 or more")
        elif table is None:
            message = f"no choice is drawn together as '{written.get('together')}'"
            yield node.place.mistake(message, one_of(rows) if rows else "a choice with `together`")
        elif isinstance(table, dict) and not _alike(table.get("weights"), weights):
            message = "other weights than the choices that these texts go with"
            yield node.place.mistake(message, "the same weights")


def _alike(weights: Any, others: list[Any]) -> bool:
    """Whether two lists of weights give the same shares; what is no such list, the schema reports."""
    if not isinstance(weights, list) or len(weights) != len(others):
        return weights is None
    try:
        total, whole = math.fsum(weights), math.fsum(others)
        pairs = zip(weights, others, strict=True)
        return all(math.isclose(a * whole, b * total, rel_tol=1e-9) for a, b in pairs)
    except TypeError:
        return True


def names_are_plain(top: Node) -> Iterator[Mistake]:
    """Names are short, lower-case words: they become columns, paths of parameters, keys of luck."""
    for _, name, agent in _agents(top):
        if not is_agent_name(name):
            yield agent.label.mistake(
                f"'{name}' cannot be a name here", AGENT_WORDS, near_agent_name(name)
            )


def names_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents share a name, or a column of the results."""
    owners: dict[str, str] = dict.fromkeys(COLUMNS, "")
    seen: dict[str, str] = {}
    for section, name, agent in _agents(top):
        if looks(name) in seen:
            yield agent.label.mistake(
                f"'{name}' is already one of the {seen[looks(name)]}", "a name of its own"
            )
            continue
        seen[looks(name)] = section
        for column in (f"{name}_{ending}" for ending in AGENT_COLUMNS[section]):
            if column in owners:
                owner = f" of '{owners[column]}'" if owners[column] else ""
                yield agent.label.mistake(
                    f"the name '{name}' makes a column {column}, which is one{owner} already",
                    "another name",
                )
                break
            owners[column] = name


def states_are_known(top: Node) -> Iterator[Mistake]:
    """Who is trusted, borrows, is advised, is struck: always one of the two states."""
    states = top.entries("states")
    named = [
        *("mediators.*.trust", "mediators.*.leverage", "mediators.*.interest"),
        *("real_path.rungs", "real_path.markets"),
    ]
    for per_state in [node for path in named for node in top.all(path)]:
        for state, entry in per_state.entries().items():
            if state not in states:
                yield entry.label.mistake(
                    f"unknown state '{state}'", one_of(states), nearest(state, states)
                )
    for path in ("lenders.*.borrower", "advisers.*.state", "events.#.struck"):
        yield from _unknown(top.all(path), states, "state")


def openers_are_known(top: Node) -> Iterator[Mistake]:
    """A channel is opened by states and mediators, each named once."""
    known = [*top.entries("states"), *top.entries("mediators")]
    for openers in (channel.items() for channel in top.all("channels.*.opened_by")):
        yield from _unknown(openers, known, "state or mediator")
        for index, opener in enumerate(openers):
            if opener.content in [earlier.content for earlier in openers[:index]]:
                yield opener.place.mistake(f"{opener.content!r} a second time", "each name once")


def titles_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents of one kind have one title, by which tables and charts could not tell them apart."""
    seen: set[tuple[str, str]] = set()
    for section, name, agent in _agents(top):
        title = agent.get("title")
        shown = clean(looks(title.text if title else "")) or name
        if (section, shown) in seen:
            where = title.place if title else agent.label
            yield where.mistake(f"a second agent called '{shown}'", "another title")
        seen.add((section, shown))


def rungs_have_names(top: Node) -> Iterator[Mistake]:
    """Each rung of the ladder has a name of its own."""
    names: set[str] = set()
    for name in top.all("ladder.#.name"):
        if not isinstance(name.content, str):
            continue
        shown = clean(looks(name.content))
        if not shown:
            yield name.place.mistake("a rung without a name", "what a state does on it")
        elif shown in names:
            yield name.place.mistake(f"a second rung called '{name.content}'", "another name")
        names.add(shown)


def ladder_rises(top: Node) -> Iterator[Mistake]:
    """The intensity of each rung is always above that of the rung before it."""
    above = None
    for intensity in top.all("ladder.#.intensity"):
        bounds = _bounds(intensity)
        if bounds is None:
            continue
        if above is not None and bounds[0] <= above:
            yield intensity.place.mistake(
                "not above the rung before it", f"an intensity that is always above {above:g}"
            )
        above = bounds[1]


def violence_rises(top: Node) -> Iterator[Mistake]:
    """The lowest rung is one of peace, and violence never falls from a rung to the one above it.

    What stands above a strike is a strike, and what stands above a nuclear rung is nuclear.
    """
    rising: tuple[tuple[str, tuple[Any, ...], str], ...] = (
        ("violence", VIOLENCE, "violent"),
        ("strike", (False, True), "a strike"),
        ("nuclear", (False, True), "nuclear"),
    )
    for key, order, words in rising:
        before: Any = order[0]
        for index, rung in enumerate(top.items("ladder")):
            entry = rung.get(key)
            value: Any = order[0]
            if entry is not None:
                value = _truth(entry) if order == (False, True) else entry.content
            if not isinstance(value, type(before)) or value not in order:
                continue
            where = entry.place if entry else rung.label
            if index == 0 and value != order[0]:
                yield where.mistake(
                    f"the lowest rung cannot be {words}", "a rung of peace below it"
                )
            elif order.index(value) < order.index(before):
                falls, to = str(before).lower(), str(value).lower()
                yield where.mistake(
                    f"`{key}` falls from {falls} to {to}",
                    f"{key}: {falls}, or this rung further down",
                )
            before = value


def strikes_are_violent(top: Node) -> Iterator[Mistake]:
    """A strike is violent, and nuclear use is a strike and full-scale war."""
    for rung in top.items("ladder")[1:]:  # the lowest must be one of peace
        violence, strike, nuclear = map(rung.get, ("violence", "strike", "nuclear"))
        if nuclear and _truth(nuclear):
            cause, least, message = nuclear, VIOLENCE[-1:], "nuclear use that is no full-scale war"
            if not strike or _truth(strike) is False:
                yield (strike or nuclear).place.mistake(
                    "nuclear use that is no strike", "strike: true"
                )
        elif strike and _truth(strike):
            cause, least, message = strike, VIOLENCE[1:], "a strike without violence"
        else:
            continue
        if not violence or (violence.content in VIOLENCE and violence.content not in least):
            yield (violence or cause).place.mistake(message, f"violence: {one_of(least)}")


def rungs_are_known(top: Node) -> Iterator[Mistake]:
    """Where a state starts, how far an event takes one, where states really went: a rung of the ladder."""
    rungs = [name for name, _ in _rungs(top)]
    starts = [start for start in top.all("states.*.rung_at_start") if start.content != ""]
    yield from _unknown(
        [*starts, *(step for _, _, step in _real_rungs(top))], filter(None, rungs), "rung"
    )
    for rung in top.all("events.#.rival_rung"):
        highest = _highest_rung(rung)
        if rungs and highest is not None and highest >= len(rungs):
            yield rung.place.mistake(
                f"no rung {highest} on this ladder",
                f"a rung from 0 ('{rungs[0]}') to {len(rungs) - 1} ('{rungs[-1]}')",
            )


def nuclear_rungs_need_weapons(top: Node) -> Iterator[Mistake]:
    """Only a state that surely has nuclear weapons starts on a nuclear rung, or is taken to one by an event.

    Only one that may have them really came to one.
    """
    rungs = _rungs(top)
    nuclear = {name for name, is_nuclear in rungs if is_nuclear}
    states = top.entries("states")
    has = {name: _bounds(state.get("nuclear")) or (0.0, 0.0) for name, state in states.items()}
    found: list[tuple[Node, str, str]] = []
    for name, state in states.items():
        start = state.get("rung_at_start")
        if start and start.text in nuclear and has[name][0] < 1.0:
            found.append((start, name, "does not surely have"))
    for event in top.items("events"):
        rung, struck = event.get("rival_rung"), event.get("struck")
        highest = _highest_rung(rung)
        if not (rung and struck) or highest is None or highest >= len(rungs):
            continue
        if rungs[highest][1] and struck.text in states:
            found += [
                (rung, name, "does not surely have")
                for name in states
                if name != struck.text and has[name][0] < 1.0
            ]
    for name, _, step in _real_rungs(top):
        if step.text in nuclear and has.get(name, (1.0, 1.0))[1] <= 0.0:
            found.append((step, name, "has no"))
    for node, name, how in found:
        yield node.place.mistake(
            f"a nuclear rung, and '{name}' {how} nuclear weapons",
            f"another rung, or states.{name}.nuclear: true",
        )


def dates_fit(top: Node) -> Iterator[Mistake]:
    """The start has an offset from UTC; events and reviews lie between it and the horizon."""
    node = top.get("start")
    start = _moment(node)
    if node is None or start is None:
        return
    if start.tzinfo is None:
        yield node.place.mistake(
            f"'{node.content}' has no offset from UTC", f"such as {start.isoformat()}+05:30"
        )
        return
    horizon = _plain_number(top, "horizon_days")
    if horizon is None:
        return
    end = start + timedelta(days=horizon)
    for at in (*top.all("events.#.at"), *top.all("lenders.*.reviews.#.at")):
        moment = _moment(at, start)
        if moment and not start <= moment <= end:
            side = "before the start" if moment < start else "after the horizon"
            yield at.place.mistake(
                f"'{at.content}' is {side}", f"a date from {_minute(start)} to {_minute(end)}"
            )


def record_is_in_order(top: Node) -> Iterator[Mistake]:
    """Of each state, rungs and closes really came in the order in which they stand, each after the one before it."""
    for series in (*top.all("real_path.rungs.*"), *top.all("real_path.markets.*.closes")):
        dated = [(step.items()[0], "the date before it") for step in series.items() if step.items()]
        yield from _in_order(dated, _start(top), may_repeat=False)


def real_events_are_in_order(top: Node) -> Iterator[Mistake]:
    """No event of the record came before the one above it."""
    dated = [(at, "the event above it") for at in top.all("real_path.events.#.at")]
    yield from _in_order(dated, _start(top))


def real_moments_are_in_order(top: Node) -> Iterator[Mistake]:
    """The trigger, the real first strike, agreement and ceasefire: none of them came before the one named before it."""
    start = _start(top)
    counted_from = (top.get("start"), "the start")
    triggers = [
        (moment, at)
        for event in top.items("events")
        if (kind := event.get("kind")) and kind.text == "trigger"
        if (moment := _moment(at := event.get("at"), start))
    ]
    if triggers:
        counted_from = (min(triggers, key=itemgetter(0))[1], "the trigger")
    milestones = [(top.get("real_path", key), f"`{key}`") for key in MILESTONES]
    yield from _in_order([counted_from, *milestones], start)


def real_strikes_follow_the_first(top: Node) -> Iterator[Mistake]:
    """No state really came to a rung that is a strike before the real first strike."""
    start = _start(top)
    first = _moment(top.get("real_path", "first_strike"), start)
    strikes = {name for name, is_strike in _rungs(top, "strike") if is_strike}
    for _, at, rung in _real_rungs(top):
        moment = _moment(at, start)
        if first and moment and moment < first and rung.text in strikes:
            yield at.place.mistake(
                f"'{at.content}' is before `first_strike`, and '{rung.content}' is a strike",
                f"{_minute(first)} or later",
            )


#: Moments of the real path, in the order in which they come.
MILESTONES = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect")

#: Every rule that no single value can break. docs/reference/scenario_files.md lists their docstrings.
CHECKS: tuple[Callable[[Node], Iterator[Mistake]], ...] = (
    names_are_plain,
    names_are_unique,
    titles_are_unique,
    states_are_known,
    openers_are_known,
    rungs_have_names,
    ladder_rises,
    violence_rises,
    strikes_are_violent,
    rungs_are_known,
    nuclear_rungs_need_weapons,
    dates_fit,
    record_is_in_order,
    real_events_are_in_order,
    real_moments_are_in_order,
    real_strikes_follow_the_first,
    texts_are_short_enough,
    rows_fit,
    labels_fit,
)


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
    """The dates that come before the one above them.

    Args:
        dated: the dates, each with what to call it where the next one comes before it.
        start: in whose offset a date without one is meant.
        may_repeat: whether two may be the same.
    """
    last, called = None, ""
    for at, words in dated:
        moment = _moment(at, start)
        if at is None or moment is None:
            continue
        if last is not None and (moment < last or (moment == last and not may_repeat)):
            side = "before" if may_repeat else "not after"
            yield at.place.mistake(f"'{at.content}' is {side} {called}", "dates in rising order")
        last, called = moment, words


def _rungs(top: Node, flag: Literal["strike", "nuclear"] = "nuclear") -> list[tuple[str, bool]]:
    """The ladder's rungs: of each its name, and whether it is nuclear, or a strike."""
    if "ladder" not in top.entries():
        return [(rung.name, getattr(rung, flag)) for rung in LADDERS["south_asian"]]
    rungs = top.items("ladder")[:MAX_RUNGS]  # the schema reports a longer ladder
    return [
        (str(name.content) if (name := rung.get("name")) else "", bool(_truth(rung.get(flag))))
        for rung in rungs
    ]


def _real_rungs(top: Node) -> Iterator[tuple[str, Node, Node]]:
    """The rungs to which states really came: the state, and where the date and the rung's name are written."""
    for state, path in top.entries("real_path", "rungs").items():
        for step in path.items():
            if len(step.items()) == 2:
                at, rung = step.items()
                yield state, at, rung


_TRUTH = TypeAdapter(bool)


def _truth(node: Node | None) -> bool | None:
    """A truth value as the schema reads it; None where it is neither true nor false."""
    try:
        return _TRUTH.validate_python(node.content) if node else None
    except ValidationError:
        return None


def _plain_number(top: Node, field: str) -> float | None:
    """A plain number of the scenario, its default where it is left out, None where it is amiss."""
    node = top.get(field)
    value = node.content if node else Scenario.model_fields[field].default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value <= MOST_DAYS else None


def _highest_rung(node: Node | None) -> int | None:
    """The highest rung that an event may take a state to; None where the schema does not accept it."""
    limits = range_of(EventSpec, "rival_rung")
    try:
        number = limits.read(node.plain()) if node and limits else None
    except PydanticCustomError:
        return None
    if isinstance(number, Distribution):
        return int(max(number.values))
    return None if number is None else int(number)


def _bounds(node: Node | None) -> tuple[float, float] | None:
    """The lowest and highest value, from 0 to 1, that a number can take; None where it is no number."""
    if node and isinstance(node.content, bool):
        return float(node.content), float(node.content)
    try:
        number = read_number(node.plain()) if node else None
    except PydanticCustomError:
        return None
    if isinstance(number, Distribution):
        low, high = number.support
        return max(low, 0.0), min(high, 1.0)
    return None if number is None else (number, number)


def _start(top: Node) -> datetime:
    """When a scenario starts; the earliest date in UTC where that is amiss, which other checks report."""
    start = _moment(top.get("start"))
    return start if start and start.tzinfo else datetime.min.replace(tzinfo=UTC)


def _moment(node: Node | None, start: datetime | None = None) -> datetime | None:
    """The date that is written, in the offset of the start where it has none of its own."""
    try:
        moment = read_moment(node.content) if node else None
    except PydanticCustomError:
        return None
    if moment is None or start is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=start.tzinfo)


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
