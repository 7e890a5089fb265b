"""The sentences of a story: what one turn's events in a journal say, in words.

Every kind of entry that the model writes has a sentence here; an entry of another kind, from an
agent of a user's own, is told by its name and its details.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crisis_sim.report import words
from crisis_sim.report.turning_points import striking_in, third_parties

if TYPE_CHECKING:
    from crisis_sim.model.journal import Entry
    from crisis_sim.scenario.schema import Scenario

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
        title = words.markdown(self._titles.get(agent, "")) or words.label(agent)
        return words.with_article(title)

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
        return [words.sentence(sentence) for sentence in sentences if sentence]

    def _again(self, entry: Entry) -> str:
        """The word for what was told of this agent before, else nothing."""
        before = (entry.kind, entry.agent) in self._told
        self._told.add((entry.kind, entry.agent))
        return " again" if before else ""

    def _together(self, entries: Sequence[Entry]) -> str:
        """One sentence for an event and what came of it at once."""
        if entries[0].kind == "engaged":
            return words.listed([self._sentence(entries[0]), *map(self._style, entries[1:])])
        return "; ".join(map(self._sentence, entries))

    def _move(self, moves: Sequence[Entry], striking: set[str]) -> str:
        one, several = MOVES[moves[0].kind]
        to_rung = words.markdown(moves[0].detail["to_rung"])
        if len(moves) == 1:
            start = words.markdown(moves[0].detail["from_rung"])
            told = f"{self.name(moves[0].agent)} {one} from {start} to {to_rung}"
            told += self._skipped(moves[0])
        else:
            names = words.listed([self.name(move.agent) for move in moves])
            starts = [words.markdown(move.detail["from_rung"]) for move in moves]
            told = f"{names} both {several} to {to_rung}, "
            told += (
                f"from {starts[0]}"
                if len(set(starts)) == 1
                else f"the one from {starts[0]}, the other from {starts[1]}"
            )
        if any(move.agent in striking for move in moves):
            after = words.after(moves[0].hours - self._trigger_at_hours, "the trigger")
            what = (
                "the first strike" if len(striking) == 1 else "the first strikes, by both at once,"
            )
            told += f": {what} of the crisis, {after}"
        return told

    def _skipped(self, move: Entry) -> str:
        """Rungs left out on the way up, as in an elevator rather than on a ladder."""
        low, high = (self._numbers.get(move.detail[key], 0) for key in ("from_rung", "to_rung"))
        return f", skipping {words.plural(high - low - 1, 'rung')}" if high - low > 1 else ""

    def _decision(self, decisions: Sequence[Entry]) -> str:
        detail = decisions[0].detail
        lender = self._scenario.lenders.get(decisions[0].agent)
        borrower = lender.borrower if lender else ""
        items = []
        for decision in decisions:
            amount = f"USD {decision.detail.get('amount_usd_bn', 0.0):.3g} bn"
            to = f" to {self.name(borrower)}" if borrower else ""
            title = words.markdown(decision.detail.get("title", ""))
            items.append(f"“{title}” ({amount}{to})" if title else f"{amount}{to}")
        verb = "approves" if detail.get("decision") == "approved" else "puts off"
        told = f"{self.name(decisions[0].agent)} {verb} {words.listed(items)}"
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
        title = words.markdown(entry.detail.get("title", "")).rstrip(".")
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
        return STYLES.get(style, f"turns to {words.markdown(style)}")

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
            f"{words.label(key).lower()} {_shown(value)}" for key, value in entry.detail.items()
        ]
        what = words.label(entry.kind).lower()
        return f"{who}{what} ({words.listed(details)})" if details else f"{who}{what}"


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
    return f"{value:g}" if isinstance(value, float) else words.markdown(str(value))
