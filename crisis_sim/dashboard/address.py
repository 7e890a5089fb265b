"""What was changed, in the page's address: a reload brings it back, and a link to the same dashboard takes it along.

The query has a `set` for each change, as `--set` makes it, the `clock` where it is not the usual one, and the `file` that
was opened, which the browser's tab itself keeps. It may have been typed by anybody, so what is wrong in it is told, not
obeyed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from crisis_sim.dashboard.changes import Changes
from crisis_sim.dashboard.sliders import Slider
from crisis_sim.scenario.errors import nearest
from crisis_sim.scenario.names import composed
from crisis_sim.scenario.printable import clean

SET, CLOCK, FILE = "set", "clock", "file"
#: Letters that a query may have: far more than a change to every slider takes.
MAX_QUERY = 20_000
#: Letters of a stranger's that are told back.
_SHOWN = 60


@dataclass(frozen=True)
class Asked:
    """What a query asks for.

    Attributes:
        sets: changes, as `--set` makes them.
        clock: from where time is counted; "" for as usual.
        file: the file that was opened; "" for none.
        mistakes: what is wrong in it as a whole.
    """

    sets: tuple[str, ...] = ()
    clock: str = ""
    file: str = ""
    mistakes: tuple[str, ...] = ()


def query_of(asked: Asked) -> str:
    """The query that asks for something; "" where it is nothing."""
    pairs = [(FILE, asked.file)] if asked.file else []
    pairs += [(SET, one) for one in asked.sets]
    pairs += [(CLOCK, asked.clock)] if asked.clock else []
    return urlencode(pairs, safe="=")


def asked_by(query: str) -> Asked:
    """What a query asks for; names that it does not know, such as a search engine's, are let be."""
    if len(query) > MAX_QUERY:
        return Asked(mistakes=("error: the address is too long to be one of this page",))
    pairs = parse_qsl(query, keep_blank_values=True)
    sets = tuple(dict.fromkeys(value for name, value in pairs if name == SET))
    known = [name for name, _ in pairs if name in (CLOCK, FILE)]
    twice = dict.fromkeys(name for name in known if known.count(name) > 1)
    mistakes = tuple(f"error: the address says '{name}' twice" for name in twice)
    first = dict(reversed(pairs))
    return Asked(sets, first.get(CLOCK, ""), first.get(FILE, ""), mistakes)


@dataclass
class Recalled:
    """Changes made as a query asks, and what could not be.

    Attributes:
        changes: the changes.
        mistakes: the rest, in words, a line each.
    """

    changes: Changes = field(default_factory=Changes)
    mistakes: list[str] = field(default_factory=list)


def recall(
    asked: Asked, sliders: Mapping[str, Slider], switches: Collection[str], clocks: Collection[str]
) -> Recalled:
    """Make the changes that a query asks for, as far as this scenario has them.

    Args:
        asked: what it asks for.
        sliders: what can be moved, by path.
        switches: paths of what can be taken out.
        clocks: the clocks there are.
    """
    made = Recalled(mistakes=list(asked.mistakes))
    seen: set[str] = set()
    for one in asked.sets:
        path, _, value = one.partition("=")
        path = composed(path)
        if path in seen:
            made.mistakes.append(f"error: the address sets '{_told(path)}' twice")
            continue
        seen.add(path)
        if path in switches and value == "null":
            made.changes = made.changes.switch(path, on=False)
        elif path in sliders:
            _move(made, sliders[path], value)
        else:
            near = nearest(path, [*sliders, *switches])
            hint = f"; did you mean '{near}'?" if near else ""
            made.mistakes.append(
                f"error: the address sets '{_told(path)}', which has no slider here{hint}"
            )
    if asked.clock not in ("", *clocks):
        known = " or ".join(clocks)
        made.mistakes.append(
            f"error: the address counts time '{_told(asked.clock)}': expected {known}"
        )
    return made


def _move(made: Recalled, slider: Slider, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if slider.low <= number <= slider.high:
        made.changes = made.changes.move(slider.path, number)
    else:
        made.mistakes.append(
            f"error: the address sets {slider.path} to '{_told(value)}': "
            f"expected a number from {slider.low:g} to {slider.high:g}"
        )


def _told(text: str) -> str:
    """A stranger's text, short and on one line."""
    shown = clean(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
