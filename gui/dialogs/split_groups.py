"""The groups of images that a split keeps together, shown before it is made."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from engine.domain.annotation import Split
from gui.models.split_preview import GroupRow, SplitPreview
from gui.widgets.basics import Muted

SPLIT_NAMES = {Split.TRAIN: "training", Split.VAL: "validation", Split.TEST: "test", Split.NONE: "in no split"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MOST_GROUPS = 200
_MOST_IMAGES = 200


class GroupsView(QWidget):
    """A sentence on the groups and a tree of them, the largest first; images alone are one entry."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = Muted(wrap=True)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Groups of images")
        self.tree.setHeaderLabels(["Group", "Images", "Goes to"])
        self.tree.setMinimumHeight(200)
        self.tree.setUniformRowHeights(True)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the end of a path tells images apart
        self.tree.setStyleSheet("QTreeView::item { padding: 2px 6px; }")
        self.tree.headerItem().setTextAlignment(1, _RIGHT)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addWidget(self.tree, 1)

    def show_preview(self, preview: SplitPreview) -> None:
        """Show the groups of `preview`."""
        self.summary.setText(summary_of(preview))
        self.tree.clear()
        several = [row for row in preview.groups if len(row.images) > 1]
        for row in several[:_MOST_GROUPS]:
            self.tree.addTopLevelItem(_group_item(row))
        if len(several) > _MOST_GROUPS:
            self._add_line(f"… and {len(several) - _MOST_GROUPS:,} smaller groups")
        alone = [row for row in preview.groups if len(row.images) == 1]
        if alone:
            self.tree.addTopLevelItem(_alone_item(alone))

    def show_problem(self, text: str) -> None:
        """Show why there are no groups."""
        self.summary.setText(text)
        self.tree.clear()

    def _add_line(self, text: str) -> None:
        self.tree.addTopLevelItem(_item(text))


def summary_of(preview: SplitPreview) -> str:
    """ "14 groups of 60 images; the largest has 12." """
    images = sum(len(row.images) for row in preview.groups)
    if preview.largest <= 1:
        return f"No two of the {images:,} images belong together, so each is divided on its own."
    groups = len(preview.groups)
    return f"{groups:,} group{'s' if groups != 1 else ''} of {images:,} images; the largest has {preview.largest:,}."


def _group_item(row: GroupRow) -> QTreeWidgetItem:
    where = " + ".join(SPLIT_NAMES[split] for split in row.splits)
    item = _item(row.name, f"{len(row.images):,}", where)
    if len(row.splits) > 1:
        item.setToolTip(2, "Images of this group are in different sets already, and stay there")
    _add_images(item, row.images, [""] * len(row.images))
    return item


def _alone_item(rows: Sequence[GroupRow]) -> QTreeWidgetItem:
    item = _item("Images alone", f"{len(rows):,}")
    _add_images(item, [row.images[0] for row in rows], [SPLIT_NAMES[row.splits[0]] for row in rows])
    return item


def _add_images(item: QTreeWidgetItem, paths: Sequence[str], where: Sequence[str]) -> None:
    for path, words in list(zip(paths, where, strict=True))[:_MOST_IMAGES]:
        item.addChild(_item(path, "", words))
    if len(paths) > _MOST_IMAGES:
        item.addChild(_item(f"… and {len(paths) - _MOST_IMAGES:,} more"))


def _item(*texts: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem(list(texts))
    item.setToolTip(0, texts[0])
    item.setTextAlignment(1, _RIGHT)
    return item
