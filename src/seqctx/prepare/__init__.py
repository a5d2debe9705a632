"""Turns manuscripts into training examples: reads, cuts by exact token count, splits, writes."""
