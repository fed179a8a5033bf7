"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from engine.errors import UserError


@contextlib.contextmanager
def atomic_text(out: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that takes the place of `out` only when the block ends without an exception.

    The text goes to a temporary file beside `out`, so a crash or a full disk leaves an older `out` as it was.

    Raises:
        UserError: when the folder or the file cannot be written.
    """
    temporary: str | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _keep_usual_mode(Path(temporary))
        Path(temporary).replace(out)
        temporary = None
    except OSError as error:
        raise UserError(
            f"{out.name} could not be written: {error.strerror or error}.",
            path=out,
            hint="Nothing was changed; choose another place or make room there.",
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _keep_usual_mode(path: Path) -> None:
    """mkstemp makes files private; an export is as readable as any other new file."""
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)
