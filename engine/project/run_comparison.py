"""Two runs side by side; only what was measured on the same frozen validation set is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import RunError
from engine.project.run_history import EpochPoint, RunHistory


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """AP of one class at each run's best epoch; `difference` is second minus first, None when one is not known."""

    category: str
    first: float | None
    second: float | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A field of the configuration that is not the same; values as ``config.json`` has them."""

    setting: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on one validation set."""

    first: RunHistory
    second: RunHistory
    classes: tuple[ClassDifference, ...]
    settings: tuple[SettingDifference, ...]

    def curves(self) -> list[tuple[int, EpochPoint | None, EpochPoint | None]]:
        """``(epoch, first's point, second's point)``, None where a run has not been."""
        one = {p.epoch: p for p in self.first.curve}
        two = {p.epoch: p for p in self.second.curve}
        return [(epoch, one.get(epoch), two.get(epoch)) for epoch in sorted(one.keys() | two.keys())]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a program."""
        return {
            "measure": self.first.measure,
            "runs": [{**h.to_json(), "curve": [asdict(p) for p in h.curve]} for h in (self.first, self.second)],
            "per_class": [asdict(c) for c in self.classes],
            "settings": [asdict(s) for s in self.settings],
        }


def compare(first: RunHistory, second: RunHistory) -> Comparison:
    """Set two runs side by side.

    Raises:
        RunError: when they were measured on different validation sets, or one's data cannot be read.
    """
    for history in (first, second):
        if history.data is None:
            raise RunError(
                f"The frozen data of run {history.id} cannot be read, so nothing tells what it was measured on."
            )
    assert first.data is not None
    assert second.data is not None
    if first.data.val_digest != second.data.val_digest:
        raise RunError(
            f"Runs {first.id} and {second.id} were measured on different validation sets"
            f" ({first.data.val_images} and {second.data.val_images} images, or other annotations),"
            " so their figures cannot be compared.",
            hint="The list of runs says which ones share a set; measure both with evaluate instead.",
        )
    return Comparison(first, second, _class_differences(first.best, second.best), _setting_differences(first, second))


def _class_differences(first: EpochPoint | None, second: EpochPoint | None) -> tuple[ClassDifference, ...]:
    one, two = (dict(p.per_class) if p else {} for p in (first, second))
    names: Sequence[str] = list(dict.fromkeys([*one, *two]))
    return tuple(ClassDifference(n, one.get(n), two.get(n), _minus(two.get(n), one.get(n))) for n in names)


def _setting_differences(first: RunHistory, second: RunHistory) -> tuple[SettingDifference, ...]:
    one, two = (h.config.model_dump(mode="json") for h in (first, second))
    return tuple(SettingDifference(name, one[name], two[name]) for name in one if one[name] != two[name])


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
