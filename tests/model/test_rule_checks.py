"""Mistakes in a user's classes and rules are reported with their place, what is wrong, and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from crisis_sim.model import Agent, CrisisModel, Event, rule
from crisis_sim.model.rule_checks import RuleError
from crisis_sim.model.states import State
from crisis_sim.model.third_parties import Mediator
from crisis_sim.scenario import Scenario


def check_message(error: pytest.ExceptionInfo[Any], *words: str) -> None:
    """Check that a message has a place in this file, is short, and contains these words."""
    text = str(error.value)
    assert re.search(rf"{re.escape(__file__)}:\d+:\d+: error: ", text), text
    assert text.count("\n") < 25
    for word in words:
        assert word in text, text


# When Python creates a class.


def hasty() -> None:
    class Hasty(State):
        @rule
        def decide(own, facts, c, p, luck):
            """It forgets its rival."""


def council() -> None:
    class Council(Agent):
        role = "councils"
        events = (Event("meet", "meets", rate="meeting"),)

        @rule
        def meeting(own, facts, c, p, luck):
            """Once a day."""
            return 1.0

        @rule
        def meet(own, facts, c, p, luck):
            """Nothing."""


def idle() -> None:
    class Idle(Agent):
        role = "idlers"
        events = (Event("wait", "wait"),)

        @rule
        def wait(own, facts, c, p, luck):
            """Nothing."""


def poet() -> None:
    class Poet(Agent):
        role = "poets"

        class Variables:
            verses: str
            moods: float * 0


def watcher() -> None:
    class Watcher(Agent):
        role = "watchers"

        class Variables:
            seen: int = 3


def plain() -> None:
    class Plain(State):
        def decide(own, rival, facts, c, p, luck):
            """Without `@rule`."""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (hasty, ["takes (own, facts, c, p, luck)", "expected: def decide(own, rival, facts, c, p, luck):"]),
        (council, ["event 'meet' has no rule 'meets' (happen)", "did you mean 'meet'?"]),
        (idle, ["event 'wait' has neither a rate nor a due", 'rate="..." or due="..."']),
        (poet, ["Poet.Variables cannot contain 'verses: str'", "cannot contain 'moods: float * 0'"]),
        (poet, ["expected: float, int, bool or Maybe"]),
        (watcher, ["'seen' has a value here", "own.seen = ... in a rule begin"]),
        (plain, ["Plain.decide is not compiled", "expected: @rule above it"]),
    ],
)  # fmt: skip
def test_a_mistake_in_a_class_is_refused_as_it_is_defined(
    make: Callable[[], None], words: list[str]
) -> None:
    with pytest.raises(RuleError) as error:
        make()
    check_message(error, *words)


# When a model is created.


def test_all_unknown_names_are_reported_with_the_nearest(may_2025: Scenario) -> None:
    class Careless(State):
        @rule
        def decide(own, rival, facts, c, p, luck):
            """It misspells names."""
            other = c.states[1 - own.index]
            if own.grievnace > p.anserwing and other.rungs > 0:
                c.mediatrs[0].engaged = True
            p.answering = 3.0
            State.decide(own, rival, facts, c, p, luck)

    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"pakistan": Careless})
    check_message(error)
    for wrong, right in (
        ("no variable of the states called 'grievnace'", "grievance"),
        ("no behavioural parameter called 'anserwing'", "answering"),
        ("no variable of the states called 'rungs'", "rung"),
        ("no variable of a crisis called 'mediatrs'", "mediators"),
    ):
        mistake = next(mistake for mistake in error.value.mistakes if wrong in mistake.message)
        assert mistake.suggestion == right
        text = mistake.source_line[mistake.column - 1 :]
        assert text.startswith(("own.", "p.", "other.", "c."))
    assert "changes 'answering'" in str(error.value)


def test_a_rate_must_return_a_number(may_2025: Scenario) -> None:
    class Forgetful(State):
        @rule
        def decisions(own, rival, facts, c, p, luck):
            """It computes a rate and does not return it."""
            own.demand * 2.0

    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"states": Forgetful})
    check_message(error, "Forgetful.decisions returns nothing", "return a number")


class Helpless(State):
    @rule
    def begin(own, rival, facts, c, p, luck):
        """It calls a function that is not compiled."""
        State.begin(own, rival, facts, c, p, luck)
        own.stake = halved(own.stake)


def halved(x: float) -> float:
    return x / 2


class Wordy(State):
    @rule
    def begin(own, rival, facts, c, p, luck):
        """A number or a word."""
        State.begin(own, rival, facts, c, p, luck)
        mood = 1.0 if own.stake > 1 else "low"
        own.stake = mood


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [(Helpless, ("'halved'", "@rule above 'halved'")), (Wordy, ("one kind of value",))],
)
def test_compiler_errors_are_summarised(
    may_2025: Scenario, kind: type[Agent], words: tuple[str, ...]
) -> None:
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"india": kind})
    check_message(error, f"{kind.__name__}.begin does not compile", *words)


class Unnamed(Agent):
    pass


class Envoy(Mediator):
    pass


class Watcher(Agent):
    role = "watchers"


class Double(Agent):
    role = "doubles"
    name = "us"


@pytest.mark.parametrize(
    ("further", "words"),
    [
        (
            {"roles": {"pakistan": Envoy}},
            ("Envoy cannot replace 'pakistan', one of the states", "a subclass of State"),
        ),
        ({"agents": [Unnamed]}, ("Unnamed has no role", 'role = "councils"')),
        ({"agents": [Envoy]}, ("Envoy is one of the mediators", "roles={'NAME': Envoy}")),
        ({"agents": [Watcher, Watcher]}, ("there is another agent 'Watcher'",)),
        ({"agents": [Double]}, ("there is another agent 'us'",)),
    ],
)
def test_unsuitable_classes_are_refused(
    may_2025: Scenario, further: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, **further)
    check_message(error, *words)


def test_unknown_names_of_agents_are_refused_with_the_nearest(may_2025: Scenario) -> None:
    with pytest.raises(ValueError, match=r"no agent or role 'pakistn'.* did you mean 'pakistan'"):
        CrisisModel(may_2025, roles={"pakistn": State})
    with pytest.raises(ValueError, match=r"no state 'indai'.* did you mean 'india'"):
        CrisisModel(may_2025, policies={"indai": lambda decision: None})


# While it runs.


class Divided(State):
    """It divides by nothing when it decides."""

    class Variables:
        mood: float

    @rule
    def decide(own, rival, facts, c, p, luck):
        """As states do, and a mood."""
        State.decide(own, rival, facts, c, p, luck)
        own.mood = (own.grievance - own.grievance) / (own.force - own.force)


@pytest.mark.slow
def test_a_checked_run_reports_a_variable_that_is_not_finite(may_2025: Scenario) -> None:
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, 20, roles={"india": Divided}, checked=True).run()
    check_message(error, "mood of india is nan after the event 'decide' of india (Divided.decide)")
    assert re.search(r"replicate \d+, day \d", str(error.value))
