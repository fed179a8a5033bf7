"""What the window and the service say to each other: one JSON object a line, each answer with its request's id."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Request(BaseModel):
    """Something the window asks for; `id` is positive and never used twice."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: int
    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class Reply(BaseModel):
    """An answer.  Any number of ``progress``, then exactly one ``result`` or ``error``."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: int
    kind: Literal["progress", "result", "error"]
    values: dict[str, Any] = Field(default_factory=dict)
    text: str = ""


def to_line(message: Request | Reply) -> bytes:
    """One line of JSON, newline included."""
    return message.model_dump_json().encode("utf-8") + b"\n"


def request_from(line: bytes) -> Request | None:
    """The request of one line; None when it cannot be read."""
    try:
        return Request.model_validate_json(line)
    except ValidationError:
        return None


def reply_from(line: bytes) -> Reply | None:
    """The reply of one line; None for anything else that was printed."""
    try:
        return Reply.model_validate_json(line)
    except ValidationError:
        return None
