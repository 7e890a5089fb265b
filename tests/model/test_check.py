"""What a person is told whose class of agents, or whose rule, has mistakes: where it is, what is wrong, what to write."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crisis_sim.model import Agent, CrisisModel, Event, rule
from crisis_sim.model.check import RuleError
from crisis_sim.model.parties import Mediator
from crisis_sim.model.state import State
from crisis_sim.scenario import Scenario


def told(error: pytest.ExceptionInfo[Any], *words: str) -> None:
    """Make sure that a message has a place in this file, is short, and says all of these."""
    text = str(error.value)
    assert re.search(rf"{re.escape(__file__)}:\d+:\d+: error: ", text), text
    assert text.count("\n") < 25
    for word in words:
        assert word in text, text


# When Python makes a class.


def test_a_rule_with_other_arguments_is_told_its_right_ones() -> None:
    with pytest.raises(RuleError) as error:

        class Hasty(State):
            @rule
            def decide(own, facts, c, p, luck):
                """It forgets its rival."""

    told(
        error,
        "Hasty.decide takes (own, facts, c, p, luck)",
        "expected: def decide(own, rival, facts, c, p, luck):",
    )


def test_an_event_without_its_rule_is_told_the_nearest() -> None:
    with pytest.raises(RuleError) as error:

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

    told(error, "event 'meet' has no rule 'meets' (happen)", "did you mean 'meet'?")


def test_an_event_needs_a_rate_or_a_date() -> None:
    with pytest.raises(RuleError) as error:

        class Idle(Agent):
            role = "idlers"
            events = (Event("wait", "wait"),)

            @rule
            def wait(own, facts, c, p, luck):
                """Nothing."""

    told(error, "event 'wait' has neither a rate nor a due", 'rate="..." or due="..."')


def test_a_variable_of_a_kind_that_records_cannot_hold_is_refused() -> None:
    with pytest.raises(RuleError) as error:

        class Poet(Agent):
            role = "poets"

            class Variables:
                verses: str
                moods: float * 0

    told(
        error,
        "Poet.Variables cannot hold 'verses: str'",
        "cannot hold 'moods: float * 0'",
        "expected: float, int, bool or Maybe",
    )


def test_a_variable_with_a_value_is_told_where_that_belongs() -> None:
    with pytest.raises(RuleError) as error:

        class Watcher(Agent):
            role = "watchers"

            class Variables:
                seen: int = 3

    told(error, "'seen' is given a value here", "own.seen = ... in a rule begin")


def test_a_rule_that_is_not_compiled_is_told_to_be() -> None:
    with pytest.raises(RuleError) as error:

        class Plain(State):
            def decide(own, rival, facts, c, p, luck):
                """Without `@rule`."""

    told(error, "Plain.decide is not compiled", "expected: @rule above it")


# When a model is made.


def test_names_that_there_are_not_are_all_told_with_the_nearest(may_2025: Scenario) -> None:
    class Careless(State):
        @rule
        def decide(own, rival, facts, c, p, luck):
            """It speaks of what there is not."""
            other = c.states[1 - own.index]
            if own.grievnace > p.anserwing and other.rungs > 0:
                c.mediatrs[0].engaged = True
            p.answering = 3.0
            State.decide(own, rival, facts, c, p, luck)

    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"pakistan": Careless})
    told(error)
    for wrong, right in (
        ("no variable of the states called 'grievnace'", "grievance"),
        ("no behavioural parameter called 'anserwing'", "answering"),
        ("no variable of the states called 'rungs'", "rung"),
        ("no variable of a crisis called 'mediatrs'", "mediators"),
    ):
        found = next(one for one in error.value.mistakes if wrong in one.message)
        assert found.suggestion == right
        assert found.source_line[found.column - 1 :].startswith(("own.", "p.", "other.", "c."))
    assert "changes 'answering'" in str(error.value)


def test_a_rate_that_returns_nothing_is_told(may_2025: Scenario) -> None:
    class Forgetful(State):
        @rule
        def decisions(own, rival, facts, c, p, luck):
            """It computes, and forgets to say."""
            own.demand * 2.0

    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"states": Forgetful})
    told(error, "Forgetful.decisions returns nothing", "return a number")


class Helpless(State):
    @rule
    def begin(own, rival, facts, c, p, luck):
        """It calls what is not compiled."""
        State.begin(own, rival, facts, c, p, luck)
        own.stake = plain(own.stake)


def plain(x: float) -> float:
    return x


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
    [(Helpless, ("'plain'", "@rule above 'plain'")), (Wordy, ("one kind of value",))],
)
def test_what_the_compiler_refuses_is_told_in_a_few_words(
    may_2025: Scenario, kind: type[Agent], words: tuple[str, ...]
) -> None:
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"india": kind})
    told(error, f"{kind.__name__}.begin does not compile", *words)


class Unnamed(Agent):
    pass


class Envoy(Mediator):
    pass


def test_who_cannot_take_a_place_is_told_why(may_2025: Scenario) -> None:
    with pytest.raises(ValueError, match=r"no agent or role 'pakistn'.* did you mean 'pakistan'"):
        CrisisModel(may_2025, roles={"pakistn": State})
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, roles={"pakistan": Envoy})
    told(error, "Envoy cannot be 'pakistan', which is one of the states", "a subclass of State")
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, agents=[Unnamed])
    told(error, "Unnamed has no role", 'role = "councils"')
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, agents=[Envoy])
    told(error, "Envoy is one of the mediators", "roles={'NAME': Envoy}")


def test_two_agents_need_two_names(may_2025: Scenario) -> None:
    class Watcher(Agent):
        role = "watchers"

    class Double(Agent):
        role = "doubles"
        name = "us"

    for agents, name in (([Watcher, Watcher], "Watcher"), ([Double], "us")):
        with pytest.raises(RuleError) as error:
            CrisisModel(may_2025, agents=agents)
        told(error, f"there is another agent '{name}'")


def test_a_policy_for_a_state_that_there_is_not_is_told_the_nearest(may_2025: Scenario) -> None:
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
def test_a_checked_run_tells_who_wrote_what_is_no_number(may_2025: Scenario) -> None:
    with pytest.raises(RuleError) as error:
        CrisisModel(may_2025, 20, roles={"india": Divided}, checked=True).run()
    told(error, "mood of india is nan after the event 'decide' of india (Divided.decide)")
    assert re.search(r"replicate \d+, day \d", str(error.value))
