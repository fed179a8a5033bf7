"""Tokens, palette and style sheet; following the system and the person's choice."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from gui.settings import Settings
from gui.theme import DARK, LIGHT, Mode, Theme, make_palette, style_sheet, tokens

pytestmark = pytest.mark.gui


def luminance(color: str) -> float:
    """WCAG 2 relative luminance."""
    parts = [c / 255 for c in QColor(color).toTuple()[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_text_can_be_read_on_every_surface(theme):
    for surface in (theme.bg, theme.panel, theme.panel2):
        assert contrast(theme.text, surface) >= 7
        assert contrast(theme.muted, surface) >= 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_style_sheet_leaves_no_name_unfilled(theme):
    sheet = style_sheet(theme)
    assert "$" not in sheet
    assert theme.accent in sheet
    assert not re.findall(r'url\("(?!/|[A-Z]:)', sheet)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_tokens_are_found_again_from_their_palette(theme):
    assert tokens(make_palette(theme)) is theme


def test_choosing_a_theme_changes_palette_and_sheet_and_is_remembered(window):
    window.set_theme(Mode.LIGHT)
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.bg)
    window.set_theme(Mode.DARK)
    assert QApplication.palette().color(QPalette.ColorRole.Window) == QColor(DARK.bg)
    assert Settings().theme is Mode.DARK


def test_the_system_setting_is_followed_until_a_theme_is_chosen(qapp, monkeypatch):
    theme = Theme(qapp, Mode.DARK)
    told = []
    theme.changed.connect(lambda: told.append(tokens()))
    theme.set_mode(Mode.LIGHT)
    assert told == [LIGHT]
    theme._system_changed(None)
    assert told == [LIGHT]
    theme.deleteLater()


def test_a_damaged_settings_file_gives_the_defaults(tmp_path):
    file = tmp_path / "window.ini"
    file.write_bytes(b"\x00\xff[[[theme=\nrecent")
    settings = Settings(file)
    assert settings.theme is Mode.SYSTEM
    assert settings.recent() == []


def test_recent_projects_are_newest_first_and_few(tmp_path):
    settings = Settings(tmp_path / "window.ini")
    for n in range(12):
        settings.add_recent(tmp_path / f"p{n}")
    settings.add_recent(tmp_path / "p9")
    recent = settings.recent()
    assert recent[0].name == "p9"
    assert len(recent) == len(set(recent)) == 8
