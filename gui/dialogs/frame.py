"""What the dialogs share: a title, a form, and buttons at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.widgets.basics import Heading, Muted


class FormDialog(QDialog):
    """A window-modal dialog that is opened with ``open()`` and deletes itself when closed.

    Attributes:
        form: rows of label and field.
        column: everything above the buttons.
        primary: the button that does it.
    """

    def __init__(self, title: str, line: str, primary: str, parent: QWidget | None = None, *, width: int = 560) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.column = QVBoxLayout()
        self.column.setSpacing(12)
        self.column.addWidget(Heading(title))
        if line:
            self.column.addWidget(Muted(line, wrap=True))
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(16)
        self.form.setVerticalSpacing(8)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.column.addLayout(self.form)
        self.primary = QPushButton(primary)
        self.primary.setProperty("role", "primary")
        self.primary.setDefault(True)
        self.cancel = QPushButton("Cancel")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        self.buttons.addStretch(1)
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.primary)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 16, 20, 16)
        outer.setSpacing(16)
        outer.addLayout(self.column)
        outer.addLayout(self.buttons)
