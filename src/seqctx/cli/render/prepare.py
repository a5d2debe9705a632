"""What ``seqctx prepare`` made, as lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqctx.artifacts.manifest import Manifest
from seqctx.prepare.left_out import account_line, left_out_lines
from seqctx.prepare.report import reading_lines


def manifest_lines(manifest: Manifest, folder: Path, redone: bool) -> Iterator[str]:
    """The manuscripts that were read, and the examples made of them."""
    for source in manifest.sources:
        yield (
            f"{source.path}: {source.words:,} words, {source.tokens:,} tokens, "
            f"{source.chapters} chapter{'s' * (source.chapters != 1)}"
            + (f" in {len(source.parts)} parts" if source.parts else "")
        )
        if source.chapter_reason:
            yield f"  {source.chapter_reason}"
        yield from (f"  {line}" for line in left_out_lines(source.left_out))
        if source.left_out:
            yield f"  {account_line(source.account)}"
    yield from reading_lines(manifest.folders, manifest.not_read, manifest.skipped)
    for name, side in (("train", manifest.train), ("held out", manifest.held_out)):
        yield (
            f"{name}: {side.examples} examples, {side.tokens:,} tokens "
            f"({side.loss_tokens:,} trained on), longest {side.longest} of {manifest.sequence_len}"
        )
    yield f"held-out chapters: {', '.join(manifest.held_out_chapters)}"
    yield f"{'written to' if redone else 'up to date:'} {folder}"
