"""The page of a scorecard, and its picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from gateway.evaluation.plot import OTHER, OURS, Bar, Group, plot
from gateway.evaluation.report import page, picture
from tests.evaluation.test_scorecard import OUTCOMES

SVG = "{http://www.w3.org/2000/svg}"


def bars(svg: str) -> list[tuple[str | None, float]]:
    """The color and the length of each bar."""
    _, *rects = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [(rect.get("fill"), float(rect.get("width", 0))) for rect in rects]


def test_the_page_has_facts_rows_and_causes() -> None:
    text = page("Acme 8B", ["two cores", "five cases"], OUTCOMES, "acme.svg")
    assert text.startswith("# Acme 8B\n")
    assert "- two cores\n- five cases\n\n![right answers in per cent](acme.svg)\n" in text
    assert "| talk | auto | 1 of 2 | 50 % |  | 1 |  | 1 | 1 | 0.0 |\n| all |  | 2 of 5 |" in text
    assert "| cause | answers |\n|---|---|\n| wrong value | 1 |\n" in text


def test_without_wrong_answers_there_are_no_causes() -> None:
    assert "Causes" not in page("Acme 8B", [], OUTCOMES[:1], "acme.svg")


def test_the_picture_has_a_bar_for_each_row_and_for_all() -> None:
    drawn = bars(picture(OUTCOMES))
    assert [color for color, _ in drawn] == [OURS] * 4
    lengths = [length for _, length in drawn]
    assert lengths[1] == 0
    assert lengths[3] / lengths[0] == pytest.approx(0.4 / 0.5, rel=0.01)


def test_a_group_has_its_target_and_bars_to_compare_with() -> None:
    svg = plot([Group("speed & size", [Bar("a", 40), Bar("b", 80, is_ours=False)], target=75)])
    assert [color for color, _ in bars(svg)] == [OURS, OTHER]
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert texts == ["speed & size", "a", "40 %", "b", "80 %", "target 75 %"]
