"""A self-contained HTML page about how good a network is, for somebody who sees such figures for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from engine.review.markup import PAGE_END, facts_table, number, page_start, picture, write_page
from engine.review.quality.charts import CHART_STYLE, line_sample, precision_recall_chart, reliability_chart
from engine.review.quality.examples import Example, Examples
from engine.review.quality.holes import MIN_HOLE_AREA
from engine.review.quality.measure import Counts, Quality
from engine.review.quality.tables import (
    TABLE_STYLE,
    class_table,
    confusion_table,
    hole_table,
    precision_table,
    reason_table,
)
from engine.review.quality.wording import FALSE_MEANINGS, FALSE_TITLES, MISS_MEANINGS, MISS_TITLES

SHOWN_EXAMPLES, SHOWN_HOLES, SHOWN_CURVES = 16, 10, 12

_STYLE = f"""{CHART_STYLE}{TABLE_STYLE}
.two{{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1.5rem}}
.big{{display:flex;gap:2.2rem;flex-wrap:wrap;margin:1rem 0}}.big b{{display:block;font-size:1.7rem;line-height:1.2}}
.how{{max-width:75ch;margin:.5rem 0 .9rem;color:var(--dim)}}.legend{{display:flex;gap:.2rem 1.2rem;flex-wrap:wrap}}
"""


@dataclass(frozen=True)
class QualityPage:
    """What the page shows.

    Attributes:
        title: its heading.
        facts: name to value, shown as a table on top.
        examples: the mistakes, and the measurement they are of.
    """

    title: str
    facts: Mapping[str, str]
    examples: Examples


def write_quality_page(page: QualityPage, out: Path) -> None:
    """Write the page; it needs no other file.

    Raises:
        UserError: when `out` cannot be written.
        ImageReadError: when an image that must be shown is missing.
    """
    write_page("".join(_page(page)), out)


def _page(page: QualityPage) -> Iterator[str]:
    quality = page.examples.quality
    yield page_start(page.title, _STYLE)
    yield facts_table([(escape(name), escape(value)) for name, value in page.facts.items()])
    yield from _in_short(quality)
    yield from _precision(quality)
    yield from _scores(quality)
    yield from _confusion(quality)
    yield from _holes(quality, page.examples)
    yield from _false(quality, page.examples)
    yield from _missed(quality, page.examples)
    yield PAGE_END


def _in_short(quality: Quality) -> Iterator[str]:
    counts, holes = quality.counts, quality.holes
    objects, reported = counts.tp + counts.fn, counts.tp + counts.fp
    sides = "boxes" if quality.boxes_only else "masks"
    figures = [(f"{counts.tp} of {objects}", "objects found"), (f"{counts.fp} of {reported}", "predictions wrong")]
    if holes is not None and holes.compared:
        figures.append((f"{holes.kept} of {holes.compared}", "holes of found objects there"))
    yield "<h2>In short</h2><div class=big>"
    yield "".join(f"<div><b>{value}</b>{name}</div>" for value, name in figures) + "</div>"
    yield _how(
        f"Predictions of score {counts.min_score:g} and above. An object counts as found when a prediction of its "
        f"class covers it well enough: of all pixels in either of the two {sides}, at least half are in both (IoU 0.5)."
    )
    yield "".join(f"<p>{escape(line)}" for line in _commonest(counts))


def _commonest(counts: Counts) -> Iterator[str]:
    """What to look at first."""
    for what, reasons, total, titles, meanings in (
        ("wrong predictions", counts.reasons, counts.fp, FALSE_TITLES, FALSE_MEANINGS),
        ("missed objects", counts.misses, counts.fn, MISS_TITLES, MISS_MEANINGS),
    ):
        if total:
            first = max(titles, key=lambda name: reasons[name])
            yield f"The commonest reason of {what}, {reasons[first]} of {total}: {meanings[first]}."


def _precision(quality: Quality) -> Iterator[str]:
    yield f"<h2>Average precision on {quality.evaluation.images} images</h2>" + precision_table(quality)
    yield _how(
        "AP, from 0 to 1, is COCO's measure over all scores: the mean over ten strictnesses, from an IoU of 0.50 to "
        "one of 0.95, so it also says how exact the outlines are. AP50 asks for 0.50 only. An AP far below its AP50 "
        "means that objects are found but drawn roughly; a low figure for small objects, that a larger input size may "
        "help. A dash stands where there is no such object."
    )
    yield "<h2>Classes</h2>" + class_table(quality)
    yield _how(
        "“Best score” is the score from which this class is best reported: there F1, the balance of wrong and "
        "missed, is highest. It is measured on these images; with few objects it may be quite another one on others. "
        f"Right, wrong and missed are counted at score {quality.counts.min_score:g}."
    )


def _scores(quality: Quality) -> Iterator[str]:
    shown = sorted((c for c in quality.classes if c.curve.instances), key=lambda c: -c.curve.instances)[:SHOWN_CURVES]
    calibration = quality.calibration
    yield "<h2>Scores</h2><div class=two><div>"
    yield precision_recall_chart([(c.category.name, c.category.color, c.curve) for c in shown])
    yield "<div class=legend>"
    yield "".join(
        f"<span>{line_sample(c.category.color, k)} {escape(c.category.name)}</span>" for k, c in enumerate(shown)
    )
    yield "</div>" + _how(
        "Each line starts at the surest predictions and goes on to ever less sure ones: to the right more objects are "
        "found, and where the line falls, the price is wrong predictions. The best line stays at the top up to the "
        "right edge; the dot is the best score of the table above."
    )
    yield "</div><div>" + reliability_chart(calibration)
    yield _how(
        "How far a score can be trusted. The bar is the share of right predictions among those of that score, the "
        "short line their mean score, the number how many there are. Bars below their lines: the network is too sure "
        f"of itself; above: it is better than it says. The mean gap (ECE) is {number(calibration.ece)}; 0 is best."
    )
    yield "</div></div>"


def _confusion(quality: Quality) -> Iterator[str]:
    yield f"<h2>Which class is taken for which</h2>{confusion_table(quality.confusion)}"
    yield _how(
        f"Counted by shared pixels, at score {quality.counts.min_score:g}. On the blue diagonal the network agrees "
        "with the person. The last column counts objects that it missed, the last row predictions where no object is, "
        "or a second one on an object. A dark orange cell elsewhere is a pair of classes that is worth a look: more "
        "examples of both help, or one name for both."
    )


def _holes(quality: Quality, examples: Examples) -> Iterator[str]:
    holes = quality.holes
    if holes is None or not (holes.annotated or holes.false):
        return
    yield "<h2>Holes</h2>" + hole_table(holes)
    lie = "No annotated hole lies in an object that was found."
    if holes.compared:
        lie = (
            f"{holes.compared} of {holes.annotated} annotated holes lie in objects that were found; their mean IoU "
            f"with the predicted holes is {number(holes.mean_iou, 2)}."
        )
    yield _how(
        f"{lie} Holes of fewer than {MIN_HOLE_AREA} pixels are specks and do not count. Many filled holes with good "
        "outlines: the mask head is too coarse for them. Many false ones: look whether real holes were left filled "
        "when annotating."
    )
    yield from _gallery(examples.worst_holes(SHOWN_HOLES))


def _false(quality: Quality, examples: Examples) -> Iterator[str]:
    counts = quality.counts
    yield f"<h2>False positives: {counts.fp}</h2>"
    if not counts.fp:
        yield _how(f"No prediction of score {counts.min_score:g} and above is wrong.")
        return
    yield reason_table(counts.reasons, FALSE_TITLES, FALSE_MEANINGS)
    yield _how(
        "The surest mistakes first. Look for objects that were forgotten when annotating: they are not the network's."
    )
    yield from _gallery(examples.worst_false(SHOWN_EXAMPLES))


def _missed(quality: Quality, examples: Examples) -> Iterator[str]:
    counts = quality.counts
    yield f"<h2>Missed objects: {counts.fn}</h2>"
    if not counts.fn:
        yield _how(f"Every object is found at score {counts.min_score:g} and above.")
        return
    yield reason_table(counts.misses, MISS_TITLES, MISS_MEANINGS)
    yield _how("Those that no prediction came near first, the largest of them on top.")
    yield from _gallery(examples.worst_missed(SHOWN_EXAMPLES))


def _gallery(examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        yield f"<div class=group><div class=words><span class=tag>{escape(example.tag)}</span> "
        yield f"<b>{escape(example.where)}</b><p>{escape(example.sentence)}</p></div>"
        yield "".join(picture(pixels, caption) for pixels, caption in example.pictures) + "</div>"


def _how(text: str) -> str:
    """How to read what stands above."""
    return f"<p class=how>{escape(text)}</p>"
