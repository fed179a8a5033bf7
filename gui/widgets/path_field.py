"""A line for a path with a button that opens the system's chooser."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class PathField(QWidget):
    """A folder, or a file when `pattern` is given (``"JSON (*.json)"``); both with `either`.

    Signals:
        changed: the path was typed or chosen.
    """

    changed = Signal()

    def __init__(
        self, title: str, *, pattern: str = "", either: bool = False, text: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._pattern = title, pattern
        self.line = QLineEdit(text)
        self.line.setAccessibleName(title)
        self.line.setPlaceholderText(title)
        self.line.textChanged.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        if pattern:
            self._button(row, "File…", self._choose_file)
        if not pattern or either:
            self._button(row, "Folder…", self._choose_folder)

    def _button(self, row: QHBoxLayout, text: str, slot: object) -> None:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(slot)
        row.addWidget(button)

    @property
    def path(self) -> Path | None:
        """What is written there; None when nothing is."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | None) -> None:
        """Write `path` there."""
        self.line.setText(str(path) if path is not None else "")

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, self._title, str(self._start()), f"{self._pattern};;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._open(dialog)

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self._title, str(self._start()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open(dialog)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()

    def _start(self) -> Path:
        path = self.path
        while path is not None and not path.is_dir() and path.parent != path:
            path = path.parent
        return path if path is not None and path.is_dir() else Path.home()
