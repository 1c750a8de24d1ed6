"""One client session."""
