"""A self-contained HTML page: figures, groups with crops to judge by eye, and images with what was found on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from engine.domain.annotation import Category
from engine.domain.prediction import Prediction
from engine.project.images import read_image
from engine.review.evaluation import METRICS, Evaluation
from engine.review.group_quality import GroupQuality
from engine.review.markup import PAGE_END, facts_table, number, page_start, picture, write_page
from engine.review.overlaps import Group
from engine.review.pictures import RGB, Drawn, crop_box, cropped, overlay
from engine.review.reviewed import ReviewedImage

SHOWN_SCORE = 0.5
MAX_GROUPS, MAX_IMAGES = 300, 40


@dataclass(frozen=True)
class Report:
    """What a page shows.

    Attributes:
        title: the page's heading.
        facts: name to value, shown as a table on top.
        images: with their groups.
        categories: for names and colours.
        quality: figures of the groups, when there is a truth to measure against.
        evaluation: average precision, when it was measured.
    """

    title: str
    facts: Mapping[str, str]
    images: Sequence[ReviewedImage]
    categories: Sequence[Category]
    quality: GroupQuality | None = None
    evaluation: Evaluation | None = None


def write_report(report: Report, out: Path) -> None:
    """Write the page; it needs no other file.

    Raises:
        UserError: when `out` cannot be written.
        ImageReadError: when an image that must be shown is missing.
    """
    write_page("".join(_page(report)), out)


def image_overlay(image: ReviewedImage, photo: RGB, categories: Sequence[Category]) -> RGB:
    """`photo` with the candidates a person would see at first: score 0.5 and above, lowest first."""
    shown = [c for c in image.candidates if c.score >= SHOWN_SCORE]
    look = _Look(categories)
    return overlay(photo, [look.drawn(c, with_score=image.of_model) for c in sorted(shown, key=lambda c: c.score)])


class _Look:
    """Names and colours of categories."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self._known = {c.id: c for c in categories}

    def name(self, category_id: int) -> str:
        known = self._known.get(category_id)
        return known.name if known else f"class {category_id}"

    def drawn(self, item: Prediction, *, with_score: bool = True, label: bool = True) -> Drawn:
        known = self._known.get(item.category_id)
        text = f"{self.name(item.category_id)} {item.score:.2f}" if with_score else self.name(item.category_id)
        return Drawn(item.box_xyxy, item.mask, known.color if known else "#999999", text if label else "")


def _page(report: Report) -> Iterator[str]:
    look = _Look(report.categories)
    yield page_start(report.title)
    yield facts_table([(escape(name), escape(value)) for name, value in report.facts.items()])
    if report.evaluation is not None:
        yield from _evaluation(report.evaluation)
    yield from _groups(report, look)
    yield from _gallery(report)
    yield PAGE_END


def _evaluation(evaluation: Evaluation) -> Iterator[str]:
    yield f"<h2>Average precision on {evaluation.images} images, {evaluation.instances} objects</h2>"
    heads = "".join(f"<th>{m.replace('_', ' ').replace('ap', 'AP')}" for m in METRICS)
    yield f"<table><tr><th>Class{heads}"
    rows = {"all": {m: getattr(evaluation, m) for m in METRICS}, **evaluation.per_class}
    for name, figures in rows.items():
        yield f"<tr><td>{escape(name)}" + "".join(f"<td class=n>{number(figures[m])}" for m in METRICS)
    yield "</table>"


def _groups(report: Report, look: _Look) -> Iterator[str]:
    flagged = [(image, group) for image in report.images for group in image.groups]
    same = sum(group.kind == "same-object" for _, group in flagged)
    yield f"<h2>Groups: {same} on the same object, {len(flagged) - same} of parts</h2>"
    if report.quality is not None:
        yield from _quality(report.quality)
    if not flagged:
        yield "<p class=dim>No object carries two classes.</p>"
    last: tuple[str, RGB] | None = None
    for image, group in flagged[:MAX_GROUPS]:
        if last is None or last[0] != image.name:
            last = (image.name, read_image(image.path))
        yield from _group(image, group, last[1], look)
    if len(flagged) > MAX_GROUPS:
        yield f"<p class=dim>{len(flagged) - MAX_GROUPS} more groups are not shown.</p>"


def _quality(quality: GroupQuality) -> Iterator[str]:
    q = quality
    yield "<p>Against the annotations: "
    yield f"{q.one_object} of {q.groups} same-object groups lie on one object (precision {number(q.precision)}); "
    yield f"the suggested keeper is right in {q.keeper_right}, one of the others in {q.other_right}. "
    yield f"Of {q.second_ranked} objects whose true class ranks second, {q.second_found} are flagged "
    yield f"(recall {number(q.recall)}); where both classes come from one ROI, {q.second_found_one_roi} of "
    yield f"{q.second_ranked_one_roi}.</p>"


def _group(image: ReviewedImage, group: Group, photo: RGB, look: _Look) -> Iterator[str]:
    members = [image.candidate(m.key) for m in (group.keeper, *group.others)]
    window = crop_box([m.box_xyxy for m in members], *photo.shape[:2])
    yield f"<div class=group><div class=words><span class=tag>{group.kind}</span> <b>{escape(image.name)}</b>"
    yield f"<p>{escape(group.reason)}</p>"
    truth = image.truth_under(members[0]) if image.of_model else None
    if truth is not None:
        yield f"<p class=dim>A person says: {escape(look.name(truth.category_id))}.</p>"
    yield f"</div>{picture(cropped(photo, [], window), 'photograph')}"
    for member in members:
        drawn = look.drawn(member, with_score=image.of_model)
        yield picture(cropped(photo, [drawn], window), drawn.label)
    yield "</div>"


def _gallery(report: Report) -> Iterator[str]:
    yield f"<h2>Images, score {SHOWN_SCORE:g} and above</h2><div class=grid>"
    for image in report.images[:MAX_IMAGES]:
        shown = image_overlay(image, read_image(image.path), report.categories)
        yield picture(shown, image.name, css="wide")
    yield "</div>"
    if len(report.images) > MAX_IMAGES:
        yield f"<p class=dim>{len(report.images) - MAX_IMAGES} more images are not shown.</p>"
