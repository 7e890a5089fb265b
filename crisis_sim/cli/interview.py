"""What `crisis-sim init` asks of a crisis, and what it writes: `interview.yaml.jinja`, with the anchors of `anchors.yaml`.

An answer is the name of an anchor, such as `vow`, or a number or distribution in its place. Answers come from a terminal or
from a file, in which each stands under its question's path: `states.northland.resolve: vow`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, did_you_mean, nearest, one_of
from crisis_sim.scenario.load import on_disk, read_scenario
from crisis_sim.scenario.numbers import EXAMPLE, read_moment
from crisis_sim.scenario.schema import LADDERS
from crisis_sim.scenario.source import Node, Source, is_agent_name, parse, parse_value, read_text

#: A value, and what it stands for.
Answer = tuple[Any, str]
Names = Sequence[str]


@cache
def _file(name: str) -> str:
    return (on_disk(Path(__file__).parent) / name).read_text("utf-8")


@cache
def anchors() -> dict[str, dict[str, Answer]]:
    """Anchors by key and by their names: of each its value, and what it stands for."""
    plain = parse("anchors.yaml", _file("anchors.yaml"))[0].plain()
    return {key: {name: tuple(one) for name, one in of.items()} for key, of in plain.items()}


class Interview:
    """Answers, asked for at a terminal or read from a file. A question's path is dotted, as in `states.northland.resolve`.

    Args:
        given: the file's content; None to ask.
        ask: shows a text and returns the line that is typed; raises EOFError when there is no more.
    """

    def __init__(self, given: Node | None, ask: Callable[[str], str] = input) -> None:
        self.given, self._ask = given, ask
        self._known: set[str] = set()

    def _answer(self, path: str, question: str, read: Callable[[Any], Any]) -> Any:
        """An answer as `read` takes it, with None or "" for none.

        Where that raises ValueError it is asked for again; of a file the mistake is told at its place.
        """
        self._known.add(path)
        while self.given is None:
            try:
                return read(self._ask(question).strip())
            except ValueError as error:
                question = f"{error}\n  "
        node = self.given.get(*path.split("."))
        try:
            return read(node.plain() if node else None)
        except ValueError as error:
            raise (node or self.given).place.error(str(error)) from None

    def text(self, path: str, question: str, default: str = "", among: Names = ()) -> str:
        """A word or a line, if need be one `among` some; `default` where nothing is answered."""

        def read(answer: Any) -> str:
            typed = "" if answer is None else str(answer)
            if among and typed and typed not in among:
                raise ValueError(f"{typed!r} is neither of the two; expected {one_of(among)}")
            return typed or default

        return str(self._answer(path, f"{question} [{default or 'none'}] ", read))

    def date(self, path: str, question: str, default: str = "") -> str:
        """A date, or "" for none."""

        def read(answer: Any) -> str:
            typed = str(default if answer in (None, "") else answer)
            try:
                read_moment(typed or EXAMPLE)
            except ValueError:
                raise ValueError(f"not a date: {typed!r}; expected one such as {EXAMPLE}") from None
            return typed

        return str(self._answer(path, f"{question} [{default or 'none'}] ", read))

    def number(self, path: str, question: str, default: float) -> str:
        """A number or a distribution, as it is written."""
        return _flow(self.anchor(path, question, "", default)[0])

    def value(self, path: str, question: str, key: str = "") -> str:
        """A value and its reason as they are written; anchors are the key's, or those of the path's last word."""
        value, why = self.anchor(path, question, key or path.rpartition(".")[2])
        return _flow(value) + _comment(why)

    def of_each(self, states: Sequence[tuple[str, str]], path: str, question: str) -> str:
        """Likewise a value for each state, by short names and titles."""
        key = path.rpartition(".")[2]
        asked = [
            (name, *self.anchor(f"{path}.{name}", question.format(title), key))
            for name, title in states
        ]
        why = "; ".join(f"{name}: {words}" for name, _, words in asked if words) or "given"
        return _flow({name: value for name, value, _ in asked}) + _comment(why)

    def one_of(self, path: str, question: str, key: str) -> Answer:
        """An anchor's value and what it stands for, where no number can stand in its place."""
        found = self.anchor(path, question, key)
        if not found[1]:
            message = f"no such answer: {found[0]!r}"
            raise ScenarioError([Mistake(path, 0, 0, message, one_of(anchors()[key]))])
        return found

    def rung(self, ladder: str, path: str, question: str) -> str:
        """The name of a ladder's rung."""
        number, rungs = self.anchor(path, question, "rung_at_start")[0], LADDERS[ladder]
        return rungs[min(int(number), len(rungs) - 1)].name

    def anchor(self, path: str, question: str, key: str, default: Any = None) -> Answer:
        """A value and what it stands for; that of the first anchor where nothing is answered."""
        known = anchors().get(key, {})
        usual = next(iter(known), default)

        def read(answer: Any) -> Answer:
            if self.given is None:
                answer = _typed(answer, known)
            return _value(usual if answer in ("", None) else answer, known)

        lines = [question, *(f"  {name}: {words}" for name, (_, words) in known.items())]
        found: Answer = self._answer(path, "\n".join([*lines, f"  [{usual}] "]), read)
        return found

    def names(
        self, section: str, question: str, default: Names = (), count: int | None = None
    ) -> list[tuple[str, str]]:
        """Short names and titles of those that a section holds; ScenarioError unless there are `count`."""

        def read(typed: str) -> list[tuple[str, str]]:
            titles = [one.strip() for one in typed.split(",") if one.strip()] or default
            found = [(re.sub(r"\W+", "_", title.lower()).strip("_"), title) for title in titles]
            wrong = [title for name, title in found if not is_agent_name(name)]
            if wrong or len(dict(found)) != len(found):
                raise ValueError(f"each needs a name of its own: {', '.join(wrong or titles)}")
            return found

        named: list[tuple[str, str]]
        if self.given is None:
            named = self._answer(section, f"{question} [{', '.join(default) or 'none'}] ", read)
        else:
            node = self.given.get(section)
            found = list(node.entries()) if node else default
            named = [(name, self.text(f"{section}.{name}.title", "", name)) for name in found]
        if count is not None and len(named) != count:
            raise ScenarioError([Mistake(section, 0, 0, f"{len(named)} {section}", "two")])
        return named

    def check_all_is_read(self) -> None:
        """Refuse answers to questions that there are not, with the nearest question."""
        found = []
        for path, node in _leaves(self.given) if self.given else ():
            if not any(f"{path}.".startswith(f"{one}.") for one in self._known):
                near = nearest(path, self._known)
                found.append(node.label.mistake(f"no question '{path}'", "", near))
        if found:
            raise ScenarioError(found)


def _leaves(node: Node, above: str = "") -> Iterator[tuple[str, Node]]:
    for key, child in node.entries().items():
        if isinstance(child.content, dict):
            yield from _leaves(child, f"{above}{key}.")
        else:
            yield f"{above}{key}", child


def _typed(text: str, known: Mapping[str, Answer]) -> Any:
    """A typed line as a file would have it: a word, a number or a distribution."""
    if text in known or not text:
        return text
    try:
        return parse_value(Source.of("answer", text), text).plain()
    except ScenarioError:
        return text


def _value(answer: Any, known: Mapping[str, Answer]) -> Answer:
    """The value of an anchor, or the number or distribution that was given in its place."""
    word = {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else answer
    if isinstance(word, str) and word in known:
        return known[word]
    if isinstance(word, (int, float, dict)):
        return word, ""
    expected = f"{one_of(known)}, or a number or a distribution" if known else "a number"
    raise ValueError(
        f"no such answer: {word!r}; expected {expected}{did_you_mean(str(word), known)}"
    )


def scenario_text(interview: Interview, file: str) -> str:
    """Ask all questions, and write the scenario that follows, for a file of a name; EOFError when no more is typed."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - YAML, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"quoted": _quoted, "flow": _flow, "comment": _comment}
    ask = ("text", "date", "number", "anchor", "value", "of_each", "one_of", "rung", "names")
    questions = {name: getattr(interview, name) for name in ask}
    text = environment.from_string(_file("interview.yaml.jinja")).render(file=file, **questions)
    interview.check_all_is_read()
    read_scenario(text, Path(file).stem)
    return text


def _comment(why: str) -> str:
    return f"   # {why}" if why else ""


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
    """The answers that stand in a file."""
    top, mistakes = parse(str(path), read_text(path, str(path)))
    if mistakes:
        raise ScenarioError(mistakes)
    return Interview(top)
