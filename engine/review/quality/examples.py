"""The worst of what went wrong, as pictures: the photograph, what a person drew, what the network found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import boxes_touch
from engine.domain.outcome import InstanceOutcome, PredictionOutcome
from engine.domain.prediction import Detections, Prediction
from engine.review.candidates import keys_of
from engine.review.pictures import RGB, Drawn, crop_box, cropped
from engine.review.quality.holes import HoleOutcome
from engine.review.quality.measure import Quality
from engine.review.quality.wording import FALSE_TITLES, LOW_SCORE, MISS_TITLES, about_hole, why_false, why_missed


@dataclass(frozen=True)
class Photo:
    """An image file and what a person calls it."""

    name: str
    path: Path


@dataclass(frozen=True)
class Example:
    """One mistake.

    Attributes:
        tag: its kind, in a word or two.
        where: the image's name.
        sentence: what is wrong.
        pictures: crops of one window, with their captions.
    """

    tag: str
    where: str
    sentence: str
    pictures: tuple[tuple[RGB, str], ...]


class Examples:
    """Finds the worst mistakes of a measurement and draws them.

    Attributes:
        quality: what was measured.
    """

    def __init__(
        self,
        quality: Quality,
        *,
        truth: Sequence[Annotation],
        detections: Sequence[Detections],
        categories: Sequence[Category],
        photos: Mapping[int, Photo],
        read: Callable[[Path], RGB],
    ) -> None:
        """Take what `quality` was measured on.

        Args:
            photos: by image id, of every image in `truth`.
            read: gives a file's pixels.
        """
        self.quality = quality
        self._annotations = {a.image_id: a for a in truth}
        self._predictions = {
            d.image_id: dict(zip(keys_of(d.predictions), d.predictions, strict=True)) for d in detections
        }
        self._colors = {c.id: c.color for c in categories}
        self._names = {c.id: c.name for c in categories}
        self._photos, self._read = photos, read
        self._last: tuple[int, RGB] | None = None
        self._of = "box" if quality.boxes_only else "mask"

    def worst_false(self, count: int) -> Iterator[Example]:
        """False positives, the most confident first."""
        rows = [p for o in self.quality.outcomes for p in o.predictions]
        wrong = [r for r in rows if r.reason is not None and r.score >= self.quality.counts.min_score]
        for row in sorted(wrong, key=lambda r: (-r.score, r.image_id, r.prediction_id))[:count]:
            yield self._false(row)

    def worst_missed(self, count: int) -> Iterator[Example]:
        """Misses: those that nothing came near first, and among equals the largest."""
        rows = [i for o in self.quality.outcomes for i in o.instances]
        missed = [r for r in rows if not r.found_at(self.quality.counts.min_score)]
        for row in sorted(missed, key=self._badness)[:count]:
            yield self._missed(row)

    def worst_holes(self, count: int) -> Iterator[Example]:
        """Holes that are filled, false or inexact, the largest first."""
        holes = self.quality.holes.holes if self.quality.holes is not None else ()
        wrong = sorted((h for h in holes if h.kind != "kept"), key=lambda h: -h.area)
        for hole in wrong[:count]:
            yield self._hole(hole)

    def _badness(self, row: InstanceOutcome) -> tuple[bool, float, float]:
        return row.reason is None, row.iou, -self._instance(row.image_id, row.instance_id).area

    def _false(self, row: PredictionOutcome) -> Example:
        owner = self._instance(row.image_id, row.instance_id) if row.instance_id is not None else None
        sentence = why_false(row, owner.category_id if owner else None, self._names, of=self._of)
        tag = FALSE_TITLES[row.reason] if row.reason is not None else ""
        return self._example(tag, sentence, row.image_id, owner, self._prediction(row.image_id, row.prediction_id))

    def _missed(self, row: InstanceOutcome) -> Example:
        instance = self._instance(row.image_id, row.instance_id)
        near = self._prediction(row.image_id, row.prediction_id)
        guess = near.category_id if near is not None else None
        least = self.quality.counts.min_score
        sentence = why_missed(row, guess, self._names, of=self._of, min_score=least)
        return self._example(MISS_TITLES[row.reason or LOW_SCORE], sentence, row.image_id, instance, near)

    def _hole(self, hole: HoleOutcome) -> Example:
        instance = self._instance(hole.image_id, hole.instance_id)
        found = self._prediction(hole.image_id, hole.prediction_id)
        return self._example(f"{hole.kind} hole", about_hole(hole), hole.image_id, instance, found)

    def _example(
        self, tag: str, sentence: str, image_id: int, instance: Instance | None, prediction: Prediction | None
    ) -> Example:
        annotation = self._annotations[image_id]
        boxes = [item.box_xyxy for item in (instance, prediction) if item is not None]
        window = crop_box(boxes, annotation.height, annotation.width)
        pixels = self._pixels(image_id)
        # The object in question alone; on background, whatever else there is.
        shown = [instance] if instance is not None else [i for i in annotation if boxes_touch(i.box_xyxy, window)]
        said = [d for d in map(self._drawn, shown) if d is not None]
        pictures = [(cropped(pixels, [], window), "photograph"), (cropped(pixels, said, window), _caption(said))]
        if prediction is not None:
            label = f"network: {self._names[prediction.category_id]} {prediction.score:.2f}"
            found = self._drawn(prediction)
            pictures.append((cropped(pixels, [found] if found else [], window), label))
        return Example(tag, self._photos[image_id].name, sentence, tuple(pictures))

    def _drawn(self, item: Instance | Prediction) -> Drawn | None:
        if item.category_id not in self._names:
            return None
        return Drawn(item.box_xyxy, item.mask, self._colors[item.category_id], self._names[item.category_id])

    def _pixels(self, image_id: int) -> RGB:
        # Mistakes of one image often follow each other; more than one photograph is never kept.
        if self._last is None or self._last[0] != image_id:
            self._last = (image_id, self._read(self._photos[image_id].path))
        return self._last[1]

    def _instance(self, image_id: int, instance_id: str) -> Instance:
        return self._annotations[image_id].get(instance_id)

    def _prediction(self, image_id: int, key: int | None) -> Prediction | None:
        return None if key is None else self._predictions[image_id][key]


def _caption(said: Sequence[Drawn]) -> str:
    """What a person drew there, each class once."""
    names = list(dict.fromkeys(d.label for d in said))
    return f"person: {', '.join(names)}" if names else "person: nothing here"
