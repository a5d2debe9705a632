"""A frozen model kept as one JSON file.

A record is written last and whole, so one that is there means that its stage ended well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from seqctx.errors import InputError
from seqctx.system.atomic import atomic_write, explain_os_errors


class Record(BaseModel):
    """A frozen model kept as one JSON file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record, or None where there is no such file.

        Raises:
            InputError: when the file is there but is no such record.
        """
        if not path.is_file():
            return None
        try:
            with explain_os_errors(path):
                return cls.model_validate_json(path.read_text("utf-8"))
        except (ValidationError, UnicodeDecodeError):
            raise InputError(
                f"{path}: not as this version writes it. Run its stage again with --force."
            ) from None

    def write(self, path: Path) -> None:
        """Write atomically."""
        with atomic_write(path) as f:
            f.write(self.model_dump_json(indent=2) + "\n")
