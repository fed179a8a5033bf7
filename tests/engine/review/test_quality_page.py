from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from quality_cases import CATEGORIES, NUT, SIZE, WASHER, annotated, box, detected, instance, predicted

from engine.domain.annotation import Annotation, Category
from engine.domain.outcome import FalseReason, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.prediction import Detections
from engine.errors import ImageReadError, UserError
from engine.project.images import read_image
from engine.review.quality.charts import precision_recall_chart, reliability_chart
from engine.review.quality.examples import Examples, Photo
from engine.review.quality.measure import measure
from engine.review.quality.page import QualityPage, write_quality_page
from engine.review.quality.wording import why_false, why_missed

BODY = box(10, 10, 60, 60)
Make = Callable[..., Examples]


@pytest.fixture
def examples_of(tmp_path: Path) -> Make:
    """Measures one image, ``<a>.png``, a grey picture that lies in the test's folder."""
    path = tmp_path / "a.png"
    Image.fromarray(np.full((*SIZE, 3), 128, dtype=np.uint8)).save(path)

    def make(
        truth: Annotation, found: Detections, categories: tuple[Category, ...] = CATEGORIES, **asked: object
    ) -> Examples:
        quality = measure([truth], [found], categories, **asked)  # type: ignore[arg-type]
        photos = {1: Photo("<a>.png", path)}
        return Examples(
            quality, truth=[truth], detections=[found], categories=categories, photos=photos, read=read_image
        )

    return make


@pytest.fixture
def mistakes(examples_of: Make) -> Examples:
    """A filled hole, a duplicate, a confident invention, a wrong class and a forgotten object."""
    truth = annotated(
        instance("holed", BODY - box(30, 30, 12, 12)),
        instance("mistaken", box(90, 10)),
        instance("missed", box(90, 80)),
    )
    found = detected(
        predicted(1, BODY, score=0.9),
        predicted(2, BODY, score=0.6),
        predicted(3, box(130, 80), WASHER, score=0.95),
        predicted(4, box(90, 10), WASHER, score=0.7),
    )
    return examples_of(truth, found)


def page_of(examples: Examples, out: Path) -> str:
    write_quality_page(QualityPage("How good?", {"Run": "<r1>"}, examples), out)
    return out.read_text(encoding="utf-8")


def test_the_worst_mistakes_are_shown_with_their_reason(mistakes: Examples) -> None:
    assert [(e.tag, len(e.pictures)) for e in mistakes.worst_false(9)] == [
        ("Background", 3), ("Wrong class", 3), ("Duplicate", 3),
    ]  # fmt: skip
    assert [e.tag for e in mistakes.worst_missed(9)] == ["Nothing there", "Wrong class"]
    (hole,) = mistakes.worst_holes(9)
    assert (hole.tag, hole.sentence) == ("filled hole", "The hole of 144 pixels is filled: no predicted hole meets it.")
    assert [e.tag for e in mistakes.worst_false(1)] == ["Background"]


def test_pictures_of_a_mistake_show_the_photograph_the_person_and_the_network(mistakes: Examples) -> None:
    wrong_class = list(mistakes.worst_false(9))[1]
    (photo, _), (person, said), (network, found) = wrong_class.pictures
    assert (said, found) == ("person: nut", "network: washer 0.70")
    assert photo.shape == person.shape == network.shape
    assert photo.min() == photo.max() == 128
    assert (person != photo).any()
    assert (network != person).any()


def test_the_page_tells_what_is_good_and_bad_and_how_to_read_it(mistakes: Examples, tmp_path: Path) -> None:
    html = page_of(mistakes, tmp_path / "deep" / "report.html")
    for heading in ("In short", "Classes", "Scores", "Which class is taken for which", "Holes",
                    "False positives: 3", "Missed objects: 2"):  # fmt: skip
        assert f"<h2>{heading}" in html
    assert "1 of 3</b>objects found" in html
    assert "The commonest reason of missed objects, 1 of 2: no prediction came near it" in html
    assert "0 of 1</b>holes of found objects there" in html
    assert html.count("<svg class=chart role=img") == 2
    assert html.count("data:image/jpeg") == 1 * 3 + 3 * 3 + (3 + 2)
    assert html.count("<p class=how>") >= 8


def test_the_page_loads_nothing_from_elsewhere_and_names_are_escaped(mistakes: Examples, tmp_path: Path) -> None:
    html = page_of(mistakes, tmp_path / "r.html")
    assert "http" not in html
    assert "<script" not in html
    assert re.findall(r'src="(?!data:)', html) == []
    assert "&lt;a&gt;.png" in html
    assert "<a>" not in html
    assert "&lt;r1&gt;" in html


def test_odd_class_names_stay_text(examples_of: Make, tmp_path: Path) -> None:
    categories = (replace(CATEGORIES[0], name="<nut> & 'co'"), CATEGORIES[1])
    html = page_of(examples_of(annotated(instance("a", BODY)), detected(), categories), tmp_path / "r.html")
    assert "<nut>" not in html
    assert "&lt;nut&gt; &amp; &#x27;co&#x27;" in html


def test_light_and_dark_both_have_their_colours(mistakes: Examples, tmp_path: Path) -> None:
    html = page_of(mistakes, tmp_path / "r.html")
    assert "color-scheme:light dark" in html
    charts = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    fixed = set(re.findall(r"#[0-9a-f]{6}", charts)) - {c.color for c in CATEGORIES}
    assert fixed == set()  # everything but the classes' own colours comes from the page's variables


def test_a_perfect_network_is_said_to_be_one(examples_of: Make, tmp_path: Path) -> None:
    examples = examples_of(annotated(instance("a", BODY)), detected(predicted(1, BODY)))
    html = page_of(examples, tmp_path / "r.html")
    assert "No prediction of score 0.5 and above is wrong." in html
    assert "Every object is found at score 0.5 and above." in html
    assert "data:image" not in html
    assert "<h2>Holes" not in html


@pytest.mark.parametrize("found", [detected(), detected(predicted(1, BODY))])
def test_a_page_without_predictions_or_without_objects_can_be_written(
    found: Detections, examples_of: Make, tmp_path: Path
) -> None:
    truth = annotated() if found.predictions else annotated(instance("a", BODY))
    html = page_of(examples_of(truth, found), tmp_path / "r.html")
    assert "<h2>Missed objects" in html
    assert "nan" not in html


def test_boxes_alone_are_drawn_as_boxes(examples_of: Make, tmp_path: Path) -> None:
    truth = annotated(replace(instance("a", BODY), mask=None))
    found = detected(replace(predicted(1, box(100, 80)), mask=None))
    html = page_of(examples_of(truth, found, boxes_only=True), tmp_path / "r.html")
    assert "box AP50" in html
    assert "mask AP" not in html


def test_a_missing_photograph_and_an_unwritable_target_are_said(mistakes: Examples, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="report cannot be written"):
        page_of(mistakes, tmp_path / "file" / "r.html")


def test_a_photograph_that_is_gone_is_named(examples_of: Make, tmp_path: Path) -> None:
    examples = examples_of(annotated(instance("a", BODY)), detected())
    (tmp_path / "a.png").unlink()
    with pytest.raises(ImageReadError, match=r"a\.png"):
        page_of(examples, tmp_path / "r.html")


def test_charts_have_a_mark_for_every_class_and_every_filled_bin(mistakes: Examples) -> None:
    quality = mistakes.quality
    lines = precision_recall_chart([(c.category.name, c.category.color, c.curve) for c in quality.classes])
    assert lines.count("<polyline class=line") == 3
    assert lines.count("<circle") == 1  # only of nuts is anything found
    assert reliability_chart(quality.calibration).count("<rect class=bar") == sum(
        b.n > 0 for b in quality.calibration.bins
    )


@pytest.mark.parametrize("reason", list(FalseReason))
def test_every_reason_of_a_false_positive_has_a_sentence_of_its_own(reason: FalseReason) -> None:
    names = {c.id: c.name for c in CATEGORIES}
    row = PredictionOutcome(1, 1, NUT, 0.83, "a", 0.31, reason)
    sentence = why_false(row, WASHER, names, of="mask")
    assert sentence.startswith("This nut of score 0.83 lies")
    others = {why_false(replace(row, reason=r), WASHER, names, of="mask") for r in FalseReason if r is not reason}
    assert sentence not in others


@pytest.mark.parametrize("reason", [*MissReason, None])
def test_every_miss_has_a_sentence_of_its_own(reason: MissReason | None) -> None:
    names = {c.id: c.name for c in CATEGORIES}
    row = InstanceOutcome("a", 1, NUT, 1, 0.31, 0.4, reason)
    said = [why_missed(replace(row, reason=r), WASHER, names, of="mask", min_score=0.5) for r in (*MissReason, None)]
    assert len(set(said)) == len(said)
    assert said[(*MissReason, None).index(reason)].startswith("This nut ")
