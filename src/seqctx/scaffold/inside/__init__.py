"""In-environment scripts of scaffold: they run inside .venv-train."""
