#!/usr/bin/env bash
# Makes one environment from its pin list, with a line of progress: install.sh VENV LIST STAMP
# An installation that fails or is interrupted is removed; its log is VENV.log.
set -euo pipefail
venv=$1 list=$2 stamp=$3
start=$SECONDS
log=$venv.log
trap '[ -e "$stamp" ] || rm -rf "$venv"' EXIT
trap 'rm -f "$log"; exit 130' INT
trap 'exit 143' TERM HUP
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
total=$(grep -cE '^[a-zA-Z]' "$list")
echo "$venv: installing up to $total packages of $list"
if ! "$venv/bin/pip" install --no-deps --progress-bar off -r "$list" 2>&1 | tee "$log" |
  awk -v total="$total" -v tty="$([ -t 1 ] && echo 1)" '
    /^Collecting / { n++; if (tty) { printf "\r\033[K  %d/%d %s", n, total, $2; fflush() }
                     else if (n % 50 == 0) { printf "  %d/%d\n", n, total; fflush() } }
    /^Installing collected/ { if (tty) printf "\r\033[K"; print "  unpacking"; fflush() }'; then
  echo "$venv: pip failed: $(grep -m1 -E '^ERROR|No space left' "$log" || tail -n 1 "$log")" >&2
  echo "Mend that and run the same target again. The log is $log." >&2
  exit 1
fi
"$venv/bin/pip" install -q --no-deps --editable . >>"$log" 2>&1 ||
  { echo "$venv: seqctx could not be installed. See $log." >&2; exit 1; }
case $list in *train* | *serve*)
  "$venv/bin/python" -c 'import torch' 2>>"$log" ||
    { echo "$venv: torch does not load: $(tail -n 1 "$log")" >&2
      echo "Without an NVIDIA GPU it must be torch's CPU build; the README says where it comes from." >&2
      exit 1; } ;;
esac
mv "$log" "$venv/install.log"
touch "$stamp"
echo "$venv: $((SECONDS - start)) s, $(du -sm "$venv" | cut -f1) MB"
