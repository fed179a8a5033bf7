"""Laws of undo and redo over random editing sessions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.annotation import Annotation, ImageStatus, Instance, Origin, Provenance, Split
from engine.domain.mask import Mask
from engine.errors import UndoError
from engine.project.changeset import Changeset
from engine.project.records import Decision, Verdict
from engine.project.store import ProjectStore

HEIGHT, WIDTH = 12, 16
LAWS = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))

# One step: its kind and three numbers that say which image, class, instance, pixels.  The edits are arbitrary on
# purpose: a law that holds for any change of rows holds for those of the canvas.
small = st.integers(0, 11)
EDITS = ("draw", "draw", "draw new class", "paint", "paint", "delete", "relabel", "reorder", "negative", "status",
         "split", "class", "rename", "merge", "remove class", "add image", "remove image", "decide",
         "accept all")  # fmt: skip
edit_steps = st.tuples(st.sampled_from(EDITS), small, small, small)
any_steps = st.tuples(st.sampled_from((*EDITS, *("undo", "redo") * 5, "undo all", "reopen")), small, small, small)


class Session:
    """A project under random edits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ProjectStore.create(folder)
        self.made = 0

    def reopen(self) -> None:
        self.store.close()
        self.store = ProjectStore.open(self.folder)

    def state(self) -> Any:
        self.store._contents.forget()
        s = self.store
        return s.images(), s.categories(), tuple(s.annotations()), s.decisions()

    def edit(self, kind: str, a: int, b: int, c: int) -> None:
        """Do one step, or nothing where it makes no sense."""
        with self.store.change(kind) as change:
            if kind == "class":
                change.add_category(f"class {b}")
            elif kind == "add image":
                change.add_image(f"{b}.png", WIDTH, HEIGHT)
            elif self.store.images() and self.store.categories():
                image = self.store.images()[a % len(self.store.images())].id
                category = self.store.categories()[b % len(self.store.categories())].id
                self.STEPS[kind](self, change, image, category, c)

    def _put(self, change: Changeset, annotation: Annotation, instances: tuple[Instance, ...]) -> None:
        change.put_annotation(replace(annotation, instances=instances))

    def _draw(self, change: Changeset, image: int, category: int, c: int) -> None:
        self.made += 1
        before = self.store.annotation(image)
        made_from = Provenance("r", c, c / 7) if c % 3 == 0 else None
        new = Instance.from_mask(
            pixels(c), category, id=f"i{self.made}", origin=Origin.MODEL if made_from else Origin.HUMAN,
            provenance=made_from,
        )  # fmt: skip
        if c % 5 == 0:
            new = Instance(new.id, category, (0.5, 1.25, c + 1.0, 9.0))
        place = c % (len(before) + 1)
        self._put(change, before, (*before.instances[:place], new, *before.instances[place:]))

    def _on_one(self, image: int, c: int, touch: Callable[[Instance], Instance | None]) -> Annotation:
        before = self.store.annotation(image)
        if not before.instances:
            return before
        chosen = before.instances[c % len(before)].id
        touched = (touch(i) if i.id == chosen else i for i in before)
        return replace(before, instances=tuple(i for i in touched if i is not None))

    def _paint(self, change: Changeset, image: int, category: int, c: int) -> None:
        empty = Mask.empty(HEIGHT, WIDTH)
        change.put_annotation(self._on_one(image, c, lambda i: i.with_mask((i.mask or empty) ^ pixels(c + category))))

    def _delete(self, change: Changeset, image: int, category: int, c: int) -> None:
        change.put_annotation(self._on_one(image, c, lambda _: None))

    def _relabel(self, change: Changeset, image: int, category: int, c: int) -> None:
        change.put_annotation(self._on_one(image, c, lambda i: replace(i, category_id=category)))

    def _reorder(self, change: Changeset, image: int, category: int, c: int) -> None:
        before = self.store.annotation(image)
        self._put(change, before, before.instances[c % 3 :] + before.instances[: c % 3])

    def _negative(self, change: Changeset, image: int, category: int, c: int) -> None:
        before = self.store.annotation(image)
        change.put_annotation(replace(before, negative=not before.negative))

    def _status(self, change: Changeset, image: int, category: int, c: int) -> None:
        change.set_status(image, list(ImageStatus)[c % len(ImageStatus)])

    def _split(self, change: Changeset, image: int, category: int, c: int) -> None:
        for record in self.store.images():
            change.set_split(record.id, list(Split)[(c + record.id) % len(Split)])

    def _rename(self, change: Changeset, image: int, category: int, c: int) -> None:
        if self.store.category_named(f"class {c}") is None:
            change.rename_category(category, f"class {c}")

    def _draw_new_class(self, change: Changeset, image: int, category: int, c: int) -> None:
        self._draw(change, image, change.add_category(f"class {c}").id, c)

    def _merge(self, change: Changeset, image: int, category: int, c: int) -> None:
        other = self.store.categories()[c % len(self.store.categories())].id
        if other != category:
            change.merge_category(category, other)

    def _remove_class(self, change: Changeset, image: int, category: int, c: int) -> None:
        change.remove_category(category)

    def _remove_image(self, change: Changeset, image: int, category: int, c: int) -> None:
        change.remove_image(image)

    def _decide(self, change: Changeset, image: int, category: int, c: int) -> None:
        known = {d.prediction_id: d.image_id for d in self.store.decisions()}
        change.decide(Decision("r", c, known.get(c, image), list(Verdict)[category % 4], reason=f"{category}"))

    def _accept_all(self, change: Changeset, image: int, category: int, c: int) -> None:
        for record in self.store.images():
            self._draw(change, record.id, category, c)
            change.decide(Decision(f"r{record.id}", c, record.id, Verdict.ACCEPTED))

    STEPS: ClassVar[dict[str, Callable[..., None]]] = {
        "draw": _draw, "paint": _paint, "delete": _delete, "relabel": _relabel, "reorder": _reorder,
        "negative": _negative, "status": _status, "split": _split, "rename": _rename, "merge": _merge,
        "draw new class": _draw_new_class, "remove class": _remove_class, "remove image": _remove_image,
        "decide": _decide, "accept all": _accept_all,
    }  # fmt: skip


def pixels(seed: int) -> Mask:
    """Any mask, holes and scattered pixels included, empty for some."""
    rng = np.random.default_rng(seed)
    return Mask.from_array(rng.random((HEIGHT, WIDTH)) < (seed % 4) / 4)


@pytest.fixture
def new_session() -> Any:
    """Makes sessions in folders of their own, closed and removed afterwards."""
    made: list[Session] = []

    def make() -> Session:
        while made:
            _end(made.pop())
        session = Session(Path(tempfile.mkdtemp(prefix="laws-")) / "p")
        made.append(session)
        for step in (("class", 0, 0, 0), ("class", 0, 1, 0), *(("add image", 0, n, 0) for n in range(3))):
            session.edit(*step)
        return session

    yield make
    while made:
        _end(made.pop())


def _end(session: Session) -> None:
    session.store.close()
    shutil.rmtree(session.folder.parent)


@LAWS
@given(steps=st.lists(edit_steps, max_size=25))
def test_undoing_step_by_step_visits_every_earlier_state_and_redoing_every_later_one(
    new_session: Any, steps: list[tuple[str, int, int, int]]
) -> None:
    session = new_session()
    states = [session.state()]
    for step in steps:
        session.edit(*step)
        state = session.state()
        if state != states[-1]:
            states.append(state)
    session.reopen()
    for expected in reversed(states[:-1]):
        _undo_to_other_state(session)
        assert session.state() == expected
    session.reopen()
    for expected in states[1:]:
        _redo_to_other_state(session)
        assert session.state() == expected


def _undo_to_other_state(session: Session) -> None:
    # a change whose parts cancel out leaves a step that changes nothing
    before = session.state()
    while session.state() == before:
        assert session.store.undo() is not None


def _redo_to_other_state(session: Session) -> None:
    before = session.state()
    while session.state() == before:
        assert session.store.redo() is not None


@LAWS
@given(steps=st.lists(any_steps, max_size=40))
def test_an_undo_is_taken_back_exactly_by_the_next_redo_and_a_refusal_changes_nothing(
    new_session: Any, steps: list[tuple[str, int, int, int]]
) -> None:
    session = new_session()
    for kind, a, b, c in steps:
        image = None if a == 0 else a
        if kind == "reopen":
            session.reopen()
        elif kind == "redo":
            _checked(session, session.store.redo, image)
        elif kind == "undo all":
            while _checked(session, session.store.undo, image):
                pass
        elif kind == "undo":
            before = session.state()
            undone = _checked(session, session.store.undo, image)
            if undone is not None:
                assert session.store.redo_label(image) == undone.label
                redone = session.store.redo(image)
                assert redone == undone
                assert session.state() == before
                session.store.undo(image)
        else:
            session.edit(kind, a, b, c)
    _all_the_way_back_and_forth(session)


def _checked(session: Session, act: Callable[[int | None], Any], image: int | None) -> Any:
    before = session.state()
    try:
        changed = act(image)
    except UndoError:
        changed = None
    if changed is None:
        assert session.state() == before
    return changed


def _all_the_way_back_and_forth(session: Session) -> None:
    """However changes were undone in between, the whole history leads to the empty project and back."""
    end = session.state()
    steps = 0
    while session.store.undo() is not None:
        steps += 1
    assert session.state() == ((), (), (), ())
    session.reopen()
    for _ in range(steps):
        assert session.store.redo() is not None
    assert session.state() == end
    assert session.store._db.rows("PRAGMA foreign_key_check") == []
    assert session.store._db.one("PRAGMA integrity_check") == ("ok",)
