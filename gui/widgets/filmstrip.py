"""The row of thumbnails under the canvas: status, split and "nothing here" at a glance."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.domain.annotation import ImageStatus, Split
from gui.models.image_list import THUMB_HEIGHT, THUMB_WIDTH, ImageList, ImageRole
from gui.theme import tokens
from gui.widgets import icons
from gui.widgets.row_delegate import small_font

STRIP_HEIGHT = 96
GAP = 8
Index = QModelIndex | QPersistentModelIndex
SPLIT_LETTER = {Split.TRAIN: "T", Split.VAL: "V", Split.TEST: "X", Split.NONE: ""}


class ThumbDelegate(QStyledItemDelegate):
    """A rounded picture with a status dot, the split's letter and a mark for negatives."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(THUMB_WIDTH + GAP, THUMB_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect = QRect(option.rect.left(), option.rect.top(), THUMB_WIDTH, THUMB_HEIGHT)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._picture(painter, rect, index)
        self._marks(painter, rect, index)
        view = option.widget
        if isinstance(view, QListView) and view.currentIndex() == index:
            painter.setPen(QPen(tokens().color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), 6, 6)
        painter.restore()

    def _picture(self, painter: QPainter, rect: QRect, index: Index) -> None:
        t = tokens()
        path = QPainterPath()
        path.addRoundedRect(QRectF(rect), 6, 6)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(rect, t.color("panel2"))
        pixmap = index.data(ImageRole.THUMBNAIL)
        if isinstance(pixmap, QPixmap) and not pixmap.isNull():
            painter.drawPixmap(rect, pixmap, _cover(pixmap.size(), rect))
        else:
            name = "image-off-outline" if index.data(ImageRole.UNREADABLE) else "image-outline"
            icons.paint(painter, rect, name, t.color("muted", 60), 24)
        painter.restore()

    def _marks(self, painter: QPainter, rect: QRect, index: Index) -> None:
        shade = QColor(0, 0, 0, 130)
        self._dot(painter, rect, index)
        letter = SPLIT_LETTER[index.data(ImageRole.SPLIT)]
        if letter:
            painter.setFont(small_font(painter.font()))
            box = QRectF(rect.right() - 20, rect.bottom() - 19, 16, 15)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor("#ffffff"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
        if index.data(ImageRole.NEGATIVE):
            box = QRectF(rect.right() - 20, rect.top() + 4, 16, 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawRoundedRect(box, 4, 4)
            icons.paint(painter, box.toRect(), "cancel", QColor("#ffffff"), 12)

    def _dot(self, painter: QPainter, rect: QRect, index: Index) -> None:
        t = tokens()
        dot = QRectF(rect.left() + 6, rect.bottom() - 14, 9, 9)
        status, count = index.data(ImageRole.STATUS), index.data(ImageRole.COUNT)
        filled = {ImageStatus.DONE: "ok", ImageStatus.NEEDS_REVIEW: "warn", ImageStatus.IN_PROGRESS: "accent"}
        role = filled.get(status) or ("accent" if count or index.data(ImageRole.NEGATIVE) else "")
        painter.setPen(QPen(QColor(0, 0, 0, 110), 1))
        if role:
            painter.setBrush(t.color(role))
            painter.drawEllipse(dot)
            return
        painter.setBrush(QColor(0, 0, 0, 70))
        painter.setPen(QPen(QColor("#dddddd"), 2))
        painter.drawEllipse(dot.adjusted(1, 1, -1, -1))


def _cover(size: QSize, rect: QRect) -> QRect:
    """Part of a picture of `size` that fills `rect` without distortion."""
    scale = max(rect.width() / size.width(), rect.height() / size.height())
    width, height = round(rect.width() / scale), round(rect.height() / scale)
    return QRect((size.width() - width) // 2, (size.height() - height) // 2, width, height)


class Filmstrip(QListView):
    """All images in one line.

    Signals:
        image_chosen(object): id of the image a person clicked or went to with the arrow keys.
    """

    image_chosen = Signal(object)

    def __init__(self, model: ImageList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "plain")
        self.setObjectName("filmstrip")
        self.setAccessibleName("Images")
        self._model = model
        self.setModel(model)
        self.setItemDelegate(ThumbDelegate(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setViewportMargins(12, 8, 4, 8)
        self.setFixedHeight(STRIP_HEIGHT)
        self.selectionModel().currentChanged.connect(self._current_changed)
        model.modelReset.connect(self._model_reset)
        self._shown: int | None = None

    def show_image(self, image_id: int | None) -> None:
        """Mark the image on screen and bring it into view, without telling that it was chosen."""
        self._shown = image_id
        row = self._model.row_of(image_id)
        index = self._model.index(row) if row >= 0 else QModelIndex()
        if index != self.currentIndex():
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(index, QListView.ScrollHint.EnsureVisible)
        self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (event.angleDelta().y() or event.angleDelta().x()))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._model.pixel_ratio = self.devicePixelRatioF()

    def _model_reset(self) -> None:
        self.show_image(self._shown)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        image_id = self._model.id_at(current.row()) if current.isValid() else None
        if image_id is not None and image_id != self._shown:
            self._shown = image_id
            self.image_chosen.emit(image_id)
