"""Scripts as they are read: statements, settings, psql's commands."""
