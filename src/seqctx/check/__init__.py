"""Finds problems in a file: rules on its keys and on what is known about model, GPU and data."""
