"""Charts as SVG text: no script, no network, readable in print and in the dark."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

# Told apart by people who do not see all colours (Okabe and Ito), and by dashes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 2")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 560, 300, 48, 40, 14, 12

Values = Sequence[float] | NDArray[np.float64]


def shares(
    series: Mapping[str, Values],
    *,
    most: float,
    x_label: str,
    mark: float | None = None,
    mark_label: str = "",
) -> str:
    """For each series the share of its values that are at most x: the higher the line, the better."""
    body = [_axes(most, x_label)]
    for n, values in enumerate(series.values()):
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        xs = np.linspace(0, most, 141)
        ys = np.searchsorted(ordered, xs, side="right") / max(1, len(ordered))
        points = " ".join(f"{_x(x, most):.1f},{_y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        body.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[n % 6]}" stroke-width="2" '
            f'stroke-dasharray="{DASHES[n % 6]}"/>'
        )
    if mark is not None:
        at = _x(mark, most)
        body.append(f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="mark"/>')
        body.append(f'<text x="{at + 4}" y="{HEIGHT - BOTTOM - 6}" class="tick">{escape(mark_label)}</text>')
    return _svg(body) + legend(list(series))


def bars(
    rows: Sequence[tuple[str, float, float, float]],
    *,
    unit: str,
    mark: float | None = None,
    mark_label: str = "",
) -> str:
    """Horizontal bars with their intervals: (name, value, low, high)."""
    most = max([high for _, _, _, high in rows] + [mark or 0.0]) * 1.12 or 1.0
    left, step, width = 190, 34, 640
    height = step * len(rows) + 30

    def x(value: float) -> float:
        return left + value / most * (width - left - 70)

    body = []
    for n, (name, value, low, high) in enumerate(rows):
        y = 14 + n * step
        body.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" class="name">{escape(name)}</text>')
        body.append(
            f'<rect x="{left}" y="{y}" width="{max(1.0, x(value) - left):.1f}" height="20" rx="3" fill="{COLOURS[n % 6]}"/>'
        )
        body.append(
            f'<line x1="{x(max(0.0, low)):.1f}" x2="{x(high):.1f}" y1="{y + 10}" y2="{y + 10}" class="whisker"/>'
        )
        body.append(
            f'<text x="{x(high) + 6:.1f}" y="{y + 15}" class="name">{value:.1f} {escape(unit)}</text>'
        )
    if mark is not None:
        body.append(f'<line x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="4" y2="{height - 22}" class="mark"/>')
        body.append(
            f'<text x="{x(mark):.1f}" y="{height - 8}" text-anchor="middle" class="tick">{escape(mark_label)}</text>'
        )
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(body)}</svg>'


def columns(counts: Mapping[str, Values], *, x_label: str, bins: int = 16) -> str:
    """How often each value comes up, series beside series."""
    everything = np.concatenate([np.asarray(v, dtype=np.float64) for v in counts.values()] or [np.zeros(1)])
    most = float(everything.max()) * 1.05 if len(everything) and everything.max() > 0 else 1.0
    edges = np.linspace(0, most, bins + 1)
    body = [_axes(most, x_label, percent=False)]
    heights = [np.histogram(np.asarray(v), edges)[0] / max(1, len(v)) for v in counts.values()]
    tallest = max((float(h.max()) for h in heights), default=1.0) or 1.0
    slot = (WIDTH - LEFT - RIGHT) / bins
    thick = slot * 0.86 / max(1, len(heights))
    for n, height in enumerate(heights):
        for i, share in enumerate(height):
            y = _y(float(share) / tallest * 0.95)
            body.append(
                f'<rect x="{LEFT + i * slot + n * thick:.1f}" y="{y:.1f}" width="{thick:.1f}" '
                f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{COLOURS[n % 6]}"/>'
            )
    return _svg(body) + legend(list(counts))


def legend(names: Sequence[str]) -> str:
    """Colour, dash and name."""
    items = "".join(
        f'<span><svg viewBox="0 0 30 10" width="30" height="10"><line x1="0" x2="30" y1="5" y2="5" '
        f'stroke="{COLOURS[n % 6]}" stroke-width="3" stroke-dasharray="{DASHES[n % 6]}"/></svg> {escape(name)}</span>'
        for n, name in enumerate(names)
    )
    return f'<div class="legend">{items}</div>'


def _axes(most: float, x_label: str, *, percent: bool = True) -> str:
    lines = []
    for step in range(5 if percent else 1):
        y = _y(step / 4)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="grid"/>')
        if percent:
            lines.append(
                f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" class="tick">{step * 25} %</text>'
            )
    for value in ticks(most):
        shown = f"{value:g}"
        lines.append(
            f'<text x="{_x(value, most):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" class="tick">{shown}</text>'
        )
    lines.append(
        f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle" class="tick">{escape(x_label)}</text>'
    )
    return "".join(lines)


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to `most`, four to seven of them."""
    power = 10.0 ** np.floor(np.log10(most))
    step = next(s for s in (power * f for f in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0)) if most / s <= 6.5)
    return [round(step * n, 10) for n in range(int(most / step + 1e-9) + 1)]


def _svg(body: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(body)}</svg>'


def _x(value: float, most: float) -> float:
    return LEFT + value / most * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - BOTTOM - TOP)
