"""Icons from the fonts that come with qtawesome, drawn in the theme's colours at any size.

Only the font file and its character map are used: importing qtawesome itself costs 0.3 s at start-up (it loads
qtpy, OpenGL modules and twelve fonts), reading one font 10 ms.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from gui.theme import tokens

_FONT = "materialdesignicons6-webfont-*.ttf"
_CHARMAP = "materialdesignicons6-webfont-charmap-*.json"


@functools.cache
def _font_folder() -> Path | None:
    spec = importlib.util.find_spec("qtawesome")
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "fonts" if places else None


@functools.cache
def _family() -> str:
    folder = _font_folder()
    file = next(folder.glob(_FONT), None) if folder else None
    families = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(file))) if file else []
    return families[0] if families else ""


@functools.cache
def _charmap() -> dict[str, str]:
    folder = _font_folder()
    file = next((f for f in folder.glob(_CHARMAP)), None) if folder else None
    return {} if file is None else json.loads(file.read_text(encoding="utf-8"))


def glyph(name: str) -> str:
    """The character of the icon `name` (Material Design Icons 6), "" when unknown."""
    code = _charmap().get(name)
    return chr(int(code, 16)) if code else ""


def paint(painter: QPainter, rect: QRect, name: str, color: QColor, size: float | None = None) -> None:
    """Draw the icon `name` centred in `rect`, `size` logical pixels high (the rectangle's by default)."""
    font = QFont(_family())
    font.setPixelSize(max(1, round(size if size is not None else min(rect.width(), rect.height()))))
    painter.save()
    painter.setFont(font)
    painter.setPen(color)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, glyph(name))
    painter.restore()


class _Engine(QIconEngine):
    """Paints one glyph; asks for the colour at each painting, so it follows the theme."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name, self._role = name, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        t = tokens()
        role = "on_accent" if state == QIcon.State.On else self._role
        color = t.color("muted", 45) if mode == QIcon.Mode.Disabled else t.color(role)
        paint(painter, rect, self._name, color)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._role)


def icon(name: str, role: str = "text") -> QIcon:
    """Icon `name` in the theme colour `role`; white where a checkable button is on."""
    return QIcon(_Engine(name, role))
