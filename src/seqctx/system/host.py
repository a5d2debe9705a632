"""This machine: whether it has a GPU."""

from __future__ import annotations

import os
import shutil
import subprocess


def has_gpu() -> bool:
    """Whether an NVIDIA GPU answers and is not hidden by CUDA_VISIBLE_DEVICES."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" or not (smi := shutil.which("nvidia-smi")):
        return False
    answer = subprocess.run([smi, "-L"], capture_output=True, text=True)
    return answer.returncode == 0 and "GPU" in answer.stdout
