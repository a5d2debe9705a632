"""In-environment scripts: run in vLLM's own environment, without seqctx."""
