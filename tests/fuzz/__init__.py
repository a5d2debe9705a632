"""Mutated inputs: whatever a file or a stream holds, it is read, or refused in one line."""
