"""What a diagnosis says of made-up data sets whose fault is known; no rule was made on these seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from diagnosis_cases import (
    Skill,
    World,
    fell_again,
    good_run,
    one_epoch,
    saturating,
    shuffled_labels,
    two_images,
)

from engine.review.diagnosis.bootstrap import Estimate
from engine.review.diagnosis.evidence import AnchorEvidence, ClassEvidence, Evidence
from engine.review.diagnosis.findings import Finding, Verdict
from engine.review.diagnosis.rules import findings_of
from engine.review.quality.measure import measure

SEEDS = (20_260_101, 77_003, 918_273_645)
MARK = {"needs_data": "more images", "undertrained": "more epochs", "label_problems": "correct the class"}


def verdicts(evidence: Evidence) -> list[Verdict]:
    return [f.verdict for f in findings_of(evidence)]


def finding(evidence: Evidence, verdict: Verdict) -> Finding:
    (found,) = [f for f in findings_of(evidence) if f.verdict is verdict]
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (two_images, Verdict.NEEDS_DATA),
        (one_epoch, Verdict.UNDERTRAINED),
        (shuffled_labels, Verdict.LABELS),
        (good_run, Verdict.FINE),
    ],
)
def test_the_fault_that_was_built_in_is_the_verdict(
    case: Callable[[int], Evidence], verdict: Verdict, seed: int
) -> None:
    evidence = case(seed)
    first, *_ = findings_of(evidence)
    assert first.verdict is verdict
    assert f"{evidence.train.ap50.value:.2f}" in first.evidence
    assert MARK.get(str(verdict), "Use it") in first.action


@pytest.mark.parametrize("seed", SEEDS)
def test_a_validation_that_fell_while_the_loss_fell_is_overfit_and_names_the_best_epoch(seed: int) -> None:
    evidence = fell_again(seed)
    best = max(evidence.curve, key=lambda p: p.ap or 0).epoch
    assert f"After epoch {best} " in finding(evidence, Verdict.OVERFIT).evidence


def test_a_fall_while_the_loss_rose_too_is_not_called_overfit() -> None:
    evidence = fell_again(SEEDS[0])
    rising = tuple(replace(p, loss=float(p.epoch)) for p in evidence.curve)
    assert Verdict.OVERFIT not in verdicts(replace(evidence, curve=rising))


def test_an_ap_that_rose_to_the_end_asks_for_more_epochs_and_says_what_they_would_add() -> None:
    world = World(5)
    train, val = world.images(30), world.images(20, first_id=100)
    curve = world.curve(saturating(1.0, 12, 12), saturating(1.0, 12, 6), noise=0.002)
    evidence = world.evidence(world.measured(train, Skill(0.65)), world.measured(val, Skill(0.63)), curve)
    rising = finding(evidence, Verdict.UNDERTRAINED)
    assert "still rising" in rising.evidence
    assert 0.1 < rising.weight < 0.37  # the curve ends at 0.63 and would gain 0.23 in twelve more
    level = replace(evidence, curve=world.curve([0.63] * 24, [0.5] * 24))
    assert verdicts(level) == [Verdict.UNDERFIT]


def test_the_loss_that_still_falls_asks_for_more_epochs_where_ap_is_low_on_training_images() -> None:
    world = World(6)
    train, val = world.images(30), world.images(20, first_id=100)
    falling = world.curve([0.3] * 16, [2 - 0.1 * k for k in range(16)])
    evidence = world.evidence(world.measured(train, Skill(0.4)), world.measured(val, Skill(0.35)), falling)
    assert "loss was still falling" in finding(evidence, Verdict.UNDERTRAINED).evidence


def test_a_large_gap_on_two_validation_images_is_not_called_a_lack_of_data() -> None:
    world = World(8)
    train, val = world.images(30), world.images(2, first_id=100)
    found = world.measured(val, Skill(1.0, invents=0)), world.measured(val, Skill(0.0, invents=0))
    curve = world.curve([0.5] * 12, [0.5] * 12)
    evidence = world.evidence(world.measured(train, Skill(1.0)), found[0], curve)
    unsure = replace(
        evidence,
        val=replace(evidence.val, ap50=Estimate(0.6, 0.0, 1.0)),
        gap=Estimate(0.4, -0.1, 0.9),
    )
    assert verdicts(unsure) == [Verdict.UNCLEAR]
    assert "more annotated images into validation" in findings_of(unsure)[0].action
    # Where all is lost on every image, even two say so.
    assert verdicts(world.evidence(world.measured(train, Skill(1.0)), found[1], curve)) == [Verdict.NEEDS_DATA]


def test_rare_classes_that_are_found_worse_are_named_and_rare_ones_found_as_well_are_not() -> None:
    evidence = replace(two_images(SEEDS[0]), names={1: "nut", 2: "cork"})

    def with_rare(ap50: float) -> Evidence:
        nut, cork = ClassEvidence("nut", 500, 100, 0.9, 0.9), ClassEvidence("cork", 20, 9, 0.9, ap50)
        return replace(evidence, classes=(nut, cork))

    told = finding(with_rare(0.2), Verdict.IMBALANCE)
    assert "“cork” (20, AP50 0.20)" in told.evidence
    assert told.weight == pytest.approx(0.35)
    assert Verdict.IMBALANCE not in verdicts(with_rare(0.9))


def test_anchors_are_blamed_only_where_training_images_are_learned_badly_too() -> None:
    poor = AnchorEvidence(0.4, (32, 64, 128, 256, 512), (8, 16, 32, 64, 128), 0.05)
    told = finding(replace(one_epoch(SEEDS[0]), anchors=poor), Verdict.ANCHORS)
    assert "40%" in told.evidence
    assert "--set anchor_sizes=8,16,32,64,128" in told.action
    assert Verdict.ANCHORS not in verdicts(replace(good_run(SEEDS[0]), anchors=poor))


def test_findings_come_by_weight() -> None:
    poor = AnchorEvidence(0.3, (32, 64, 128, 256, 512))
    weights = [f.weight for f in findings_of(replace(one_epoch(SEEDS[1]), anchors=poor))]
    assert len(weights) == 2
    assert weights == sorted(weights, reverse=True)


def test_networks_without_masks_are_judged_by_their_boxes() -> None:
    world = World(9)
    train, val = world.images(6), world.images(6, first_id=100)
    sides = [measure(t, world.detect(t, Skill(1.0)), world.categories, boxes_only=True) for t in (train, val)]
    evidence = world.evidence(*sides, world.curve([0.9] * 6, [0.1] * 6))
    assert evidence.measure == "box"
    assert evidence.to_json()["val"]["ap50"]["value"] == sides[1].evaluation.box_ap50
    assert evidence.classes[0].val_ap50 == sides[1].evaluation.per_class["class 1"]["box_ap50"]
    assert evidence.val.ap50.value > 0.9
