"""Draws docs/performance.svg: each figure as a bar, relative to its target."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.figure import Figure

WIDTH, ROW, TOP = 960, 24, 44
LEFT, RIGHT = 430, 150  # room for names and for values
MAX_RATIO = 2.5  # of a figure to its target; a longer bar is cut
MET, MISSED, QUIET = "#4c78a8", "#d9822b", "#666"


def plot(figures: Sequence[Figure]) -> str:
    """An SVG with two groups: figures that should be high, and figures that should be low."""
    high = [f for f in figures if f.aim.at_least]
    low = [f for f in figures if not f.aim.at_least]
    height = TOP * 2 + ROW * len(figures) + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        + _group("at least the target: longer is better", high, 0)
        + _group("at most the target: shorter is better", low, TOP + ROW * len(high))
        + "</svg>\n"
    )


def _group(title: str, figures: Sequence[Figure], top: float) -> str:
    aim = _x(1)
    end = top + TOP + ROW * len(figures) - 4
    drawn = [
        _text(LEFT - 10, top + 28, title, "end", QUIET),
        _text(aim, top + 28, "target", "middle", QUIET),
    ]
    drawn += [_bar(figure, top + TOP + ROW * i) for i, figure in enumerate(figures)]
    drawn += [f'<path d="M{aim} {top + TOP - 8}V{end}" stroke="#333" stroke-dasharray="3 3"/>\n']
    return "".join(drawn)


def _bar(figure: Figure, top: float) -> str:
    name = _text(LEFT - 10, top + 13, figure.aim.name, "end")
    if figure.value is None:
        return name + _text(LEFT + 4, top + 13, "no value", "start", MISSED)
    aims = figure.value / figure.aim.bound
    end = _x(min(max(aims, 0), MAX_RATIO))
    color = MET if figure.is_met else MISSED
    bar = f'<rect x="{LEFT}" y="{top}" width="{end - LEFT:.1f}" height="16" fill="{color}"/>\n'
    if aims > MAX_RATIO:
        bar += _text(end - 6, top + 13, "»", "end", "white")
    return name + bar + _text(WIDTH - 10, top + 13, f"{figure.shown}  ({figure.aim})", "end")


def _x(aims: float) -> float:
    return LEFT + aims * (WIDTH - LEFT - RIGHT) / MAX_RATIO


def _text(x: float, y: float, text: str, anchor: str, color: str = "#222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {place}>{escape(text)}</text>\n"
