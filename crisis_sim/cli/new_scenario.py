"""Files that `crisis-sim init` writes: the template, a counterfactual, or a scenario from answers to questions.

The questions are in the template `interview.yaml.jinja`, and the anchors in `anchors.yaml`. An answer is the name of an
anchor, such as `vow`, or a number or a distribution. Answers are read from a terminal, or from a file that has the path of
the question as key: `states.northland.resolve: vow`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from crisis_sim.scenario.errors import Mistake, ScenarioError, did_you_mean, nearest, one_of
from crisis_sim.scenario.load import (
    find_scenario,
    load_scenario,
    on_disk,
    read_chain,
    read_scenario,
)
from crisis_sim.scenario.numbers import EXAMPLE, read_moment
from crisis_sim.scenario.schema import LADDERS
from crisis_sim.scenario.yaml_text import Node, Source, is_agent_name, parse, parse_value, read_text


@cache
def _file(name: str) -> str:
    return (on_disk(Path(__file__).parent) / name).read_text("utf-8")


def template_text(file_name: str = "my_crisis.yaml") -> str:
    """Return the text of the commented template; its comments mention the file's name."""
    text = _file("template.yaml")
    return text.replace("FILE", file_name).replace("this_file.yaml", file_name)


def write_scenario(
    path: Path, base: str | None, answers: Path | None, template: bool
) -> list[Path]:
    """Write a new scenario, and return the written files, the new scenario first.

    It is a counterfactual of `base`, or from a file of answers, or from questions at the terminal, or else the template.

    Raises:
        FileExistsError: when a file exists already.
        EOFError: when the input ends before all questions are answered.
        ScenarioError: when the answers or `base` have mistakes.
    """
    if base is not None:
        return write_counterfactual(path, base)
    if path.exists():
        raise FileExistsError(path)
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if answers is None and (template or not at_terminal):
        return [_write(path, template_text(path.name))]
    interview = Interview(None) if answers is None else read_answers(answers)
    return [_write(path, scenario_text(interview, path.name))]


def _write(path: Path, text: str) -> Path:
    """Write a new file, or nothing if that fails."""
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return path


# --- Counterfactuals

COUNTERFACTUAL = """\
# A counterfactual of {extends}, with the differences only. Mappings are merged; lists and numbers
# replace the original ones, and null removes an entry:
#
#   mediators: {{us: null}}
#   states: {{NAME: {{resolve: {{uniform: [0.2, 0.5]}}}}}}
#
#   crisis-sim check {file}
#   crisis-sim run {extends} {file}

extends: {extends}
title: {title}
"""


def write_counterfactual(path: Path, reference: str) -> list[Path]:
    """Write a scenario that extends another one, which is copied to the same folder, and return the written files.

    Raises:
        FileExistsError: when the file or a different copy exists already.
        ScenarioError: when there is no such scenario, or it has mistakes.
    """
    original = find_scenario(reference)
    if not original.is_file():  # it cannot be read a second time
        message = "a pipe or a device, which no file can extend"
        raise ScenarioError([Mistake(str(original), 0, 0, message, "a scenario file")])
    original = original.resolve()
    # JSON strings are valid YAML.
    title = json.dumps(f"{load_scenario(original).title}, changed", ensure_ascii=False)
    layers, _ = read_chain(original, str(original))
    copies = {
        path.parent / layer.within(original.parent): layer.path.read_text("utf-8")
        for layer in layers
    }
    for copy, text in copies.items():
        if copy == path or (copy.exists() and copy.read_text("utf-8") != text):
            raise FileExistsError(copy)
    text = COUNTERFACTUAL.format(extends=original.name, title=title, file=path.name)
    written = [_write(path, text)]
    for copy, text in copies.items():
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            written.append(_write(copy, text))
    return written


# --- Scenarios from answers

#: A value and its meaning.
Answer = tuple[Any, str]
Names = Sequence[str]


@cache
def anchors() -> dict[str, dict[str, Answer]]:
    """Return the anchors by key and name, each with its value and its meaning."""
    plain = parse("anchors.yaml", _file("anchors.yaml"))[0].plain()
    return {key: {name: tuple(pair) for name, pair in of.items()} for key, of in plain.items()}


class Interview:
    """Answers from a file or a terminal. The path of a question is dotted, as in `states.northland.resolve`.

    Args:
        given: the content of the file; None to ask at the terminal.
        ask: a function that shows a text and returns the typed line, or raises EOFError.
    """

    def __init__(self, given: Node | None, ask: Callable[[str], str] = input) -> None:
        self.given, self._ask = given, ask
        self._paths: set[str] = set()

    def _answer(self, path: str, question: str, read: Callable[[Any], Any]) -> Any:
        """Return an answer as converted by `read`, which gets None or "" if there is none.

        After a ValueError the question is asked again; for a file, a ScenarioError is raised.
        """
        self._paths.add(path)
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
        """Ask for a text, which must be one of `among` if given."""

        def read(answer: Any) -> str:
            text = "" if answer is None else str(answer)
            if among and text and text not in among:
                raise ValueError(f"no such answer: {text!r}; expected {one_of(among)}")
            return text or default

        return str(self._answer(path, f"{question} [{default or 'none'}] ", read))

    def date(self, path: str, question: str, default: str = "") -> str:
        """Ask for a date, or "" for none."""

        def read(answer: Any) -> str:
            text = str(default if answer in (None, "") else answer)
            try:
                read_moment(text or EXAMPLE)
            except ValueError:
                raise ValueError(f"not a date: {text!r}; expected one such as {EXAMPLE}") from None
            return text

        return str(self._answer(path, f"{question} [{default or 'none'}] ", read))

    def number(self, path: str, question: str, default: float) -> str:
        """Ask for a number or a distribution; return it as YAML."""
        return _flow(self.anchor(path, question, "", default)[0])

    def value(self, path: str, question: str, key: str = "") -> str:
        """Ask for an anchor or a value; return the value and its meaning as YAML.

        The key of the anchors is by default the last part of the path.
        """
        value, meaning = self.anchor(path, question, key or path.rpartition(".")[2])
        return _flow(value) + _comment(meaning)

    def of_each(self, states: Sequence[tuple[str, str]], path: str, question: str) -> str:
        """Ask for an anchor or a value for each state, given by name and title; return them as YAML."""
        key = path.rpartition(".")[2]
        answers = [
            (name, *self.anchor(f"{path}.{name}", question.format(title), key))
            for name, title in states
        ]
        meanings = "; ".join(f"{name}: {meaning}" for name, _, meaning in answers if meaning)
        return _flow({name: value for name, value, _ in answers}) + _comment(meanings or "given")

    def one_of(self, path: str, question: str, key: str) -> Answer:
        """Ask for an anchor, without the alternative of a number; return its value and meaning."""
        answer = self.anchor(path, question, key)
        if not answer[1]:
            message = f"no such answer: {answer[0]!r}"
            raise ScenarioError([Mistake(path, 0, 0, message, one_of(anchors()[key]))])
        return answer

    def rung(self, ladder: str, path: str, question: str) -> str:
        """Ask for a state's first rung; return its name."""
        number, rungs = self.anchor(path, question, "rung_at_start")[0], LADDERS[ladder]
        return rungs[min(int(number), len(rungs) - 1)].name

    def anchor(self, path: str, question: str, key: str, default: Any = None) -> Answer:
        """Ask for an anchor (by default the first) or a value; return the value and its meaning."""
        known = anchors().get(key, {})
        default = next(iter(known), default)

        def read(answer: Any) -> Answer:
            if self.given is None:
                answer = _parse_line(answer, known)
            return _value(default if answer in ("", None) else answer, known)

        lines = [question, *(f"  {name}: {meaning}" for name, (_, meaning) in known.items())]
        answer: Answer = self._answer(path, "\n".join([*lines, f"  [{default}] "]), read)
        return answer

    def names(
        self, section: str, question: str, default: Names = (), count: int | None = None
    ) -> list[tuple[str, str]]:
        """Ask for titles in a section; return names and titles. ScenarioError unless there are `count`."""

        def read(answer: str) -> list[tuple[str, str]]:
            titles = [title.strip() for title in answer.split(",") if title.strip()] or default
            named = [(re.sub(r"\W+", "_", title.lower()).strip("_"), title) for title in titles]
            invalid = [title for name, title in named if not is_agent_name(name)]
            if invalid or len(dict(named)) != len(named):
                raise ValueError(f"expected distinct names, got: {', '.join(invalid or titles)}")
            return named

        named: list[tuple[str, str]]
        if self.given is None:
            named = self._answer(section, f"{question} [{', '.join(default) or 'none'}] ", read)
        else:
            node = self.given.get(section)
            names = list(node.entries()) if node else default
            named = [(name, self.text(f"{section}.{name}.title", "", name)) for name in names]
        if count is not None and len(named) != count:
            raise ScenarioError([Mistake(section, 0, 0, f"{len(named)} {section}", f"{count}")])
        return named

    def check_unknown(self) -> None:
        """Raise ScenarioError if the file answers unknown questions."""
        mistakes = []
        for path, node in _leaves(self.given) if self.given else ():
            if not any(f"{path}.".startswith(f"{known}.") for known in self._paths):
                near = nearest(path, self._paths)
                mistakes.append(node.label.mistake(f"no question '{path}'", "", near))
        if mistakes:
            raise ScenarioError(mistakes)


def _leaves(node: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    for key, child in node.entries().items():
        if isinstance(child.content, dict):
            yield from _leaves(child, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", child


def _parse_line(text: str, known: Mapping[str, Answer]) -> Any:
    """Parse a typed line as YAML, unless it is an anchor."""
    if text in known or not text:
        return text
    try:
        return parse_value(Source.of("answer", text), text).plain()
    except ScenarioError:
        return text


def _value(answer: Any, known: Mapping[str, Answer]) -> Answer:
    """Return the value and meaning of an anchor; the meaning of a number or a distribution is ""."""
    answer = {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else answer
    if isinstance(answer, str) and answer in known:
        return known[answer]
    if isinstance(answer, (int, float, dict)):
        return answer, ""
    expected = f"{one_of(known)}, or a number or a distribution" if known else "a number"
    near = did_you_mean(str(answer), known)
    raise ValueError(f"no such answer: {answer!r}; expected {expected}{near}")


def scenario_text(interview: Interview, file: str) -> str:
    """Ask all questions, and return the text of the scenario, with comments that mention its `file`.

    EOFError if the input ends before all questions are answered.
    """
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
    interview.check_unknown()
    read_scenario(text, Path(file).stem)
    return text


def _comment(text: str) -> str:
    return f"   # {text}" if text else ""


def _flow(value: Any) -> str:
    """Return a value as one line of YAML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """Return a text as YAML, with quotes if it needs them; JSON strings are valid YAML."""
    plain = re.fullmatch(r"[A-Za-z][\w .()'/-]*", text) and text.lower() not in _NOT_TEXTS
    return text if plain else json.dumps(text, ensure_ascii=False)


#: Words that YAML does not read as texts.
_NOT_TEXTS = ("yes", "no", "true", "false", "on", "off", "null", "y", "n")


def read_answers(path: Path) -> Interview:
    """Read a file of answers."""
    top, mistakes = parse(str(path), read_text(path, str(path)))
    if mistakes:
        raise ScenarioError(mistakes)
    return Interview(top)
