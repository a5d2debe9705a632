"""Writes catalog/axolotl.json and vllm.json: the names that the packages themselves know.

Axolotl is read without importing it (griffe): the version of .venv-train, and the newest, from its
wheel, which uv fetches. vLLM's flags are asked of its own parser, in .venv-serve.

    .venv/bin/python scripts/catalog.py                  # rewrites both files
    .venv/bin/python scripts/catalog.py --out FOLDER     # elsewhere, to compare
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

from seqctx.system.uv import Uv

ROOT = Path(__file__).parents[1]
OUT = ROOT / "src" / "seqctx" / "catalog"
INSTALLED, NEWEST = "0.19", "0.21"
VLLM_VERSION = "0.32"
FLAGS = """
import json
from vllm.utils.argparse_utils import FlexibleArgumentParser
from vllm.entrypoints.launchers.cli_args import make_arg_parser
rows = []
for action in make_arg_parser(FlexibleArgumentParser())._actions:
    names = [o for o in action.option_strings if o.startswith("--")]
    rows.append({
        "names": names,
        "choices": [str(c) for c in action.choices] if action.choices else None,
        "help": action.help or "",
        "nargs": str(action.nargs),
    })
print("\\nROWS" + json.dumps(rows))
"""


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the two files")
    parser.add_argument("--newest", type=Path, help=f"unpacked wheel of axolotl {NEWEST}")
    given = parser.parse_args()
    site = next((ROOT / ".venv-train" / "lib").glob("python3.*")) / "site-packages"
    with tempfile.TemporaryDirectory() as folder:
        newest = given.newest or fetched(Path(folder))
        keys = {INSTALLED: axolotl(site), NEWEST: axolotl(newest)}
    merged = {
        part: merge(keys[INSTALLED][part], keys[NEWEST][part]) for part in ("keys", "plugins")
    }
    write(given.out / "axolotl.json", {"versions": [INSTALLED, NEWEST], **merged})
    write(given.out / "vllm.json", {"version": VLLM_VERSION, "keys": vllm()})


def write(path: Path, data: dict[str, Any]) -> None:
    """One name a line, sorted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def fetched(folder: Path) -> Path:
    """The newest Axolotl, unpacked; it needs a newer Python than this one, and is only read."""
    Uv(folder).install(
        Path(sys.executable), "--target", str(folder), "--python-version", "3.12",
        "--only-binary", ":all:", f"axolotl=={NEWEST}.0",
    )  # fmt: skip
    return folder


def axolotl(site: Path) -> dict[str, Any]:
    """The keys of Axolotl's input, and what its plugins add, from a folder of packages."""
    loader = griffe.GriffeLoader(search_paths=[str(site)], allow_inspection=False)
    whole = loader.load("axolotl", try_relative_path=False)  # a load of any part reads it all
    keys = fields(whole["utils.schemas.config.AxolotlInputConfig"])
    for key, message in deprecations(site / "axolotl/utils/schemas/deprecated.py").items():
        if key in keys:
            keys[key]["deprecated"] = message
    plugins = {}
    for name in sorted(p.name for p in (site / "axolotl/integrations").iterdir() if p.is_dir()):
        if name.startswith("_"):
            continue
        home = f"axolotl.integrations.{name}"
        classes = [
            c
            for m in modules(whole["integrations"][name])
            for c in m.classes.values()
            if not c.is_alias
        ]
        models = [c for c in classes if any("BaseModel" in str(base) for base in c.bases)]
        types = [entry["type"] for model in models for entry in fields(model).values()]
        roots = [c for c in models if not any(c.name in each for each in types)]
        own = {k: v for model in roots for k, v in fields(model).items()}
        for plugin in (c for c in classes if c.name.endswith("Plugin")):
            plugins[f"{home}.{plugin.name}"] = {"keys": own} if own else {}
    return {"keys": keys, "plugins": plugins}


def modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """A package's modules, itself first."""
    yield module
    for inner in module.modules.values():
        if not inner.is_alias:
            yield from modules(inner)


def is_model(found: griffe.Object) -> bool:
    """Whether a class is a pydantic model."""
    return isinstance(found, griffe.Class) and any(
        "BaseModel" in str(base) for each in (found, *found.mro()) for base in each.bases
    )


def fields(model: griffe.Class) -> dict[str, Any]:
    """A pydantic model's keys, those of its bases included."""
    found: dict[str, Any] = {}
    for each in reversed([model, *model.mro()]):
        for name, member in each.members.items():
            is_field = member.is_attribute and not member.is_alias and member.annotation is not None
            if not is_field or name.startswith("_") or name == "model_config" or name.isupper():
                continue
            if "property" in member.labels:  # computed from others
                continue
            entry = field(member)
            for alias in re.findall(r"\balias='(\w+)'", str(member.value)):
                found[alias] = entry
            found[name] = entry
    return found


def field(member: griffe.Attribute) -> dict[str, Any]:
    """One key: type, choices, default, description, and the keys of a nested block."""
    annotation, value = str(member.annotation), str(member.value)
    entry: dict[str, Any] = {"type": annotation}
    if about := description(value):
        entry["about"] = about
    if (default := default_of(value)) is not None:
        entry["default"] = default
    if "deprecated=" in value and (said := re.search(r"deprecated=['\"](.+?)['\"][,)]", value)):
        entry["deprecated"] = one_line(said.group(1))
    choices = re.findall(r"Literal\[([^\]]*)\]", annotation)
    entry["choices"] = [ast.literal_eval(c.strip()) for text in choices for c in text.split(",")]
    nested: dict[str, Any] = {}
    for found in classes_in(member):
        if is_model(found):
            nested |= fields(found)
            extra = [str(c.members["model_config"].value) for c in (found, *found.mro())
                     if "model_config" in c.members]  # fmt: skip
            entry["open"] = any("allow" in text for text in extra) or entry.get("open", False)
        elif any("Enum" in str(base) for base in found.bases):
            values = (str(a.value) for a in found.attributes.values() if a.value is not None)
            entry["choices"] += [v[1:-1] for v in values if v[:1] in "'\""]
    entry["keys"] = nested
    entry["list"] = bool(nested) and "list[" in annotation.lower()
    empty = ([], {}, False, None)
    return {key: value for key, value in entry.items() if key == "default" or value not in empty}


def default_of(value: str) -> Any:
    """The default in a field's source; None where that is null, a factory or no literal."""
    try:
        node = ast.parse(value, mode="eval").body
        if isinstance(node, ast.Call):  # Field(default=..., ...), or Field(..., ...)
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            node = named["default"] if "default" in named else node.args[0]
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, IndexError):
        return None


def classes_in(member: griffe.Attribute) -> list[griffe.Class]:
    """Classes of Axolotl that an annotation names."""
    found = []
    expression = member.annotation
    names = [expression] if isinstance(expression, griffe.ExprName) else []
    if isinstance(expression, griffe.Expr):
        names += [e for e in expression.iterate(flat=True) if isinstance(e, griffe.ExprName)]
    for name in names:
        try:
            target = member.modules_collection[name.canonical_path]
            target = target.final_target if target.is_alias else target
        except (KeyError, griffe.GriffeError):
            continue  # of another package
        if target.is_class and target.path.startswith("axolotl.") and target not in found:
            found.append(target)
    return found


def description(value: str) -> str | None:
    """What a field's source says of it."""
    match = re.search(r"description['\"]?\s*[:=]\s*", value)
    if not match:
        return None
    try:
        tail = ast.parse("x(" + value[match.end() :].rstrip(")}, \n") + ")", mode="eval")
        text = tail.body.args[0].value  # type: ignore[attr-defined]
    except (SyntaxError, AttributeError, IndexError):
        quoted = re.match(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", value[match.end() :])
        text = (quoted.group(1) or quoted.group(2)) if quoted else None
    return one_line(text) if isinstance(text, str) else None


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def deprecations(path: Path) -> dict[str, str]:
    """What Axolotl says of each deprecated key."""
    tree = ast.parse(path.read_text("utf-8"))
    (model,) = (
        n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "DeprecatedParameters"
    )
    keys = [n.target.id for n in model.body if isinstance(n, ast.AnnAssign)]
    texts = []
    for node in ast.walk(model):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            if isinstance(node.args[0].value, str):
                texts.append(one_line(node.args[0].value))
    said = {}
    for key in keys:
        about = [t for t in texts if re.search(rf"\b{key}\b", t) and " " in t]
        said[key] = about[0] if about else f"`{key}` is deprecated"
    return said


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Keys of two versions; those of one only say which, and so do defaults that differ."""
    merged = {}
    for key in sorted({*old, *new}):
        if key not in old or key not in new:
            version = INSTALLED if key in old else NEWEST
            merged[key] = {**(old.get(key) or new.get(key) or {}), "only": version}
            continue
        merged[key] = {**old[key], **new[key]}
        defaults = old[key].get("default"), new[key].get("default")
        if defaults[0] != defaults[1]:  # `default` is the installed version's
            merged[key]["default"], merged[key][f"default_{NEWEST}"] = defaults
            merged[key] = {k: v for k, v in merged[key].items() if v is not None}
        if "keys" in merged[key]:
            merged[key]["keys"] = merge(old[key].get("keys", {}), new[key].get("keys", {}))
    return merged


def vllm() -> dict[str, Any]:
    """The flags of ``vllm serve``, as keys with underscores."""
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": ""}
    answer = subprocess.run(
        [ROOT / ".venv-serve" / "bin" / "python", "-c", FLAGS],
        env={**os.environ, **quiet, "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    keys = {}
    for row in json.loads(answer.stdout.partition("\nROWS")[2]):
        names = [n for n in row["names"] if not n.startswith("--no-")] or row["names"]
        entry = {"about": one_line(row["help"]).split(". ")[0][:300], "choices": row["choices"]}
        entry = {key: value for key, value in entry.items() if value}
        for name in names:
            keys[name.lstrip("-").replace("-", "_")] = entry
    return keys


if __name__ == "__main__":
    main()
