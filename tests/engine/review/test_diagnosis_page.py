from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from diagnosis_cases import SIZE, Skill, World, good_run, shuffled_labels

from engine.domain.annotation import Category
from engine.review.diagnosis.bootstrap import Estimate
from engine.review.diagnosis.charts import data_chart, epochs_chart, loss_chart, sets_chart
from engine.review.diagnosis.evidence import Evidence
from engine.review.diagnosis.findings import Diagnosis, Verdict
from engine.review.diagnosis.learning_curve import CurvePoint, LearningCurve, PowerLaw
from engine.review.diagnosis.page import DiagnosisPage, only_disputes, write_diagnosis_page
from engine.review.diagnosis.rules import findings_of
from engine.review.quality.examples import Examples, Photo
from engine.review.quality.measure import Quality, measure

CURVE = LearningCurve(
    (CurvePoint(5, 20, Estimate(0.4, 0.3, 0.5)), CurvePoint(20, 80, Estimate(0.7, 0.6, 0.8))),
    PowerLaw(1.34, 0.5),
    Estimate(0.79, 0.7, 0.85),
    Estimate(0.09, 0.05, 0.12),
    4,
)


def written(tmp_path: Path, evidence: Evidence, places: Examples, curve: LearningCurve | None = None) -> str:
    diagnosis = Diagnosis("20260101-000000", 26, findings_of(evidence), evidence, ("Look <twice>.",), curve)
    out = tmp_path / "page.html"
    write_diagnosis_page(DiagnosisPage({"Project": "nuts & bolts"}, diagnosis, places), out)
    return out.read_text(encoding="utf-8")


def examples(quality: Quality, truth: list, found: list, categories: tuple[Category, ...]) -> Examples:
    photos = {a.image_id: Photo(f"{a.image_id}.png", Path(f"{a.image_id}.png")) for a in truth}
    pixels = np.full((*SIZE, 3), 90, dtype=np.uint8)
    return Examples(quality, truth=truth, detections=found, categories=categories, photos=photos, read=lambda _: pixels)


@pytest.fixture
def confused() -> tuple[Evidence, Examples]:
    """Shuffled labels, with the pictures of what is disputed."""
    world = World(61)
    train, val = world.images(20), world.images(8, first_id=100)
    taught, found = world.shuffled(train), world.detect(train, Skill(0.97))
    quality = measure(taught, found, world.categories)
    evidence = world.evidence(quality, world.measured(val, Skill(0.6)), world.curve([0.2] * 20, [0.9] * 20))
    return evidence, examples(only_disputes(quality, evidence.disputes), taught, found, world.categories)


def test_the_verdict_comes_first_with_its_evidence_and_what_to_do(
    tmp_path: Path, confused: tuple[Evidence, Examples]
) -> None:
    evidence, places = confused
    html = written(tmp_path, evidence, places)
    assert html.index("Annotations contradict each other") < html.index("What to do next.") < html.index("<h2>")
    assert "correct the class" in html
    assert "nuts &amp; bolts" in html
    assert "Look &lt;twice&gt;." in html


def test_places_to_look_at_are_shown_with_pictures_and_no_others(
    tmp_path: Path, confused: tuple[Evidence, Examples]
) -> None:
    evidence, places = confused
    html = written(tmp_path, evidence, places)
    assert f"Places to look at: {len(evidence.disputes.items)}" in html
    assert html.count("data:image/jpeg") == 3 * min(16, len(evidence.disputes.items))
    assert html.count("class=group") == min(16, len(evidence.disputes.items))
    first = evidence.disputes.items[0]
    assert f"of score {first.score:.2f}" in html


def test_a_page_needs_nothing_from_elsewhere_and_is_whole(tmp_path: Path, confused: tuple[Evidence, Examples]) -> None:
    html = written(tmp_path, *confused, curve=CURVE)
    assert not re.search(r"https?:|<script|<link|@import", html)
    assert html.count("<svg") == html.count("</svg>") == 4
    assert html.count("<div") == html.count("</div>")
    assert "Twice as many (40)" in html
    HTMLParser().feed(html)


def test_a_good_run_is_told_so(tmp_path: Path) -> None:
    evidence = good_run(62)
    none = examples(measure([], [], ()), [], [], ())
    html = written(tmp_path, evidence, none)
    assert findings_of(evidence)[0].verdict is Verdict.FINE
    assert ">Fine</h3>" in html
    assert "What more images would do" not in html


@pytest.mark.parametrize(
    "chart",
    [
        lambda: epochs_chart(shuffled_labels(63).curve),
        lambda: epochs_chart(shuffled_labels(63).curve[:1]),
        lambda: loss_chart(shuffled_labels(63).curve),
        lambda: loss_chart(()),
        lambda: data_chart(CURVE),
        lambda: sets_chart([("a <set>", Estimate(0.5, 0.0, 1.0))]),
    ],
)
def test_everything_drawn_lies_inside_its_chart(chart: Callable[[], str]) -> None:
    svg = chart()
    width, height = (float(v) for v in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    points = [pair.split(",") for line in re.findall(r'points="([^"]*)"', svg) for pair in line.split()]
    points += re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)"', svg)
    points += re.findall(r'x2="([-\d.]+)" y2="([-\d.]+)"', svg)
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)
    assert "nan" not in svg
    assert "<set>" not in svg
