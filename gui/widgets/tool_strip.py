"""The column of tools at the left, each with its key in the corner."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.theme import tokens
from gui.widgets import icons
from gui.widgets.basics import rule
from gui.widgets.row_delegate import small_font

STRIP_WIDTH = 46
BUTTON = QSize(36, 34)
LOWEST = 24  # what a button shrinks to before a low window hides one


class ToolButton(QToolButton):
    """A tool: icon, key in the corner, accent when it is on."""

    def __init__(self, action: QAction, icon_name: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name, self._key = icon_name, key.replace("Shift+", "⇧")
        self._hovered = False
        self.setDefaultAction(action)
        self.setProperty("role", "tool")
        self.setFixedWidth(BUTTON.width())
        self.setMinimumHeight(LOWEST)
        self.setMaximumHeight(BUTTON.height())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.setToolTip(f"{action.text()} ({key})" if key else action.text())
        self.setAccessibleName(action.text())

    def sizeHint(self) -> QSize:
        return BUTTON

    def minimumSizeHint(self) -> QSize:
        return QSize(BUTTON.width(), LOWEST)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = False
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked():
            painter.setBrush(t.color("accent") if self.isEnabled() else t.color("muted", 30))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        elif self._hovered or self.hasFocus():
            painter.setBrush(t.color("panel2"))
            painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        color = t.color("on_accent" if self.isChecked() else "muted", 100 if self.isEnabled() else 45)
        icons.paint(painter, QRect(0, 0, self.width(), self.height() - 2), self._icon_name, color, 19)
        self._paint_key(painter, color)

    def _paint_key(self, painter: QPainter, color: QColor) -> None:
        font = small_font(self.font())
        font.setPixelSize(8)
        painter.setFont(font)
        painter.setPen(color)
        painter.setOpacity(0.75)
        painter.drawText(
            self.rect().adjusted(0, 0, -3, -2), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, self._key
        )


class ToolStrip(QWidget):
    """Tool buttons ``(action, icon, key)`` from top to bottom; None puts a line between groups."""

    def __init__(self, tools: Sequence[tuple[QAction, str, str] | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "panel")
        self.setAccessibleName("Tools")
        self.setFixedWidth(STRIP_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._buttons: list[ToolButton] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(5, 6, 5, 6)
        column.setSpacing(2)
        for entry in tools:
            if entry is None:
                column.addSpacing(3)
                column.addWidget(rule(self))
                column.addSpacing(3)
                continue
            button = ToolButton(*entry, self)
            self._buttons.append(button)
            column.addWidget(button)
        column.addStretch(1)

    def refresh(self) -> None:
        """Show the buttons whose actions can be used in this project (boxes-only projects have fewer)."""
        for button in self._buttons:
            button.setVisible(button.defaultAction().isVisible())
