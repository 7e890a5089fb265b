"""Commands given files and arguments of someone who means harm: no traceback, and nothing that steers a terminal."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.cli.options import MOST_REPLICATES
from crisis_sim.text import printable_lines
from tests.scenario.files import BASE
from tests.scenario.mutations import mutants

SECONDS = 20.0

#: Titles that mean something to rich, Markdown, HTML, SVG, TeX or a reader of right-to-left scripts.
TITLES = (
    "[red]x[/red] [/] [link=http://x]y[/link] [bold",
    "<script>alert(1)</script> &amp; <b> --> ]]>",
    "**x** _y_ `z` [a](javascript:b) ![c](d) | ~~e~~ # f",
    r"$\frac{1}{0}$ $x_ $$ \textbf{ ^_^",
    "پاکستان \u2013 भारत \u2013 危機 \u2013 " + "é" * 100 + "\u0301" * 50,
    "%s %(x)s {x} {0} {} \\n \\x1b",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Give a command, and look at all that it says before giving it back."""

    def ask(*arguments: object) -> tuple[int, str, str]:
        began = time.perf_counter()
        code = run_command([str(argument) for argument in arguments])
        told, talked = capsys.readouterr()
        assert time.perf_counter() - began < SECONDS
        for text in (told, talked):
            assert text == printable_lines(text)
            assert "Traceback" not in text
        return code, told, talked

    return ask


def titled(title: str) -> str:
    """A short crisis in which everything that has a title has this one."""
    written = json.dumps(title, ensure_ascii=False)
    text = BASE.replace("title: A small crisis", f"title: {written}")
    text = text.replace("title: trigger", f"title: {written}")
    for part in ("india: {", "us: {", "elder: {", "line: {", "reviews: [{"):
        text = text.replace(f"  {part}", f"  {part}title: {written}, ", 1)
    text = text.replace("imf:\n", f"imf:\n    title: {written}\n")
    closes = "closes: [[2025-04-22, 100], [2025-05-02, 90]]"
    return f"{text}real_path: {{markets: {{india: {{index: {written}, {closes}}}}}}}\n"


def test_spoilt_files_are_checked_without_a_traceback(here: Path, ask: Ask) -> None:
    codes = set()
    for number, raw in enumerate(mutants(BASE, 100, seed=99)):
        (here / "f.yaml").write_bytes(raw)
        code, told, _ = ask("check", "f.yaml", *(["--json"] if number % 2 else []))
        codes.add(code)
        assert told
        if number % 2:
            json.loads(told)
    assert codes == {DONE, MISTAKE}


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_letters_in_a_replay_and_no_more(here: Path, ask: Ask, title: str) -> None:
    (here / "f.yaml").write_text(titled(title), encoding="utf-8")
    code, _, talked = ask("replay", "f.yaml", "--replicate", 3, "--out", "out")
    assert code == DONE, talked
    story = (here / "out" / "f_seed_1_replicate_3.md").read_text(encoding="utf-8")
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(story)
    tags = {element.tag for element in ET.fromstring(f"<page>{page}</page>").iter()}  # noqa: S314 - our own
    assert tags <= {"page", "h1", "h2", "p", "strong", "ul", "li"}
    for element in ET.parse(here / "out" / "f_seed_1_replicate_3.svg").iter():  # noqa: S314 - our own
        assert "script" not in element.tag
        assert not any(key.startswith("on") for key in element.attrib)


@pytest.mark.slow
def test_a_batch_with_such_titles_is_run_compared_and_drawn(here: Path, ask: Ask) -> None:
    for number, title in enumerate(TITLES[:2]):
        (here / f"f{number}.yaml").write_text(titled(title), encoding="utf-8")
    run = ("run", "f0.yaml", "f1.yaml", "--replicates", 20, "--workers", 1, "--out", "out")
    assert ask(*run, "--dry-run")[1].startswith(f"f0: {TITLES[0]}\nf1: {TITLES[1]}\n")
    assert ask(*run)[0] == DONE
    assert ask("compare", "out")[0] == DONE
    for chart in (here / "out").glob("*.svg"):
        ET.parse(chart)  # noqa: S314 - our own


HARM = "\x1b[31m"


@pytest.mark.parametrize(
    "arguments",
    [
        *(("check", one) for one in (HARM, "/dev/zero", "", "a\0b", "x" * 5000, "\ud800")),
        ("check", "--json", "[/red]\x9b31m"),
        ("check", "f.yaml", "--set", "title=\x1b]0;x\x07"),
        ("check", "f.yaml", "--set", "events." + "9" * 5000 + ".deaths=1"),
        *(("run", "f.yaml", "--replicates", one) for one in (HARM, "[/red]", "9" * 5000)),
        ("run", "f.yaml", "--replicates", MOST_REPLICATES + 1, "--dry-run"),
        ("run", "f.yaml", "--seed", "9" * 5000),
        *(("run", "f.yaml", "--out", one) for one in ("a\0b", "x" * 300)),
        ("run", f"--{HARM}"),
        ("replay", "f.yaml", "--replicate", "9" * 30),
        ("replay", "f.yaml", "--replicate", 0, "--seed", "9" * 1000),
        *(("compare", one) for one in (HARM, "/dev/zero")),
        *(("init", one) for one in ("", "..", "/", HARM)),
        ("init", "new", "--extends", ""),
        (HARM,),
        ("[/red]",),
    ],
    ids=range(28),
)
def test_arguments_that_mean_harm_are_refused(
    here: Path, ask: Ask, arguments: tuple[object, ...]
) -> None:
    (here / "f.yaml").write_text(BASE, encoding="utf-8")
    assert ask(*arguments)[0] == MISTAKE
    assert [path.name for path in here.rglob("*") if path.is_file()] == ["f.yaml"]


def test_as_many_replicates_as_there_may_be_can_be_planned(here: Path, ask: Ask) -> None:
    (here / "f.yaml").write_text(BASE, encoding="utf-8")
    code, told, _ = ask("run", "f.yaml", "--replicates", MOST_REPLICATES, "--dry-run")
    assert code == DONE
    assert f"{MOST_REPLICATES:,} crises" in told
