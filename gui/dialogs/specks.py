"""How small a speck is: one number, remembered until the window closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QWidget

if TYPE_CHECKING:
    from gui.session import Session

LARGEST = 1_000_000


def ask_specks(parent: QWidget, session: Session) -> QInputDialog:
    """Ask for the area below which parts of the selected objects are removed."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Remove specks")
    dialog.setLabelText("Remove parts of the selected objects with fewer pixels than:")
    dialog.setInputMode(QInputDialog.InputMode.IntInput)
    dialog.setIntRange(2, LARGEST)
    dialog.setIntValue(session.speck_area)
    dialog.setMinimumWidth(360)
    dialog.intValueSelected.connect(session.remove_specks)
    dialog.open()
    return dialog
