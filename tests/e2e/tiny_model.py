"""Runs in .venv-train: a Llama of random weights with so many heads, in a folder.

Beside it, in expected.json, is what transformers makes of a prompt: its tokens' log-probabilities.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

source, out, heads, key_heads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tokenizer = AutoTokenizer.from_pretrained(source)
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=len(tokenizer), hidden_size=32 * heads, intermediate_size=64 * heads,
    num_hidden_layers=4, num_attention_heads=heads, num_key_value_heads=key_heads,
    max_position_embeddings=512, eos_token_id=tokenizer.eos_token_id,
)  # fmt: skip
model = LlamaForCausalLM(config).to(torch.bfloat16)
model.save_pretrained(out)
tokenizer.save_pretrained(out)

prompt = "The lamps along the harbour were lit one by one, and nobody asked who lit them."
ids = tokenizer(prompt, return_tensors="pt").input_ids
with torch.no_grad():
    scores = model(ids).logits[0, :-1].float().log_softmax(-1)
expected = scores.gather(1, ids[0, 1:, None])[:, 0].tolist()
(Path(out) / "expected.json").write_text(json.dumps({"prompt": prompt, "logprobs": expected}))
