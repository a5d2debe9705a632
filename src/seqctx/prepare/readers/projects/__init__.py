"""Books of many files: which files are their chapters, in which order, and what is not the story."""
