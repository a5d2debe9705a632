"""Manuscripts to examples: read, chunked by exact token count, split, written."""
