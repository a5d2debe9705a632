"""Measures on a model, in Axolotl's environment, what a file only claims."""
