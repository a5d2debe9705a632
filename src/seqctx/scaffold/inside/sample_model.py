"""Runs inside .venv-train: writes a GGUF of SmolLM2-135M-Instruct as a Hugging Face checkpoint.

    python -m seqctx.scaffold.inside.sample_model JOB.json RESULT.json

The job is made by `seqctx.scaffold.sample_model`.
"""  # noqa: D415

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import decoders, normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig


def load_tokenizer(source: dict[str, str]) -> Any:
    """The tokenizer, giving the ids that the model was trained on."""
    tokenizer = AutoTokenizer.from_pretrained(**source, trust_remote_code=False)
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
    return tokenizer


def load_model(source: dict[str, str]) -> Any:
    """The model in bfloat16."""
    model = AutoModelForCausalLM.from_pretrained(
        **source, dtype=torch.float32, trust_remote_code=False
    )
    # Loaded from GGUF, the model believes that it is quantized and refuses to be saved as it is.
    model.hf_quantizer = None
    model.is_quantized = False
    model.config.__dict__.pop("quantization_config", None)
    return model.to(torch.bfloat16)


def main() -> None:
    """Read the job, write the checkpoint, say so."""
    job_path, result_path = map(Path, sys.argv[1:])
    job = json.loads(job_path.read_text("utf-8"))
    logging.disable(logging.WARNING)  # torchao warns of GPU kernels that do not concern a CPU
    gguf, target = Path(job["gguf"]), Path(job["folder"])
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer, model = load_tokenizer(source), load_model(source)
    tokenizer.model_max_length = model.config.max_position_embeddings
    ids = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model.config.update(ids)
    model.generation_config = GenerationConfig(**ids)  # type: ignore[no-untyped-call]
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    result_path.write_text(json.dumps({"folder": str(target)}), "utf-8")


if __name__ == "__main__":
    main()
