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
# COCO's areas in pixels, both ends included (https://cocodataset.org/#detection-eval): small up to 32 x 32, medium up
# to 96 x 96, large from there.
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}

Precision = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Curves:
    """COCO's precision, from which every average precision is a mean.

    Attributes:
        precision: "mask" and "box" to [10 IoU thresholds, 101 recalls, classes, 1 + 3 sizes] with all sizes first, in
            [0, 1], -1 where there is no truth; None without any truth, and no "mask" for boxes only.
        category_ids: what the classes' axis holds, ascending.
        areas: of the ground-truth instances, in pixels.
        images: images that were compared.
    """

    precision: dict[str, Precision | None]
    category_ids: tuple[int, ...]
    areas: tuple[float, ...]
    images: int

    def figures(self, *, category_id: int | None = None, size: str | None = None) -> dict[str, float | None]:
        """The :data:`METRICS`, of one class or all, of one of the :data:`SIZES` or all."""
        where = slice(None) if category_id is None else self.category_ids.index(category_id)
        area = 0 if size is None else 1 + list(SIZES).index(size)
        figures: dict[str, float | None] = dict.fromkeys(METRICS)
        for kind, curve in self.precision.items():
            if curve is not None:
                figures[f"{kind}_ap"] = _mean(curve[:, :, where, area])
                figures[f"{kind}_ap50"] = _mean(curve[0, :, where, area])
        return figures

    def evaluation(self, categories: Sequence[Category]) -> Evaluation:
        """All of it in figures, classes in the order of `categories`."""
        per_class = {c.name: self.figures(category_id=c.id) for c in categories}
        return Evaluation(**self.figures(), per_class=per_class, images=self.images, instances=len(self.areas))


def evaluate(
    truth: Iterable[Annotation],
    detections: Iterable[Detections],
    categories: Sequence[Category],
    *,
    boxes_only: bool = False,
) -> Evaluation:
    """Compare `detections` with `truth`, by mask (unless `boxes_only`) and by box; see :func:`precision_curves`."""
    return precision_curves(truth, detections, categories, boxes_only=boxes_only).evaluation(categories)


def precision_curves(
    truth: Iterable[Annotation],
    detections: Iterable[Detections],
    categories: Sequence[Category],
    *,
    boxes_only: bool = False,
) -> Curves:
    """Precision over recall of `detections` against `truth`, by mask (unless `boxes_only`) and by box.

    Both are consumed one image at a time and kept run-length encoded, so memory grows with the objects' outlines and
    not with the images.  An image without detections counts as missed; detections on images that are not in `truth`,
    and of categories that are not in `categories`, are left out.  At most 100 detections of a class and image count,
    as in COCO.
    """
    images, instances = _truth_table(truth, {c.id for c in categories}, masks=not boxes_only)
    results = _result_table(detections, images, {c.id for c in categories}, masks=not boxes_only)
    sides = {"images": images, "categories": [{"id": c.id, "name": c.name} for c in categories]}
    precision = {"box": _precision("bbox", sides, instances, results)}
    if not boxes_only:
        precision["mask"] = _precision("segm", sides, instances, results)
    order = tuple(sorted(c.id for c in categories))
    return Curves(precision, order, tuple(i["area"] for i in instances), len(images))


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
) -> Precision | None:
    """Precision at 100 detections a class and image, shaped as in :class:`Curves`."""
    if not instances:
        return None
    if kind == "bbox":  # a detected box's size is the box's; an object's is its mask's (pycocotools, loadRes)
        results = [{**r, "area": r["bbox"][2] * r["bbox"][3]} for r in results]
    truth, found = COCO({**sides, "annotations": instances}), COCO({**sides, "annotations": results})
    run = COCOeval_faster(truth, found, kind, extra_calc=False)
    run.params.areaRng = [[0.0, 1e10], *([*area] for area in SIZES.values())]
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"], dtype=np.float64)[:, :, :, :, -1]


def _mean(precision: Precision) -> float | None:
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else None
