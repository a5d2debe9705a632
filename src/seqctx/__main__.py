"""``python -m seqctx``."""

from seqctx.cli.start import start

start()
