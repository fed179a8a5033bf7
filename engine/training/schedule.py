"""Learning rate over a stage: warm-up at the start of the run, then constant or a half cosine."""

from __future__ import annotations

import math

from engine.config import StagePlan, TrainConfig


def stage_bounds(plan: StagePlan, index: int, steps_per_epoch: int) -> tuple[int, int]:
    """First and one-past-last step (from 0) of a stage."""
    first = 0 if index == 0 else plan.stages[index - 1].until_epoch * steps_per_epoch
    return first, plan.stages[index].until_epoch * steps_per_epoch


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """Rate of optimiser step `step` (from 0, over the whole run)."""
    plan = config.plan
    index = plan.stage_of(step // steps_per_epoch + 1)
    stage = plan.stages[index]
    first, end = stage_bounds(plan, index, steps_per_epoch)
    rate = stage.learning_rate
    if stage.schedule == "cosine":
        share = (step - first) / max(1, end - first)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share))
    # A change of stage thaws layers, so each stage warms up, as every call of matterport's train() starts afresh.
    since = step - first
    if since < config.warmup_steps:
        rate *= (since + 1) / config.warmup_steps
    return rate
