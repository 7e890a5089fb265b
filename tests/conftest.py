"""What tests in all rooms share: how properties are searched for a counter-example, commands, and a browser.

Property-based tests try the same examples each time, so that a change alone can break them, and a counter-example is not
made smaller: rules are compiled anew for each attempt, which takes minutes and memory. `HYPOTHESIS_PROFILE=search` tries
new examples and makes them smaller: `make search` runs the tests so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings
from playwright.sync_api import Browser, sync_playwright

from crisis_sim.cli import run_command

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate]
)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


class Result(NamedTuple):
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs commands in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def cli(*arguments: object) -> Result:
        code = run_command([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    return cli


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Ctrl-C and a request to terminate as a script of one's own has them; test runners may have set them otherwise."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts have tests of their own, and take their time."""
    from crisis_sim.experiments import plots
    from crisis_sim.report import save

    monkeypatch.setattr(save, "write_charts", lambda *_: [])
    monkeypatch.setattr(plots, "write_experiment_charts", lambda *_: [])


#: Set where a missing browser is a failure, as in .ci/run.
BROWSER_NEEDED = "CRISIS_SIM_TESTS_NEED_BROWSER"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that is installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        why = "there is no chromium on the path (Debian: apt-get install chromium)"
        if os.environ.get(BROWSER_NEEDED):
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        # As root, which CI is, Chromium has no sandbox; the pages are our own.
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()
