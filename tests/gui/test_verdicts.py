"""Taking predictions into the annotations, through the session."""

from __future__ import annotations

import pytest

from engine.domain.annotation import Origin, Provenance
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from engine.project.records import Verdict

pytestmark = pytest.mark.gui


def prediction(session, number: int, category_id: int = 1, score: float = 0.9) -> Prediction:
    mask = Mask.from_box((10, 10, 40 + number, 40), 120, 160)
    return Prediction(number, session.image_id, category_id, score, tuple(map(float, mask.box)), mask)


def verdicts(session) -> dict[int, Verdict]:
    return {d.prediction_id: d.verdict for d in session.store.decisions("r1")}


def test_an_accepted_prediction_keeps_run_epoch_and_score(project):
    session = project.session
    instance_id = session.accept(prediction(session, 7), run="r1", epoch=12)
    instance = session.document.annotation.get(instance_id)
    assert instance.origin is Origin.MODEL
    assert instance.provenance == Provenance("r1", 12, 0.9)
    assert verdicts(session) == {7: Verdict.ACCEPTED}
    session.undo()
    assert len(session.document.annotation) == 0
    assert verdicts(session) == {}


def test_a_rejected_prediction_leaves_the_annotations_alone(project):
    session = project.session
    assert session.reject(prediction(session, 3), run="r1")
    assert session.unsure(prediction(session, 4), run="r1")
    assert verdicts(session) == {3: Verdict.REJECTED, 4: Verdict.UNSURE}
    assert len(session.document.annotation) == 0


def test_keeping_one_of_a_group_rejects_the_others_in_one_step(project):
    session = project.session
    other = session.add_category("disk")
    keeper, loser = prediction(session, 1), prediction(session, 2, other.id, 0.8)
    session.keep_one(keeper, [loser], run="r1", epoch=3)
    assert verdicts(session) == {1: Verdict.ACCEPTED, 2: Verdict.REJECTED}
    assert [i.category_id for i in session.document.annotation] == [1]
    session.undo()
    assert verdicts(session) == {}


def test_both_candidates_of_a_group_can_be_right(project):
    session = project.session
    other = session.add_category("disk")
    session.keep_all([prediction(session, 1), prediction(session, 2, other.id)], run="r1", epoch=3)
    assert len(session.document.annotation) == 2


def test_a_prediction_taken_for_editing_counts_as_corrected(project):
    session = project.session
    instance_id = session.correct(prediction(session, 5), run="r1", epoch=3)
    assert session.document.annotation.get(instance_id).origin is Origin.CORRECTED
    assert verdicts(session) == {5: Verdict.CORRECTED}


def test_a_prediction_of_a_class_that_is_gone_is_refused_with_a_sentence(project):
    session = project.session
    assert session.accept(prediction(session, 1, category_id=99), run="r1", epoch=1) is None
    assert "no longer in the project" in project.banner.text
    assert verdicts(session) == {}


def test_accepting_on_an_image_that_is_not_on_screen_changes_that_image(project):
    session = project.session
    found = prediction(session, 1)
    session.next_image()
    session.accept(found, run="r1", epoch=1)
    assert len(session.document.annotation) == 0
    assert len(session.store.annotation(found.image_id)) == 1
