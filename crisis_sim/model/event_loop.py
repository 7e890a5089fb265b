"""The schedule: the rules of all agents combined, and the drivers that run crises from event to event.

Time is continuous, in days since the scenario's start. An event occurs either on a date or when its clock runs out: a
unit-exponential budget that the event's rate uses up (random time change; the common reaction path method of Rathinam,
Sheppard and Khammash 2010, Journal of Chemical Physics 132, 034103). Rates are constant between events; they are computed
anew after each event, and at least every `REFRESH_DAYS`. Of two simultaneous events, the first in the list occurs first.

`Schedule.of` generates the source of a few functions, a line or two per event, and compiles them once. A driver handles one
crisis at a time: it copies the crisis into a workspace, next to the parameters, most of which all crises share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisis_sim.model.agent import (
    PHASES,
    Agent,
    Event,
    annotations_of,
    clocks_of,
    events_of,
    with_identifier,
)
from crisis_sim.model.compiling import RULE_OPTIONS, driver, njit, part
from crisis_sim.model.compiling import rule as inlined
from crisis_sim.model.luck import exponential

#: Rates are computed anew at least this often, days.
REFRESH_DAYS = 4.0
#: Number of the event in which only time passes.
_NO_EVENT = -1
#: Maximum number of agents in a role.
MOST_AGENTS = 4096
#: Stages after which a checked run looks for variables that are not finite: see `Schedule.fault`.
STAGES = ("update", "pass_time", "happen")


@dataclass(frozen=True)
class Schedule:
    """The compiled schedule of a block's agents.

    Attributes:
        begin, update, clocks, pass_time, happen, take: compiled functions of a crisis, the parameters and random keys;
            `take` carries out a choice made by a policy.
        fault: compiled function that finds the first variable of `checked` that is not finite: its position times
            `MOST_AGENTS`, plus the number of the agent; or -1.
        events: role, name, and event by class, in the order in which simultaneous events occur.
        checked: role and name of each variable that `fault` checks; empty unless requested.
    """

    begin: Any
    update: Any
    clocks: Any
    pass_time: Any
    happen: Any
    take: Any
    fault: Any
    events: tuple[tuple[str, str, Mapping[type[Agent], Event]], ...]
    checked: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, roles: Mapping[str, Sequence[type[Agent]]], is_checked: bool = False) -> Schedule:
        """Return the schedule of agents given by role: the class of each agent, or a single class for all."""
        writer = _Writer(roles)
        checked = _finite_variables(roles) if is_checked else []
        events = [
            (role, name, by_kind)
            for role, kinds in roles.items()
            for name, by_kind in events_of(kinds)
        ]
        bodies = {
            "begin": writer.steps("begin"),
            "update": [line for phase in PHASES for line in writer.steps(phase)],
            "clocks": [
                "    numerator, denominator, event, who = c.wait, 1.0, c.event, c.agent",
                *(line for k, event in enumerate(events) for line in writer.clock(k, *event)),
                "    c.wait, c.event, c.agent = numerator / denominator, event, who",
            ],
            "pass_time": writer.steps("pass_time"),
            "happen": [line for k, event in enumerate(events) for line in writer.event(k, *event)],
            "take": writer.steps("take"),
            "fault": [*_fault_checks(checked), "    return -1"],
        }
        functions = {}
        for name, lines in bodies.items():
            head = "def fault(c):" if name == "fault" else f"def {name}(c, p, luck):"
            functions[name] = writer.compiled(name, "\n".join([head, *(lines or ["    pass"]), ""]))
        return cls(**functions, events=tuple(events), checked=tuple(checked))


def _finite_variables(roles: Mapping[str, Sequence[type[Agent]]]) -> list[tuple[str, str]]:
    """Return role and name of all variables that are always finite."""
    annotations = {
        (role, name): word
        for role, kinds in roles.items()
        for kind in kinds
        for name, word in annotations_of(kind, "Variables").items()
    }
    return [variable for variable, word in annotations.items() if word == "float"]


def _fault_checks(checked: Sequence[tuple[str, str]]) -> Iterator[str]:
    for number, (role, name) in enumerate(checked):
        yield _loop_over(role)
        yield f"        if not abs(c.{role}[k].{name}) < inf:"
        yield f"            return {number * MOST_AGENTS} + k"


def _loop_over(role: str) -> str:
    count = "2" if role == "states" else f"c.n_{role}"
    return f"    for k in range({count}):"


class _Writer:
    """Generates the functions of a schedule."""

    def __init__(self, roles: Mapping[str, Sequence[type[Agent]]]) -> None:
        self.roles = roles
        self.rules: dict[str, Any] = {}

    def compiled(self, name: str, text: str) -> Any:
        """Compile a function from its source."""
        namespace = {
            "exponential": exponential,
            "inf": float("inf"),
            **self.rules,
            "__name__": __name__,
        }
        exec(compile(text, f"<schedule: {name}>", "exec"), namespace)  # noqa: S102 - generated above
        used = "".join(str(rule._uuid) for key, rule in self.rules.items() if f"{key}(" in text)
        function = njit(namespace[name], forceinline=True, **RULE_OPTIONS)
        return with_identifier(function, text + used)

    def steps(self, name: str) -> list[str]:
        """Call the rule of that name for all agents that have it."""
        lines: list[str] = []
        for role, kinds in self.roles.items():
            rules = [getattr(kind, name, None) for kind in kinds]
            if any(rules):
                lines += [_loop_over(role), f"        own = c.{role}[k]"]
                lines += self._choose(role, rules, "{}", "pass")
        return lines

    def clock(
        self, number: int, role: str, name: str, by_kind: Mapping[type[Agent], Event]
    ) -> list[str]:
        """Find the earliest event so far, which comes in `numerator / denominator` days.

        Products are compared, because division takes several times as long.
        """
        rated = any(event.rate for event in by_kind.values())
        kinds = self.roles[role]
        rules = [
            getattr(kind, by_kind[kind].rate if rated else by_kind[kind].due)
            if kind in by_kind
            else None
            for kind in kinds
        ]
        lines = [_loop_over(role), f"        own = c.{role}[k]"]
        if rated:
            lines += self._choose(role, rules, "rate = 0.0 + {}", "rate = 0.0")
            lines += [
                f"        clock = own.clocks + {clocks_of(kinds).index(name)}",
                "        c.rates[clock] = rate",
                "        budget = c.budgets[clock]",
                "        if budget * denominator < numerator * rate:",
                "            numerator, denominator = budget, rate",
            ]
        else:
            lines += self._choose(role, rules, "wait = {} - c.now", "wait = inf")
            lines += [
                "        if wait * denominator < numerator:",
                "            numerator, denominator = max(wait, 0.0), 1.0",
            ]
        return [*lines, f"            event, who = {number}, k"]

    def event(
        self, number: int, role: str, name: str, by_kind: Mapping[type[Agent], Event]
    ) -> list[str]:
        """Carry out an event, if it is the next one."""
        kinds = self.roles[role]
        rules = [getattr(kind, by_kind[kind].happen) if kind in by_kind else None for kind in kinds]
        lines = [
            f"    {'el' if number else ''}if c.event == {number}:  # {role}: {name}",
            "        k = c.agent",
            f"        own = c.{role}[k]",
        ]
        if any(event.rate for event in by_kind.values()):
            lines += [
                f"        clock = own.clocks + {clocks_of(kinds).index(name)}",
                "        c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])",
            ]
        return lines + self._choose(role, rules, "{}", "pass")

    def _choose(self, role: str, rules: Sequence[Any], form: str, default: str) -> list[str]:
        """Call the rule of agent k's class."""
        indent = "        "
        calls = [form.format(self._call(role, rule)) if rule else default for rule in rules]
        usual = max(calls, key=calls.count)
        lines: list[str] = []
        for k, call in enumerate(calls):
            if call != usual:
                lines += [f"{indent}{'el' if lines else ''}if k == {k}:", f"{indent}    {call}"]
        return [*lines, f"{indent}else:", f"{indent}    {usual}"] if lines else [f"{indent}{usual}"]

    def _call(self, role: str, rule: Any) -> str:
        name = next((name for name, known in self.rules.items() if known is rule), "")
        if not name:
            function = rule.py_func.__qualname__.replace(".<locals>.", "_").replace(".", "_")
            name = f"{function}_{len(self.rules)}"
            self.rules[name] = rule
        rival = "c.states[1 - k], " if role == "states" else ""
        return f"{name}(own, {rival}p.{role}[k], c, p.behaviour, luck)"


# Drivers. A crisis is a row of a table of 64-bit words; the workspace has additional fields for temporary values.


@inlined
def _load(table: Any, drawn: Any, slots: Any, words: Any, k: Any) -> None:
    """Copy crisis k and its own parameter values into the workspace."""
    for j in range(table.shape[1]):
        words[j] = table[k, j]
    for j in range(slots.size):
        words[slots[j]] = drawn[k, j]


@inlined
def _save(table: Any, words: Any, k: Any) -> None:
    for j in range(table.shape[1]):
        table[k, j] = words[j]


@driver
def begin_crises(
    table: Any, drawn: Any, slots: Any, workspace: Any, words: Any, luck: Any, begin: Any
) -> None:
    """Begin every crisis: all clocks get budgets, and agents draw their initial variables."""
    c, p = workspace[0].c, workspace[0].p
    for k in range(table.shape[0]):
        _load(table, drawn, slots, words, k)
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])
        begin(c, p, luck)
        _save(table, words, k)


@driver
def redraw_budgets(
    table: Any, drawn: Any, slots: Any, workspace: Any, words: Any, luck: Any
) -> None:
    """Give all clocks new budgets, which is valid at any time because clocks have no memory."""
    c = workspace[0].c
    for k in range(table.shape[0]):
        _load(table, drawn, slots, words, k)
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])
        _save(table, words, k)


@part
def run_every(  # noqa: C901 - the main loop
    crises: Any, table: Any, drawn: Any, slots: Any, workspace: Any, words: Any, luck: Any,
    first: Any, last: Any, stride: Any, until: Any, horizon: Any, stop: Any,
    update: Any, clocks: Any, pass_time: Any, happen: Any, take: Any, fault: Any,
) -> Any:  # fmt: skip
    """Run crises `first`, `first + stride`, ... below `last` in one workspace: see `run_crises`."""
    count = 0
    c, p = workspace.c, workspace.p
    for k in range(first, last, stride):
        if not crises[k].ongoing:
            continue
        _load(table, drawn, slots, words, k)
        if c.asking >= 0:
            take(c, p, luck)
            c.asking = -1
        while c.ongoing and c.now < horizon and c.asking < 0 and c.fault < 0:
            update(c, p, luck)
            position = fault(c)
            if position >= 0:
                c.fault = 3 * position
                break
            c.wait = min(REFRESH_DAYS, horizon - c.now)
            c.event = _NO_EVENT
            clocks(c, p, luck)
            cut = c.now + c.wait > until
            if cut:
                if not stop or c.now >= until:
                    break  # the next run finds the same next event again
                c.event, c.wait = _NO_EVENT, until - c.now
            for clock in range(c.n_clocks):
                c.budgets[clock] -= c.rates[clock] * c.wait
            pass_time(c, p, luck)
            position = fault(c)
            if position >= 0:
                c.fault = 3 * position + 1
                break
            if cut:
                c.now = until
                break
            c.now = horizon if c.wait == horizon - c.now else c.now + c.wait
            if c.event >= 0:
                c.happened[c.event] += 1
                happen(c, p, luck)
                position = fault(c)
                if position >= 0:
                    c.fault = 3 * position + 2
            count += 1
        _save(table, words, k)
        if c.fault >= 0:
            break
    return count


@driver
def run_crises(
    crises: Any, table: Any, drawn: Any, slots: Any, workspace: Any, words: Any, luck: Any,
    first: Any, last: Any, until: Any, horizon: Any, stop: Any,
    update: Any, clocks: Any, pass_time: Any, happen: Any, take: Any, fault: Any,
) -> Any:  # fmt: skip
    """Run crises `first` to `last - 1` through all events up to the time `until`; return the number of events.

    With `stop`, advance them to `until` itself. A variable that is not finite ends the run: see `Schedule.fault`.
    """
    return run_every(
        crises, table, drawn, slots, workspace[0], words, luck, first, last, 1, until, horizon, stop,
        update, clocks, pass_time, happen, take, fault,
    )  # fmt: skip
