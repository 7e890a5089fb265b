"""Charts within a page: small, none in the way of another, and seen by day and by night."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib import colormaps, colors
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.report import svg
from crisis_sim.report.svg import contrast, dark_sheet, inline, luminance, on_dark

#: What a reader must see of a chart's parts, and of its words (WCAG 2.2, 1.4.11 and 1.4.3).
PARTS, WORDS = 3.0, 4.5
HUES = sorted(
    {
        value
        for name, value in vars(style).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch("#[0-9A-F]{6}", value)
    }
    - {*svg.TURNED, *svg.FIXED}
)


def test_paper_and_ink_are_those_of_the_style_sheet() -> None:
    sheet = (Path(svg.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    dark = sheet.partition("prefers-color-scheme: dark")[2].partition("}")[0]
    assert f"--paper: {svg.PAPER};" in dark
    assert f"--ink: {svg.INK};" in dark


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("colour", HUES)
def test_every_colour_of_a_chart_is_seen_on_the_dark_page(colour: str) -> None:
    assert len(HUES) >= 6
    assert contrast(on_dark(colour), svg.PAPER) >= PARTS


def test_paper_becomes_paper_words_can_be_read_and_faint_lines_stay_faint() -> None:
    assert on_dark("#ffffff") == svg.PAPER
    for words in (style.BLACK, style.GREY):
        assert contrast(on_dark(words), svg.PAPER) >= WORDS
    for faint in (style.PALE_GREY, style.GRID_GREY):
        told = contrast(on_dark(faint), svg.PAPER)
        assert told == pytest.approx(contrast(faint, "#ffffff"), abs=0.05)


@pytest.mark.parametrize("ending", style.ENDING_FILLS)
def test_words_on_a_coloured_area_can_be_read_by_day_and_night(ending: str) -> None:
    fill = style.ENDING_FILLS[ending]
    assert contrast(fill.text, fill.colour) >= WORDS
    assert contrast(on_dark(fill.text), on_dark(fill.colour)) >= WORDS


def test_a_scale_of_colours_keeps_its_order_and_its_low_end_is_seen() -> None:
    scale = [colors.to_hex(colormaps["cividis"](place)) for place in range(0, 256, 5)]
    dark = [luminance(on_dark(one)) for one in scale]
    assert all(one < other for one, other in pairwise(dark))
    assert min(contrast(on_dark(one), svg.PAPER) for one in scale) >= PARTS


def test_by_day_a_variable_is_the_colour_itself_and_the_sheet_holds_by_night_alone() -> None:
    text = inline(steps(color="#123456"), "x", "t", "f")
    assert "stroke: var(--on-123456, #123456)" in text
    assert text.count("--on-123456:") == 1
    assert "<style>@media screen and (prefers-color-scheme:dark){" in text
    assert not re.search(r"[^ ]#123456", text)
    assert dark_sheet([]) == ""


@style.styled
def steps(**line: Any) -> Figure:
    figure = style.new_figure(width=80.0, height=50.0)
    axes = figure.subplots()
    axes.step(range(200), [(place // 50) % 2 for place in range(200)], **line)
    axes.bar([20, 40], [1, 2], hatch="//")
    axes.set_title("a <title> & more")
    return figure


def test_ids_begin_with_the_charts_name_and_references_follow() -> None:
    text, again = inline(steps(), "first", "t", "f"), inline(steps(), "first", "t", "f")
    assert text == again
    ids = set(re.findall(r' id="([^"]+)"', text))
    referred = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert referred
    assert referred <= ids
    assert all(one.startswith("first-") for one in ids)


def test_title_and_finding_are_escaped_and_come_first() -> None:
    text = inline(steps(), "x", "<b>&", 'a "finding" <i>')
    root = ET.fromstring(text)  # noqa: S314 (made here a moment ago)
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert root[0].text == "<b>&"
    assert root[1].text == 'a "finding" <i>'
    assert root.attrib["role"] == "img"


def test_a_step_keeps_its_corners_and_loses_what_lies_between() -> None:
    text = inline(steps(color="#123456"), "x", "t", "f")
    (path,) = re.findall(r'd="([^"]+)"[^>]*style="fill: none; stroke: var\(--on-123456', text)
    points = [tuple(map(float, one.split())) for one in re.findall(r"[ML] (\S+ \S+)", path)]
    assert len(points) == 8
    assert len({y for _, y in points}) == 2


def test_what_only_a_file_needs_is_left_out(tmp_path: Path) -> None:
    text = inline(steps(), "x", "t", "f")
    left_out = ["<metadata", "<style type=", "<?xml", "<!DOCTYPE", "<!--", "xlink", "xmlns"]
    assert not [one for one in left_out if one in text]
    style.save(steps(), tmp_path / "file.svg")
    assert len(text) < (tmp_path / "file.svg").stat().st_size
