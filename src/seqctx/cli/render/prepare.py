"""What ``seqctx prepare`` made, as lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqctx.artifacts.manifest import Manifest


def manifest_lines(manifest: Manifest, folder: Path, redone: bool) -> Iterator[str]:
    """The manuscripts that were read, and the examples made of them."""
    for source in manifest.sources:
        yield (
            f"{source.path}: {source.words:,} words, {source.tokens:,} tokens, "
            f"{source.chapters} chapters"
        )
    for name, side in (("train", manifest.train), ("held out", manifest.held_out)):
        yield (
            f"{name}: {side.examples} examples, {side.tokens:,} tokens "
            f"({side.loss_tokens:,} trained on), longest {side.longest} of {manifest.sequence_len}"
        )
    yield f"held-out chapters: {', '.join(manifest.held_out_chapters)}"
    yield f"{'written to' if redone else 'up to date:'} {folder}"
