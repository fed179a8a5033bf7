"""A self-contained HTML page: the verdict, what it rests on, and what to do; for a person's first network too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from engine.review.diagnosis.charts import data_chart, epochs_chart, loss_chart, sets_chart
from engine.review.diagnosis.disputes import Disputes
from engine.review.diagnosis.evidence import Evidence
from engine.review.diagnosis.findings import Diagnosis, Finding
from engine.review.diagnosis.learning_curve import LearningCurve
from engine.review.diagnosis.wording import with_bounds
from engine.review.markup import PAGE_END, facts_table, number, page_start, picture, write_page
from engine.review.quality.charts import CHART_STYLE
from engine.review.quality.examples import Example, Examples
from engine.review.quality.measure import Quality
from engine.review.quality.tables import TABLE_STYLE

SHOWN_PLACES = 16

_STYLE = f"""{CHART_STYLE}{TABLE_STYLE}
.two{{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:1.5rem}}
.how{{max-width:75ch;margin:.5rem 0 .9rem;color:var(--dim)}}
.finding{{border-left:4px solid var(--accent);background:var(--card);border-radius:6px;padding:.7rem 1rem}}
.finding{{margin:.8rem 0;max-width:85ch}}.finding h3{{margin:0 0 .3rem;font-size:1.15rem}}
.finding.first h3{{font-size:1.5rem}}
"""


@dataclass(frozen=True)
class DiagnosisPage:
    """What the page shows.

    Attributes:
        facts: name to value, shown as a table on top.
        diagnosis: what it is about.
        places: draws the contradictions (:func:`only_disputes` of what was measured on the training images).
    """

    facts: Mapping[str, str]
    diagnosis: Diagnosis
    places: Examples


def only_disputes(quality: Quality, disputes: Disputes) -> Quality:
    """`quality` as if the disputed predictions were all mistakes there are, whatever their score."""
    wanted = {(d.image_id, d.prediction_id) for d in disputes.items}
    outcomes = tuple(
        replace(o, predictions=tuple(p for p in o.predictions if (o.image_id, p.prediction_id) in wanted))
        for o in quality.outcomes
    )
    return replace(quality, outcomes=outcomes, counts=replace(quality.counts, min_score=0.0))


def write_diagnosis_page(page: DiagnosisPage, out: Path) -> None:
    """Write the page; it needs no other file.

    Raises:
        UserError: when `out` cannot be written.
        ImageReadError: when an image that must be shown is missing.
    """
    write_page("".join(_page(page)), out)


def _page(page: DiagnosisPage) -> Iterator[str]:
    diagnosis = page.diagnosis
    yield page_start("What does the network lack?", _STYLE)
    yield facts_table([(escape(name), escape(value)) for name, value in page.facts.items()])
    yield from _findings(diagnosis.findings)
    yield "".join(f"<p class=how>Note: {escape(text)}</p>" for text in diagnosis.caveats)
    yield from _sets(diagnosis.evidence)
    yield from _training(diagnosis.evidence)
    if diagnosis.learning_curve is not None:
        yield from _more_data(diagnosis.learning_curve)
    yield from _classes(diagnosis.evidence)
    yield from _places(diagnosis.evidence, page.places)
    yield PAGE_END


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    for place, finding in enumerate(findings):
        yield f'<div class="finding{"" if place else " first"}"><h3>{escape(finding.title)}</h3>'
        yield f"<p>{escape(finding.evidence)}<p><b>What to do next.</b> {escape(finding.action)}</div>"


def _sets(e: Evidence) -> Iterator[str]:
    yield "<h2>Images it learned from, and others</h2>"
    yield sets_chart([("training images", e.train.ap50), ("validation images", e.val.ap50)])
    rows = [("training", e.train), ("validation", e.val)]
    yield "<table><tr><th>Set<th class=n>images<th class=n>objects<th class=n>AP50<th class=n>AP"
    yield "".join(
        f"<tr><td>{name}<td class=n>{s.images}<td class=n>{s.objects}<td class=n>{with_bounds(s.ap50)}"
        f"<td class=n>{number(s.ap, 2)}"
        for name, s in rows
    )
    yield "</table>" + _how(
        "AP50 goes from 0 to 1 and says how many objects are found and named rightly, and how few predictions are "
        "wrong; AP also asks for exact outlines. The line across each bar, the figures in brackets, is how far chance "
        "may have moved AP50 (95 % interval): other images of the same kind would have given another figure. Bad on "
        "both: it has not learned yet, or cannot. Good on training images and bad on validation: it needs more images."
    )


def _training(e: Evidence) -> Iterator[str]:
    if not e.curve:
        return
    yield f"<h2>How it learned</h2><div class=two><div>{epochs_chart(e.curve)}"
    yield _how(
        "Full line AP50, dashed line AP, on validation after every epoch. Still rising at the right edge: train "
        "longer. Falling again while the loss falls: trained too long for so few images."
    )
    yield f"</div><div>{loss_chart(e.curve)}"
    yield _how(
        "The training loss: how wrong the network is on the images it learns from. It should fall, then level off."
    )
    yield "</div></div>"


def _more_data(curve: LearningCurve) -> Iterator[str]:
    yield f"<h2>What more images would do</h2>{data_chart(curve)}<p>{escape(curve.sentence())}"
    yield _how(
        "Each full dot is a training of its own on a part of the training images, each part within the next, about as "
        f"many steps long as {curve.epochs} epochs of all of them, measured on the same validation images; the hollow "
        "one is what the dashed line (a power law) promises for twice as many. The ranges are over validation images; "
        "the luck of a training is not in them."
    )


def _classes(e: Evidence) -> Iterator[str]:
    heads = ("objects to learn from", "AP50 on them", "objects in validation", "AP50 on them")
    yield "<h2>Classes</h2><table><tr><th>Class" + "".join(f"<th class=n>{h}" for h in heads)
    for c in e.classes:
        cells = (str(c.train_objects), number(c.train_ap50, 2), str(c.val_objects), number(c.val_ap50, 2))
        yield f"<tr><td>{escape(c.name)}" + "".join(f"<td class=n>{cell}" for cell in cells)
    yield "</table>" + _how(
        "A class that is bad even on its training images is hard to see or annotated in two ways; one that is bad on "
        "validation only needs more examples. A dash stands where there is no such object."
    )


def _places(e: Evidence, places: Examples) -> Iterator[str]:
    items = e.disputes.items
    yield f"<h2>Places to look at: {len(items)}</h2>"
    yield _how(
        "Here the network contradicts what it was taught, on images it learned from, and is as sure of it as where it "
        "agrees: often a wrong class or an object that was forgotten. The surest first."
        if items
        else "Nowhere does the network contradict what it was taught as surely as it agrees elsewhere."
    )
    yield from (_place(example) for example in places.worst_false(SHOWN_PLACES))


def _place(example: Example) -> str:
    words = f"<div class=words><span class=tag>{escape(example.tag)}</span> <b>{escape(example.where)}</b>"
    pictures = "".join(picture(pixels, caption) for pixels, caption in example.pictures)
    return f"<div class=group>{words}<p>{escape(example.sentence)}</p></div>{pictures}</div>"


def _how(text: str) -> str:
    """How to read what stands above."""
    return f"<p class=how>{escape(text)}</p>"
