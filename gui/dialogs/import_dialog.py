"""Import annotations: choose a file or folder, see what it would bring and lose, import, read the report.

Every choice is tried in the background first (a dry run), so the numbers shown are those of the import.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QListWidget, QListWidgetItem, QPlainTextEdit, QWidget

from engine.domain.annotation import Split
from engine.errors import UserError
from gui.dialogs.frame import FormDialog
from gui.jobs import Job, Report
from gui.widgets.basics import Muted
from gui.widgets.path_field import PathField

if TYPE_CHECKING:
    from engine.formats.importing import FileFacts
    from engine.formats.report import ImportReport
    from gui.session import Session

PATTERN = "Annotations (*.json *.csv)"
TRY_MS = 300
NAMELESS = "object"  # what regions are called when a file names no class (engine.formats.labels)
SPLITS = (
    ("As folders and file names say", None),
    ("Training", Split.TRAIN),
    ("Validation", Split.VAL),
    ("Test", Split.TEST),
    ("No split", Split.NONE),
)


class ImportDialog(FormDialog):
    """Stays open until the report was read; closing it never undoes an import (undo does)."""

    def __init__(self, session: Session, parent: QWidget | None = None, *, path: Path | None = None) -> None:
        super().__init__(
            "Import annotations",
            "VIA (JSON, project, CSV) or COCO instances; a folder with train and val is read with its splits. "
            "The whole import is one undo step.",
            "Import",
            parent,
            width=640,
        )
        self._session = session
        self._jobs: list[Job] = []
        self._asked = 0
        self.source = PathField("File or folder", pattern=PATTERN, either=True)
        self.facts = Muted("", wrap=True)
        self.attribute = QComboBox()
        self.default_class = QLineEdit()
        self.classes = QListWidget()
        self.split = QComboBox()
        self.nested = QCheckBox("A region wholly inside another one of its class is a hole in it")
        self.report = QPlainTextEdit()
        self._try_timer = QTimer(self, singleShot=True, interval=TRY_MS)
        self._build()
        self._connect()
        self._set_usable(False)
        self.source.set_path(path)

    def _build(self) -> None:
        for widget, name in (
            (self.attribute, "Attribute that names the class"),
            (self.default_class, "Class of all regions"),
            (self.classes, "Classes to import"),
            (self.split, "Split"),
            (self.report, "Report"),
        ):
            widget.setAccessibleName(name)
        self.classes.setMaximumHeight(120)
        for text, value in SPLITS:
            self.split.addItem(text, value)
        self.report.setReadOnly(True)
        self.report.setMinimumHeight(140)
        self.report.setPlaceholderText("What the import would bring appears here.")
        self.form.addRow("Read", self.source)
        self.form.addRow("", self.facts)
        self.form.addRow("Class from", self.attribute)
        self.form.addRow("Class", self.default_class)
        self.form.addRow("Classes", self.classes)
        self.form.addRow("Split", self.split)
        self.form.addRow("Holes", self.nested)
        self.column.addWidget(self.report, 1)
        self.facts.setMinimumWidth(480)
        self.default_class.setPlaceholderText("The file names no class: what are its regions?")
        self.form.setRowVisible(self.attribute, False)
        self.form.setRowVisible(self.default_class, False)

    def _connect(self) -> None:
        self.source.changed.connect(self._source_changed)
        self.attribute.currentIndexChanged.connect(self._inspect)
        self.default_class.textEdited.connect(self._try_soon)
        self.classes.itemChanged.connect(self._try_soon)
        self.split.currentIndexChanged.connect(self._try_soon)
        self.nested.toggled.connect(self._try_soon)
        self._try_timer.timeout.connect(self._try)
        self.primary.clicked.connect(self._import)

    # --- looking ----------------------------------------------------------------------------------------------

    def _source_changed(self) -> None:
        path = self.source.path
        with QSignalBlocker(self.attribute):
            self.attribute.clear()
        self.form.setRowVisible(self.attribute, False)
        if path is not None and path.exists():
            self._inspect()
            return
        self._asked += 1
        self._set_usable(False)
        self.classes.clear()
        self.facts.setText("" if path is None else f"There is no file or folder {path}.")

    def _inspect(self, _index: int = 0) -> None:
        """Read the file (again): which classes there are depends on the attribute."""
        path, attribute = self.source.path, self.attribute.currentData()
        self._asked += 1
        self._set_usable(False)
        self.classes.clear()
        self.report.clear()
        self.facts.setText("Reading…")

        def work(_report: Report) -> FileFacts:
            from engine.formats.importing import inspect_file

            assert path is not None
            return inspect_file(path, class_attribute=attribute)

        self._run("inspect", work, self._inspected)

    def _inspected(self, facts: FileFacts) -> None:
        self.facts.setText(f"{facts.format} · {facts.images:,} images · {facts.regions:,} regions")
        with QSignalBlocker(self.attribute):
            if not self.attribute.count():
                for name, values in facts.attributes.items():
                    self.attribute.addItem(f"{name}  ({_few(list(values))})", name)
            self.attribute.setCurrentIndex(max(0, self.attribute.findData(facts.class_attribute)))
        self.form.setRowVisible(self.attribute, self.attribute.count() > 1)
        nameless = facts.class_attribute is None and set(facts.classes) <= {NAMELESS}
        self.form.setRowVisible(self.default_class, nameless)
        self.form.setRowVisible(self.classes, not nameless)
        with QSignalBlocker(self.classes):
            for name, count in sorted(facts.classes.items()):
                item = QListWidgetItem(f"{name}  ({count:,})", self.classes)
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked)
        self._try()

    def _try_soon(self, _what: object = None) -> None:
        self._set_usable(False)
        self._try_timer.start()

    def _try(self) -> None:
        path, store = self.source.path, self._session.store
        if path is None or store is None or not self.classes.count():
            self._set_usable(False)
            return
        self._asked += 1
        options = self.options()
        self.report.setPlainText("Looking…")

        def work(report: Report) -> ImportReport:
            from engine.formats.importing import import_file

            return import_file(store, path, dry_run=True, progress=lambda n, of: report(n / max(1, of), ""), **options)

        self._run("dry run", work, self._tried)

    def _tried(self, report: ImportReport) -> None:
        self.report.setPlainText("\n".join(report.sentences()))
        self._set_usable(report.images > 0)

    def options(self) -> dict[str, Any]:
        """What was chosen, as :func:`engine.formats.importing.import_file` takes it."""
        items = [self.classes.item(n) for n in range(self.classes.count())]
        left_out = [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() == Qt.CheckState.Unchecked]
        return {
            "split": self.split.currentData(),
            "leave_out": tuple(left_out),
            "class_attribute": self.attribute.currentData(),
            "default_class": self.default_class.text().strip() or None,
            "nested_as_holes": self.nested.isChecked(),
        }

    # --- importing --------------------------------------------------------------------------------------------

    def _import(self) -> None:
        path = self.source.path
        if path is None:
            return
        self._set_usable(False)
        for widget in (self.source, self.attribute, self.default_class, self.classes, self.split, self.nested):
            widget.setEnabled(False)
        self.report.setPlainText("Importing…")
        self._session.job_ended.connect(self._job_ended)
        started = self._session.import_file(path, done=self._imported, **self.options())
        if not started:
            self._job_ended()

    def _imported(self, report: ImportReport) -> None:
        self.report.setPlainText("\n".join(report.sentences()))
        self.primary.hide()
        self._session.message.emit("info", report.sentences()[0])

    def _job_ended(self) -> None:
        """The import is through, or was refused; the sentence of a refusal is in the window."""
        self.cancel.setText("Close")
        if self.report.toPlainText() == "Importing…":
            self.report.setPlainText("Nothing was imported.")

    # --- work off the gui thread ------------------------------------------------------------------------------

    def _set_usable(self, usable: bool) -> None:
        self.primary.setEnabled(usable)

    def _run(self, name: str, work: Callable[[Report], Any], done: Callable[[Any], None]) -> None:
        """Run `work`; only the answer to the newest question is shown."""
        for other in self._jobs:
            other.cancel()
        job = Job(name, work, self)
        job.setProperty("asked", self._asked)
        job.done.connect(self._answered)
        job.failed.connect(self._failed)
        self._jobs = [j for j in self._jobs if j.running] + [job]
        self._then = done
        job.start()

    def _is_newest(self) -> bool:
        return bool(self.sender().property("asked") == self._asked)

    def _answered(self, result: object) -> None:
        if self._is_newest():
            self._then(result)

    def _failed(self, error: object) -> None:
        if not self._is_newest():
            return
        self.report.clear()
        if isinstance(error, UserError):
            self._set_usable(False)
            self.facts.setText(str(error))
        else:
            self._session.defect.emit(error)


def _few(names: list[str], limit: int = 4) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, …"
