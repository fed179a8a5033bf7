"""Jobs packed for another machine, and their way back; tests/engine/cli/test_job_cmds.py trains one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.config import TrainConfig, train_config
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.errors import DataError, RunError
from engine.events import AttemptEnded, AttemptStarted, to_line
from engine.project import jobs, whole_folder
from engine.project.checkpoint_files import checkpoint_facts
from engine.project.dataset import FrozenDataset
from engine.project.job_unpack import Unpacked, unpack_job
from engine.project.jobs import JobFacts, pack_job, read_job
from engine.project.runs import RunFolder, RunState, create_run, list_runs
from engine.project.store import ProjectStore

CONFIG = train_config(stages="all:2@1e-2", settings=("image_size=64",))


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return tmp_path / "job"


def pack(project: Path, out: Path, *, config: TrainConfig = CONFIG, link: bool = False) -> JobFacts:
    with ProjectStore.open(project, read_only=True) as store:
        return pack_job(store, config, out, link=link)


def unpack(project: Path, job: Path) -> Unpacked:
    with ProjectStore.open(project, read_only=True) as store:
        return unpack_job(store, job)


def pretend_training(job: Path, *, digest: str | None = None) -> None:
    """Leave behind what a trainer leaves: events, and checkpoints that name the data they were trained on."""
    facts = {"data_digest": digest or read_job(job).data_digest}
    header = {"__metadata__": {"maskwright": json.dumps(facts)},
              "model.x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}  # fmt: skip
    text = json.dumps(header).encode()
    for name in ("last", "best"):
        file = job / "checkpoints" / f"{name}.safetensors"
        file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    started = AttemptStarted(run="job", attempt=1, epochs=2, device="CPU", dtype="float32", pid=1, train_images=3,
                             val_images=1, categories=["ring"])  # fmt: skip
    ended = AttemptEnded(outcome="finished", epoch=2, step=4)
    (job / "events.jsonl").write_text(to_line(started) + to_line(ended))


def everything_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- packing ------------------------------------------------------------------------------------------------------


def test_a_job_is_a_run_folder_whose_images_lie_in_it(drawn_project: Path, job: Path) -> None:
    facts = pack(drawn_project, job)
    run = RunFolder(job)
    data = run.dataset()
    assert data.digest == facts.data_digest
    assert run.config == CONFIG
    assert run.state() is RunState.STARTING
    assert [i.path.parent for i in data.images] == [job / "images"] * 4
    for image in data.images:
        assert image.path.read_bytes() == (drawn_project.parent / "pictures" / image.path.name).read_bytes()
    assert {"launch.sh", "job.slurm", "README.txt", "job.json"} <= {p.name for p in job.iterdir()}


def test_nothing_in_a_job_names_a_place_outside_it(drawn_project: Path, job: Path) -> None:
    pack(drawn_project, job)
    home = str(drawn_project.parent).encode()
    assert [name for name, content in everything_in(job).items() if home in content] == []


def test_a_job_may_be_moved(drawn_project: Path, job: Path, tmp_path: Path) -> None:
    pack(drawn_project, job)
    moved = job.rename(tmp_path / "elsewhere")
    assert all(i.path.is_file() for i in RunFolder(moved).dataset().images)


def test_only_annotated_images_of_training_and_validation_are_packed(drawn_project: Path, job: Path) -> None:
    with ProjectStore.open(drawn_project) as store, store.change("Prepare") as change:
        change.set_split(1, Split.TEST)
        change.put_annotation(Annotation(2, 64, 96))
    pack(drawn_project, job)
    assert sorted(p.name for p in (job / "images").iterdir()) == ["3.png", "4.png"]


def test_a_packed_run_and_one_of_the_project_are_measured_on_the_same_validation_set(
    drawn_project: Path, job: Path
) -> None:
    pack(drawn_project, job)
    with ProjectStore.open(drawn_project) as store:
        here = create_run(store, CONFIG)
    assert RunFolder(job).dataset().digest_of(Split.VAL) == here.dataset().digest_of(Split.VAL)


def test_images_of_one_name_are_kept_apart(drawn_project: Path, job: Path) -> None:
    other = drawn_project.parent / "other"
    other.mkdir()
    with ProjectStore.open(drawn_project) as store, store.change("Add") as change:
        for name in ("1.png", "2.PNG"):
            shutil.copy(drawn_project.parent / "pictures" / "4.png", other / name)
            image_id = change.add_image(other / name, 96, 64, split=Split.TRAIN)
            instance = Instance.from_mask(Mask.from_box((2, 2, 30, 30), 64, 96), 1)
            change.put_annotation(Annotation(image_id, 64, 96, (instance,)))
    pack(drawn_project, job)
    data = RunFolder(job).dataset()
    paths = [i.path for i in data.images]
    assert len({str(p).casefold() for p in paths}) == 6
    assert [p.name for p in paths] == ["1.png", "2.png", "3.png", "4.png", "1.png", "2.PNG"]
    assert paths[4].read_bytes() == paths[3].read_bytes()


@pytest.mark.parametrize("name", ["a..b.png", "..hidden.png", "white space é.png"])
def test_unusual_names_are_packed_as_they_are(drawn_project: Path, job: Path, name: str) -> None:
    add_training_image(drawn_project, name)
    pack(drawn_project, job)
    assert (job / "images" / name).is_file()
    assert RunFolder(job).dataset().images[-1].path == job / "images" / name


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such name")
def test_a_name_that_another_system_reads_as_the_folder_above_is_refused(drawn_project: Path, job: Path) -> None:
    add_training_image(drawn_project, "..\\evil.png")
    with pytest.raises(DataError, match="lead out of the job"):
        pack(drawn_project, job)
    assert not job.exists()


def add_training_image(project: Path, name: str) -> None:
    pictures = project.parent / "pictures"
    shutil.copy(pictures / "1.png", pictures / name)
    with ProjectStore.open(project) as store, store.change("Add") as change:
        image_id = change.add_image(pictures / name, 96, 64, split=Split.TRAIN)
        instance = Instance.from_mask(Mask.from_box((2, 2, 30, 30), 64, 96), 1)
        change.put_annotation(Annotation(image_id, 64, 96, (instance,)))


def test_links_take_no_room_and_copies_are_files_of_their_own(drawn_project: Path, tmp_path: Path) -> None:
    source = drawn_project.parent / "pictures" / "1.png"
    pack(drawn_project, tmp_path / "linked", link=True)
    pack(drawn_project, tmp_path / "copied")
    assert (tmp_path / "linked" / "images" / "1.png").samefile(source)
    assert not (tmp_path / "copied" / "images" / "1.png").samefile(source)


def test_a_picture_that_is_a_symbolic_link_is_packed_as_the_file_behind_it(drawn_project: Path, job: Path) -> None:
    pictures = drawn_project.parent / "pictures"
    (pictures / "1.png").rename(pictures / "behind.png")
    (pictures / "1.png").symlink_to(pictures / "behind.png")
    pack(drawn_project, job, link=True)
    assert not (job / "images" / "1.png").is_symlink()
    assert (job / "images" / "1.png").is_file()


def test_where_no_link_can_be_made_a_copy_is(drawn_project: Path, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(jobs.os, "link", refuse)
    pack(drawn_project, job, link=True)
    assert len(list((job / "images").iterdir())) == 4


def test_a_folder_with_something_in_it_is_left_alone(drawn_project: Path, job: Path) -> None:
    job.mkdir()
    (job / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        pack(drawn_project, job)
    assert everything_in(job) == {"mine.txt": b"mine"}


def test_an_empty_folder_is_filled_and_stays_the_same_folder(drawn_project: Path, job: Path) -> None:
    job.mkdir()
    before = job.stat().st_ino
    pack(drawn_project, job)
    assert job.stat().st_ino == before
    assert not [p for p in job.iterdir() if p.name.startswith(".")]
    assert read_job(job).images == 4


def test_missing_images_are_named_before_anything_is_written(drawn_project: Path, job: Path) -> None:
    (drawn_project.parent / "pictures" / "3.png").unlink()
    with pytest.raises(DataError, match=r"3\.png"):
        pack(drawn_project, job)
    assert not job.exists()


def test_too_little_room_is_told_before_the_drive_is_filled(
    drawn_project: Path, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_folder.shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
    with pytest.raises(RunError, match=r"needs .* MB, and the drive has"):
        pack(drawn_project, job)
    assert not job.exists()


@pytest.mark.parametrize("exists", [False, True])
def test_a_disk_that_fills_up_leaves_nothing_behind(
    drawn_project: Path, job: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    if exists:
        job.mkdir()
    before = sorted(job.parent.iterdir())
    copied = []

    def full_after_two(source: Path, target: Path) -> None:
        copied.append(source)
        if len(copied) > 2:
            raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(jobs.shutil, "copyfile", full_after_two)
    with pytest.raises(RunError, match="No space left on device"):
        pack(drawn_project, job)
    assert len(copied) == 3
    assert sorted(job.parent.iterdir()) == before
    assert not exists or list(job.iterdir()) == []


def test_data_that_cannot_be_learned_from_is_not_packed(drawn_project: Path, job: Path) -> None:
    with ProjectStore.open(drawn_project) as store, store.change("Spoil") as change:
        change.set_split(4, Split.TRAIN)
    with pytest.raises(DataError, match="validation split"):
        pack(drawn_project, job)


def test_the_checkpoint_that_a_job_starts_from_goes_with_it_and_the_run_remembers_where_it_came_from(
    drawn_project: Path, job: Path
) -> None:
    with ProjectStore.open(drawn_project) as store:
        earlier = create_run(store, CONFIG)
    earlier.checkpoint("best").write_bytes(b"weights")
    pack(drawn_project, job, config=CONFIG.model_copy(update={"weights": "run:last@best"}))
    inside = Path(RunFolder(job).config.weights)
    assert not inside.is_absolute()
    assert (job / inside).read_bytes() == b"weights"
    pretend_training(job)
    assert unpack(drawn_project, job).run.config.weights == f"run:{earlier.id}@best"


def test_weights_that_do_not_exist_are_told_before_anything_is_written(drawn_project: Path, job: Path) -> None:
    with pytest.raises(RunError, match="do not exist"):
        pack(drawn_project, job, config=CONFIG.model_copy(update={"weights": "nowhere.pth"}))
    assert not job.exists()


def test_packing_says_how_far_it_is(drawn_project: Path, job: Path) -> None:
    seen: list[tuple[int, int]] = []
    with ProjectStore.open(drawn_project, read_only=True) as store:
        pack_job(store, CONFIG, job, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


# --- unpacking ----------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(drawn_project: Path, job: Path) -> Path:
    """A job that came to its end."""
    pack(drawn_project, job)
    pretend_training(job)
    return job


def test_a_trained_job_becomes_a_run_that_refers_to_the_projects_images(drawn_project: Path, trained: Path) -> None:
    facts = read_job(trained)
    came = unpack(drawn_project, trained)
    assert [r.id for r in list_runs(drawn_project)] == [facts.run]
    assert (came.state, came.strangers) == (RunState.FINISHED, ())
    assert came.run.created == pytest.approx(facts.created)
    data = came.run.dataset()
    assert data.digest == facts.data_digest
    assert [i.path for i in data.images] == [drawn_project.parent / "pictures" / f"{n}.png" for n in range(1, 5)]
    assert came.run.checkpoint("best").read_bytes() == RunFolder(trained).checkpoint("best").read_bytes()
    assert not (came.run.path / "images").exists()


def test_nothing_but_the_run_is_added_to_the_project(drawn_project: Path, trained: Path) -> None:
    before = everything_in(drawn_project).keys()
    (trained / "stop").touch()
    (trained / "extra.bin").write_bytes(b"x")
    run = unpack(drawn_project, trained).run
    new = {name.removeprefix(f"runs/{run.id}/") for name in everything_in(drawn_project).keys() - before}
    assert new == {"config.json", "events.jsonl", "data/dataset.json", "checkpoints/best.safetensors",
                   "checkpoints/last.safetensors"}  # fmt: skip


def test_a_run_that_is_there_already_is_not_replaced(drawn_project: Path, trained: Path) -> None:
    run = unpack(drawn_project, trained).run
    before = everything_in(run.path)
    with pytest.raises(RunError, match="in the project already"):
        unpack(drawn_project, trained)
    assert everything_in(run.path) == before


def test_changed_data_is_refused(drawn_project: Path, trained: Path) -> None:
    file = trained / "data" / "dataset.json"
    data = json.loads(file.read_text())
    data["images"][0]["instances"].pop()
    file.write_text(json.dumps(data))
    with pytest.raises(RunError, match="no longer what was packed"):
        unpack(drawn_project, trained)
    assert list_runs(drawn_project) == []


def test_a_checkpoint_of_other_data_is_refused(drawn_project: Path, trained: Path) -> None:
    pretend_training(trained, digest="0" * 64)
    with pytest.raises(RunError, match="trained on other data"):
        unpack(drawn_project, trained)


@pytest.mark.parametrize(("keep", "reason"), [(-3, "not complete"), (20, "cannot be read"), (0, "cannot be read")])
def test_a_checkpoint_that_was_cut_off_on_the_way_is_refused(
    drawn_project: Path, trained: Path, keep: int, reason: str
) -> None:
    file = RunFolder(trained).checkpoint("last")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(RunError, match=reason):
        unpack(drawn_project, trained)
    assert list_runs(drawn_project) == []


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"__metadata__": {"maskwright": "no json"}}', b'"x"', b"\xff"])
def test_a_file_that_is_no_checkpoint_gets_a_sentence(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RunError, match="cannot be read"):
        checkpoint_facts(file)


def test_a_job_that_is_still_being_trained_is_refused(drawn_project: Path, trained: Path) -> None:
    with RunFolder(trained).hold(), pytest.raises(RunError, match="still being trained"):
        unpack(drawn_project, trained)


def test_a_job_without_a_checkpoint_is_refused_with_the_reason(drawn_project: Path, job: Path) -> None:
    pack(drawn_project, job)
    with pytest.raises(RunError, match="has not been trained yet"):
        unpack(drawn_project, job)
    pretend_training(job)
    shutil.rmtree(job / "checkpoints")
    with (job / "events.jsonl").open("a") as file:
        file.write(to_line(AttemptEnded(outcome="failed", epoch=0, step=0, reason="No GPU was found.")))
    with pytest.raises(RunError, match="failed before its first checkpoint: No GPU was found"):
        unpack(drawn_project, job)


def test_a_job_of_another_project_is_refused(drawn_project: Path, trained: Path, tmp_path: Path) -> None:
    ProjectStore.create(tmp_path / "stranger").close()
    with pytest.raises(RunError, match="packed from “project”"):
        unpack(tmp_path / "stranger", trained)


def test_an_image_that_left_the_project_stays_with_the_run(drawn_project: Path, trained: Path) -> None:
    with ProjectStore.open(drawn_project) as store, store.change("Remove") as change:
        change.remove_image(2)
    came = unpack(drawn_project, trained)
    assert came.strangers == ("2.png",)
    data = came.run.dataset()
    assert data.images[1].path == came.run.path / "images" / "2.png"
    assert all(i.path.is_file() for i in data.images)
    assert data.digest == read_job(trained).data_digest


def test_a_job_may_come_back_without_its_images(drawn_project: Path, trained: Path) -> None:
    shutil.rmtree(trained / "images")
    assert all(i.path.is_file() for i in unpack(drawn_project, trained).run.dataset().images)


def test_a_path_that_leads_out_of_the_job_is_refused(drawn_project: Path, trained: Path) -> None:
    file = trained / "data" / "dataset.json"
    for outside in ("images/../../1.png", "..\\1.png"):
        data = json.loads(file.read_text())
        data["images"][0]["path"] = outside
        file.write_text(json.dumps(data))
        with pytest.raises(RunError, match="outside its folder"):
            unpack(drawn_project, trained)


def test_a_run_id_that_leads_out_of_the_project_is_refused(drawn_project: Path, trained: Path) -> None:
    file = trained / "job.json"
    for run in ("../../x", "..", ".hidden", "a/b", "", "C:"):
        file.write_text(json.dumps({**json.loads(file.read_text()), "run": run}))
        with pytest.raises(RunError, match="description cannot be read"):
            unpack(drawn_project, trained)


def test_a_link_that_leads_out_of_the_job_is_refused(drawn_project: Path, trained: Path, tmp_path: Path) -> None:
    file = RunFolder(trained).checkpoint("last")
    file.rename(tmp_path / "secret")
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(RunError, match="link that leads out"):
        unpack(drawn_project, trained)
    assert list_runs(drawn_project) == []


def test_a_folder_that_is_no_job_gets_a_sentence(drawn_project: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RunError, match="no job in this folder"):
            unpack(drawn_project, folder)


def test_a_full_disk_leaves_no_half_run_in_the_project(
    drawn_project: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.project import job_unpack

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(job_unpack.shutil, "copyfile", full)
    with pytest.raises(RunError, match="No space left on device"):
        unpack(drawn_project, trained)
    assert list((drawn_project / "runs").iterdir()) == []


def test_a_run_under_way_into_the_project_is_not_listed(
    drawn_project: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[int] = []
    real = FrozenDataset.save

    def look(self: FrozenDataset, path: Path) -> None:
        real(self, path)
        (path.parent.parent / "config.json").write_text("{}")
        listed.append(len(list_runs(drawn_project)))

    monkeypatch.setattr(FrozenDataset, "save", look)
    unpack(drawn_project, trained)
    assert listed == [0]
