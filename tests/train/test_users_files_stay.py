"""Whatever a user keeps in folders that seqctx writes, no verb removes or changes it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import seqctx
from tests.test_clean import clean
from tests.users_files import STORY

EXAMPLES = max(6, int(os.environ.get("SEQCTX_FUZZ", "0")) // 500)
FOLDERS = (
    "outputs", "outputs/c", "outputs/c/run", "outputs/c/merged", "outputs/c/checkpoint-6",
    "outputs/c.seqctx-partial", "outputs/c.seqctx-partial/checkpoint-2", "outputs/c.seqctx-old",
    "outputs/c/merged.seqctx-partial", "outputs/c/run/tokenized", "prepare", "prepare/out",
    "prepare/out/c", "prepare/out/c/tokenized", "prepare/out/c.seqctx-partial",
    "prepare/out/c.seqctx-old", ".venv-train", "texts", "",
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(
        ("notes.txt", ".git/HEAD", "novel.md", "a/b/c.txt", "checkpoint-best/x.bin", "train.jsonl",
         "adapter.gguf", "checkpoint-4/mine.txt", ".hidden", "wörld.md", "manifest.json.orig",
         "model card.md", "-rf", "plan.html", "run.json.bak", "serve-mine.json")
    ),
    st.text("abcxyz .-_é", min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name.strip(".") and not name.endswith((".lock", ".log"))),
)  # fmt: skip
TREES = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), NAMES).map(lambda pair: str(Path(*pair))),
    st.binary(min_size=1, max_size=40), min_size=1, max_size=5,
)  # fmt: skip
ORDERS = st.permutations(
    (
        ("prepare", "c.yaml", "--force"),
        ("train", "c.yaml", "--force", "--no-page"),
        ("train", "c.yaml", "--resume", "--no-page"),
        ("merge", "c.yaml", "--force", "--no-evaluate"),
        ("plan", "c.yaml", "--html", "plan.html"),
        ("init", "notes.txt", "--gpu", "cpu", "--base-model", "base", "--manuscripts", "texts",
         "--goal", "voice"),
        ("clean",),
    )
).map(lambda verbs: verbs[:5])  # fmt: skip


@pytest.fixture
def in_project(runnable: Path) -> Iterator[Path]:
    """The project of ``runnable``, prepared, trained and merged; copied for each example."""
    text = (runnable / "c.yaml").read_text()
    (runnable / "c.yaml").write_text(f"{text}seqctx: {{prepare: {{manuscripts: [texts]}}}}\n")
    (runnable / "texts").mkdir()
    (runnable / "texts" / "a.md").write_text(STORY)
    for verb in ("prepare", "train", "merge"):
        answer = seqctx(verb, "c.yaml", cwd=runnable)
        assert answer.returncode == 0, answer.stderr
    yield runnable


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(tree=TREES, verbs=ORDERS, fails=st.booleans())
def test_every_file_of_the_users_is_still_there(
    in_project: Path, faked: Callable[..., None], tree: dict[str, bytes],
    verbs: list[tuple[str, ...]], fails: bool,
) -> None:  # fmt: skip
    import shutil

    faked(**({"fail_at": 5} if fails else {}))
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        shutil.copytree(in_project, project, symlinks=True)
        for name, content in tree.items():
            path = project / name
            assume(not path.exists() and not any(p.is_file() for p in path.parents))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for verb in verbs:
            answer = clean(project, "--force") if verb == ("clean",) else seqctx(*verb, cwd=project)
            assert "Traceback" not in answer.stderr, answer.stderr
            assert answer.returncode in (0, 1, 2, 3), (verb, answer.stderr)
            for name, content in tree.items():
                assert (project / name).is_file(), (verb, name, answer.stderr)
                assert (project / name).read_bytes() == content, (verb, name)
