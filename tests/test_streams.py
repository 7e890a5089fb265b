"""Streams that are closed, full or read by nobody, pipes as files, full disks, a package in a zip file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from crisis_sim.batch.manifest import code_digest
from crisis_sim.cli import DONE, MISTAKE, run_command
from crisis_sim.scenario import load_scenario
from tests.scenario.files import BASE

ROOT = Path(__file__).parents[1]
resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's devices")

EXPERIMENT = """\
kind: sweep
title: q
scenario: f.yaml
vary: {mediators.us.attention_days: {low: 1, high: 2, points: 2}}
outcomes: [agreement]
replicates: 10
"""
#: Each command, how it ends where all can be heard, and what is there afterwards.
COMMANDS: dict[str, tuple[str, int, str]] = {
    "help": ("--help", DONE, ""),
    "version": ("--version", DONE, ""),
    "unknown": ("chek", MISTAKE, ""),
    "scenarios": ("scenarios", DONE, ""),
    "scenarios in JSON": ("scenarios --json", DONE, ""),
    "experiments": ("experiments", DONE, ""),
    "schema": ("schema", DONE, ""),
    "check": ("check f.yaml", DONE, ""),
    "check what is wrong": ("check wrong.yaml", MISTAKE, ""),
    "init": ("init new", DONE, "new.yaml"),
    "run": ("run f.yaml --replicates 20 --out o", DONE, "o/manifest.json"),
    "run what is not there": ("run gone.yaml", MISTAKE, ""),
    "dry run": ("run f.yaml --dry-run", DONE, ""),
    "compare": ("compare results", DONE, ""),
    "report": ("report results", DONE, "results/report.html"),
    "replay": ("replay f.yaml --replicate 1", DONE, "results/replays"),
    "experiment": ("experiment q.yaml --out o", DONE, "o/manifest.json"),
    "sweep": ("sweep f.yaml --vary mediators.us.attention_days=1:2:2 --dry-run", DONE, ""),
}


class Unwritable(StringIO):
    """A stream on which every write fails in one way."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def gone() -> TextIO:
    """A pipe whose reader has gone away."""
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
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("f", BASE), ("wrong", "titel: x"), ("q", EXPERIMENT)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize(
    ("command", "state"),
    # A page takes seconds.
    [(one, state) for one in COMMANDS for state in STREAMS if one != "report" or state == "full"],
)
def test_every_command_does_its_work_whoever_hears_of_it(
    here: Path, results: Path, monkeypatch: pytest.MonkeyPatch, command: str, state: str
) -> None:
    shutil.copytree(results, here / "results")
    arguments, code, made = COMMANDS[command]
    streams = {name: STREAMS[state]() for name in ("stdout", "stderr")}
    with monkeypatch.context() as patch:
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        found = run_command(arguments.split())
    for stream in filter(None, streams.values()):
        stream.close()
    assert found == (code or (MISTAKE if state == "full" else DONE))
    assert (here / made).exists()


def test_what_could_not_be_printed_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (full(), Unwritable()):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert run_command(["scenarios"]) == MISTAKE
        stream.close()
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert "No space left" in said or "Input/output" in said


def start(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which `crisis` is the program."""
    program = f'crisis() {{ {sys.executable} -m crisis_sim "$@"; }}; '
    path = environment.pop("PYTHONPATH", str(ROOT))
    return subprocess.run(
        ["bash", "-c", program + command],
        check=False,
        cwd=cwd,
        capture_output=True,
        timeout=60,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_process_without_its_streams_runs_and_its_files_are_its_own(
    here: Path, closed: str
) -> None:
    told = start(f"crisis run f.yaml --replicates 20 --out o {closed}", here)
    assert told.returncode == DONE
    assert (told.stdout == "") == (">&-" in closed.split())
    assert ("20 crises in" in told.stderr) == ("2>&-" not in closed)
    assert "Traceback" not in told.stderr
    assert (here / "o" / "summary.json").read_text(encoding="utf-8").startswith("{")
    assert (here / "o" / "endings.svg").exists()


def test_scenarios_and_experiments_may_come_through_pipes(here: Path) -> None:
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


def test_a_named_pipe_is_read_once_somebody_writes(here: Path) -> None:
    os.mkfifo(here / "pipe.yaml")
    with subprocess.Popen(["sh", "-c", "sleep 0.3; cat f.yaml > pipe.yaml"], cwd=here):
        assert load_scenario("pipe.yaml").digest == load_scenario("f.yaml").digest


def test_what_comes_through_a_pipe_cannot_be_extended_and_nothing_is_written(here: Path) -> None:
    told = start("crisis init new --extends <(cat f.yaml)", here)
    assert told.returncode == MISTAKE
    assert "a pipe or a device, which no file can extend" in told.stderr
    assert not (here / "new.yaml").exists()


@pytest.fixture
def full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "command", ["init", "run", "report", "replay", "experiment", "copy", "draw"]
)
def test_a_disk_that_is_full_is_said_by_every_command_that_writes(
    here: Path,
    results: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    request: pytest.FixtureRequest,
) -> None:
    shutil.copytree(results, here / "results")
    request.getfixturevalue("full_disk")
    others = {"copy": "init new --extends may_2025", "draw": "compare results --out o"}
    words = others.get(command) or COMMANDS[command][0]
    assert run_command(words.split()) == MISTAKE
    assert "File too large" in capsys.readouterr().err
    assert not (here / "new.yaml").exists(), "half a file was left"


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
    told = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=here,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(archive), sysconfig.get_path("purelib")]),
            "NUMBA_CACHE_DIR": str(here / "kept"),
        },
    )
    assert told.returncode == DONE, told.stderr
    assert told.stderr == "now change it, then: crisis-sim check new.yaml\n"
    assert told.stdout.endswith(f"{code_digest()}\n8\n(2,)\n")
    assert list((here / "kept").rglob("*.nbi"))
    assert "may_2025" in told.stdout
