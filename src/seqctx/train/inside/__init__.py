"""In-environment scripts: started as modules in Axolotl's environment, never imported."""
