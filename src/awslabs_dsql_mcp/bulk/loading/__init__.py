"""Rows loaded from files and calls."""
