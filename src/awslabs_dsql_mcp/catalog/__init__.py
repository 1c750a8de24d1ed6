"""The database catalog: queries, model, text."""
