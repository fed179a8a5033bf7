"""What a bench is asked to do, as a value that its worker processes read again."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import RunError, UserError


class SavedSettings(BaseModel):
    """Settings that travel to worker processes in the bench's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def asked(cls, **values: object) -> Self:
        """From what a person gave.

        Raises:
            UserError: naming the option that does not fit.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            option = "--" + str(first["loc"][0]).replace("_", "-")
            raise UserError(f"The option {option} does not fit.", hint=f"{first['msg']}.") from error

    def save(self, folder: Path) -> None:
        """Leave them for the worker processes."""
        _file(folder).write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Inverse of :meth:`save`.

        Raises:
            RunError: when the file is missing, damaged, or another bench's.
        """
        try:
            return cls.model_validate_json(_file(folder).read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise RunError("This is not the folder of this bench.", path=folder) from error


def _file(folder: Path) -> Path:
    return folder / "settings.json"
