"""Rules that a scenario must keep beyond the type and range of each value: sizes, and rules between fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, nearest, one_of
from crisis_sim.scenario.numbers import Distribution, range_of, read_moment, read_number
from crisis_sim.scenario.schema import MAX_RUNGS, VIOLENCE, EventSpec, Scenario, south_asian_ladder
from crisis_sim.scenario.source import (
    AGENT_WORDS,
    Node,
    is_agent_name,
    is_distribution,
    looks,
    near_agent_name,
)
from crisis_sim.text import clean

# --- How big a scenario may be: beyond what anyone means, and within what a machine can hold
#
# A block of a batch holds up to 16,384 crises (`crisis_sim.batch.plan.BLOCK_SIZE`), and what is said here of one
# crisis is there for each of them. docs/limits.md tells these limits to users.

SECTIONS = ("states", "mediators", "lenders", "channels", "advisers")

MAX_AGENTS = 200
#: Reviews of all lenders together, each with a date and a burden of its own in each crisis.
MAX_REVIEWS = 200
#: Scheduled events.
MAX_EVENTS = 1_000
#: Distributions: each is drawn for each crisis.
MAX_UNCERTAIN = 1_000
MAX_TURNS = 200_000
#: Turns of agents: a replay keeps a number of each.
MAX_AGENT_TURNS = 5_000_000
#: Letters of a title, a name, a source or an event of the record, which stand in charts and tables.
MAX_TEXT = 300
#: Letters of a description.
MAX_DESCRIPTION = 20_000
#: Days beyond which dates overflow; the schema's own bound on the horizon lies far below.
MOST_DAYS = 100_000


def agents_are_few_enough(top: Node) -> Iterator[Mistake]:
    """As many agents as a person can mean."""
    count = _agents(top)
    if count > MAX_AGENTS:
        sections = [node for name in SECTIONS if (node := top.entries().get(name))]
        largest = max(sections, key=lambda section: len(section.entries()))
        yield largest.label.mistake(f"{count:,} agents", f"at most {MAX_AGENTS}")


def lists_are_short_enough(top: Node) -> Iterator[Mistake]:
    """Reviews and events that a block of crises can hold."""
    events = top.entries().get("events")
    if events and len(events.items()) > MAX_EVENTS:
        yield events.label.mistake(f"{len(events.items()):,} events", f"at most {MAX_EVENTS:,}")
    lenders = top.entries().get("lenders")
    found = [lender.entries().get("reviews") for lender in _entries(lenders)]
    count = sum(len(reviews.items()) for reviews in found if reviews)
    if lenders and count > MAX_REVIEWS:
        yield lenders.label.mistake(
            f"{count:,} reviews of all lenders together", f"at most {MAX_REVIEWS}"
        )


def uncertain_numbers_are_few_enough(top: Node) -> Iterator[Mistake]:
    """As many distributions as a block of crises can hold the draws of."""
    count = sum(is_distribution(node) for node in _all(top))
    if count > MAX_UNCERTAIN:
        yield top.place.mistake(f"{count:,} distributions", f"at most {MAX_UNCERTAIN:,}")


def texts_are_short_enough(top: Node) -> Iterator[Mistake]:
    """Titles and names fit a chart or a table when they are cut, and are laid out at once."""
    description = top.entries().get("description")
    for node in _all(top):
        most = MAX_DESCRIPTION if node is description else MAX_TEXT
        if isinstance(node.content, str) and len(node.content) > most:
            yield node.place.mistake(
                f"a text of {len(node.content):,} letters", f"at most {most:,} here"
            )


def turns_are_few_enough(top: Node) -> Iterator[Mistake]:
    """As many turns as can be run, and told one by one."""
    horizon, step = plain_number(top, "horizon_days"), plain_number(top, "hours_per_turn")
    if horizon is None or step is None:
        return
    turns = horizon * 24 / step
    node = top.entries().get("hours_per_turn") or top.entries().get("horizon_days") or top
    advice = "longer turns, or a nearer horizon"
    if turns > MAX_TURNS:
        yield node.place.mistake(f"{turns:,.0f} turns", f"at most {MAX_TURNS:,}: {advice}")
    elif turns * _agents(top) > MAX_AGENT_TURNS:
        yield node.place.mistake(
            f"{turns:,.0f} turns of {_agents(top)} agents",
            f"at most {MAX_AGENT_TURNS:,} turns of all agents together: {advice}, or fewer agents",
        )


SIZES: tuple[Callable[[Node], Iterator[Mistake]], ...] = (
    agents_are_few_enough,
    lists_are_short_enough,
    uncertain_numbers_are_few_enough,
)


def plain_number(top: Node, field: str) -> float | None:
    """A plain number of the scenario, its default where it is left out, None where it is amiss."""
    node = top.entries().get(field)
    value = node.content if node else Scenario.model_fields[field].default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value <= MOST_DAYS else None


def _agents(top: Node) -> int:
    return sum(len(_entries(top.entries().get(section))) for section in SECTIONS)


def _entries(node: Node | None) -> list[Node]:
    return [*node.entries().values()] if node else []


def _all(node: Node) -> Iterator[Node]:
    """A value and all values in it."""
    yield node
    for inner in (*node.entries().values(), *node.items()):
        yield from _all(inner)


# --- What the schema cannot say of one value alone: names, references, order and dates
#
# The checks look at values as they were written, whether or not the schema accepts them, so that a
# person learns of all mistakes at once. What has the wrong type is passed over: the schema says so.

#: Columns of results that every scenario has.
COLUMNS = (
    "scenario",
    "replicate",
    "ending",
    "ended_at_hours",
    "first_strike_at_hours",
    "mediated",
    "mediation_started_at_hours",
    "mediation_style",
    "channel_opened_at_hours",
    "ceasefire_agreed_at_hours",
    "ceasefire_in_effect_at_hours",
    "brokered_by",
    "first_violation_at_hours",
    "relapsed_at_hours",
    "war_at_hours",
    "nuclear_use_at_hours",
    "worst_violence",
    "peak_rung",
    "nuclear_pair",
    "deaths",
    "trigger_at_hours",
    "followed_until_hours",
    "day",
    "hours",
    "danger",
)
#: Columns that results have for each agent, after its name: where there are agents, and of what.
AGENT_COLUMNS = {
    "states": (
        "lowest_market",
        "highest_pressure",
        "market_rebound",
        "market",
        "pressure",
        "rung",
    ),
    "mediators": ("engaged_at_hours", "effort"),
    "lenders": ("decided_at_hours", "decision", "nearness"),
    "channels": ("opened_at_hours", "open"),
    "advisers": ("spoke_at_hours", "voice"),
}


def check(top: Node) -> list[Mistake]:
    """The mistakes that these checks find in a scenario's values, `MAX_MISTAKES` at most.

    What is too big is not looked into: other checks compare everything with everything.
    """
    too_big = [mistake for find in SIZES for mistake in find(top)]
    if too_big:
        return too_big[:MAX_MISTAKES]
    return list(islice((mistake for find in CHECKS for mistake in find(top)), MAX_MISTAKES))


def names_are_plain(top: Node) -> Iterator[Mistake]:
    """Names are short, lower-case words: they become columns, paths of parameters, keys of luck."""
    for section in AGENT_COLUMNS:
        for name, agent in _section(top, section).items():
            if not is_agent_name(name):
                yield agent.label.mistake(
                    f"'{name}' cannot be a name here", AGENT_WORDS, near_agent_name(name)
                )


def names_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents share a name, or a column of the results."""
    owners: dict[str, str] = dict.fromkeys(COLUMNS, "")
    seen: dict[str, str] = {}
    for section, endings in AGENT_COLUMNS.items():
        for name, agent in _section(top, section).items():
            if looks(name) in seen:
                yield agent.label.mistake(
                    f"'{name}' is already one of the {seen[looks(name)]}", "a name of its own"
                )
                continue
            seen[looks(name)] = section
            for column in (f"{name}_{ending}" for ending in endings):
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
    states = _section(top, "states")
    for mediator in _section(top, "mediators").values():
        for per_state in ("trust", "leverage", "interest"):
            yield from _known_keys(_entry(mediator, per_state), states, "state")
    for lender in _section(top, "lenders").values():
        yield from _known(_entry(lender, "borrower"), states, "state")
    for adviser in _section(top, "advisers").values():
        yield from _known(_entry(adviser, "state"), states, "state")
    for event in _items(top, "events"):
        yield from _known(_entry(event, "struck"), states, "state")
    real_path = _entry(top, "real_path")
    for per_state in ("rungs", "markets"):
        yield from _known_keys(_entry(real_path, per_state), states, "state")


def openers_are_known(top: Node) -> Iterator[Mistake]:
    """A channel is opened by states and mediators, each named once."""
    known = [*_section(top, "states"), *_section(top, "mediators")]
    for channel in _section(top, "channels").values():
        openers = _items(channel, "opened_by")
        for place, opener in enumerate(openers):
            yield from _known(opener, known, "state or mediator")
            if opener.content in [earlier.content for earlier in openers[:place]]:
                yield opener.place.mistake(f"{opener.content!r} a second time", "each name once")


def titles_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents of one kind have one title, by which tables and charts could not tell them apart."""
    for section in AGENT_COLUMNS:
        seen: set[str] = set()
        for name, agent in _section(top, section).items():
            title = _entry(agent, "title")
            shown = clean(looks(_text(title))) or name
            if shown in seen:
                where = title.place if title else agent.label
                yield where.mistake(f"a second agent called '{shown}'", "another title")
            seen.add(shown)


def rungs_have_names(top: Node) -> Iterator[Mistake]:
    """Each rung of the ladder has a name of its own."""
    names: set[str] = set()
    for rung in _items(top, "ladder"):
        name = _entry(rung, "name")
        if name is None or not isinstance(name.content, str):
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
    for rung in _items(top, "ladder"):
        intensity = _entry(rung, "intensity")
        bounds = _bounds(intensity)
        if intensity is None or bounds is None:
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
    for key, order, words in _RISING:
        before: Any = order[0]
        for place, rung in enumerate(_items(top, "ladder")):
            entry = _entry(rung, key)
            value: Any = order[0]
            if entry is not None:
                value = _truth(entry) if order == (False, True) else entry.content
            if not isinstance(value, type(before)) or value not in order:
                continue  # the schema says so
            where = entry.place if entry else rung.label
            if place == 0 and value != order[0]:
                yield where.mistake(
                    f"the lowest rung cannot be {words}", "a rung of peace below it"
                )
            elif order.index(value) < order.index(before):
                yield where.mistake(
                    f"`{key}` falls from {str(before).lower()} to {str(value).lower()}",
                    f"{key}: {str(before).lower()}, or this rung further down",
                )
            before = value


#: What never falls from rung to rung: a key, its values, the lowest first, and what a rung is that has another.
_RISING: tuple[tuple[str, tuple[Any, ...], str], ...] = (
    ("violence", VIOLENCE, "violent"),
    ("strike", (False, True), "a strike"),
    ("nuclear", (False, True), "nuclear"),
)


def strikes_are_violent(top: Node) -> Iterator[Mistake]:
    """A strike is violent, and nuclear use is a strike and full-scale war."""
    for rung in _items(top, "ladder")[1:]:  # the lowest must be one of peace
        flags = {key: _entry(rung, key) for key in ("violence", "strike", "nuclear")}
        violence, strike, nuclear = flags.values()
        if nuclear and _truth(nuclear):
            what, least = nuclear, VIOLENCE[-1:]
            if not strike or _truth(strike) is False:
                yield (strike or nuclear).place.mistake(
                    "nuclear use that is no strike", "strike: true"
                )
        elif strike and _truth(strike):
            what, least = strike, VIOLENCE[1:]
        else:
            continue
        if not violence or (violence.content in VIOLENCE and violence.content not in least):
            said = (
                "nuclear use that is no full-scale war"
                if nuclear is what
                else "a strike without violence"
            )
            yield (violence or what).place.mistake(said, f"violence: {one_of(least)}")


def rungs_are_known(top: Node) -> Iterator[Mistake]:
    """Where a state starts, how far an event takes one, where states really went: a rung of the ladder."""
    rungs = [name for name, _ in _rungs(top)]
    names = [name for name in rungs if name]
    for state in _section(top, "states").values():
        start = _entry(state, "rung_at_start")
        if start and start.content != "":
            yield from _known(start, names, "rung")
    for event in _items(top, "events"):
        rung = _entry(event, "rival_rung")
        highest = _highest_rung(rung)
        if rung and highest is not None and rungs and highest >= len(rungs):
            yield rung.place.mistake(
                f"no rung {highest} on this ladder",
                f"a rung from 0 ('{rungs[0]}') to {len(rungs) - 1} ('{rungs[-1]}')",
            )
    for _, _, step in _real_rungs(top):
        yield from _known(step, names, "rung")


def nuclear_rungs_need_weapons(top: Node) -> Iterator[Mistake]:
    """Only a state that surely has nuclear weapons starts on a nuclear rung, or is taken to one by an event.

    Only one that may have them really came to one.
    """
    rungs = _rungs(top)
    nuclear = {name for name, is_nuclear in rungs if is_nuclear}
    states = _section(top, "states")
    has = {name: _bounds(_entry(state, "nuclear")) or (0.0, 0.0) for name, state in states.items()}

    def without(node: Node, state: str, how: str) -> Mistake:
        return node.place.mistake(
            f"a nuclear rung, and '{state}' {how} nuclear weapons",
            f"another rung, or states.{state}.nuclear: true",
        )

    for name, state in states.items():
        start = _entry(state, "rung_at_start")
        if start and _text(start) in nuclear and has[name][0] < 1.0:
            yield without(start, name, "does not surely have")
    for event in _items(top, "events"):
        rung, struck = _entry(event, "rival_rung"), _text(_entry(event, "struck"))
        highest = _highest_rung(rung)
        if rung is None or highest is None or highest >= len(rungs) or struck not in states:
            continue
        for name in states:
            if rungs[highest][1] and name != struck and has[name][0] < 1.0:
                yield without(rung, name, "does not surely have")
    for name, _, step in _real_rungs(top):
        if _text(step) in nuclear and has.get(name, (1.0, 1.0))[1] <= 0.0:
            yield without(step, name, "has no")


def dates_fit(top: Node) -> Iterator[Mistake]:
    """The start has an offset from UTC; events and reviews lie between it and the horizon."""
    node = _entry(top, "start")
    start = _moment(node)
    if node is None or start is None:
        return
    if start.tzinfo is None:
        yield node.place.mistake(
            f"'{node.content}' has no offset from UTC", f"such as {start.isoformat()}+05:30"
        )
        return
    horizon = plain_number(top, "horizon_days")
    if horizon is None:
        return
    end = start + timedelta(days=horizon)
    dated = [_entry(event, "at") for event in _items(top, "events")]
    for lender in _section(top, "lenders").values():
        dated.extend(_entry(review, "at") for review in _items(lender, "reviews"))
    for at in dated:
        moment = _moment(at, start)
        if at is None or moment is None:
            continue
        if not start <= moment <= end:
            side = "before the start" if moment < start else "after the horizon"
            yield at.place.mistake(
                f"'{at.content}' is {side}",
                f"a date from {_minute(start)} to {_minute(end)}",
            )


def record_is_in_order(top: Node) -> Iterator[Mistake]:
    """Of each state, rungs and closes really came in the order in which they stand, each after the one before it."""
    real_path = _entry(top, "real_path")
    rungs, markets = _entry(real_path, "rungs"), _entry(real_path, "markets")
    series = [path.items() for path in rungs.entries().values()] if rungs else []
    if markets:
        series += [_items(market, "closes") for market in markets.entries().values()]
    for steps in series:
        dated = [(step.items()[0], "the date before it") for step in steps if step.items()]
        yield from _in_order(dated, _start(top), again=False)


def real_events_are_in_order(top: Node) -> Iterator[Mistake]:
    """No event of the record came before the one above it."""
    events = _items(_entry(top, "real_path"), "events")
    dated = [(_entry(event, "at"), "the event above it") for event in events]
    yield from _in_order(dated, _start(top), again=True)


def real_moments_are_in_order(top: Node) -> Iterator[Mistake]:
    """The trigger, the real first strike, agreement and ceasefire: none of them came before the one named before it."""
    start = _start(top)
    counted_from = (_entry(top, "start"), "the start")
    triggers = [
        (moment, at)
        for event in _items(top, "events")
        if _text(_entry(event, "kind")) == "trigger"
        if (moment := _moment(at := _entry(event, "at"), start))
    ]
    if triggers:
        counted_from = (min(triggers, key=itemgetter(0))[1], "the trigger")
    real_path = _entry(top, "real_path")
    milestones = [(_entry(real_path, key), f"`{key}`") for key in MILESTONES]
    yield from _in_order([counted_from, *milestones], start, again=True)


def real_strikes_follow_the_first(top: Node) -> Iterator[Mistake]:
    """No state really came to a rung that is a strike before the real first strike."""
    start = _start(top)
    first = _moment(_entry(_entry(top, "real_path"), "first_strike"), start)
    strikes = {name for name, is_strike in _rungs(top, "strike") if is_strike}
    for _, at, rung in _real_rungs(top):
        moment = _moment(at, start)
        if first and moment and moment < first and _text(rung) in strikes:
            yield at.place.mistake(
                f"'{at.content}' is before `first_strike`, and '{rung.content}' is a strike",
                f"{_minute(first)} or later",
            )


#: Moments of the real path, in the order in which they come.
MILESTONES = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect")


def _in_order(
    dated: Sequence[tuple[Node | None, str]], start: datetime, *, again: bool
) -> Iterator[Mistake]:
    """The dates in a list that come before the one above them.

    Args:
        dated: the dates, each with what to call it where the next one comes before it.
        start: in whose offset a date without one is meant.
        again: whether two may be the same.
    """
    last, called = None, ""
    for at, words in dated:
        moment = _moment(at, start)
        if at is None or moment is None:
            continue
        if last is not None and (moment < last or (moment == last and not again)):
            side = "before" if again else "not after"
            yield at.place.mistake(f"'{at.content}' is {side} {called}", "dates in rising order")
        last, called = moment, words


#: Every rule that no single value can break. What each asks for stands in its docstring, in words for a person:
#: docs/reference/scenario_files.md lists them from here.
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
    turns_are_few_enough,
)


def _entry(node: Node | None, key: str) -> Node | None:
    return node.entries().get(key) if node else None


def _items(node: Node | None, key: str) -> list[Node]:
    entry = _entry(node, key)
    return entry.items() if entry else []


def _section(top: Node, name: str) -> dict[str, Node]:
    entry = _entry(top, name)
    return entry.entries() if entry else {}


def _text(node: Node | None) -> str:
    return node.content if node and isinstance(node.content, str) else ""


def _known(node: Node | None, known: Any, what: str) -> Iterator[Mistake]:
    if node and isinstance(node.content, str) and node.content not in known:
        yield node.place.mistake(
            f"unknown {what} '{node.content}'", one_of(known), nearest(node.content, known)
        )


def _known_keys(node: Node | None, known: Any, what: str) -> Iterator[Mistake]:
    for key, entry in node.entries().items() if node else ():
        if key not in known:
            yield entry.label.mistake(f"unknown {what} '{key}'", one_of(known), nearest(key, known))


def _rungs(top: Node, flag: Literal["strike", "nuclear"] = "nuclear") -> list[tuple[str, bool]]:
    """The ladder's rungs: of each its name, and whether it is nuclear, or a strike."""
    if "ladder" not in top.entries():
        return [(rung.name, getattr(rung, flag)) for rung in south_asian_ladder()]
    rungs = _items(top, "ladder")[:MAX_RUNGS]  # the schema speaks of a ladder that is longer
    names = [_entry(rung, "name") for rung in rungs]
    return [
        (str(name.content) if name else "", bool(_truth(_entry(rung, flag))))
        for name, rung in zip(names, rungs, strict=True)
    ]


def _real_rungs(top: Node) -> Iterator[tuple[str, Node, Node]]:
    """The rungs to which states really came: the state, and where the date and the rung's name are written."""
    rungs = _entry(_entry(top, "real_path"), "rungs")
    for state, path in rungs.entries().items() if rungs else ():
        for step in path.items():
            if len(step.items()) == 2:
                at, rung = step.items()
                yield state, at, rung


def _truth(node: Node | None) -> bool | None:
    """Whether something is true, as the schema reads it; None where it is neither true nor false."""
    try:
        return _TRUTH.validate_python(node.content) if node else None
    except ValidationError:
        return None


_TRUTH = TypeAdapter(bool)


def _highest_rung(node: Node | None) -> int | None:
    """The highest rung that an event may take a state to; None where it is none that the schema accepts."""
    limits = range_of(EventSpec, "rival_rung")
    try:
        number = limits.read(node.plain()) if node and limits else None
    except PydanticCustomError:
        return None
    return (
        None
        if number is None
        else int(max(number.values) if isinstance(number, Distribution) else number)
    )


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
    """When a scenario starts; some time in UTC where it does not say, of which others tell."""
    start = _moment(_entry(top, "start"))
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
