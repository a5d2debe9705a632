"""Runs in .venv-train: a Llama of random weights whose heads can be divided, in a folder."""

from __future__ import annotations

import sys

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
LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(out)
tokenizer.save_pretrained(out)
