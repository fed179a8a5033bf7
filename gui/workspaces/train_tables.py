"""Read-only tables of the Train room: rows with thin lines, as high as what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem


def plain_table(titles: Sequence[str], name: str) -> QTableWidget:
    """A read-only table of rows with thin lines."""
    table = QTableWidget(0, len(titles))
    table.setHorizontalHeaderLabels(list(titles))
    table.setAccessibleName(name)
    table.setProperty("role", "plain")
    table.setShowGrid(False)
    table.setStyleSheet("QTableView::item { padding: 0px 6px; border: none; }")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(28)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    return table


def fit_height(table: QTableWidget, most: int) -> None:
    """Make a table as high as its rows, up to `most` of them."""
    rows = min(table.rowCount(), most)
    height = table.verticalHeader().defaultSectionSize() * rows + table.horizontalHeader().sizeHint().height() + 4
    table.setFixedHeight(height)


def cell(text: str) -> QTableWidgetItem:
    """One cell that can be selected and not edited."""
    item = QTableWidgetItem(text)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item
