"""Draws twenty motifs of a novel at random, with their passages, for a reader to judge.

    .venv/bin/python benchmarks/motifs.py ../shared/corpus/the-war-of-the-worlds.epub
    .venv/bin/python benchmarks/motifs.py my-novel.docx --tokenizer FOLDER --seed 7

A motif is right if it is one thing of the story (a person, a place, an object, a wording)
that comes back and that the reader has to remember. It is wrong if only the words occur again. The
share of right ones among the twenty is the detector's precision on this book.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

import seqctx as sc
from seqctx.prepare.analysis.coverage import TokenPositions

ROOT = Path(__file__).parents[1]
AROUND = 90  # characters on each side of a mention


def main() -> None:
    """Print the sample."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("novel")
    parser.add_argument(
        "--tokenizer", default=str(ROOT / "prepare" / "models" / "smollm2-135m-instruct")
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=20)
    given = parser.parse_args()
    book, tokenizer = sc.read_manuscript(given.novel), sc.load_tokenizer(given.tokenizer)
    positions = TokenPositions(book, tokenizer)
    found = sc.coverage(book, tokenizer, sequence_len=2048).motifs
    sample = random.Random(given.seed).sample(found, min(given.number, len(found)))
    print(f"{book.title}: {len(found)} motifs, {len(sample)} of them drawn with seed {given.seed}")
    for number, motif in enumerate(sample, 1):
        print(f"\n{number}. {motif.text!r} ({motif.kind}): {len(motif.mentions)} mentions in "
              f"{motif.places} places, {motif.distance:,} tokens apart")  # fmt: skip
        for token in (motif.first, motif.last):
            at = int(np.interp(token, positions.tokens, positions.chars))
            print("   ...", " ".join(book.text[max(0, at - AROUND) : at + AROUND].split()))


if __name__ == "__main__":
    main()
