"""Charts within a page: small, and none in the way of another."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.report.page.svg import inline


@style.styled
def steps(**line: Any) -> Figure:
    figure = style.new_figure(width=80.0, height=50.0)
    axes = figure.subplots()
    axes.step(range(200), [(place // 50) % 2 for place in range(200)], **line)
    axes.bar([20, 40], [1, 2], hatch="//")
    axes.set_title("a <title> & more")
    return figure


def test_ids_begin_with_the_charts_name_and_references_follow() -> None:
    text = inline(steps(), "first", "t", "f")
    ids = set(re.findall(r' id="([^"]+)"', text))
    referred = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert referred
    assert referred <= ids
    assert all(one.startswith("first-") for one in ids)


def test_the_same_chart_is_the_same_text_and_another_name_shares_no_id() -> None:
    one, again, other = (inline(steps(), name, "t", "f") for name in ("one", "one", "other"))
    assert one == again
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, other)]
    assert not ids[0] & ids[1]


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
    # Two levels, three changes between them: a beginning, two corners a change, and an end.
    assert len(points) == 8
    assert len({y for _, y in points}) == 2


def test_it_is_smaller_than_the_file(tmp_path: Any) -> None:
    style.save(steps(), tmp_path / "file.svg")
    assert len(inline(steps(), "x", "t", "f")) < (tmp_path / "file.svg").stat().st_size


@pytest.mark.parametrize(
    "left_out", ["<metadata", '<style type="text/css"', "<?xml", "<!DOCTYPE", "xlink", "xmlns"]
)
def test_what_only_a_file_needs_is_left_out(left_out: str) -> None:
    assert left_out not in inline(steps(), "x", "t", "f")
