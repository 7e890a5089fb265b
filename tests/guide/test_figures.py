"""Every figure of the README and of docs comes from a file that a command wrote, or is a fact with a source."""

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
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import coverage, report
from benchmarks.made_of import made_of
from crisis_sim.validation.show import LIMITS

ROOT = DOCS.parent
RESULTS = ROOT / "benchmarks" / "results"
MADE_OF = json.loads(figures.MADE_OF.read_text(encoding="utf-8"))
COVERAGE = json.loads((RESULTS / "coverage.json").read_text(encoding="utf-8"))
#: What must be run where what is kept is not of today.
REFRESH = {
    "make pictures": MADE_OF["scenarios"],
    "python -m benchmarks.coverage": COVERAGE["made_of"],
}

#: Pages that are made whole; each is held against its source here or in tests/scenario/test_schema.py.
MADE = ("docs/validation.md", "docs/fit.md", "docs/parameters.md", "docs/scorecard.md")
#: Words that are as good as figures.
WORDS = "two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred|half an?"
#: What a figure of the model or of a machine looks like: a number, and what it counts.
NUMBER = rf"(?:[-−+±]?\d(?:[\d.,]*\d)?(?: (?:million|billion|thousand))?|\b(?:{WORDS})\b)"
UNIT = (
    r"%|(?:percentage )?points?\b|times\b|[µmn]s\b|s\b|h\b|(?:micro|milli)?seconds?\b|minutes?\b|hours?\b|days?\b|weeks?\b"
    r"|months?\b|[kMG]B\b|bytes\b|crises\b|deaths\b|core-hours?\b|(?:core-)?seconds?\b|agent-steps?\b"
)
SHARE = (
    r"(?:half|(?:a|one|two|three|four) (?:half|thirds?|quarters?|fifths?|tenths?)) of (?:the |all |these |its |a )?"
    r"(?:\w+ )?(?:crises|replicates|states|batches|time)"
)
#: A difference, also where its unit stands in the head of a table.
SIGNED = r"(?<![\w.`/])[-−+]\d+\.\d+"
FIGURE = re.compile(rf"(?<![\w.`/-]){NUMBER}[ -]?(?:{UNIT})|{SHARE}|{SIGNED}", re.IGNORECASE)
CODE = re.compile(
    r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$|^(?: {4}|\t).*?$|`[^`]*`|\]\([^)]*\)|<!--.*?-->",
    re.MULTILINE | re.DOTALL,
)
#: By page, figures that nothing computes, and why they may stand: facts of the record, and choices of method.
ALLOWED: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "figures_allowed.json").read_text(encoding="utf-8")
)


def bare(text: str) -> list[str]:
    """The figures in a page's text that are neither put in nor code."""
    prose = CODE.sub(" ", figures.without_blocks(text))
    return [" ".join(found.split()) for found in FIGURE.findall(" ".join(prose.split()))]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def written(page: Path) -> str:
    """What people wrote of a page; of a notebook what is no code."""
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
    *(page for page in figures.pages() if name(page) not in MADE),
    *sorted(DOCS.rglob("*.ipynb")),
]


@pytest.mark.parametrize("page", figures.pages(), ids=name)
def test_a_page_holds_what_the_files_hold(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert figures.refreshed(text) == text, "`python docs/tools/figures.py` puts it in anew"


def test_pages_have_figures_put_in() -> None:
    filled = {name(page) for page in figures.pages() if "<!-- from " in written(page)}
    assert filled == {
        "README.md",
        "docs/ODD.md",
        "docs/model_versions.md",
        "docs/speed.md",
        "docs/statistics.md",
    }


@pytest.mark.parametrize("command", REFRESH)
def test_what_a_command_wrote_is_of_the_model_as_it_is(command: str) -> None:
    noted = REFRESH[command]
    assert noted == made_of(noted), f"the model is another one: `{command}` makes it anew"


def test_a_file_is_as_its_command_wrote_it() -> None:
    assert MADE_OF["files"] == figures.checksums(), "`make pictures` makes them anew"


def test_tables_of_coverage_say_what_was_counted() -> None:
    told = coverage.tables(COVERAGE)
    assert (RESULTS / "coverage.md").read_text(encoding="utf-8") == f"{told}\n"
    engine = COVERAGE["engine"] | {"truth": COVERAGE["engine"]["truth"] + 1}
    assert coverage.tables(COVERAGE | {"engine": engine}) != told


def test_tables_of_speed_say_what_was_measured() -> None:
    found = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    assert report.targets(found) == found["targets"]
    assert (RESULTS / "speed.md").read_text(encoding="utf-8") == f"{report.tables(found)}\n"


@pytest.mark.parametrize("maker", [scorecard, fit_page], ids=lambda maker: maker.__name__)
def test_a_page_that_is_made_whole_says_what_the_commands_found(maker: ModuleType) -> None:
    refresh = f"`python docs/tools/{maker.__name__}.py` makes it anew"
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), refresh


def test_the_page_on_validation_ends_with_what_is_said_of_its_limits() -> None:
    kept = figures.VALIDATION.read_text(encoding="utf-8")
    assert kept.endswith(LIMITS.read_text(encoding="utf-8").strip() + "\n")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_figure_stands_in_a_page_that_nothing_computes(page: Path) -> None:
    found, allowed = set(bare(written(page))), ALLOWED.get(name(page), {})
    assert sorted(found - set(allowed)) == [], (
        "put it in from a file, leave it out, or say its source"
    )
    assert sorted(set(allowed) - found) == [], "no longer there"
    assert all(len(why.split()) >= 2 for why in allowed.values())


def test_only_pages_that_there_are_have_figures_allowed() -> None:
    assert set(ALLOWED) <= {name(page) for page in PAGES}


@given(
    st.floats(0.001, 999.0).map(lambda number: f"{number:.3g}"),
    st.sampled_from(["%", " points", " times", " µs", " s", " hours", " days", " GB", " crises"]),
)
def test_any_figure_that_is_typed_in_is_found(number: str, unit: str) -> None:
    if "e" in number:
        return
    assert bare(f"Without mediators it is {number}{unit} in this model.")


def test_a_difference_in_a_table_is_found_but_no_figure_in_code_or_in_what_is_put_in() -> None:
    assert bare("| ends by agreement | −5.4 | 0.61 |")
    assert bare("`hold 5 days`\n\n    5 days\n\n```\n5 days\n```\n") == []
    assert bare("<!-- from a.md -->\n5 days\n<!-- end -->\n") == []


@pytest.mark.parametrize("digits", ["48.5", "1,234"])
def test_a_figure_that_is_changed_in_a_page_is_put_right(digits: str) -> None:
    text = figures.README.read_text(encoding="utf-8")
    begin = text.index("<!-- from ")
    changed = re.sub(r"\d+\.\d+", digits, text[begin:], count=1)
    assert changed != text[begin:]
    assert figures.refreshed(text[:begin] + changed) == text
