from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import numpy as np
import pytest

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.review.evaluation import Evaluation, evaluate

HEIGHT, WIDTH = 90, 120
CATEGORIES = (Category(3, "nut", "#e69f00"), Category(7, "ring", "#56b4e9"), Category(9, "cork", "#009e73"))


def disc(cx: float, cy: float, radius: float, hole: float = 0.0) -> Mask:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    r = np.hypot(x - cx, y - cy)
    return Mask.from_array((r <= radius) & (r >= hole))


def random_case(seed: int, images: int = 12) -> tuple[list[Annotation], list[Detections]]:
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for image_id in range(5, 5 + images):
        instances, predictions = [], []
        for _ in range(rng.integers(0, 6)):
            cx, cy, radius = rng.uniform(10, 110), rng.uniform(10, 80), rng.uniform(4, 18)
            category = int(rng.choice([3, 7]))
            instances.append(Instance.from_mask(disc(cx, cy, radius, radius * 0.4), category))
            for _ in range(rng.integers(0, 3)):
                moved = disc(cx + rng.normal(0, 2), cy + rng.normal(0, 2), radius * rng.uniform(0.8, 1.2), radius * 0.4)
                guess = category if rng.random() < 0.8 else int(rng.choice([3, 7, 9]))
                predictions.append(predicted(moved, guess, float(rng.random()), image_id))
        truth.append(Annotation(image_id, HEIGHT, WIDTH, tuple(instances)))
        if rng.random() < 0.9:
            predictions.sort(key=lambda p: -p.score)
            found.append(Detections(image_id, HEIGHT, WIDTH, tuple(p for p in predictions if p.mask and p.mask.area)))
    return truth, found


def predicted(mask: Mask, category: int, score: float, image_id: int = 5) -> Prediction:
    x0, y0, x1, y1 = mask.box
    return Prediction(0, image_id, category, score, (float(x0), float(y0), float(x1), float(y1)), mask)


def pycocotools_figures(truth: list[Annotation], found: list[Detections], kind: str) -> tuple[float, float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def row(number: int, image_id: int, item: Instance | Prediction) -> dict[str, object]:
        x0, y0, x1, y1 = item.box_xyxy
        assert item.mask is not None
        return {
            "id": number, "image_id": image_id, "category_id": item.category_id, "iscrowd": 0,
            "bbox": [x0, y0, x1 - x0, y1 - y0], "area": item.mask.area, "segmentation": item.mask.to_coco(),
        }  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for rows in (
            [(a.image_id, i) for a in truth for i in a],
            [(d.image_id, p) for d in found for p in d.predictions],
        ):
            side = COCO()
            annotations = [row(n, image_id, item) for n, (image_id, item) in enumerate(rows, 1)]
            for annotation, (_, item) in zip(annotations, rows, strict=True):
                annotation["score"] = getattr(item, "score", 1.0)
            side.dataset = {
                "images": [{"id": a.image_id, "height": HEIGHT, "width": WIDTH} for a in truth],
                "categories": [{"id": c.id} for c in CATEGORIES],
                "annotations": annotations,
            }
            side.createIndex()
            sides.append(side)
        run = COCOeval(*sides, kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats[0], run.stats[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_equal_those_of_pycocotools(seed: int) -> None:
    truth, found = random_case(seed)
    result = evaluate(truth, found, CATEGORIES)
    assert (result.mask_ap, result.mask_ap50) == pytest.approx(pycocotools_figures(truth, found, "segm"), abs=1e-6)
    assert (result.box_ap, result.box_ap50) == pytest.approx(pycocotools_figures(truth, found, "bbox"), abs=1e-6)
    assert 0.05 < (result.mask_ap or 0) < 0.95  # a comparison of two ones or zeros would prove little


def test_perfect_detections_score_one_in_every_class_with_truth() -> None:
    truth, _ = random_case(1)
    found = [
        Detections(
            a.image_id, HEIGHT, WIDTH, tuple(predicted(i.mask, i.category_id, 0.9, a.image_id) for i in a if i.mask)
        )
        for a in truth
    ]
    result = evaluate(truth, found, CATEGORIES)
    assert result.mask_ap == pytest.approx(1)
    assert result.box_ap50 == pytest.approx(1)
    assert result.per_class["nut"]["mask_ap"] == pytest.approx(1)
    assert result.per_class["cork"] == dict.fromkeys(("mask_ap", "mask_ap50", "box_ap", "box_ap50"))


def test_categories_keep_their_own_figures_in_whatever_order_they_come() -> None:
    ring, nut = disc(30, 30, 15), disc(80, 50, 15)
    truth = [Annotation(5, HEIGHT, WIDTH, (Instance.from_mask(ring, 7), Instance.from_mask(nut, 3)))]
    found = [Detections(5, HEIGHT, WIDTH, (predicted(ring, 7, 0.9),))]
    result = evaluate(truth, found, CATEGORIES[::-1])
    assert result.per_class["ring"]["mask_ap"] == pytest.approx(1)
    assert result.per_class["nut"]["mask_ap"] == 0
    assert list(result.per_class) == ["cork", "ring", "nut"]


def test_a_filled_hole_costs_mask_ap_but_not_box_ap() -> None:
    truth = [Annotation(5, HEIGHT, WIDTH, (Instance.from_mask(disc(40, 40, 20, 16), 3),))]
    found = [Detections(5, HEIGHT, WIDTH, (predicted(disc(40, 40, 20), 3, 0.9),))]
    result = evaluate(truth, found, CATEGORIES)
    assert result.box_ap == pytest.approx(1)
    assert result.mask_ap50 == 0


def test_without_ground_truth_there_is_no_figure() -> None:
    found = [Detections(5, HEIGHT, WIDTH, (predicted(disc(30, 30, 9), 3, 0.9),))]
    result = evaluate([Annotation(5, HEIGHT, WIDTH)], found, CATEGORIES)
    assert (result.mask_ap, result.mask_ap50, result.box_ap, result.box_ap50) == (None, None, None, None)
    assert (result.images, result.instances) == (1, 0)
    assert evaluate([], [], []) == Evaluation(None, None, None, None)


def test_no_detection_at_all_scores_zero() -> None:
    truth, _ = random_case(2)
    result = evaluate(truth, [], CATEGORIES)
    assert result.mask_ap == 0
    assert result.box_ap50 == 0


def test_detections_on_other_images_and_of_unknown_categories_do_not_count() -> None:
    mask = disc(30, 30, 12)
    truth = [Annotation(5, HEIGHT, WIDTH, (Instance.from_mask(mask, 3),))]
    good = Detections(5, HEIGHT, WIDTH, (predicted(mask, 3, 0.5), predicted(disc(80, 40, 9), 99, 0.9)))
    elsewhere = Detections(6, HEIGHT, WIDTH, (predicted(disc(80, 40, 9), 3, 0.9, 6),))
    assert evaluate(truth, [good, elsewhere], CATEGORIES).mask_ap == pytest.approx(1)


def test_boxes_only_needs_no_masks() -> None:
    truth = [Annotation(5, HEIGHT, WIDTH, (Instance("a", 3, (10.0, 10.0, 40.0, 30.0)),))]
    found = [Detections(5, HEIGHT, WIDTH, (Prediction(0, 5, 3, 0.8, (10.0, 10.0, 40.0, 30.0)),))]
    result = evaluate(truth, found, CATEGORIES, boxes_only=True)
    assert result.box_ap == pytest.approx(1)
    assert result.mask_ap is None


def test_nothing_is_printed_and_neither_torch_nor_matplotlib_is_imported() -> None:
    script = (
        "import sys; from engine.review.evaluation import evaluate; from engine.domain.annotation import *\n"
        "from engine.domain.mask import Mask\n"
        "a = Annotation(1, 9, 9, (Instance.from_mask(Mask.from_box((1, 1, 5, 5), 9, 9), 1),))\n"
        "evaluate([a], [], [Category(1, 'x', '#000000')])\n"
        "print(*({'torch', 'matplotlib', 'plotly', 'pandas'} & set(sys.modules)), end='')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
