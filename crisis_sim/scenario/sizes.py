"""How big a scenario may be: beyond what anyone means, and within what a machine can hold.

A block of a batch holds up to 16,384 crises (`crisis_sim.batch.plan.BLOCK_SIZE`), and what is said here of one
crisis is there for each of them. docs/limits.md tells these limits to users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.merge import is_distribution
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node

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
