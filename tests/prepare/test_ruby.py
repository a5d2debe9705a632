"""Readings of Japanese characters and remarks for the typesetter are no story, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript
from seqctx.prepare.readers.ruby import without_readings
from tests.prepare.scene_files import write

AOZORA = """渡し場
架空太郎

-------------------------------------------------------
【テキスト中に現れる記号について】

《》：ルビ
（例）川縁《かわべり》
-------------------------------------------------------

［＃５字下げ］霧［＃「霧」は中見出し］

渡《わた》し守は｜川縁《かわべり》に提灯を置き忘れた。

［＃ここから２字下げ］
千草は戸を閉め、※［＃「てへん＋劣」、第3水準1-84-77］いだ。
［＃ここで字下げ終わり］

［＃中見出し］雨［＃中見出し終わり］

犬は垣根の先へは行かなかった。

底本：「架空全集」架空書房
入力：だれか
"""


@pytest.mark.parametrize(
    ("line", "text", "readings"),
    [
        ("渡《わた》し守《もり》は", "渡し守は", ("わた", "もり")),
        ("｜川縁《かわべり》に", "川縁に", ("かわべり",)),
        ("｜Ilka《イルカ》と", "Ilkaと", ("イルカ",)),
        ("ABC《エービーシー》", "ABC", ("エービーシー",)),
        ("|八千草《Yachigusa》", "八千草", ("Yachigusa",)),
        ("{漢字|かん|じ}を", "漢字を", ("かんじ",)),
        ("《《強調》》した", "強調した", ()),
        ("他读《红楼梦》和《水浒》。", "他读《红楼梦》和《水浒》。", ()),
        ("彼は《ファイア》を放つ", "彼は《ファイア》を放つ", ()),
        ("｜《本》", "《本》", ()),
        ("a {b|c} d", "a {b|c} d", ()),
        ("※［＃「虫＋礼のつくり」、第4水準2-87-25］の", "虓の", ()),
        ("※［＃「木＋世」、U+67BB、1-2］", "枻", ()),
        ("※［＃「はしご」、ページ数-行数］", "〓", ()),
        ("［＃「※［＃米印、1-2-8］」に傍点］", "", ()),
    ],
)  # fmt: skip
def test_readings(line: str, text: str, readings: tuple[str, ...]) -> None:
    found = without_readings(line)
    assert (found.text, found.readings) == (text, readings)


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "utf-8", "utf-16"])
def test_a_file_of_aozora_bunko(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(AOZORA.replace("\n", "\r\n").encode(encoding))
    book = read_manuscript(path)
    assert book.title == "渡し場"
    assert [c.title for c in book.chapters] == ["霧", "雨"]
    assert len(book.paragraphs) == 5 and not book.scene_breaks
    assert "渡し守は川縁に提灯を置き忘れた。\n\n千草は戸を閉め、挘いだ。" in book.text
    assert [part.kind for part in book.left_out] == [
        "title page", "explanation of signs", "imprint", "reading", "typesetter's remarks",
    ]  # fmt: skip


def test_rules_in_a_story_explain_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(
        "渡《わた》し場。\n\n----------\n\n雨が降る。\n\n----------\n\n底本：という本。\n"
    )
    book = read_manuscript(path)
    assert book.text.startswith("渡し場。") and book.text.endswith("底本：という本。")


@pytest.mark.parametrize("kind", ["docx", "odt", "epub", "html", "rtf"])
def test_readings_in_the_text_of_other_kinds_of_file(tmp_path: Path, kind: str) -> None:
    line = "渡《わた》し守は｜川縁《かわべり》に提灯を置き忘れた。"
    path = write(tmp_path / f"a.{kind}", [("heading", "第一章"), ("paragraph", line)])
    book = read_manuscript(path)
    assert "渡し守は川縁に提灯を置き忘れた。" in book.text
    assert [part.kind for part in book.left_out] == ["reading"]
