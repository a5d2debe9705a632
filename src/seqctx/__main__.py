"""``python -m seqctx``."""

from seqctx.cli.start import main

main()
