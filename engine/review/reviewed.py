"""One image with what was found on it and the groups among that: what overlap reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.domain.annotation import Annotation, Instance
from engine.domain.pair_policy import Policies
from engine.domain.prediction import Detections, Prediction
from engine.review.candidates import as_candidates, keys_of, overlap, possible_pairs
from engine.review.group_quality import GroupQuality, measure_groups
from engine.review.overlaps import Group, OverlapRule, find_annotation_groups, find_groups


@dataclass(frozen=True, slots=True)
class ReviewedImage:
    """An image, what lies on it, and the groups.

    Attributes:
        name: as shown to a person.
        path: the image file.
        annotation: what a person says; the truth that predictions are compared with.
        candidates: the predictions, or the instances themselves.
        keys: what groups call each candidate.
        groups: among the candidates.
        of_model: candidates are predictions, not labels.
    """

    name: str
    path: Path
    annotation: Annotation
    candidates: tuple[Prediction, ...]
    keys: tuple[str | int, ...]
    groups: tuple[Group, ...]
    of_model: bool = True

    def candidate(self, key: str | int) -> Prediction:
        """The candidate that a group calls `key`."""
        return self.candidates[self.keys.index(key)]

    def truth_under(self, item: Prediction, min_iou: float = 0.5) -> Instance | None:
        """The annotated object that `item` covers best, from `min_iou` on."""
        objects = as_candidates(self.annotation)
        found = [
            (overlap(item, objects[k]).iou, self.annotation.instances[k])
            for _, k in possible_pairs([item], objects, min_iou=min_iou)
        ]
        best = max(found, key=lambda f: f[0], default=(0.0, None))
        return best[1] if best[0] >= min_iou else None


def reviewed_detections(
    name: str,
    path: Path,
    annotation: Annotation,
    detections: Detections,
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
    policies: Policies | None = None,
) -> ReviewedImage:
    """Groups among what a network found on one image."""
    predictions = detections.predictions
    groups = find_groups(predictions, categories, rule, policies=policies)
    return ReviewedImage(name, path, annotation, predictions, tuple(keys_of(predictions)), groups)


def reviewed_annotation(
    name: str,
    path: Path,
    annotation: Annotation,
    categories: Mapping[int, str],
    rule: OverlapRule | None = None,
    policies: Policies | None = None,
) -> ReviewedImage:
    """Groups among a person's own labels of one image."""
    groups = find_annotation_groups(annotation, categories, rule, policies=policies)
    keys = tuple(i.id for i in annotation.instances)
    return ReviewedImage(name, path, annotation, as_candidates(annotation), keys, groups, of_model=False)


def quality_of(images: Sequence[ReviewedImage]) -> GroupQuality:
    """How good the groups are on the images that say something; see :class:`GroupQuality`."""
    known = [i for i in images if i.of_model and (i.annotation.instances or i.annotation.negative)]
    detections = [
        Detections(i.annotation.image_id, i.annotation.height, i.annotation.width, i.candidates) for i in known
    ]
    return measure_groups([g for i in known for g in i.groups], [i.annotation for i in known], detections)
