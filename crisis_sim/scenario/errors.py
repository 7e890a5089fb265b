"""Mistakes in scenario files and how they are reported; parameters of earlier versions and their replacements.

A report gives the place, the mistake, the expected value and the nearest valid name:

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

#: Upper limit of the mistakes of one kind that are collected, and of those that a report shows.
MAX_MISTAKES = 100
#: Upper limits of the characters shown of a source line and of a message.
WIDTH = 100
LONGEST_MESSAGE = 300
#: Longer words get no suggestion: the comparison takes time quadratic in their length.
LONGEST_WORD = 100


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a scenario file or an override.

    Attributes:
        file: the file's name in reports, or `--set`.
        line: number of the line, counted from 1; 0 for the whole file.
        column: number of the character in the line, counted from 1.
        message: the mistake, in one line.
        expected: a valid value in words; may be empty.
        suggestion: the nearest valid name; may be empty.
        source_line: the text of the line.
    """

    file: str
    line: int
    column: int
    message: str
    expected: str = ""
    suggestion: str = ""
    source_line: str = ""

    @property
    def position(self) -> tuple[str, int, int]:
        """File, line and column."""
        return self.file, self.line, self.column

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
    """The mistakes of a scenario; `str()` of the error is the whole report.

    Attributes:
        mistakes: all mistakes, sorted by file and place.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        report = [str(mistake) for mistake in self.mistakes[:MAX_MISTAKES]]
        if count > MAX_MISTAKES:
            report.append(f"more than {MAX_MISTAKES} mistakes; only the first are shown")
        elif count > 1:
            report.append(f"{count} mistakes")
        return "\n".join(report)


class RequestError(Exception):
    """A request that cannot be carried out; the message gives the reason and what is possible instead."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most similar to a word, or "" if none is similar."""
    import difflib

    if len(word) > LONGEST_WORD:
        return ""
    short = [name for name in known if len(name) <= LONGEST_WORD]
    return next(iter(difflib.get_close_matches(word, short, n=1, cutoff=0.65)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a message, such as "; did you mean 'halt'?", or "" if no known word is similar."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else ""


def one_of(words: Iterable[str], last: str = "or") -> str:
    """List distinct words: "a, b or c", with `last` before the last of them."""
    return listed([*dict.fromkeys(words)], last)


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 3]}..."


def _window(line: str, column: int) -> tuple[str, int]:
    """Return the part of a line around a column, escaped, and the width in a terminal of the text before the column."""
    from rich.cells import cell_len

    start = max(0, column - 1 - WIDTH // 2) if len(line) > WIDTH else 0
    before, after = (
        printable(part.replace("\t", " "))
        for part in (line[start : column - 1], line[column - 1 : start + WIDTH])
    )
    before = ("... " if start else "") + before
    tail = " ..." if start + WIDTH < len(line) else ""
    return f"{before}{after}{tail}", cell_len(before)


# Parameters of the model's first generation that no longer exist, and their replacements; for error messages and for
# docs/model_versions.md, which compares the generations.

#: Sections without any remaining parameter.
REMOVED_SECTIONS = ("behaviour.quiet", "behaviour.war")
#: Removed parameters by section of `behaviour`: name | path of the replacement, if any | explanation.
_REMOVED = {
    "decision": """\
choice_precision | | all values are in its unit: precision is 1
decisions_under_fire_per_day | decision.decisions_on_alert_per_day | decisions of a state that was struck or is under fire
alert_days | | a state is on alert until it has decided to wait
unready_cost | decision.preparation_days | strikes are prepared before they are carried out
line_cost | decision.line_serious | each threshold has a separate cost; `line_minor` and `line_war` are the others
retaliation | decision.answering | the value of an answer
reciprocity | decision.silence_cost | the cost is of giving no answer, not of an answer below the rival's act
audience_cost | decision.silence_cost | audiences punish silence, and make a state hold out (`ends.yielding_stakes`)
hurting | halt.hurting | it raises the value of a halt
economic_restraint | halt.economic_relief | economic pressure raises the value of a halt
fatigue_restraint | harm.exhaustion_days | fighting exhausts the will to fight
dread | decision.cost | the cost of an act
dread_power | decision.cost_power | how steeply that cost rises
change_cost | decision.bother | a strike costs `bother`, a lesser military act `trouble`
effort | decision.cost | the cost of an act depends on its intensity
reach | | any act can be chosen, from any rung""",
    "harm": """\
grievance_saturation | harm.saturation | the same
attrition_credit | harm.answer_credit | continuing fire settles grievance at the same rate; war settles none
commitment_rise_days | | there is no public commitment apart from acts
commitment_fade_days | harm.pressing_days | the standing force of an act fades
success_cover | | there is no public commitment
fatigue_days | harm.exhaustion_days | it does not recover""",
    "fog": """\
perception_hours | | states see acts at once, with an error
misreadings_per_day | | a new error is drawn at each decision
hope | | an offer does not depend on what the rival is expected to do""",
    "halt": """\
settling_cost | halt.deal | the value of the deal on the table
forgone_retaliation | halt.forgone | for each unit of demand
public_offer_cost | | an offer costs nothing; channels lower mistrust
rebuff_cost | | an offer that is not accepted lapses
yielding_cost | ends.yielding_stakes | giving in has a rate, which demand lowers
answering_cost | halt.keeping | the same""",
    "quiet": """\
quiet_days | ends.fading_days | a crisis fades at a rate that rises as danger falls
quiet_intensity | | there is no threshold of quiet
quiet_grievance | | there is no threshold of quiet
reciprocation_days | | fading counts as tacit if both states had acted without serious violence""",
    "war": """\
collapse_per_day | operations.collapse_per_day | it also applies outside of war
capability_exponent | operations.capability_exponent | capability also enters the cost of acts, and giving in""",
    "mediation": """\
calls_per_day | mediation.alarm | a mediator engages after `attention_days` on average, sooner in danger
effort_days | | an engaged mediator works at full effort at once
formulation_margin | mediation.formulation_danger | from 0, not from the mediator's threshold
manipulation_margin | mediation.manipulation_danger | from 0, not from the mediator's threshold
withdrawal_share | | a mediator that is engaged stays
cover | mediation.face | terms that save face hasten giving in
leverage_on_restraint | mediation.leverage_on_halt | leverage affects halts only
overt_cost | mediation.refusal | a state averse to mediation refuses it""",
    "lending": """\
restraint | lending.money | money at stake adds to the value of a halt and to the cost of acts""",
}
#: By the path of a removed parameter: the path of its replacement, or "", and an explanation.
REMOVED: dict[str, tuple[str, str]] = {
    "hours_per_turn": ("", "time is continuous: there is no turn"),
    **{
        f"behaviour.{section}.{name}": (new and f"behaviour.{new}", why)
        for section, rows in _REMOVED.items()
        for name, new, why in (map(str.strip, row.split("|")) for row in rows.splitlines())
    },
}

#: By the path of a key that scenario files still have: its new meaning.
CHANGED: dict[str, str] = {
    "states.<state>.claim": "does not saturate; an act presses the part of it above the standing force of earlier acts",
    "states.<state>.caution": "multiplies the cost of the state's acts",
    "states.<state>.capability": "enters every act's cost and giving in, not only the outcome of war",
    "states.<state>.mediation_aversion": "the chance of refusing a mediator; the mediator's leverage lowers it",
    "states.<state>.rung_at_start": "the act in force when the crisis begins; no fire is under way",
    "mediators.<mediator>.attention_threshold": "danger above it hastens the mediator, danger below slows it",
    "mediators.<mediator>.attention_days": "mean time to engage at danger equal to its threshold, no halt in sight",
    "events.<event>.rival_rung": "an act with all effects of acts, including grievance of twice its intensity",
    "events.<event>.provocation": "adds to the grievance of deaths and of the act of `rival_rung`",
    "ladder.<rung>.intensity": "full-scale war is 1 and nuclear use above it; war was 0.82 and nuclear use 1",
    "behaviour.decision.preparation_days": "the time to prepare full-scale war; a strike takes its intensity times this",
    "behaviour.decision.deliberations_per_day": "the median over states, spread by `deliberations_spread`",
    "behaviour.decision.nuclear_dread": "rises with the sixth power of intensity",
}


def removed_parameter(path: str) -> tuple[str, str] | None:
    """Return the message and the replacement for a removed parameter; None if the path never was one.

    Args:
        path: of the parameter, of its section, or of a number in its distribution.
    """
    matches = [name for name in REMOVED if path == name or path.startswith(f"{name}.")]
    reason = ""
    if matches:
        path = matches[0]
        reason = f": {REMOVED[path][1]}"
    elif path in REMOVED_SECTIONS:
        matches = [name for name in REMOVED if name.startswith(f"{path}.")]
    else:
        return None
    instead = one_of(filter(None, (REMOVED[name][0] for name in matches))) or "nothing"
    return f"{path} no longer exists{reason}", f"{instead} instead (see docs/model_versions.md)"


def removed_table() -> str:
    """Return removed parameters and changed meanings as Markdown for docs/model_versions.md."""
    lines = ["| removed | replacement | explanation |", "|---|---|---|"]
    lines += [
        f"| `{path}` | {f'`{new}`' if new else '–'} | {why} |"
        for path, (new, why) in REMOVED.items()
    ]
    lines += ["", "| kept | new meaning |", "|---|---|"]
    lines += [f"| `{path}` | {meaning} |" for path, meaning in CHANGED.items()]
    return "\n".join(lines)
