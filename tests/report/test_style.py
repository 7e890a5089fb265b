"""The style of charts: lines, fonts and files, and charts in a page, light and dark."""

from __future__ import annotations

import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from matplotlib import colormaps, colors, font_manager
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.report import inline_svg
from crisis_sim.report.inline_svg import contrast, dark_sheet, inline, luminance, on_dark


@given(some.lists(some.floats(0.0, 100.0), max_size=20), some.floats(0.1, 30.0))
def test_spread_keeps_order_gap_and_bounds(wanted: list[float], gap: float) -> None:
    places = style.spread(wanted, gap, 0.0, 100.0)
    kept = min(gap, 100.0 / max(len(wanted) - 1, 1))
    in_order = [place for _, place in sorted(zip(wanted, places, strict=True))]
    assert all(-1e-6 <= place <= 100.0 + 1e-6 for place in places)
    assert all(after - before >= kept - 1e-6 for before, after in pairwise(in_order))


def test_spread_moves_only_overlapping_positions_around_their_mean() -> None:
    assert style.spread([90.0, 10.0, 50.0], 5.0, 0.0, 100.0) == [90.0, 10.0, 50.0]
    assert style.spread([50.0, 51.0], 5.0, 0.0, 100.0) == pytest.approx([48.0, 53.0])


def test_a_curve_that_ends_outside_the_axes_is_labelled_at_their_limit() -> None:
    with style.in_style():
        figure = style.new_figure()
        axes = figure.add_subplot(ylim=(0.0, 1.0))
        ends = [(0.5, "near", style.scenario_line(0)), (1e3, "far", style.scenario_line(1))]
        style.label_ends(figure, axes, ends)
        style.settle(figure)
    for line in axes.lines:
        assert all(0.0 <= place <= 1.0 for place in line.get_ydata())
    assert axes.get_position().height > 0.5


def test_scenarios_differ_by_line_endings_in_grey_and_each_colour_has_one_meaning() -> None:
    lines = [style.scenario_line(place) for place in range(12)]
    assert len({(line["color"], str(line["linestyle"])) for line in lines}) == 12
    fills = (*style.ENDING_FILLS.values(), *style.COURSE_FILLS.values())
    named = {line["color"] for line in lines}
    assert not {fill.colour for fill in fills} & named
    assert not named & set(style.STATE_COLOURS)
    seen = {
        (round(float(np.dot(to_rgb(fill.colour), (0.2126, 0.7152, 0.0722))), 1), fill.hatch)
        for fill in style.ENDING_FILLS.values()
    }
    assert len(seen) == len(style.ENDING_FILLS)


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_files_have_no_date_or_program_and_raise_no_warnings(suffix: str, tmp_path: Path) -> None:
    figure = style.new_figure()
    figure.add_subplot().plot([0, 1])
    figure.text(0.5, 0.5, "危機")
    style.save(figure, tmp_path / f"chart{suffix}")
    assert b"Matplotlib" not in (tmp_path / f"chart{suffix}").read_bytes()


# Fonts.

STIX = ("STIXGeneral", font_manager.findfont("STIXGeneral"))


@pytest.fixture
def fonts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[pytest.LogCaptureFixture]:
    """Pretend that only matplotlib's fonts are installed and no warning was logged yet; yields the log."""
    monkeypatch.setattr(style, "_installed", lambda: (STIX,))
    for one in (style._font_with, style._warn):
        one.cache_clear()
    with caplog.at_level(logging.WARNING):
        yield caplog
    for one in (style._font_with, style._warn):
        one.cache_clear()


def families(*titles: str) -> list[list[str]]:
    """The fonts of each title."""
    found = []
    with style.in_style():
        for title in titles:
            figure = style.new_figure()
            text = figure.add_subplot().set_title(title)
            style.settle(figure)
            found.append(text.get_fontfamily())
    return found


def test_a_script_without_a_font_is_reported_once_with_one(fonts: pytest.LogCaptureFixture) -> None:
    families("भारत और पाकिस्तान", "नेपाल", "भारत", "ไทย", "中国 日本 한국")
    missing = [
        (one.split(" has ")[1].split(":")[0], one.rsplit(" such as ", 1)[1])
        for one in fonts.messages
    ]
    assert missing == [
        ("Devanagari", "Noto Sans Devanagari"),
        ("Thai", "Noto Sans Thai"),
        ("Chinese, Japanese or Korean", "Noto Sans CJK"),
    ]


def test_letters_missing_from_the_default_font_use_another(fonts: pytest.LogCaptureFixture) -> None:
    own = families("Crisis", "Ελλάδα россия", "پاکستان", "méxico e\u0301 a\u200d b\u00a0c")
    assert own == [[style.FAMILY]] * 4
    there = sorted(style._letters(STIX[1]) - style._letters(font_manager.findfont(style.FAMILY)))
    letter = next(
        chr(one) for one in there if chr(one).isprintable() and style._is_missing(chr(one))
    )
    assert families(f"a {letter}") == [[style.FAMILY, "STIXGeneral"]]
    assert not fonts.messages


@pytest.mark.parametrize(
    ("letters", "script", "font"),
    [
        ("भाि", "Devanagari", ""),
        ("বা", "Bengali", ""),
        ("ไ่", "Thai", ""),
        ("ខ្", "Khmer", ""),
        ("አ", "Ethiopic", ""),
        ("پَ", "Arabic", ""),
        ("中あア한ㄅｱ", "Chinese, Japanese or Korean", "Noto Sans CJK"),
        ("ꞵ", "Latin", "Noto Sans"),
        ("😀", "some symbols", "Noto Sans Symbols 2 or Noto Emoji"),
    ],
)
def test_the_script_of_letters_and_marks(letters: str, script: str, font: str) -> None:
    assert {style.script_of(one) for one in letters} == {(script, font or f"Noto Sans {script}")}


@given(some.characters(exclude_categories=["C", "Z"]))
def test_every_letter_has_a_script_and_a_suggested_font(letter: str) -> None:
    assert all(word.strip() == word and word for word in style.script_of(letter))


# Charts in a page: small, without clashing ids, and visible in light and dark mode.

#: What a reader must see of a chart's parts, and of its words (WCAG 2.2, 1.4.11 and 1.4.3).
PARTS, WORDS = 3.0, 4.5
HUES = sorted(
    {
        value
        for name, value in vars(style).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch("#[0-9A-F]{6}", value)
    }
    - {*inline_svg.TURNED, *inline_svg.FIXED}
)


def test_contrast_follows_the_guideline_and_colours_the_style_sheet() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    sheet = (Path(inline_svg.__file__).parent / "templates" / "style.css").read_text(
        encoding="utf-8"
    )
    dark = sheet.partition("prefers-color-scheme: dark")[2].partition("}")[0]
    assert f"--paper: {inline_svg.PAPER};" in dark
    assert f"--ink: {inline_svg.INK};" in dark


def test_chart_colours_and_text_have_enough_contrast_on_the_dark_page() -> None:
    assert len(HUES) >= 6
    assert not [one for one in HUES if contrast(on_dark(one), inline_svg.PAPER) < PARTS]
    assert on_dark("#ffffff") == inline_svg.PAPER
    for words in (style.BLACK, style.GREY):
        assert contrast(on_dark(words), inline_svg.PAPER) >= WORDS
    for faint in (style.PALE_GREY, style.GRID_GREY):
        found = contrast(on_dark(faint), inline_svg.PAPER)
        assert found == pytest.approx(contrast(faint, "#ffffff"), abs=0.05)
    for fill in style.ENDING_FILLS.values():  # words on a coloured area
        assert contrast(fill.text, fill.colour) >= WORDS
        assert contrast(on_dark(fill.text), on_dark(fill.colour)) >= WORDS


def test_a_scale_of_colours_keeps_its_order_and_its_low_end_is_seen() -> None:
    scale = [colors.to_hex(colormaps["cividis"](place)) for place in range(0, 256, 5)]
    dark = [luminance(on_dark(one)) for one in scale]
    assert all(one < other for one, other in pairwise(dark))
    assert min(contrast(on_dark(one), inline_svg.PAPER) for one in scale) >= PARTS


@style.styled
def steps() -> Figure:
    figure = style.new_figure(width=80.0, height=50.0)
    axes = figure.subplots()
    axes.step(range(200), [(place // 50) % 2 for place in range(200)], color="#123456")
    axes.bar([20, 40], [1, 2], hatch="//")
    axes.set_title("a <title> & more")
    return figure


@pytest.fixture(scope="module")
def chart() -> str:
    return inline(steps(), "first", "<b>&", 'a "finding" <i>')


def test_by_day_a_variable_is_the_colour_and_the_sheet_holds_by_night_alone(chart: str) -> None:
    assert "stroke: var(--on-123456, #123456)" in chart
    assert chart.count("--on-123456:") == 1
    assert "<style>@media screen and (prefers-color-scheme:dark){" in chart
    assert not re.search(r"[^ ]#123456", chart)
    assert dark_sheet([]) == ""


def test_ids_begin_with_the_charts_name_and_references_follow(chart: str) -> None:
    assert chart == inline(steps(), "first", "<b>&", 'a "finding" <i>')
    ids = set(re.findall(r' id="([^"]+)"', chart))
    referred = {*re.findall(r'href="#([^"]+)"', chart), *re.findall(r"url\(#([^)]+)\)", chart)}
    assert referred
    assert referred <= ids
    assert all(one.startswith("first-") for one in ids)


def test_title_and_finding_are_escaped_and_come_first(chart: str) -> None:
    root = ET.fromstring(chart)  # noqa: S314 (made here a moment ago)
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert (root[0].text, root[1].text) == ("<b>&", 'a "finding" <i>')
    assert root.attrib["role"] == "img"


def test_a_chart_in_a_page_leaves_out_what_only_files_need(chart: str, tmp_path: Path) -> None:
    left_out = ["<metadata", "<style type=", "<?xml", "<!DOCTYPE", "<!--", "xlink", "xmlns"]
    assert not [one for one in left_out if one in chart]
    style.save(steps(), tmp_path / "file.svg")
    assert len(chart) < (tmp_path / "file.svg").stat().st_size
    (path,) = re.findall(r'd="([^"]+)"[^>]*style="fill: none; stroke: var\(--on-123456', chart)
    points = [tuple(map(float, one.split())) for one in re.findall(r"[ML] (\S+ \S+)", path)]
    assert len(points) == 8
    assert len({y for _, y in points}) == 2
