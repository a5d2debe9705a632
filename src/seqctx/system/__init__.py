"""This machine: files written whole or not at all, processes, environments, GPUs."""
