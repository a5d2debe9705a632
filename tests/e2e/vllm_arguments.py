"""Runs in .venv-serve: vLLM's own parser of command lines, a JSON list in, a JSON object out."""

from __future__ import annotations

import json
import logging
import sys

logging.disable(logging.CRITICAL)
real, sys.stdout = sys.stdout, sys.stderr

from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args  # noqa: E402
from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: E402

for line in sys.stdin:
    parsed = make_arg_parser(FlexibleArgumentParser()).parse_args(json.loads(line))
    validate_parsed_serve_args(parsed)
    print(json.dumps(vars(parsed), default=str), file=real, flush=True)
