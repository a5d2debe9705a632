"""HTML pages and plots, made from data."""
