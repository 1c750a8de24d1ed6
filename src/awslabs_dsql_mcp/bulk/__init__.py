"""Large writes in batches."""
