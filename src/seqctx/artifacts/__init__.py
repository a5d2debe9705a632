"""What stages leave for one another: folders, manifests, records, statistics."""
