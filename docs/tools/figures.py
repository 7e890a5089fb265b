"""Puts figures into pages from the files that commands have written, and says what those files were made of.

    <!-- from benchmarks/results/coverage.md#The engine itself -->
    ...
    <!-- end -->

What stands between such lines is a file's text, or what stands there under a heading; for the model's folder it is what
`model_tables.py` shows of its code. `python docs/tools/figures.py` puts
it in anew and runs no crises; `make pictures` does so at its end. No figure of the model or of a machine stands anywhere
else in the README or in docs: tests/guide/test_figures.py looks.
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
#: What `make pictures` wrote, of what, each with the SHA-256 of its text.
MADE_OF = SHOWN / "made_of.json"
#: What the counterfactuals of `make run` change, as the README quotes it.
FINDING = SHOWN / "readme" / "finding.md"
#: The folder of which a block shows code.
MODEL = "crisis_sim/model"
VALIDATION = DOCS / "validation.md"
#: Texts that `make pictures` writes beside those in docs/shown.
WRITTEN = (VALIDATION, *sorted((DOCS / "guide").glob("*.ipynb")))
_BLOCK = re.compile(
    r"^(?P<begin><!-- from (?P<file>[^#\n]+?)(?:#(?P<heading>[^\n]+?))? -->)\n.*?^(?P<end><!-- end -->)$",
    re.MULTILINE | re.DOTALL,
)


def pages() -> list[Path]:
    """The README and every page of docs."""
    return [README, *(page for page in sorted(DOCS.rglob("*.md")) if SHOWN not in page.parents)]


def refreshed(text: str) -> str:
    """A page's text with its figures put in anew.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when there is no such heading in it.
    """

    def filled(block: re.Match[str]) -> str:
        return f"{block['begin']}\n{_taken(block['file'], block['heading'])}\n{block['end']}"

    return _BLOCK.sub(filled, text)


def without_blocks(text: str) -> str:
    """A page's text without the figures that are put in."""
    return _BLOCK.sub("", text)


def _taken(file: str, heading: str | None) -> str:
    if file == MODEL:
        from model_tables import shown  # slow to import: it imports the model

        return shown(heading or "")
    text = (ROOT / file).read_text(encoding="utf-8")
    if heading is not None:
        _, found, text = text.partition(f"## {heading}\n")
        if not found:
            raise ValueError(f"{file} has no heading {heading}")
        text = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return text.strip()


def checksums() -> dict[str, str]:
    """The texts that `make pictures` has written, by their paths, with the SHA-256 of each."""
    kept = [path for path in sorted(SHOWN.rglob("*")) if path.is_file() and path != MADE_OF]
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*kept, *WRITTEN)
    }


def note(scenarios: dict[str, Any]) -> None:
    """Write down what all was made of, once all has been made.

    Args:
        scenarios: what `benchmarks.made_of` says of the scenarios that were run.
    """
    noted = {"scenarios": scenarios, "files": checksums()}
    MADE_OF.write_text(f"{json.dumps(noted, indent=2)}\n", encoding="utf-8")


def main() -> None:
    """Refresh all pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(refreshed(text), encoding="utf-8")


if __name__ == "__main__":
    main()
