"""What ``seqctx prepare`` leaves: its data files and the manifest that names them."""

from __future__ import annotations

from seqctx.artifacts.record import Record


class LeftOut(Record):
    """Front or back matter of a manuscript: it is not the story, and was left out of the text."""

    kind: str
    """``title page``, ``contents``, ``imprint``, ``licence``, ``endnotes``, ..."""
    title: str
    """Its heading, or how it begins."""
    words: int
    """How many, as white space separates them."""


class Source(Record):
    """One manuscript as it was read."""

    path: str
    title: str
    sha256: str
    words: int
    tokens: int
    """Tokens of the whole normalized text, in one piece, no special tokens."""
    chapters: int
    encoding: str = ""
    """Of its characters; empty where the file's format fixes it."""
    left_out: tuple[LeftOut, ...] = ()
    held_out_chapters: tuple[str, ...] = ()


class SplitSide(Record):
    """The examples of one side of the split: trained on, or held out."""

    files: dict[str, str]
    """File name to sha256; a file without examples is not written."""
    examples: int
    tokens: int
    """Tokens of the rendered examples, template included."""
    loss_tokens: int
    """Tokens that the loss is taken over."""
    longest: int
    """Tokens of the longest example."""
    lengths: dict[int, int] = {}
    """How many examples have how many tokens; empty in manifests of earlier versions."""
    cuts: dict[str, int] = {}
    """How many chunks end where, in the words of `seqctx.prepare.chunking.Chunk.cut`."""


class Manifest(Record):
    """What ``seqctx prepare`` made, and of what."""

    fingerprint: str
    """Hash of all that the examples depend on: sources, tokenizer and settings."""
    sources: tuple[Source, ...]
    base_model: str
    sequence_len: int
    max_tokens: int
    """Longest chunk that was allowed [tokens]."""
    train: SplitSide
    held_out: SplitSide
    held_out_chapters: tuple[str, ...]
    config: str = ""
    """The config file, as `artifacts.folder_config.config_name` names it; empty in manifests of
    earlier versions, and where prepare was called without one."""
    pages: dict[str, str] = {}
    """Name to sha256 of the report and its data; empty in manifests of earlier versions."""

    @property
    def files(self) -> dict[str, str]:
        """All data files that were written: name to sha256."""
        return {**self.train.files, **self.held_out.files}
