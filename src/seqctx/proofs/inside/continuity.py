"""In-environment script: does a model's attention, or its writing, depend on the training length?

    python -m seqctx.proofs.inside.continuity JOB.json RESULT.json

The job is made by `seqctx.proofs.continuity`.
"""  # noqa: D415

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch


def load(job: dict[str, Any]) -> tuple[Any, Any]:
    """The base model, with the adapter where there is one, and the tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(
        job["base_model"], dtype=dtype, attn_implementation="sdpa", trust_remote_code=False
    )
    if job["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["adapter"]).merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(job["base_model"], trust_remote_code=False)
    return model.to(device).eval(), tokenizer


def tokens(tokenizer: Any, text: str, count: int) -> Any:
    """The first tokens of a text (1, count)."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"][:count]
    if len(ids) < count:
        raise ValueError(f"the manuscripts have {len(ids)} tokens, and {count} are needed.")
    return torch.tensor([ids])


def log_probabilities(model: Any, ids: Any, at: list[int], starts: int | None = None) -> Any:
    """Next-token log-probabilities at some positions (positions, vocabulary).

    Args:
        model: the model.
        ids: tokens (1, tokens).
        at: the positions.
        starts: where positions start from 0 again, as if the row held two examples.
    """
    positions = torch.arange(ids.shape[1])
    if starts is not None:
        positions = torch.cat([positions[:starts], positions[: ids.shape[1] - starts]])
    with torch.no_grad():
        out = model(
            input_ids=ids.to(model.device),
            position_ids=positions[None].to(model.device),
            use_cache=False,
            logits_to_keep=torch.tensor(at, device=model.device),
        )
    return out.logits[0].float().log_softmax(-1)


def changes(model: Any, ids: Any, job: dict[str, Any], starts: int | None = None) -> list[float]:
    """The largest change of each position's log-probabilities when one token is replaced."""
    other = ids.clone()
    at = job["changed"]
    other[0, at] = next(i for i in ids[0].tolist() if i != int(ids[0, at]))
    before, after = (log_probabilities(model, i, job["positions"], starts) for i in (ids, other))
    found: list[float] = (before - after).abs().amax(-1).tolist()
    return found


def sample(model: Any, ids: Any, job: dict[str, Any]) -> list[list[int]]:
    """Texts that the model writes after a prompt, sampled, without the prompt."""
    torch.manual_seed(job["seed"])
    prompt = ids[:, : job["prompt"]].to(model.device)
    out = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=True,
        temperature=job["temperature"],
        top_k=0,
        top_p=1.0,
        num_return_sequences=job["samples"],
        min_new_tokens=job["new_tokens"],  # the model may not end its turn before
        max_new_tokens=job["new_tokens"],
    )
    found: list[list[int]] = out[:, prompt.shape[1] :].tolist()
    return found


def main() -> None:
    """Read the job, write the result."""
    job_path, result_path = map(Path, sys.argv[1:])
    job = json.loads(job_path.read_text("utf-8"))
    if not torch.cuda.is_available():
        torch.set_num_threads(1)  # one token at a time is too little work to share among threads
    model, tokenizer = load(job)
    ids = tokens(tokenizer, job["text"], max(job["positions"]) + 1)
    result = {
        "changes": changes(model, ids, job),
        "changes_with_reset": changes(model, ids, job, job["sequence_len"]),
        "written": sample(model, ids, job),
    }
    result_path.write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
