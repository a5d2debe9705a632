"""Draws docs/explanation/architecture.svg: the packages of seqctx, and who imports whom.

`make docs` writes it. The packages, their first lines, their modules and their imports are read
from the source, the floors from tests/test_house.py. Only the places of the boxes, in `PLACES`, are
set by hand.
"""

from __future__ import annotations

import ast
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "seqctx"
LEFT, RIGHT = 40, 1160
# Left and right edge of a box [px]. A package that is not listed takes the whole width.
PLACES = {
    "demo": (220, 800),
    "train": (40, 510), "serve": (680, 900), "scaffold": (920, 1160),
    "proofs": (225, 410), "check": (430, 1160),
    "prepare": (160, 410), "plan": (430, 1160),
}  # fmt: skip
STAGES = "prepare", "train", "serve"  # the way of a text, drawn in colour
ROOF, GROUND = "cli", "errors"  # nearly everything's importer, and imported: said, not drawn
SANS, MONO = "Helvetica, Arial, sans-serif", "Menlo, Consolas, monospace"
INK, SOFT, LINE = "#1f2933", "#52606d", "#9aa5b1"
ACCENT, TINT, PALE = "#b44d12", "#fdf3ea", "#f5f7fa"
KEY = (
    "A line runs from a dot at the package that imports to an arrow head at each package that it "
    "imports. Imports only point down.",
    "Orange: how a text travels. Each stage reads what the stage before it left on disk.",
)


@dataclass(frozen=True)
class Package:
    """A package, or a module that stands by itself.

    Attributes:
        name: below `seqctx`.
        floor: its floor; imports point to lower ones.
        about: the first line of its docstring.
        modules: what it holds, packages with a slash.
        imports: the packages that it imports.
    """

    name: str
    floor: int
    about: str
    modules: tuple[str, ...]
    imports: frozenset[str]


@dataclass(frozen=True)
class Box:
    """Where a package is drawn [px]."""

    package: Package
    left: float
    right: float
    top: float
    about: list[str]
    modules: list[str]

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.top + _height(self.about, self.modules)


def read_packages() -> list[Package]:
    """All packages, from the highest floor down."""
    house = ast.parse((ROOT / "tests" / "test_house.py").read_text("utf-8"))
    (floors,) = (
        ast.literal_eval(node.value)
        for node in house.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS"
    )
    imports = _imports()
    names = [name for name in floors if not name.startswith("__")]
    return [
        Package(name, floors[name], _about(name), _modules(name), frozenset(imports[name]))
        for name in sorted(names, key=lambda n: (-floors[n], PLACES.get(n, (LEFT, RIGHT))))
    ]


def _imports() -> Mapping[str, set[str]]:
    """Which packages each package imports, itself left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        home = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seqctx."):
                found[home].add(str(node.module).split(".")[1])
        found[home].discard(home)
    return found


def _about(name: str) -> str:
    """The first line of its docstring."""
    path = SOURCE / name / "__init__.py" if (SOURCE / name).is_dir() else SOURCE / f"{name}.py"
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def _modules(name: str) -> tuple[str, ...]:
    """Its modules by name, packages with a slash behind."""
    found = [
        f"{path.name}/" if path.is_dir() else path.stem
        for path in (SOURCE / name).glob("*")
        if (path / "__init__.py").is_file() or path.suffix == ".py"
    ]
    return tuple(sorted(module for module in found if module != "__init__"))


def _height(about: list[str], modules: list[str]) -> float:
    return 34 + 16 * (len(about) + len(modules))


def place(packages: list[Package]) -> dict[str, Box]:
    """A box for each package, one row a floor."""
    boxes: dict[str, Box] = {}
    top = 112.0
    for floor in sorted({p.floor for p in packages}, reverse=True):
        row = [p for p in packages if p.floor == floor]
        for package in row:
            left, right = PLACES.get(package.name, (LEFT, RIGHT))
            about = textwrap.wrap(package.about, int((right - left - 24) / 6.2))
            modules = textwrap.wrap(", ".join(package.modules), int((right - left - 24) / 6.7))
            boxes[package.name] = Box(package, left, right, top, about, modules)
        top = max(boxes[p.name].bottom for p in row) + (44 if row[0].name in PLACES else 30)
    return boxes


def _connections(boxes: Mapping[str, Box]) -> list[tuple[str, list[str]]]:
    """What is drawn as one line each: a box and the boxes that it points to, from top to bottom.

    The boxes that take the whole width share one line for each importer.
    """
    found = []
    for name, box in boxes.items():
        if name == ROOF:
            continue
        targets = [t for t in boxes if t in box.package.imports and t != GROUND]
        found += [(name, [t]) for t in targets if t in PLACES]
        if wide := [t for t in targets if t not in PLACES]:
            found.append((name, wide))
    return found


def _positions(boxes: Mapping[str, Box], lines: list[tuple[str, list[str]]]) -> list[float]:
    """Where each line runs down [px]: within all of its boxes, apart from all others."""
    sides = [side for box in boxes.values() for side in (box.left, box.right)]
    # what the coloured way takes: its column, and the gap between train and serve
    taken: list[float] = [*range(LEFT, int(boxes["proofs"].left), 12)]
    taken += range(int(boxes["train"].right) + 24, int(boxes["serve"].left), 12)
    for source, targets in lines:
        left = max(boxes[name].left for name in (source, *targets))
        right = min(boxes[name].right for name in (source, *targets))
        if right - left < 28:
            raise ValueError(f"{source} and {targets}: PLACES leaves no straight way down")
        spots = [left + 14 + (right - left - 28) * k / 60 for k in range(61)]
        taken.append(max(spots, key=lambda x: min(abs(x - other) for other in taken + sides)))
    return taken[-len(lines) :]


class Drawing:
    """An SVG under construction."""

    def __init__(self, width: float, height: float) -> None:
        """A white sheet, and an arrow head to refer to."""
        size = {"width": f"{width:g}", "height": f"{height:g}"}
        box = f"0 0 {width:g} {height:g}"
        self.root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=box, **size)
        self.add("rect", fill="white", **size)
        marker = ET.SubElement(
            self.add("defs"), "marker", id="accent", viewBox="0 0 10 10", refX="9", refY="5",
            markerWidth="5", markerHeight="5", orient="auto",
        )  # fmt: skip
        ET.SubElement(marker, "path", d="M0 0 L10 5 L0 10 z", fill=ACCENT)

    def add(self, tag: str, **attributes: object) -> ET.Element:
        """An element; underscores in names of attributes become hyphens."""
        values = {
            key.rstrip("_").replace("_", "-"): f"{value:g}"
            if isinstance(value, float)
            else str(value)
            for key, value in attributes.items()
        }
        return ET.SubElement(self.root, tag, values)

    def text(self, x: float, y: float, words: str, **style: object) -> None:
        """One line of text."""
        given = {"font_family": SANS, "font_size": 13, "fill": INK, **style}
        self.add("text", x=float(x), y=float(y), **given).text = words

    def pill(self, left: float, top: float, width: float, lines: list[str]) -> None:
        """A folder or file on the coloured way."""
        height = 14.0 + 16 * len(lines)
        self.add(
            "rect", x=left, y=top, width=width, height=height, rx=15,
            fill="white", stroke=ACCENT, stroke_dasharray="4 3",
        )  # fmt: skip
        for k, line in enumerate(lines):
            style = {"font_family": MONO} if line.endswith("/") else {}
            middle = left + width / 2
            self.text(
                middle, top + 19 + 16 * k, line, text_anchor="middle", font_size=11.5, **style
            )

    def arrow(self, *points: tuple[float, float]) -> None:
        """A thick coloured arrow through points."""
        way = " ".join(f"{'L' if k else 'M'}{x:g} {y:g}" for k, (x, y) in enumerate(points))
        self.add(
            "path", d=way, fill="none", stroke=ACCENT, stroke_width=2.2, marker_end="url(#accent)"
        )

    def __str__(self) -> str:
        """The file's text."""
        ET.indent(self.root)
        return ET.tostring(self.root, encoding="unicode") + "\n"


def _draw_box(drawing: Drawing, box: Box) -> None:
    """Its frame."""
    stage = box.package.name in STAGES
    drawing.add(
        "rect", x=float(box.left), y=float(box.top), width=float(box.right - box.left),
        height=float(box.bottom - box.top), rx=7, fill=TINT if stage else PALE,
        stroke=ACCENT if stage else LINE, stroke_width=1.6 if stage else 1.0,
    )  # fmt: skip


def _write_in_box(drawing: Drawing, box: Box, note: str = "") -> None:
    """Name, first line and modules, with a rim that keeps lines off the letters."""
    rim = {
        "stroke": TINT if box.package.name in STAGES else PALE,
        "stroke_width": 4.0, "paint_order": "stroke", "stroke_linejoin": "round",
    }  # fmt: skip
    x, y = box.left + 14, box.top + 21
    drawing.text(x, y, box.package.name, font_weight="bold", font_size=15, **rim)
    drawing.text(
        box.right - 14, y, note, text_anchor="end", font_size=12, fill=SOFT, font_style="italic"
    )
    for line in box.about:
        drawing.text(x, y := y + 17, line, font_size=12.5, **rim)
    for line in box.modules:
        drawing.text(x, y := y + 16, line, font_family=MONO, font_size=11, **{**rim, "fill": SOFT})


def _draw_imports(drawing: Drawing, boxes: Mapping[str, Box]) -> None:
    """Thin lines from a dot under the importer to an arrow head at each import."""
    lines = _connections(boxes)
    for (source, targets), x in zip(lines, _positions(boxes, lines), strict=True):
        start, end = boxes[source].bottom, boxes[targets[-1]].top
        drawing.add("line", x1=x, y1=start, x2=x, y2=end, stroke=LINE, stroke_opacity=0.35)
        for top, bottom in _free(boxes, x, start, end):
            drawing.add("line", x1=x, y1=top, x2=x, y2=bottom, stroke=SOFT)
        drawing.add("circle", cx=x, cy=start, r=2.6, fill=SOFT)
        for target in targets:
            top = boxes[target].top
            drawing.add("path", d=f"M{x - 3.5:g} {top - 7:g} h7 L{x:g} {top:g} z", fill=SOFT)


def _free(
    boxes: Mapping[str, Box], x: float, start: float, end: float
) -> Iterator[tuple[float, float]]:
    """The parts of a line that run between boxes [px]; the others are drawn fainter."""
    for box in sorted(boxes.values(), key=lambda b: b.top):
        if box.left <= x <= box.right and start <= box.top <= end:
            yield start, box.top
            start = box.bottom


def _draw_way(drawing: Drawing, boxes: Mapping[str, Box]) -> None:
    """How a text travels: from the manuscripts to the server."""
    prepare, train, serve = (boxes[name] for name in STAGES)
    middle = (prepare.top + prepare.bottom) / 2
    drawing.pill(LEFT, middle - 15, 98, ["manuscripts"])
    drawing.arrow((LEFT + 98, middle), (prepare.left - 2, middle))
    x, width = (prepare.left + boxes["proofs"].left) / 2 - 5, 165.0
    top = (train.bottom + prepare.top) / 2 - 31
    drawing.arrow((x, prepare.top), (x, top + 64))
    drawing.pill(LEFT, top, width, ["prepare/out/NAME/", "rows to train on,", "manifest.json"])
    drawing.arrow((x, top), (x, train.bottom + 2))
    y, left = (train.top + train.bottom) / 2, train.right + 24
    drawing.arrow((train.right, y), (left - 2, y))
    drawing.pill(left, y - 31, 116, ["output_dir/", "trained weights,", "run/run.json"])
    drawing.arrow((left + 116, y), (serve.left - 2, y))


def _notes(packages: list[Package]) -> dict[str, str]:
    """Notes that are written, not drawn: what the roof imports, and who imports the ground."""
    names = {p.name for p in packages}
    (roof,) = (p for p in packages if p.name == ROOF)
    above = {p.name for p in packages if GROUND in p.imports}

    def but(missing: set[str]) -> str:
        return f" but {' and '.join(sorted(missing))}" if missing else ""

    return {
        ROOF: f"imports all packages below{but(names - roof.imports - {ROOF})}",
        GROUND: f"imported by all packages above{but(names - above - {GROUND})}",
    }


def draw(packages: list[Package]) -> str:
    """The picture."""
    boxes = place(packages)
    drawing = Drawing(RIGHT + LEFT, max(box.bottom for box in boxes.values()) + 30)
    drawing.text(LEFT, 44, "seqctx: packages and imports", font_size=22, font_weight="bold")
    for k, line in enumerate(KEY):
        drawing.text(LEFT, 69 + 18 * k, line, fill=SOFT)
    for box in boxes.values():
        _draw_box(drawing, box)
    _draw_imports(drawing, boxes)
    notes = _notes(packages)
    for name, box in boxes.items():
        _write_in_box(drawing, box, notes.get(name, ""))
    _draw_way(drawing, boxes)
    return str(drawing)


def picture() -> str:
    """The picture of the source as it is."""
    return draw(read_packages())
