from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.domain.annotation import Category
from engine.domain.trace import CandidateFate, Trace
from engine.errors import UserError
from engine.review.contact_sheet import PAPER, captioned, fitted, sheet
from engine.review.trace_facts import step_counts, trace_json
from engine.review.trace_pictures import write_trace_pictures
from tests.engine.review.test_miss_stages import CAT, DOG, FAR, LEFT, NAMES, SIDE, Story

CATEGORIES = {DOG: Category(DOG, "dog", "#e69f00"), CAT: Category(CAT, "cat", "#56b4e9")}


@pytest.fixture
def trace() -> Trace:
    story = Story()
    first = story.candidate(story.roi(LEFT, (0.02, 0.97, 0.01)), 1, CandidateFate.DETECTED)
    story.candidate(story.roi((11, 11, 41, 51), (0.05, 0.93, 0.02)), 1, CandidateFate.SUPPRESSED, first)
    story.roi(FAR, (0.9, 0.05, 0.05))
    return story.trace()


def test_steps_tell_how_many_boxes_each_of_them_left(trace: Trace) -> None:
    assert [s.boxes for s in step_counts(trace)] == [3, 3, 3, 3, 3, 2, 2, 1, 1, 1]


def test_the_json_leads_from_a_detection_to_its_candidate_roi_and_suppressed_rival(trace: Trace) -> None:
    facts = json.loads(json.dumps(trace_json(trace, NAMES)))
    (detection,) = facts["detections"]
    best, rival = facts["candidates"]
    assert (best["candidate"], best["category"], best["fate"]) == (detection["candidate"], "dog", "detected")
    assert (rival["fate"], rival["suppressor"]) == ("suppressed", best["candidate"])
    assert facts["rois"][best["roi"]]["box"] == list(LEFT)
    assert facts["rois"][2]["label"] == 0
    assert detection["segmentation"]["size"] == [SIDE, SIDE]
    assert facts["classes"] == ["background", "dog", "cat"]
    assert facts["levels"][0]["fates"]["proposed"] == 3


def test_each_step_gets_a_picture_and_the_photograph_stays_as_it_is(trace: Trace, tmp_path: Path) -> None:
    photo = np.full((SIDE, SIDE, 3), 120, dtype=np.uint8)
    files = write_trace_pictures(trace, photo, CATEGORIES, tmp_path / "out")
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    assert (photo == 120).all()
    pictures = [np.asarray(Image.open(f)) for f in files]
    drawn = [(p[:SIDE, :SIDE] != 120).any() for p in pictures]
    assert all(drawn)
    colours = {tuple(c) for c in pictures[1][:SIDE, :SIDE].reshape(-1, 3)}
    assert (0, 158, 115) in colours  # kept boxes are green


def test_a_trace_without_proposals_still_gives_pictures(tmp_path: Path) -> None:
    from engine.domain.trace import AnchorFate

    story = Story()
    story.lost_anchor(LEFT, AnchorFate.OUTRANKED)
    photo = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    assert len(write_trace_pictures(story.trace(), photo, CATEGORIES, tmp_path)) == 6


def test_a_folder_that_cannot_be_written_to_is_told(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_trace_pictures(trace, np.zeros((SIDE, SIDE, 3), np.uint8), CATEGORIES, tmp_path / "file" / "out")


def test_a_sheet_shows_every_picture_whole() -> None:
    tiles = [np.full((10 + k, 12, 3), 40 * k, dtype=np.uint8) for k in range(5)]
    page = sheet(tiles, 2)
    for k, tile in enumerate(tiles):
        assert np.count_nonzero((page == 40 * k).all(axis=2)) == tile.shape[0] * tile.shape[1]
    assert (sheet([], 3) == PAPER).all()


def test_a_picture_is_fitted_into_a_square_and_captioned_below() -> None:
    wide = np.zeros((10, 40, 3), dtype=np.uint8)
    square = fitted(wide, 80)
    assert square.shape == (80, 80, 3)
    assert (square[30:50] == 0).all()
    assert (square[:30] == PAPER).all()
    page = captioned(square, "a caption much longer than the picture is wide")
    assert np.array_equal(page[:80, :80], square)
    assert page.shape[1] > 80 < page.shape[0]
