"""What the steps of a run tell beside their losses: series to draw, newest numbers, and what each of them means."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.events import StepDone

WINDOW = 20  # steps that a shown number is the mean of
_UNKNOWN = math.nan


@dataclass(frozen=True, slots=True)
class LiveNumber:
    """One number of a step.

    Attributes:
        key: its series in :class:`LiveSeries`.
        title: two or three words.
        meaning: what it counts, in a sentence or two.
        healthy: which values are fine, and what to do about others.
        words: the value for a person.
        newest: only the newest step counts, not a mean over some.
    """

    key: str
    title: str
    meaning: str
    healthy: str
    words: Callable[[float], str]
    newest: bool = False


class LiveSeries:
    """The numbers of every step, NaN where a step did not tell one."""

    def __init__(self) -> None:
        self._series = {number.key: array("d") for number in NUMBERS}

    def __len__(self) -> int:
        return len(next(iter(self._series.values())))

    def add(self, step: StepDone) -> None:
        """One more step."""
        told = _told(step)
        for key, series in self._series.items():
            series.append(told.get(key, _UNKNOWN))

    def keep(self, count: int) -> None:
        """Forget all steps but the first `count`."""
        for series in self._series.values():
            del series[count:]

    def series(self, key: str) -> npt.NDArray[np.float64]:
        """All values of a number, float64 [steps]."""
        return np.array(self._series[key], dtype=np.float64)

    def value(self, number: LiveNumber) -> float | None:
        """The number as it is now; None where the newest steps did not tell it."""
        latest = self._series[number.key][-1 if number.newest else -WINDOW :]
        known = [value for value in latest if math.isfinite(value)]
        return sum(known) / len(known) if known else None


def _told(step: StepDone) -> dict[str, float]:
    """Numbers by key; an engine that does not know its memory or its gradient tells 0."""
    told = {
        "images_per_second": step.images_per_second,
        "data_wait": step.data_wait,
        "learning_rate": step.learning_rate,
        "vanished": float(step.vanished),
    }
    told |= {k: v for k, v in (("memory_mib", step.memory_mib), ("gradient_norm", step.gradient_norm)) if v}
    return told | step.facts


def trailing_mean(values: Sequence[float] | npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Mean over the last `window` values at each place, float64 [values]; NaN is left out, and stays where all are."""
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    sums, counts = np.cumsum(np.where(known, numbers, 0.0)), np.cumsum(known)
    before_sums, before_counts = np.zeros_like(sums), np.zeros_like(counts)
    before_sums[window:], before_counts[window:] = sums[:-window], counts[:-window]
    counts = counts - before_counts
    return np.where(counts > 0, (sums - before_sums) / np.maximum(counts, 1), _UNKNOWN)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _memory(mib: float) -> str:
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def _plain(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


NUMBERS: tuple[LiveNumber, ...] = (
    LiveNumber(
        "rpn_recall50",
        "RPN recall 0.5",
        "Share of the objects that some proposal covers with an IoU of at least 0.5. What no proposal covers cannot be "
        "found by the rest of the network.",
        "Should come close to 100% within the first epochs. When it stays low, the anchors do not fit the objects: "
        "the command “advise” measures that.",
        _percent,
    ),
    LiveNumber(
        "rpn_recall70",
        "RPN recall 0.7",
        "The same for an IoU of at least 0.7: proposals that fit closely.",
        "Rises more slowly than the one for 0.5, and is lower. When it falls far behind, boxes will be rough.",
        _percent,
    ),
    LiveNumber(
        "roi_positives",
        "Positive ROIs",
        "Share of the ROIs trained on that lie on an object; the others show background.",
        "At most 25%, one in four, and best near it. A few per cent: there are more ROIs than the objects can fill, so "
        "fewer per image (rois_per_image) teach the same in less time.",
        _percent,
    ),
    LiveNumber(
        "class_accuracy",
        "Class accuracy",
        "Share of all ROIs, background included, whose class is right.",
        "Calling everything background gives 75% and more already, so only what is above that counts.",
        _percent,
    ),
    LiveNumber(
        "foreground_accuracy",
        "Foreground accuracy",
        "Share of the ROIs on objects whose class is right.",
        "Falls first, while the network calls everything background, then rises towards 90% and more. High here while "
        "validation AP stands still: the images are learned by heart.",
        _percent,
    ),
    LiveNumber(
        "mask_accuracy",
        "Mask accuracy",
        "Share of the pixels of the 28 x 28 masks that are on the right side of the outline.",
        "Guessing gives about 50%. Above 90% outlines are good; thin parts and holes decide over the rest.",
        _percent,
    ),
    LiveNumber(
        "images_per_second",
        "Images a second",
        "How fast it trains, validation left out.",
        "Steady. When it falls, something else uses this computer, or memory is short.",
        _rate,
    ),
    LiveNumber(
        "data_wait",
        "Waits for data",
        "Share of the time of a step in which the network waits for images to be read and augmented.",
        "Near 0%. Above about 20% the network could train faster: give it more workers, or images on a faster drive.",
        _percent,
    ),
    LiveNumber(
        "memory_mib",
        "Memory, peak",
        "The most memory this training has used so far: of the GPU, or of the computer when it runs on the CPU.",
        "Below about 90% of what there is. Less is used with a smaller image size or fewer images per step.",
        _memory,
        newest=True,
    ),
    LiveNumber(
        "gradient_norm",
        "Gradient norm",
        "How strongly a batch pulls at the weights, before it is clipped.",
        "Large in the first steps, then steady or slowly falling. When it grows for long, the rate is too high.",
        _plain,
    ),
    LiveNumber(
        "learning_rate",
        "Learning rate",
        "How far one step moves the weights.",
        "Rises over the first steps, then follows the stage plan.",
        _plain,
        newest=True,
    ),
    LiveNumber(
        "vanished",
        "Moved out",
        "Objects a step that augmentation moved out of the picture, or made too small to learn from.",
        "A small part of the objects. When it is many, most objects lie at the border or are tiny.",
        _plain,
    ),
)
BY_KEY = {number.key: number for number in NUMBERS}
