"""``python -m seqctx``."""

from seqctx.cli.main import main

main()
