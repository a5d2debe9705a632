"""Words by which front matter and back matter are recognized, in many languages.

A word alone decides nothing: see ``front_matter``, where form and place are asked, too.
"""

from __future__ import annotations

import re

DECLARED = {  # epub:type values (EPUB Structural Semantics Vocabulary) and what we call them
    "titlepage": "title page", "halftitlepage": "title page", "imprint": "imprint",
    "copyright-page": "imprint", "colophon": "imprint", "toc": "contents", "loi": "contents",
    "lot": "contents", "landmarks": "contents", "endnotes": "section of notes",
    "footnotes": "section of notes", "rearnotes": "section of notes", "footnote": "endnotes",
    "endnote": "endnotes",
    "rearnote": "endnotes", "index": "index", "bibliography": "bibliography",
    "other-credits": "imprint", "seriespage": "advertisement",
    "contributors": "about the author",
}  # fmt: skip


def _joined(words: str) -> str:
    """A pattern that is written on several lines, as one line."""
    return "".join(line.strip() for line in words.splitlines())


_KIND_NAMES = {
    "contents": r"""
        (?:table of )?contents|index|inhalt(?:sverzeichnis|sübersicht)?|sommaire|innehåll
        |table(?: des (?:matières|chapitres))?|índice(?: general)?|indice(?: generale)?|contenidos?
        |sumário|conteúdo|sommario|inhoud(?:sopgave)?|spis (?:treści|rozdziałów)|содержание|обсяг
        |оглавление|зміст|目次|もくじ|目[录錄]|목차|차례|innehållsförteckning|indhold|innhold
        |indholdsfortegnelse|sisällys(?:luettelo)?|obsah|tartalom|içindekiler|cuprins|περιεχόμενα
        |สารบัญ|mục lục|chapters
        """,
    "list of illustrations": r"""
        (?:list of )?(?:illustrations|figures|maps|plates|tables)|abbildungsverzeichnis
        |(?:verzeichnis der )?abbildungen|(?:table|liste) des (?:illustrations|gravures|figures)
        |(?:índice|lista) de (?:ilustraciones|láminas|figuras)|ilustraciones|illustrazioni
        |(?:elenco|indice) delle (?:illustrazioni|figure|tavole)|lista de ilustrações
        |lijst van (?:illustraties|afbeeldingen)|illustraties|spis ilustracji|ilustracje
        |(?:список )?иллюстраци[ийя]|插[图圖]目[录錄]|挿絵目次|図版目次
        """,
    "imprint": r"""
        copyright(?: page| notice| information)?|imprint(?: page)?|colophon|impressum
        |mentions légales|achevé d[’']imprimer|créditos|página legal|derechos de autor|colofón
        |colofone?|note legali|crediti|ficha técnica|direitos autorais|copyrightpagina|metryczka
        |stopka (?:redakcyjna|wydawnicza)|выходные данные|版[权權](?:[页頁]|信息|資訊)?|奥付|판권
        |urheberrecht|legal notice
        """,
    "licence": r"""
        (?:[\w ]{1,30}edition,? )?licen[cs]e(?: notes?| statement| information)?|uncopyright
        |(?:the )?full project gutenberg licen[cs]e|lizenz(?:hinweise?)?|licencia|licenza|licença
        |licentie|licencja|лицензия|许可|授权|ライセンス
        """,
    "endnotes": r"""
        (?:end|foot)[ -]?notes?|(?:author[’']s |chapter )?notes?(?: and references)?|anmerkungen
        |fu(?:ß|ss)noten?|endnoten|notes? de (?:bas de page|fin)|notas(?: al pie| finales)?
        |notas de (?:rodapé|fim)|note(?: a piè di pagina| di chiusura)?|(?:voet|eind)?noten|przypisy
        |примечани[яе]|сноски|примітки|注[釈释]?|脚注|註[釋]?|尾注|fotnoter|slutnoter|noter
        |viitteet|poznámky|jegyzetek|lábjegyzetek|notlar|dipnotlar|각주|주석|미주
        """,
    "index": r"""
        index(?: of \w+(?: and \w+)?)?|(?:personen|sach|namen|orts)?register|stichwortverzeichnis
        |índice(?: alfabético| analítico| onomástico| remissivo)?|index des noms|indeks|skorowidz
        |indice (?:analitico|dei nomi)|(?:предметный |именной |алфавитный )?указатель|索引
        |zaakregister|색인|찾아보기|glossary|glossar|glossaire|glosario|glossario|glossário|глоссарий
        """,
    "about the author": r"""
        about (?:the (?:authors?|publisher|translator|illustrator|editor)|me)|author bio(?:graphy)?
        |(?:über|zu[rm]) (?:den |der |die )?autor(?:in)?|(?:der|die) autor(?:in)?|autorenvita
        |(?:à propos de )?l[’']aut(?:eure?|rice)|(?:sobre|acerca de) (?:el|la|o|a) autora?
        |acerca del autor|(?:informazioni )?sull[’'](?:autore|autrice)|l[’'](?:autore|autrice)
        |over de (?:auteur|schrijver|schrijfster)|o (?:autorze|autorce|autorovi)|об автор(?:е|ах)
        |про автора|[关關][于於]作者|作者[简簡]介|(?:著|作)者(?:紹介|について|略歴)|저자 소개
        |om (?:författaren|forfatteren)|kirjailijasta|a szerzőről|yazar hakkında
        """,
    "advertisement": r"""
        also (?:available )?(?:by|from) .{1,60}|by the same author
        |(?:(?:other|more|all) )?(?:books|titles|works|novels)(?: available)? (?:by|from) .{1,60}
        |discover (?:other|more) (?:titles|books) by .{1,60}|coming soon(?: from .{1,60})?
        |weitere (?:bücher|titel|werke|romane) .{1,60}|vom selben autor|von derselben autorin
        |d[ue] (?:la )?même aut(?:eur|rice)|ouvrages du même auteur|del? (?:la )?mism[oa] autora?
        |otr[oa]s (?:libros|obras|títulos|novelas) de .{1,60}|dell(?:o|a) stess[oa] aut(?:ore|rice)
        |altri (?:libri|titoli) di .{1,60}|outr[oa]s (?:livros|obras) de .{1,60}
        |d[oa] mesm[oa] autora?
        |van dezelfde (?:auteur|schrijver|schrijfster)|te(?:go|j) sam(?:ego|ej) autor(?:a|ki)
        |того же автора|другие книги .{1,60}|connect with .{1,60}|follow .{1,40} on .{1,40}
        |thank(?:s| you) for (?:reading|downloading|purchasing|buying).{0,60}|newsletter
        |if you enjoyed .{1,70}
        """,
    "transcriber's note": r"""
        (?:original )?transcriber[’']?s?[’']? notes?|(?:notes? on the )?transcription(?: notes?)?
        |anmerkungen zur transkription|notes? d[ue] (?:la )?transcription|notes? du transcripteur
        |notas? del transcriptor|nota del trascrittore|digitiser[’']?s notes?
        |大?凡例|入力者注
        """,
    "dramatis personae": r"""
        dramatis person(?:ae|æ)|(?:cast|list) of (?:the )?characters|characters|personen
        |personen der handlung|personnages|personajes|personaggi|personagens|osoby
        |действующие лица|登場人物|人物表|人物[介紹绍]+
        """,
    "afterword": r"afterword|end notes|author[’']?s notes?|notes|nachwort|postface",
}
KIND_NAMES = {
    kind: re.compile(rf"(?i)(?:{_joined(words)})\s*[.:：]?") for kind, words in _KIND_NAMES.items()
}
"""By kind: what its heading may say. One heading may name several kinds."""

ASIDE = re.compile(
    r"(?i)(?:acknowledge?ments?|dedication|epigraph|foreword|preface|afterword|thanks"
    r"|a note on .{1,60}|danksagung|widmung|vorwort|nachwort|remerciements|dédicace"
    r"|préface|postface|agradecimientos?|dedicatoria|ringraziamenti|dedica|prefazione|agradecimentos?|dedicatória"
    r"|prefácio|dankwoord|voorwoord|nawoord|podziękowania|przedmowa|благодарности|предисловие"
    r"|послесловие|致[谢謝]|序言?|前言|后记|後記|あとがき|まえがき|謝辞|author[’']?s notes?)[.:]?"
)
"""Headings of parts that are no chapter of the story, but the author's own words: they stay."""

_HINTS = {
    "imprint": r"""
        ©|\(c\) (?:19|20)\d\d|\bisbn\b|\bcopyright\b|all rights reserved
        |no part of this (?:book|work)|(?:first |originally )?(?:published|printed) (?:by|in)
        |\bpublisher|library of congress
        |work of fiction|this (?:e-?book|edition)|(?:cover|book) design|\btypeset\b|public domain
        |alle rechte vorbehalten|\bverlag\b|deutsche nationalbibliothek|gedruckt in|erstausgabe
        |tous droits réservés|dépôt légal|\béditions?\b|imprimé (?:en|par)|\béditeur
        |(?:todos los )?derechos reservados|depósito legal|primera edición|impreso en|\beditorial\b
        |diritti riservati|prima edizione|stampato (?:in|da)|\beditore\b|direitos reservados
        |rechten voorbehouden|eerste druk|\buitgever|prawa zastrzeżone|\bwydawnictwo\b|wydanie
        |права защищены|издательство|\bтираж|版[权權]所有|出版(?:社|发行)|第[一二三]版|発行(?:者|所)
        |印刷所|無断転載|底本|저작권|펴낸곳|\bsmashwords\b|\bkindle\b|\bstandard ebooks\b
        """,
    "licence": r"""
        licen[cs]ed? |licen[cs]e\b|(?:re)?distribut|\bpermission|warrant(?:y|ies)|trademark
        |\bcop(?:y|ies)\b|\bcopyright|re-?s(?:old|ell)|given? away|creative commons|\bcc[ -]by
        |\bpurchase
        |lizenz|weitergabe|vervielfältig|licenc|licenz|licença|autoris|autoriz|redistrib|лицензи
        """,
    "about the author": r"""
        \bauthors?\b|\bwrit(?:er?|es|ing|ten)\b|\bborn\b|\blives?\b|\bnovels?\b|\bbooks?\b|\bstories\b
        |\bawards?\b|https?:|www\.|@\w|\bwebsite|newsletter|twitter|facebook|instagram
        |\bautor|\bschreibt\b|\bgeboren\b|\blebt\b|\broman|\bbücher\b|\bauteure?\b|\bnée?\b|\bvit\b
        |\blivres?\b|\bnaci[óo]\b|\bvive\b|\blibros?\b|\bescri(?:be|tora?|tor)\b|\bnat[oa]\b
        |\blibr[io]\b|\bscri(?:ve|ttore|ttrice)\b|\bnasceu\b|\bmora\b|\blivros?\b|\bwoont\b|\bschrijft
        |\bboeken\b|urodzi[łl]|mieszka|książ|родил|живёт|живет|книг|писател|出生|生于|居住|毕业|著有|作品
        |生まれ|出身|在住|著書|作家|태어|작가
        """,
    "transcriber's note": r"""
        spelling|punctuation|printe[dr]|printing|correct(?:ed|ion)|changed|hyphen|original|typograph
        |errors?\b|e-?texts?\b|proofread|italic|illustration|inconsisten|page numbers?
        |rechtschreib|druckfehler|korrigiert
        |orthograph|ortograf|coquille|erreur|corrig|errori|errat
        """,
    "afterword": r"""
        \bcomments?\b|\bkudos\b|archive\b|\breviews?\b|\bvote\b|\bauthor know\b|\bbookmark
        """,
    "advertisement": r"""
        https?:|www\.|\w@\w|available|\border\b|amazon|\breviews?\b|newsletter|\bbooks?\b|\bseries\b
        |\bnovels?\b|sign up|\bfree\b|twitter|facebook|instagram|mailing list
        """,
}
HINTS = {kind: re.compile(f"(?i){_joined(words)}") for kind, words in _HINTS.items()}
"""By kind: words that its paragraphs are full of."""

RIGHTS = re.compile(
    r"(?i)©|\bisbn\b|\bcopyright\b|all rights reserved|rechte vorbehalten|droits réservés"
    r"|derechos reservados|diritti riservati|direitos reservados|rechten voorbehouden"
    r"|prawa zastrzeżone|права защищены|版[权權]所有|無断転載"
)
"""What only an imprint says."""
TITLE_PAGE_LINE = re.compile(  # "by" and names: not "By morning they had gone."
    r"(?:(?i:an? (?:[\w-]+ )?(?:novel|novella|story|romance|tale) )?"
    r"(?:[Bb]y|BY|[Vv]on|[Pp]ar|[Pp]or|[Dd]i) "
    r"(?:(?:[A-ZÀ-ÞА-Я][\w.’'-]*|and|de|la|le|of|van|von|&)(?:\s+|$)){1,6}"
    r"|(?i:an? (?:[\w-]+ )?(?:novel|novella)|(?:ein )?roman|romans?|una novela|un romanzo)"
    r"|\(?\d{4}\)?\.?"
    r"|(?i:.*(?:©|\bcopyright\b|\bISBN\b|all rights reserved|(?:produced|published) by).*))"
)
"""A line as only title pages have."""
SUBMISSION_LINE = re.compile(
    r"(?i)(?:e-?mail\s*:?\s*)?[\w.+-]{1,60}@[\w-]{1,60}(?:\.[\w-]{1,30}){1,4}"
    r"|(?:[^\d]{2,60}\s)?(?:about|approx(?:imately|\.)?|circa|ca?\.|~|environ|etwa|rund|cerca de)"
    r"\s*\d[\d,.  ]{0,9}\s*(?:words|wörter|mots|palabras|parole|palavras|woorden|słów|слов)\.?"
    r"|(?:unas|约|約|全)?\s*"
    r"\d[\d,.  ]{0,9}\s*(?:words|wörter|mots|palabras|parole|palavras|woorden|słów|слов|字|文字)\.?"
    r"|(?:word count|words|wortzahl|nombre de mots)\s*:\s*\D{0,15}\d[\d,. ]{0,9}(?: words)?"
    r"|(?:tel|phone|mobile|telefon|tél)[.:]?\s*[+\d][\d ()./-]{5,20}"
)
"""A line as only the head of a submission has: an address for mail, a count of words."""
LABEL = re.compile(
    r"(?i)(?:rating|(?:archive )?warnings?|categor(?:y|ies)|fandoms?|relationships?|characters?"
    r"|pairings?|(?:additional )?tags|language|series|collections?|stats|published|completed"
    r"|updated|words|word count|chapters|genres?|status|summary|disclaimer|author|title)"
    r"\s*[:：](?:\s.{0,2000})?",
    re.S,
)
"""What archives of stories write above a story."""
ARCHIVE_ONLY = re.compile(
    r"(?i)(?:rating|archive warnings?|fandoms?|additional tags|pairings?)\s*[:：]"
)
