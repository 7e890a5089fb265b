"""`--set path=value`: one value of a scenario changed from the command line.

A path goes from key to key with dots, and by number (from 0) into a list:
`mediators.us.leverage.india=0.2`, `events.0.deaths=40`,
`lenders.imf.conditionality={uniform: [0, 1]}`. The value is read as YAML and laid over what the
files say, as a file that extends them would be: `mediators.us=null` takes that mediator out.
Overrides are made in their order: the last one stands. On a command line and in an experiment's
file, one that a later one overwrites is a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.fields import TOP, Slot
from crisis_sim.scenario.merge import is_distribution, lay_over, merge
from crisis_sim.scenario.names import composed
from crisis_sim.scenario.schema import south_asian_ladder
from crisis_sim.scenario.source import Node, Place, Source, node_of, parse_value

NAME = "--set"


def override(top: Node, overrides: Sequence[str]) -> tuple[Node, list[Mistake]]:
    """A scenario with overrides laid over it, one after the other.

    Args:
        top: the scenario's values.
        overrides: texts such as `mediators.us.leverage.india=0.2`.

    Returns:
        the values with all overrides that could be read, and the mistakes in the others.
    """
    mistakes: list[Mistake] = []
    for text in overrides:
        try:
            top = _override(top, text)
        except ScenarioError as error:
            mistakes += error.mistakes
    return top, mistakes


def overwritten(overrides: Sequence[str]) -> list[Mistake]:
    """The mistakes in overrides of which a later one leaves nothing: nobody means to say a thing twice.

    Programs may; so it is the commands and the experiments' files that ask.
    """
    mistakes: list[Mistake] = []
    replaced: dict[Path, str] = {}  # by later ones, and by which
    entered: dict[Path, str] = {}  # what stands above that
    for text in reversed(overrides):
        source = Source.of(NAME, text)
        path, _, value = text.partition("=")
        try:
            node = parse_value(source, value)
        except ScenarioError:  # it is told of when the override is made
            continue
        start = tuple(word.strip() for word in composed(path).split("."))
        said, replacing = _said(node, start)
        found = [
            replaced.get(one[:count]) or entered.get(one)
            for one in said
            for count in range(1, len(one) + 1)
        ]
        later = next(filter(None, found), None)
        if later is not None:
            mistakes.append(
                Place(source, 1, 1).mistake(
                    f"'{later}' overwrites what '{text}' says", "one of them"
                )
            )
        for one in replacing:
            replaced[one] = text
            entered |= {one[:count]: text for count in range(1, len(one))}
    return mistakes[::-1]


Path = tuple[str, ...]


def _said(node: Node, path: Path) -> tuple[list[Path], list[Path]]:
    """Where an override says what something is, and where it leaves nothing of what was said before."""
    said: list[Path] = []
    replaced: list[Path] = []
    within = [(node, path, False)]
    while within:
        one, at, inside = within.pop()
        is_whole = not isinstance(one.content, dict) or is_distribution(one)
        if is_whole and not inside:
            replaced.append(at)
        inner: dict[Any, Node] = dict(enumerate(one.items())) or one.entries()
        within += [(child, (*at, str(key)), is_whole or inside) for key, child in inner.items()]
        if not inner and one.content is not None and one.content != {}:
            said.append(at)
    return said, replaced


def removes(text: str) -> bool:
    """Whether an override takes something out: whether its value is null."""
    source = Source.of(NAME, text)
    try:
        return parse_value(source, text.partition("=")[2]).content is None
    except ScenarioError:
        return False


def leads_somewhere(top: Node, text: str) -> bool:
    """Whether there is something in a scenario at an override's path."""
    try:
        _steps(Source.of(NAME, text), text.partition("=")[0], top)
    except ScenarioError:
        return False
    return True


def _override(top: Node, text: str) -> Node:
    source = Source.of(NAME, text)
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError(
            [
                Place(source, 1, 1).mistake(
                    f"'{text}' sets nothing", "path=value, such as behaviour.decision.dread=5"
                )
            ]
        )
    if "ladder" not in top.entries() and path.strip().startswith("ladder."):
        top = _with_ladder(top, Place(source, 1, 1))
    steps = _steps(source, path, top)
    # Spaces in place of the path, so that the value's columns are those of the whole text.
    node = parse_value(source, " " * (len(path) + 1) + value)
    return lay_over(top, _nest(top, steps, node))


Step = tuple[str | int, Place]


def _steps(source: Source, path: str, top: Node) -> list[Step]:
    """The keys of a path with their places.

    Raises:
        ScenarioError: when the path leads nowhere; names the nearest that does not.
    """
    steps: list[Step] = []
    column = 1 + len(path) - len(path.lstrip())
    slot, node = TOP, top
    for word in path.strip().split("."):
        place = Place(source, 1, column)
        key = _key(composed(word), place, slot, node, top)
        below = slot.step(key)
        if below is None:
            raise ScenarioError([_nothing_at(word, place)])
        steps.append((key, place))
        slot, node = below, _child(node, key) or Node(place, None)
        column += len(word) + 1
    return steps


def _key(word: str, place: Place, slot: Slot, node: Node, top: Node) -> str | int:
    """The key that a word of a path means where it stands."""
    if slot.is_list:
        count = len(node.items())
        # No word of more digits than the count has can be below it, and Python reads no endless one.
        if word.isascii() and word.isdigit() and len(word) <= len(str(count)) and int(word) < count:
            return int(word)
        among = f"a number from 0 to {count - 1}" if count else "no path into a list that is empty"
        raise ScenarioError([place.mistake(f"no entry '{word}'", among)])
    known: Sequence[str] = slot.keys
    if slot.by_name and slot.limits:
        states = top.entries().get("states")
        known = [*states.entries()] if states else []
    elif slot.by_name:
        known = [*node.entries()]
    if word in known:
        return word
    if not known and slot.by_name:
        among = "a name that the scenario has; there is none here"
        raise ScenarioError([place.mistake(f"unknown '{word}'", among)])
    if not known:
        raise ScenarioError([_nothing_at(word, place)])
    raise ScenarioError([place.mistake(f"unknown '{word}'", one_of(known), nearest(word, known))])


def _nothing_at(word: str, place: Place) -> Mistake:
    return place.mistake(f"there is nothing to set at '{word}'", "a path to a value")


def _nest(node: Node | None, steps: Sequence[Step], value: Node) -> Node:
    """A mapping that says nothing but what a value is at the end of a path below a node."""
    if not steps:
        return value
    (key, place), rest = steps[0], steps[1:]
    child = _child(node, key)
    inner = _nest(child, rest, value)
    inner = Node(inner.place, inner.content, child.key if child and rest else place)
    if node is not None and isinstance(key, int):
        items = node.items().copy()
        items[key] = merge(items[key], inner)
        return Node(node.place, items, node.key)
    return Node(node.place if node else place, {str(key): inner}, node.key if node else place)


def _child(node: Node | None, key: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(key, int):
        return node.items()[key] if key < len(node.items()) else None
    return node.entries().get(key)


def _with_ladder(top: Node, place: Place) -> Node:
    """The scenario with its default ladder written out, so that a path can lead into it."""
    rungs = [rung.model_dump(mode="json") for rung in south_asian_ladder()]
    return Node(top.place, {**top.entries(), "ladder": node_of(rungs, place)}, top.key)
