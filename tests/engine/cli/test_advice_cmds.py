"""advise, probe and sample-preview, as a person or a program runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.app import build_app
from engine.config import PRESETS, TrainConfig
from engine.errors import DataError
from engine.training import memory
from engine.training.memory import Measured

TINY = ("--set", "image_size=64", "--set", "device=cpu", "--set", "amp=off", "--set", "threads=1",
        "--set", "min_epoch_steps=0")  # fmt: skip


@pytest.fixture
def run():
    """Runs a command; gives its exit code."""
    app = build_app()
    return lambda *args: app(args=[str(a) for a in args], standalone_mode=False) or 0


def test_advise_gives_a_program_anchors_and_rois(run, drawn_project: Path, capsys) -> None:
    assert run("advise", drawn_project, *TINY, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["anchors"]["fit"]["objects"] == 6
    assert facts["anchors"]["sizes"] == list(PRESETS["quick"].anchor_sizes)
    assert facts["rois"]["images"] == 3
    assert facts["rois"]["trained"] is False


def test_sample_preview_writes_its_pictures_where_it_is_told(run, drawn_project: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    arguments = ("--image", "1.png", "--count", "2", "--out", out, "--no-augment")
    assert run("sample-preview", drawn_project, *arguments, *TINY, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(f["epoch"], f["pass"], f["augmented"], f["vanished"]) for f in facts] == [
        (1, 0, False, []), (2, 0, False, []),
    ]  # fmt: skip
    assert {p.name for p in out.iterdir()} == {name for f in facts for name in f["files"]}


def test_probe_tells_what_fits_and_exits_with_1_when_it_does_not(run, drawn_project: Path, capsys, monkeypatch) -> None:
    def measured(_dataset: object, config: TrainConfig, *, project_folder: Path) -> Measured:
        assert project_folder == drawn_project
        return Measured(True, 100.0 * config.batch_size, None, 300.0, "a computer", ((config.batch_size, 64, 64, 4),))

    monkeypatch.setattr(memory, "measure_apart", measured)
    assert run("probe", drawn_project, *TINY, "--fit") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "200 of 300 MiB free: fits" in told
    assert "Largest batch that fits at once: 2" in told
    assert run("probe", drawn_project, *TINY, "--set", "batch_size=4", "--fit", "--json") == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["fits"], facts["fit"]["largest_batch"], facts["fit"]["part_size"]) == (False, 2, 2)
    assert {p["name"]: p["fits"] for p in facts["proposals"]}["batch_size"] is True


def test_data_that_cannot_be_trained_on_is_refused(run, drawn_project: Path) -> None:
    from engine.domain.annotation import Split
    from engine.project.store import ProjectStore

    with ProjectStore.open(drawn_project) as store, store.change("Spoil") as change:
        for record in store.images():
            change.set_split(record.id, Split.VAL)
    for command in ("advise", "probe"):
        with pytest.raises(DataError, match="training split"):
            run(command, drawn_project, *TINY)
