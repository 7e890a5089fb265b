"""A scenario as a notebook shows it: what it is, who takes part, and which of its numbers are uncertain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

from crisis_sim.scenario import notebook
from crisis_sim.scenario.numbers import Distribution
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.part import Part
from crisis_sim.scenario.schema import Scenario

#: Letters of a digest that tell scenarios apart well enough for a person.
DIGEST_SHOWN = 12


def html_of(scenario: Scenario) -> str:
    """A scenario as HTML."""
    uncertain = list(_uncertain(scenario))
    return notebook.page(
        notebook.heading(
            scenario.title, f"scenario {scenario.name}, {scenario.digest[:DIGEST_SHOWN]}"
        ),
        notebook.paragraph(scenario.description),
        notebook.paragraph(
            f"From {scenario.start:%Y-%m-%d %H:%M}, followed for {scenario.horizon_days:g} days at most in turns of "
            f"{scenario.hours_per_turn:g} hours; a ladder of {len(scenario.ladder)} rungs."
        ),
        notebook.table(("role", "name", "title", "about"), _cast(scenario)),
        notebook.folded(
            f"{len(uncertain)} uncertain numbers, of which each crisis draws its own",
            notebook.table(("path", "distribution"), uncertain),
        ),
    )


def _cast(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Who takes part, and what else happens."""
    for name, state in scenario.states.items():
        yield (
            "state",
            name,
            state.title,
            f"resolve {_shown(state.resolve)}, audience {_shown(state.audience)}",
        )
    for name, mediator in scenario.mediators.items():
        yield "mediator", name, mediator.title, mediator.style
    for name, lender in scenario.lenders.items():
        when = ", ".join(f"{review.at:%Y-%m-%d}" for review in lender.reviews)
        yield "lender", name, lender.title, f"lends to {lender.borrower}; reviews: {when or 'none'}"
    for name, channel in scenario.channels.items():
        opened = (
            "open from the start"
            if channel.standing
            else f"opened by {', '.join(channel.opened_by) or 'nobody'}"
        )
        yield "channel", name, channel.title, opened
    for name, adviser in scenario.advisers.items():
        yield "adviser", name, adviser.title, f"{adviser.stance}, to {adviser.state}"
    for event in scenario.events:
        yield event.kind, f"{event.at:%Y-%m-%d %H:%M}", event.title, f"harms {event.struck}"


def _uncertain(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for path in numbers_of(scenario):
        value = reduce(_step, path.split("."), scenario)
        if isinstance(value, Distribution):
            yield path, _shown(value)


def _step(holder: Any, key: str) -> Any:
    if isinstance(holder, Part):
        return getattr(holder, key)
    return holder[int(key)] if isinstance(holder, tuple) else holder[key]


def _shown(number: float | Distribution) -> str:
    if not isinstance(number, Distribution):
        return f"{number:g}"
    return f"{number.kind} {', '.join(f'{value:g}' for value in number.values)}"
