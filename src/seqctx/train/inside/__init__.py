"""Scripts that run inside Axolotl's environment: started as modules, never imported, by us."""
