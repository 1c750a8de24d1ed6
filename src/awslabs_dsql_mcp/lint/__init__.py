"""dsql-lint and this server's own lint rules."""
