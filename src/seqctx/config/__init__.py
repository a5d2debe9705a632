"""The file: validated models, YAML with line numbers, defaults, and what is made from it."""
