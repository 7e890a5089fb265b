"""What the schema cannot say of one value alone: names, references, order and dates.

The checks look at values as they were written, whether or not the schema accepts them, so that a
person learns of all mistakes at once. What has the wrong type is passed over: the schema says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from pydantic_core import PydanticCustomError

from crisis_sim.scenario.dates import read_moment
from crisis_sim.scenario.errors import MAX_MISTAKES, Mistake, nearest, one_of
from crisis_sim.scenario.numbers import Distribution, read_number
from crisis_sim.scenario.schema import MAX_RUNGS, south_asian_ladder
from crisis_sim.scenario.sizes import (
    SIZES,
    plain_number,
    texts_are_short_enough,
    turns_are_few_enough,
)
from crisis_sim.scenario.source import Node

NAME = re.compile("[a-z][a-z0-9_]{0,39}")

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
            if not NAME.fullmatch(name):
                yield agent.label.mistake(
                    f"'{name}' cannot be a name here",
                    "a letter, then letters, digits or _, all in lower case, at most 40",
                    re.sub("[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:40],
                )


def names_are_unique(top: Node) -> Iterator[Mistake]:
    """No two agents share a name, or a column of the results."""
    owners: dict[str, str] = dict.fromkeys(COLUMNS, "")
    seen: dict[str, str] = {}
    for section, endings in AGENT_COLUMNS.items():
        for name, agent in _section(top, section).items():
            if name in seen:
                yield agent.label.mistake(
                    f"'{name}' is already one of the {seen[name]}", "a name of its own"
                )
                continue
            seen[name] = section
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


def ladder_rises(top: Node) -> Iterator[Mistake]:
    """Rungs have names of their own, each is above the last, and the lowest is no strike."""
    ladder = _items(top, "ladder")
    names: set[Any] = set()
    above = None
    for rung in ladder:
        name = _entry(rung, "name")
        if name and isinstance(name.content, str):
            if name.content in names:
                yield name.place.mistake(f"a second rung called '{name.content}'", "another name")
            names.add(name.content)
        intensity = _entry(rung, "intensity")
        bounds = _bounds(intensity)
        if intensity is None or bounds is None:
            continue
        if above is not None and bounds[0] <= above:
            yield intensity.place.mistake(
                "not above the rung before it", f"an intensity that is always above {above:g}"
            )
        above = bounds[1]
    strike = _entry(ladder[0], "strike") if ladder else None
    if strike and strike.content is True:
        yield strike.place.mistake("the lowest rung cannot be a strike", "a rung of peace below it")


def rungs_are_known(top: Node) -> Iterator[Mistake]:
    """Where a state starts, and where it really went: rungs of the ladder."""
    # The schema speaks of a ladder that is longer.
    written = [_entry(rung, "name") for rung in _items(top, "ladder")[:MAX_RUNGS]]
    names = [str(name.content) for name in written if name]
    if "ladder" not in top.entries():
        names = [rung.name for rung in south_asian_ladder()]
    for state in _section(top, "states").values():
        start = _entry(state, "rung_at_start")
        if start and start.content != "":
            yield from _known(start, names, "rung")
    rungs = _entry(_entry(top, "real_path"), "rungs")
    for path in rungs.entries().values() if rungs else ():
        for step in path.items():
            yield from _known(step.items()[1] if len(step.items()) == 2 else None, names, "rung")


def dates_fit(top: Node) -> Iterator[Mistake]:
    """The start has an offset; events and reviews lie between it and the horizon."""
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
        moment = _moment(at)
        if at is None or moment is None:
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=start.tzinfo)
        if not start <= moment <= end:
            side = "before the start" if moment < start else "after the horizon"
            yield at.place.mistake(
                f"'{at.content}' is {side}",
                f"a date from {_minute(start)} to {_minute(end)}",
            )


def record_is_in_order(top: Node) -> Iterator[Mistake]:
    """Dates of the real path rise."""
    real_path = _entry(top, "real_path")
    rungs, markets = _entry(real_path, "rungs"), _entry(real_path, "markets")
    series = [path.items() for path in rungs.entries().values()] if rungs else []
    if markets:
        series += [_items(market, "closes") for market in markets.entries().values()]
    for steps in series:
        last = None
        for step in steps:
            at = step.items()[0] if step.items() else None
            moment = _moment(at)
            if at is None or moment is None:
                continue
            if last is not None and bool(moment.tzinfo) == bool(last.tzinfo) and moment <= last:
                yield at.place.mistake(
                    f"'{at.content}' is not after the date before it", "dates in rising order"
                )
            last = moment


CHECKS: tuple[Callable[[Node], Iterator[Mistake]], ...] = (
    names_are_plain,
    names_are_unique,
    states_are_known,
    openers_are_known,
    ladder_rises,
    rungs_are_known,
    dates_fit,
    record_is_in_order,
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


def _known(node: Node | None, known: Any, what: str) -> Iterator[Mistake]:
    if node and isinstance(node.content, str) and node.content not in known:
        yield node.place.mistake(
            f"unknown {what} '{node.content}'", one_of(known), nearest(node.content, known)
        )


def _known_keys(node: Node | None, known: Any, what: str) -> Iterator[Mistake]:
    for key, entry in node.entries().items() if node else ():
        if key not in known:
            yield entry.label.mistake(f"unknown {what} '{key}'", one_of(known), nearest(key, known))


def _bounds(node: Node | None) -> tuple[float, float] | None:
    """The lowest and highest value that an intensity can take, or None where it is no number."""
    try:
        number = read_number(node.plain()) if node else None
    except PydanticCustomError:
        return None
    if isinstance(number, Distribution):
        low, high = number.support
        return max(low, 0.0), min(high, 1.0)
    return None if number is None else (number, number)


def _moment(node: Node | None) -> datetime | None:
    try:
        return read_moment(node.content) if node else None
    except PydanticCustomError:
        return None


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
