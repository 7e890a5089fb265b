"""What a page is made of: sections of paragraphs, charts, tables and stories, as plain data.

The template (`template.html.jinja`) alone knows how each looks. Texts are plain and are escaped
there; `Chart.svg` and `Story.html`, which this package makes itself, are the only markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


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
