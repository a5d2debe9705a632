"""Times reading a novel beside pandoc, each in a new process, and the memory that reading takes.

    .venv/bin/python benchmarks/reading.py --words 230000 --runs 3 [NOVEL.epub ...]

The novels' text is written as .docx with several runs a paragraph, as Word does, and by pandoc as
.odt, .epub and .rtf. Runs alternate; medians and their ratio are printed. Needs pandoc on the path.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.prepare.office_files import docx  # noqa: E402

from seqctx import read_manuscript  # noqa: E402

READ = """
import re, sys
from pathlib import Path
from seqctx import read_manuscript
read_manuscript(sys.argv[1])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
STYLES = (
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
    "</w:style>"
    '<w:style w:type="paragraph" w:styleId="BodyText"><w:name w:val="Body Text"/></w:style>'
)
FORM = '<w:pPr><w:pStyle w:val="BodyText"/><w:ind w:firstLine="720"/></w:pPr>'
LOOK = (
    '<w:rFonts w:ascii="Garamond" w:hAnsi="Garamond"/>{}<w:sz w:val="24"/><w:lang w:val="en-GB"/>'
)
SENTENCES = re.compile(r"(?<=[.!?][\"”’]) (?=[A-Z“])|(?<=[.!?]) (?=[A-Z“])")


def paragraphs(novels: list[Path], words: int) -> Iterator[str]:
    """The sentences of novels, each as a paragraph, repeated until there are enough words."""
    found = []
    for novel in novels:
        book = read_manuscript(novel)
        text = (book.text[span.start : span.end] for span in book.paragraphs)
        found += [s for t in text for s in SENTENCES.split(t.replace("*", "").replace("\n", " "))]
    for text in cycle(found):
        yield text
        words -= len(text.split())
        if words <= 0:
            return


def as_word(text: str, chance: random.Random) -> str:
    """A paragraph in runs of a few words, as Word writes what was edited often."""
    words, runs, at = text.split(), [], 0
    while at < len(words):
        end = at + chance.randint(2, 8)
        look = LOOK.format("<w:i/>" if chance.random() < 0.05 else "")
        part = escape(" ".join(words[at:end])) + (" " if end < len(words) else "")
        properties = f'w:rsidR="00{chance.randint(100000, 999999)}"'
        runs.append(
            f'<w:r {properties}><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{part}</w:t></w:r>'
        )
        at = end
    return f"<w:p>{FORM}{''.join(runs)}</w:p>"


def seconds(command: list[str | Path]) -> tuple[float, str]:
    """What one process computes [s of one core], and what it prints.

    Other processes of the machine change the wall-clock time more than this.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, run.stdout


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("novels", nargs="*", type=Path, help="files whose text is used")
    parser.add_argument("--words", type=int, default=230_000)
    parser.add_argument("--runs", type=int, default=3, help="how often to run each command")
    given = parser.parse_args()
    novels = given.novels or [ROOT / "../shared/corpus/war-and-peace.epub"]
    text = list(paragraphs(novels, given.words))
    chance = random.Random(1)
    print(f"{given.words:,} words in {len(text):,} paragraphs")
    print(f"{'file':8} {'seqctx [s]':>10} {'pandoc [s]':>10} {'ratio':>6} {'memory [MB]':>12}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "a.md")
        source.write_text("\n\n".join(re.sub(r"([\\`*_{}\[\]<>#])", r"\\\1", t) for t in text))
        for kind in ("docx", "odt", "epub", "rtf"):
            path = Path(folder, f"a.{kind}")
            if kind == "docx":
                docx(path, "".join(as_word(line, chance) for line in text), STYLES)
            else:
                title = ["--metadata", "title=Tale"]
                subprocess.run(["pandoc", source, "-s", "-o", path, *title], check=True)
            ours, theirs, memory = [], [], 0
            for _ in range(given.runs):
                took, printed = seconds([sys.executable, "-c", READ, path])
                ours.append(took)
                memory = max(memory, int(printed) // 1000)
                theirs.append(seconds(["pandoc", path, "-t", "plain", "-o", "/dev/null"])[0])
            us, them = statistics.median(ours), statistics.median(theirs)
            print(f".{kind:7} {us:10.2f} {them:10.2f} {us / them:6.2f} {memory:12,}")


if __name__ == "__main__":
    main()
