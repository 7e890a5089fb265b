"""The steps of the guide's pages work as written, in the order of each page."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from console import (
    DASHBOARD,
    DOCS,
    IMAGES,
    SHOWN,
    Reader,
    chart_of,
    commands_of,
    pages,
    pictures,
    steps,
)

#: Enough crises to see that a command works.
FEW = "--replicates 40"
#: The same for files saved from pages.
FEW_IN_FILES = ("replicates: 1000 ", "replicates: 20   ")


def quick(command: str) -> str:
    """Return a command with few crises."""
    return re.sub(r"--replicates \d+", FEW, command)


@pytest.mark.slow
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_command_of_a_page_works_and_writes_its_pictures(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    printed = ""
    for step in steps(page):
        if step.kind == "type":
            process = reader.type(quick(step.text))
            assert process.returncode == 0, f"{step.text}\n{process.stdout}{process.stderr}"
            assert "Traceback" not in process.stderr
            printed = process.stdout
        elif step.kind == "save":
            reader.save(step.text)
            saved = folder / step.text
            saved.write_text(saved.read_text("utf-8").replace(*FEW_IN_FILES), encoding="utf-8")
        else:
            assert printed.strip(), step.text
            assert (SHOWN / step.text).exists()
    for picture in pictures(page):
        assert chart_of(picture, folder).exists()


def test_mistakes_are_reported_as_in_the_guide(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    reader.save("mistakes.yaml")
    shutil.copy(DOCS.parent / "scenarios" / "may_2025.yaml", folder)
    printed = reader.type("crisis-sim check mistakes.yaml").stdout
    assert f"{printed}exit code 2\n" == (SHOWN / "own" / "mistakes.txt").read_text("utf-8")


def test_practical_pages_of_the_guide_have_commands() -> None:
    expected = {"first_crisis", "own_scenario", "charts", "experiment", "own_agent"}
    assert expected <= {page.stem for page in pages()}


def test_every_kept_output_and_picture_is_used_in_a_page() -> None:
    used = {step.text for page in pages() for step in steps(page) if step.kind == "see"}
    kept = {path.relative_to(SHOWN).as_posix() for path in SHOWN.rglob("*.txt")}
    assert kept == used
    used_pictures = {picture for page in pages() for picture in pictures(page)}
    assert {path.relative_to(IMAGES).as_posix() for path in IMAGES.glob("*/*")} == used_pictures
    assert (IMAGES / DASHBOARD).exists()


def test_every_picture_has_an_alternative_text() -> None:
    for page in DOCS.rglob("*.md"):
        for words in re.findall(r"!\[([^]]*)\]\(", page.read_text(encoding="utf-8")):
            assert len(words.split()) >= 6, f"{page.name}: {words}"
            figures = re.sub(r"95% (band|interval)", "", words)
            assert not re.search(r"\d+(\.\d+)?( ?%| points)", figures), (
                "figures in it would become outdated"
            )


def test_a_line_without_a_prompt_continues_the_command_before_it() -> None:
    assert commands_of("$ one \\\n  two\n$ three\n") == ["one \\\n  two", "three"]
