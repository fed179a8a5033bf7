"""Charts as inline SVG: sharp at every size, coloured by the page, so that light and dark both fit."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from engine.review.quality.calibration import Calibration
from engine.review.quality.thresholds import PrecisionRecall

WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 28, 44
# The second sign beside the colour.
DASHES = ("", "7 4", "2 3", "10 3 2 3")

CHART_STYLE = """
:root{--rim:rgb(0 0 0/.45)}@media(prefers-color-scheme:dark){:root{--rim:rgb(255 255 255/.25)}}
svg.chart{width:100%;max-width:560px;height:auto;font:12px system-ui,sans-serif}svg.chart text{fill:var(--dim)}
.chart .rule{stroke:var(--line)}.chart .even{stroke:var(--dim);stroke-dasharray:4 4}
.chart .bar{fill:var(--accent);fill-opacity:.55;stroke:var(--accent)}.chart .mean{stroke:var(--ink);stroke-width:3}
.chart .line{fill:none;stroke-width:2.2}.chart .under{fill:none;stroke:var(--rim);stroke-width:3.6}
"""


def precision_recall_chart(curves: Sequence[tuple[str, str, PrecisionRecall]]) -> str:
    """Precision over recall, a line for each ``(name, colour, curve)`` and a dot at its best score."""
    marks: list[str] = []
    for position, (name, color, curve) in enumerate(curves):
        pairs = zip(curve.recall.tolist(), curve.precision.tolist(), strict=True)
        points = _path([(0.0, float(curve.precision[0])), *pairs]) if curve.scores.size else ""
        dash = DASHES[position % len(DASHES)]
        marks.append(f'<polyline class=under points="{points}"/>')
        marks.append(
            f'<polyline class=line stroke="{color}" stroke-dasharray="{dash}" points="{points}">'
            f"<title>{escape(name)}</title></polyline>"
        )
        marks += _best_dot(curve, color)
    return _frame("recall: share of the objects that are found", "precision: share that is right", marks)


def reliability_chart(calibration: Calibration) -> str:
    """Share of right predictions by score; a short line marks each bar's mean score."""
    marks = [f'<line class=even x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>']
    for b in calibration.bins:
        if b.precision is None or b.mean_score is None:
            continue
        left, width = _x(b.low) + 1, _x(b.high) - _x(b.low) - 2
        top = _y(b.precision)
        marks.append(
            f'<rect class=bar x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_y(0) - top:.1f}">'
            f"<title>score {b.low:.1f} to {b.high:.1f}: {b.n} predictions, {b.precision:.0%} right</title></rect>"
        )
        level = _y(b.mean_score)
        marks.append(f'<line class=mean x1="{left:.1f}" y1="{level:.1f}" x2="{left + width:.1f}" y2="{level:.1f}"/>')
        count_at = min(top, level) - 5
        marks.append(f'<text x="{left + width / 2:.1f}" y="{count_at:.1f}" text-anchor="middle">{b.n}</text>')
    return _frame("score", "share that is right", marks)


def line_sample(color: str, position: int) -> str:
    """The line of a chart, for its legend."""
    dash = DASHES[position % len(DASHES)]
    return (
        '<svg class=chart style="width:34px" viewBox="0 0 34 10"><path class=under d="M0 5H34"/>'
        f'<path class=line stroke="{color}" stroke-dasharray="{dash}" d="M0 5H34"/></svg>'
    )


def _best_dot(curve: PrecisionRecall, color: str) -> list[str]:
    if curve.best is None:
        return []
    k = int(curve.f1.argmax())
    x, y = _x(float(curve.recall[k])), _y(float(curve.precision[k]))
    return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}" stroke="var(--ink)"/>']


def _frame(x_title: str, y_title: str, marks: Sequence[str]) -> str:
    """Axes from 0 to 1 both ways, with `marks` in them."""
    label = escape(f"{y_title}, over {x_title}", quote=True)
    parts = [f'<svg class=chart role=img aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}">']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _x(tick), _y(tick)
        parts.append(f'<line class=rule x1="{_x(0)}" y1="{y}" x2="{_x(1)}" y2="{y}"/>')
        parts.append(f'<line class=rule x1="{x}" y1="{_y(0)}" x2="{x}" y2="{_y(1)}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{_x(0.5)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text>')
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y_title)}</text>'
    )
    return "".join([*parts, *marks, "</svg>"])


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Points as SVG writes them; those that fall together on the screen are written once."""
    return " ".join(dict.fromkeys(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points))


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)
