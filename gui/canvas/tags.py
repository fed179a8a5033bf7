"""Labels on the canvas: class and score of predictions, and why a group is being looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from engine.domain.annotation import BoxXYXY
from engine.domain.prediction import Prediction
from gui.canvas.items import color_of
from gui.canvas.viewport import Viewport
from gui.models.document import Document
from gui.theme import Tokens

PAD_X, PAD_Y, GAP, RADIUS = 8.0, 4.0, 6.0, 5.0  # logical pixels
SMALLEST = 24.0  # objects smaller than this on screen (logical pixels) get no tag of their own


def draw_tags(painter: QPainter, document: Document, view: Viewport, ratio: float, tokens: Tokens) -> None:
    """Tag the highlighted group as one; without a highlight, every prediction that is large enough.

    The painter is in device pixels; `ratio` is device pixels per logical pixel.
    """
    if not document.predictions:
        return
    _prepare(painter, ratio)
    group = [p for p in document.predictions if p.id in document.highlight]
    if group:
        _draw(painter, _group_tag(document, group, view, tokens), [], view, ratio, tokens)
        return
    taken: list[QRectF] = []
    for prediction in document.predictions:
        tag = _single_tag(document, prediction, view, ratio)
        if tag is not None:
            taken.append(_draw(painter, tag, taken, view, ratio, tokens))


@dataclass(frozen=True, slots=True)
class BoxTag:
    """Lines to stand beside an image box, bordered in `color`; that of a small box is left out, unless it `stays`."""

    lines: tuple[str, ...]
    box: BoxXYXY
    color: QColor
    stays: bool = False


def draw_box_tags(painter: QPainter, tags: Iterable[BoxTag], view: Viewport, ratio: float, tokens: Tokens) -> None:
    """Tag boxes of the image, the first ones nearest to their place."""
    _prepare(painter, ratio)
    taken: list[QRectF] = []
    for tag in tags:
        box = _device_rect(tag.box, view)
        if tag.stays or _large_enough(box, view, ratio):
            above = QPointF(box.center().x(), box.top())
            placed = _Tag(tag.lines, above, tag.color, ink=tokens.color("text"))
            taken.append(_draw(painter, placed, taken, view, ratio, tokens))


@dataclass(frozen=True, slots=True)
class _Tag:
    """Lines in a rounded box; the first says what it is, the others (in `ink`, else the border's colour) why."""

    lines: Sequence[str]
    above: QPointF
    border: QColor
    ink: QColor | None = None


def _group_tag(document: Document, group: Sequence[Prediction], view: Viewport, tokens: Tokens) -> _Tag:
    named = " · ".join(_name_and_score(document, p) for p in group)
    box = _on_screen(group, view)
    return _Tag(document.highlight_tag or (named,), QPointF(box.center().x(), box.top()), tokens.color("warn"))


def _single_tag(document: Document, prediction: Prediction, view: Viewport, ratio: float) -> _Tag | None:
    box = _on_screen([prediction], view)
    if not _large_enough(box, view, ratio):
        return None
    text = _name_and_score(document, prediction)
    return _Tag((text,), QPointF(box.center().x(), box.top()), color_of(document, prediction.category_id))


def _large_enough(box: QRectF, view: Viewport, ratio: float) -> bool:
    seen = box.intersects(QRectF(0, 0, view.width, view.height))
    return seen and min(box.width(), box.height()) >= SMALLEST * ratio


def _prepare(painter: QPainter, ratio: float) -> None:
    font = QFont(painter.font())
    font.setPixelSize(round(12 * ratio))
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _name_and_score(document: Document, prediction: Prediction) -> str:
    return f"{document.category_name(prediction.category_id)} {prediction.score:.2f}"


def _draw(
    painter: QPainter, tag: _Tag, taken: Sequence[QRectF], view: Viewport, ratio: float, tokens: Tokens
) -> QRectF:
    """Draw `tag` on screen, above those it would cover; gives its box in device pixels."""
    line_height = QFontMetricsF(painter.font()).height()
    rect = _free_place(_place(painter, tag, view, ratio), taken, view, ratio)
    painter.setBrush(tokens.color("panel", 94))
    painter.setPen(QPen(tag.border, 1.25 * ratio))
    painter.drawRoundedRect(rect, RADIUS * ratio, RADIUS * ratio)
    for number, line in enumerate(tag.lines):
        top = rect.top() + PAD_Y * ratio + number * line_height
        painter.setPen(tokens.color("text") if number == 0 else tag.ink or tag.border)
        painter.drawText(QRectF(rect.left(), top, rect.width(), line_height), Qt.AlignmentFlag.AlignCenter, line)
    return rect


def _place(painter: QPainter, tag: _Tag, view: Viewport, ratio: float) -> QRectF:
    metrics, gap = QFontMetricsF(painter.font()), GAP * ratio
    width = max(metrics.horizontalAdvance(line) for line in tag.lines) + 2 * PAD_X * ratio
    height = metrics.height() * len(tag.lines) + 2 * PAD_Y * ratio
    x = min(max(tag.above.x() - width / 2, gap), max(gap, view.width - width - gap))
    y = min(max(tag.above.y() - height - gap, gap), max(gap, view.height - height - gap))
    return QRectF(x, y, width, height)


def _free_place(rect: QRectF, taken: Sequence[QRectF], view: Viewport, ratio: float) -> QRectF:
    """Up to four places higher, else up to four lower; where all are taken, tags overlap."""
    for step in (*range(0, -5, -1), *range(1, 5)):
        moved = rect.translated(0, step * (rect.height() + 3 * ratio))
        inside = moved.top() >= 0 and moved.bottom() <= view.height
        if inside and not any(moved.intersects(other) for other in taken):
            return moved
    return rect


def _on_screen(group: Sequence[Prediction], view: Viewport) -> QRectF:
    x0, y0 = min(p.box_xyxy[0] for p in group), min(p.box_xyxy[1] for p in group)
    x1, y1 = max(p.box_xyxy[2] for p in group), max(p.box_xyxy[3] for p in group)
    return _device_rect((x0, y0, x1, y1), view)


def _device_rect(box: BoxXYXY, view: Viewport) -> QRectF:
    (x0, y0), (x1, y1) = view.to_device(box[0], box[1]), view.to_device(box[2], box[3])
    return QRectF(x0, y0, x1 - x0, y1 - y0)
