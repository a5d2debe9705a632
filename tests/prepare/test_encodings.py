"""Text files in the encodings of old programs are read right, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript

WEST = ("cp1252", "mac_roman")
EAST = ("cp1250", "iso8859_2")
SENTENCES = [
    ("L'été, Élodine avait laissé sa lanterne « là-bas ». Où est-il ? Ça, nul ne sait.", WEST),
    ("„Müßig“, sagte er. Über die Brücke – ging Gesine, übel gelaunt. Ärger gab es nicht.", WEST),
    ("Över ån låg en bro. Ägaren hade glömt sin lykta vid åns strand.", WEST),
    ("Færgemanden havde glemt lygten ved åen. Øen lå øde.", WEST),
    ("¿Quién llegó? ¡Mañana será otro día!, dijo él. Ángel salió al café.", WEST),
    ("O barqueiro não tinha a lição. Três irmãos, à noite, é que vão. Água.", WEST),
    ("“I don’t know,” he said, and “it isn’t late”, she said.", WEST),
    ("Przewoźnik zostawił latarnię nad samą wodą. Od trzech dni padało.", EAST),
    ("Převozník nechal lucernu u samé vody. Už tři dny pršelo na střechy.", EAST),
    ("A révész a lámpást a víz mellett hagyta. Öt fűzfa állt ott, és üres volt a kötél.", EAST),
    ("Luntrașul își lăsase felinarul lângă apă. Ţara şi câinele.", ("cp1250",)),
    ("Yaşlı kayıkçı feneri suyun kıyısında bırakmıştı. Üç gündür yağmur yağıyordu.", ("cp1254",)),
    ("Keltininkas paliko žibintą prie vandens. Šuo nenorėjo eiti toliau.", ("cp1257",)),
    ("Паромщик оставил фонарь у самой воды.", ("cp1251", "koi8_r", "cp866", "iso8859_5")),
    ("Паромник залишив ліхтар біля води. Їжак мовчав.", ("cp1251", "koi8_u", "mac_cyrillic")),
    ("Ο γέρος είχε αφήσει το φανάρι κοντά στο νερό.", ("cp1253", "iso8859_7")),
    ("渡し守は川べりに提灯を置き忘れた。", ("cp932", "euc_jp", "iso2022_jp")),
    ("彼は～一人で①窓辺に髙橋と座っていた。", ("cp932",)),
    ("摆渡的老人把灯笼忘在了河边。雨已经下了三天，屋顶上全是水声。", ("gb18030",)),
    ("那天晚上下著大雨，他一個人坐在窗前，聽著雨聲。", ("big5",)),
    ("그날 밤에는 큰비가 내렸다. 그는 창가에 혼자 앉아 있었다.", ("euc_kr",)),
]
ALL = [(text, encoding) for text, encodings in SENTENCES for encoding in encodings]


@pytest.mark.parametrize("times", [1, 30])
@pytest.mark.parametrize(("text", "encoding"), ALL, ids=lambda value: str(value)[:12])
def test_a_sentence_in_an_old_encoding(
    tmp_path: Path, text: str, encoding: str, times: int
) -> None:
    text = text.encode(encoding, "ignore").decode(encoding)  # of ș and ş some have only one
    (tmp_path / "t.txt").write_bytes("\n\n".join([text] * times).encode(encoding))
    assert read_manuscript(tmp_path / "t.txt").text == "\n\n".join([text] * times)
