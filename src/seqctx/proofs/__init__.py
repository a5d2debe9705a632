"""What is proved by running a tiny model in Axolotl's environment."""
