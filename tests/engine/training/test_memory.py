"""The memory probe: worst batches, real steps apart, and what is proposed when memory is short."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Annotation, Category, Instance, Split
from engine.errors import RunError
from engine.model.architecture import Architecture
from engine.model.mask_rcnn import MaskRCNN
from engine.project.dataset import FrozenDataset, FrozenImage
from engine.training import free_memory, recovery, remedies
from engine.training.memory import MOST_OF_FREE, Measured, largest_fit, measure_apart, probe
from engine.training.probe_steps import fill_positives
from engine.training.worst import WorstBatches


def asked(*settings: str) -> TrainConfig:
    usual = ("image_size=64", "device=cpu", "amp=off", "threads=1", "min_epoch_steps=0")
    return train_config("quick", settings=(*usual, *settings))


def data(*shapes: tuple[int, int, int]) -> FrozenDataset:
    """Images of (height, width, number of objects)."""
    images = []
    for number, (height, width, count) in enumerate(shapes):
        instances = tuple(Instance(f"{number}-{k}", 1, (k, 0, k + 5, 9)) for k in range(count))
        images.append(
            FrozenImage(number, Path(f"{number}.png"), Annotation(number, height, width, instances), Split.TRAIN)
        )
    return FrozenDataset((Category(1, "nut", "#000000"),), tuple(images), boxes_only=True)


def made_up(config: TrainConfig) -> Measured:
    """A peak that grows as a network's does: a base, images x pixels, ROIs, layers."""
    layers = {"heads": 0, "5+": 10, "4+": 20, "3+": 30, "all": 40}[config.plan.stages[0].layers]
    body = {"lite0": 100, "resnet50-imagenet-v1": 300, "resnet101-imagenet": 500}[config.weights]
    peak = body + layers + config.batch_size * (config.image_size / 64) ** 2 + config.rois_per_image / 128
    return Measured(completed=True, peak_mib=peak, free_mib=10_000.0, device="a computer")


# --- the worst batch ------------------------------------------------------------------------------------------------


def test_the_worst_batch_has_the_largest_inputs_and_another_the_most_objects() -> None:
    dataset = data((64, 64, 1), (64, 32, 9), (32, 64, 2), (64, 64, 3), (64, 16, 8), (16, 64, 1))
    assert WorstBatches(dataset, asked("batch_size=2")).indices() == [(3, 2), (1, 4)]


def test_the_largest_image_takes_the_fullest_ones_beside_it() -> None:
    dataset = data((64, 64, 1), (64, 64, 2), (32, 64, 3), (16, 64, 9), (16, 64, 8))
    assert WorstBatches(dataset, asked("batch_size=2")).indices() == [(1, 3), (3, 4)]


def test_one_batch_is_enough_when_it_is_both() -> None:
    dataset = data((64, 64, 4), (32, 64, 1), (32, 64, 3))
    assert WorstBatches(dataset, asked("batch_size=1")).indices() == [(0,)]


def test_upright_and_lying_images_meet_in_the_worst_batch_only_where_the_loader_lets_them() -> None:
    apart = WorstBatches(data((64, 32, 1), (64, 32, 1), (32, 64, 1), (32, 64, 1)), asked("batch_size=2"))
    assert apart.indices() == [(0, 1)]
    meeting = WorstBatches(data((64, 32, 1), (64, 32, 1), (64, 32, 1), (32, 64, 1)), asked("batch_size=2"))
    assert meeting.indices() == [(0, 3)]


def test_a_set_smaller_than_its_batch_is_met_several_times() -> None:
    worst = WorstBatches(data((64, 64, 1), (64, 64, 2)), asked("batch_size=3", "min_epoch_steps=2"))
    assert worst.indices() == [(1, 0, 1)]


# --- real steps -----------------------------------------------------------------------------------------------------


def test_a_tiny_training_fits_into_this_computer(tiny_dataset: FrozenDataset, tmp_path: Path) -> None:
    measured = measure_apart(tiny_dataset, asked("batch_size=2"), project_folder=tmp_path)
    assert measured.completed
    assert measured.batches == ((2, 64, 64, 4),)
    if measured.peak_mib is not None:  # Windows does not tell
        weights = sum(p.numel() for p in MaskRCNN(Architecture(classes=2), pretrained=False).parameters()) * 4 / 2**20
        assert measured.peak_mib > 3 * weights  # weights, gradients and the optimiser's state
        assert measured.fits


def test_the_probe_counts_as_many_positives_as_a_trained_network_would_have() -> None:
    network = MaskRCNN(Architecture(classes=2, rois_per_image=32), pretrained=False)
    fill_positives(network, 32)
    proposals = torch.rand(50, 4).sort(dim=1).values * 60
    target = {"boxes": torch.tensor([[3.0, 3.0, 30.0, 30.0]]), "labels": torch.tensor([2]), "masks": []}
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "masks": []}
    _, matched, labels, _ = network.roi_heads.select_training_samples([proposals, proposals], [target, empty])
    assert [int((own > 0).sum()) for own in labels] == [8, 0]
    assert [len(own) for own in labels] == [32, 32]
    assert set(matched[0].tolist()) == {0}


def test_a_process_that_the_system_ended_means_that_it_does_not_fit(tmp_path: Path, monkeypatch) -> None:
    killed = subprocess.CompletedProcess([], -9, b"", b"")
    monkeypatch.setattr("engine.training.memory.subprocess.run", lambda *_, **__: killed)
    assert measure_apart(data((64, 64, 1)), asked(), project_folder=tmp_path).fits is False


def test_a_probe_that_fails_for_another_reason_says_which(tmp_path: Path, monkeypatch) -> None:
    failed = subprocess.CompletedProcess([], 1, b"", b"Something else.\nThe image is missing (0.png)")
    monkeypatch.setattr("engine.training.memory.subprocess.run", lambda *_, **__: failed)
    with pytest.raises(RunError, match=r"The image is missing \(0\.png\)"):
        measure_apart(data((64, 64, 1)), asked(), project_folder=tmp_path)


# --- what follows from it -------------------------------------------------------------------------------------------


def test_what_fits_needs_no_proposal() -> None:
    report = probe(asked(), made_up)
    assert (report.measured.fits, report.proposals) == (True, ())
    assert "fits." in report.lines()[0]


def test_when_memory_is_short_each_remedy_is_probed_in_matterports_order() -> None:
    config = asked("weights=resnet101-imagenet", "image_size=640", "batch_size=4", "rois_per_image=256")
    taken = made_up(config).peak_mib
    assert taken is not None
    report = probe(config, made_up, free_mib=(taken - 150) / MOST_OF_FREE)
    assert report.measured.fits is False
    assert [p.name for p in report.proposals] == ["backbone", "layers", "image_size", "batch_size", "rois_per_image"]
    assert [p.change for p in report.proposals] == [
        "--set weights=resnet50-imagenet-v1",
        "stages that train 4+ instead of 3+",
        "--set image_size=480",
        "--set batch_size=2",
        "--set rois_per_image=128",
    ]
    assert [p.measured.fits for p in report.proposals] == [True, False, True, True, False]
    assert report.lines()[-1] == "Suggested: --set weights=resnet50-imagenet-v1"


def test_when_nothing_suffices_alone_all_of_it_is_tried_together() -> None:
    report = probe(asked("rois_per_image=32", "batch_size=4"), made_up, free_mib=120 / MOST_OF_FREE)
    assert [p.name for p in report.proposals] == ["layers", "batch_size", "together"]
    assert [p.measured.fits for p in report.proposals] == [False, False, False]
    assert "larger computer" in report.lines()[-1]
    together = probe(asked("batch_size=4"), made_up, free_mib=123 / MOST_OF_FREE).proposals
    assert [(p.name, p.measured.fits) for p in together][-2:] == [("rois_per_image", False), ("together", True)]


def test_remedies_are_one_list_with_the_words_of_a_training_that_ran_out_of_memory() -> None:
    assert remedies.in_words() == "a smaller backbone, fewer layers, image size, batch size, ROIs per image"
    assert recovery.remedies is remedies


def test_nothing_is_lowered_below_what_is_sensible() -> None:
    config = asked("batch_size=1", "rois_per_image=32")
    lowered = [r.name for r in remedies.REMEDIES if r.lower(config) is not None]
    assert lowered == ["layers"]


@pytest.mark.parametrize(("free", "largest"), [(150 / 0.9, 19), (131.5 / 0.9, 0), (133 / 0.9, 2), (9_999.0, 32)])
def test_the_largest_batch_is_as_large_as_memory_allows(free: float, largest: int) -> None:
    tried = []

    def measure(config: TrainConfig) -> Measured:
        tried.append(config.batch_size)
        return made_up(config)

    report = largest_fit(asked("batch_size=4", "rois_per_image=128"), measure, images=100, free_mib=free)
    assert report.largest == largest == max([n for n in tried if made_up_fits(n, free)], default=0)
    assert report.part_size == min(4, largest)
    assert len(tried) <= 3


def made_up_fits(batch_size: int, free: float) -> bool:
    return (made_up(asked(f"batch_size={batch_size}")).peak_mib or 0) <= MOST_OF_FREE * free


def test_a_batch_is_never_larger_than_the_set_and_what_is_guessed_too_large_is_lowered() -> None:
    def steep(config: TrainConfig) -> Measured:
        return Measured(True, 100.0 + config.batch_size**2, free_mib=1000.0)

    assert largest_fit(asked(), made_up, images=7).largest == 7
    found = largest_fit(asked(), steep, images=100).largest
    assert 10 < found <= 28  # 28 is the most: 100 + 28 * 28 of 900


def test_where_nothing_is_told_nothing_is_compared() -> None:
    unknown = Measured(completed=True, free_mib=None, peak_mib=500.0)
    assert probe(asked(), lambda _config: unknown).measured.fits is None
    with pytest.raises(RunError, match="does not tell"):
        largest_fit(asked(), lambda _config: unknown, images=5)


def test_a_containers_limit_counts_and_its_cached_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{100 << 20}\n")
    (tmp_path / "memory.current").write_text(f"{60 << 20}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {20 << 20}\nfile 5\n")
    assert free_memory._container_left(tmp_path) == 60
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory._container_left(tmp_path) is None
    assert free_memory._container_left(tmp_path / "nowhere") is None


def test_linux_tells_what_is_available(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  4096 kB\nMemAvailable:    2048 kB\n")
    assert free_memory._linux_available(tmp_path / "meminfo") == 2
    assert np.isclose(free_memory._field(tmp_path / "meminfo", "MemTotal") or 0, 4)
    assert free_memory._linux_available(tmp_path / "nothing") is None
