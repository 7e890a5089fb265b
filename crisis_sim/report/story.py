"""The story of one crisis, turn by turn: milestones, sentences, and their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from crisis_sim import text
from crisis_sim.report.real_path import RealRecord, real_record

if TYPE_CHECKING:
    from crisis_sim.model.journal import Entry, Journal
    from crisis_sim.scenario.schema import Scenario


# --- The milestones of one crisis, gathered from its journal: first strike, halts, ending, peaks


@dataclass
class Halt:
    """A ceasefire: when it was agreed, by whose work, and what became of it."""

    agreed_at_hours: float
    brokered_by: str = ""
    in_effect_at_hours: float | None = None
    violations: int = 0
    relapsed_at_hours: float | None = None


@dataclass
class TurningPoints:
    """The milestones of one crisis.

    Attributes:
        trigger_at_hours: the trigger, 0 where the journal has none.
        first_strike: hours and state of the first strike, or None; of several at once, one of them.
        strikers: the states that strike at that moment, in the scenario's order.
        halts: every halt that was agreed, in order.
        ending: how it ended, "" while it goes on.
        ended_at_hours: when: for an agreement the moment when the halt that held took effect.
        last_hours: the last moment of which the journal tells.
        peak_rungs: the highest rung that each state came to, by number.
    """

    trigger_at_hours: float = 0.0
    first_strike: tuple[float, str] | None = None
    strikers: tuple[str, ...] = ()
    halts: list[Halt] = field(default_factory=list)
    ending: str = ""
    ended_at_hours: float | None = None
    last_hours: float = 0.0
    peak_rungs: dict[str, int] = field(default_factory=dict)

    @property
    def ceasefire(self) -> Halt | None:
        """The first halt in effect after the first strike; without a strike the first at all."""
        origin = self.first_strike[0] if self.first_strike else 0.0
        for halt in self.halts:
            if halt.in_effect_at_hours is not None and halt.in_effect_at_hours >= origin:
                return halt
        return None


def turning_points(journal: Journal, scenario: Scenario) -> TurningPoints:
    """Gather the milestones of the crisis that a journal followed."""
    found = TurningPoints()
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    for name, spec in scenario.states.items():
        found.peak_rungs[name] = numbers.get(spec.rung_at_start, 0)
        found.peak_rungs[name] = max(
            (int(rung) for rung in journal.series.get(f"{name}_rung", ())),
            default=found.peak_rungs[name],
        )
    triggers = [entry.hours for entry in journal.entries if entry.kind == "trigger"]
    found.trigger_at_hours = min(triggers, default=0.0)
    for entry in journal.entries:
        _take(found, entry, scenario, numbers)
    if found.first_strike is not None:
        moment = round(found.first_strike[0] * 60.0)
        striking = {found.first_strike[1]} | striking_in(
            (entry for entry in journal.entries if round(entry.hours * 60.0) == moment), scenario
        )
        found.strikers = tuple(name for name in scenario.states if name in striking)
    found.last_hours = max((found.last_hours, *journal.series.get("hours", ())))
    if found.ending == "agreement" and found.halts:
        found.ended_at_hours = found.halts[-1].in_effect_at_hours
    return found


def _take(
    found: TurningPoints, entry: Entry, scenario: Scenario, numbers: Mapping[str, int]
) -> None:
    found.last_hours = max(found.last_hours, entry.hours)
    halt = found.halts[-1] if found.halts else None
    rung = numbers.get(entry.detail.get("to_rung", ""))
    if rung is not None and entry.agent in found.peak_rungs:
        found.peak_rungs[entry.agent] = max(found.peak_rungs[entry.agent], rung)
        if scenario.ladder[rung].strike and found.first_strike is None:
            found.first_strike = (entry.hours, entry.agent)
    if entry.kind == "agreed":
        found.halts.append(Halt(entry.hours, entry.detail.get("by", "")))
    elif entry.kind == "in_effect" and halt is not None:
        halt.in_effect_at_hours = entry.hours
    elif entry.kind == "violation" and halt is not None:
        halt.violations += 1
    elif entry.kind == "relapsed" and halt is not None:
        halt.relapsed_at_hours = entry.hours
    elif entry.kind == "first_strike" and found.first_strike is None:
        found.first_strike = (entry.hours, entry.agent)
    elif entry.kind == "ended":
        found.ending = entry.detail.get("ending", "")
        found.ended_at_hours = None if found.ending == "unresolved" else entry.hours


def striking_in(entries: Iterable[Entry], scenario: Scenario) -> set[str]:
    """The states that some entries see strike: those that climb to a rung with strikes, or are said to."""
    strikes = {rung.name for rung in scenario.ladder if rung.strike}
    return {
        entry.agent
        for entry in entries
        if entry.kind == "first_strike"
        or (entry.kind == "climbed" and entry.detail.get("to_rung") in strikes)
    }


def third_parties(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Each third party of a scenario: its kind, its name and its title."""
    for kind in ("mediators", "channels", "advisers", "lenders"):
        for name, spec in getattr(scenario, kind).items():
            yield kind, name, spec.title


# --- The sentences of a story: what one turn's events in a journal say, in words
#
# Every kind of entry that the model writes has a sentence here; an entry of another kind, from an
# agent of a user's own, is told by its name and its details.

STYLES = {
    "facilitation": "carries messages between the two sides",
    "formulation": "proposes terms that give both sides cover",
    "manipulation": "turns to carrots and sticks",
}

STANCES = {"dove": "urges restraint", "hawk": "urges firmness"}

VOTES = {"for": "votes for it", "abstain": "abstains", "against": "votes against it"}

#: Noted in the journal just before the move that brought them; told after it.
CONSEQUENCES = ("first_strike", "war", "nuclear_use")

MOVES = {"climbed": ("climbs", "climb"), "stepped_down": ("steps down", "step down")}


class Narrator:
    """Puts entries into sentences; it remembers what was told before.

    Args:
        scenario: the crisis, for names and titles.
        trigger_at_hours: the trigger, from which the first strike is counted.
    """

    def __init__(self, scenario: Scenario, trigger_at_hours: float) -> None:
        self._scenario = scenario
        self._trigger_at_hours = trigger_at_hours
        self._numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
        self._titles = {name: spec.title for name, spec in scenario.states.items()}
        self._titles |= {name: title for _, name, title in third_parties(scenario)}
        self._told: set[tuple[str, str]] = set()
        self._began = False

    def name(self, agent: str) -> str:
        """An agent's name as it stands within a sentence."""
        title = text.markdown(self._titles.get(agent, "")) or text.label(agent)
        return text.with_article(title)

    def rival(self, state: str) -> str:
        """The name of the other state."""
        names = self._scenario.state_names
        return self.name(names[1 - names.index(state)] if state in names else "")

    def tell(self, entries: Sequence[Entry]) -> list[str]:
        """The sentences of one turn, in the order of its entries."""
        sentences: list[str] = []
        left = sorted(entries, key=lambda entry: entry.kind in CONSEQUENCES)
        first = any(entry.kind == "first_strike" for entry in entries)
        striking = striking_in(entries, self._scenario) if first else set()
        while left:
            entry = left.pop(0)
            if entry.kind == "first_strike":  # told with the climb that it was
                if not any(_moves(other, entry.agent) for other in entries):
                    sentences.append(f"{self.name(entry.agent)} strikes first")
                continue
            alike = [other for other in left if _told_together(entry, other)]
            for other in alike:
                left.remove(other)
            if entry.kind in MOVES:
                sentences.append(self._move([entry, *alike], striking))
            elif entry.kind == "decided":
                sentences.append(self._decision([entry, *alike]))
            elif alike:
                sentences.append(self._together([entry, *alike]))
            else:
                sentences.append(self._sentence(entry))
        return [text.sentence(sentence) for sentence in sentences if sentence]

    def _again(self, entry: Entry) -> str:
        """The word for what was told of this agent before, else nothing."""
        before = (entry.kind, entry.agent) in self._told
        self._told.add((entry.kind, entry.agent))
        return " again" if before else ""

    def _together(self, entries: Sequence[Entry]) -> str:
        """One sentence for an event and what came of it at once."""
        if entries[0].kind == "engaged":
            return text.listed([self._sentence(entries[0]), *map(self._style, entries[1:])])
        return "; ".join(map(self._sentence, entries))

    def _move(self, moves: Sequence[Entry], striking: set[str]) -> str:
        one, several = MOVES[moves[0].kind]
        to_rung = text.markdown(moves[0].detail["to_rung"])
        if len(moves) == 1:
            start = text.markdown(moves[0].detail["from_rung"])
            told = f"{self.name(moves[0].agent)} {one} from {start} to {to_rung}"
            told += self._skipped(moves[0])
        else:
            names = text.listed([self.name(move.agent) for move in moves])
            starts = [text.markdown(move.detail["from_rung"]) for move in moves]
            told = f"{names} both {several} to {to_rung}, "
            told += (
                f"from {starts[0]}"
                if len(set(starts)) == 1
                else f"the one from {starts[0]}, the other from {starts[1]}"
            )
        if any(move.agent in striking for move in moves):
            after = text.after(moves[0].hours - self._trigger_at_hours, "the trigger")
            what = (
                "the first strike" if len(striking) == 1 else "the first strikes, by both at once,"
            )
            told += f": {what} of the crisis, {after}"
        return told

    def _skipped(self, move: Entry) -> str:
        """Rungs left out on the way up, as in an elevator rather than on a ladder."""
        low, high = (self._numbers.get(move.detail[key], 0) for key in ("from_rung", "to_rung"))
        return f", skipping {text.plural(high - low - 1, 'rung')}" if high - low > 1 else ""

    def _decision(self, decisions: Sequence[Entry]) -> str:
        detail = decisions[0].detail
        lender = self._scenario.lenders.get(decisions[0].agent)
        borrower = lender.borrower if lender else ""
        items = []
        for decision in decisions:
            amount = f"USD {decision.detail.get('amount_usd_bn', 0.0):.3g} bn"
            to = f" to {self.name(borrower)}" if borrower else ""
            title = text.markdown(decision.detail.get("title", ""))
            items.append(f"“{title}” ({amount}{to})" if title else f"{amount}{to}")
        verb = "approves" if detail.get("decision") == "approved" else "puts off"
        told = f"{self.name(decisions[0].agent)} {verb} {text.listed(items)}"
        vote = VOTES.get(detail.get("vote", ""))
        return f"{told}; {self.rival(borrower)} {vote}" if vote and borrower else told

    def _sentence(self, entry: Entry) -> str:
        teller: Callable[[Entry], str] = getattr(self, f"_tell_{entry.kind}", self._tell_other)
        return teller(entry)

    def _tell_trigger(self, entry: Entry) -> str:
        began, self._began = self._began, True
        return self._event(entry) + ("" if began else ". With it the crisis begins")

    def _tell_incident(self, entry: Entry) -> str:
        return self._event(entry)

    def _event(self, entry: Entry) -> str:
        title = text.markdown(entry.detail.get("title", "")).rstrip(".")
        deaths = f"{entry.detail.get('deaths', 0.0):.0f}"
        toll = "" if deaths in ("0", *title.replace(",", "").split()) else f" ({deaths} dead)"
        return f"{title or f'{self.name(entry.agent)} is harmed'}{toll}"

    def _tell_offered(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} offers a halt{self._again(entry)}"

    def _tell_took_back(self, entry: Entry) -> str:
        return f"The rival would talk, but {self.name(entry.agent)} takes its offer back"

    def _tell_agreed(self, entry: Entry) -> str:
        broker = entry.detail.get("by", "")
        if broker:
            return f"The two sides agree to a halt, brokered by {self.name(broker)}"
        return "The two sides agree to a halt, with no one between them"

    def _tell_in_effect(self, entry: Entry) -> str:
        self._told.discard(("violation", ""))
        return "The halt takes effect"

    def _tell_violation(self, entry: Entry) -> str:
        return f"Shots violate the halt{self._again(entry)}"

    def _tell_absorbed(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} does not answer" if entry.agent else "they go unanswered"

    def _tell_relapsed(self, entry: Entry) -> str:
        who = f"{self.name(entry.agent)} answers" if entry.agent else "they are answered"
        return f"{who}, and the halt is over"

    def _tell_accident(self, entry: Entry) -> str:
        return f"An accident: fire from {self.name(entry.agent)} goes astray"

    def _tell_engaged(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)}, alarmed, steps in as a mediator"

    def _tell_style(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} {self._style(entry)}"

    def _style(self, entry: Entry) -> str:
        style = entry.detail.get("style", "")
        return STYLES.get(style, f"turns to {text.markdown(style)}")

    def _tell_withdrew(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} withdraws"

    def _tell_channel_opened(self, entry: Entry) -> str:
        again = self._again(entry)
        opener = entry.detail.get("by", "")
        if opener:
            return f"{self.name(opener)} opens {self.name(entry.agent)}{again}"
        return f"{self.name(entry.agent)} opens{again}"

    def _tell_channel_broke(self, entry: Entry) -> str:
        self._told.add(("channel_opened", entry.agent))
        return f"{self.name(entry.agent)} breaks off{self._again(entry)}"

    def _tell_spoke(self, entry: Entry) -> str:
        adviser = self._scenario.advisers.get(entry.agent)
        to = f" on {self.name(adviser.state)}" if adviser else ""
        stance = STANCES.get(entry.detail.get("stance", ""), "gives advice")
        told = f"{self.name(entry.agent)} {stance}{to if stance != 'gives advice' else ''}"
        return told + self._again(entry)

    def _tell_war(self, entry: Entry) -> str:
        return "The crisis has become a full-scale war"

    def _tell_nuclear_use(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} uses nuclear weapons"

    def _tell_yielded(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} yields: {self.rival(entry.agent)} gets what it wanted"

    def _tell_collapsed(self, entry: Entry) -> str:
        return f"{self.name(entry.agent)} is beaten"

    def _tell_ended(self, entry: Entry) -> str:
        return ""  # the last chapter tells it

    def _tell_other(self, entry: Entry) -> str:
        who = f"{self.name(entry.agent)}: " if entry.agent else ""
        details = [
            f"{text.label(key).lower()} {_shown(value)}" for key, value in entry.detail.items()
        ]
        what = text.label(entry.kind).lower()
        return f"{who}{what} ({text.listed(details)})" if details else f"{who}{what}"


def _moves(entry: Entry, state: str) -> bool:
    return entry.kind in MOVES and entry.agent == state


def _told_together(entry: Entry, other: Entry) -> bool:
    """Whether two entries of one turn make one sentence."""
    if entry.kind == "engaged":
        return other.kind == "style" and other.agent == entry.agent
    if entry.kind == "violation":
        return other.kind in ("absorbed", "relapsed")
    if entry.kind != other.kind:
        return False
    if entry.kind in MOVES:
        same = entry.detail["to_rung"] == other.detail["to_rung"]
        return same and entry.agent != other.agent
    if entry.kind == "decided":
        return entry.agent == other.agent and all(
            entry.detail.get(key) == other.detail.get(key) for key in ("decision", "vote")
        )
    return False


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else text.markdown(str(value))


# --- One crisis told as a story, turn by turn, from the journal of its replicate

#: A pause of so many hours between two turns is told, and a longer one with where both sides stood.
_PAUSE_HOURS = 48.0
_LONG_PAUSE_HOURS = 120.0

#: How each ending is told, in words before and after the moment when it came; that is left out where it is not known.
ENDINGS = {
    "agreement": ("The crisis ended by agreement: the ceasefire", " of {}", " held"),
    "tacit": (
        "The crisis ended tacitly: both stepped down, unsigned, and",
        " by {}",
        " it was over",
    ),
    "unilateral": ("The crisis ended unilaterally:", " on {}", " one side gave way"),
    "imposed": ("The crisis ended with an imposed outcome:", " on {}", " one side was beaten"),
    "faded": (
        "The crisis faded: it went quiet without a settlement, and",
        " by {}",
        " it was over",
    ),
    "unresolved": ("The crisis was still going on when its time ran out", "", ""),
}


def tell(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any] | None = None) -> str:
    """Tell a crisis as a story in Markdown, with local dates and times.

    Args:
        journal: of the replicate, as `crisis_sim.model.CrisisModel` filled it.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column, if at hand; its deaths are told.

    Returns:
        The story: who is in it; what happened, a paragraph a turn; how it ended, in numbers; and,
        where the scenario has a real path, how that compares.
    """
    points = turning_points(journal, scenario)
    narrator = Narrator(scenario, points.trigger_at_hours)
    chapters = [
        f"# {text.markdown(scenario.title)}",
        _cast(scenario, narrator),
        *_chapters(journal, scenario, points, narrator),
        "## How it ended",
        _ending(scenario, points, narrator),
        "\n".join(f"- {fact}" for fact in _facts(journal, scenario, points, narrator, outcome)),
    ]
    record = real_record(scenario.plain())
    if record is not None:
        compared = _beside_the_record(journal, scenario, points, record)
        if compared:
            chapters += ["## Beside the record", compared]
    return "\n\n".join(chapters) + "\n"


def _cast(scenario: Scenario, narrator: Narrator) -> str:
    """Who is in it, and how times are told."""
    states = text.listed([narrator.name(state) for state in scenario.state_names])
    told = [
        f"One simulated crisis between {states}, from "
        f"{text.moment(scenario.start, year=True)}. Times are {text.offset(scenario.start)}, "
        f"to the turn of {text.plural(scenario.hours_per_turn, 'hour')}."
    ]
    names = {
        kind: [narrator.name(name) for name in getattr(scenario, kind)]
        for kind in ("mediators", "channels")
    }
    if names["mediators"]:
        told.append(f"Able to mediate: {text.listed(names['mediators'])}.")
    for name, lender in scenario.lenders.items():
        told.append(
            text.sentence(f"{narrator.name(name)} lends to {narrator.name(lender.borrower)}")
        )
    if names["channels"]:
        told.append(f"Private lines between the two: {text.listed(names['channels'])}.")
    for name, adviser in scenario.advisers.items():
        told.append(text.sentence(f"{narrator.name(name)} advises {narrator.name(adviser.state)}"))
    return " ".join(told)


def _chapters(
    journal: Journal, scenario: Scenario, points: TurningPoints, narrator: Narrator
) -> Iterator[str]:
    """A heading for each phase, and a paragraph for each turn in which something happened."""
    rungs = {
        name: spec.rung_at_start or scenario.ladder[0].name
        for name, spec in scenario.states.items()
    }
    heading, before = "", 0.0
    for hours, entries in _turns(journal):
        new_heading = _phase(entries, points, heading)
        if new_heading != heading:
            heading = new_heading
            yield f"## {heading}"
        sentences = narrator.tell(entries)
        pause = _pause(hours - before, rungs, narrator)
        for entry in entries:
            if "to_rung" in entry.detail:
                rungs[entry.agent] = entry.detail["to_rung"]
        before = hours
        if sentences:
            sentences[0] = pause + sentences[0]
            yield f"**{_moment(scenario, hours)}.** {' '.join(sentences)}"


def _turns(journal: Journal) -> Iterator[tuple[float, list[Entry]]]:
    """Entries by the minute in which they happened."""
    in_order = sorted(journal.entries, key=lambda entry: entry.hours)
    for minute, entries in groupby(in_order, key=lambda entry: round(entry.hours * 60.0)):
        yield minute / 60.0, list(entries)


def _phase(entries: list[Entry], points: TurningPoints, heading: str) -> str:
    """The heading under which a turn stands."""
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
    """A sentence on the time in which nothing happened, where it was long."""
    if hours < _PAUSE_HOURS:
        return ""
    days = round(hours / 24.0)
    told = text.sentence(f"{text.in_letters(days)} days pass")
    if hours < _LONG_PAUSE_HOURS:
        return f"{told} "
    stands = {text.markdown(rung) for rung in rungs.values()}
    where = [f"{narrator.name(state)} at {text.markdown(rung)}" for state, rung in rungs.items()]
    both = f"both sides at {min(stands)}" if len(stands) == 1 else text.listed(where)
    return f"{told[:-1]} with {both}. "


def _ending(scenario: Scenario, points: TurningPoints, narrator: Narrator) -> str:
    when = points.ended_at_hours
    at = "" if when is None else _moment(scenario, when, year=True)
    if points.ending == "agreement" and points.halts and when is not None:
        halt = points.halts[-1]
        at += f", brokered by {narrator.name(halt.brokered_by)}," if halt.brokered_by else ""
        at = at if halt.brokered_by else f"{at},"
    before, moment, after = ENDINGS.get(
        points.ending, ("The story breaks off before its end", "", "")
    )
    told = before + (moment.format(at) if at else "") + after
    if points.ending == "agreement" and when is not None:
        told += f" for the {text.duration(points.last_hours - when)} for which it was watched"
    return text.sentence(told)


def _moment(scenario: Scenario, hours: float, year: bool = False) -> str:
    """The date and time so many hours after the start, to the minute."""
    return text.moment(scenario.moment(round(hours * 60.0) / 60.0), year)


def _facts(
    journal: Journal,
    scenario: Scenario,
    points: TurningPoints,
    narrator: Narrator,
    outcome: Mapping[str, Any] | None,
) -> Iterator[str]:
    yield _strike_fact(scenario, points, narrator)
    yield from (_halt_fact(halt, points, narrator) for halt in points.halts)
    if not points.halts:
        yield "Halt: none was agreed."
    peaks = [
        f"{narrator.name(state)} “{text.markdown(scenario.ladder[rung].name)}”"
        for state, rung in points.peak_rungs.items()
    ]
    yield f"Highest rung: {text.listed(peaks)}."
    if outcome is not None and "deaths" in outcome:
        yield f"Deaths: about {text.count(float(outcome['deaths']))}."
    lows = [
        f"{text.markdown(spec.market.index)} {100.0 * min(series):.1f}%"
        for state, spec in scenario.states.items()
        if (series := journal.series.get(f"{state}_market"))
    ]
    if lows:
        yield f"Lowest market, of the level at the start: {text.listed(lows)}."


def _strike_fact(scenario: Scenario, points: TurningPoints, narrator: Narrator) -> str:
    if points.first_strike is None:
        return "First strike: none fell."
    hours, _ = points.first_strike
    after = text.after(hours - points.trigger_at_hours, "the trigger")
    at = _moment(scenario, hours)
    states = text.listed([narrator.name(state) for state in points.strikers])
    return f"First strike: {after}, by {states}{' at once' * (len(points.strikers) > 1)} ({at})."


def _halt_fact(halt: Halt, points: TurningPoints, narrator: Narrator) -> str:
    if halt.in_effect_at_hours is None:
        return "Halt: agreed, but it never took effect."
    clock, origin = "the trigger", points.trigger_at_hours
    if points.first_strike is not None and halt.in_effect_at_hours >= points.first_strike[0]:
        clock, origin = "the first strike", points.first_strike[0]
    told = f"Halt: in effect {text.after(halt.in_effect_at_hours - origin, clock)}"
    told += f", brokered by {narrator.name(halt.brokered_by)}" if halt.brokered_by else ""
    told += f"; violated {_times(halt.violations)}" if halt.violations else "; never violated"
    if halt.relapsed_at_hours is None:
        held = points.ending == "agreement" and halt is points.halts[-1]
        return f"{told}; {'it held' if held else 'no end of it was seen'}."
    return f"{told}; over after {text.duration(halt.relapsed_at_hours - halt.in_effect_at_hours)}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _beside_the_record(
    journal: Journal, scenario: Scenario, points: TurningPoints, record: RealRecord
) -> str:
    """What really happened, and the same here, measure by measure."""
    lines = []
    real_strike = record.first_strike_at_hours
    if real_strike is not None:
        here = None
        if points.first_strike is not None:
            here = points.first_strike[0] - points.trigger_at_hours
        lines.append(
            _compared(
                "First strike",
                real_strike - record.trigger_at_hours,
                here,
                "the trigger",
                "none fell",
            )
        )
    real_halt = record.ceasefire_after_hours("from_first_strike")
    if real_halt is not None:
        halt, here = points.ceasefire, None
        if halt is not None and halt.in_effect_at_hours is not None and points.first_strike:
            here = halt.in_effect_at_hours - points.first_strike[0]
        none = "none came" if points.first_strike else "no strike fell"
        lines.append(_compared("Ceasefire", real_halt, here, "the first strike", none))
    numbers = {rung.name: number for number, rung in enumerate(scenario.ladder)}
    real_peak = max(
        (numbers[rung] for steps in record.rungs.values() for _, rung in steps if rung in numbers),
        default=None,
    )
    if real_peak is not None:
        names = [
            text.markdown(scenario.ladder[rung].name)
            for rung in (real_peak, max(points.peak_rungs.values()))
        ]
        lines.append(f"Highest rung: “{names[0]}” in fact; “{names[1]}” here.")
    for state, index in record.markets.items():
        here_levels = journal.series.get(f"{state}_market")
        if here_levels:
            lines.append(
                f"Lowest {text.markdown(index.name)}, of its level at the start: "
                f"{100.0 * index.lowest:.1f}% in fact; {100.0 * min(here_levels):.1f}% here."
            )
    return "\n".join(f"- {line}" for line in lines)


def _compared(what: str, real: float, here: float | None, since: str, none: str) -> str:
    """How long something took in fact and here, in hours since the same; `none` where it never came here."""
    if real < 0.0 or (here is not None and here < 0.0):  # before it: each moment is told on its own
        told = none if here is None else text.after(here, since)
        return f"{what}: {text.after(real, since)} in fact; {told} here."
    told = none if here is None else text.duration(here)
    return f"{what} after {since}: {text.duration(real)} in fact; {told} here."


# --- One crisis in two sentences of plain text: its first strike, its end, and what it cost

#: How each ending is told; an agreement has a sentence of its own.
_ENDINGS = {
    "tacit": "both sides stepped down and nothing was signed",
    "unilateral": "one side gave way",
    "imposed": "one side was beaten",
    "faded": "it went quiet without a settlement",
    "unresolved": "it was still going on when its time ran out",
}


def gist_of(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any]) -> str:
    """A crisis in short.

    Args:
        journal: of the replicate.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column.
    """
    points = turning_points(journal, scenario)
    titles = {name: spec.title for name, spec in scenario.states.items()}
    titles |= {name: title for _, name, title in third_parties(scenario)}
    end = _end(points, titles)
    if points.first_strike is None:
        told = f"No strike fell, and {end}" if end else "No strike fell"
    else:
        hours, _ = points.first_strike
        states = text.listed([_name(state, titles) for state in points.strikers])
        struck = "struck first" if len(points.strikers) == 1 else "both struck first, at once"
        told = f"{states} {struck}, {text.after(hours - points.trigger_at_hours, 'the trigger')}"
        told = f"{told}; {end}" if end else told
    peak = text.clean(scenario.ladder[max(points.peak_rungs.values())].name)
    deaths = text.count(float(outcome["deaths"]))
    return f"{text.sentence(told)} Highest rung: {peak}. About {deaths} deaths."


def _end(points: TurningPoints, titles: Mapping[str, str]) -> str:
    if points.ending != "agreement" or not points.halts or points.ended_at_hours is None:
        return _ENDINGS.get(points.ending, "")
    halt = points.halts[-1]
    said = [
        f"brokered by {_name(halt.brokered_by, titles)}" if halt.brokered_by else "agreed directly"
    ]
    if len(points.halts) > 1:
        said.append(f"after {text.in_letters(len(points.halts) - 1)} that did not hold")
    came = text.after(points.ended_at_hours - points.trigger_at_hours, "the trigger")
    if points.first_strike is not None and points.ended_at_hours >= points.first_strike[0]:
        came = f"{text.duration(points.ended_at_hours - points.first_strike[0])} later"
    return f"a ceasefire, {', '.join(said)}, came {came} and held"


def _name(agent: str, titles: Mapping[str, str]) -> str:
    return text.with_article(text.clean(titles.get(agent, "")) or text.label(agent))


# --- A story's Markdown as HTML, fit to stand within a page

#: Levels by which a story's headings move down: its title is left out, and its chapters come below the page's own.
_DEEPER = 2
#: All that stories are made of. Neither links nor pictures nor HTML are among it, whatever a scenario's texts hold.
_RULES = ("heading", "list", "emphasis", "escape", "entity")


def story_html(story: str) -> str:
    """A story as HTML, without its title.

    Args:
        story: Markdown, as `crisis_sim.report.tell` gives it.
    """
    markdown = MarkdownIt("zero", {"html": False}).enable(list(_RULES))
    _, _, body = story.partition("\n")
    tokens = markdown.parse(body)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + _DEEPER, 6)}"
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html
