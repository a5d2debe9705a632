#!/usr/bin/env bash
# What pip would install on an NVIDIA machine, from PyPI alone, for $PYTHON's version. Downloads
# metadata only. Usage: make dry-run-cuda [PYTHON=python3.12]
set -euo pipefail
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
python=$tmp/venv/bin/python
"$python" -m pip install -q --upgrade pip
for list in train-cuda.txt serve-cuda.txt; do
  env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
    "$python" -m pip install -q --dry-run --ignore-installed --report "$tmp/report" -r "$list"
  "$python" - "$tmp/report" "$list" <<'EOF'
import json, sys
report = json.load(open(sys.argv[1]))
found = {i["metadata"]["name"].lower(): i["metadata"]["version"] for i in report["install"]}
shown = ("axolotl", "vllm", "torch", "transformers", "bitsandbytes", "triton", "nvidia-cudnn-cu13")
versions = ", ".join(f"{name} {found[name]}" for name in shown if name in found)
python = report["environment"]["python_version"]
print(f"{sys.argv[2]}, Python {python}: {len(found)} packages resolve: {versions}")
EOF
done
