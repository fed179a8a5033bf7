"""What each action of the table does: one short method per action, each asking session, room or a dialog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

from engine.domain.annotation import ImageStatus, Split
from engine.logs import log_file
from gui.settings import sample_folder
from gui.theme import Mode

if TYPE_CHECKING:
    from gui.main_window import MainWindow

IMAGE_FILTER = "Images (*.jpg *.jpeg *.png *.bmp *.tif *.tiff *.webp);;All files (*)"


class Commands(QObject):
    """Target of :meth:`gui.actions.Actions.connect_to`."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session

    # --- File

    def new_project(self, images: Path | None = None) -> QDialog:
        from gui.dialogs.new_project import NewProjectDialog

        dialog = NewProjectDialog(self._session, self._window, images=images)
        dialog.open()
        return dialog

    def open_project(self) -> None:
        dialog = self._folder_dialog("Open project: choose the project's folder")
        dialog.fileSelected.connect(self._open_folder)
        dialog.open()

    def _open_folder(self, folder: str) -> None:
        self._window.open_project(Path(folder))

    def open_sample(self) -> None:
        """Make the sample project once, in the user's data folder, then open it."""
        folder = sample_folder()
        if (folder / "project.sqlite").is_file():
            self._window.open_project(folder)
            return
        self._window.make_sample(folder)

    def close_project(self) -> None:
        self._window.close_project()

    def add_images(self) -> None:
        dialog = self._folder_dialog("Add images: choose a folder")
        dialog.fileSelected.connect(self._add_folder)
        dialog.open()

    def _add_folder(self, folder: str) -> None:
        self._session.add_images(Path(folder))

    def import_annotations(self, path: Path | None = None) -> QDialog:
        from gui.dialogs.import_dialog import ImportDialog

        dialog = ImportDialog(self._session, self._window, path=path)
        dialog.open()
        return dialog

    def export_coco(self) -> None:
        store = self._session.store
        if store is None:
            return
        dialog = QFileDialog(self._window, "Export as COCO", str(store.folder / "annotations.json"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("COCO annotations (*.json)")
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(self._export_to)
        dialog.open()

    def _export_to(self, path: str) -> None:
        self._session.export_coco(Path(path))

    def quit(self) -> None:
        self._window.close()

    def _folder_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title, str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        return dialog

    # --- Edit

    def undo(self) -> None:
        self._session.undo()

    def redo(self) -> None:
        self._session.redo()

    def delete_selected(self) -> None:
        self._session.delete_instances(self._session.document.selection)

    def copy_selected(self) -> None:
        self._session.copy_selected()

    def paste(self) -> None:
        self._session.paste()

    def duplicate_selected(self) -> None:
        self._session.duplicate_selected()

    def copy_to_next(self) -> None:
        self._session.copy_to_next()

    def select_all(self) -> None:
        self._session.document.select(i.id for i in self._session.document.annotation or ())

    def new_instance(self) -> None:
        self._session.document.begin_new_instance()

    def next_instance(self) -> None:
        self._step_instance(1)

    def previous_instance(self) -> None:
        self._step_instance(-1)

    def _step_instance(self, by: int) -> None:
        document = self._session.document
        ids = [i.id for i in document.annotation or ()]
        if ids:
            chosen = [n for n, i in enumerate(ids) if i in document.selection]
            at = (chosen[-1 if by > 0 else 0] + by) if chosen else (0 if by > 0 else -1)
            document.select([ids[at % len(ids)]])

    def set_tool(self, name: str) -> None:
        tool = "box" if name == "rectangle" and self._session.document.boxes_only else name
        self._window.annotate.canvas.set_tool(tool)

    def fill_hole_at_cursor(self) -> None:
        self._window.annotate.canvas.fill_hole_at_cursor()

    def merge_selected(self) -> None:
        self._session.merge_selected()

    def intersect_selected(self) -> None:
        self._session.intersect_selected()

    def take_from_others(self) -> None:
        self._session.take_from_others()

    def reshape(self, name: str) -> None:
        self._session.reshape_selected(name)

    def remove_specks(self) -> QDialog:
        from gui.dialogs.specks import ask_specks

        return ask_specks(self._window, self._session)

    def choose_class(self, number: int) -> None:
        store = self._session.store
        categories = store.categories() if store is not None else ()
        if number <= len(categories):
            self._session.set_category(categories[number - 1].id)
        else:
            self._window.messages.show(
                "info", f"There is no class {number} yet. Add one with + in the list of classes."
            )

    # --- Image

    def next_image(self) -> None:
        self._session.next_image()

    def previous_image(self) -> None:
        self._session.previous_image()

    def canvas_next_image(self) -> None:
        self._session.next_image()

    def canvas_previous_image(self) -> None:
        self._session.previous_image()

    def toggle_negative(self, on: bool) -> None:
        self._session.mark_negative(on)
        self._window.refresh_actions()

    def set_status(self, status: ImageStatus) -> None:
        self._session.set_status(status)

    def set_split(self, split: Split) -> None:
        self._session.set_split(split)

    def make_split(self) -> QWidget:
        from gui.dialogs.split_dialog import SplitDialog

        dialog = SplitDialog(self._session, self._window)
        dialog.open()
        return dialog

    # --- View

    def go(self, room: str) -> None:
        self._window.go(room)

    def zoom_fit(self) -> None:
        self._window.canvas().zoom_fit()

    def zoom_in(self) -> None:
        self._window.canvas().zoom_by(1.25)

    def zoom_out(self) -> None:
        self._window.canvas().zoom_by(0.8)

    def zoom_actual(self) -> None:
        self._window.canvas().zoom_to(1.0)

    def toggle_outlines(self, on: bool) -> None:
        self._window.canvas().outline_only = on

    def set_theme(self, name: str) -> None:
        self._window.set_theme(Mode(name))

    def reset_layout(self) -> None:
        self._window.reset_layout()

    # --- Review: the room knows what is being judged

    def review_accept(self) -> None:
        self._window.review_do("accept")

    def review_reject(self) -> None:
        self._window.review_do("reject")

    def review_edit(self) -> None:
        self._window.review_do("edit")

    def review_unsure(self) -> None:
        self._window.review_do("unsure")

    def review_both(self) -> None:
        self._window.review_do("both")

    def review_done_next(self) -> None:
        self._window.review_do("done_next")

    def review_keep(self, number: int) -> None:
        self._window.review_do("keep", number)

    def review_accept_above(self) -> None:
        self._window.review_do("accept_above")

    def review_find(self) -> None:
        self._window.review_do("search")

    def review_truth(self, on: bool) -> None:
        self._window.review_do("set_truth", on)

    # --- Help

    def show_keys(self) -> QWidget:
        from gui.dialogs.keys import KeysDialog

        dialog = KeysDialog(self._window.actions_table, self._window)
        dialog.open()
        return dialog

    def show_log(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file())))

    def about(self) -> QMessageBox:
        box = QMessageBox(self._window)
        box.setWindowTitle("About Maskwright")
        box.setText(
            "Maskwright\n\nDraw instance masks with holes, train Mask R-CNN from a button, review what it predicts."
        )
        box.setInformativeText(f"Works offline. The log is in {log_file()}")
        box.open()
        return box
