"""What runs in vLLM's own environment, without seqctx."""
