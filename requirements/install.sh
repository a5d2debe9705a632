#!/usr/bin/env bash
# install.sh FOLDER LIST: makes the environment in FOLDER from a pin list, with uv.
# Where .venv does not have uv yet, pip brings it into a temporary folder, hashes verified.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python path=src
if ! "$python" -c 'import filelock, psutil, uv' 2>/dev/null; then
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  python=${PYTHON:-python3} path=src:$tmp/packages pip=$python
  if ! "$python" -m pip --version >/dev/null 2>&1; then  # such as Debian's own Python
    "$python" -m venv "$tmp/venv" && pip=$tmp/venv/bin/python
  fi
  "$pip" -m pip install -q --no-deps --require-hashes --target "$tmp/packages" \
    -r requirements/bootstrap.txt >"$tmp/log" 2>&1 ||
    { echo "$1: pip could not fetch uv: $(grep -m1 ERROR "$tmp/log" || tail -n1 "$tmp/log")" \
        "Check the network, and pip's settings of index, proxy and certificate." >&2
      exit 1; }
fi
PYTHONPATH=$path "$python" -m seqctx.system.install "$@"
