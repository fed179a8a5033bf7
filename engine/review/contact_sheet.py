"""Several small pictures on one sheet, and a line of text below a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

RGB = npt.NDArray[np.uint8]

PAPER = (245, 245, 245)
_INK = (20, 20, 20)
_TEXT, _GAP = 14, 8


def captioned(picture: RGB, text: str) -> RGB:
    """`picture` (H x W x 3) with a line of text below it, widened where the text needs it."""
    font = ImageFont.load_default(_TEXT)
    width = max(picture.shape[1], int(font.getlength(text)) + 2 * _GAP)
    page = Image.new("RGB", (width, picture.shape[0] + _TEXT + 2 * _GAP), PAPER)
    page.paste(Image.fromarray(picture), (0, 0))
    ImageDraw.Draw(page).text((_GAP, picture.shape[0] + _GAP - 2), text, font=font, fill=_INK)
    return np.asarray(page, dtype=np.uint8)


def sheet(pictures: Sequence[RGB], columns: int) -> RGB:
    """`pictures` in rows of `columns`, each in the middle of a cell that fits the largest."""
    if not pictures:
        return np.full((4 * _GAP, 4 * _GAP, 3), PAPER, dtype=np.uint8)
    height = max(p.shape[0] for p in pictures) + _GAP
    width = max(p.shape[1] for p in pictures) + _GAP
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    page = np.full((rows * height, columns * width, 3), PAPER, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top = (index // columns) * height + (height - picture.shape[0]) // 2
        left = (index % columns) * width + (width - picture.shape[1]) // 2
        page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return page


def fitted(picture: RGB, side: int) -> RGB:
    """`picture` scaled into a square of `side` pixels, its shape kept, paper around it."""
    scale = side / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)
    page = np.full((side, side, 3), PAPER, dtype=np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    return page
