"""HTML pages and plots from data; nothing here measures."""
