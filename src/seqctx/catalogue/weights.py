"""Weight files as others write them: what their headers say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def safetensors_header(path: Path) -> dict[str, Any] | None:
    """Names, types and shapes of the tensors of a file; None where it is damaged or cut short.

    The format: 8 bytes of length, little-endian, then JSON, then the tensors
    (safetensors 0.8, README).
    """
    try:
        with path.open("rb") as f:
            size = int.from_bytes(f.read(8), "little")
            if not 2 <= size <= path.stat().st_size:
                return None
            header = json.loads(f.read(size))
        tensors = {k: v for k, v in header.items() if k != "__metadata__"}
        end = max((t["data_offsets"][1] for t in tensors.values()), default=0)
        return tensors if path.stat().st_size == 8 + size + end else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
