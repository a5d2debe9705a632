"""Small projects of many files, as writers' programs make them."""

from __future__ import annotations

import zipfile
from pathlib import Path

STORIES = {
    "gate": "The gate stood open all night, and nobody closed it. Rain came in under the eaves.",
    "weir": "Below the weir the water was brown and quick. She counted the planks twice.",
    "kiln": "The kiln was cold by morning. He raked the ash and found the key in it.",
    "mill": "At the mill they talked of prices. The miller said nothing, and weighed the corn.",
    "home": "They came home by the low road. The lamp was lit, and the dog did not bark.",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder, by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def rtf(text: str) -> str:
    """A document of Scrivener."""
    paragraphs = "".join(f"\\pard {line}\\par\n" for line in text.split("\n"))
    return "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Palatino;}}\n" + paragraphs + "}"


def binder(*items: str, draft: str = "Draft") -> str:
    """A binder with items in the draft, research and trash."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ScrivenerProject Version="2.0"><Binder>'
        f'<BinderItem UUID="D" Type="DraftFolder"><Title>{draft}</Title><Children>'
        f"{''.join(items)}</Children></BinderItem>"
        '<BinderItem UUID="R" Type="ResearchFolder"><Title>Research</Title><Children>'
        f"{item('R-1', 'Salt prices')}</Children></BinderItem>"
        '<BinderItem UUID="T" Type="TrashFolder"><Title>Trash</Title><Children>'
        f"{item('T-1', 'Old opening')}</Children></BinderItem></Binder></ScrivenerProject>"
    )


def item(
    uuid: str,
    title: str,
    *children: str,
    kind: str = "Text",
    compiled: str = "Yes",
    key: str = "UUID",
) -> str:
    """An item of a binder."""
    meta = f"<IncludeInCompile>{compiled}</IncludeInCompile>" if compiled else ""
    below = f"<Children>{''.join(children)}</Children>" if children else ""
    return (
        f'<BinderItem {key}="{uuid}" Type="{kind}" Created="2024-01-01"><Title>{title}</Title>'
        f"<MetaData>{meta}</MetaData>{below}</BinderItem>"
    )


def scrivener(folder: Path) -> Path:
    """A project of Scrivener 3: a part with two chapters, each a folder of scenes."""
    texts = {"G1": "gate", "G2": "weir", "K1": "kiln", "X1": "mill"}
    files = {f"Files/Data/{uuid}/content.rtf": rtf(STORIES[name]) for uuid, name in texts.items()}
    files["Files/Data/G1/content.rtf"] = rtf("<$Scr_Ps::0>" + STORIES["gate"] + "<!$Scr_Ps::0>")
    files |= {
        "Files/Data/G1/synopsis.txt": "She waits.",
        "Files/Data/G1/notes.rtf": rtf("Check the year."),
        "Files/Data/R-1/content.rtf": rtf("Salt was dear in those years."),
        "Files/Data/T-1/content.rtf": rtf("It was a dark night."),
        "ferry.scrivx": binder(
            item(
                "P", "Part One",
                item("A", "The Gate", item("G1", "Scene 1"), item("G2", "Scene 2"), kind="Folder"),
                item("B", "The Kiln", item("K1", "Scene 1"), kind="Folder"),
                kind="Folder",
            ),
            item("X1", "Cut chapter", compiled="No"),
        ),
    }  # fmt: skip
    return write(folder, files)


def nwx(*items: tuple[str, str, str, str, str, str]) -> str:
    """A project file of novelWriter; items are handle, parent, type, class, layout, name."""
    rows = "".join(
        f'<item handle="{handle:0>13}" parent="{parent:0>13}" root="0" order="{order}" '
        f'type="{kind}" class="{place}" layout="{layout}"><meta/>'
        f'<name status="s1" import="i1" active="{"no" if "off" in name else "yes"}">{name}</name>'
        "</item>"
        for order, (handle, parent, kind, place, layout, name) in enumerate(items)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><novelWriterXML fileVersion="1.5"><project>'
        f"<name>The Ferry House</name></project><content>{rows}</content></novelWriterXML>"
    )


def zipped(path: Path, folder: Path, top: str = "") -> Path:
    """A folder as an archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
    return path
