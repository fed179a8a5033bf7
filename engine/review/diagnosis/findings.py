"""Findings of a diagnosis: what is wrong, how that is known, what to do next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from engine.review.diagnosis.evidence import Evidence
from engine.review.diagnosis.learning_curve import LearningCurve


class Verdict(StrEnum):
    """What a network lacks."""

    UNDERTRAINED = "undertrained"
    NEEDS_DATA = "needs_data"
    OVERFIT = "overfit"
    LABELS = "label_problems"
    IMBALANCE = "class_imbalance"
    ANCHORS = "anchors"
    UNDERFIT = "underfit"
    UNCLEAR = "unclear"
    FINE = "fine"


TITLES = {
    Verdict.UNDERTRAINED: "Not trained long enough",
    Verdict.NEEDS_DATA: "Needs more data",
    Verdict.OVERFIT: "Trained too long for its data",
    Verdict.LABELS: "Annotations contradict each other",
    Verdict.IMBALANCE: "Some classes are too rare",
    Verdict.ANCHORS: "The anchors do not fit the objects",
    Verdict.UNDERFIT: "Cannot learn what it is shown",
    Verdict.UNCLEAR: "Too little to tell",
    Verdict.FINE: "Fine",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that holds.

    Attributes:
        weight: how much of AP50 on validation (or of the objects) it may account for, in [0, 1]; the order.
        evidence: a sentence with the numbers it rests on.
        action: a sentence: what to do next.
    """

    verdict: Verdict
    weight: float
    evidence: str
    action: str

    @property
    def title(self) -> str:
        """The verdict in words."""
        return TITLES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {**asdict(self), "verdict": str(self.verdict), "title": self.title}


@dataclass(frozen=True)
class Diagnosis:
    """A verdict and all it rests on.

    Attributes:
        run, epoch: of the network.
        findings: the weightiest first, never empty; the first one is the verdict.
        caveats: sentences on what limits all of it.
        learning_curve: how AP50 grew with the training images, when that was tried.
    """

    run: str
    epoch: int
    findings: tuple[Finding, ...]
    evidence: Evidence
    caveats: tuple[str, ...] = ()
    learning_curve: LearningCurve | None = None

    @property
    def verdict(self) -> Verdict:
        """The weightiest."""
        return self.findings[0].verdict

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "run": self.run,
            "epoch": self.epoch,
            "verdict": str(self.verdict),
            "findings": [f.to_json() for f in self.findings],
            "caveats": list(self.caveats),
            "evidence": self.evidence.to_json(),
            "learning_curve": None if self.learning_curve is None else self.learning_curve.to_json(),
        }
