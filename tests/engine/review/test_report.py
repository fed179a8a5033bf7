from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import ImageReadError, UserError
from engine.review.evaluation import evaluate
from engine.review.pictures import Drawn, crop_box, cropped, overlay
from engine.review.report import Report, write_report
from engine.review.reviewed import ReviewedImage, quality_of, reviewed_annotation, reviewed_detections

HEIGHT, WIDTH = 90, 120
CATEGORIES = (Category(1, "washer", "#e69f00"), Category(2, "<gasket>", "#0072b2"))
NAMES = {c.id: c.name for c in CATEGORIES}


def ring(cx: float = 40, cy: float = 45, radius: float = 25, hole: float = 10) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    r = np.hypot(x - cx, y - cy)
    return Mask.from_array((r <= radius) & (r >= hole))


def predicted(id: int, category: int, score: float, mask: Mask) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(id, 1, category, score, (float(x0), float(y0), float(x1), float(y1)), mask, roi=4)


@pytest.fixture
def reviewed(tmp_path: Path) -> ReviewedImage:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)).save(path)
    truth = Annotation(1, HEIGHT, WIDTH, (Instance.from_mask(ring(), 2),))
    found = (predicted(5, 1, 0.8, ring()), predicted(6, 2, 0.6, ring()))
    return reviewed_detections("a.png", path, truth, Detections(1, HEIGHT, WIDTH, found), NAMES)


def pictures_in(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) for data in found]


def test_the_page_shows_photo_and_each_candidate_of_a_group_and_every_image(
    reviewed: ReviewedImage, tmp_path: Path
) -> None:
    found = Detections(1, HEIGHT, WIDTH, reviewed.candidates)
    figures = evaluate([reviewed.annotation], [found], CATEGORIES)
    page = Report("A & B", {"Run": "r<1>"}, [reviewed], CATEGORIES, quality_of([reviewed]), figures)
    write_report(page, tmp_path / "deep" / "report.html")
    html = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    pictures = pictures_in(html)
    assert len(pictures) == 3 + 1
    assert pictures[-1].shape == (HEIGHT, WIDTH, 3)
    assert "washer 0.80 and &lt;gasket&gt; 0.60 are on the same object (mask IoU 1.00)" in html
    assert "A person says: &lt;gasket&gt;." in html
    assert "r&lt;1&gt;" in html
    assert "<gasket>" not in html
    assert "precision 1.000" in html


def test_the_page_loads_nothing_from_elsewhere(reviewed: ReviewedImage, tmp_path: Path) -> None:
    write_report(Report("T", {}, [reviewed], CATEGORIES), tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "http" not in html
    assert "<script" not in html
    assert re.findall(r'src="(?!data:)', html) == []


def test_labels_that_double_are_shown_without_scores(reviewed: ReviewedImage, tmp_path: Path) -> None:
    doubled = Annotation(1, HEIGHT, WIDTH, (Instance.from_mask(ring(), 1), Instance.from_mask(ring(), 2)))
    image = reviewed_annotation("a.png", reviewed.path, doubled, NAMES)
    write_report(Report("T", {}, [image], CATEGORIES), tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "are labelled on the same object" in html
    assert "1.00</figcaption>" not in html
    assert quality_of([image]).groups == 0  # labels are not measured against themselves


def test_an_overlay_tints_the_object_and_leaves_its_hole_as_photographed() -> None:
    photo = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    mask = ring()
    drawn = overlay(photo, [Drawn((15, 20, 66, 71), mask, "#ff0000")])
    changed = (drawn != photo).any(axis=2)
    outline = cv2.dilate(mask.to_array().astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert changed[mask.to_array()].all()
    assert not changed[~outline].any()
    assert not changed[45, 40]
    assert photo.min() == photo.max() == 128  # the photo itself is not drawn on


def test_a_large_photo_is_shown_smaller() -> None:
    photo = np.zeros((500, 2000, 3), dtype=np.uint8)
    drawn = overlay(photo, [Drawn((10, 10, 1900, 400), None, "#ff0000", "box")], long_side=1000)
    assert drawn.shape == (250, 1000, 3)
    assert drawn.any()


@pytest.mark.parametrize("mask", [ring(), None])
def test_a_crop_holds_the_object_at_the_size_asked_for(mask: Mask | None) -> None:
    photo = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    window = crop_box([(15, 20, 66, 71)], HEIGHT, WIDTH)
    crop = cropped(photo, [Drawn((15, 20, 66, 71), mask, "#0000ff")], window, size=180)
    assert max(crop.shape[:2]) == 180
    assert (crop != 128).any()


def test_crops_stay_inside_the_image() -> None:
    assert crop_box([(0, 0, 10, 10), (100, 60, 120, 90)], HEIGHT, WIDTH) == (0, 0, WIDTH, HEIGHT)


def test_a_missing_image_and_an_unwritable_target_are_said(reviewed: ReviewedImage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="report cannot be written"):
        write_report(Report("T", {}, [reviewed], CATEGORIES), tmp_path / "file" / "r.html")
    reviewed.path.unlink()
    with pytest.raises(ImageReadError):
        write_report(Report("T", {}, [reviewed], CATEGORIES), tmp_path / "r.html")
