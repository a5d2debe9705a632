"""What of a folder is the user's: by lists with digests, and by names where there is no list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqctx.artifacts.folder_config import config_name, other_config, read_record
from seqctx.artifacts.folder_kinds import DATASET, MERGED, MODEL, RUN
from seqctx.artifacts.layout import DatasetDir
from seqctx.errors import InputError
from seqctx.system.environment_files import ENVIRONMENT
from seqctx.system.hashing import hash_samples
from seqctx.system.users_files import FolderKind, users_files

AXOLOTLS = (
    "adapter_model.safetensors", "adapter_config.json", "README.md", "config.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "vocab.json", "merges.txt", "debug.log", "training_args.bin",
    "checkpoint-2/adapter_model.safetensors", "checkpoint-2/optimizer.pt",
    "checkpoint-2/rng_state.pth", "checkpoint-2/rng_state_0.pth", "checkpoint-2/scheduler.pt",
    "checkpoint-2/trainer_state.json", "checkpoint-2/tokens_state.json", "checkpoint-2/README.md",
    "checkpoint-4/global_step4/mp_rank_00_model_states.pt", "checkpoint-4/latest",
    "checkpoint-4/pytorch_model_fsdp_0/__0_0.distcp", "model-00001-of-00002.safetensors",
    "model.safetensors.index.json", "generation_config.json", "last/adapter_model.safetensors",
    "runs/Nov26_10-00-00_host/events.out.tfevents.1.host.2.0", "run/axolotl.yaml",
    "run/train.log", "run/.run.json.1a2b3c4d", "run/.losses.png.seqctx-partial",
    "run/tokenized/a1b2/train/data-00000-of-00001.arrow",
    "run/tokenized/datasets_prep.lock", "run/begun.json", "run/losses.csv", "run/comparison.html",
    "run/merge.log", "run/serve-8000.log", "merged/model.safetensors", "merged/seqctx.json",
    "merged.seqctx-partial/axolotl/merged/model.safetensors", "merged.seqctx-partial.lock",
)  # fmt: skip
USERS = (
    "notes.txt", "novel.md", "run/notes.txt", "run/serve-best.log", "checkpoint-best/a.bin",
    "checkpoint-2/why.txt", ".git/HEAD", ".git/config", "merged/notes.txt", "README.txt",
    "adapter_model.safetensors.mine", "tokenized/x.arrow", "drafts/config.json",
    "run/tokenized/notes.txt", "run/run.json.bak", "run/comparison.html.old", ".run.json.bak",
    "tokenizer.notes.txt", "pytorch_model.notes.txt", "run/losses.csv.txt", "model-mine.json",
    "merged.seqctx-partial/novel.md",
)  # fmt: skip


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_run_of_an_earlier_version_has_no_list_and_names_decide(tmp_path: Path) -> None:
    write(tmp_path, *AXOLOTLS)
    (tmp_path / "run" / "run.json").write_text("{}")
    assert users_files(tmp_path, RUN) == []
    assert users_files(tmp_path, RUN, complete=False) == []
    write(tmp_path, *USERS)
    assert users_files(tmp_path, RUN) == sorted(USERS)
    (tmp_path / "run" / "run.json").unlink()
    assert set(users_files(tmp_path, RUN)) == {*AXOLOTLS, *USERS}  # not known to be a run
    assert users_files(tmp_path, RUN, complete=False) == sorted(USERS)


def test_the_list_of_a_run_finds_other_and_changed_files(tmp_path: Path) -> None:
    write(tmp_path, "adapter_model.safetensors", "odd.plugin", "README.md", "run/axolotl.yaml")
    files = {name: hash_samples(tmp_path / name) for name in ("adapter_model.safetensors",
             "odd.plugin", "README.md", "run/axolotl.yaml")}  # fmt: skip
    (tmp_path / "run" / "run.json").write_text(json.dumps({"files": files}))
    assert users_files(tmp_path, RUN) == []
    write(tmp_path, "tokenizer.json", ".DS_Store", "run/losses.png")
    (tmp_path / "README.md").write_text("my own card")
    changed = "README.md (changed after seqctx wrote it)"
    assert users_files(tmp_path, RUN) == [changed, "tokenizer.json"]
    (tmp_path / "adapter_model.safetensors").unlink()  # what is gone cannot be lost
    (tmp_path / "README.md").write_text("")  # cut to nothing: nothing to lose
    assert users_files(tmp_path, RUN) == ["tokenizer.json"]


def test_a_merged_model_in_a_run_has_a_list_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "merged/model.safetensors", "run/axolotl.yaml")
    (tmp_path / "run" / "run.json").write_text('{"files": {}}')
    assert users_files(tmp_path, RUN) == ["merged/model.safetensors", "run/axolotl.yaml"]
    record = tmp_path / "merged" / "seqctx.json"
    record.write_text('{"fingerprint": "f"}')  # of an earlier version
    (tmp_path / "run" / "axolotl.yaml").unlink()
    assert users_files(tmp_path, RUN) == users_files(tmp_path / "merged", MERGED) == []
    digest = hash_samples(tmp_path / "merged" / "model.safetensors")
    record.write_text(json.dumps({"files": {"model.safetensors": digest}}))
    assert users_files(tmp_path, RUN) == users_files(tmp_path / "merged", MERGED) == []
    write(tmp_path, "merged/model-q4.gguf", "merged/config.json")
    assert users_files(tmp_path / "merged", MERGED) == ["config.json", "model-q4.gguf"]
    assert users_files(tmp_path, RUN) == ["merged/config.json", "merged/model-q4.gguf"]


@pytest.mark.parametrize("kind", [DATASET, RUN, MERGED])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"])
def test_a_record_that_cannot_be_read_decides_nothing(
    tmp_path: Path, kind: FolderKind, text: str
) -> None:
    write(tmp_path, kind.record)
    (tmp_path / kind.record).write_text(text, "latin-1")
    with pytest.raises(InputError, match="does not know which files of .* are yours. Move that"):
        users_files(tmp_path, kind)


@pytest.mark.parametrize("files", [None, 5, ["a"], "x"])
def test_lists_of_another_shape_are_no_lists(tmp_path: Path, files: object) -> None:
    write(tmp_path, "train-ends.jsonl", "notes.txt")
    (tmp_path / "manifest.json").write_text(json.dumps({"train": {"files": files}}))
    assert users_files(tmp_path, DATASET) == ["notes.txt"]
    assert read_record(tmp_path / "manifest.json") == {"train": {"files": files}}


def test_a_link_or_a_fifo_in_place_of_a_listed_file(tmp_path: Path) -> None:
    import os

    write(tmp_path, "data/a", "data/b")
    folder = tmp_path / "run-of-mine"
    files = {"a": hash_samples(tmp_path / "data/a"), "b": hash_samples(tmp_path / "data/b")}
    write(folder, "run/run.json")
    (folder / "run" / "run.json").write_text(json.dumps({"files": files}))
    (folder / "a").symlink_to(tmp_path / "data")  # a folder of the user's
    os.mkfifo(folder / "b")
    (folder / "c").symlink_to(tmp_path / "none")
    assert [name.split()[0] for name in users_files(folder, RUN)] == ["a", "b", "c"]


def test_what_is_in_an_environment_by_its_packages(tmp_path: Path) -> None:
    site = "lib/python3.11/site-packages"
    ours = ("pyvenv.cfg", ".lock", "CACHEDIR.TAG", ".made-12ab-0.1.0", "bin/activate.fish",
            "bin/python3.11", "bin/tool", f"{site}/tool.py", f"{site}/__pycache__/tool.x.pyc",
            f"{site}/tool-1.dist-info/RECORD")  # fmt: skip
    write(tmp_path, *ours)
    (tmp_path / "lib64").symlink_to("lib")
    size = len(f"{site}/tool.py")
    (tmp_path / site / "tool-1.dist-info" / "RECORD").write_text(
        f"tool.py,sha256=x,{size}\n../../../bin/tool,,\ntool-1.dist-info/RECORD,,\n"
    )
    assert users_files(tmp_path, ENVIRONMENT) == []
    write(tmp_path, "notes.txt", f"{site}/mine.py", "bin/my-script", "models/big.gguf")
    (tmp_path / site / "tool.py").write_text("patched by hand")
    changed = f"{site}/tool.py (changed after seqctx wrote it)"
    mine = ["bin/my-script", f"{site}/mine.py", changed, "models/big.gguf", "notes.txt"]
    assert users_files(tmp_path, ENVIRONMENT) == mine
    assert users_files(tmp_path, ENVIRONMENT, complete=False) == ["models/big.gguf", "notes.txt"]


def test_the_sample_model_with_and_without_a_list(tmp_path: Path) -> None:
    from seqctx.artifacts.folder_kinds import write_file_list

    write(tmp_path, "config.json", "model.safetensors", "tokenizer.json", "notes.md")
    assert users_files(tmp_path, MODEL) == ["notes.md"]
    (tmp_path / "notes.md").unlink()
    write_file_list(tmp_path)
    assert users_files(tmp_path, MODEL) == []
    (tmp_path / "model.safetensors").write_text("fine-tuned for weeks")
    assert [name.split()[0] for name in users_files(tmp_path, MODEL)] == ["model.safetensors"]


def test_whose_folder_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = DatasetDir.of(Path("a/c.yaml")).path
    assert out == DatasetDir.of(Path("b/c.yaml")).path
    write(tmp_path, "a/c.yaml", "b/c.yaml")
    of_a = config_name(Path("a/c.yaml"), out)
    assert of_a == config_name(tmp_path / "b" / ".." / "a" / "c.yaml", out) == "../../a/c.yaml"
    assert other_config(of_a, Path("a/c.yaml"), out) is None
    assert other_config(of_a, Path("b/c.yaml"), out) == "a/c.yaml"
    assert other_config("", Path("b/c.yaml"), out) is None  # of an earlier version
    Path("link.yaml").symlink_to("a/c.yaml")
    assert other_config(of_a, Path("link.yaml"), out) is None
    Path("a/c.yaml").rename("moved.yaml")
    assert other_config(of_a, Path("moved.yaml"), out) is None


@pytest.mark.parametrize("name", ["..yaml", "...yaml"])
def test_a_config_whose_name_leaves_no_folder(name: str) -> None:
    with pytest.raises(InputError, match=r"its examples need a folder of its name. Rename"):
        DatasetDir.of(Path(name))
