from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.annotation import Split
from engine.errors import ProjectError
from engine.project.images import read_image
from engine.project.splits import split_counts
from engine.project.store import ProjectStore
from engine.sample.project import create_sample_project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "Müttern & co"
    create_sample_project(folder).close()
    return folder


def test_the_sample_project_has_its_pictures_objects_and_splits(folder: Path) -> None:
    with ProjectStore.open(folder) as store:
        assert split_counts(store)[Split.TRAIN] == 40
        assert split_counts(store)[Split.VAL] == 12
        assert sum(store.instance_counts().values()) == 389
        assert {c.name for c in store.categories()} == {"washer", "nut", "gasket"}
        holed = [i for a in store.annotations() for i in a if i.mask is not None and i.mask.holes]
        assert len(holed) > 300


def test_the_pictures_are_copies_inside_the_project(folder: Path) -> None:
    with ProjectStore.open(folder) as store:
        for record in store.images():
            path = store.image_path(record.id)
            assert path.is_relative_to(folder)
            assert not Path(record.path).is_absolute()
        assert read_image(path).shape == (record.height, record.width, 3)


def test_a_folder_with_a_project_is_left_as_it_is(folder: Path) -> None:
    before = (folder / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="already"):
        create_sample_project(folder)
    assert (folder / "project.sqlite").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot be copied"):
        create_sample_project(tmp_path / "file" / "project")
