"""Objects that detection missed: the step that lost each, what speaks for it, and how often over many images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from engine.domain.annotation import BoxXYXY


class MissStage(StrEnum):
    """The first step after which nothing stood for the object any more, in the order of the pipeline.

    A box stands for it from ``MissRule.box_iou`` with its box on.
    """

    UNKNOWN_CLASS = "unknown_class"  # the network has no label for its class
    NO_ANCHOR = "no_anchor"  # no anchor stands for it, neither as it is nor after regression
    PROPOSAL_BOX = "proposal_box"  # an anchor stands for it, but after regression none does
    PROPOSAL_SCORE = "proposal_score"  # its boxes are not among the best of their level
    PROPOSAL_NMS = "proposal_nms"  # its proposals were suppressed by one that does not stand for it
    PROPOSAL_LIMIT = "proposal_limit"  # enough better proposals were there
    BACKGROUND = "background"  # its ROI that is an object most surely is background rather than any class
    OTHER_CLASS = "other_class"  # or another class rather than its own
    SCORE = "score"  # it was seen, with a score that is not looked at
    BOX = "box"  # its ROI is of its class, but regression moved the box off it
    NMS = "nms"  # its boxes were suppressed by another detection
    LIMIT = "limit"  # enough better detections were there
    MASK = "mask"  # its detection's mask overlaps it too little
    TAKEN = "taken"  # its only detection is the one that another object was found by


@dataclass(frozen=True, slots=True)
class MissRule:
    """When an object counts as missed, and from when on a box stands for it; all in [0, 1].

    Attributes:
        min_iou: a prediction of its class finds the object from this mask IoU on (box IoU without masks).
        min_score: worse predictions are not looked at.
        box_iou: an anchor, proposal or box stands for the object from this IoU with its box on.
    """

    min_iou: float = 0.5
    min_score: float = 0.5
    box_iou: float = 0.5


@dataclass(frozen=True, slots=True)
class BoxEvidence:
    """One box of a trace.

    Attributes:
        kind: what it is; says which list of the trace `index` counts in.
        index: its place there.
        box_xyxy: pixels of the image.
        score: in [0, 1].
        iou: with the box of the missed object.
        category_id: its class, None where it has none.
    """

    kind: Literal["anchor", "roi", "candidate", "prediction"]
    index: int
    box_xyxy: BoxXYXY
    score: float
    iou: float
    category_id: int | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """Why one object was missed.

    Attributes:
        instance_id, category_id, box_xyxy: of the object.
        stage: the step that lost it.
        last: the box that stood for it until then; where none ever did, the anchor that came nearest.
        rival: the box that was preferred to it, where the step chose.
        facts: the step's numbers by name: scores, IoUs, ranks and the limits they failed.
    """

    image_id: int
    instance_id: str
    category_id: int
    box_xyxy: BoxXYXY
    stage: MissStage
    last: BoxEvidence | None = None
    rival: BoxEvidence | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "stage": str(self.stage), "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class MissReport:
    """The misses of many images.

    Attributes:
        rule: when an object counts as missed.
        images: file name of each image that was looked at, by id.
        objects: annotated objects on them by category id.
        misses: in the order of the images.
    """

    rule: MissRule
    images: Mapping[int, str]
    objects: Mapping[int, int]
    misses: tuple[Miss, ...]

    def by_stage(self) -> dict[MissStage, int]:
        """Number of misses for each step that lost any, in the order of the pipeline."""
        counts = Counter(m.stage for m in self.misses)
        return {stage: counts[stage] for stage in MissStage if counts[stage]}

    def by_category(self) -> dict[int, dict[MissStage, int]]:
        """The same for each category with objects."""
        counts = Counter((m.category_id, m.stage) for m in self.misses)
        return {c: {s: counts[c, s] for s in MissStage if counts[c, s]} for c in self.objects}

    def to_json(self, categories: Mapping[int, str]) -> dict[str, Any]:
        """Plain values for ``--json``; `categories` are names by id."""
        by_category = self.by_category()
        return {
            **asdict(self.rule),
            "images": len(self.images),
            "objects": sum(self.objects.values()),
            "missed": len(self.misses),
            "by_stage": {str(s): n for s, n in self.by_stage().items()},
            "by_category": [
                {
                    "category": categories.get(c, "?"),
                    "objects": self.objects[c],
                    "missed": sum(stages.values()),
                    "by_stage": {str(s): n for s, n in stages.items()},
                }
                for c, stages in by_category.items()
            ],
            "misses": [
                {"file_name": self.images[m.image_id], "category": categories.get(m.category_id, "?"), **m.to_json()}
                for m in self.misses
            ],
        }
