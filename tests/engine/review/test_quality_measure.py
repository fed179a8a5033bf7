from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from quality_cases import (
    CATEGORIES,
    CORK,
    NUT,
    SIZE,
    WASHER,
    annotated,
    box,
    detected,
    instance,
    predicted,
    random_images,
)

from engine.domain.annotation import Annotation, Instance
from engine.domain.prediction import Detections, Prediction
from engine.review.quality.measure import Quality, counts_of, measure
from engine.review.quality.outcomes import rows_of


def pycocotools_stats(truth: Sequence[Annotation], found: Sequence[Detections], kind: str) -> list[float]:
    """COCO's twelve figures: 0 AP, 1 AP50, 3 to 5 AP of small, medium and large objects."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def row(image_id: int, item: Instance | Prediction) -> dict[str, object]:
        x0, y0, x1, y1 = item.box_xyxy
        assert item.mask is not None
        of_box = kind == "bbox" and isinstance(item, Prediction)
        return {
            "image_id": image_id, "category_id": item.category_id, "iscrowd": 0, "segmentation": item.mask.to_coco(),
            "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0) if of_box else item.mask.area,
            "score": getattr(item, "score", 1.0),
        }  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for rows in (
            [row(a.image_id, i) for a in truth for i in a],
            [row(d.image_id, p) for d in found for p in d.predictions],
        ):
            side = COCO()
            side.dataset = {
                "images": [{"id": a.image_id, "height": SIZE[0], "width": SIZE[1]} for a in truth],
                "categories": [{"id": c.id} for c in CATEGORIES],
                "annotations": [{**r, "id": n} for n, r in enumerate(rows, 1)],
            }
            side.createIndex()
            sides.append(side)
        run = COCOeval(*sides, kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return list(run.stats)


def interpolated_ap50(quality: Quality, category_id: int) -> float:
    """COCO's 101-point average precision, from the curve of single outcomes."""
    (curve,) = [c.curve for c in quality.classes if c.category.id == category_id]
    best_from = np.maximum.accumulate(curve.precision[::-1])[::-1]
    places = np.searchsorted(curve.recall, np.linspace(0, 1, 101), side="left")
    return float(np.mean([best_from[k] if k < len(best_from) else 0.0 for k in places]))


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_equals_that_of_pycocotools_for_every_size(seed: int) -> None:
    truth, found = random_images(seed)
    quality = measure(truth, found, CATEGORIES)
    for kind, of in (("segm", "mask"), ("bbox", "box")):
        stats = pycocotools_stats(truth, found, kind)
        assert getattr(quality.evaluation, f"{of}_ap") == pytest.approx(stats[0], abs=1e-6)
        assert getattr(quality.evaluation, f"{of}_ap50") == pytest.approx(stats[1], abs=1e-6)
        for size, stat in zip(("small", "medium", "large"), stats[3:6], strict=True):
            expected = pytest.approx(stat, abs=1e-6) if quality.by_size[size].n else None
            assert quality.by_size[size].figures[f"{of}_ap"] == expected
            assert (stat > -1) == (expected is not None)
    assert len({s.figures["mask_ap"] for s in quality.by_size.values()}) == 3


@pytest.mark.parametrize("seed", range(4))
def test_the_single_outcomes_give_the_average_precision_of_coco(seed: int) -> None:
    quality = measure(*random_images(seed), CATEGORIES)
    for name, category_id in (("nut", NUT), ("washer", WASHER)):
        figure = quality.evaluation.per_class[name]["mask_ap50"]
        assert interpolated_ap50(quality, category_id) == pytest.approx(figure, abs=1e-9)
        assert 0.05 < (figure or 0) < 0.98


@pytest.mark.parametrize("seed", range(3))
def test_no_other_score_gives_a_better_f1_than_the_best_one(seed: int) -> None:
    quality = measure(*random_images(seed), CATEGORIES)
    rows = [p for p in rows_of(quality.outcomes) if p.category_id == NUT]
    instances = [i for o in quality.outcomes for i in o.instances if i.category_id == NUT]

    def f1(score: float) -> float:
        counts = counts_of(rows, instances, min_score=score)
        return 2 * counts.tp / (2 * counts.tp + counts.fp + counts.fn)

    best = quality.classes[0].curve.best
    assert best is not None
    assert f1(best[0]) == pytest.approx(best[1])
    assert max(f1(r.score) for r in rows) == pytest.approx(best[1])


def test_every_mistake_is_counted_with_its_reason() -> None:
    truth = [annotated(instance("found", box(5, 5)), instance("weak", box(40, 5)), instance("mistaken", box(75, 5)))]
    found = [
        detected(
            predicted(1, box(5, 5), score=0.9),
            predicted(2, box(6, 5), score=0.8),
            predicted(3, box(40, 5), score=0.3),
            predicted(4, box(75, 5), WASHER, score=0.7),
            predicted(5, box(110, 80), score=0.6),
            predicted(6, box(110, 5), score=0.1),
        )
    ]
    counts = measure(truth, found, CATEGORIES, min_score=0.5).counts
    assert (counts.tp, counts.fp, counts.fn) == (1, 3, 2)
    assert counts.reasons == {"duplicate": 1, "wrong_class": 1, "poor_mask": 0, "background": 1}
    assert counts.misses == {"wrong_class": 1, "poor_mask": 0, "taken": 0, "nothing": 0, "low_score": 1}


def test_what_programs_are_told_keeps_the_old_keys_and_is_plain_json() -> None:
    truth, found = random_images(1)
    told = json.loads(json.dumps(measure(truth, found, CATEGORIES).to_json()))
    old = {"mask_ap", "mask_ap50", "box_ap", "box_ap50", "images", "instances"}
    new = {"by_size", "per_class", "calibration", "confusion", "holes", "counts"}
    assert told.keys() == old | new
    nut = told["per_class"]["nut"]
    assert (nut["ap"], nut["ap50"]) == (nut["mask_ap"], nut["mask_ap50"])
    assert nut["n"] == sum(i.category_id == NUT for a in truth for i in a)
    assert nut["tp"] + nut["fn"] == nut["n"]
    assert sum(told["per_class"][c.name]["fp"] for c in CATEGORIES) == told["counts"]["fp"]
    assert sum(row["n"] for row in told["by_size"].values()) == told["instances"]


def test_a_class_without_objects_has_no_figures_but_its_predictions_count_as_wrong() -> None:
    truth, found = [annotated(instance("a", box(5, 5)))], [detected(predicted(1, box(50, 50), CORK))]
    cork = measure(truth, found, CATEGORIES).to_json()["per_class"]["cork"]
    assert (cork["ap"], cork["ap50"], cork["best_threshold"], cork["n"]) == (None, None, None, 0)
    assert (cork["tp"], cork["fp"], cork["fn"]) == (0, 1, 0)


def test_without_predictions_everything_is_missed() -> None:
    told = measure([annotated(instance("a", box(5, 5)))], [], CATEGORIES).to_json()
    assert (told["mask_ap"], told["calibration"]["ece"]) == (0.0, None)
    assert (told["counts"]["tp"], told["counts"]["fp"], told["counts"]["fn"]) == (0, 0, 1)
    assert told["confusion"]["matrix"][0] == [0, 0, 0, 1]


def test_without_truth_every_prediction_is_wrong_and_there_is_no_average_precision() -> None:
    told = measure([annotated()], [detected(predicted(1, box(5, 5)))], CATEGORIES).to_json()
    assert (told["mask_ap"], told["by_size"]["small"]) == (
        None,
        {"mask_ap": None, "mask_ap50": None, "box_ap": None, "box_ap50": None, "ap": None, "ap50": None, "n": 0},
    )
    assert told["counts"]["reasons"]["background"] == 1
    assert told["calibration"]["ece"] == pytest.approx(0.9)
    assert measure([], [], []).to_json()["confusion"]["matrix"] == [[0]]


def test_boxes_alone_are_measured_by_box() -> None:
    truth = [Annotation(1, *SIZE, (Instance("a", NUT, (10.0, 10.0, 40.0, 30.0)),))]
    found = [Detections(1, *SIZE, (Prediction(3, 1, NUT, 0.8, (12.0, 10.0, 40.0, 30.0)),))]
    told = measure(truth, found, CATEGORIES, boxes_only=True).to_json()
    assert told["holes"] is None
    assert told["mask_ap"] is None
    assert told["per_class"]["nut"]["ap"] == told["box_ap"] == pytest.approx(0.9)
    assert told["counts"]["tp"] == 1


def test_the_same_input_in_another_order_gives_the_same_outcomes() -> None:
    truth, found = random_images(2)
    assert measure(truth[::-1], found[::-1], CATEGORIES).outcomes == measure(truth, found, CATEGORIES).outcomes


def test_measuring_needs_no_torch() -> None:
    script = (
        "import sys\nfrom engine.domain.annotation import Annotation, Category\n"
        "from engine.review.quality.measure import measure\nimport engine.review.quality.page\n"
        "measure([Annotation(1, 9, 9)], [], [Category(1, 'x', '#000000')])\n"
        "print(*({'torch', 'matplotlib', 'PySide6'} & set(sys.modules)), end='')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
