"""Small questions about classes; each tells its consequence before it happens, and opens without blocking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMessageBox, QWidget

if TYPE_CHECKING:
    from gui.session import Session


def ask_text(parent: QWidget, title: str, label: str, text: str, then: Callable[[str], object]) -> QInputDialog:
    """Ask for one line; `then` gets it when it is not empty."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(text)
    dialog.setMinimumWidth(360)
    dialog.textValueSelected.connect(lambda value: then(value.strip()) if value.strip() else None)
    dialog.open()
    return dialog


def ask_sure(parent: QWidget, title: str, text: str, yes: str, then: Callable[[], object]) -> QMessageBox:
    """Ask before something that is worth a thought; undo brings it back all the same."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setText(text)
    button = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    button.clicked.connect(lambda _checked=False: then())
    box.open()
    return box


def ask_new_class(parent: QWidget, session: Session) -> QInputDialog:
    """A name for a new class."""
    return ask_text(parent, "Add class", "Name of the class:", "", session.add_category)


def ask_rename(parent: QWidget, session: Session, category_id: int) -> QInputDialog:
    """Another name for a class."""
    name = session.document.category_name(category_id)

    def rename(new: str) -> None:
        if new != name:
            session.rename_category(category_id, new)

    return ask_text(
        parent, "Rename class", f"New name for “{name}”. Trained runs keep the name they learned:", name, rename
    )


def ask_merge(parent: QWidget, session: Session, source: int, target: int) -> QMessageBox:
    """Whether one class should become another."""
    a, b = session.document.category_name(source), session.document.category_name(target)
    text = (
        f"{_objects(session, source)} of “{a}” become “{b}”, and the class “{a}” goes away.\n"
        "Undo brings both back as they were."
    )
    return ask_sure(parent, "Merge classes", text, "Merge", lambda: session.merge_category(source, target))


def ask_remove(parent: QWidget, session: Session, category_id: int) -> QMessageBox:
    """Whether a class should go, with its objects."""
    name = session.document.category_name(category_id)
    text = (
        f"The class “{name}” goes away with its {_objects(session, category_id)}, on all images.\n"
        "Undo brings them back. To keep the objects, merge the class into another one."
    )
    return ask_sure(parent, "Remove class", text, "Remove", lambda: session.remove_category(category_id))


def _objects(session: Session, category_id: int) -> str:
    count = session.store.category_counts().get(category_id, 0) if session.store is not None else 0
    return f"{count:,} object{'' if count == 1 else 's'}"
