"""Shows how much of a book's motifs each length and strategy keeps together: the README's table.

    .venv/bin/python benchmarks/coverage.py
    .venv/bin/python benchmarks/coverage.py my-novel.docx --tokenizer FOLDER --lengths 2048 4096

Needs `make model` for the default tokenizer. Without a book it measures the sample novella and, if
it is available, a novel of ../shared/corpus.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import seqctx as sc

ROOT = Path(__file__).parents[1]
BOOKS = [
    ROOT / "prepare" / "manuscripts" / "short-weight.md",
    ROOT.parent / "shared" / "corpus" / "the-war-of-the-worlds.epub",
]


def main() -> None:
    """Print a table for each book."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("books", nargs="*", type=Path, default=[b for b in BOOKS if b.exists()])
    parser.add_argument(
        "--tokenizer", default=str(ROOT / "prepare" / "models" / "smollm2-135m-instruct")
    )
    parser.add_argument("--lengths", nargs="*", type=int, default=[2048, 4096, 8192])
    given = parser.parse_args()
    tokenizer = sc.load_tokenizer(given.tokenizer)
    for path in given.books:
        book = sc.read_manuscript(path)
        found = sc.coverage(
            book,
            tokenizer,
            sequence_len=given.lengths[0],
            lengths=given.lengths,
            template_tokens=32,
        )
        print(f"\n{book.title}: {found.tokens:,} tokens, {len(found.motifs)} motifs")
        print(f"{'sequence_len':>12}  {'strategy':14}{'examples':>9}{'whole motifs':>13}"
              f"{'recurrences seen':>18}{'scenes cut':>12}")  # fmt: skip
        for row in found.compared:
            shares = f"{row.motif_share:13.1%}{row.recurrence_share:18.1%}"
            print(f"{row.sequence_len:12,}  {row.strategy:14}{row.examples:9}{shares}"
                  f"{row.scenes_cut:12}")  # fmt: skip


if __name__ == "__main__":
    main()
