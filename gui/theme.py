"""The look: design tokens, the palette and the style sheet made from them, and the choice of light or dark.

Everything that paints asks :func:`tokens` when it paints, so a switch of theme needs no one to be told.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QProxyStyle, QStyleFactory, QWidget

import resources

GRID = 4
TEXT_PX = 13
SMALL_PX = 11


class Mode(StrEnum):
    """What the person chose under View > Theme."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours of one theme, ``#rrggbb``.

    Attributes:
        found, wrong, missed, hole: lines and pixels over an image, predictions against annotations; told apart with
            any colour vision, and too bright for words on a light ground.
    """

    name: str
    bg: str
    panel: str
    panel2: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    warn: str
    bad: str
    canvas: str
    found: str
    wrong: str
    missed: str
    hole: str

    def soft(self, role: str, percent: int = 20) -> str:
        """``rgba()`` of the colour `role` at `percent` opacity, for chips and selected rows."""
        color = QColor(getattr(self, role))
        return f"rgba({color.red()}, {color.green()}, {color.blue()}, {percent}%)"

    def color(self, role: str, percent: int = 100) -> QColor:
        """The colour `role` as a ``QColor`` at `percent` opacity."""
        color = QColor(getattr(self, role))
        color.setAlphaF(percent / 100)
        return color


DARK = Tokens(
    name="dark", bg="#17181b", panel="#1f2125", panel2="#26292e", line="#33373e", text="#e6e8eb", muted="#9aa1ab",
    accent="#5aa9ff", on_accent="#ffffff", ok="#39b980", warn="#e8a33d", bad="#e5626b", canvas="#0e0f11",
    found="#4aa8ff", wrong="#ffb02e", missed="#d957a8", hole="#fff27a",
)  # fmt: skip
LIGHT = Tokens(
    name="light", bg="#e9ebee", panel="#ffffff", panel2="#f4f5f7", line="#d7dbe0", text="#1b1e23", muted="#626b76",
    accent="#1769d1", on_accent="#ffffff", ok="#18804f", warn="#a86200", bad="#bf2f3a", canvas="#c9ced5",
    found="#2f95ff", wrong="#f5a11c", missed="#c9408f", hole="#f7e552",
)  # fmt: skip


def tokens(palette: QPalette | None = None) -> Tokens:
    """The tokens that `palette` (the application's by default) was made from."""
    window = (palette or QGuiApplication.palette()).color(QPalette.ColorRole.Window)
    return LIGHT if window.lightness() > 127 else DARK


def make_palette(t: Tokens) -> QPalette:
    """Qt's palette of the tokens; Fusion draws combo boxes, check boxes and sliders from it."""
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, name in (
        (roles.Window, t.bg), (roles.WindowText, t.text), (roles.Base, t.panel), (roles.AlternateBase, t.panel2),
        (roles.Text, t.text), (roles.Button, t.panel2), (roles.ButtonText, t.text), (roles.BrightText, t.bad),
        (roles.Highlight, t.accent), (roles.HighlightedText, t.on_accent), (roles.Accent, t.accent),
        (roles.Link, t.accent), (roles.LinkVisited, t.accent), (roles.PlaceholderText, t.muted),
        (roles.ToolTipBase, t.panel2), (roles.ToolTipText, t.text), (roles.Mid, t.line), (roles.Midlight, t.line),
        (roles.Dark, t.line), (roles.Light, t.panel2), (roles.Shadow, t.bg),
    ):  # fmt: skip
        palette.setColor(role, QColor(name))
    faded = t.color("muted", 55)
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, faded)
    palette.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(t.line))
    return palette


def style_sheet(t: Tokens) -> str:
    """The one style sheet, filled from the tokens; ``${accent_18}`` is the accent at 18 % opacity."""
    values = {key: str(value) for key, value in asdict(t).items()}
    for role in ("accent", "ok", "warn", "bad", "text", "muted"):
        for percent in (8, 12, 18, 20, 22, 40):
            values[f"{role}_{percent}"] = t.soft(role, percent)
    values["icons"] = resources.path("icons").as_posix()
    return Template(resources.text("style/maskwright.qss")).substitute(values)


class _Style(QProxyStyle):
    """Fusion, with the one thing a style sheet cannot say: how far the text of a spin box stands from its border."""

    def polish(self, target: QWidget | QPalette | QApplication) -> None:  # type: ignore[override]
        if isinstance(target, QLineEdit) and isinstance(target.parent(), QAbstractSpinBox):
            target.setTextMargins(6, 0, 0, 0)
        super().polish(target)


class Theme(QObject):
    """Applies the tokens to the application and follows the system's setting.

    Signals:
        changed: after palette and style sheet were applied.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = Mode.SYSTEM) -> None:
        super().__init__(app)
        self._app = app
        self._mode = mode
        self._applied: Tokens | None = None
        app.setStyle(_Style(QStyleFactory.create("Fusion")))
        font = QFont(app.font())
        font.setPixelSize(TEXT_PX)
        app.setFont(font)
        app.styleHints().colorSchemeChanged.connect(self._system_changed)
        self.set_mode(mode)

    @property
    def mode(self) -> Mode:
        """What the person chose."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Use light, dark, or whatever the system uses."""
        self._mode = mode
        schemes = {Mode.LIGHT: Qt.ColorScheme.Light, Mode.DARK: Qt.ColorScheme.Dark}
        hints = self._app.styleHints()
        if hasattr(hints, "setColorScheme"):  # since Qt 6.8; makes native dialogs and title bars follow
            hints.setColorScheme(schemes.get(mode, Qt.ColorScheme.Unknown))
        self._apply()

    def _system_changed(self, _scheme: object) -> None:
        self._apply()

    def _wanted(self) -> Tokens:
        if self._mode is Mode.SYSTEM:
            return LIGHT if self._app.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK
        return LIGHT if self._mode is Mode.LIGHT else DARK

    def _apply(self) -> None:
        wanted = self._wanted()
        self._app.setPalette(make_palette(wanted))
        if wanted is not self._applied:
            self._applied = wanted
            self._app.setStyleSheet(style_sheet(wanted))
            self.changed.emit()
