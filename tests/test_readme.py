"""What the README tells a person to do works as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
COMMANDS = [
    line.split("    #")[0].strip()
    for line in re.findall(r"^    (crisis-sim .*)$", TEXT, flags=re.MULTILINE)
]
#: Commands that serve until they are stopped; tests/dashboard runs this one.
SERVES = ("dashboard",)
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_every_command_of_the_readme_works_in_order(tmp_path: Path) -> None:
    assert len(COMMANDS) >= 6
    for command in COMMANDS:
        words = shlex.split(command)[1:]
        if words[0] in SERVES:
            words = [words[0], "--help"]
        done = subprocess.run(
            [sys.executable, "-m", "crisis_sim", *words],
            cwd=tmp_path,
            env={"PYTHONPATH": str(README.parent), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("example", EXAMPLES, ids=["from Python", "an agent of one's own"])
def test_every_example_of_the_readme_runs(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(example, str(README), "exec"), names)  # noqa: S102 - the README is ours
    if "summary" in names:
        assert re.fullmatch(r"[+-]\d+\.\d points \([+-].* to [+-].*\)\n", capsys.readouterr().out)
    assert len(names["outcomes"]) > 10  # type: ignore[arg-type]


def test_the_pictures_and_pages_that_the_readme_shows_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    for link in links:
        assert (README.parent / link).exists(), link


def test_a_mistake_is_shown_as_the_readme_shows_it(tmp_path: Path) -> None:
    from crisis_sim.scenario import ScenarioError, load_scenario

    shown = re.search(r"quiet_gulf\.yaml:9:5: (error: .*)", TEXT)
    assert shown
    (tmp_path / "may_2025.yaml").write_bytes(
        (README.parent / "scenarios" / "may_2025.yaml").read_bytes()
    )
    broken = tmp_path / "quiet_gulf.yaml"
    broken.write_text(
        "extends: may_2025.yaml\n" * 1
        + "title: a gulf\n"
        + "\n" * 4
        + "mediators:\n  us:\n    atention_days: 2\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(broken)
    report = str(caught.value)
    assert "quiet_gulf.yaml:9:5: " + shown[1] in report
    assert "attention_days" in report
