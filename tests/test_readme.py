"""What the README tells a person to do works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from crisis_sim import __version__

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = [
    line.split("    #")[0].strip()
    for line in re.findall(r"^    (crisis-sim .*)$", TEXT, flags=re.MULTILINE)
]
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
#: Words that a reader has patience for.
MOST_WORDS = 700


def test_the_readme_is_short() -> None:
    assert len(TEXT.split()) <= MOST_WORDS, "what is more belongs to a page of docs"


@pytest.mark.slow
def test_every_command_of_the_readme_works_in_order(tmp_path: Path) -> None:
    assert len(COMMANDS) == 3
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "crisis_sim", *shlex.split(command)[1:]],
            cwd=tmp_path,
            env={"PYTHONPATH": str(README.parent), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_example_in_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(EXAMPLE, str(README), "exec"), names)  # noqa: S102 - the README is ours
    assert "less likely than in India and Pakistan, May 2025" in capsys.readouterr().out
    assert len(names["outcomes"]) == 2_000  # type: ignore[arg-type]
    change = names["summary"]["differences"]["no_mediators"]["ceasefire"]["from_first_strike"]  # type: ignore[index]
    assert change["by"]["96_hours"]["upper"] < 0


def test_the_pictures_and_pages_that_the_readme_shows_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT)
    assert links
    for link in links:
        assert (README.parent / link).exists(), link


def test_the_version_to_cite_is_this_one() -> None:
    assert f"(version {__version__})" in TEXT
