"""A frozen model kept as one JSON file.

A record is written last and whole, so a record that exists means that its stage ended well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from seqctx.errors import InputError
from seqctx.system.atomic import atomic_write
from seqctx.system.regular_file import read_file_text


class Record(BaseModel):
    """A frozen model kept as one JSON file."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="ignore", populate_by_name=True)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record, or None where there is no such file.

        Raises:
            InputError: when the file exists but does not hold such a record.
        """
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(read_file_text(path))
        except (ValidationError, UnicodeDecodeError):
            raise InputError(
                f"{path}: this version of seqctx cannot read it. Run the command that wrote it "
                "again with --force."
            ) from None

    def write(self, path: Path) -> None:
        """Write the file whole, or not at all."""
        with atomic_write(path) as f:
            f.write(self.model_dump_json(indent=2) + "\n")
