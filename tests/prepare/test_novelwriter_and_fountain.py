"""Every word of a .nwd or .fountain file is in the text, or left out and counted."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from seqctx.prepare.readers.files import text_blocks_of

_LINES = {
    ".nwd": (
        "# {}", "## {} {}", "### {}", "#### {}", "#! {}", "##! {}", "###! {}", "@pov: {}",
        "% {} {}", "%Synopsis: {}", "%~ {}", "%%~name: {}", "{} _{} {}_ {}", "**{}** {}",
        ">> {} <<", "> {}", "[i]{}[/i] {}[br]{}", "", "", "[newpage]", "* * *",
    ),
    ".fountain": (
        "INT. {} - {}", ".{} {}", "{} {}", "{}\n{}", "@{}\n({})\n{}", "[[{} {}]]", "/* {}\n{} */",
        "= {}", "# {}", "## {} {}", "> {}", ">{}<", "~{}", "!{}", "*{}* **{}** _{}_", "===", "",
        "{} [[{}]] {}", "EXT. {} #1#", "{}^\n{}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", [".nwd", ".fountain"])
@pytest.mark.parametrize("seed", range(50))
def test_no_word_is_lost(kind: str, seed: int) -> None:
    chance = Random(seed)
    count = 0
    lines = []
    for _ in range(chance.randint(1, 40)):
        line = chance.choice(_LINES[kind])
        words = [f"word{count + k}x" for k in range(line.count("{}"))]
        count += len(words)
        lines.append(line.format(*words) + "\n" * chance.choice((1, 2, 2)))
    blocks = text_blocks_of("".join(lines), kind)
    found = Counter(word for block in blocks for word in re.findall(r"word\d+x", block.text))
    assert found == Counter(f"word{k}x" for k in range(count))
