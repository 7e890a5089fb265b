"""A working directory with scenarios, and commands in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crisis_sim.cli.new_scenario import template_text
from tests.conftest import Cli

ROOT = Path(__file__).parents[2]
#: A short crisis, a counterfactual, and one that is wrong.
FILES = {
    "short": template_text("short.yaml").replace("horizon_days: 60", "horizon_days: 20"),
    "alone": "extends: short.yaml\ntitle: alone\nmediators: null\n",
    "wrong": "extends: short.yaml\ntitel: x\nhorizon_days: -1\n",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with `FILES`."""
    for name, content in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(here: Path, cli: Cli) -> Cli:
    return cli


def start(script: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, in which `crisis` is the program."""
    program = f'crisis() {{ {sys.executable} -m crisis_sim "$@"; }}; '
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        ["bash", "-c", program + script],
        check=False,
        cwd=cwd,
        capture_output=True,
        timeout=120,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
