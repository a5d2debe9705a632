"""The file: its models, YAML with lines, and what is rendered from it."""
