"""What is measured of prepared text: coverage, motifs, near duplicates, statistics."""
