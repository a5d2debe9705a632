"""``python -m seqctx``."""

from seqctx.cli import main

main()
