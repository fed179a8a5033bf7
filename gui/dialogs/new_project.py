"""Start a project: which images, what it is called, masks or boxes, and where its one small file lives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLineEdit, QRadioButton, QWidget

from gui.dialogs.frame import FormDialog
from gui.widgets.basics import Muted
from gui.widgets.path_field import PathField

if TYPE_CHECKING:
    from gui.session import Session


class NewProjectDialog(FormDialog):
    """Asks, creates, and starts to read the images."""

    def __init__(self, session: Session, parent: QWidget | None = None, *, images: Path | None = None) -> None:
        super().__init__(
            "New project",
            "The images stay where they are and are never changed. The project is a folder of its own that refers "
            "to them.",
            "Create",
            parent,
        )
        self._session = session
        self._own_folder = False
        self.images = PathField("Folder of images")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name")
        self.folder = PathField("Project folder")
        self.masks, self.boxes = QRadioButton("Masks, with holes"), QRadioButton("Boxes only")
        self._note = Muted("", wrap=True)
        self._build()
        self.images.changed.connect(self._images_changed)
        self.name.textEdited.connect(self._suggest_folder)
        self.folder.line.textEdited.connect(self._folder_edited)
        self.folder.changed.connect(self._check)
        self.primary.clicked.connect(self._create)
        self.images.set_path(images)
        self._check()

    def _build(self) -> None:
        self.masks.setChecked(True)
        kinds = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(16)
        for button in (self.masks, self.boxes):
            kinds.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.form.addRow("Images", self.images)
        self.form.addRow("Name", self.name)
        self.form.addRow("Draw", row)
        self.form.addRow("Project folder", self.folder)
        self.form.addRow(QLabel(""), self._note)

    def _images_changed(self) -> None:
        images = self.images.path
        if images is not None and not self.name.isModified():
            self.name.setText(images.name)
        self._suggest_folder()
        self._check()

    def _suggest_folder(self) -> None:
        images, name = self.images.path, self.name.text().strip()
        if self._own_folder or images is None or not name:
            return
        safe = "".join(c if c.isalnum() or c in "-_. " else "-" for c in name).strip(". ") or "project"
        beside = images.parent if os.access(images.parent, os.W_OK) else Path.home()
        self.folder.set_path(beside / f"{safe}-maskwright")

    def _folder_edited(self) -> None:
        self._own_folder = True

    def _check(self) -> None:
        problem = self._problem()
        self._note.setText(problem)
        self.primary.setEnabled(not problem and self.folder.path is not None)

    def _problem(self) -> str:
        images, folder = self.images.path, self.folder.path
        if images is not None and not images.is_dir():
            return f"There is no folder {images}."
        if folder is not None and (folder / "project.sqlite").is_file():
            return "There is a project in this folder already: open it instead, or choose another folder."
        return ""

    def _create(self) -> None:
        folder = self.folder.path
        if folder is None:
            return
        done = self._session.new_project(
            folder, name=self.name.text().strip(), boxes_only=self.boxes.isChecked(), images=self.images.path
        )
        if done:
            self.accept()
        else:
            self._note.setText("The project could not be created there; the message is in the window behind.")
