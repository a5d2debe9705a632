"""The plugin: gradients on a CPU are the same before and after an evaluation."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.e2e.test_model import MODEL, PYTHON

# bitsandbytes asks the CPU for AVX512-BF16 when a layer is made. To see the fault on any CPU, the
# answer is made "yes" before the plugin is registered; the repacking that follows is its own code.
MEASURE = """
import json, sys, torch
import bitsandbytes.nn.modules as modules
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
model_folder, plugin = sys.argv[1:]
modules.has_avx512bf16 = lambda: True
if plugin == "yes":
    from seqctx.train.axolotl_plugin import CpuPlugin
    CpuPlugin().register({})
torch.manual_seed(0)
quantized = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
model = AutoModelForCausalLM.from_pretrained(
    model_folder, quantization_config=quantized, dtype=torch.float32, device_map="cpu")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights=False))
ids = torch.randint(100, 40000, (1, 32))

def gradient():
    model.train()
    model.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    first = model.base_model.model.model.layers[0].self_attn.q_proj.lora_A["default"].weight
    # where the CPU has AVX512-BF16 nothing may reach the first layer at all
    return 0.0 if first.grad is None else first.grad.norm().item()

before = gradient()
model.eval()
with torch.no_grad():
    model(input_ids=ids)
print(json.dumps([before, gradient()]))
"""
NO_AUTOGRAD = "gemv_4bit: an autograd kernel was not registered"


def measure(plugin: str) -> tuple[float, float, str]:
    """The gradient's norm before and after an evaluation, and what stderr got."""
    command = [PYTHON, "-c", MEASURE, MODEL, plugin]
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "AXOLOTL_DO_NOT_TRACK": "1"}
    answer = subprocess.run(command, capture_output=True, text=True, env=env)
    assert answer.returncode == 0, answer.stderr
    before, after = json.loads(answer.stdout.splitlines()[-1])
    return before, after, answer.stderr


def test_gradients_after_an_evaluation() -> None:
    before, after, printed = measure("yes")
    assert before > 0
    assert after == pytest.approx(before, rel=1e-6)
    assert NO_AUTOGRAD not in printed


def test_without_the_plugin_they_are_wrong_and_nothing_fails() -> None:
    before, after, printed = measure("no")
    assert before > 0
    assert after != pytest.approx(before, rel=0.1)
    assert NO_AUTOGRAD in printed
