"""The story of one crisis, event by event: milestones, sentences, and their order.

`SENTENCES` has a sentence for each kind of journal entry; `templates/story.md.jinja` has the text around them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crisis_sim import text
from crisis_sim.report.real_path import real_record

if TYPE_CHECKING:
    import jinja2

    from crisis_sim.model.journal import Entry, Journal
    from crisis_sim.scenario.schema import Scenario


@dataclass
class Halt:
    """An agreed ceasefire: its broker, when it took effect, its violations and its end."""

    brokered_by: str = ""
    in_effect_at_hours: float | None = None
    violations: int = 0
    relapsed_at_hours: float | None = None


@dataclass
class TurningPoints:
    """The milestones of one crisis.

    Attributes:
        trigger_at_hours: the time of the trigger, 0 if the journal has none.
        first_strike: the time and state of the first strike, or None.
        halts: all agreed halts, in order.
        ending: the kind of ending, "" while the crisis goes on.
        ended_at_hours: the time of the ending; of an agreement, when the halt that held took effect.
        last_hours: the time of the journal's last entry or step.
        peak_rungs: the highest rung of each state, by its number on the ladder.
    """

    trigger_at_hours: float = 0.0
    first_strike: tuple[float, str] | None = None
    halts: list[Halt] = field(default_factory=list)
    ending: str = ""
    ended_at_hours: float | None = None
    last_hours: float = 0.0
    peak_rungs: dict[str, int] = field(default_factory=dict)

    @property
    def strike_at_hours(self) -> float | None:
        """The time of the first strike, or None."""
        return None if self.first_strike is None else self.first_strike[0]

    @property
    def ceasefire(self) -> Halt | None:
        """The first halt that took effect after the first strike, or at all if there was no strike."""
        origin = self.first_strike[0] if self.first_strike else 0.0
        for halt in self.halts:
            if halt.in_effect_at_hours is not None and halt.in_effect_at_hours >= origin:
                return halt
        return None


def turning_points(journal: Journal, scenario: Scenario) -> TurningPoints:
    """Return the milestones of the crisis in a journal."""
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    triggers = [entry.hours for entry in journal.entries if entry.kind == "trigger"]
    points = TurningPoints(trigger_at_hours=min(triggers, default=0.0))
    for name, spec in scenario.states.items():
        start = numbers.get(spec.rung_at_start, 0)
        points.peak_rungs[name] = int(max(journal.series.get(f"{name}_rung", ()), default=start))
    for entry in journal.entries:
        _add_entry(points, entry, scenario, numbers)
    hours = [entry.hours for entry in journal.entries]
    points.last_hours = max((0.0, *hours, *journal.series.get("hours", ())))
    if journal.entries and not points.ending and points.last_hours >= scenario.horizon_hours:
        points.ending = "unresolved"
    if points.ending == "agreement" and points.halts:
        points.ended_at_hours = points.halts[-1].in_effect_at_hours
    return points


def _add_entry(
    points: TurningPoints, entry: Entry, scenario: Scenario, numbers: Mapping[str, int]
) -> None:
    halt = points.halts[-1] if points.halts else None
    rung = numbers.get(entry.detail.get("to_rung", ""))
    strikes = entry.kind == "first_strike"
    if rung is not None and entry.agent in points.peak_rungs:
        points.peak_rungs[entry.agent] = max(points.peak_rungs[entry.agent], rung)
        strikes = strikes or scenario.ladder[rung].strike
    if strikes and points.first_strike is None:
        points.first_strike = (entry.hours, entry.agent)
    if entry.kind == "agreed":
        points.halts.append(Halt(entry.detail.get("by", "")))
    elif entry.kind == "in_effect" and halt is not None:
        halt.in_effect_at_hours = entry.hours
    elif entry.kind == "violation" and halt is not None:
        halt.violations += 1
    elif entry.kind == "relapsed" and halt is not None:
        halt.relapsed_at_hours = entry.hours
    elif entry.kind == "ended":
        points.ending = entry.detail.get("ending", "")
        points.ended_at_hours = None if points.ending == "unresolved" else entry.hours


def titles(scenario: Scenario) -> dict[str, str]:
    """The title of each agent, by name."""
    states = {name: spec.title for name, spec in scenario.states.items()}
    return states | {name: title for _, name, title in third_parties(scenario)}


def third_parties(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, name and title of each third party of a scenario."""
    for kind in ("mediators", "channels", "advisers", "lenders"):
        for name, spec in getattr(scenario, kind).items():
            yield kind, name, spec.title


#: A sentence for each kind of entry that the model writes. After a colon: for entries with that stance or decision, or, for
#: `by`, entries that name another agent.
SENTENCES = {
    "trigger": "{event}{begins}",
    "incident": "{event}",
    "act": "{agent} turns to “{rung}”{again}{first}",
    "first_strike": "{agent} strikes first",
    "planned": "{agent} begins to prepare “{rung}”{again}",
    "plan_dropped": "{agent} has nothing left to respond to and drops its plan for “{rung}”",
    "operation_ended": "{agent} ends its “{rung}”",
    "offered": "{agent} offers a halt{again}",
    "agreed": "The two sides agree to a halt directly, without a mediator",
    "agreed:by": "The two sides agree to a halt, brokered by {by}",
    "in_effect": "The halt takes effect",
    "violation": "Shots from {agent} violate the halt{again}",
    "absorbed": "{agent} does not respond",
    "relapsed": "{agent} responds, and the halt is over",
    "accident": "An accident: fire from {agent} goes astray",
    "engaged": "{agent} steps in as a mediator",
    "refused": "{by} refuses {agent} as a mediator, which continues in private",
    "channel_opened": "{agent} opens{again}",
    "channel_broke": "{agent} breaks off{again}",
    "spoke": "{agent} gives advice{again}",
    "spoke:dove": "{agent} urges restraint{to}{again}",
    "spoke:hawk": "{agent} urges firmness{to}{again}",
    "war": "The crisis has become a full-scale war",
    "nuclear_use": "{agent} uses nuclear weapons",
    "yielded": "{agent} yields: {rival} gets what it wanted",
    "collapsed": "{agent} is beaten",
    "decided": "{agent} puts off {items}{vote}",
    "decided:approved": "{agent} approves {items}{vote}",
    "ended": "",  # described in the last chapter
}
VOTES = {
    "for": "; {rival} votes for it",
    "abstain": "; {rival} abstains",
    "against": "; {rival} votes against it",
}
#: A sentence for each ending, with the moment if it is known; and a clause to follow a semicolon.
ENDINGS = {
    "agreement": "The crisis ended by agreement: the ceasefire{of} held",
    "tacit": "The crisis ended tacitly: both had acted, nothing was signed, and it was over{by}",
    "unilateral": "The crisis ended unilaterally: one side gave way{on}",
    "imposed": "The crisis ended with an imposed outcome: one side was beaten{on}",
    "faded": "The crisis faded: it went quiet without a settlement, and it was over{by}",
    "unresolved": "The crisis was still going on when the simulation ended",
}
ENDINGS_IN_SHORT = {
    "tacit": "the crisis went quiet after both had acted, and nothing was signed",
    "unilateral": "one side gave way",
    "imposed": "one side was beaten",
    "faded": "the crisis went quiet without a settlement",
    "unresolved": "the crisis was still going on when the simulation ended",
}


class Narrator:
    """Turns journal entries into sentences; it remembers earlier ones, to avoid repetition."""

    def __init__(self, scenario: Scenario, trigger_at_hours: float) -> None:
        self._scenario = scenario
        self._trigger_at_hours = trigger_at_hours
        self._titles = titles(scenario)
        self._mentioned: set[tuple[str, str, str]] = set()

    def name(self, agent: str) -> str:
        """An agent's name as used within a sentence."""
        title = text.markdown(self._titles.get(agent, "")) or text.label(agent)
        return text.with_article(title)

    def rival(self, state: str) -> str:
        """The name of the other state."""
        names = self._scenario.state_names
        return self.name(names[1 - names.index(state)] if state in names else "")

    def tell(self, entries: Sequence[Entry]) -> list[str]:
        """The sentences of one moment, in the order of its entries, but triggers and incidents first."""
        sentences: list[str] = []
        remaining = sorted(entries, key=lambda entry: entry.kind not in ("trigger", "incident"))
        while remaining:
            entry = remaining.pop(0)
            group = [entry, *(other for other in remaining if _share_sentence(entry, other))]
            for other in group[1:]:
                remaining.remove(other)
            if entry.kind == "decided":
                sentences.append(self._decision(group))
            elif entry.kind == "act":
                after = text.after(entry.hours - self._trigger_at_hours, "the trigger")
                first = f": the first strike of the crisis, {after}" if len(group) > 1 else ""
                sentences.append(self._sentence(entry, first=first))
            else:
                sentences.append("; ".join(map(self._sentence, group)))
        return [text.sentence(sentence) for sentence in sentences if sentence]

    def _sentence(self, entry: Entry, **fields: str) -> str:
        """The sentence of an entry; its kind and details if there is none in `SENTENCES`."""
        detail = entry.detail
        variants = [detail.get(key, "") for key in ("stance", "decision")]
        variants += ["by"] if detail.get("by") else []
        kinds = [kind for variant in variants if (kind := f"{entry.kind}:{variant}") in SENTENCES]
        sentence = SENTENCES.get(kinds[0] if kinds else entry.kind)
        if sentence is None:
            subject = f"{self.name(entry.agent)}: " if entry.agent else ""
            details = [
                f"{text.label(key).lower()} {_format(value)}" for key, value in detail.items()
            ]
            suffix = f" ({text.listed(details)})" if details else ""
            return f"{subject}{text.label(entry.kind).lower()}{suffix}"
        rung = str(detail.get("rung", detail.get("to_rung", "")))
        if entry.kind == "in_effect":
            self._mentioned = {event for event in self._mentioned if event[0] != "violation"}
        if entry.kind == "channel_broke":
            self._mentioned.add(("channel_opened", entry.agent, ""))
        event = (entry.kind, "" if entry.kind == "trigger" else entry.agent, rung)
        before = event in self._mentioned
        self._mentioned.add(event)
        adviser = self._scenario.advisers.get(entry.agent)
        return sentence.format_map(
            {
                "agent": self.name(entry.agent),
                "rival": self.rival(entry.agent),
                "by": self.name(str(detail.get("by", ""))),
                "rung": text.markdown(rung),
                "first": "",
                "to": f" on {self.name(adviser.state)}" if adviser else "",
                "event": self._event(entry) if "{event}" in sentence else "",
                "again": " again" if before else "",
                "begins": "" if before else ". The crisis begins",
            }
            | fields
        )

    def _event(self, entry: Entry) -> str:
        title = text.markdown(entry.detail.get("title", "")).rstrip(".")
        deaths = f"{entry.detail.get('deaths', 0.0):.0f}"
        toll = "" if deaths in ("0", *title.replace(",", "").split()) else f" ({deaths} dead)"
        return f"{title or f'{self.name(entry.agent)} is harmed'}{toll}"

    def _decision(self, decisions: Sequence[Entry]) -> str:
        lender = self._scenario.lenders.get(decisions[0].agent)
        borrower = lender.borrower if lender else ""
        to = f" to {self.name(borrower)}" if borrower else ""
        items = []
        for decision in decisions:
            amount = f"USD {decision.detail.get('amount_usd_bn', 0.0):.3g} bn{to}"
            title = text.markdown(decision.detail.get("title", ""))
            items.append(f"“{title}” ({amount})" if title else amount)
        vote = VOTES.get(decisions[0].detail.get("vote", ""), "") if borrower else ""
        return self._sentence(
            decisions[0],
            items=text.listed(items),
            vote=vote.format(rival=self.rival(borrower)),
        )


def _share_sentence(entry: Entry, other: Entry) -> bool:
    """Return whether two entries of one moment are put into one sentence."""
    if entry.kind == "act":
        return other.kind == "first_strike" and other.agent == entry.agent
    if entry.kind == "engaged":
        return other.kind == "refused" and other.agent == entry.agent
    if entry.kind == "violation":
        return other.kind in ("absorbed", "relapsed")
    return entry.kind == other.kind == "decided" and all(
        (entry.agent, entry.detail.get(key)) == (other.agent, other.detail.get(key))
        for key in ("decision", "vote")
    )


def _format(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else text.markdown(str(value))


# --- Templates


@cache
def environment() -> jinja2.Environment:
    """The Jinja environment of pages and stories, with `crisis_sim.text` as a global.

    HTML templates escape all text; control characters are escaped in all templates.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crisis_sim.report"),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.globals["text"] = text
    return environment


def _printable(value: Any) -> Any:
    """Escape control characters of a value; markup made by a macro is left unchanged."""
    return value if hasattr(value, "__html__") else text.printable_lines(str(value))


# --- The story

#: Pauses of at least this many hours are mentioned; long ones with the current rung of both states.
_PAUSE_HOURS, _LONG_PAUSE_HOURS = 48.0, 120.0


def tell(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any] | None = None) -> str:
    """Tell a crisis as a story in Markdown, with local dates and times.

    The story introduces the agents, describes the events in a paragraph for each moment, gives the outcome in numbers, and,
    if the scenario has a real path, compares the crisis with it.

    Args:
        journal: the replicate's journal, filled by `crisis_sim.model.CrisisModel`.
        scenario: the crisis that was run.
        outcome: the replicate's outcomes by column, for the deaths and the time when strikes paused.
    """
    points = turning_points(journal, scenario)
    narrator = Narrator(scenario, points.trigger_at_hours)
    record = real_record(scenario.plain())
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    real_rungs = [rung for steps in (record.rungs if record else {}).values() for _, rung in steps]
    markets = {state: journal.series.get(f"{state}_market") for state in scenario.states}
    template = environment().get_template("story.md.jinja")
    story = template.render(
        scenario=scenario,
        name=narrator.name,
        moment=lambda hours: _moment(scenario, hours),
        points=points,
        chapters=list(_chapters(journal, scenario, points, narrator)),
        ending=_ending(scenario, points, narrator),
        deaths=None if outcome is None else outcome.get("deaths"),
        paused=None if outcome is None else _time(outcome.get("strikes_paused_at_hours")),
        lowest={state: min(levels) for state, levels in markets.items() if levels},
        record=record,
        real_peak=max((numbers[rung] for rung in real_rungs if rung in numbers), default=None),
    )
    return re.sub("\n{3,}", "\n\n", story).strip() + "\n"


def _chapters(
    journal: Journal, scenario: Scenario, points: TurningPoints, narrator: Narrator
) -> Iterator[str]:
    """Yield a heading for each phase and a paragraph for each moment with events."""
    heading, before = "", 0.0
    in_order = sorted(journal.entries, key=lambda entry: entry.hours)
    for minute, at_once in groupby(in_order, key=lambda entry: round(entry.hours * 60.0)):
        hours, entries = minute / 60.0, list(at_once)
        new_heading = _phase(entries, points, heading)
        if new_heading != heading:
            heading = new_heading
            yield f"## {heading}"
        sentences = narrator.tell(entries)
        pause = _pause(hours - before, _current_rungs(journal, scenario, hours), narrator)
        before = hours
        if sentences:
            yield f"**{_moment(scenario, hours)}.** {pause}{' '.join(sentences)}"


def _current_rungs(journal: Journal, scenario: Scenario, hours: float) -> dict[str, str]:
    """The current rung of each state at the last step before a moment."""
    last = bisect_left(journal.series.get("hours", ()), hours) - 1
    return {
        name: scenario.ladder[int(journal.series[f"{name}_rung"][last])].name
        for name in scenario.states
        if last >= 0
    }


def _time(hours: Any) -> float | None:
    """The time of an outcome, or None if it never happened."""
    return None if hours is None or math.isnan(hours) else float(hours)


def _phase(entries: list[Entry], points: TurningPoints, heading: str) -> str:
    """The heading of the chapter to which a moment belongs."""
    kinds = {entry.kind for entry in entries}
    if "relapsed" in kinds:
        return "After the halt failed"
    if "in_effect" in kinds:
        return "A new halt" if heading == "After the halt failed" else "The halt"
    if points.first_strike is not None and entries[-1].hours >= points.first_strike[0]:
        return "Under fire" if heading in ("", "Before the first strike") else heading
    if heading:
        return heading
    return "The crisis" if points.first_strike is None else "Before the first strike"


def _pause(hours: float, rungs: Mapping[str, str], narrator: Narrator) -> str:
    """A sentence on a long time without events; "" if it was short."""
    if hours < _PAUSE_HOURS:
        return ""
    sentence = f"{text.in_letters(round(hours / 24.0)).capitalize()} days pass"
    if hours < _LONG_PAUSE_HOURS or not rungs:
        return f"{sentence}. "
    names = {text.markdown(rung) for rung in rungs.values()}
    states = [f"{narrator.name(state)} at “{text.markdown(rung)}”" for state, rung in rungs.items()]
    both = f"both sides at “{min(names)}”" if len(names) == 1 else text.listed(states)
    return f"{sentence} with {both}. "


def _ending(scenario: Scenario, points: TurningPoints, narrator: Narrator) -> str:
    when = points.ended_at_hours
    at = "" if when is None else _moment(scenario, when, year=True)
    agreed = points.ending == "agreement" and when is not None
    if agreed and points.halts:
        broker = points.halts[-1].brokered_by
        at += f", brokered by {narrator.name(broker)}," if broker else ","
    sentence = ENDINGS.get(points.ending, "The story breaks off before its end")
    sentence = sentence.format(**{of: f" {of} {at}" if at else "" for of in ("of", "by", "on")})
    if agreed:
        watched = text.duration(points.last_hours - (when or 0.0))
        sentence += f" for the {watched} for which it was watched"
    return text.sentence(sentence)


def _moment(scenario: Scenario, hours: float, year: bool = False) -> str:
    """Format the date and time, to the minute, of a number of hours after the start."""
    return text.moment(scenario.moment(round(hours * 60.0) / 60.0), year)


def gist_of(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any]) -> str:
    """Return a short plain-text version: the first strike, the ending, the highest act and the deaths."""
    points, title = turning_points(journal, scenario), titles(scenario)

    def name(agent: str) -> str:
        return text.with_article(text.clean(title.get(agent, "")) or text.label(agent))

    end = ENDINGS_IN_SHORT.get(points.ending, "")
    if points.ending == "agreement" and points.halts and points.ended_at_hours is not None:
        broker, failed = points.halts[-1].brokered_by, len(points.halts) - 1
        how = f"brokered by {name(broker)}" if broker else "agreed directly"
        how += f", after {text.in_letters(failed)} that did not hold" if failed else ""
        came = text.after(points.ended_at_hours - points.trigger_at_hours, "the trigger")
        if points.first_strike is not None and points.ended_at_hours >= points.first_strike[0]:
            came = f"{text.duration(points.ended_at_hours - points.first_strike[0])} later"
        end = f"a ceasefire, {how}, came {came} and held"
    if points.first_strike is None:
        sentence = f"There was no strike, and {end}" if end else "There was no strike"
    else:
        after = text.after(points.first_strike[0] - points.trigger_at_hours, "the trigger")
        sentence = f"{name(points.first_strike[1])} struck first, {after}{end and '; '}{end}"
    peak = text.clean(scenario.ladder[max(points.peak_rungs.values())].name)
    deaths = text.count(float(outcome["deaths"]))
    return f"{text.sentence(sentence)} Highest act: {peak}. About {deaths} deaths."


def story_html(story: str, deeper: int = 2) -> str:
    """Convert a story to HTML without its title, with headings `deeper` levels down.

    Links, images and HTML in a scenario's texts are shown as plain text.
    """
    from markdown_it import MarkdownIt

    rules = ["heading", "list", "emphasis", "escape", "entity"]
    markdown = MarkdownIt("zero", {"html": False}).enable(rules)
    tokens = markdown.parse(story.partition("\n")[2])
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + deeper, 6)}"
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html
