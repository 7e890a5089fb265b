"""The steps of the guide's pages: commands to type, files to save, results to look at.

A page is read from top to bottom:

    ```console
    $ crisis-sim run may_2025 --out results/first
    ```

is typed into a shell; `{literalinclude} examples/NAME` is a file to save; `{literalinclude} ../shown/NAME.txt` or
`{story} NAME.txt` is the output of the last command; and a picture `../images/first/endings.png` is the chart
`results/first/endings.png` written by the commands, or the top of a report `results/first/endings.html`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1]
GUIDE = DOCS / "guide"
EXAMPLES = GUIDE / "examples"
SHOWN = DOCS / "shown"
IMAGES = DOCS / "images"

_STEP = re.compile(
    r"^```console\n(?P<block>.*?)^```$"
    r"|^```\{literalinclude\} examples/(?P<example>\S+)$"
    r"|^```\{(?:literalinclude\} \.\./shown/|story\} )(?P<shown>\S+)$",
    flags=re.MULTILINE | re.DOTALL,
)
_PICTURE = re.compile(r"!\[[^]]*\]\(\.\./images/(\S+?)\)|^```\{figure\} \.\./images/(\S+)$", re.M)
#: The picture of the dashboard, which no command writes.
DASHBOARD = "dashboard.png"
_PROMPT = "$ "


@dataclass(frozen=True)
class Step:
    """A step of a page, by kind: `type` a command, `save` a file, or `see` the output in a file."""

    kind: str
    text: str


def steps(page: Path) -> Iterator[Step]:
    """Yield the steps of a page, in order."""
    for match in _STEP.finditer(page.read_text(encoding="utf-8")):
        if match["block"]:
            for command in commands_of(match["block"]):
                yield Step("type", command)
        elif match["example"]:
            yield Step("save", match["example"])
        else:
            yield Step("see", match["shown"])


def commands_of(block: str) -> list[str]:
    """Return the commands of a console block; a line without a prompt continues the command before it."""
    commands: list[str] = []
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            commands.append(line.removeprefix(_PROMPT))
        elif commands:
            commands[-1] += f"\n{line}"
    return commands


def pictures(page: Path) -> list[str]:
    """Return the pictures that a page's commands make, as paths in docs/images and in the folder of results."""
    names = map("".join, _PICTURE.findall(page.read_text(encoding="utf-8")))
    return [name for name in names if name != DASHBOARD]


def chart_of(picture: str, folder: Path) -> Path:
    """Return the chart or report of a picture in a reader's folder: that of its name, or else the only chart there.

    Raises:
        FileNotFoundError: if there is no such chart.
    """
    path = folder / "results" / picture
    for candidate in (path, path.with_suffix(".html")):
        if candidate.exists():
            return candidate
    charts = list(path.parent.glob("*.png"))
    if len(charts) != 1:
        raise FileNotFoundError(f"no chart for {picture}, and {len(charts)} others in its folder")
    return charts[0]


def pages() -> list[Path]:
    """Return the pages of the guide that have steps."""
    return [page for page in sorted(GUIDE.glob("*.md")) if any(steps(page))]


class Reader:
    """A shell in an empty folder, in which the steps of a page are done.

    Args:
        folder: the folder; created if necessary.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._commands = folder.parent / f"{folder.name}_commands"
        self._commands.mkdir()
        # The commands run this checkout with this Python, whatever else is installed.
        for name, arguments in (("crisis-sim", "-m crisis_sim"), ("python", "")):
            path = self._commands / name
            path.write_text(
                f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8"
            )
            path.chmod(0o755)

    def save(self, example: str) -> None:
        """Copy a file from the page."""
        shutil.copyfile(EXAMPLES / example, self.folder / example)

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the shell."""
        path = os.pathsep.join([str(self._commands), os.environ.get("PATH", os.defpath)])
        environment = {"PATH": path, "PYTHONPATH": str(DOCS.parent), "NO_COLOR": "1"}
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
