from pathlib import Path

import pytest

from engine.config import train_config
from engine.domain.annotation import Annotation, Instance, Split
from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction
from engine.errors import DataError, RunError
from engine.project.dataset import FrozenDataset, freeze
from engine.project.filelock import FileLock, is_locked
from engine.project.predictions import PredictionStore
from engine.project.runs import RunState, create_run, list_runs, open_run
from engine.project.store import ProjectStore


@pytest.fixture
def store(tmp_path: Path):
    with ProjectStore.create(tmp_path / "project") as store, store.change("Set up") as change:
        ring, disc = change.add_category("ring"), change.add_category("disc")
        for number, split in enumerate((Split.TRAIN, Split.TRAIN, Split.VAL)):
            image_id = change.add_image(tmp_path / f"{number}.png", 40, 30, split=split)
            masks = [Mask.from_box((2, 2, 12, 12), 30, 40), Mask.from_box((20, 4, 30, 14), 30, 40)]
            instances = [Instance.from_mask(m, c.id) for m, c in zip(masks, (ring, disc), strict=True)]
            change.put_annotation(Annotation(image_id, 30, 40, tuple(instances)))
    with ProjectStore.open(tmp_path / "project") as store:
        yield store


def test_frozen_data_comes_back_and_does_not_change_with_the_project(store: ProjectStore) -> None:
    run = create_run(store, train_config())
    before = run.dataset()
    assert before.digest == freeze(store).digest
    with store.change("Remove") as change:
        change.remove_category(store.categories()[1].id)
    assert run.dataset() == before
    assert freeze(store).digest != before.digest


def test_an_image_without_a_word_is_not_a_negative(store: ProjectStore) -> None:
    ids = [i.id for i in store.images()]
    with store.change("Empty two") as change:
        change.put_annotation(Annotation(ids[0], 30, 40))
        change.put_annotation(Annotation(ids[1], 30, 40, negative=True))
    data = freeze(store)
    assert [i.image_id for i in data.annotated(Split.TRAIN)] == [ids[1]]
    assert len(data.of_split(Split.TRAIN)) == 2


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda store, change: [change.put_annotation(Annotation(i.id, 30, 40)) for i in store.images()], "no object"),
        (lambda store, change: change.add_category("cross"), "“cross”"),
        (lambda store, change: change.set_split(store.images()[2].id, Split.TRAIN), "validation split"),
        (lambda store, change: [change.set_split(i.id, Split.VAL) for i in store.images()], "training split"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused_with_the_reason(store: ProjectStore, spoil, reason: str) -> None:
    with store.change("Spoil") as change:
        spoil(store, change)
    with pytest.raises(DataError, match=reason):
        create_run(store, train_config())
    assert list_runs(store.folder) == []


def test_runs_are_listed_newest_first_and_found_by_id(store: ProjectStore) -> None:
    first, second = create_run(store, train_config()), create_run(store, train_config())
    assert first.id != second.id
    assert [r.id for r in list_runs(store.folder)] == [second.id, first.id]
    assert open_run(store.folder).id == second.id
    assert open_run(store.folder, first.id).path == first.path
    assert first.state() is RunState.STARTING
    with pytest.raises(RunError, match="no run “x”"):
        open_run(store.folder, "x")


def test_a_project_without_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no training run yet"):
        open_run(tmp_path)


def test_a_held_run_is_live_and_a_released_one_is_not(store: ProjectStore) -> None:
    run = create_run(store, train_config())
    lock = run.hold()
    assert run.is_live()
    lock.release()
    assert not run.is_live()


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as lock:
        assert lock.acquire()
        assert is_locked(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
    assert not is_locked(tmp_path / "missing")


def test_damaged_frozen_data_gets_a_sentence(tmp_path: Path) -> None:
    for content in ("", "{}", '{"images": 3}'):
        (tmp_path / "dataset.json").write_text(content)
        with pytest.raises(RunError, match="frozen data"):
            FrozenDataset.load(tmp_path / "dataset.json")


def predictions(image_id: int) -> Detections:
    mask = Mask.from_box((2, 2, 12, 12), 30, 40)
    found = (Prediction(0, image_id, 1, 0.9, (2, 2, 12, 12), mask, 4), Prediction(0, image_id, 2, 0.2, (1, 1, 5, 5)))
    return Detections(image_id, 30, 40, found)


def test_predictions_come_back_above_a_score(tmp_path: Path) -> None:
    path = tmp_path / "predictions.sqlite"
    with PredictionStore(path, read_only=False) as writer:
        writer.add(predictions(7), 3)
        writer.add(Detections(8, 30, 40, ()), 3)
    with PredictionStore(path) as reader:
        (best,) = reader.detections(7, min_score=0.5).predictions
        assert (best.category_id, best.roi, best.mask.area) == (1, 4, 100)
        assert best.id > 0
        assert len(reader.detections(7)) == 2
        assert len(reader.detections(8)) == 0
        assert reader.image_ids() == [7, 8]
        with pytest.raises(KeyError):
            reader.detections(9)


def test_detecting_again_replaces_what_that_epoch_had_found(tmp_path: Path) -> None:
    path = tmp_path / "predictions.sqlite"
    with PredictionStore(path, read_only=False) as writer:
        writer.add(predictions(7), 3)
        writer.add(predictions(7), 3)
        writer.add(predictions(7), 5)
        assert len(writer.detections(7, 3)) == 2
        assert writer.epochs() == [5, 3]


def test_no_database_yet_reads_as_empty_and_is_found_once_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "predictions.sqlite"
    with PredictionStore(path) as reader:
        assert reader.epochs() == []
        with PredictionStore(path, read_only=False) as writer:
            writer.add(predictions(7), 1)
        assert reader.epochs() == [1]


def test_a_damaged_database_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "predictions.sqlite"
    path.write_bytes(b"this is no database, not at all, " * 40)
    with pytest.raises(RunError, match="cannot be read"):
        PredictionStore(path)
