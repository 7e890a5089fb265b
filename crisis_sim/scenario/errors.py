"""Mistakes in scenario files, as the person who made them is shown them; and what has replaced parameters that are gone.

Each says what is wrong, where, what was expected and what was perhaps meant:

    scenarios/border.yaml:14:5: error: unknown key 'leverge'
    14 |     leverge: {india: 0.3}
       |     ^
       expected: title, style, attention_threshold, ... or interest
       did you mean 'leverage'?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crisis_sim.text import listed, printable

#: Mistakes of one kind that are looked for, and that a report shows, at most: who made so many has
#: not made them one by one.
MAX_MISTAKES = 100
#: Characters of a line, or of a message, that are shown at most.
WIDTH = 100
LONGEST_MESSAGE = 300
#: Letters of a word for which a like one is looked for.
LONGEST_WORD = 100


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a scenario file or an override.

    Attributes:
        file: the file as the person would call it, or `--set`.
        line: number of the line, counted from 1; 0 where the whole file is meant.
        column: number of the character in it, counted from 1.
        message: what is wrong, in one line.
        expected: what would have been right; may be empty.
        suggestion: the nearest valid name; may be empty.
        source_line: the line itself.
    """

    file: str
    line: int
    column: int
    message: str
    expected: str = ""
    suggestion: str = ""
    source_line: str = ""

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        report = [f"{printable(self.file)}{place}: error: {_short(self.message)}"]
        margin = "  "
        if self.line:
            number = str(self.line)
            margin = " " * (len(number) + 1)
            shown, indent = _window(self.source_line, self.column)
            report += [f"{number} | {shown}".rstrip(), f"{margin}| {' ' * indent}^"]
        if self.expected:
            report.append(f"{margin}expected: {_short(self.expected)}")
        if self.suggestion:
            report.append(f"{margin}did you mean {printable(repr(self.suggestion))}?")
        return "\n".join(report)


class ScenarioError(Exception):
    """A scenario has mistakes.

    Attributes:
        mistakes: all of them, by file and place. `str()` of the error is the whole report.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        report = [str(mistake) for mistake in self.mistakes[:MAX_MISTAKES]]
        if count > MAX_MISTAKES:
            report.append(f"the first {MAX_MISTAKES} of more than {MAX_MISTAKES} mistakes")
        elif count > 1:
            report.append(f"{count} mistakes")
        return "\n".join(report)


class RequestError(Exception):
    """A request that cannot be carried out; the message gives the reason and what is possible instead."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like a given one, or "" where none is near."""
    if len(word) > LONGEST_WORD:  # to compare takes time by the square of the length
        return ""
    import difflib

    near = [one for one in known if len(one) <= LONGEST_WORD]
    matches = difflib.get_close_matches(word, near, n=1, cutoff=0.65)
    return matches[0] if matches else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as the end of a message, such as "; did you mean 'halt'?"; "" where none is near."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""


def one_of(words: Iterable[str], last: str = "or") -> str:
    """Words as a person would list them: `a, b or c`; with another word before the last."""
    return listed([*dict.fromkeys(words)], last)


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 3]}..."


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column, escaped, and how many cells of a terminal lie before the column."""
    from rich.cells import cell_len

    start = max(0, column - 1 - WIDTH // 2) if len(line) > WIDTH else 0
    before, after = (
        printable(part.replace("\t", " "))
        for part in (line[start : column - 1], line[column - 1 : start + WIDTH])
    )
    before = ("... " if start else "") + before
    tail = " ..." if start + WIDTH < len(line) else ""
    return f"{before}{after}{tail}", cell_len(before)


# Parameters of the model's first generation that are gone, and what does their work now. The table serves error messages
# and docs/model_versions.md alike.

#: Where the generations are compared.
PAGE = "docs/model_versions.md"

#: Sections of which nothing is left.
REMOVED_SECTIONS = ("behaviour.quiet", "behaviour.war")
#: By section of `behaviour`, what is gone of it: its name, the path of what does its work now, if any, and a few words.
_REMOVED = {
    "decision": """\
choice_precision | | it is the unit of all values: precision is 1
decisions_under_fire_per_day | decision.decisions_on_alert_per_day | decisions of a state that was struck or is under fire
alert_days | | a state is on alert until it has decided to wait
unready_cost | decision.preparation_days | strikes are prepared before they are carried out
line_cost | decision.line_serious | each line has a cost of its own; `line_minor` and `line_war` are the others
retaliation | decision.answering | the value of an answer
reciprocity | decision.silence_cost | leaving the rival's last act without any answer costs, not standing below it
audience_cost | decision.silence_cost | audiences punish silence, and make a state hold out (`ends.yielding_stakes`)
hurting | halt.hurting | it makes a halt worth more
economic_restraint | halt.economic_relief | economic pressure makes a halt worth more
fatigue_restraint | harm.exhaustion_days | fighting uses up the will to fight
dread | decision.cost | the cost of an act
dread_power | decision.cost_power | how steeply it rises
change_cost | decision.bother | a strike costs `bother`, a lesser military act `trouble`
effort | decision.cost | an act costs by its intensity
reach | | any act can be chosen, from any rung""",
    "harm": """\
grievance_saturation | harm.saturation | the same
attrition_credit | harm.answer_credit | fire that goes on settles at the same rate; war settles nothing
commitment_rise_days | | there is no public commitment beside acts
commitment_fade_days | harm.pressing_days | the standing force of an act fades
success_cover | | there is no public commitment to be covered
fatigue_days | harm.exhaustion_days | it does not recover""",
    "fog": """\
perception_hours | | states see acts at once, with an error
misreadings_per_day | | the error is drawn anew at each decision
hope | | an offer is made whatever the rival is thought to do""",
    "halt": """\
settling_cost | halt.deal | the worth of the deal on the table
forgone_retaliation | halt.forgone | for each unit of demand
public_offer_cost | | an offer costs nothing; channels lower mistrust
rebuff_cost | | an offer that nobody takes up lapses
yielding_cost | ends.yielding_stakes | giving in has a rate, which demand slows
answering_cost | halt.keeping | the same""",
    "quiet": """\
quiet_days | ends.fading_days | a crisis fades at a rate, the faster the less danger is left
quiet_intensity | | there is no threshold of quiet
quiet_grievance | | there is no threshold of quiet
reciprocation_days | | what fades is tacit where both had acted without serious violence""",
    "war": """\
collapse_per_day | operations.collapse_per_day | it holds outside of war, too
capability_exponent | operations.capability_exponent | capability also enters what acts cost, and giving in""",
    "mediation": """\
calls_per_day | mediation.alarm | a mediator engages at the rate of its `attention_days`, which danger hastens
effort_days | | an engaged mediator works in full at once
formulation_margin | mediation.formulation_danger | from 0, not from the mediator's threshold
manipulation_margin | mediation.manipulation_danger | from 0, not from the mediator's threshold
withdrawal_share | | a mediator that is engaged stays
cover | mediation.face | terms that save face hasten giving in
leverage_on_restraint | mediation.leverage_on_halt | leverage works on halts alone
overt_cost | mediation.refusal | a state averse to mediation refuses it""",
    "lending": """\
restraint | lending.money | money at stake adds to a halt, and to what acts cost""",
}
#: By the path of a parameter that is gone: the path of the one that does its work now, or "", and a few words.
REMOVED: dict[str, tuple[str, str]] = {
    "hours_per_turn": ("", "time is continuous: there is no turn"),
    **{
        f"behaviour.{section}.{name}": (now and f"behaviour.{now}", why)
        for section, rows in _REMOVED.items()
        for name, now, why in (map(str.strip, row.split("|")) for row in rows.splitlines())
    },
}

#: By the path of a fact that files still give: what it means otherwise than in the first generation.
CHANGED: dict[str, str] = {
    "states.<state>.claim": "does not saturate; an act presses it as far as it exceeds the force that stands",
    "states.<state>.caution": "multiplies what the state's acts cost",
    "states.<state>.capability": "enters every act's cost and giving in, not only the outcome of war",
    "states.<state>.mediation_aversion": "the chance of refusing a mediator, less where that one has leverage",
    "states.<state>.rung_at_start": "the act that stands when the crisis begins, and its force; no fire is under way",
    "mediators.<mediator>.attention_threshold": "danger above it hastens the mediator, danger below slows it",
    "mediators.<mediator>.attention_days": "mean time to engage at danger equal to its threshold, no halt in sight",
    "events.<event>.rival_rung": "an act with all that acts bring, grievance of twice its intensity among it",
    "events.<event>.provocation": "adds to the grievance of deaths and of the act of `rival_rung`",
    "ladder.<rung>.intensity": "full-scale war is 1 and nuclear use above it; war was 0.82 and nuclear use 1",
    "behaviour.decision.preparation_days": "the time to make full-scale war ready; a strike needs its intensity's share",
    "behaviour.decision.deliberations_per_day": "the median over states, spread by `deliberations_spread`",
    "behaviour.decision.nuclear_dread": "rises with the sixth power of intensity",
}


def removed_parameter(path: str) -> tuple[str, str] | None:
    """That a parameter, or a section of them, is gone, and what to write instead; None for a path that never was one.

    Args:
        path: of the parameter, of its section, or of a number in its distribution.
    """
    within = [one for one in REMOVED if path == one or path.startswith(f"{one}.")]
    whole = [one for one in REMOVED if path in REMOVED_SECTIONS and one.startswith(f"{path}.")]
    if not (within or whole):
        return None
    replaced = list(filter(None, (REMOVED[one][0] for one in within or whole)))
    instead = f"{one_of(replaced)} in its place" if replaced else "nothing in its place"
    why = f": {REMOVED[within[0]][1]}" if within else ""
    return f"{within[0] if within else path} is gone{why}", f"{instead} (see {PAGE})"


def removed_table() -> str:
    """What is gone and what changed its meaning, as the Markdown of docs/model_versions.md."""
    lines = ["| gone | in its place | because |", "|---|---|---|"]
    lines += [
        f"| `{path}` | {f'`{now}`' if now else '–'} | {why} |"
        for path, (now, why) in REMOVED.items()
    ]
    lines += ["", "| still there | meaning now |", "|---|---|"]
    lines += [f"| `{path}` | {words} |" for path, words in CHANGED.items()]
    return "\n".join(lines)
