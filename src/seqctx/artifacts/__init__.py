"""What stages leave on disk for one another: folders, manifests, records, statistics."""
