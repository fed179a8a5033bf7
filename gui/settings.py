"""What the window remembers between two starts: an INI file in the user's configuration folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

from gui.theme import Mode

APP = "maskwright"
RECENT_LIMIT = 8


def config_folder() -> Path:
    """Folder of the settings file; ``MASKWRIGHT_CONFIG`` moves it (tests do)."""
    return Path(os.environ.get("MASKWRIGHT_CONFIG") or platformdirs.user_config_dir(APP, appauthor=False))


def sample_folder() -> Path:
    """Where the sample project is made when a person asks for it and names no other place."""
    return Path(os.environ.get("MASKWRIGHT_DATA") or platformdirs.user_data_dir(APP, appauthor=False)) / "sample"


class Settings:
    """Typed access to the few things that are kept; every reader has a default and survives a damaged file."""

    def __init__(self, file: Path | None = None) -> None:
        file = file or config_folder() / "window.ini"
        self._store = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def theme(self) -> Mode:
        """Light, dark, or the system's."""
        value = str(self._store.value("theme", Mode.SYSTEM.value))
        return Mode(value) if value in set(Mode) else Mode.SYSTEM

    @theme.setter
    def theme(self, mode: Mode) -> None:
        self._store.setValue("theme", mode.value)

    def recent(self) -> list[Path]:
        """Project folders, newest first; folders that are gone stay listed and are told apart by the reader."""
        value = self._store.value("recent", [])
        paths = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [Path(str(p)) for p in paths if p]

    def add_recent(self, folder: Path) -> None:
        """Put `folder` first."""
        folder = folder.resolve()
        others = [p for p in self.recent() if p != folder]
        self._store.setValue("recent", [str(p) for p in [folder, *others][:RECENT_LIMIT]])

    def forget_recent(self, folder: Path) -> None:
        """Take `folder` from the list."""
        self._store.setValue("recent", [str(p) for p in self.recent() if p != folder])

    def bytes(self, key: str) -> QByteArray:
        """A saved geometry or dock state; empty when there is none."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Keep a geometry or dock state."""
        self._store.setValue(key, value)

    def last_image(self, folder: Path) -> int:
        """Image that was on screen when `folder` was closed, 0 when unknown."""
        value = str(self._store.value(f"last_image/{folder.name}", 0))
        return int(value) if value.isdecimal() else 0

    def set_last_image(self, folder: Path, image_id: int) -> None:
        """Remember the image on screen."""
        self._store.setValue(f"last_image/{folder.name}", image_id)

    def sync(self) -> None:
        """Write now."""
        self._store.sync()
