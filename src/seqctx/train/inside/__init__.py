"""Scripts that run inside .venv-train, with torch and Axolotl: started, never imported, by us."""
