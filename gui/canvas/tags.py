"""Labels on the canvas: class and score of predictions, and why a group is being looked at."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from engine.domain.prediction import Prediction
from gui.canvas.layers import color_of
from gui.canvas.viewport import Viewport
from gui.models.document import Document
from gui.theme import Tokens

PAD_X, PAD_Y, GAP, RADIUS = 8.0, 4.0, 6.0, 5.0  # logical pixels
SMALLEST = 24.0  # objects smaller than this on screen (logical pixels) get no tag of their own


def draw_tags(painter: QPainter, document: Document, view: Viewport, ratio: float, tokens: Tokens) -> None:
    """Tag every prediction that is large enough, and the highlighted group as one.

    The painter is in device pixels; `ratio` is device pixels per logical pixel.
    """
    font = QFont(painter.font())
    font.setPixelSize(round(12 * ratio))
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    group = [p for p in document.predictions if p.id in document.highlight]
    if document.highlight and group:
        _draw_group(painter, document, group, view, ratio, tokens)
        return
    for prediction in document.predictions:
        _draw_single(painter, document, prediction, view, ratio, tokens)


def _draw_group(
    painter: QPainter, document: Document, group: Sequence[Prediction], view: Viewport, ratio: float, tokens: Tokens
) -> None:
    named = " · ".join(f"{document.category_name(p.category_id)} {p.score:.2f}" for p in group)
    lines = document.highlight_tag or (named,)
    box = _on_screen(group, view)
    draw_tag(painter, lines, QPointF(box.center().x(), box.top()), view, ratio, tokens, border=tokens.color("warn"))


def _draw_single(
    painter: QPainter, document: Document, prediction: Prediction, view: Viewport, ratio: float, tokens: Tokens
) -> None:
    box = _on_screen([prediction], view)
    seen = box.intersects(QRectF(0, 0, view.width, view.height))
    if not seen or min(box.width(), box.height()) < SMALLEST * ratio:
        return
    text = f"{document.category_name(prediction.category_id)} {prediction.score:.2f}"
    color = color_of(document, prediction.category_id)
    draw_tag(painter, (text,), QPointF(box.center().x(), box.top()), view, ratio, tokens, border=color)


def draw_tag(
    painter: QPainter,
    lines: Sequence[str],
    above: QPointF,
    view: Viewport,
    ratio: float,
    tokens: Tokens,
    *,
    border: QColor,
) -> QRectF:
    """Lines of text in a rounded box centred above a device position, kept on screen; gives the box.

    The first line is what it is, further lines (in the border's colour) say why it is here.
    """
    metrics = QFontMetricsF(painter.font())
    width = max(metrics.horizontalAdvance(line) for line in lines) + 2 * PAD_X * ratio
    height = metrics.height() * len(lines) + 2 * PAD_Y * ratio
    x = min(max(above.x() - width / 2, GAP * ratio), max(GAP * ratio, view.width - width - GAP * ratio))
    y = min(max(above.y() - height - GAP * ratio, GAP * ratio), max(GAP * ratio, view.height - height - GAP * ratio))
    rect = QRectF(x, y, width, height)
    background = tokens.color("panel", 94)
    painter.setBrush(background)
    painter.setPen(QPen(border, 1.25 * ratio))
    painter.drawRoundedRect(rect, RADIUS * ratio, RADIUS * ratio)
    for number, line in enumerate(lines):
        top = y + PAD_Y * ratio + number * metrics.height()
        painter.setPen(tokens.color("text") if number == 0 else border)
        painter.drawText(QRectF(x, top, width, metrics.height()), Qt.AlignmentFlag.AlignCenter, line)
    return rect


def _on_screen(group: Sequence[Prediction], view: Viewport) -> QRectF:
    x0, y0 = view.to_device(min(p.box_xyxy[0] for p in group), min(p.box_xyxy[1] for p in group))
    x1, y1 = view.to_device(max(p.box_xyxy[2] for p in group), max(p.box_xyxy[3] for p in group))
    return QRectF(x0, y0, x1 - x0, y1 - y0)
