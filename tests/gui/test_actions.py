"""The table of actions: keys do not compete, each action does something, only what holds here is enabled."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QKeySequence

from gui.actions import TABLE, ActionSpec, Need, Room, key_conflicts, spec
from gui.commands import Commands
from gui.dialogs.keys import sections

pytestmark = pytest.mark.gui

# PRODUCT: "Keys and mouse", for what exists.
PROMISED = {
    "V": "tool_select", "B": "tool_brush", "E": "tool_eraser", "P": "tool_polygon", "L": "tool_lasso",
    "U": "tool_rectangle", "W": "tool_wand", "H": "tool_cut_hole", "Shift+H": "fill_hole_at_cursor",
    "N": "new_instance",
    "1": "class_1", "9": "class_9", ".": "next_instance", ",": "previous_instance", "A": "canvas_previous_image",
    "D": "canvas_next_image", "PgDown": "next_image", "PgUp": "previous_image", "Ctrl+Z": "undo",
    "Ctrl+Shift+Z": "redo", "O": "toggle_outlines", "Q": "hide_masks", "F1": "show_keys", "Del": "delete_selected",
}  # fmt: skip
PROMISED_IN_REVIEW = {
    "Y": "review_accept", "R": "review_reject", "E": "review_edit", "U": "review_unsure", "B": "review_both",
    "1": "review_keep_1", "9": "review_keep_9", "Ctrl+Return": "review_done_next",
}  # fmt: skip


def holder(key: str, room: Room) -> str:
    return next(s.name for s in TABLE if key in s.keys and room & s.rooms)


def test_no_key_belongs_to_two_actions_of_one_room():
    assert key_conflicts() == []


def test_a_key_given_twice_in_one_room_is_found_and_in_two_rooms_is_not():
    first = ActionSpec("one", "One", ("B",), Room.ANNOTATE)
    same = ActionSpec("two", "Two", ("b",), Room.IMAGES)
    apart = ActionSpec("three", "Three", ("B",), Room.TRAIN)
    assert key_conflicts([first, same, apart]) == [("B", "one", "two")]


@pytest.mark.parametrize(("key", "name"), PROMISED.items())
def test_every_promised_key_of_the_annotate_room_is_there(key, name):
    assert holder(key, Room.ANNOTATE) == name


@pytest.mark.parametrize(("key", "name"), PROMISED_IN_REVIEW.items())
def test_every_promised_key_of_the_review_room_is_there(key, name):
    assert holder(key, Room.REVIEW) == name


def test_names_are_unique_and_every_key_can_be_read():
    names = [s.name for s in TABLE]
    assert len(set(names)) == len(names)
    for entry in TABLE:
        assert all(not QKeySequence(key).isEmpty() for key in entry.keys)


def test_every_action_has_a_method_that_does_it():
    assert [s.name for s in TABLE if not s.held and not hasattr(Commands, s.does or s.name)] == []


def test_only_actions_of_the_room_whose_needs_are_met_are_enabled(window):
    actions = window.actions_table
    actions.refresh(Room.REVIEW, [Need.PROJECT, Need.IMAGE, Need.WRITABLE, Need.WRITABLE_IMAGE], boxes_only=False)
    assert actions["review_edit"].isEnabled()
    assert not actions["tool_eraser"].isEnabled()
    actions.refresh(Room.ANNOTATE, [Need.PROJECT, Need.IMAGE], boxes_only=False)
    assert actions["tool_eraser"].isEnabled()
    assert not actions["review_edit"].isEnabled()
    assert not actions["delete_selected"].isEnabled()


def test_the_sheet_of_keys_lists_every_key_of_the_table():
    shown = {keys[0] for _, rows in sections(TABLE) for keys, _ in rows}
    missing = [s.name for s in TABLE if s.keys and s.keys[0] not in shown and not s.name[-1].isdigit()]
    assert missing == []
    assert spec("show_keys").keys == ("F1",)
