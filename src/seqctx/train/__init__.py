"""Run Axolotl on a file, and keep a record of the run."""
