"""Changes, confirmed by the user or by the token of a dry run."""
