#!/usr/bin/env bash
# serve_vllm.sh MODEL PORT MAX_SEQS CONTEXT GPU_UTIL
#   MODEL     a folder with a base model, a merged model or an adapter; a hub id; or a YAML file
#   PORT      TCP port on 127.0.0.1
#   MAX_SEQS  requests answered at the same time (9 is customary on Blackwell cards)
#   CONTEXT   max_model_len: prompt and answer together [tokens]
#   GPU_UTIL  share of the GPU's memory that vLLM may use
# Example: serve/serve_vllm.sh outputs/llama-3.1-8b-qlora-32gb 8000 9 64000 0.90
set -euo pipefail
if [ $# -ne 5 ]; then
  sed -n '2,8s/^# //p' "$0" >&2
  exit 2
fi
seqctx=$(dirname "$(realpath "$0")")/../.venv/bin/seqctx
[ -x "$seqctx" ] || { echo "serve_vllm.sh: seqctx is not installed. Run 'make setup'." >&2; exit 3; }
exec "$seqctx" serve --set "vllm.port=$2" --set "vllm.max_num_seqs=$3" \
  --set "vllm.max_model_len=$4" --set "vllm.gpu_memory_utilization=$5" -- "$1"
