"""What an agent can ask for; thin, and without MCP or psycopg in it."""
