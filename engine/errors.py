"""Errors worded for the person at the desk.

A :class:`UserError` carries a sentence that says what happened, to which file, and what to do.  It is shown as it
stands (dialog, command line); everything else is a defect and goes to the log with its traceback.
"""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """Something a person can understand and act on.

    Attributes:
        message: what happened, in one sentence.
        path: the file or folder it happened to, if any.
        hint: what to do next, in one sentence ("" when the message says it already).
    """

    def __init__(self, message: str, *, path: Path | str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = Path(path) if path is not None else None
        self.hint = hint

    def __str__(self) -> str:
        where = f" ({self.path})" if self.path is not None and str(self.path) not in self.message else ""
        return f"{self.message}{where}" + (f" {self.hint}" if self.hint else "")


class FormatError(UserError):
    """A file is not what it claims to be, or not something that can be read."""


class ImageReadError(UserError):
    """An image is missing, truncated or not an image."""


class ProjectError(UserError):
    """A project cannot be opened, read or written."""


class ReadOnlyError(ProjectError):
    """A change was asked of a project that was opened read-only."""


class UndoError(UserError):
    """An undo or redo was refused, because a later change builds on what it would take back."""


class DataError(UserError):
    """The data does not allow what was asked: no object, a class without instances, an empty split."""


class RunError(UserError):
    """A training run cannot be started, resumed or read."""
