"""The direction and size of each mechanism's effect, with paired random numbers; where it matters, a strike is forced."""

from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.schema import ENDINGS
from tests.model.conftest import Columns, run

REPLICATES = 4000
WEEK = "ceasefire in a week"
#: A strike of India at its real time, in every replicate.
FORCED = (
    "events=[{at: 2025-04-22T15:00+05:30, kind: trigger, struck: india, deaths: 26, blame: 0.9},"
    " {at: 2025-05-07T01:05+05:30, struck: pakistan, rival_rung: 5}]"
)


def outcomes(*changes: str) -> Columns:
    return run(load_scenario("may_2025", list(changes)), REPLICATES)


def without(section: str, *changes: str) -> Columns:
    scenario = load_scenario("may_2025", list(changes))
    return run(scenario.changed({section: None}), REPLICATES)


def share(columns: Columns, what: str) -> np.ndarray:
    """Whether each crisis has an outcome, as 0 or 1."""
    halted = columns["ceasefire_in_effect_at_hours"] - columns["first_strike_at_hours"]
    came = {
        "strike": np.isfinite(columns["first_strike_at_hours"]),
        "war": np.isfinite(columns["war_at_hours"]),
        "mediated": columns["mediated"],
        WEEK: (halted > 0) & (halted <= 168),
        **{ending: columns["ending"] == ending for ending in ENDINGS},
    }
    return came[what].astype(float)


@pytest.fixture(scope="module")
def usual() -> Columns:
    return outcomes()


@pytest.fixture(scope="module")
def forced() -> Columns:
    return outcomes(FORCED)


B = "behaviour."


@pytest.mark.parametrize(
    ("change", "what", "sign"),
    [
        (B + "decision.answering=40", "strike", +1),
        (B + "decision.cost=60", "strike", -1),
        (B + "decision.line_serious=8", "strike", -1),
        (B + "decision.bother=8", "strike", -1),
        (B + "decision.line_war=20", "war", -1),
        (B + "decision.nuclear_dread=0", "war", +1),
        (B + "halt.mistrust=8", "agreement", -1),
        (B + "halt.forgone=40", "agreement", -1),
        (B + "halt.deal=2", "agreement", +1),
        (B + "ends.yielding_days=20", "unilateral", +1),
        (B + "ends.patience=3", "unilateral", -1),  # under mediation a state may wait for terms
        (B + "ends.fading_stakes=9", "faded", -1),
        (B + "mediation.alarm=8", "mediated", -1),  # below its threshold a mediator waits
        ("states.india.resolve=0.2", "strike", -1),
        ("states.pakistan.claim=2", "strike", +1),
        ("states.india.capability=6", "strike", -1),  # acts cost more for the weaker state
        ("events.0.deaths=3", "strike", -1),
    ],
)
def test_a_mechanism_moves_crises_in_its_direction(
    usual: Columns, change: str, what: str, sign: int
) -> None:
    difference = share(outcomes(change), what) - share(usual, what)
    error = difference.std() / np.sqrt(difference.size)
    assert sign * difference.mean() > 3 * error


def is_more_frequent(outcome: str, a: Columns, b: Columns) -> bool:
    """Return true if an outcome is more frequent in a than in b, beyond chance."""
    difference = share(a, outcome) - share(b, outcome)
    return bool(difference.mean() > 2 * difference.std() / np.sqrt(difference.size))


@pytest.mark.parametrize("section", ["mediators", "channels"])
def test_third_parties_shorten_the_fire_after_a_forced_strike(
    forced: Columns, section: str
) -> None:
    assert is_more_frequent(WEEK, forced, without(section, FORCED))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (B + "halt.hurting=8", WEEK),
        (B + "halt.economic_relief=20", WEEK),
        (B + "mediation.leverage_on_halt=40", "agreement"),
    ],
)
def test_mechanisms_that_shorten_the_fire_after_a_forced_strike(
    forced: Columns, change: str, what: str
) -> None:
    assert is_more_frequent(what, outcomes(FORCED, change), forced)


@pytest.mark.parametrize(("posture", "open_"), [("calm", True), ("mobilisation", False)])
def test_an_act_calls_for_an_answer_unless_the_states_posture_matches_it(
    posture: str, open_: bool
) -> None:
    nothing = (
        "events=[{at: 2025-04-22T15:00+05:30, kind: trigger, struck: india, deaths: 1, blame: 0}]"
    )
    scenario = load_scenario("may_2025", [nothing, f"states.india.rung_at_start={posture}"])
    acts = {
        "pakistan": iter(["mobilisation", *["wait"] * 1000]),
        "india": iter([*["wait"] * 3, "protest" if open_ else "wait", *["wait"] * 1000]),
    }
    policies = {
        name: lambda _, remaining=remaining: next(remaining) for name, remaining in acts.items()
    }
    model = CrisisModel(scenario, 1, policies=policies)
    (india,) = model.agents.select(lambda agent: agent.name == "india")
    open_now = set()
    while model.running and model.days < 20:
        model.step()
        open_now.add(float(india.unanswered[0]))
    mobilised = scenario.ladder[3].intensity
    assert open_now == ({0.0, mobilised} if open_ else {0.0})


def test_money_restrains_a_borrower_that_holds_out() -> None:
    holding_out = ("states.pakistan.claim=1", "lenders.imf.dependence=1", B + "lending.money=20")
    conditional, unconditional = (
        outcomes(FORCED, *holding_out, f"lenders.imf.conditionality={share}") for share in (1, 0)
    )
    assert is_more_frequent(WEEK, conditional, unconditional)
    assert is_more_frequent(WEEK, conditional, without("lenders", FORCED, *holding_out))


def test_a_state_that_cannot_be_overrun_is_not_defeated() -> None:
    often = "behaviour.operations.collapse_per_day=0.05"
    conquered = outcomes(FORCED, often)
    assert (conquered["ending"] == "imposed").mean() > 0.2
    spared = outcomes(FORCED, often, "states.india.conquerable=0", "states.pakistan.conquerable=0")
    assert not (spared["ending"] == "imposed").any()


GRANTED = "{at: 2025-04-23T15:00+05:30, struck: STATE, concession: 0.8}"
TRIGGER = "{at: 2025-04-22T15:00+05:30, kind: trigger, struck: india, deaths: 26, blame: 0.9}"


@pytest.mark.parametrize(
    ("state", "claim"), [("india", ()), ("pakistan", ("states.pakistan.claim=2",))]
)
def test_a_partial_concession_makes_strikes_rarer(state: str, claim: tuple[str, ...]) -> None:
    """It settles grievance as well as a claim."""
    held_out = outcomes(f"events=[{TRIGGER}]", *claim)
    granted = outcomes(f"events=[{TRIGGER}, {GRANTED.replace('STATE', state)}]", *claim)
    assert is_more_frequent("strike", held_out, granted)


def test_danger_may_raise_a_market() -> None:
    rising = outcomes(FORCED, "states.pakistan.market.sensitivity=-0.2")
    falling = outcomes(FORCED, "states.pakistan.market.sensitivity=0.2")
    assert rising["pakistan_lowest_market"].mean() > 0.93
    assert falling["pakistan_lowest_market"].mean() < 0.93
    assert rising["pakistan_highest_pressure"].mean() < falling["pakistan_highest_pressure"].mean()


def test_violence_is_purposeful_and_not_noise(usual: Columns) -> None:
    """With all values times three, which divides the noise in choices by three, most strikes remain."""
    behaviour = load_scenario("may_2025").behaviour
    names = {
        "decision": ["answering", "cost", "line_minor", "line_serious", "line_war", "bother", "trouble", "silence_cost"],
        "halt": ["deal_spread", "hurting", "forgone", "mistrust", "economic_relief"],
        "mediation": ["leverage_on_halt"],
        "advice": ["weight", "weight_on_halt"],
    }  # fmt: skip
    changes = [
        f"behaviour.{part}.{name}={3 * getattr(getattr(behaviour, part), name)}"
        for part, several in names.items()
        for name in several
    ]
    purposeful = share(outcomes(*changes), "strike").mean()
    assert purposeful > 2 / 3 * share(usual, "strike").mean()
