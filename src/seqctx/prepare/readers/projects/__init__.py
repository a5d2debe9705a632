"""Books of many files: their chapters, the order, and what is not the story."""
