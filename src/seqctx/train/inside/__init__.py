"""Scripts that run inside Axolotl's environment, each as ``python -m seqctx.train.inside.NAME``."""
