"""What a page is made of: sections of paragraphs, charts, tables and stories, as plain data.

The template (`template.html.jinja`) alone knows how each looks. Texts are plain and are escaped
there; `Chart.svg` and `Story.html`, which this package makes itself, are the only markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from crisis_sim import text
from crisis_sim.report.answers import Figure, is_clear
from crisis_sim.scenario.introspect import Slot, slot_at
from crisis_sim.scenario.numbers import Distribution, Part

# --- What a page is made of: sections of paragraphs, charts, tables and stories, as plain data


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        name: a word for it, unique on the page.
        svg: the chart as inline SVG, with its title and the finding as its description.
        caption: what it says, in words.
        reading: how to read it.
    """

    name: str
    svg: str
    caption: str
    reading: str = ""
    kind: ClassVar[str] = "chart"


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes:
        text: the figure, or the words.
        limits: its interval, below it.
        strong: whether it stands out.
    """

    text: str
    limits: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: a word for it, unique on the page.
        caption: what it holds.
        head: a heading for each column, that of the rows' names first.
        rows: of each row its name and its cells.
        note: how to read it.
        code: whether the rows' names are to be typed as they are, such as paths.
        figures: whether the cells are figures, which stand right.
    """

    name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    note: str = ""
    code: bool = False
    figures: bool = True
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for, one below the other."""

    pairs: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Code:
    """Something to be typed or read by a machine, as it is."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Attachments:
    """Files that travel inside the page.

    Attributes:
        files: of each its name, its content as a data URL, and what it is.
    """

    files: Sequence[tuple[str, str, str]]
    kind: ClassVar[str] = "attachments"


@dataclass(frozen=True)
class Fold:
    """Blocks that are shown when they are asked for.

    Attributes:
        summary: what they hold.
        blocks: the blocks.
        on_paper: whether they are printed, asked for or not.
    """

    summary: str
    blocks: Sequence[Block]
    on_paper: bool = False
    kind: ClassVar[str] = "fold"


@dataclass(frozen=True)
class Story:
    """One crisis, told.

    Attributes:
        name: a word for it, unique on the page.
        heading: what it stands for.
        why: the rule by which it was chosen.
        gist: how it went, in a sentence or two.
        blocks: its chart, and what became of it elsewhere.
        html: the story, turn by turn.
        replicate: the crisis's number.
        command: what tells the crisis anew.
        unfolded: whether the story is shown from the start, and printed.
    """

    name: str
    heading: str
    why: str
    gist: str
    blocks: Sequence[Block]
    html: str
    replicate: int
    command: str
    unfolded: bool = False
    kind: ClassVar[str] = "story"


Block = Paragraph | Heading | Bullets | Chart | Table | Facts | Code | Attachments | Fold | Story


@dataclass(frozen=True)
class Section:
    """A section of a page; in print some begin a page of their own."""

    name: str
    heading: str
    blocks: Sequence[Block]
    new_page: bool = False


@dataclass(frozen=True)
class KeyFigure:
    """A figure that an aide would underline: its label, its value, and how sure it is."""

    label: str
    value: str
    limits: str


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        title: what is reported on.
        question: the question.
        answer: the answer in a sentence, with its uncertainty.
        more: what else belongs to the answer, a paragraph each.
        notices: what a reader must know before reading on, such as missing replicates.
        figures: the key figures.
        sections: the rest.
        made_by: the version that made the results.
    """

    title: str
    question: str
    answer: str
    more: Sequence[str]
    notices: Sequence[str]
    figures: Sequence[KeyFigure]
    sections: Sequence[Section]
    made_by: str

    def plain(self) -> dict[str, Any]:
        """What the page says in short, as plain data: question, answer, key figures, and the crises told."""
        told = [
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Story)
        ]
        return {
            "title": self.title,
            "question": self.question,
            "answer": self.answer,
            "more": list(self.more),
            "notices": list(self.notices),
            "figures": [vars(one) for one in self.figures],
            "stories": [
                {key: getattr(one, key) for key in ("heading", "replicate", "why", "gist")}
                for one in told
            ],
        }


# --- What a scenario holds, put into words: values, distributions, and where each comes from

Path = tuple[str | int, ...]

#: How each distribution is told, with its numbers in their order.
_DISTRIBUTIONS = {
    "uniform": "{} to {}, evenly spread",
    "triangular": "{0} to {2}, most likely {1}",
    "normal": "about {}, standard deviation {}",
    "lognormal": "median {}, spread {} in logarithms",
    "beta": "beta with {} and {}",
}
#: Units that say nothing beside a number.
_NO_UNIT = ("share", "ratio", "intensity", "value", "")


def written(path: Path) -> str:
    """A path as it is written after `--set`."""
    return ".".join(str(key) for key in path)


def value(held: Any) -> str:
    """A value as a person would say it."""
    if isinstance(held, Distribution):
        return _distribution(held)
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, (int, float)):
        return number(held)
    if isinstance(held, datetime):
        return f"{text.moment(held, year=True)} ({text.offset(held)})"
    if isinstance(held, (tuple, list)):
        return ", ".join(value(one) for one in held) or "none"
    if isinstance(held, Mapping):
        return (
            ", ".join(f"{text.clean(str(key))}: {value(one)}" for key, one in held.items())
            or "none"
        )
    return text.clean(str(held)) if held not in (None, "") else "none"


def number(held: float) -> str:
    """A number with what digits it has, its thousands apart, without an exponent where that can be."""
    size = abs(held)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{held:g}"
    written = f"{held:,.6f}".rstrip("0").rstrip(".")
    return written.replace("-", text.MINUS)


def unit(slot: Slot | None) -> str:
    """The unit of a number, where it says something."""
    noted = str(slot.note("unit")) if slot else ""
    return "" if noted in _NO_UNIT else noted


def meaning(path: Path) -> str:
    """What stands at a path, as the schema describes it."""
    slot = slot_at(path)
    return (slot.field.description or "") if slot and slot.field else ""


def source(path: Path, held: Any) -> str:
    """Where a value comes from: the scenario, or the default and its source."""
    slot = slot_at(path)
    if slot is None or slot.field is None:
        return "the scenario"
    default = slot.field.get_default(call_default_factory=True)
    if slot.field.is_required() or isinstance(default, Mapping) or held != default:
        usual = ""
        if not slot.field.is_required() and slot.limits and not isinstance(default, Mapping):
            usual = f"; usually {value(default)}"
        return f"the scenario{usual}"
    noted = str(slot.note("source"))
    return f"default: {noted}" if noted else "default"


def leaves(part: Part, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that a part holds, with the path to it."""
    for name in type(part).model_fields:
        yield from _below(getattr(part, name), (*path, name))


def _below(held: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(held, Part):
        yield from leaves(held, path)
    elif isinstance(held, Mapping):
        for key, one in held.items():
            yield from _below(one, (*path, key))
    elif isinstance(held, Sequence) and any(isinstance(one, Part) for one in held):
        for place, one in enumerate(held):
            yield from _below(one, (*path, place))
    else:
        yield path, held


def _distribution(held: Distribution) -> str:
    if held.kind == "choice":
        if len(set(held.weights)) == 1:
            return f"{text.listed([number(one) for one in held.values], 'or')}, equally likely"
        weighed = zip(held.values, held.weights, strict=True)
        return text.listed(
            [f"{number(one)} ({text.percent(weight)}%)" for one, weight in weighed], "or"
        )
    return _DISTRIBUTIONS[held.kind].format(*(number(one) for one in held.values))


# --- The tables of a page on a run: outcomes, differences and endings, every figure with its interval

_MOMENTS = {
    "24_hours": "24 hours",
    "72_hours": "72 hours",
    "96_hours": "96 hours",
    "7_days": "7 days",
}


def outcomes(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: how often, how quickly, and how often the worst."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        clock = scenario["ceasefire"]["from_first_strike"]
        cells = [
            share(scenario["endings"]["agreement"]),
            *(share(clock["by"][moment]) for moment in _MOMENTS),
            median(clock["median_hours"], clock["of"]),
            share(scenario["shares"]["war"]),
            share(scenario["shares"]["nuclear_use"]),
        ]
        rows.append((text.label(name), cells))
    return Table(
        name="outcomes",
        caption="Outcomes of each scenario, with 95% intervals",
        head=[
            "Scenario",
            "Ends in a ceasefire that holds, % of all crises",
            *(f"Ceasefire within {moment}, % of those struck" for moment in _MOMENTS.values()),
            "Half of those struck have a ceasefire within, hours",
            "Full-scale war, % of all crises",
            "Nuclear use, % of all crises",
        ],
        rows=rows,
        note="Ceasefires within a time, and the time by which half have one, are counted from the first strike, among the "
        "crises with a first strike: those struck.",
    )


def differences(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: its figures less those of the reference."""
    rows = []
    for name, one in summary["differences"].items():
        clock = one["ceasefire"]["from_first_strike"]
        cells = [
            difference(one["endings"]["agreement"], text.points),
            difference(clock["by"]["96_hours"], text.points),
            difference(clock["median_hours"], text.signed_hours),
            difference(one["shares"]["war"], text.points),
            Cell(text.count(one["pairs"]) if one["paired"] else "not paired"),
        ]
        rows.append((text.label(name), cells))
    reference = text.label(summary["reference"])
    return Table(
        name="differences",
        caption=f"Differences from “{reference}”, with 95% intervals",
        head=[
            "Scenario",
            "Ends in a ceasefire that holds, points of all crises",
            "Ceasefire within 96 hours, points of those struck",
            "Half of those struck have a ceasefire within, hours",
            "Full-scale war, points of all crises",
            "Pairs of crises",
        ],
        rows=rows,
        note="Points are percentage points; those struck are each scenario’s crises with a first strike. Bold where the "
        "interval leaves out zero, so that chance alone hardly explains the difference. "
        + _HOW[_is_paired(summary)],
    )


#: How crises are compared, by whether all of them share their luck with the reference.
_HOW = {
    True: "Crises are compared in pairs: each has the same luck in both scenarios, and only what the scenario changes "
    "differs.",
    False: "Where crises are compared in pairs, each has the same luck in both scenarios; where it says that they are not "
    "paired, the luck differs too.",
}


def _is_paired(summary: Mapping[str, Any]) -> bool:
    return all(one["paired"] for one in summary["differences"].values())


def endings(summary: Mapping[str, Any]) -> Table:
    """A row a scenario: the share of each ending, and of mediation."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        cells = [share(scenario["endings"][ending]) for ending in text.ENDINGS]
        cells += [share(scenario["shares"][event]) for event in ("first_strike", "mediated")]
        rows.append((text.label(name), cells))
    return Table(
        name="endings",
        caption="How crises end in each scenario, in % of all crises, with 95% intervals",
        head=[
            "Scenario",
            *(end.capitalize() for end in text.ENDINGS.values()),
            "See a first strike",
            "Mediated",
        ],
        rows=rows,
        note="Agreement: a ceasefire that held for as long as it was watched. Tacit: both step down and nothing is signed. "
        "Unilateral: one side gives way. Imposed: one side is beaten. Faded: it goes quiet without a settlement. Still "
        "going: cut off at the horizon, which never counts as a ceasefire.",
    )


def share(figure: Figure) -> Cell:
    """A share in per cent with its interval."""
    if figure["estimate"] is None:
        return Cell("not known")
    return Cell(text.percent(figure["estimate"]), _limits(figure, text.percent))


def median(figure: Figure | None, of: int) -> Cell:
    """A median time in hours with its interval; `of` is the number of crises on its clock."""
    if figure is None:
        return Cell("never half" if of else "none struck")
    return Cell(text.count(figure["estimate"]), _limits(figure, text.count))


def difference(figure: Figure | None, write: Callable[[float], str]) -> Cell:
    """A difference with its interval, which stands out where that leaves out zero."""
    if figure is None or figure["estimate"] is None:
        return Cell("not known")
    return Cell(write(figure["estimate"]), _limits(figure, write), is_clear(figure))


def _limits(figure: Figure, write: Callable[[float], str]) -> str:
    low, high = figure["lower"], figure["upper"]
    if low is None and high is None:
        return "limits not known"
    if high is None:
        return f"at least {write(low)}"
    return f"at most {write(high)}" if low is None else f"{write(low)} to {write(high)}"
