"""Writes new files for the user, and proposes missing blocks."""
