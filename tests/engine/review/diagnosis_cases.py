"""Made-up data sets and networks with known faults, for the tests of what a diagnosis says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.project.run_history import EpochPoint
from engine.review.diagnosis.evidence import Evidence, Measured, RunFacts, evidence_of
from engine.review.quality.measure import Quality, measure

SIZE = (96, 128)
CELL = 32  # objects lie on a grid: none overlaps another


@dataclass(frozen=True)
class Skill:
    """How a made-up network does.

    Attributes:
        finds: chance that it finds an object.
        knows: chance that it names the class of a found object as `seen`.
        invents: false predictions on nothing, for each image on average.
    """

    finds: float
    knows: float = 1.0
    invents: float = 0.1


class World:
    """A data set drawn from a seed: its number of classes, and objects of random classes, places and sizes."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        count = int(self._rng.integers(2, 6))
        self.categories = tuple(Category(k, f"class {k}", "#e69f00") for k in range(1, count + 1))

    def images(self, count: int, first_id: int = 1) -> list[Annotation]:
        """Annotated images of one to eight objects."""
        return [self._image(first_id + k) for k in range(count)]

    def shuffled(self, truth: Sequence[Annotation]) -> list[Annotation]:
        """The same objects, their classes dealt out anew."""
        classes = self._rng.permutation([i.category_id for a in truth for i in a])
        dealt = iter(int(c) for c in classes)
        return [replace(a, instances=tuple(replace(i, category_id=next(dealt)) for i in a)) for a in truth]

    def detect(self, seen: Sequence[Annotation], skill: Skill) -> list[Detections]:
        """What a network of that skill says of images that show `seen`."""
        return [self._detect(image, skill) for image in seen]

    def measured(self, truth: Sequence[Annotation], skill: Skill, seen: Sequence[Annotation] | None = None) -> Quality:
        """How it does against `truth`, whatever it sees."""
        return measure(truth, self.detect(seen or truth, skill), self.categories)

    def curve(self, levels: Sequence[float], losses: Sequence[float], noise: float = 0.01) -> tuple[EpochPoint, ...]:
        """AP50 and loss by epoch, with noise."""
        wobble = self._rng.normal(0, noise, (2, len(levels)))
        values = np.clip(np.array([levels, losses]) + wobble, 0, None)
        return tuple(
            EpochPoint(epoch, float(loss), float(min(1, ap50) * 0.6), float(min(1, ap50)), {})
            for epoch, (ap50, loss) in enumerate(values.T, start=1)
        )

    def evidence(
        self, train: Quality, val: Quality, curve: tuple[EpochPoint, ...], *, last: Quality | None = None
    ) -> Evidence:
        """Everything as the rules see it."""
        return evidence_of(Measured(train, val, last), self.categories, RunFacts(curve, len(curve)))

    def _image(self, image_id: int) -> Annotation:
        cells = [(x, y) for y in range(0, SIZE[0], CELL) for x in range(0, SIZE[1], CELL)]
        chosen = self._rng.permutation(len(cells))[: self._rng.integers(1, 9)]
        objects = []
        for k in chosen:
            x, y = cells[k]
            width, height = (int(v) for v in self._rng.integers(12, CELL, 2))
            mask = Mask.from_box((x, y, x + width, y + height), *SIZE)
            category = int(self._rng.integers(1, len(self.categories) + 1))
            objects.append(Instance.from_mask(mask, category, id=f"{image_id}-{k}"))
        return Annotation(image_id, *SIZE, tuple(objects))

    def _detect(self, image: Annotation, skill: Skill) -> Detections:
        found = [self._found(image, i, skill) for i in image if self._rng.random() < skill.finds]
        for _ in range(self._rng.poisson(skill.invents)):
            mask = Mask.from_box((0, 0, 5, 5), *SIZE)
            found.append(self._prediction(image, mask, self._any_class(), self._rng.uniform(0.05, 0.5)))
        ranked = sorted(found, key=lambda p: -p.score)
        return Detections(image.image_id, *SIZE, tuple(replace(p, id=k + 1) for k, p in enumerate(ranked)))

    def _found(self, image: Annotation, instance: Instance, skill: Skill) -> Prediction:
        assert instance.mask is not None
        category = instance.category_id if self._rng.random() < skill.knows else self._any_class()
        return self._prediction(image, instance.mask, category, self._rng.uniform(0.5, 1.0))

    def _any_class(self) -> int:
        return int(self._rng.integers(1, len(self.categories) + 1))

    def _prediction(self, image: Annotation, mask: Mask, category: int, score: float) -> Prediction:
        x0, y0, x1, y1 = (float(v) for v in mask.box)
        return Prediction(0, image.image_id, category, float(score), (x0, y0, x1, y1), mask)


def saturating(level: float, epochs: int, time: float) -> list[float]:
    """A curve that nears `level` with that time constant, in epochs."""
    return [level * (1 - float(np.exp(-e / time))) for e in range(1, epochs + 1)]


def two_images(seed: int) -> Evidence:
    """Two images learned by heart, others hardly found."""
    world = World(seed)
    train, val = world.images(2), world.images(16, first_id=100)
    curve = world.curve(saturating(0.4, 26, 4), [2 - v for v in saturating(1.8, 26, 5)])
    return world.evidence(world.measured(train, Skill(1.0, invents=0)), world.measured(val, Skill(0.5, 0.8)), curve)


def one_epoch(seed: int) -> Evidence:
    """Plenty of images, gone over once."""
    world = World(seed)
    train, val = world.images(40), world.images(12, first_id=100)
    skill = Skill(0.4, 0.6, invents=2)
    return world.evidence(world.measured(train, skill), world.measured(val, skill), world.curve([0.2], [1.6]))


def shuffled_labels(seed: int) -> Evidence:
    """A network that sees what is there, and annotations whose classes were dealt out by chance."""
    world = World(seed)
    train, val = world.images(40), world.images(12, first_id=100)
    skill = Skill(0.97)
    curve = world.curve(saturating(0.4, 26, 3), [1.5 - v for v in saturating(0.5, 26, 3)], noise=0.02)
    of_train = world.measured(world.shuffled(train), skill, seen=train)
    return world.evidence(of_train, world.measured(world.shuffled(val), skill, seen=val), curve)


def good_run(seed: int) -> Evidence:
    """Enough images, trained until nothing changed."""
    world = World(seed)
    train, val = world.images(40), world.images(16, first_id=100)
    curve = world.curve(saturating(0.96, 26, 4), [2 - v for v in saturating(1.7, 26, 4)])
    return world.evidence(world.measured(train, Skill(0.99)), world.measured(val, Skill(0.98)), curve)


def fell_again(seed: int) -> Evidence:
    """Trained on while validation fell after its best epoch."""
    world = World(seed)
    train, val = world.images(30), world.images(24, first_id=100)
    levels = [*saturating(0.75, 12, 3), *np.linspace(0.72, 0.35, 14)]
    curve = world.curve(levels, [2 - v for v in saturating(1.8, 26, 8)])
    best, last = world.measured(val, Skill(0.8, 0.95)), world.measured(val, Skill(0.4, 0.9))
    return world.evidence(world.measured(train, Skill(1.0)), best, curve, last=last)
