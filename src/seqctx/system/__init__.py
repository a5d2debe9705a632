"""This machine: files written whole, processes, environments, GPUs."""
