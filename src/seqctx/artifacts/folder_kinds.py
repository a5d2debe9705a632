"""What seqctx and Axolotl write into each kind of folder: all other files are the user's.

Lists of files are in the records: `Manifest`, `TrainingRun`, and those of models. They are read
here as plain JSON, so that the records of other versions can be read too. Names decide where there
is no list: in folders of earlier versions, and of runs that have not finished.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from seqctx.artifacts.folder_config import read_record
from seqctx.artifacts.layout import DATA_FILES, DatasetDir, RunDir
from seqctx.system.hashing import hash_file
from seqctx.system.users_files import FolderKind, Written, digests_below, users_files

_HERE = Path()
_DATASET, _RUN = DatasetDir(_HERE), RunDir(_HERE)

_TOKENIZED = (  # axolotl 0.19: utils/data/lock.py, shared.py; datasets 4.8: arrow_dataset.py
    rf"{_DATASET.tokenized}/([\w.-]+/)*([\w.-]+\.arrow|dataset_info\.json|state\.json"
    r"|dataset_dict\.json|[\w.-]+\.lock|datasets_ready\.flag|process_counter\.txt)"
)
_MODEL = (  # transformers 5.16: utils/__init__.py, tokenization_utils_base.py; peft 0.20
    r"((adapter_|pytorch_)?model(-\d+-of-\d+)?|pytorch_model_fsdp)"
    r"\.(safetensors|bin)(\.index\.json)?|adapter_config\.json|(generation_)?config\.json"
    r"|modelcard\.json|README\.md|tokenizer(_config)?\.json|tokenizer\.model(\.v\d+)?|tekken\.json"
    r"|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|[\w.-]+\.tiktoken"
    r"|(spiece|spm|sentencepiece)(\.bpe)?\.model|chat_template\.(jinja|json)"
    r"|additional_chat_templates/[\w.-]+\.jinja|(video_)?(pre)?processor_config\.json"
    r"|(configuration|modeling|tokenization|processing)_\w+\.py|quantization_config\.json"
)
_TRAINER = (  # transformers 5.16: trainer.py; accelerate 1.13; axolotl 0.19: utils/callbacks
    rf"{_MODEL}|training_args\.bin|trainer_state\.json|tokens_state\.json|optimizer\.(pt|bin)"
    r"|scheduler\.pt|scaler\.pt|rng_state[\w.-]*\.pth|latest|zero_to_fp32\.py"
    r"|global_step\d+/[\w.-]+|(pytorch_model_fsdp|optimizer)_\d+/[\w.-]+|debug\.log"
    r"|axolotl_checkpoint\.save|snapshot\.pickle|profiler_trace\.json"
    r"|(all|train|eval)_results\.json|runs/([\w.-]+/)*events\.out\.tfevents\.[\w.-]+"
)
_WRITING = r"\.(\w{8}|seqctx-partial)"  # the end of a name while the file is being written
_LATER = (
    r"(run|begun)\.json|losses\.(csv|svg|png)|(comparison|worth)\.html|merge\.(yaml|log)"
    r"|serve-\d+\.log"
)
_BESIDE_DATA = re.compile(rf"{_TOKENIZED}|manifest\.json|report\.(json|html)")
_UNFINISHED_DATA = re.compile(  # a book's rows (prepare/worker.py), and files being written
    rf"(\.\d+-)?({'|'.join(map(re.escape, sorted(DATA_FILES)))})"
    rf"|\.(manifest\.json|report\.(json|html)){_WRITING}"
)
_UNFINISHED_RUN = re.compile(
    rf"((checkpoint-\d+|tmp-checkpoint-\d+|last|\.taken-\w+)/)?({_TRAINER})"
    rf"|{_RUN.run}/(axolotl\.yaml|train\.log)"
)
_BESIDE_RUN = re.compile(  # written after the list
    rf"{_RUN.run}/({_TOKENIZED}|{_LATER}|\.({_LATER}){_WRITING})|merged/seqctx\.json"
)
_UNFINISHED_MERGE = re.compile(
    rf"(axolotl/(merged/)?)?({_TRAINER})|axolotl/([\w.-]+/)*{_TOKENIZED}|seqctx\.json"
)
_MERGE_IN_RUN = re.compile(r"merged\.seqctx-(partial|old)/(.+)")
_LOCK_IN_RUN = "merged.seqctx-partial.lock"
_FILE_LIST = ".seqctx-files"  # in the sample model; not .json: it is no part of the model


def _list(data: dict[str, Any], *keys: str) -> Written | None:
    """The list of files under nested keys of a record; None where it has none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None  # type: ignore[assignment]
    if not isinstance(data, dict):
        return None
    return {str(name): str(digest) for name, digest in data.items()}


def _dataset_files(folder: Path) -> Written | None:
    data = read_record(DatasetDir(folder).manifest)
    train, held_out = (_list(data, side, "files") for side in ("train", "held_out"))
    if train is None or held_out is None:
        return None
    return {**train, **held_out, **(_list(data, "pages") or {})}


def _is_beside_data(name: str, written: Written | None) -> bool:
    found = _BESIDE_DATA.fullmatch(name)
    return bool(found or (written is None and _UNFINISHED_DATA.fullmatch(name)))


def _merged_files(folder: Path) -> Written | None:
    return _list(read_record(folder / _RUN.merge_record.name), "files")


def _is_beside_merged(name: str, written: Written | None) -> bool:
    if written is not None:
        return name == _RUN.merge_record.name
    return bool(_UNFINISHED_MERGE.fullmatch(name))


def _run_files(folder: Path) -> Written | None:
    """The list of a run, with that of the model merged from it."""
    run_dir = RunDir(folder)
    files = _list(read_record(run_dir.record), "files")
    if files is None:
        return None
    merged: Written = {}
    if run_dir.merge_record.is_file():
        listed = _merged_files(run_dir.merged)
        merged = _known_by_name(run_dir.merged) if listed is None else listed
    return {**files, **{f"{_RUN.merged}/{name}": digest for name, digest in merged.items()}}


def _known_by_name(merged: Path) -> Written:
    """The files of a merged model without a list, as of earlier versions; without digests."""
    return {name: "" for name in digests_below(merged) if _is_beside_merged(name, None)}


def _is_beside_run(name: str, written: Written | None) -> bool:
    if _BESIDE_RUN.fullmatch(name) or name == _LOCK_IN_RUN:
        return True
    if interrupted := _MERGE_IN_RUN.fullmatch(name):
        return _is_beside_merged(interrupted[2], None)
    if written is not None:
        return False
    merged = f"{_RUN.merged}/"
    if name.startswith(merged):
        return _is_beside_merged(name.removeprefix(merged), None)
    return bool(_UNFINISHED_RUN.fullmatch(name))


def _model_files(folder: Path) -> Written | None:
    path = folder / _FILE_LIST
    return _list(read_record(path)) if path.is_file() else None


def _is_beside_model(name: str, written: Written | None) -> bool:
    return name == _FILE_LIST or (written is None and bool(re.fullmatch(_MODEL, name)))


DATASET = FolderKind(_DATASET.manifest.name, _dataset_files, _is_beside_data, hash_file)
"""A `DatasetDir`."""
RUN = FolderKind(str(_RUN.record), _run_files, _is_beside_run)
"""A `RunDir`: ``output_dir``."""
MERGED = FolderKind(_RUN.merge_record.name, _merged_files, _is_beside_merged)
"""`RunDir.merged`."""
MODEL = FolderKind("config.json", _model_files, _is_beside_model)
"""The model of ``seqctx setup model``."""


def unknown_files(unfinished: Path) -> set[str]:
    """Files of an unfinished run that neither seqctx nor Axolotl writes there by name."""
    return set(users_files(unfinished, RUN, complete=False))


def files_of_run(folder: Path, unknown: Collection[str]) -> dict[str, str]:
    """The list of a run that ends now, with digests.

    Args:
        folder: the folder of the run.
        unknown: `unknown_files` that were there before Axolotl was started; they are not listed.
    """
    listed = digests_below(folder)
    return {
        name: digest
        for name, digest in listed.items()
        if name not in unknown and not _BESIDE_RUN.fullmatch(name)
    }


def write_file_list(folder: Path) -> None:
    """List the files of the sample model's folder in it."""
    text = json.dumps(digests_below(folder), indent=1)
    (folder / _FILE_LIST).write_text(text + "\n", "utf-8")
