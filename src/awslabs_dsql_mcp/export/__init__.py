"""Results written to files: CSV, JSON Lines, Parquet."""
