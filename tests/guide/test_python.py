"""The Python code of the pages runs, or at least parses and imports existing names."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from console import DOCS
from markdown_it import MarkdownIt

from crisis_sim import run_to_folder

#: Pages whose code is not run here, and why.
NOT_RUN = {
    "clusters.md": "needs a cluster",
    "experiments.md": "takes hundreds of thousands of crises",
}


def blocks(page: Path) -> list[str]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [token.content for token in tokens if token.type == "fence" and token.info == "python"]


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if blocks(page)]


def test_pages_with_python_are_known() -> None:
    assert {page.name for page in PAGES} == {
        "change_history.md", "own_agent.md", "outcomes.md", "python.md", *NOT_RUN
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_pages_parses_and_imports_existing_names(page: Path) -> None:
    for block in blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crisis_sim"):
                assert find_spec(str(node.module))
                module = __import__(str(node.module), fromlist=["*"])
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{page.name}: {alias.name}"


def test_the_page_on_outcomes_reads_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_to_folder(["may_2025", "no_mediators"], "results", replicates=60)
    (block,) = blocks(DOCS / "outcomes.md")
    exec(compile(block, "outcomes.md", "exec"), {})  # noqa: S102 - the page is ours
    assert "agreement" in capsys.readouterr().out


@pytest.mark.slow
def test_the_page_on_history_branches_a_branch(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks(DOCS / "guide" / "change_history.md")
    exec(compile(block, "change_history.md", "exec"), {})  # noqa: S102 - the page is ours
    assert "'of': 200" in capsys.readouterr().out


def test_the_page_on_python_runs_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(DOCS / "guide" / "python.md"):
        quick = re.sub(r"replicates=\d+", "replicates=60", block)
        exec(compile(quick, "python.md", "exec"), {})  # noqa: S102 - the page is ours
    assert "did you mean 'india'?" in capsys.readouterr().out
    assert (tmp_path / "both.png").exists()
