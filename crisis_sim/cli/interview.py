"""What `crisis-sim init` asks of a crisis, with the anchors of the coding guide (docs/coding.md), and what it writes.

An answer is the name of an anchor, such as `vow`, or a number or distribution in its place. Answers come from a terminal or
from a file, in which each stands under its question's path: `states.northland.resolve: vow`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.load import read_scenario
from crisis_sim.scenario.numbers import EXAMPLE, read_moment
from crisis_sim.scenario.schema import LADDERS
from crisis_sim.scenario.source import Node, Source, is_agent_name, parse, parse_value, read_text

#: Anchors of a question: by its name the value, and what it stands for.
Anchors = dict[str, tuple[Any, str]]
#: A value, and what it stands for.
Answer = tuple[Any, str]
Names = Sequence[str]
#: Short names and titles.
Titled = Sequence[tuple[str, str]]
#: Raises ValueError where a text will not do.
Check = Callable[[str], None]


def _tri(middle: float) -> dict[str, list[float]]:
    return {"triangular": [round(middle - 0.2, 2), middle, min(round(middle + 0.2, 2), 1.0)]}


def _uni(low: float, high: float) -> dict[str, list[float]]:
    return {"uniform": [low, high]}


RESOLVE: Anchors = {
    "survival": (_tri(0.9), "survival of the state, or of what it was built for"),
    "vow": (
        _tri(0.8),
        "a loss that it vowed in public to answer, or ground that it vowed to have back",
    ),
    "parity": (
        _tri(0.75),
        "parity in any exchange; ground that both claim and hold with armed posts",
    ),
    "gain": (_tri(0.6), "a gain that it does not own to"),
}
CLAIM: Anchors = {
    "nothing": (0, "wants nothing new, or nothing that this crisis is about"),
    "both": (_uni(0.1, 0.4), "ground that both claim"),
    "vowed": (_uni(0.4, 1.0), "ground that it vowed to have back"),
    "taken": (_uni(0.7, 1.3), "ground taken from it in this crisis"),
}
AUDIENCE: Anchors = {
    "free": (_tri(0.7), "free press, elections, public commitments"),
    "half_free": (
        _tri(0.6),
        "elected, with an army or a leader's standing at stake, or a press half free",
    ),
    "steered": (_tri(0.4), "one party or a steered press"),
}
AVERSION: Anchors = {
    "welcomes": (0, "welcomes third parties"),
    "chosen": (_uni(0.1, 0.4), "accepts a forum of its choice"),
    "bilateral": (_uni(0.3, 0.7), "insists on bilateral bodies"),
    "rejects": (_uni(0.6, 1.0), "rejects third parties as a rule"),
}
CAPABILITY: Anchors = {
    "equal": (1.0, "no stronger than its rival"),
    "larger": (1.5, "the larger is matched where they fight"),
    "air": (_uni(2, 3), "has the air to itself"),
    "great_power": (_uni(6, 10), "a great power against a small state"),
}
ECONOMY: Anchors = {
    "large_reserves": (_uni(0.1, 0.3), "large reserves"),
    "threatened": (_uni(0.2, 0.4), "large reserves, and sanctions or a tariff threat"),
    "small": (_uni(0.3, 0.6), "small economy, or reserves rebuilt"),
    "programme": (_uni(0.5, 0.9), "in an IMF programme, or asking for one"),
}
MARKET: Anchors = {
    "shallow": (_uni(0.0, 0.05), "hardly moved by crises"),
    "deep": (_uni(0.1, 0.3), "falls far with danger"),
    "rises": (_uni(-0.15, 0.05), "danger may raise it"),
    "none": (0.0, "none to speak of"),
}
NUCLEAR: Anchors = {"no": (False, "it has none"), "yes": (True, "it has nuclear weapons")}
STANDING: Anchors = {
    "no": (False, "it has to be opened"),
    "yes": (True, "it is open from the start"),
}
OVERRUN: Anchors = {
    "yes": (1, "its rival's forces can reach and overrun it"),
    "no": (0, "neither land nor a sea that its rival commands leads there"),
}
START: Anchors = {
    "calm": (0, "calm"),
    "face_to_face": (3, "both man a line or have posts and patrols face to face"),
}
ACT: Anchors = {
    "others": (0, "others than the rival's forces strike, and the harm is the deaths"),
    "posts": (4, "shots between posts, patrols or ships; shelling"),
    "forces": (
        6,
        "an attack by the rival's own forces; the dead are that rung's, and not counted again",
    ),
    "words": (2, "words, sanctions or a deployment: no violence"),
}
BLAME: Anchors = {
    "uniform": (1.0, "the attacker wears a uniform"),
    "group": ({"triangular": [0.7, 0.95, 1.0]}, "a group at home across the border"),
    "unclear": ({"triangular": [0.6, 0.8, 1.0]}, "the attackers' nature was unclear at first"),
}
PROVOCATION: Anchors = {
    "none": (0, "nothing beside the act and its deaths"),
    "detained": (_uni(0.0, 0.2), "soldiers detained"),
    "peacekeepers": (_uni(0.0, 0.4), "peacekeepers attacked"),
    "broken_word": (_uni(0.3, 1.0), "a treaty or an assurance broken"),
}
#: Of a mediator: its style, the danger that draws it, and what it knows.
KIND: Anchors = {
    "great_power": (("manipulation", _uni(0.45, 0.6), 0.8), "a great power"),
    "regional": (("formulation", _uni(0.4, 0.6), 0.5), "a regional power"),
    "bound": (("facilitation", _uni(0.3, 0.5), 0.4), "bound by treaty or next door"),
    "good_offices": (("facilitation", _uni(0.4, 0.6), 0.3), "good offices only"),
}
TRUST: Anchors = {
    "neutral": (_uni(0.4, 0.6), "neutral"),
    "ally": (_uni(0.7, 0.95), "ally"),
    "friendly": (_uni(0.5, 0.7), "friendly"),
    "wary": (_uni(0.2, 0.5), "wary; it was let down before"),
    "rivals_patron": (_uni(0.0, 0.2), "the rival's patron"),
}
LEVERAGE: Anchors = {
    "none": (_uni(0.0, 0.2), "good offices only"),
    "some": (_uni(0.2, 0.5), "some aid or trade"),
    "loans": (
        _uni(0.3, 0.7),
        "a say over loans, arms or market access that the state cannot do without",
    ),
    "arms": (_uni(0.4, 0.8), "main supplier of arms or ally"),
}
INTEREST: Anchors = {
    "one_of_many": (_uni(0.1, 0.4), "one relation among many"),
    "courted": (_uni(0.3, 0.7), "courted partner"),
    "patron": (_uni(0.6, 0.9), "patron"),
}
LINE: Anchors = {
    "soldiers": (_uni(0.2, 0.4), "a soldiers' line"),
    "envoys": (_uni(0.2, 0.7), "private envoys and advisers, of whom little is known"),
}
THEATRE: Anchors = {
    "south_asian": ("south_asian", "across a land border: from border fire to war"),
    "naval": ("naval", "between navies and coast guards, where no army can march"),
    "missiles": ("missiles", "by missiles, drones and aircraft alone, without a common border"),
    "superpowers": ("superpowers", "between great nuclear powers, far from home"),
}
#: Of each state, in the order of asking: key in the file, question and anchors.
OF_A_STATE: tuple[tuple[str, str, Anchors], ...] = (
    ("resolve", "How much is the issue worth to it?", RESOLVE),
    ("claim", "What does it want of its rival?", CLAIM),
    ("audience", "How exposed are its leaders to audiences at home?", AUDIENCE),
    ("mediation_aversion", "How does it respond to third parties?", AVERSION),
    ("capability", "How strong is it compared with its rival?", CAPABILITY),
    ("nuclear", "Does it have nuclear weapons?", NUCLEAR),
    ("conquerable", "Can it be conquered?", OVERRUN),
    ("economic_vulnerability", "How much would losses hurt its economy?", ECONOMY),
)
#: Of a mediator and each state.
OF_A_MEDIATOR: tuple[tuple[str, str, Anchors], ...] = (
    ("trust", "how far does {} trust it?", TRUST),
    ("leverage", "what leverage does it have over {}?", LEVERAGE),
    ("interest", "how much does {} matter to it?", INTEREST),
)


class Interview:
    """Answers, asked for at a terminal or read from a file. A question's path is dotted, as in `states.northland.resolve`.

    Args:
        given: the file's content; None to ask.
        ask: shows a text and returns the line that is typed; raises EOFError when there is no more.
    """

    def __init__(self, given: Node | None, ask: Callable[[str], str] = input) -> None:
        self.given, self._ask = given, ask
        self._known: set[str] = set()

    def _of_file(self, path: str) -> Node | None:
        self._known.add(path)
        return self.given.get(*path.split(".")) if self.given else None

    def _until_right(self, question: str, read: Callable[[str], Any]) -> Any:
        """What is typed, as `read` takes it; asked again until that raises no ValueError."""
        while True:
            try:
                return read(self._ask(question).strip())
            except ValueError as error:
                question = f"{error}\n  "

    def text(self, path: str, question: str, default: str = "", check: Check | None = None) -> str:
        """A word or a line; `default` where nothing is answered."""
        node = self._of_file(path)

        def read(typed: str) -> str:
            answer = typed or default
            if check and answer:
                check(answer)
            return answer

        if self.given is None:
            return str(self._until_right(f"{question} [{default or 'none'}] ", read))
        return str(_at(node or self.given, read, str(node.plain()) if node else default))

    def date(self, path: str, question: str, default: str = "") -> str:
        """A date, or "" for none."""
        return self.text(path, question, default, _check_date)

    def number(self, path: str, question: str, default: float) -> str:
        """A number or a distribution, as it is written."""
        return _flow(self.anchor(path, question, {}, default)[0])

    def anchor(self, path: str, question: str, anchors: Anchors, default: Any = None) -> Answer:
        """A value and what it stands for; that of the first anchor where nothing is answered."""
        node, usual = self._of_file(path), next(iter(anchors), default)

        def read(typed: Any) -> Answer:
            return _value(usual if typed in ("", None) else typed, anchors)

        if self.given is not None:
            answer: Answer = _at(node or self.given, read, node.plain() if node else None)
            return answer
        lines = [question, *(f"  {name}: {words}" for name, (_, words) in anchors.items())]
        found: Answer = self._until_right(
            "\n".join([*lines, f"  [{usual}] "]), lambda typed: read(_typed(typed, anchors))
        )
        return found

    def names(self, section: str, question: str, default: Names = ()) -> list[tuple[str, str]]:
        """Short names and titles of those that a section holds."""
        if self.given is not None:
            node = self.given.get(section)
            named = list(node.entries()) if node else list(default)
            return [(name, self.text(f"{section}.{name}.title", "", name)) for name in named]

        def read(typed: str) -> list[tuple[str, str]]:
            titles = [one.strip() for one in typed.split(",") if one.strip()] or default
            found = [(re.sub(r"\W+", "_", title.lower()).strip("_"), title) for title in titles]
            wrong = [title for name, title in found if not is_agent_name(name)]
            if wrong or len(dict(found)) != len(found):
                raise ValueError(f"each needs a name of its own: {', '.join(wrong or titles)}")
            return found

        found: list[tuple[str, str]] = self._until_right(
            f"{question} [{', '.join(default) or 'none'}] ", read
        )
        return found

    def check_all_is_read(self) -> None:
        """Refuse answers to questions that there are not.

        Raises:
            ScenarioError: names them, with the nearest question.
        """
        found = []
        for path, node in _leaves(self.given) if self.given else ():
            if not any(f"{path}.".startswith(f"{one}.") for one in self._known):
                near = nearest(path, self._known)
                found.append(node.label.mistake(f"no question '{path}'", "", near))
        if found:
            raise ScenarioError(found)


def _at(node: Node, read: Callable[[Any], Any], answer: Any) -> Any:
    """An answer of a file as `read` takes it; a mistake stands at its place."""
    try:
        return read(answer)
    except ValueError as error:
        raise node.place.error(str(error)) from None


def _leaves(node: Node, above: str = "") -> Iterator[tuple[str, Node]]:
    for key, child in node.entries().items():
        if isinstance(child.content, dict):
            yield from _leaves(child, f"{above}{key}.")
        else:
            yield f"{above}{key}", child


def _typed(text: str, anchors: Anchors) -> Any:
    """A typed line as a file would have it: a word, a number or a distribution."""
    if text in anchors or not text:
        return text
    try:
        return parse_value(Source.of("answer", text), text).plain()
    except ScenarioError:
        return text


def _value(answer: Any, anchors: Anchors) -> Answer:
    """The value of an anchor, or the number or distribution that was given in its place."""
    word = {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else answer
    if isinstance(word, str) and word in anchors:
        return anchors[word]
    if isinstance(word, (int, float, dict)):
        return word, ""
    near = nearest(str(word), anchors)
    meant = f"; did you mean {near!r}?" if near else ""
    known = f"{one_of(anchors)}, or a number or a distribution" if anchors else "a number"
    raise ValueError(f"no such answer: {word!r}; expected {known}{meant}")


def _check_date(text: str) -> None:
    try:
        read_moment(text)
    except ValueError:
        raise ValueError(f"not a date: {text!r}; expected one such as {EXAMPLE}") from None


def _among(known: Sequence[str]) -> Check:
    def check(text: str) -> None:
        if text not in known:
            raise ValueError(f"{text!r} is neither of the two; expected {one_of(known)}")

    return check


def scenario_text(interview: Interview, file: str) -> str:
    """Ask all questions, and write the scenario file that follows.

    Args:
        interview: where answers come from.
        file: the name of the file, for its comments.

    Raises:
        ScenarioError: when an answer has mistakes.
        EOFError: when no more is typed.
    """
    text = "\n".join([*_HEAD.format(file=file).splitlines(), "", *_scenario(interview), ""])
    interview.check_all_is_read()
    read_scenario(text, Path(file).stem)
    return text


_HEAD = """\
# Written by `crisis-sim init` from answers; every judgement is an anchor of the coding guide (docs/coding.md). Check each,
# and say in a comment why it is read so. Numbers may be plain or distributions, drawn once for each replicate.
#
#   crisis-sim check {file}
#   crisis-sim run {file}        says where the real times fall, too, if there is a real path"""


def _scenario(of: Interview) -> Iterator[str]:
    yield f"title: {_quoted(of.text('title', 'What is the crisis called?', 'A crisis'))}"
    yield "sources:"
    yield f"  - {_quoted(of.text('source', 'Where do its facts come from?', 'name them here'))}"
    yield ""
    at = of.date(
        "trigger.at", "When did it begin, with the offset from UTC?", "2030-03-01T09:00+00:00"
    )
    yield f"start: {at}   # the trigger; the clock of every result"
    yield "horizon_days: 60       # how long each crisis is followed; four times the days to the real halt, if longer"
    yield "follow_up_days: 14     # how long a halt is watched before it ends the crisis"
    yield ""
    ladder, why = of.anchor("theatre", "Where would they fight?", THEATRE)
    yield f"ladder: {ladder}   # {why}"
    yield ""
    named = of.names("states", "The two states, with a comma between:", ("northland", "southland"))
    if len(named) != 2:
        raise ScenarioError([Mistake("states", 0, 0, f"{len(named)} states", "two")])
    rungs = [rung.name for rung in LADDERS[ladder]()]
    yield "states:"
    for name, title in named:
        yield from _state(of, name, title, rungs)
    yield ""
    names = [name for name, _ in named]
    yield from _trigger(of, at, names)
    yield from _mediators(of, named)
    yield from _lenders(of, names)
    yield from _channels(of, names)
    yield from _real(of)


def _state(of: Interview, name: str, title: str, rungs: Sequence[str]) -> Iterator[str]:
    path = f"states.{name}"
    yield f"  {name}:"
    yield f"    title: {_quoted(title)}"
    for key, question, anchors in OF_A_STATE:
        yield _line(4, key, of.anchor(f"{path}.{key}", f"{title}: {question}", anchors))
    yield "    caution: {triangular: [0.6, 1.0, 1.4]}   # nothing in the record distinguishes one state's costs"
    reserves = of.number(f"{path}.reserves_usd_bn", f"{title}: foreign reserves, USD bn?", 100)
    yield f"    reserves_usd_bn: {reserves}"
    index = of.text(f"{path}.market.index", f"{title}: its stock market's index?", "market index")
    moved, why = of.anchor(
        f"{path}.market.sensitivity", f"{title}: how does danger move it?", MARKET
    )
    market = f"index: {_quoted(index)}, sensitivity: {_flow(moved)}, volatility: 0.01"
    yield f"    market: {{{market}}}" + (f"   # {why}" if why else "")
    rung, _ = of.anchor(
        f"{path}.rung_at_start", f"{title}: how do its forces stand at the start?", START
    )
    yield f"    rung_at_start: {rungs[min(int(rung), len(rungs) - 1)]}"


def _trigger(of: Interview, at: str, names: Sequence[str]) -> Iterator[str]:
    title = of.text("trigger.title", "What triggered it, in a few words?", "The trigger")
    struck = of.text(
        "trigger.struck", f"Which state did it strike, {one_of(names)}?", names[0], _among(names)
    )
    act = of.anchor("trigger.act", "By whom, and how?", ACT)
    deaths = of.number(
        "trigger.deaths", "How many deaths (0 where the rival's own forces struck)?", 0
    )
    blame = of.anchor("trigger.blame", "How surely is the rival to blame?", BLAME)
    more = of.anchor(
        "trigger.provocation", "What beside the act and its deaths provoked?", PROVOCATION
    )
    yield from ("events:", f"  - at: {at}", f"    title: {_quoted(title)}", "    kind: trigger")
    yield f"    struck: {struck}"
    yield _line(4, "rival_rung", act)
    yield f"    deaths: {deaths}"
    yield from (_line(4, "blame", blame), _line(4, "provocation", more), "")


def _mediators(of: Interview, states: Titled) -> Iterator[str]:
    named = of.names("mediators", "Who may mediate, with commas between?")
    yield from ["mediators:"] * bool(named)
    for name, title in named:
        path = f"mediators.{name}"
        word, why = of.anchor(f"{path}.kind", f"{title}: what is it?", KIND)
        if not isinstance(word, tuple):
            raise ScenarioError(
                [Mistake(f"{path}.kind", 0, 0, f"no such answer: {word!r}", one_of(KIND))]
            )
        style, threshold, information = word
        yield f"  {name}:"
        yield f"    title: {_quoted(title)}"
        yield f"    style: {style}   # at most; {why}"
        yield f"    attention_threshold: {_flow(threshold)}"
        yield "    attention_days: {lognormal: [30.0, 1.0]}   # nobody knows how soon one attends"
        yield f"    information: {information}"
        for key, question, anchors in OF_A_MEDIATOR:
            found = [
                (
                    state,
                    *of.anchor(
                        f"{path}.{key}.{state}", f"{title}: {question.format(called)}", anchors
                    ),
                )
                for state, called in states
            ]
            body = ", ".join(f"{state}: {_flow(value)}" for state, value, _ in found)
            yield f"    {key}: {{{body}}}   # {'; '.join(f'{state}: {why}' for state, _, why in found if why) or 'given'}"
    yield from [""] * bool(named)


def _lenders(of: Interview, states: Sequence[str]) -> Iterator[str]:
    named = of.names("lenders", "Who lends to one of them, with commas between?")
    yield from ["lenders:"] * bool(named)
    for name, title in named:
        path = f"lenders.{name}"
        asked = f"{title}: who borrows, {one_of(states)}?"
        borrower = of.text(f"{path}.borrower", asked, states[1], _among(states))
        review = of.date(f"{path}.review", f"{title}: when does its board decide next?")
        amount = of.number(f"{path}.amount_usd_bn", f"{title}: on how much, USD bn?", 1)
        yield f"  {name}:"
        yield f"    title: {_quoted(title)}"
        yield f"    borrower: {borrower}"
        yield "    dependence: {uniform: [0.6, 1.0]}"
        yield "    conditionality: {uniform: [0, 1]}   # how far its money hangs on restraint: rarely known"
        if review:
            yield f"    reviews: [{{at: {review}, title: review, amount_usd_bn: {amount}}}]"
    yield from [""] * bool(named)


def _channels(of: Interview, states: Sequence[str]) -> Iterator[str]:
    named = of.names("channels", "What private lines are there, with commas between?")
    yield from ["channels:"] * bool(named)
    for name, title in named:
        yield f"  {name}:"
        yield f"    title: {_quoted(title)}"
        yield _line(4, "trust", of.anchor(f"channels.{name}.trust", f"{title}: what is it?", LINE))
        standing = of.anchor(
            f"channels.{name}.standing", f"{title}: is it open from the start?", STANDING
        )
        yield f"    standing: {_flow(standing[0])}"
        yield f"    opened_by: [{', '.join(states)}]   # and mediators that may open it"
    yield from [""] * bool(named)


def _real(of: Interview) -> Iterator[str]:
    strike = of.date(
        "real_path.first_strike", "If it has happened: when did the first strike fall?"
    )
    halt = of.date("real_path.ceasefire_in_effect", "And when did a ceasefire come into effect?")
    if strike or halt:
        yield "real_path:   # drawn under the results, and never read by the model"
    yield from [f"  first_strike: {strike}"] * bool(strike)
    yield from [f"  ceasefire_in_effect: {halt}   # where both sides agreed to stop"] * bool(halt)


def _line(indent: int, key: str, answer: Answer) -> str:
    value, why = answer
    return f"{' ' * indent}{key}: {_flow(value)}" + (f"   # {why}" if why else "")


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(one)}' for key, one in value.items())}}}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A text as YAML has it, in quotes where it needs them; a JSON text is a YAML text."""
    plain = re.fullmatch(r"[A-Za-z][\w .()'/-]*", text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


#: Words that YAML takes for something else than a text.
_WORDS = ("yes", "no", "true", "false", "on", "off", "null", "y", "n")


def read_answers(path: Path) -> Interview:
    """The answers that stand in a file.

    Raises:
        ScenarioError: when it cannot be read, or is no YAML mapping.
    """
    top, mistakes = parse(str(path), read_text(path, str(path)))
    if mistakes:
        raise ScenarioError(mistakes)
    return Interview(top)
