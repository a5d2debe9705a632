"""Run Axolotl on a file, keep a record of the run, and merge what it trained."""
