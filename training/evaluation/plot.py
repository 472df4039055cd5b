"""Draws docs/evaluation.svg: the share of right answers of each side, and the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from training.evaluation.aim import GOALS, Goal, percent_right
from training.evaluation.ask import Outcome
from training.evaluation.side import SIDES, WITH

WIDTH, ROW, TITLE, GAP = 960, 20, 26, 14
LEFT, RIGHT = 150, 70  # room for names and for values
OURS, OTHER, QUIET = "#4c78a8", "#b5c4d6", "#666"


def plot(every: Sequence[Outcome]) -> str:
    """An SVG with a group of bars per goal; the target is a dashed line."""
    drawn, top = [], GAP
    for goal in GOALS:
        shares = [*_shares(goal, every)]
        drawn.append(_group(goal, shares, top))
        top += TITLE + ROW * len(shares) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
        f' font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n{"".join(drawn)}</svg>\n'
    )


def _shares(goal: Goal, every: Sequence[Outcome]) -> Iterator[tuple[str, float]]:
    for side in SIDES:
        if found := goal.outcomes_of(side.name, every):
            yield side.name, percent_right(found)


def _group(goal: Goal, shares: Sequence[tuple[str, float]], top: float) -> str:
    aim, start = _x(goal.percent), top + TITLE
    drawn = [_text(LEFT, top + 16, goal.name, "start", "#222")]
    drawn += [_text(aim, top + 16, f"target {goal.percent:g} %", "middle", QUIET)]
    for i, (name, percent) in enumerate(shares):
        y, color = start + ROW * i, OURS if name == WITH.name else OTHER
        size = f'width="{_x(percent) - LEFT:.1f}" height="{ROW - 5}"'
        drawn.append(_text(LEFT - 10, y + 12, name, "end", "#222"))
        drawn.append(f'<rect x="{LEFT}" y="{y}" {size} fill="{color}"/>\n')
        drawn.append(_text(_x(percent) + 6, y + 12, f"{percent:.0f} %", "start", "#222"))
    end = start + ROW * len(shares) - 2
    drawn.append(f'<path d="M{aim:.1f} {start - 4}V{end}" stroke="#333" stroke-dasharray="3 3"/>\n')
    return "".join(drawn)


def _x(percent: float) -> float:
    return LEFT + percent * (WIDTH - LEFT - RIGHT) / 100


def _text(x: float, y: float, text: str, anchor: str, color: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {place}>{escape(text)}</text>\n"
