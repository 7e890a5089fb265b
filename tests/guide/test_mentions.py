"""Commands that the README and the pages mention, and that no test runs, exist with their options.

`test_pages.py` runs those of the guide, `tests/test_readme.py` those of the README. The others take minutes, need a cluster,
or install something.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from console import DOCS, GUIDE
from cyclopts.exceptions import CycloptsError, MissingArgumentError
from markdown_it import MarkdownIt

from crisis_sim.cli import app

ROOT = DOCS.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in DOCS.rglob("*.md") if page.parent != GUIDE),
    *sorted(GUIDE.glob("*.md")),
]
#: Other programs, and why their commands are not run here.
OTHERS = {
    "pip": "installs from the network",
    "helm": "installs into a Kubernetes cluster",
    "dask": "starts servers; its options are checked below",
}
COMMAND = re.compile(rf"(crisis-sim|make|python -m|{'|'.join(OTHERS)}) \S")
#: Placeholder for any command.
ANY = "COMMAND"


def mentions(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the commands that a page mentions, and whether each is a line of a block and must be complete."""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block") and "console" not in token.info:
            for line in token.content.splitlines():
                if COMMAND.match(line):
                    yield re.split(r"\s{2,}#", line)[0].strip(), True
        for part in token.children or ():
            if part.type == "code_inline" and COMMAND.match(part.content):
                yield " ".join(part.content.split()), False


ALL = [(page, command, whole) for page in PAGES for command, whole in mentions(page)]


def of_program(name: str) -> list[str]:
    return sorted({command for _, command, _ in ALL if command.startswith(f"{name} ")})


def test_every_kind_of_command_is_mentioned() -> None:
    assert len(ALL) > 60
    for name in ("crisis-sim", "make", "python -m", *OTHERS):
        assert of_program(name), name


@pytest.mark.parametrize(
    ("page", "command", "whole"),
    [mention for mention in ALL if mention[1].startswith("crisis-sim ")],
    ids=lambda value: value.name if isinstance(value, Path) else str(value)[:40],
)
def test_the_program_understands_the_command(page: Path, command: str, whole: bool) -> None:
    words = shlex.split(command)[1:]
    if words[0] in (ANY, "--help"):
        return
    assert words[0] in list(app), f"{page.name}: there is no {words[0]}"
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        if whole or not isinstance(error, MissingArgumentError):
            pytest.fail(f"{page.name}: {command}: {error}")


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in of_program("make"):
        target = shlex.split(command)[1]
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), command


def test_modules_and_their_options_exist() -> None:
    for command in of_program("python -m"):
        words = shlex.split(command.partition(" > ")[0])
        spec = find_spec(words[2])
        assert spec, command
        assert spec.origin, command
        source = Path(spec.origin).read_text(encoding="utf-8")
        for option in (word for word in words[3:] if word.startswith("--")):
            assert f'"{option}"' in source, command


def test_options_of_dask_exist() -> None:
    from distributed.cli.dask_worker import main as worker

    known = {option for parameter in worker.params for option in parameter.opts}
    named = {word for command in of_program("dask") for word in command.split() if word[:2] == "--"}
    assert named == {"--nworkers", "--nthreads"}
    assert named <= known


def test_installations_name_existing_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for command in (*of_program("pip"), *of_program("helm")):
        words = shlex.split(command)
        assert words[1] == "install", command
        if words[0] == "pip" and words[2].startswith("crisis-sim["):
            extra = words[2].removeprefix("crisis-sim[").removesuffix("]")
            assert extra in project["optional-dependencies"], command
