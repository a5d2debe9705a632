"""Manuscripts of every format, read into one normalized text with spans over it."""
