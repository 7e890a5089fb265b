"""The schedule: rules of a cast strung together, clocks that run down, and the drivers that take crises from event to event.

Time is continuous, in days since the scenario's start. Every event has a clock, a unit-exponential budget that its rate eats
(random time change; the common reaction path method of Rathinam, Sheppard and Khammash 2010, Journal of Chemical Physics
132, 034103), or a date on which it is due. Rates stand still from one event to the next and are looked at anew at each, and
at least every `REFRESH_DAYS`. Of two events at one moment the one that stands first in the list comes first.

What a cast does is written as a few functions of plain Python, a line or two an event (`Schedule.text`), which are compiled
once. A driver works on one crisis at a time, at a desk: there its record is laid beside the parameters, which all share
but for those that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisis_sim.model.compiled import OF_RULES, _translate, driver, part
from crisis_sim.model.compiled import rule as inlined
from crisis_sim.model.engine import (
    PHASES,
    Agent,
    Event,
    annotations_of,
    clocks_of,
    events_of,
    named,
)
from crisis_sim.model.luck import exponential

#: Rates are looked at anew at least this often, days.
REFRESH_DAYS = 4.0
#: An event of nobody's: time alone has passed.
_NOTHING = -1
#: Agents of a role, at most.
MOST_AGENTS = 4096
#: What had just been done when a number was found missing, by number: see `Schedule.checks`.
STAGES = ("look", "pass_time", "happen")


@dataclass(frozen=True)
class Schedule:
    """The compiled schedule of a cast, and the list of what can happen in it.

    Attributes:
        begin, look, clocks, pass_time, happen, take: compiled functions of a crisis, the parameters and luck; `take` carries
            out a choice that was left open.
        fault: compiled function that finds the first of `checked` that is not a number: its place there times
            `MOST_AGENTS`, and the agent's; or -1.
        events: role, name, and by class how it comes, in the order in which ties are settled.
        checked: role and variable of what `fault` looks at; none unless that was asked for.
        text: the functions as written.
    """

    begin: Any
    look: Any
    clocks: Any
    pass_time: Any
    happen: Any
    take: Any
    fault: Any
    events: tuple[tuple[str, str, Mapping[type[Agent], Event]], ...]
    checked: tuple[tuple[str, str], ...]
    text: str

    @classmethod
    def of(cls, roles: Mapping[str, Sequence[type[Agent]]], is_checked: bool = False) -> Schedule:
        """The schedule of a cast: by role, the class of each agent, or the one class of all."""
        writer = _Writer(roles)
        checked = _finite(roles) if is_checked else []
        events = [
            (role, name, by_kind)
            for role, kinds in roles.items()
            for name, by_kind in events_of(kinds)
        ]
        texts = {
            "begin": writer.steps("begin"),
            "look": [line for phase in PHASES for line in writer.steps(phase)],
            "clocks": [
                "    left, over, event, who = c.wait, 1.0, c.event, c.agent",
                *(line for k, event in enumerate(events) for line in writer.clock(k, *event)),
                "    c.wait, c.event, c.agent = left / over, event, who",
            ],
            "pass_time": writer.steps("pass_time"),
            "happen": [line for k, event in enumerate(events) for line in writer.event(k, *event)],
            "take": writer.steps("take"),
            "fault": [*_faults(checked), "    return -1"],
        }
        made, whole = {}, ""
        for name, lines in texts.items():
            head = "def fault(c):" if name == "fault" else f"def {name}(c, p, luck):"
            text = "\n".join([head, *(lines or ["    pass"]), ""])
            made[name] = writer.compiled(name, text)
            whole += f"\n\n{text}"
        return cls(**made, events=tuple(events), checked=tuple(checked), text=whole.strip("\n"))


def _finite(roles: Mapping[str, Sequence[type[Agent]]]) -> list[tuple[str, str]]:
    """What a checked run looks at: the variables of agents that are always numbers."""
    found = {
        (role, name): word
        for role, kinds in roles.items()
        for kind in kinds
        for name, word in annotations_of(kind, "Variables").items()
    }
    return [one for one, word in found.items() if word == "float"]


def _faults(checked: Sequence[tuple[str, str]]) -> Iterator[str]:
    for number, (role, name) in enumerate(checked):
        yield f"    for k in range({'2' if role == 'states' else f'c.n_{role}'}):"
        yield f"        if not abs(c.{role}[k].{name}) < inf:"
        yield f"            return {number * MOST_AGENTS} + k"


class _Writer:
    """Writes the functions of a schedule."""

    def __init__(self, roles: Mapping[str, Sequence[type[Agent]]]) -> None:
        self.roles = roles
        self.rules: dict[str, Any] = {}

    def compiled(self, name: str, text: str) -> Any:
        """A function of this text."""
        world = {
            "exponential": exponential,
            "inf": float("inf"),
            **self.rules,
            "__name__": __name__,
        }
        exec(compile(text, f"<schedule: {name}>", "exec"), world)  # noqa: S102 - of our own text
        used = "".join(str(rule._uuid) for key, rule in self.rules.items() if f"{key}(" in text)
        return named(_translate(world[name], forceinline=True, **OF_RULES), text + used)

    def steps(self, name: str) -> list[str]:
        """All agents that have a rule of that name follow it."""
        lines: list[str] = []
        for role, kinds in self.roles.items():
            rules = [kind.find(name) for kind in kinds]
            if any(rules):
                lines += self._for_each(role)
                lines += self._choose(role, rules, "{}", "pass", "        ")
        return lines

    def clock(
        self, number: int, role: str, name: str, by_kind: Mapping[type[Agent], Event]
    ) -> list[str]:
        """Look how soon an event comes to each agent of a role: in `left / over` days, if that is the soonest so far.

        Products are compared, since a quotient takes several times as long.
        """
        rated = any(event.rate for event in by_kind.values())
        kinds = self.roles[role]
        rules = [
            kind.find(getattr(by_kind[kind], "rate" if rated else "due"))
            if kind in by_kind
            else None
            for kind in kinds
        ]
        lines = self._for_each(role)
        if rated:
            lines += self._choose(role, rules, "rate = 0.0 + {}", "rate = 0.0", "        ")
            lines += [
                f"        clock = own.clocks + {clocks_of(kinds).index(name)}",
                "        c.rates[clock] = rate",
                "        budget = c.budgets[clock]",
                "        if budget * over < left * rate:",
                "            left, over = budget, rate",
            ]
        else:
            lines += self._choose(role, rules, "wait = {} - c.now", "wait = inf", "        ")
            lines += [
                "        if wait * over < left:",
                "            left, over = max(wait, 0.0), 1.0",
            ]
        return [*lines, f"            event, who = {number}, k"]

    def event(
        self, number: int, role: str, name: str, by_kind: Mapping[type[Agent], Event]
    ) -> list[str]:
        """Carry an event out, if it is the one that comes."""
        kinds = self.roles[role]
        rules = [kind.find(by_kind[kind].happen) if kind in by_kind else None for kind in kinds]
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
        return lines + self._choose(role, rules, "{}", "pass", "        ")

    def _for_each(self, role: str) -> list[str]:
        many = "2" if role == "states" else f"c.n_{role}"
        return [f"    for k in range({many}):", f"        own = c.{role}[k]"]

    def _choose(
        self, role: str, rules: Sequence[Any], form: str, nothing: str, indent: str
    ) -> list[str]:
        """What agent k of a role does: by the rule of its own class."""
        calls = [
            form.format(self._call(role, rule)) if rule is not None else nothing for rule in rules
        ]
        usual = max(calls, key=calls.count)
        lines: list[str] = []
        for k, call in enumerate(calls):
            if call != usual:
                lines += [f"{indent}{'el' if lines else ''}if k == {k}:", f"{indent}    {call}"]
        return [*lines, f"{indent}else:", f"{indent}    {usual}"] if lines else [f"{indent}{usual}"]

    def _call(self, role: str, rule: Any) -> str:
        function = rule.py_func
        name = next((key for key, one in self.rules.items() if one is rule), "")
        if not name:
            name = f"{function.__qualname__.replace('.<locals>.', '_').replace('.', '_')}_{len(self.rules)}"
            self.rules[name] = rule
        rival = "c.states[1 - k], " if role == "states" else ""
        return f"{name}(own, {rival}p.{role}[k], c, p.behaviour, luck)"


# Drivers. A crisis is a row of words of a table; at the desk it is a record with room for what need not be kept.


@inlined
def _fetch(table: Any, drawn: Any, slots: Any, words: Any, k: Any) -> None:
    """Lay crisis k on the desk, and its own values of what is drawn."""
    for j in range(table.shape[1]):
        words[j] = table[k, j]
    for j in range(slots.size):
        words[slots[j]] = drawn[k, j]


@inlined
def _put_back(table: Any, words: Any, k: Any) -> None:
    for j in range(table.shape[1]):
        table[k, j] = words[j]


@driver
def begin_crises(
    table: Any, drawn: Any, slots: Any, desk: Any, words: Any, luck: Any, begin: Any
) -> None:
    """Let every crisis begin: all clocks get their budgets, and agents draw what is drawn once."""
    c, p = desk[0].c, desk[0].p
    for k in range(table.shape[0]):
        _fetch(table, drawn, slots, words, k)
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])
        begin(c, p, luck)
        _put_back(table, words, k)


@driver
def redraw_budgets(table: Any, drawn: Any, slots: Any, desk: Any, words: Any, luck: Any) -> None:
    """Give all clocks fresh budgets, as one may at any time: they do not remember."""
    c = desk[0].c
    for k in range(table.shape[0]):
        _fetch(table, drawn, slots, words, k)
        for clock in range(c.n_clocks):
            c.budgets[clock] = exponential(c, luck.keys, luck.stream_of[clock])
        _put_back(table, words, k)


@part
def work_on(  # noqa: C901 - one loop, which is all there is
    crises: Any,
    table: Any,
    drawn: Any,
    slots: Any,
    desk: Any,
    words: Any,
    luck: Any,
    first: Any,
    last: Any,
    apart: Any,
    until: Any,
    horizon: Any,
    stop: Any,
    look: Any,
    clocks: Any,
    pass_time: Any,
    happen: Any,
    take: Any,
    fault: Any,
) -> Any:
    """At one desk, take crises `first`, `first + apart` and so on, below `last`, from event to event: see `run_crises`."""
    count = 0
    c, p = desk.c, desk.p
    for k in range(first, last, apart):
        if not crises[k].ongoing:
            continue
        _fetch(table, drawn, slots, words, k)
        if c.asking >= 0:
            take(c, p, luck)
            c.asking = -1
        while c.ongoing and c.now < horizon and c.asking < 0 and c.fault < 0:
            look(c, p, luck)
            found = fault(c)
            if found >= 0:
                c.fault = 3 * found
                break
            c.wait = min(REFRESH_DAYS, horizon - c.now)
            c.event = _NOTHING
            clocks(c, p, luck)
            cut = c.now + c.wait > until
            if cut:
                if not stop or c.now >= until:
                    break  # what comes next is looked for anew, and found again, by whoever goes on
                c.event, c.wait = _NOTHING, until - c.now
            for clock in range(c.n_clocks):
                c.budgets[clock] -= c.rates[clock] * c.wait
            pass_time(c, p, luck)
            found = fault(c)
            if found >= 0:
                c.fault = 3 * found + 1
                break
            if cut:
                c.now = until
                break
            c.now = horizon if c.wait == horizon - c.now else c.now + c.wait
            if c.event >= 0:
                c.happened[c.event] += 1
                happen(c, p, luck)
                found = fault(c)
                if found >= 0:
                    c.fault = 3 * found + 2
            count += 1
        _put_back(table, words, k)
        if c.fault >= 0:
            break
    return count


@driver
def run_crises(
    crises: Any,
    table: Any,
    drawn: Any,
    slots: Any,
    desk: Any,
    words: Any,
    luck: Any,
    first: Any,
    last: Any,
    until: Any,
    horizon: Any,
    stop: Any,
    look: Any,
    clocks: Any,
    pass_time: Any,
    happen: Any,
    take: Any,
    fault: Any,
) -> Any:
    """Take crises `first` to `last - 1` from event to event, as far as events come by `until`; how many there were.

    With `stop` they are brought to `until` itself. A fault ends the run: the crisis says which.
    """
    return work_on(
        crises, table, drawn, slots, desk[0], words, luck, first, last, 1, until, horizon, stop,
        look, clocks, pass_time, happen, take, fault,
    )  # fmt: skip
