"""A hole drawn is a hole trained and a hole exported: the same pixels at every step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine.domain.mask import Mask
from engine.formats.coco import export_coco
from engine.project.dataset import FrozenDataset, freeze
from engine.project.images import read_image
from engine.project.store import ProjectStore

pytestmark = pytest.mark.gui
CENTRE, OUTER, INNER = (80, 60), 32, 14


def drag(window, points: list[tuple[float, float]]) -> None:
    canvas = window.annotate.canvas
    places: list[QPoint] = [canvas.widget_position(x, y).toPoint() for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[0])
    for place in places[1:]:
        QTest.mouseMove(canvas, place)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, places[-1])


def circle(radius: float) -> list[tuple[float, float]]:
    return [(CENTRE[0] + radius * np.cos(t), CENTRE[1] + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 60)]


def draw_ring(window) -> Mask:
    """Paint a ring with the brush (its middle included), then cut the hole with the hole tool."""
    canvas = window.annotate.canvas
    canvas.setFocus()
    canvas.brush_size = 40
    QTest.keyClick(canvas, Qt.Key.Key_B)
    drag(window, [*circle(OUTER - 20), CENTRE])
    QTest.keyClick(canvas, Qt.Key.Key_H)
    drag(window, circle(INNER))
    (instance,) = window.session.document.annotation.instances
    assert instance.mask is not None
    return instance.mask


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools and numpy 2
def test_a_drawn_ring_keeps_its_pixels_from_the_brush_to_the_export(project, tmp_path: Path) -> None:
    from pycocotools import mask as coco_mask

    from engine.training.samples import make_sample

    drawn = draw_ring(project)
    assert len(drawn.holes) == 1
    assert not drawn.contains_point(*CENTRE)
    folder, image_id = project.session.store.folder, project.session.image_id
    project.close()

    with ProjectStore.open(folder, read_only=True) as store:
        assert store.annotation(image_id).instances[0].mask == drawn
        freeze(store).save(tmp_path / "dataset.json")
        export_coco(store, tmp_path / "coco.json")

    frozen = next(i for i in FrozenDataset.load(tmp_path / "dataset.json").images if i.image_id == image_id)
    height, width = drawn.shape
    sample = make_sample(
        frozen,
        read_image(frozen.path),
        labels={c: c for c in range(1, 9)},
        image_size=max(height, width),
        augmentation=None,
        rng=np.random.default_rng(0),
    )
    crop = sample.target["masks"][0]
    assert Mask.from_crop(crop.pixels.numpy(), crop.x0, crop.y0, height, width) == drawn

    (exported,) = json.loads((tmp_path / "coco.json").read_text())["annotations"]
    assert exported["iscrowd"] == 0
    assert exported["area"] == drawn.area
    decoded = coco_mask.decode(coco_mask.frPyObjects(exported["segmentation"], height, width))
    assert np.array_equal(decoded.astype(bool), drawn.to_array())


def test_the_roi_target_of_a_drawn_ring_is_that_of_its_full_mask(project) -> None:
    import torch
    from torchvision.models.detection.roi_heads import project_masks_on_boxes

    from engine.model.inputs import resize_affine
    from engine.model.roi_heads import mask_targets
    from engine.training.samples import mask_crop

    drawn = draw_ring(project)
    crop = mask_crop(drawn, resize_affine(*drawn.shape, drawn.shape), drawn.shape)
    assert crop is not None
    x0, y0, x1, y1 = drawn.box
    boxes = torch.tensor([[x0, y0, x1, y1], [x0 - 7.3, y0 + 2.1, x1 + 4.9, y1 + 9.7]])
    matched = torch.zeros(2, dtype=torch.int64)
    full = torch.from_numpy(drawn.to_array()).float()[None]
    expected = project_masks_on_boxes(full, boxes, matched, 28)
    assert expected[0, 14, 14] == 0
    torch.testing.assert_close(mask_targets([crop], boxes, matched, 28), expected, atol=1e-4, rtol=0)
