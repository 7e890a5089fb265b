"""Commands with closed, full or unread streams, and with harmful files and arguments."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest
from markdown_it import MarkdownIt

from crisis_sim.batch.manifest import code_digest
from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.cli.options import MOST_REPLICATES
from crisis_sim.scenario import load_scenario
from crisis_sim.text import printable_lines
from tests.cli.conftest import ROOT, start
from tests.scenario.files import BASE
from tests.scenario.mutations import mutants

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's devices")
slow = pytest.mark.slow

EXPERIMENT = """\
kind: sweep
title: q
scenario: f.yaml
vary: {mediators.us.attention_days: {low: 1, high: 2, points: 2}}
outcomes: [agreement]
replicates: 10
"""
#: Commands with their exit codes with working streams, and a path that exists afterwards.
COMMANDS: dict[str, tuple[str, int, str]] = {
    "help": ("--help", DONE, ""),
    "version": ("--version", DONE, ""),
    "unknown": ("chek", MISTAKE, ""),
    "scenarios in JSON": ("scenarios --json", DONE, ""),
    "experiments": ("experiments", DONE, ""),
    "schema": ("schema", DONE, ""),
    "check": ("check f.yaml", DONE, ""),
    "check what is wrong": ("check wrong.yaml", MISTAKE, ""),
    "init": ("init new", DONE, "new.yaml"),
    "run what is not there": ("run gone.yaml", MISTAKE, ""),
    "dry run": ("run f.yaml --dry-run", DONE, ""),
    "sweep": ("sweep f.yaml --vary mediators.us.attention_days=1:2:2 --dry-run", DONE, ""),
}
#: Commands that run crises or draw.
LONG: dict[str, tuple[str, int, str]] = {
    "run": ("run f.yaml --replicates 20 --out o", DONE, "o/manifest.json"),
    "compare": ("compare results", DONE, ""),
    "report": ("report results", DONE, "results/report.html"),
    "replay": ("replay f.yaml --replicate 1", DONE, "results/replays"),
    "experiment": ("experiment q.yaml --out o", DONE, "o/manifest.json"),
}


class Unwritable(StringIO):
    """A stream on which every write fails."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def gone() -> TextIO:
    """A pipe whose reader is closed."""
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w")


def closed() -> TextIO:
    stream = StringIO()
    stream.close()
    return stream


def full() -> TextIO:
    return Path("/dev/full").open("w", encoding="utf-8")


STREAMS: dict[str, Callable[[], TextIO | None]] = {
    "none": lambda: None,
    "closed": closed,
    "gone": gone,
    "full": full,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch")
    (folder / "f.yaml").write_text(BASE, encoding="utf-8")
    command = ["run", str(folder / "f.yaml"), "--replicates", "20", "--out", str(folder / "r")]
    assert run_command(command) == DONE
    return folder / "r"


@pytest.fixture
def here(tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("f", BASE), ("wrong", "titel: x"), ("q", EXPERIMENT)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(results, tmp_path / "results")
    return tmp_path


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize(
    ("command", "state"),
    [
        *((command, state) for command in COMMANDS for state in STREAMS),
        *(("run", "none"), ("replay", "gone"), ("compare", "full"), ("experiment", "none")),
        *(pytest.param(command, "full", marks=slow) for command in LONG),
    ],
)
def test_every_command_works_with_unusable_streams(
    here: Path, monkeypatch: pytest.MonkeyPatch, command: str, state: str
) -> None:
    arguments, code, made = (COMMANDS | LONG)[command]
    streams = {name: STREAMS[state]() for name in ("stdout", "stderr")}
    with monkeypatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        found = run_command(arguments.split())
    for stream in filter(None, streams.values()):
        stream.close()
    assert found == (code or (MISTAKE if state == "full" else DONE))
    assert (here / made).exists()


def test_output_that_cannot_be_written_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (full(), Unwritable()):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert run_command(["scenarios"]) == MISTAKE
        stream.close()
        message = capsys.readouterr().err
        assert message.startswith("error: ")
        assert "No space left" in message or "Input/output" in message


@slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", "| true"])
def test_a_process_without_standard_streams_works(here: Path, closed: str) -> None:
    result = start(f"set -o pipefail; crisis run f.yaml --replicates 20 --out o {closed}", here)
    assert result.returncode == DONE
    assert (result.stdout == "") == (closed != "2>&-")
    assert ("20 crises in" in result.stderr) == ("2>&-" not in closed)
    assert "rror" not in result.stderr
    assert (here / "o" / "summary.json").read_text(encoding="utf-8").startswith("{")
    assert (here / "o" / "endings.svg").exists()


def test_a_closed_pipe_is_no_error(here: Path) -> None:
    result = start("set -o pipefail; crisis schema | head -n 1", here)
    assert (result.returncode, result.stdout, result.stderr) == (DONE, "{\n", "")


@slow
def test_scenarios_and_experiments_may_be_read_from_pipes(here: Path) -> None:
    shown = start(
        "cat f.yaml | crisis check /dev/stdin && crisis check /dev/stdin < f.yaml && "
        "crisis check <(cat f.yaml) <(sleep 0.3; cat f.yaml) && "
        "(echo 'extends: f.yaml'; echo 'title: x') | crisis check /dev/stdin && "
        "crisis experiment <(cat q.yaml) --dry-run",
        here,
    )
    assert shown.returncode == DONE, shown
    assert shown.stdout.count("no mistakes") == 5
    assert "crises of f, seed 1" in shown.stdout


def test_a_pipe_can_be_read_but_not_extended(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(here / "pipe.yaml")
    with subprocess.Popen(["sh", "-c", "sleep 0.3; cat f.yaml > pipe.yaml"]):
        assert load_scenario("pipe.yaml").digest == load_scenario("f.yaml").digest
    assert run_command(["init", "new", "--extends", "pipe.yaml"]) == MISTAKE
    assert "a pipe or a device, which no file can extend" in capsys.readouterr().err
    assert not (here / "new.yaml").exists()


@pytest.fixture
def full_disk(here: Path) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize(
    "words",
    [
        *("init new", "init new --extends may_2025", LONG["run"][0]),
        *(pytest.param(LONG[one][0], marks=slow) for one in ("report", "replay", "experiment")),
        pytest.param("compare results --out o", marks=slow),
    ],
)
def test_every_command_reports_a_full_disk(
    here: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert run_command(words.split()) == MISTAKE
    assert "File too large" in capsys.readouterr().err
    assert not (here / "new.yaml").exists(), "half a file was left"


@slow
def test_a_wheel_runs_from_a_zip_file(here: Path) -> None:
    archive = here / "crisis_sim-1-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as file:
        for folder, inside in (
            ("crisis_sim", "crisis_sim"),
            ("scenarios", "crisis_sim/_scenarios"),
            ("experiments", "crisis_sim/_experiments"),
            ("docs/facts", "crisis_sim/_facts"),
        ):
            for path in (ROOT / folder).rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts:
                    file.write(path, f"{inside}/{path.relative_to(ROOT / folder).as_posix()}")
    code = """
import crisis_sim
from crisis_sim.batch.manifest import code_digest
from crisis_sim.cli import run_command
import numpy as np
from crisis_sim.model.luck import uniforms
from crisis_sim.validation.show import LIMITS
from crisis_sim.validation.facts import read_cases, read_expectations

assert ".whl" in crisis_sim.__file__
for words in ("scenarios", "experiments", "check may_2025", "init new"):
    assert not run_command(words.split())
assert not run_command(["experiment", "what_ended_may_2025", "--dry-run"])
assert read_expectations() and LIMITS.read_text()
print(code_digest(), len(read_cases()), uniforms(1, "x", np.arange(2, dtype=np.uint64)).shape, sep="\\n")
"""
    (here / "zipped.py").write_text(code, encoding="utf-8")
    result = start(
        f"PYTHONPATH={archive}:{sysconfig.get_path('purelib')} {sys.executable} zipped.py",
        here,
        NUMBA_CACHE_DIR=str(here / "kept"),
    )
    assert result.returncode == DONE, result.stderr
    assert result.stderr == "next, edit it and run: crisis-sim check new.yaml\n"
    assert result.stdout.endswith(f"{code_digest()}\n8\n(2,)\n")
    assert list((here / "kept").rglob("*.nbi"))
    assert "may_2025" in result.stdout


# Harmful files and arguments

SECONDS = 20.0

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command, and check its output."""

    def cli(*arguments: object) -> tuple[int, str, str]:
        began = time.perf_counter()
        code = run_command([str(argument) for argument in arguments])
        result, messages = capsys.readouterr()
        assert time.perf_counter() - began < SECONDS
        for text in (result, messages):
            assert text == printable_lines(text)
            assert "Traceback" not in text
        return code, result, messages

    return cli


#: Titles with markup of rich, HTML, SVG, Markdown and TeX, and right-to-left scripts.
TITLES = (
    "[red]x[/red] [/] [link=http://x]y[/link] [bold <script>alert(1)</script> &amp; <b> --> ]]>",
    "**x** _y_ `z` [a](javascript:b) ![c](d) | ~~e~~ # f %s %(x)s {x} {0} {} \\n \\x1b",
    r"$\frac{1}{0}$ $x_ $$ \textbf{ ^_^ پاکستان – भारत – 危機 – " + "é" * 100 + "\u0301" * 50,
)


def titled(title: str) -> str:
    """A short crisis with this title everywhere."""
    written = json.dumps(title, ensure_ascii=False)
    text = BASE.replace("title: A small crisis", f"title: {written}")
    text = text.replace("title: trigger", f"title: {written}")
    for part in ("india: {", "us: {", "elder: {", "line: {", "reviews: [{"):
        text = text.replace(f"  {part}", f"  {part}title: {written}, ", 1)
    text = text.replace("imf:\n", f"imf:\n    title: {written}\n")
    closes = "closes: [[2025-04-22, 100], [2025-05-02, 90]]"
    return f"{text}real_path: {{markets: {{india: {{index: {written}, {closes}}}}}}}\n"


def test_damaged_files_are_checked_without_a_traceback(here: Path, cli: Cli) -> None:
    codes = set()
    for number, raw in enumerate(mutants(BASE, 40, seed=99)):
        (here / "f.yaml").write_bytes(raw)
        code, result, _ = cli("check", "f.yaml", *(["--json"] if number % 2 else []))
        codes.add(code)
        assert json.loads(result) if number % 2 else result
    assert codes == {DONE, MISTAKE}


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_escaped_in_a_replay(here: Path, cli: Cli, title: str) -> None:
    (here / "f.yaml").write_text(titled(title), encoding="utf-8")
    code, _, messages = cli("replay", "f.yaml", "--replicate", 3, "--out", "out")
    assert code == DONE, messages
    story = (here / "out" / "f_seed_1_replicate_3.md").read_text(encoding="utf-8")
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(story)
    tags = {element.tag for element in ET.fromstring(f"<page>{page}</page>").iter()}  # noqa: S314 - our own
    assert tags <= {"page", "h1", "h2", "p", "strong", "ul", "li"}
    for element in ET.parse(here / "out" / "f_seed_1_replicate_3.svg").iter():  # noqa: S314 - our own
        assert "script" not in element.tag
        assert not any(key.startswith("on") for key in element.attrib)


@slow
def test_titles_are_escaped_in_batches_and_charts(here: Path, cli: Cli) -> None:
    for number, title in enumerate(TITLES[:2]):
        (here / f"f{number}.yaml").write_text(titled(title), encoding="utf-8")
    run = ("run", "f0.yaml", "f1.yaml", "--replicates", 20, "--workers", 1, "--out", "out")
    assert cli(*run, "--dry-run")[1].startswith(f"f0: {TITLES[0]}\nf1: {TITLES[1]}\n")
    assert cli(*run)[0] == DONE
    assert cli("compare", "out")[0] == DONE
    for chart in (here / "out").glob("*.svg"):
        ET.parse(chart)  # noqa: S314 - our own


HARM = "\x1b[31m"


@pytest.mark.parametrize(
    "arguments",
    [
        *(("check", one) for one in (HARM, "/dev/zero", "", "a\0b", "x" * 5000, "\ud800")),
        ("check", "--json", "[/red]\x9b31m"),
        ("check", "f.yaml", "--set", "title=\x1b]0;x\x07"),
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
    ids=range(27),
)
def test_harmful_arguments_are_refused(here: Path, cli: Cli, arguments: tuple[object, ...]) -> None:
    before = {path for path in here.rglob("*") if path.is_file()}
    assert cli(*arguments)[0] == MISTAKE
    assert {path for path in here.rglob("*") if path.is_file()} == before


def test_the_maximum_of_replicates_can_be_planned(cli: Cli) -> None:
    code, result, _ = cli("run", "f.yaml", "--replicates", MOST_REPLICATES, "--dry-run")
    assert code == DONE
    assert f"{MOST_REPLICATES:,} crises" in result
