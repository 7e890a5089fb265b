"""What the pages of the guide tell a reader to do: commands to type, files to save, results to see.

A page is read as its reader would, from top to bottom:

    ```console
    $ crisis-sim run may_2025 --out results/first
    ```

is typed into a shell; `{literalinclude} examples/NAME` is a file that the reader now has;
`{literalinclude} ../shown/NAME.txt` or `{story} NAME.txt` shows what the last command printed; and a picture
`../images/first/endings.png` is the chart `results/first/endings.png` that the commands have left, or the top of a
page `results/first/endings.html`.
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
#: The picture of the dashboard, which no command leaves: it is served until somebody ends it.
DASHBOARD = "dashboard.png"
_PROMPT = "$ "


@dataclass(frozen=True)
class Step:
    """One thing that a page's reader does or sees: `type` a command, `save` a file, `see` what was printed."""

    kind: str
    what: str


def steps(page: Path) -> Iterator[Step]:
    """The steps of a page, in their order."""
    for found in _STEP.finditer(page.read_text(encoding="utf-8")):
        if found["block"]:
            for command in commands_of(found["block"]):
                yield Step("type", command)
        elif found["example"]:
            yield Step("save", found["example"])
        else:
            yield Step("see", found["shown"])


def commands_of(block: str) -> list[str]:
    """The commands of a console block; a line without a prompt goes on with the one before it."""
    commands: list[str] = []
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            commands.append(line.removeprefix(_PROMPT))
        elif commands:
            commands[-1] += f"\n{line}"
    return commands


def pictures(page: Path) -> list[str]:
    """The pictures of a page that its commands make, as paths in docs/images and in the folder of results."""
    found = _PICTURE.findall(page.read_text(encoding="utf-8"))
    return [one for one in (one or two for one, two in found) if one != DASHBOARD]


def chart_of(picture: str, folder: Path) -> Path:
    """The chart or page that became a picture, in a reader's folder; where a command picked its name, the only chart there.

    Raises:
        FileNotFoundError: when there is no such chart.
    """
    path = folder / "results" / picture
    for made in (path, path.with_suffix(".html")):
        if made.exists():
            return made
    charts = list(path.parent.glob("*.png"))
    if len(charts) != 1:
        raise FileNotFoundError(f"no chart for {picture}, and {len(charts)} where it would be")
    return charts[0]


def pages() -> list[Path]:
    """The guide's pages that have something to type."""
    return [page for page in sorted(GUIDE.glob("*.md")) if any(steps(page))]


class Reader:
    """Somebody who sits before a shell in a folder of their own, and does as a page says.

    Args:
        folder: the folder, empty at first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._commands = folder.parent / f"{folder.name}_commands"
        self._commands.mkdir()
        # A command leads to this checkout and this Python, whatever else is installed.
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
        """Type a command into the shell, and wait for it to end."""
        path = os.pathsep.join([str(self._commands), os.environ.get("PATH", os.defpath)])
        own = {"PATH": path, "PYTHONPATH": str(DOCS.parent), "NO_COLOR": "1"}
        how = {"cwd": self.folder, "env": os.environ | own, "capture_output": True, "text": True}
        return subprocess.run(["bash", "-c", command], check=False, **how)  # type: ignore[call-overload]
