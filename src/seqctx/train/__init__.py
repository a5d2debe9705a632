"""Runs Axolotl on a file, keeps a record of the run, merges what it trained."""
