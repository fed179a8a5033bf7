"""Average precision of detections against annotations, in original pixels (COCO's protocol, by faster-coco-eval)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from faster_coco_eval.core import COCO, COCOeval_faster

from engine.domain.annotation import Annotation, BoxXYXY, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction

METRICS = ("mask_ap", "mask_ap50", "box_ap", "box_ap50")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good detections are; each AP in [0, 1], None where there is no ground truth (or there are no masks).

    Attributes:
        mask_ap, box_ap: mean over IoU 0.50:0.05:0.95 and classes with ground truth.
        mask_ap50, box_ap50: at IoU 0.50.
        per_class: category name -> the same four, for every category.
        images: images that were compared.
        instances: ground-truth instances on them.
    """

    mask_ap: float | None
    mask_ap50: float | None
    box_ap: float | None
    box_ap50: float | None
    per_class: dict[str, dict[str, float | None]] = field(default_factory=dict)
    images: int = 0
    instances: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return asdict(self)


def evaluate(
    truth: Iterable[Annotation],
    detections: Iterable[Detections],
    categories: Sequence[Category],
    *,
    boxes_only: bool = False,
) -> Evaluation:
    """Compare `detections` with `truth`, by mask (unless `boxes_only`) and by box.

    Both are consumed one image at a time and kept run-length encoded, so memory grows with the objects' outlines and
    not with the images.  An image without detections counts as missed; detections on images that are not in `truth`,
    and of categories that are not in `categories`, are left out.  At most 100 detections an image count, as in COCO.
    """
    images, instances = _truth_table(truth, {c.id for c in categories}, masks=not boxes_only)
    results = _result_table(detections, images, {c.id for c in categories}, masks=not boxes_only)
    sides = {"images": images, "categories": [{"id": c.id, "name": c.name} for c in categories]}
    curves = {"box": _precision("bbox", sides, instances, results)}
    if not boxes_only:
        curves["mask"] = _precision("segm", sides, instances, results)
    order = sorted(c.id for c in categories)
    per_class = {c.name: _figures(curves, slice(k, k + 1)) for k, c in ((order.index(c.id), c) for c in categories)}
    return Evaluation(
        **_figures(curves, slice(None)), per_class=per_class, images=len(images), instances=len(instances)
    )


def _truth_table(
    truth: Iterable[Annotation], known: set[int], *, masks: bool
) -> tuple[list[dict[str, int]], list[dict[str, Any]]]:
    images: list[dict[str, int]] = []
    rows: list[dict[str, Any]] = []
    for annotation in truth:
        images.append({"id": annotation.image_id, "height": annotation.height, "width": annotation.width})
        size = annotation.height, annotation.width
        for instance in annotation:
            if instance.category_id in known:
                rows.append(_row(len(rows) + 1, annotation.image_id, instance, size, masks=masks))
    return images, rows


def _result_table(
    detections: Iterable[Detections], images: Sequence[dict[str, int]], known: set[int], *, masks: bool
) -> list[dict[str, Any]]:
    wanted = {image["id"] for image in images}
    rows: list[dict[str, Any]] = []
    for found in detections:
        if found.image_id not in wanted:
            continue
        for prediction in found.predictions:
            if prediction.category_id in known:
                row = _row(len(rows) + 1, found.image_id, prediction, (found.height, found.width), masks=masks)
                rows.append({**row, "score": prediction.score})
    return rows


def _row(
    number: int, image_id: int, item: Instance | Prediction, size: tuple[int, int], *, masks: bool
) -> dict[str, Any]:
    # Ids start at 1: COCO's matching takes 0 for "unmatched".
    x0, y0, x1, y1 = item.box_xyxy
    row = {
        "id": number,
        "image_id": image_id,
        "category_id": item.category_id,
        "iscrowd": 0,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0),
    }
    if masks:
        mask = item.mask if item.mask is not None else _box_mask(item.box_xyxy, size)
        row |= {"segmentation": mask.to_coco(), "area": mask.area}
    return row


def _box_mask(box: BoxXYXY, size: tuple[int, int]) -> Mask:
    return Mask.from_box(box, *size)


def _precision(
    kind: Literal["bbox", "segm"],
    sides: dict[str, Any],
    instances: list[dict[str, Any]],
    results: list[dict[str, Any]],
) -> npt.NDArray[np.float64] | None:
    """Precision [10 IoU thresholds, 101 recalls, classes] at 100 detections an image, -1 where there is no truth."""
    if not instances:
        return None
    truth, found = COCO({**sides, "annotations": instances}), COCO({**sides, "annotations": results})
    run = COCOeval_faster(truth, found, kind, extra_calc=False)
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"], dtype=np.float64)[:, :, :, 0, -1]


def _figures(curves: dict[str, npt.NDArray[np.float64] | None], classes: slice) -> dict[str, float | None]:
    figures: dict[str, float | None] = dict.fromkeys(METRICS)
    for kind, curve in curves.items():
        if curve is not None:
            figures[f"{kind}_ap"] = _mean(curve[:, :, classes])
            figures[f"{kind}_ap50"] = _mean(curve[:1, :, classes])
    return figures


def _mean(precision: npt.NDArray[np.float64]) -> float | None:
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else None
