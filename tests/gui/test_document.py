"""What the document promises to canvas and lists."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain import edits
from engine.domain.annotation import Annotation, Category, Instance
from engine.domain.mask import Mask
from engine.domain.prediction import Prediction
from gui.models.document import Document

pytestmark = pytest.mark.gui

SIZE = 40
CATEGORIES = (Category(1, "washer", "#e69f00"), Category(2, "gasket", "#56b4e9"))


class Store:
    """Stands in for the session: keeps what was committed, refuses when told to."""

    def __init__(self) -> None:
        self.commits: list[tuple[Annotation, Annotation, str]] = []
        self.accepts = True

    def commit(self, before: Annotation, after: Annotation, label: str) -> bool:
        if self.accepts:
            self.commits.append((before, after, label))
        return self.accepts


def box_instance(x: int, name: str) -> Instance:
    return Instance.from_mask(Mask.from_box((x, 2, x + 5, 9), SIZE, SIZE), 1, id=name)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def document(qapp: object, store: Store) -> Document:
    document = Document(store.commit)
    document.categories = CATEGORIES
    annotation = Annotation(7, SIZE, SIZE, (box_instance(0, "a"), box_instance(10, "b")))
    document.open(7, np.zeros((SIZE, SIZE, 3), np.uint8), annotation)
    return document


def record(signal: object) -> list[tuple[object, ...]]:
    calls: list[tuple[object, ...]] = []
    signal.connect(lambda *args: calls.append(args))  # type: ignore[attr-defined]
    return calls


def test_an_edit_is_committed_once_with_its_label_and_names_what_it_touched(document: Document, store: Store) -> None:
    changed = record(document.changed)
    before = document.annotation
    after = edits.erase(before, "b", Mask.from_box((10, 2, 12, 4), SIZE, SIZE))
    assert document.edit(after, "Erase washer")
    assert store.commits == [(before, after, "Erase washer")]
    assert document.annotation is after
    assert changed == [(frozenset({"b"}),)]


def test_a_refused_edit_changes_nothing(document: Document, store: Store) -> None:
    store.accepts = False
    changed = record(document.changed)
    before = document.annotation
    assert not document.edit(edits.remove(before, ["a"]), "Delete washer")
    assert document.annotation is before
    assert changed == []


def test_an_edit_that_changes_nothing_is_no_undo_step(document: Document, store: Store) -> None:
    assert not document.edit(document.annotation, "Paint washer")
    assert store.commits == []


def test_a_read_only_document_is_never_committed(document: Document, store: Store) -> None:
    document.read_only = True
    assert not document.edit(edits.remove(document.annotation, ["a"]), "Delete washer")
    assert store.commits == []


def test_what_an_edit_removes_is_no_longer_selected(document: Document) -> None:
    document.select(["a", "b"])
    moved = record(document.selection_changed)
    document.edit(edits.remove(document.annotation, ["a"]), "Delete washer")
    assert document.selection == {"b"}
    assert len(moved) == 1


def test_a_commit_that_refreshes_the_document_itself_is_announced_once(qapp: object) -> None:
    document = Document(lambda before, after, label: document.refresh(after) is None)
    annotation = Annotation(7, SIZE, SIZE, (box_instance(0, "a"),))
    document.open(7, np.zeros((SIZE, SIZE, 3), np.uint8), annotation)
    changed = record(document.changed)
    assert document.edit(edits.remove(annotation, ["a"]), "Delete washer")
    assert len(changed) == 1


def test_refreshing_takes_over_what_undo_restored(document: Document) -> None:
    first = document.annotation
    document.edit(edits.remove(first, ["a"]), "Delete washer")
    changed = record(document.changed)
    document.refresh(first)
    assert document.annotation is first
    assert changed == [(frozenset({"a"}),)]


def test_refreshing_with_another_image_is_ignored(document: Document) -> None:
    before = document.annotation
    document.refresh(Annotation(8, SIZE, SIZE))
    assert document.annotation is before


def test_marking_an_image_as_showing_nothing_is_announced_though_no_object_changed(document: Document) -> None:
    document.edit(edits.remove(document.annotation, ["a", "b"]), "Delete all")
    changed = record(document.changed)
    assert document.edit(edits.set_negative(document.annotation, True), "Nothing here")
    assert changed == [(frozenset(),)]


def test_another_painting_order_is_announced(document: Document) -> None:
    annotation = document.annotation
    swapped = Annotation(7, SIZE, SIZE, annotation.instances[::-1])
    changed = record(document.changed)
    assert document.edit(swapped, "Raise washer")
    assert changed == [(frozenset({"a", "b"}),)]


def test_only_what_is_here_can_be_selected(document: Document) -> None:
    document.select(["a", "nowhere"])
    assert document.selection == {"a"}
    assert document.current == document.annotation.get("a")


def test_selecting_the_same_again_is_not_announced(document: Document) -> None:
    document.select(["a"])
    moved = record(document.selection_changed)
    document.select(["a"])
    assert moved == []


def test_beginning_a_new_object_deselects(document: Document) -> None:
    document.select(["a"])
    document.begin_new_instance()
    assert document.selection == frozenset()


def test_opening_another_image_drops_selection_and_predictions(document: Document) -> None:
    document.select(["a"])
    document.set_predictions([Prediction(3, 7, 1, 0.9, (0.0, 0.0, 5.0, 5.0))])
    document.set_highlight([3], "washer 0.90\none object")
    document.open(8, np.zeros((4, 6, 3), np.uint8), Annotation(8, 4, 6))
    assert (document.selection, document.predictions, document.highlight) == (frozenset(), (), frozenset())
    assert document.highlight_tag == ()


def test_an_image_of_another_size_than_its_annotation_is_refused(document: Document) -> None:
    with pytest.raises(ValueError, match="differ"):
        document.open(8, np.zeros((4, 6, 3), np.uint8), Annotation(8, 6, 4))


def test_the_first_class_becomes_the_active_one(document: Document) -> None:
    assert document.active_category_id == 1


def test_a_class_that_goes_away_does_not_stay_active(document: Document) -> None:
    document.set_active_category(2)
    document.categories = CATEGORIES[:1]
    assert document.active_category_id == 1
    document.categories = ()
    assert document.active_category_id is None


def test_a_closed_document_can_be_asked_everything(document: Document) -> None:
    document.close()
    assert not document.is_open
    assert document.selected == ()
    document.select(["a"])
    document.refresh(Annotation(7, SIZE, SIZE))
    assert document.selection == frozenset()
    assert document.annotation is None
