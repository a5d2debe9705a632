"""Markdown as writers' programs write it: every word is read, and only words are."""

from __future__ import annotations

import itertools
import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx.prepare.readers import markdown
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.markdown import markdown_blocks
from seqctx.prepare.readers.markdown_source import source_of

LONG = "She went down to the river, and nobody saw her go. It was late. The boats lay still."


def read(text: str) -> list[Block]:
    return list(markdown_blocks(textwrap.dedent(text)))


def story(text: str) -> list[str]:
    """Kinds of blocks and their words, without what is left out."""
    signs = {"heading": "#", "break": "", "title": "TITLE ", "paragraph": ""}
    return [
        (signs[b.kind] * b.level if b.kind == "heading" else signs[b.kind]) + b.text
        for b in read(text)
        if not b.left_out
    ]


def left_out(text: str) -> list[tuple[str, str]]:
    return [(b.left_out, b.text) for b in read(text) if b.left_out]


@pytest.mark.parametrize(
    ("top", "title"),
    [
        ("---\ntitle: Salt\n---\n", "Salt"),
        ("---\n# a remark\ntitle: 'Salt'\ntags:\n  - a\n\nx: [b,\n  c]\n...\n", "Salt"),
        ("---\nTitle: Salt\nBase Header Level: 2\n---\n", "Salt"),
        ("\n\n---\ntags: [a]\n---\n", ""),
        ('+++\ntitle = "Salt"\n[params]\na = 1\n+++\n', "Salt"),
        ('{\n  "title": "Salt",\n  "draft": true\n}\n', "Salt"),
        ("Title: Salt\nAuthor: M. Q.\n  and others\nBase Header Level: 2\n\n", "Salt"),
        ("title: Salt\n\n", "Salt"),
        ("% Salt\n% M. Q.\n% May\n\n", "Salt"),
    ],
)  # fmt: skip
def test_keys_at_the_top(top: str, title: str) -> None:
    found = list(markdown_blocks(f"{top}# One\n\nText.\n\n# Two\n\nMore."))
    assert [b.text for b in found if b.kind == "title"] == [title] * bool(title)
    assert [b.text for b in found if b.left_out == "file properties"] != []
    assert [b.text for b in found if not b.left_out and b.kind != "title"] == [
        "One", "Text.", "Two", "More."
    ]  # fmt: skip
    assert next(b.place for b in found if b.text == "One") == top.count("\n") + 1


@pytest.mark.parametrize(
    "top",
    [
        "---\n\nIt rained.\n\n---\n", "---\nThe first scene: all of it.\n\n---\n",
        "Maud: Yes.\nTove: No.\n\n", "+++\n\nIt rained.\n\n+++\n", "{ he said }\n\n",
        "From: Maud\nTo: Tove\n\nIt rained.\n\n", "% of them stayed.\n",
        "---\nSaturday: it rained.\nSunday: it rained more.\n---\n", "---\nIt rained.\n---\n",
    ],
)  # fmt: skip
def test_what_is_no_keys_at_the_top(top: str) -> None:
    assert not left_out(f"{top}\nText.")


def test_keys_in_the_middle_come_from_files_that_were_joined() -> None:
    text = "# One\n\nText.\n\n---\ntitle: Two\ndraft: true\n---\n\n# Two\n\nMore.\n"
    assert story(text) == ["#One", "Text.", "#Two", "More."]
    assert left_out(text) == [("file properties", "title: Two\ndraft: true\n")]


def test_pandoc() -> None:
    text = """\
    # One {.unnumbered #one}

    ::: {.epigraph}
    Still water tells.
    :::

    :::: note
    Check this.
    ::::

    Text.[^1] H~2~O, the 1^st^, [Small]{.smallcaps} and ~~old~~.^[A note
    in the line.] ![A map](map.png){width=50%}

    [^1]: A remark.

        It goes on.

    \\newpage

    # Two {-}

    | A verse
    | of two lines

    Term
    :   Meaning.
    """
    assert story(text) == [
        "#One", "Still water tells.", "Text. H2O, the 1st, Small and old.", "#Two",
        "A verse\nof two lines", "Term", "Meaning.",
    ]  # fmt: skip
    assert left_out(text) == [
        ("comment", "Check this."), ("endnotes", "A note\nin the line."),
        ("illustration", "A map"), ("endnotes", "A remark."), ("endnotes", "It goes on."),
    ]  # fmt: skip
    epigraph, two = (b for b in read(text) if b.text in ("Still water tells.", "Two"))
    assert epigraph.look.style == "epigraph" and two.look.new_page


def test_obsidian() -> None:
    text = """\
    # One

    She looked at [[The Old House|the house]] and at [[Ilka]].%% check the name %% ^id1

    ![[map.png]]

    %%
    A remark

    of two paragraphs
    %%

    > [!note] To do
    > Check the date.

    > [!quote] A letter
    > Dear Maud,
    >
    > come.

    ```dataview
    LIST
    ```

    It was ==loud== here.

    #novel #draft/two
    """
    assert story(text) == [
        "#One", "She looked at the house and at Ilka.", "A letter", "Dear Maud,", "come.",
        "It was loud here.",
    ]  # fmt: skip
    assert left_out(text) == [
        ("comment", "check the name"), ("illustration", "map.png"),
        ("comment", "A remark\n\nof two paragraphs"), ("comment", "To do"),
        ("comment", "Check the date."), ("code", "LIST"), ("tags", "#novel #draft/two"),
    ]  # fmt: skip


def test_signs_alone_in_a_line_are_no_remark() -> None:
    text = "One.\n\n%%\n\nTwo.\n\n%%\n\nThree, and 100%% of it, and 100%% of that."
    assert story(text) == ["One.", "%%", "Two.", "%%", text.split("\n")[-1]]
    assert story(text.replace("\n\n", "\n"))[-1].endswith("of that.")


def test_critic_markup() -> None:
    text = "A {++new++} and {--old--} word, {~~this~>that~~}, {==here==}{>>why?<<}.\n\n{--gone"
    assert story(text) == ["A new and word, that, here.", "{--gone"]
    assert left_out(text) == [
        ("deleted text", "old"), ("deleted text", "this"), ("comment", "why?"),
    ]  # fmt: skip
    assert story("One.\n\n{--Two.\n\nThree.--}\n\nFour.") == ["One.", "Four."]


def test_comments() -> None:
    text = "One<!-- a -->.\n\n<!-- b\n\nc -->\n\nTwo.\n<!-- d -->\nThree.\n\n<!-- open\n\nFour."
    assert story(text) == ["One.", "Two.", "Three.", "<!-- open", "Four."]
    assert left_out(text) == [("comment", "a"), ("comment", "b\n\nc"), ("comment", "d")]
    assert all(block.gap == 0 for block in read(text))
    assert [block.place for block in read(text) if not block.left_out] == [1, 7, 9, 11, 13]


def test_comments_as_addresses_of_links() -> None:
    for line in ("[//]: # (a remark)", '[comment]: <> "a remark"', "[//]: # 'a remark'"):
        assert story(f"One.\n\n{line}\n\nTwo.") == ["One.", "Two."]
        assert left_out(f"One.\n\n{line}\n\nTwo.") == [("comment", "a remark")]


def test_leanpub_and_markua() -> None:
    text = """\
    {frontmatter}

    -# Part One

    # One

    C> The end of the war

    %% a remark

    A> They went
    A> on.

    {pagebreak}

    {class: x}
    Text.
    """
    assert story(text) == ["#Part One", "#One", "The end of the war", "They went on.", "Text."]
    assert [b.text for b in read(text) if b.look.centred] == ["The end of the war"]
    assert [b.text for b in read(text) if b.look.new_page] == ["Text."]


@pytest.mark.parametrize(
    "command",
    [
        "\\newpage", "\\pagebreak", "\\clearpage", "{{< pagebreak >}}", "{pagebreak}", "<<<",
        "<!-- pagebreak -->", '<div style="page-break-before: always"></div>',
        '<div style="break-after: page;"></div>', "<mbp:pagebreak />", "{% pagebreak %}",
        '<p style="page-break-after:always;"></p>',
    ],
)  # fmt: skip
def test_new_pages(command: str) -> None:
    found = read(f"One.\n\n{command}\n\nTwo.\n\nThree.")
    assert [(b.text, b.look.new_page) for b in found] == [
        ("One.", False), ("Two.", True), ("Three.", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("POV:: Anna", "file properties"), ("/maps/coast.png \"The coast\"", "command"),
        ("import Note from '../note.mdx'", "command"), ("{{chapter2.md}}", "command"),
        ("{{< figure src='a.png' >}}", "command"),
        ("{::comment}\nno\n\nmore\n{:/comment}", "comment"),
        ("{% comment %} no {% endcomment %}", "comment"), ("{{/* no */}}", "comment"),
        ("```{r}\nplot(1)\n```", "code"), ("[[toc]]", "contents"), ("{{TOC}}", "contents"),
    ],
)  # fmt: skip
def test_lines_that_are_no_story(line: str, kind: str) -> None:
    text = f"One.\n\n{line}\n\nTwo."
    assert story(text) == ["One.", "Two."]
    assert [found for found, _ in left_out(text)] == [kind]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('<div class="scene-break"></div>', "* * *"), ('<p class="separator"></p>', "* * *"),
        ("::: {.scene-break}\n:::", "* * *"), ("\\chapter{The Door}", "#The Door"),
        ("\\begin{center}\\rule{3in}{1pt}\\end{center}", "* * *"), (">>>", ">>>"),
        ("\\begin{center}* * *\\end{center}", "* * *"), ("\\fancybreak{***}", "* * *"),
        ("            CHAPTER ONE", "CHAPTER ONE"), ("“A::B” he said.", "“A::B” he said."),
        ("I said: import it.", "I said: import it."), ("/ either", "/ either"),
    ],
)  # fmt: skip
def test_lines_that_are_some(line: str, found: str) -> None:
    assert story(f"One.\n\n{line}\n\nTwo.") == ["One.", found, "Two."]


@pytest.mark.parametrize(
    "line",
    ["<script>", "<style of his own>", "<pre>", "<![CDATA[ a", "<? a", "<!Maud a", "<textarea>"],
)  # fmt: skip
def test_html_that_is_never_closed_is_text(line: str) -> None:
    assert story(f"One.\n\n{line}\n\nTwo.\n\n# Three\n\nFour.")[-3:] == ["Two.", "#Three", "Four."]


def test_a_comment_that_another_closes_is_text() -> None:
    scene = f"{LONG}\n\n" * 80
    assert story(f"<!-- lost\n\n{scene}<!-- b -->\n\nEnd.").count(LONG) == 80
    assert story(f"<!-- lost\n\n{scene}-->\n\nEnd.") == ["End."]


def test_tags_of_html_in_a_line() -> None:
    text = (
        "She <i>said</i> <b>so</b>,<br>and <span style='font-style:italic'>then</span> "
        "<u>left</u> <sigh>. <ruby>川縁<rp>(</rp><rt>かわべり</rt><rp>)</rp></ruby>に。"
    )
    assert story(text) == ["She *said* **so**,\nand *then* left <sigh>. 川縁に。"]
    assert left_out(text) == [("reading", "かわべり")]
    assert story("One.<br><br>Two.") == ["One.", "Two."]


def test_readings_of_japanese() -> None:
    text = "# 第《だい》一章\n\n｜渡し守《わたしもり》は{川縁|かわべり}に［＃「に」に傍点］。"
    assert story(text) == ["#第一章", "渡し守は川縁に。"]
    assert [kind for kind, _ in left_out(text)] == ["reading"] * 3 + ["typesetter's remarks"]


def test_blocks_of_html() -> None:
    text = """\
    <h2 align="center">Chapter <i>One</i></h2>

    <center>
    The end of *it*
    </center>

    <div align="center">

    Dear Maud

    </div>

    <p>First.<p>Second.

    <table><tr><td>a</td><td>b</td></tr></table>

    <pre>
    typed
    lines
    </pre>

    <style>p {}</style>

    <figure><img src="a.png" alt="A map"><figcaption>The coast</figcaption></figure>

    <hr class="short" />

    <whispers>

    Last.
    """
    assert story(text) == [
        "##Chapter One", "The end of *it*", "Dear Maud", "First.", "Second.", "a | b",
        "typed\nlines", "* * *", "<whispers>", "Last.",
    ]  # fmt: skip
    assert left_out(text) == [
        ("hidden text", "p {}"), ("illustration", "A map"), ("caption", "The coast"),
    ]  # fmt: skip
    assert [b.text for b in read(text) if b.look.centred] == [
        "Chapter One", "The end of *it*", "Dear Maud"
    ]  # fmt: skip


@pytest.mark.parametrize("hides", ["<div hidden>", "<div style='display: none'>", "::: {.hidden}"])
def test_what_is_never_closed_hides_nothing(hides: str) -> None:
    closes = ":::" if hides.startswith(":") else "</div>"
    assert story(f"One.\n\n{hides}\n\nTwo.\n\n{closes}\n\nThree.") == ["One.", "Three."]
    assert story(f"One.\n\n{hides}\n\nTwo.\n\nThree.") == ["One.", "Two.", "Three."]


@pytest.mark.parametrize("empty", ["&nbsp;", "<br>", "\\", "<p>&nbsp;</p>", "\\bigskip", "\u00a0"])
def test_empty_paragraphs(empty: str) -> None:
    assert [(b.text, b.gap) for b in read(f"One.\n\n{empty}\n\nTwo.")] == [("One.", 0), ("Two.", 1)]


@pytest.mark.parametrize("nothing", ["<a id='x'></a>", "^id1", "</div>", "{.x}", "<span></span>"])
def test_what_is_no_empty_paragraph(nothing: str) -> None:
    assert [(b.text, b.gap) for b in read(f"One.\n\n{nothing}\n\nTwo.")] == [
        ("One.", 0),
        ("Two.", 0),
    ]


def test_empty_lines() -> None:
    assert [b.gap for b in read("One.\n\nTwo.\n\n\n\nThree.\n\n\nFour.")] == [0, 0, 1, 0]
    habit = "One.\n\nTwo.\n\n\nThree.\n\n" * 4
    assert sum(b.gap for b in read(habit)) == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chapter One\n---\n\nText.", ["##Chapter One", "Text."]),
        ("The Door\n===\n\nText.", ["#The Door", "Text."]),
        ("Who goes there?\n---------------\n\nText.", ["##Who goes there?", "Text."]),
        (f"{LONG}\n---\n\nText.", [LONG, "* * *", "Text."]),
        (f"{LONG}\n{LONG}\n---\nText.", [f"{LONG} {LONG}", "* * *", "Text."]),
        ("“No.”\n---\n\nText.", ["“No.”", "* * *", "Text."]),
        ("# # #\n\nText.", ["##", "Text."]),
        ("##Two\n\n##3\n\nText.", ["##Two", "##3", "Text."]),
        ("== The Door ==\n\nText.\n\n'''\n\nMore.", ["##The Door", "Text.", "* * *", "More."]),
        ("#One\n\nText.\n\n#Two\n\nText.", ["#One", "Text.", "#Two", "Text."]),
        ("# One\n\n#draft\n\nText.", ["#One", "#draft", "Text."]),
        ("# ![The Door](door.png)\n\nText.", ["#The Door", "Text."]),
        ("# The Door [thedoor]\n\nText.", ["#The Door", "Text."]),
        ("**Chapter One**\nText.", ["**Chapter One**", "Text."]),
        ("Chapter One\nText.", ["Chapter One", "Text."]),
        ("Chapter One\nof the book was lost.", ["Chapter One of the book was lost."]),
        ("~~~\n\nText.\n\n~~~\n\nMore.", ["~~~", "Text.", "~~~", "More."]),
        ("```\nText.\n\n# Two\n\nMore.", ["```", "Text.", "#Two", "More."]),
        ("+ + +\n\nText.", ["+ + +", "Text."]),
        (":::\n\nText.", [":::", "Text."]),
    ],
)  # fmt: skip
def test_headings_and_marks(text: str, found: list[str]) -> None:
    assert story(f"Before.\n\n{text}") == ["Before.", *found]


def test_bold_lines_are_told() -> None:
    found = read("**Chapter One**\n\nText **and** more.\n\n<b>NO</b>\n\n**“So?”** he said.")
    assert [block.look.bold for block in found] == [True, False, True, False]


@pytest.mark.parametrize(
    "line",
    [
        "[Maud]: Yes.",
        "[Maud]: yes/no",
        "[Ilka]: Where?",
        "[12:30]: Home.",
        "[1]: Yes.",
        "*[Maud]: Yes.*",
    ],
)
def test_messages_are_no_addresses(line: str) -> None:
    assert story(f"Before.\n\n{line}\n\nAfter.")[1] == line


@pytest.mark.parametrize(
    "line",
    [
        "[1]: http://x.org/a", '[The map]: <../map.png> "A map"', "[1]: #there", "[a]: b.md",
        "[map]:\n  http://x.org\n  'title'",
    ],
)  # fmt: skip
def test_addresses_are_no_words(line: str) -> None:
    assert story(f"See [the map][1].\n\n{line}\n\nAfter.")[1:] == ["After."]


def test_each_paragraph_is_indented() -> None:
    for indent in ("\t", "    ", "      "):
        text = "# One\n\n" + f"{indent}{LONG}\n\n{indent}“No.”\n\n" * 3
        assert story(text) == ["#One", *(LONG, "“No.”") * 3]
        text = "# One\n\n" + f"{indent}{LONG}\n{indent}“No.”\n" * 3
        assert story(text) == ["#One", *(LONG, "“No.”") * 3]
    verse = "    a verse\n    of lines"
    assert story(f"{LONG}\n\n{verse}\n\n{LONG}\n\n{LONG}\n")[1] == "a verse\nof lines"


def test_each_line_is_a_paragraph() -> None:
    text = f"# One\n{LONG}\n“No.”\n- Oui.\n{LONG}\n\n{LONG}\n***\n{LONG}\n{LONG}\n---\n{LONG}\n" * 2
    found = story(text)
    assert found[:7] == ["#One", LONG, "“No.”", "- Oui.", LONG, LONG, "* * *"]
    assert found.count(LONG) == 12 and found.count("* * *") == 4
    assert [b.gap for b in read(text)][5] == 1


def test_a_sentence_a_line_is_no_paragraph() -> None:
    text = "She went.\nHe came.\nIt rained.\n\n" * 5
    assert story(text) == ["She went. He came. It rained."] * 5


def test_speeches_below_each_other() -> None:
    text = f"# One\n\n{LONG} {LONG}\n\n“Yes.”\n“No.”\n“Why?”\n\n{LONG}\n\n" * 3
    assert story(text)[:6] == ["#One", f"{LONG} {LONG}", "“Yes.”", "“No.”", "“Why?”", LONG]
    assert all(block.gap == 0 for block in read(text))


def test_lists() -> None:
    assert story("- a *b*\n- c\n  d\n") == ["- a *b*\n- c d"]
    assert story("- Oui, dit-il.\n\n- Non.\n\nIl sortit.") == [
        "- Oui, dit-il.",
        "- Non.",
        "Il sortit.",
    ]
    assert story("- Oui.\n- Non, dit-il.\n- Si!") == ["- Oui.", "- Non, dit-il.", "- Si!"]
    assert story("1984. It was\ncold.") == ["1984. It was cold."]
    assert story("| a | b |\n|---|---|\n| c | d |") == ["a | b\nc | d"]


def test_links_to_places_in_the_book() -> None:
    for text in ("- [One](#one)\n- [Two](two.md)", "[[One]]\n[[Two]]", "1. [One](a.html#x)"):
        assert all(block.is_linked for block in read(text))
    for text in ("- [One](http://x.org/a.html)", "See [One](#one)", "One", "- [One](#one) two"):
        assert not any(block.is_linked for block in read(text))


def test_words_of_pictures() -> None:
    text = 'One. ![A map](a.png "The coast")'
    assert left_out(text) == [("illustration", "A map"), ("caption", "The coast")]


def test_pictures_that_recur_part_scenes() -> None:
    text = "One.\n\n![](orn.png)\n\nTwo.\n\n![*](orn.png)\n\nThree.\n\n![A map](map.png)"
    assert story(text) == ["One.", "* * *", "Two.", "* * *", "Three."]
    assert left_out(text) == [("illustration", "A map")]
    text = "One.\n\n![The coast](map.png)\n\nTwo.\n\n![The coast](map.png)\n\nThree."
    assert story(text) == ["One.", "Two.", "Three."]
    assert story('One.\n\n<img src="scene-break.svg"/>\n\nTwo.') == ["One.", "* * *", "Two."]


@pytest.mark.parametrize("lines", range(1, 9))
def test_the_same_however_many_lines_are_parsed_at_once(
    lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "::: {.epigraph}\n\nA[^1].\n\n> [!note]\n> b\n\n:::\n\n\n\n<div hidden>\n\nc\n\n</div>\n\n"
        "[^1]: d\n\n    e\n\nTerm\n: f\n\n<!-- g -->\n\n![x](y.png)\n\n```\nh\n\ni\n```\n\n"
        "j\n---\n\n"
    ) * 3 + "```\nnever closed\n\n# k\n"
    whole = read(text)
    monkeypatch.setattr(markdown, "_LINES", lines)
    assert read(text) == whole


SHAPES = [
    "@ @", "# @", "## @ {.x}", "@\n---", "@ @.\n===", "> @\n> @", "> [!note] @\n> @", "- @\n- @",
    "- @\n\n- @", "1. @\n2. @", "    @", "\t@ @", "```\n@\n\n@\n```", "~~~\n@", "```\n@", "`@` *@",
    "<div align=center>@</div>", "<div>\n\n@\n\n</div>", "<center>\n@\n</center>", "<p>@<p>@",
    "<p hidden>@</p>", "<pre>\n@\n@\n</pre>", "<table><tr><td>@</td><td>@</td></tr></table>",
    "<h2>@</h2>", "*@* **@** <i>@</i>", "[@](u) [[u|@]] [@]{.b}", "![@](x)", "@[^1]", "[^1]: @",
    "@^[@]", "%% @ %%", "%%\n@\n%%", "%% @", "<!-- @ -->", "<!-- @\n\n@ -->", "{--@--} {++@++}",
    "{~~@~>@~~} {==@==} {>>@<<}", "::: note\n@\n:::", "::: {.a}\n@\n\n@\n:::", ":::", "@\n: @",
    "| @ | @ |\n|---|---|\n| @ | @ |", "| @\n| @", "\\newpage", "{pagebreak}", "C> @", "-# @", "#@",
    "== @", "@  \n@\\\n@", "@<br>@<br><br>@", "&nbsp;", "***", "+ + +", "---", "@\n@", "@.\n@.",
    "<ruby>@<rt>@</rt></ruby>", "@ <sigh> @", "\\begin{center}\n@\n\\end{center}", "<a>@</a>",
    "**Chapter @**\n@", "Chapter 1\n@", "{.x}\n@", "@\n{: .x}", "#@ #@", "<style>@</style>",
    "<figure><figcaption>@</figcaption></figure>", "<!-- @", "{--@", "<div hidden>@", "~@~ ^@^",
    "- @\n  - @\n    - @\n\n  @",
    "> - @\n>\n> @", "@ ^id1", "漢《@》字", "{漢|かん}@", "<@>", "&@;",
    "\\@", "\\textbf{@}", "{@}", "<<@>>", "@\n\n\n\n@", "<td>@", "</div>", "<span>@", "</center>@",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=8), st.sampled_from(["\n\n", "\n"]))
def test_each_word_comes_once(shapes: list[str], between: str) -> None:
    numbers = itertools.count()
    text = re.sub("@", lambda _: f"w{next(numbers)}q", between.join(shapes))
    found = re.findall(r"w\d+q", " ".join(block.text for block in markdown_blocks(text)))
    assert sorted(found) == sorted(re.findall(r"w\d+q", text))


def test_remarks_that_never_close_are_searched_once() -> None:
    for unit in ("<!-- a ", "%% a\n\n", "{-- a ", "{~~ a~> ", "---\ntitle: a\n\n", "%%a "):
        assert source_of(unit * 20_000).text
