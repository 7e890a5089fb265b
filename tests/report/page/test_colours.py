"""Charts on a dark page: what a reader by night must be able to tell apart."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib import colormaps, colors

from crisis_sim import style
from crisis_sim.report.page import contents, svg
from crisis_sim.report.page.svg import by_variable, contrast, dark_sheet, luminance, on_dark

#: What a reader must see of a chart's parts, and of its words (WCAG 2.2, 1.4.11 and 1.4.3).
PARTS, WORDS = 3.0, 4.5
HUES = sorted(
    {
        value
        for name, value in vars(style).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch("#[0-9A-F]{6}", value)
    }
    - {*svg._TURNED, *svg._FIXED}
)


def test_paper_and_ink_are_those_of_the_style_sheet() -> None:
    sheet = Path(contents.__file__).with_name(contents.STYLE).read_text(encoding="utf-8")
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


@pytest.mark.parametrize("colour", [style.BLACK, style.GREY])
def test_what_words_are_written_in_can_be_read_on_the_dark_page(colour: str) -> None:
    assert contrast(on_dark(colour), svg.PAPER) >= WORDS


def test_paper_becomes_paper_and_faint_lines_stay_faint() -> None:
    assert on_dark("#ffffff") == svg.PAPER
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


def test_by_day_a_variable_is_the_colour_itself() -> None:
    declared, found = by_variable("fill: none; stroke: #0072b2; stroke-width: 1.2")
    assert declared == "fill: none; stroke: var(--on-0072b2, #0072b2); stroke-width: 1.2"
    assert found == {"#0072b2"}


def test_the_sheet_holds_on_a_dark_screen_alone() -> None:
    sheet = dark_sheet(["#0072b2", "#0072b2"])
    assert sheet.startswith("@media screen and (prefers-color-scheme:dark){")
    assert sheet.count("--on-0072b2:") == 1
    assert dark_sheet([]) == ""
