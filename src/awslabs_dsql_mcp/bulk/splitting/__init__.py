"""Statements split into batches by primary key."""
