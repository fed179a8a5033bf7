from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.outcome import FalseReason, ImageOutcomes, InstanceOutcome, MissReason, PredictionOutcome
from engine.domain.prediction import Detections, Prediction
from engine.errors import RunError
from engine.project.outcomes import measured_images, read_outcomes, write_outcomes
from engine.project.predictions import PredictionStore

BOX = (1.0, 2.0, 9.0, 8.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two predictions on image 4 and none on image 5, of epoch 3."""
    path = tmp_path / "predictions.sqlite"
    detect(path, 4, 0.9, 0.4)
    detect(path, 5)
    return path


def detect(path: Path, image_id: int, *scores: float) -> None:
    found = tuple(Prediction(0, image_id, 2, score, BOX) for score in scores)
    with PredictionStore(path, read_only=False) as staged:
        staged.add(Detections(image_id, 20, 30, found), 3)


def outcomes(path: Path) -> ImageOutcomes:
    """One right, one twice; one object found, one missed."""
    with PredictionStore(path) as staged:
        best, second = (p.id for p in staged.detections(4, 3).predictions)
    return ImageOutcomes(
        4,
        (
            PredictionOutcome(best, 4, 2, 0.9, "z", 0.75),
            PredictionOutcome(second, 4, 2, 0.4, "z", 0.6, FalseReason.DUPLICATE),
        ),
        (InstanceOutcome("z", 4, 2, best, 0.9, 0.75), InstanceOutcome("a", 4, 1, reason=MissReason.NOTHING)),
    )


def test_outcomes_come_back_as_they_were_written(path: Path) -> None:
    written = outcomes(path)
    write_outcomes(path, 3, [written, ImageOutcomes(5)])
    assert read_outcomes(path, 4, 3) == written
    assert read_outcomes(path, 5, 3) == ImageOutcomes(5)
    assert measured_images(path, 3) == [4, 5]


def test_measuring_again_replaces_what_was_there(path: Path) -> None:
    write_outcomes(path, 3, [outcomes(path)])
    changed = ImageOutcomes(4, (), outcomes(path).instances[1:])
    write_outcomes(path, 3, [changed])
    assert read_outcomes(path, 4, 3) == changed


def test_what_was_not_measured_has_no_outcomes(path: Path, tmp_path: Path) -> None:
    assert read_outcomes(path, 4, 3) is None
    assert measured_images(path, 3) == []
    assert read_outcomes(tmp_path / "none.sqlite", 4, 3) is None
    write_outcomes(path, 3, [outcomes(path)])
    assert read_outcomes(path, 4, 2) is None


def test_outcomes_go_with_the_predictions_they_speak_of(path: Path) -> None:
    write_outcomes(path, 3, [outcomes(path), ImageOutcomes(5)])
    detect(path, 4, 0.8)
    assert read_outcomes(path, 4, 3) is None
    assert measured_images(path, 3) == [5]


def test_outcomes_of_predictions_that_were_replaced_meanwhile_are_refused_as_a_whole(path: Path) -> None:
    old = outcomes(path)
    detect(path, 4, 0.8)
    with pytest.raises(RunError, match="changed while they were measured"):
        write_outcomes(path, 3, [ImageOutcomes(5), old])
    assert measured_images(path, 3) == []


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "predictions.sqlite").write_bytes(b"no database" * 200)
    with pytest.raises(RunError, match=r"predictions\.sqlite"):
        read_outcomes(tmp_path / "predictions.sqlite", 4, 3)
    with pytest.raises(RunError, match="cannot be written"):
        write_outcomes(tmp_path / "missing.sqlite", 3, [])
