"""Insert figures into pages from files that commands have written, and record what those files were made from.

    <!-- from benchmarks/results/coverage.md#The model itself -->
    ...
    <!-- end -->

Between such lines is the text of a file, or of one of its sections; for the folder of the model it is the output of
`model_tables.py`. `python docs/tools/figures.py` refreshes these blocks without running crises; `make pictures` does so at
its end. The README and docs contain no other figures of the model or of a machine: tests/guide/test_figures.py checks this.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from console import DOCS, SHOWN

ROOT = DOCS.parent
README = ROOT / "README.md"
#: The files that `make pictures` wrote, with their SHA-256, and the scenarios that were run.
MADE_OF = SHOWN / "made_of.json"
#: The effects of the counterfactuals of `make run`, as quoted in the README.
FINDING = SHOWN / "readme" / "finding.md"
#: The folder whose blocks are made from code.
MODEL = "crisis_sim/model"
VALIDATION = DOCS / "validation.md"
#: Texts that `make pictures` writes outside docs/shown.
WRITTEN = (VALIDATION, *sorted((DOCS / "guide").glob("*.ipynb")))
_BLOCK = re.compile(
    r"^(?P<begin><!-- from (?P<file>[^#\n]+?)(?:#(?P<heading>[^\n]+?))? -->)\n.*?^(?P<end><!-- end -->)$",
    re.MULTILINE | re.DOTALL,
)


def pages() -> list[Path]:
    """Return the README and all pages of docs."""
    return [README, *(page for page in sorted(DOCS.rglob("*.md")) if SHOWN not in page.parents)]


def refreshed(text: str) -> str:
    """Return a page's text with its blocks refreshed.

    Raises:
        FileNotFoundError: if a block's file does not exist.
        ValueError: if the file has no such heading.
    """

    def refresh(block: re.Match[str]) -> str:
        return f"{block['begin']}\n{_content(block['file'], block['heading'])}\n{block['end']}"

    return _BLOCK.sub(refresh, text)


def without_blocks(text: str) -> str:
    """Return a page's text without its blocks."""
    return _BLOCK.sub("", text)


def _content(file: str, heading: str | None) -> str:
    if file == MODEL:
        from model_tables import shown  # imports the model, which is slow

        return shown(heading or "")
    text = (ROOT / file).read_text(encoding="utf-8")
    if heading is not None:
        _, found, text = text.partition(f"## {heading}\n")
        if not found:
            raise ValueError(f"{file} has no heading {heading}")
        text = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return text.strip()


def checksums() -> dict[str, str]:
    """Return the SHA-256 of each text that `make pictures` has written, by its path."""
    files = [path for path in sorted(SHOWN.rglob("*")) if path.is_file() and path != MADE_OF]
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*files, *WRITTEN)
    }


def note(scenarios: dict[str, Any]) -> None:
    """Record the files that were written, and what they were made from.

    Args:
        scenarios: the scenarios that were run, as described by `benchmarks.made_of`.
    """
    record = {"scenarios": scenarios, "files": checksums()}
    MADE_OF.write_text(f"{json.dumps(record, indent=2)}\n", encoding="utf-8")


def main() -> None:
    """Refresh all pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(refreshed(text), encoding="utf-8")


if __name__ == "__main__":
    main()
