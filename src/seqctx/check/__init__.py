"""Checking a file: rules on the file and on what is known beside it."""
