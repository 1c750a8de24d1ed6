"""Views: what a person sees of an answer, in clients that show the MCP Apps extension's HTML pages."""
