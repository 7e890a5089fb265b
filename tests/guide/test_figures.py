"""Every figure in the README and docs comes from a file written by a command, or is a fact with a source."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import figures
import fit_page
import pytest
import scorecard
from console import DOCS

from benchmarks import coverage, report
from benchmarks.made_of import made_of
from crisis_sim.validation.show import LIMITS

ROOT = DOCS.parent
RESULTS = ROOT / "benchmarks" / "results"
MADE_OF = json.loads(figures.MADE_OF.read_text(encoding="utf-8"))
COVERAGE = json.loads((RESULTS / "coverage.json").read_text(encoding="utf-8"))
#: Commands that refresh results, and the versions of the model with which they ran.
REFRESH = {
    "make pictures": MADE_OF["scenarios"],
    "python -m benchmarks.coverage": COVERAGE["made_of"],
}

#: Generated pages; they are compared with their sources here or in tests/scenario/test_schema.py.
GENERATED = ("docs/validation.md", "docs/fit.md", "docs/parameters.md", "docs/scorecard.md")
#: Numbers in words.
WORDS = "two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred|half an?"
#: A figure of the model or of a machine: a number with a unit.
NUMBER = rf"(?:[-−+±]?\d(?:[\d.,]*\d)?(?: (?:million|billion|thousand))?|\b(?:{WORDS})\b)"
UNIT = (
    r"%|(?:percentage )?points?\b|times\b|[µmn]s\b|s\b|h\b|(?:micro|milli)?seconds?\b|minutes?\b|hours?\b|days?\b|weeks?\b"
    r"|months?\b|[kMG]B\b|bytes\b|crises\b|deaths\b|core-hours?\b|(?:core-)?seconds?\b|agent-steps?\b"
)
SHARE = (
    r"(?:half|(?:a|one|two|three|four) (?:half|thirds?|quarters?|fifths?|tenths?)) of (?:the |all |these |its |a )?"
    r"(?:\w+ )?(?:crises|replicates|states|batches|time)"
)
#: A difference, even if its unit is in a table's heading.
SIGNED = r"(?<![\w.`/])[-−+]\d+\.\d+"
FIGURE = re.compile(rf"(?<![\w.`/-]){NUMBER}[ -]?(?:{UNIT})|{SHARE}|{SIGNED}", re.IGNORECASE)
CODE = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$|^(?: {4}|\t).*?$|`[^`]*`|\]\([^)]*\)|<!--.*?-->",
    re.MULTILINE | re.DOTALL,
)
#: Figures by page that no command computes, and why they are allowed: facts of the record, and choices of method.
ALLOWED: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "figures_allowed.json").read_text(encoding="utf-8")
)


def typed_figures(text: str) -> list[str]:
    """Return the figures of a page outside blocks and code."""
    prose = CODE.sub(" ", figures.without_blocks(text))
    return [" ".join(figure.split()) for figure in FIGURE.findall(" ".join(prose.split()))]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    """Return the text of a page; of a notebook, the cells with text."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    return "\n\n".join(
        "".join(cell["source"])
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "markdown"
    )


PAGES = [
    ROOT / "CITATION.cff",
    ROOT / "CONTRIBUTING.md",
    LIMITS,
    *(page for page in figures.pages() if name(page) not in GENERATED),
    *sorted(DOCS.rglob("*.ipynb")),
]


@pytest.mark.parametrize("page", figures.pages(), ids=name)
def test_blocks_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert figures.refreshed(text) == text, "`python docs/tools/figures.py` refreshes it"


def test_pages_with_blocks_are_known() -> None:
    with_blocks = {name(page) for page in figures.pages() if "<!-- from " in text_of(page)}
    assert with_blocks == {
        "README.md",
        "docs/ODD.md",
        "docs/model_versions.md",
        "docs/speed.md",
        "docs/statistics.md",
    }


@pytest.mark.parametrize("command", REFRESH)
def test_results_are_of_the_present_model(command: str) -> None:
    recorded = REFRESH[command]
    assert recorded == made_of(recorded), (
        f"the model has changed: `{command}` refreshes the results"
    )


def test_files_are_as_their_commands_wrote_them() -> None:
    assert MADE_OF["files"] == figures.checksums(), "`make pictures` refreshes them"


def test_tables_of_coverage_are_up_to_date() -> None:
    tables = coverage.tables(COVERAGE)
    assert (RESULTS / "coverage.md").read_text(encoding="utf-8") == f"{tables}\n"
    engine = COVERAGE["engine"] | {"truth": COVERAGE["engine"]["truth"] + 1}
    assert coverage.tables(COVERAGE | {"engine": engine}) != tables


def test_tables_of_speed_are_up_to_date() -> None:
    speed = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    assert (RESULTS / "speed.md").read_text(encoding="utf-8") == f"{report.tables(speed)}\n"


@pytest.mark.parametrize("maker", [scorecard, fit_page], ids=lambda maker: maker.__name__)
def test_generated_pages_are_up_to_date(maker: ModuleType) -> None:
    refresh = f"`python docs/tools/{maker.__name__}.py` refreshes it"
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), refresh


def test_the_page_on_validation_ends_with_its_limits() -> None:
    text = figures.VALIDATION.read_text(encoding="utf-8")
    assert text.endswith(LIMITS.read_text(encoding="utf-8").strip() + "\n")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_typed_figures_are_allowed(page: Path) -> None:
    typed, allowed = set(typed_figures(text_of(page))), ALLOWED.get(name(page), {})
    assert sorted(typed - set(allowed)) == [], (
        "insert it from a file, omit it, or give its source in figures_allowed.json"
    )
    assert sorted(set(allowed) - typed) == [], "no longer in the page"
    assert all(len(why.split()) >= 2 for why in allowed.values())


def test_pages_with_allowed_figures_exist() -> None:
    assert set(ALLOWED) <= {name(page) for page in PAGES}


def test_typed_figures_are_found_but_none_in_code_or_in_a_block() -> None:
    for number in (
        "48.5%",
        "7 points",
        "0.02 µs",
        "three times",
        "1,234 crises",
        "half of all crises",
    ):
        assert typed_figures(f"Without mediators it is {number} in this model."), number
    assert typed_figures("| ends by agreement | −5.4 | 0.61 |")
    assert typed_figures("`hold 5 days`\n\n    5 days\n\n```\n5 days\n```\n") == []
    assert typed_figures("<!-- from a.md -->\n5 days\n<!-- end -->\n") == []


@pytest.mark.parametrize("digits", ["48.5", "1,234"])
def test_a_changed_figure_in_a_block_is_restored(digits: str) -> None:
    text = figures.README.read_text(encoding="utf-8")
    begin = text.index("<!-- from ")
    changed = re.sub(r"\d+\.\d+", digits, text[begin:], count=1)
    assert changed != text[begin:]
    assert figures.refreshed(text[:begin] + changed) == text
