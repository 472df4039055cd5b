"""Draws shares in per cent as groups of bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, TITLE, GAP = 960, 20, 26, 14
LEFT, RIGHT = 270, 70  # room for names and for values
OURS, OTHER, QUIET = "#4c78a8", "#b5c4d6", "#666"


@dataclass(frozen=True, slots=True)
class Bar:
    """A share in per cent; `is_ours` is false for one to compare with."""

    name: str
    percent: float
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Bars below a title; a target is a dashed line."""

    title: str
    bars: Sequence[Bar]
    target: float | None = None


def plot(groups: Sequence[Group]) -> str:
    """An SVG with the groups below each other."""
    drawn, top = [], GAP
    for group in groups:
        drawn.append(_group(group, top))
        top += TITLE + ROW * len(group.bars) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
        f' font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n{"".join(drawn)}</svg>\n'
    )


def _group(group: Group, top: float) -> str:
    start = top + TITLE
    drawn = [_text(LEFT, top + 16, group.title, "start", "#222")]
    for i, bar in enumerate(group.bars):
        y, color, end = start + ROW * i, OURS if bar.is_ours else OTHER, _x(bar.percent)
        size = f'width="{end - LEFT:.1f}" height="{ROW - 5}"'
        drawn.append(_text(LEFT - 10, y + 12, bar.name, "end", "#222"))
        drawn.append(f'<rect x="{LEFT}" y="{y}" {size} fill="{color}"/>\n')
        drawn.append(_text(end + 6, y + 12, f"{bar.percent:.0f} %", "start", "#222"))
    if group.target is not None:
        line, end = _x(group.target), start + ROW * len(group.bars) - 2
        path = f'd="M{line:.1f} {start - 4}V{end}" stroke="#333" stroke-dasharray="3 3"'
        drawn.append(_text(line, top + 16, f"target {group.target:g} %", "middle", QUIET))
        drawn.append(f"<path {path}/>\n")
    return "".join(drawn)


def _x(percent: float) -> float:
    return LEFT + percent * (WIDTH - LEFT - RIGHT) / 100


def _text(x: float, y: float, text: str, anchor: str, color: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {place}>{escape(text)}</text>\n"
