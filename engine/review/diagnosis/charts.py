"""Charts of a diagnosis as inline SVG, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.project.run_history import EpochPoint
from engine.review.diagnosis.bootstrap import Estimate
from engine.review.diagnosis.learning_curve import LearningCurve
from engine.review.quality.charts import BOTTOM, DASHES, HEIGHT, LEFT, RIGHT, TOP, WIDTH

_TICKS = 4
_CURVE_POINTS = 60
_BAR, _ROW = 26, 46
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """Axes from 0 to `x_max` and 0 to `y_max`.

    Attributes:
        whole: x counts things, so its ticks are whole numbers.
    """

    x_title: str
    y_title: str
    x_max: float
    y_max: float
    whole: bool = True

    def x(self, value: float) -> float:
        return LEFT + value / self.x_max * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)

    def draw(self, marks: Sequence[str]) -> str:
        """The chart with `marks` in it."""
        label = escape(f"{self.y_title}, over {self.x_title}", quote=True)
        parts = [f'<svg class=chart role=img aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}">']
        left, right, low, high = self.x(0), self.x(self.x_max), self.y(0), self.y(self.y_max)
        for k in range(_TICKS + 1):
            value, y = k * self.y_max / _TICKS, self.y(k * self.y_max / _TICKS)
            parts.append(f'<line class=rule x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{round(value, 2):g}</text>')
        for value in self._x_ticks():
            x = self.x(value)
            parts.append(f'<line class=rule x1="{x:.1f}" y1="{low}" x2="{x:.1f}" y2="{high}"/>')
            parts.append(f'<text x="{x:.1f}" y="{low + 16}" text-anchor="middle">{value:g}</text>')
        return "".join([*parts, *self._titles(), *marks, "</svg>"])

    def _x_ticks(self) -> list[float]:
        values = [k * self.x_max / _TICKS for k in range(_TICKS + 1)]
        return sorted({float(round(v)) for v in values}) if self.whole else values

    def _titles(self) -> list[str]:
        middle = (TOP + HEIGHT - BOTTOM) / 2
        turned = f'text-anchor="middle" transform="rotate(-90 14 {middle})"'
        return [
            f'<text x="{self.x(self.x_max / 2)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.x_title)}</text>',
            f'<text x="14" y="{middle}" {turned}>{escape(self.y_title)}</text>',
        ]


def epochs_chart(curve: Sequence[EpochPoint]) -> str:
    """AP50 (full line) and AP (dashed) on validation by epoch."""
    frame = Frame("epoch", "on validation", max((p.epoch for p in curve), default=1), 1.0)
    lines = [
        _line(frame, [(p.epoch, value) for p in curve if (value := getattr(p, name)) is not None], dash, name)
        for name, dash in (("ap50", DASHES[0]), ("ap", DASHES[1]))
    ]
    return frame.draw(lines)


def loss_chart(curve: Sequence[EpochPoint]) -> str:
    """Training loss by epoch."""
    known = [(float(p.epoch), p.loss) for p in curve if p.loss is not None]
    highest = max((loss for _, loss in known), default=1.0) or 1.0
    frame = Frame("epoch", "training loss", max((p.epoch for p in curve), default=1), highest)
    return frame.draw([_line(frame, known, DASHES[0], "loss")])


def data_chart(curve: LearningCurve) -> str:
    """AP50 over training images: what was measured (full dots) with its intervals, and the law up to twice as many."""
    most = curve.points[-1].images
    frame = Frame("training images", "AP50 on validation", 2 * most, 1.0)
    marks = []
    if curve.law is not None:
        first = curve.points[0].images
        steps = [first + (2 * most - first) * k / _CURVE_POINTS for k in range(_CURVE_POINTS + 1)]
        law = [(n, min(1.0, max(0.0, curve.law.ap50(n)))) for n in steps]
        marks.append(_line(frame, law, DASHES[1], "power law"))
    marks += [_whisker(frame, p.images, p.ap50) for p in curve.points]
    if curve.doubled is not None:
        marks.append(_whisker(frame, 2 * most, curve.doubled, fill="var(--card)"))
    return frame.draw(marks)


def sets_chart(rows: Sequence[tuple[str, Estimate]]) -> str:
    """A bar from 0 to 1 for each ``(name, figure)`` with its interval."""
    height = TOP + _ROW * len(rows)
    parts = [f'<svg class=chart role=img aria-label="AP50 of each set" viewBox="0 0 {WIDTH} {height}">']
    for place, (name, figure) in enumerate(rows):
        top, width = TOP + _ROW * place, WIDTH - RIGHT - 8
        scale = [8 + width * min(1.0, max(0.0, v)) for v in (figure.value, figure.low, figure.high)]
        middle = top + _BAR / 2
        parts.append(f'<text x="8" y="{top - 5}">{escape(name)}: {figure.value:.2f}</text>')
        parts.append(f'<rect class=bar x="8" y="{top}" width="{scale[0] - 8:.1f}" height="{_BAR}"/>')
        parts.append(f'<line class=mean x1="{scale[1]:.1f}" y1="{middle}" x2="{scale[2]:.1f}" y2="{middle}"/>')
    return "".join([*parts, "</svg>"])


def _line(frame: Frame, points: Sequence[Point], dash: str, name: str) -> str:
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3" fill="var(--accent)"/>'
                   for x, y in points) if len(points) == 1 else ""  # fmt: skip
    line = f'<polyline class=line stroke="var(--accent)" stroke-dasharray="{dash}" points="{path}">'
    return f"{line}<title>{escape(name)}</title></polyline>{dots}"


def _whisker(frame: Frame, x: float, figure: Estimate, *, fill: str = "var(--accent)") -> str:
    at = f"{frame.x(x):.1f}"
    low, high, middle = (frame.y(min(1.0, max(0.0, v))) for v in (figure.low, figure.high, figure.value))
    return (
        f'<line class=mean x1="{at}" y1="{low:.1f}" x2="{at}" y2="{high:.1f}"/>'
        f'<circle cx="{at}" cy="{middle:.1f}" r="5" fill="{fill}" stroke="var(--ink)">'
        f"<title>{x:g} images: AP50 {figure.value:.2f}</title></circle>"
    )
