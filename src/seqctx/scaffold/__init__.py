"""Files and blocks that are written for the user."""
