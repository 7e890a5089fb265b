"""Random valid scenarios, over the whole range that the schema allows, and often at its limits."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from crisis_sim.scenario import Scenario, read_scenario
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.numbers import Part, Within, range_of
from crisis_sim.scenario.schema import (
    LADDERS,
    STYLES,
    VIOLENCE,
    AdviserSpec,
    ChannelSpec,
    EventSpec,
    LenderSpec,
    MarketSpec,
    MediatorSpec,
    ReviewSpec,
    Rung,
    StateSpec,
)

START = "2025-04-22T15:00+05:30"
DATES = (START, "2025-04-23", "2025-04-25T06:30+05:30", "2025-05-01", "2025-06-01")
STATES = ("india", "pakistan")


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A random scenario that is not too long.

    Half of them have usual behavioural parameters, so that halts are agreed, kept and broken.
    """
    usual = draw(st.booleans())
    ladder = None if usual else draw(_ladders())
    rungs = ladder or [dict(rung) for rung in LADDERS["south_asian"]]
    # A state that may have no nuclear weapons neither starts on a nuclear rung nor is taken to one.
    names = [rung["name"] for rung in rungs if not rung["nuclear"]]
    start = {"rung_at_start": st.sampled_from(names)}
    number = st.integers(0, len(names) - 1)
    choice = st.lists(number, min_size=1, max_size=3).map(lambda numbers: {"choice": numbers})
    reached = number | choice
    behaving = {name: part for name, part in _SECTIONS.items() if not usual or name == "halt"}
    plain: dict[str, Any] = {
        "title": "at random",
        "start": START,
        "horizon_days": draw(st.sampled_from([30, 50] if usual else [0.01, 1, 5.3, 12, 30])),
        "follow_up_days": draw(st.sampled_from([0, 0.1, 2, 40])),
        **({"ladder": ladder} if ladder else {}),
        "states": {
            name: {
                **draw(_parts(StateSpec, {"nuclear": _CHANCE, **start})),
                "market": draw(_parts(MarketSpec)),
            }
            for name in STATES
        },
        "mediators": draw(
            _named("m", _parts(MediatorSpec, {"style": st.sampled_from(STYLES)}, per_state=True))
        ),
        "lenders": draw(_named("l", _lenders())),
        "advisers": draw(_named("a", _parts(AdviserSpec, _ADVISER))),
        "events": draw(st.lists(_parts(EventSpec, {**_EVENT, "rival_rung": reached}), max_size=3)),
        "behaviour": {
            section: draw(_parts(type(part), often=0.15)) for section, part in behaving.items()
        },
    }
    openers = st.sampled_from([*STATES, *plain["mediators"]])
    channel = {"standing": st.booleans(), "opened_by": st.lists(openers, max_size=3, unique=True)}
    plain["channels"] = draw(_named("c", _parts(ChannelSpec, channel)))
    horizon_ends = plain["horizon_days"] >= 30
    if not horizon_ends:  # dates must lie before the horizon
        for dated in (*plain["events"], *_reviews(plain)):
            dated["at"] = START
    return read_scenario(json.dumps(plain))


_SECTIONS: dict[str, Part] = {name: getattr(Behaviour(), name) for name in Behaviour.model_fields}
_CHANCE = st.one_of(st.booleans(), st.sampled_from([0.0, 0.3, 1.0, {"uniform": [0.1, 0.9]}]))
_AT = st.sampled_from(DATES[:-1])
_EVENT = {
    "at": _AT,
    "struck": st.sampled_from(STATES),
    "kind": st.sampled_from(["trigger", "incident"]),
}
_REVIEW = {"at": _AT, "rival_vote": st.sampled_from(["for", "abstain", "against"])}
_ADVISER = {"state": st.sampled_from(STATES), "stance": st.sampled_from(["dove", "hawk"])}


def numbers(limits: Within) -> st.SearchStrategy[Any]:
    """A number in a range, often at its limits, or a distribution over it."""
    low, high = limits.low, limits.high
    known = st.sampled_from([low, high]) | st.floats(low, high)
    pairs = st.tuples(known, known).map(sorted).filter(lambda pair: pair[0] < pair[1])
    spread = st.sampled_from([1e-300, 1e-6, 1.0, 1e6, 1e300])
    return st.one_of(
        known,
        known,
        pairs.map(lambda pair: {"uniform": pair}),
        pairs.map(lambda pair: {"triangular": [pair[0], pair[0], pair[1]]}),
        st.lists(known, min_size=1, max_size=3).map(lambda values: {"choice": values}),
        st.tuples(known, spread).map(lambda pair: {"normal": [*pair]}),
        st.tuples(known.filter(lambda value: value > 0), spread).map(
            lambda pair: {"lognormal": [*pair]}
        ),
    )


def _parts(
    part: type[Part],
    words: dict[str, st.SearchStrategy[Any]] | None = None,
    per_state: bool = False,
    often: float = 0.5,
) -> st.SearchStrategy[dict[str, Any]]:
    """A part of a scenario: required numbers, some of the optional numbers, and words."""
    required, optional = dict(words or {}), {}
    for name, field in part.model_fields.items():
        limits = range_of(part, name)
        if limits is None or name in required:
            continue
        if field.default_factory is dict:
            if per_state:
                optional[name] = st.dictionaries(st.sampled_from(STATES), numbers(limits))
        elif field.is_required():
            required[name] = numbers(limits)
        else:
            optional[name] = numbers(limits)
    few = st.lists(st.sampled_from(sorted(optional)), max_size=max(1, int(often * len(optional))))

    def with_some(chosen: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({**required, **{name: optional[name] for name in chosen}})

    return few.flatmap(with_some) if optional else st.fixed_dictionaries(required)


def _named(
    letter: str, agents: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(agents, max_size=2).map(
        lambda found: {f"{letter}{number}": agent for number, agent in enumerate(found)}
    )


def _lenders() -> st.SearchStrategy[dict[str, Any]]:
    reviews = st.lists(_parts(ReviewSpec, _REVIEW), max_size=2)
    return _parts(LenderSpec, {"borrower": st.sampled_from(STATES), "reviews": reviews})


def _reviews(plain: dict[str, Any]) -> list[dict[str, Any]]:
    return [review for lender in plain["lenders"].values() for review in lender["reviews"]]


@st.composite
def _ladders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two to eight rungs with rising intensity, violence, strikes and nuclear use."""
    intensities = draw(
        st.lists(st.integers(0, 1000), min_size=2, max_size=8, unique=True).map(sorted)
    )
    above = len(intensities) - 1
    violence = draw(st.lists(st.integers(0, 3), min_size=above, max_size=above).map(sorted))
    first_strike, first_nuclear = draw(st.integers(1, above + 1)), draw(st.integers(1, above + 1))
    rungs = []
    for number, intensity in enumerate(intensities):
        nuclear = number >= first_nuclear
        strike = nuclear or number >= first_strike
        level = VIOLENCE[-1 if nuclear else max([0, *violence][number], int(strike))]
        rungs.append(
            {
                **draw(_parts(Rung)),
                "name": f"r{number}",
                "intensity": intensity / 1000,
                "strike": strike,
                "violence": level,
                "nuclear": nuclear,
            }
        )
    return rungs
