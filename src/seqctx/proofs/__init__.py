"""Claims that are proved by running a model in Axolotl's environment."""
