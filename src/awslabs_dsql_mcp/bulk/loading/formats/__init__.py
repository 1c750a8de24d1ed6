"""Formats of files with rows: CSV, JSON Lines, JSON, Parquet."""
