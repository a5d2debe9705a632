"""What ``seqctx prepare`` leaves: its data files and the manifest that names them."""

from __future__ import annotations

from seqctx.artifacts.record import Record


class LeftOut(Record):
    """Words of a manuscript that are not the story and were left out of the text.

    What stands between paragraphs (page numbers, notes, hidden text, ...) makes one entry a kind.
    """

    kind: str
    """``title page``, ``contents``, ``imprint``, ``licence``, ``endnotes``, ..."""
    title: str
    """Its heading, or how it begins."""
    words: int
    """How many, as white space separates them."""
    characters: int | None = None
    """How many, without white space, where white space does not separate words: in Chinese,
    Japanese, Thai. None elsewhere, and in manifests of earlier versions."""
    share: float = 0.0
    """Of the file's words, or of its characters."""
    is_certain: bool = False
    """Whether the file itself shows that this is not the story: its mark-up declares it, a
    licence's own markers enclose it, or its lines link to headings or repeat them."""
    places: int = 1
    """In how many places of the file it stands."""

    @property
    def size(self) -> str:
        """Its words or characters, with the word for it."""
        if self.characters is not None:
            return f"{self.characters:,} character{'s' * (self.characters != 1)}"
        return f"{self.words:,} word{'s' * (self.words != 1)}"


class Account(Record):
    """Where the words of a manuscript went: each is in the text, left out, or part of a mark.

    ``words`` is the sum of all others. They are counted as white space separates them.
    """

    words: int = 0
    """Words of the file."""
    in_text: int = 0
    """Words of the text, without scene breaks."""
    left_out: dict[str, int] = {}
    """Words left out, by kind."""
    marks: dict[str, int] = {}
    """Words of marks that became structure or were removed, by kind: ``scene mark``, ``note mark``,
    ``book title``, ..."""


class ReadFolder(Record):
    """A folder with manuscripts, and how it was read."""

    path: str
    is_one_book: bool
    """Whether its files are chapters of one book; else each is a book."""
    reason: str
    """Why, as the end of a sentence that begins with "because"."""


class SkippedFile(Record):
    """A file that could not be read, and was skipped (``--skip-bad``)."""

    path: str
    problem: str
    """What is wrong with it, and what to do."""


class Source(Record):
    """One manuscript as it was read."""

    path: str
    title: str
    sha256: str
    """Of the file; of a book of several files, over the digests of them all."""
    files: dict[str, str] = {}
    """Path to sha256 of the files that make a book of several files; else empty."""
    words: int
    tokens: int
    """Tokens of the whole normalized text, in one piece, no special tokens."""
    chapters: int
    parts: tuple[str, ...] = ()
    """Titles of the parts that its chapters form; empty in manifests of earlier versions."""
    chapter_reason: str = ""
    """Which headings open its chapters, and why, as a sentence; empty in manifests of earlier
    versions."""
    encoding: str = ""
    """Of its characters; empty where the file's format fixes it."""
    left_out: tuple[LeftOut, ...] = ()
    account: Account = Account()
    """Empty in manifests of earlier versions."""
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
    folders: tuple[ReadFolder, ...] = ()
    """Folders with several texts, and how each was read."""
    not_read: tuple[str, ...] = ()
    """Files in these folders that are of a kind which cannot be read."""
    skipped: tuple[SkippedFile, ...] = ()
    """Files that ``--skip-bad`` left out."""
    pages: dict[str, str] = {}
    """Name to sha256 of the report and its data; empty in manifests of earlier versions."""

    @property
    def files(self) -> dict[str, str]:
        """All data files that were written: name to sha256."""
        return {**self.train.files, **self.held_out.files}
