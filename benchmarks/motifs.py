"""Twenty threads of a novel drawn at random, with their passages, to be judged by a reader.

    .venv/bin/python benchmarks/threads.py ../shared/corpus/the-war-of-the-worlds.epub
    .venv/bin/python benchmarks/threads.py my-novel.docx --tokenizer FOLDER --seed 7

A thread is right where it is one thing of the story, a person, a place, an object, a motif or a
wording, that comes back where the reader has to remember it; it is wrong where the words merely
recur. How many of the twenty are right is the detector's precision on this book.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

import seqctx as sc
from seqctx.prepare.analysis.coverage import Ruler

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
    ruler = Ruler(book, tokenizer)
    found = sc.coverage(book, tokenizer, sequence_len=2048).threads
    sample = random.Random(given.seed).sample(found, min(given.number, len(found)))
    print(f"{book.title}: {len(found)} threads, {len(sample)} of them drawn with seed {given.seed}")
    for number, thread in enumerate(sample, 1):
        print(f"\n{number}. {thread.text!r} ({thread.kind}): {len(thread.mentions)} mentions in "
              f"{thread.places} places, {thread.distance:,} tokens apart")  # fmt: skip
        for token in (thread.first, thread.last):
            at = int(np.interp(token, ruler.tokens, ruler.chars))
            print("   ...", " ".join(book.text[max(0, at - AROUND) : at + AROUND].split()))


if __name__ == "__main__":
    main()
